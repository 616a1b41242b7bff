/* Successors: batches made from another one, to try its failures again, to do it once more, or to go back. Each is a createBatch
 * whose members are those of the batch before, with what the command says laid over them: what a batch may be is judged there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/topic.h"
#include "plugin/control/call.h"
#include "plugin/rules/batch.h"
#include "plugin/store/prospect.h"

struct successor {
	struct ota_call *call;
	struct ota_batch from;
	struct ota_strategy strategy;
	cJSON *made; /* the createBatch */
	bool proven;
};

static int add(cJSON *object, const char *key, cJSON *item)
{
	if (item && cJSON_AddItemToObject(object, key, item))
		return 0;
	cJSON_Delete(item);
	return OTA_ENOMEM;
}

static int add_text(struct successor *successor, const char *key, const char *text)
{
	return ota_json_member(successor->made, key) ? 0 : add(successor->made, key, cJSON_CreateString(text));
}

static int add_integer(struct successor *successor, const char *key, int64_t number)
{
	return ota_json_member(successor->made, key) ? 0 : add(successor->made, key, cJSON_CreateNumber((double)number));
}

/* What the command says itself, where a createBatch has a member of that name. Its strategy is laid over another one, and the
 * envelope holds for the whole. */
static int said_add(struct successor *successor)
{
	const struct ota_command *create = ota_command_find("createBatch");
	static const char *const not_laid[] = { "command", "strategy", "dryRun", "ifRev", NULL };
	const cJSON *member;
	int failed = add_text(successor, "command", create->name);

	cJSON_ArrayForEach(member, successor->call->at.object)
	{
		bool own = false;

		for (const char *const *name = not_laid; *name; name++)
			own |= !strcmp(*name, member->string);
		if (!failed && !own && ota_command_parameter(create, member->string))
			failed = add(successor->made, member->string, cJSON_Duplicate(member, true));
	}
	return failed;
}

/* The times of the batch before are past. */
static int successor_begin(struct ota_call *call, struct successor *ret_successor, struct ota_error *error)
{
	struct successor successor = { .call = call };
	int failed = ota_call_batch(call, &successor.from, error);

	if (!failed)
		failed = ota_strategy_parse_text(successor.from.strategy, &successor.strategy, error);
	if (failed)
		return failed;
	successor.strategy.start_at_ms = successor.strategy.end_at_ms = 0;
	successor.made = cJSON_CreateObject();
	*ret_successor = successor;
	return successor.made ? said_add(ret_successor) : OTA_ENOMEM;
}

static int strategy_add(struct successor *successor, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	const cJSON *over = NULL;

	ota_json_object(successor->call->at, "strategy", &over, NULL);
	int failed = over ? ota_strategy_change(over, "strategy", &successor->strategy, error) : 0;
	if (!failed)
		failed = ota_strategy_print(&successor->strategy, &text);
	return failed ? failed : add(successor->made, "strategy", cJSON_Parse(text.data));
}

/* Everything a createBatch needs beyond its devices, as the batch before had it. */
static int rest_add(struct successor *successor, const char *name, struct ota_error *error)
{
	const struct ota_batch *from = &successor->from;
	bool verifies = from->kind == OTA_BATCH_VERIFY; /* else static: a dynamic one goes on by itself */
	int failed = add_integer(successor, "package", from->package_id);

	if (!failed)
		failed = add_text(successor, "kind", verifies ? "verify" : "static");
	if (!failed && *name)
		failed = add_text(successor, "name", name);
	if (!failed && *from->tags && !ota_json_member(successor->made, "tags"))
		failed = add(successor->made, "tags", cJSON_Parse(from->tags));
	return failed ? failed : strategy_add(successor, error);
}

static int successor_create(struct successor *successor, struct ota_error *error)
{
	struct ota_call create = *successor->call;

	create.command = ota_command_find("createBatch");
	create.at.object = successor->made;
	create.proven = successor->proven;
	int failed = ota_command_check(create.command, successor->made, create.at.prefix, error);
	return failed ? failed : ota_handle_create_batch(&create, error);
}

static int successor_end(struct successor *successor, int failed, struct ota_error *error)
{
	if (!failed)
		failed = successor_create(successor, error);
	cJSON_Delete(successor->made);
	return failed;
}

static void name_of(const struct successor *successor, const char *what, char name[OTA_LABEL_MAX + 1])
{
	snprintf(name, OTA_LABEL_MAX + 1, "%s of batch %lld", what, (long long)successor->from.id);
}

/* {"batch":7,"state":"failed","causes":[...]} */
static int targets_of_batch(struct successor *successor, int64_t batch, const char *state, const cJSON *causes)
{
	cJSON *targets = cJSON_AddObjectToObject(successor->made, "targets");
	int failed = targets ? add(targets, "batch", cJSON_CreateNumber((double)batch)) : OTA_ENOMEM;

	if (!failed && *state)
		failed = add(targets, "state", cJSON_CreateString(state));
	if (!failed && cJSON_GetArraySize(causes) > 0)
		failed = add(targets, "causes", cJSON_Duplicate(causes, true));
	return failed;
}

/* A device may have other work by now: it is left out, for the newer order was given with open eyes. */
int ota_handle_retry_batch(struct ota_call *call, struct ota_error *error)
{
	struct successor successor = {0};
	char name[OTA_LABEL_MAX + 1];
	const cJSON *causes = NULL;
	int failed = successor_begin(call, &successor, error);

	name_of(&successor, "retry", name);
	ota_json_array(call->at, "causes", &causes, NULL);
	if (!failed)
		failed = targets_of_batch(&successor, successor.from.id, "failed", causes);
	if (!failed)
		failed = add_text(&successor, "onConflict", "skip");
	if (!failed)
		failed = rest_add(&successor, name, error);
	return successor_end(&successor, failed, error);
}

static int names_copy(struct successor *successor, cJSON *targets, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_prospect *rows = calloc(OTA_NAMES_MAX + 1, sizeof(*rows));
	const struct ota_prospect_filter all = { successor->from.product_key, successor->from.module, "" };
	cJSON *array = cJSON_AddArrayToObject(targets, "names");
	size_t count = 0;

	if (!rows || !array)
		return OTA_ENOMEM;
	int failed = ota_prospect_list_named(successor->call->store, successor->from.id, &all, rows, OTA_NAMES_MAX + 1, &count,
					     error);
	if (count > OTA_NAMES_MAX)
		return ota_fail_at(error, OTA_ELIMIT, "targets", "batch %lld lists more than %d names: say targets",
				   (long long)successor->from.id, OTA_NAMES_MAX);
	for (size_t i = 0; !failed && i < count; i++) {
		cJSON *name = cJSON_CreateString(rows[i].device.identity.device_name);

		failed = name && cJSON_AddItemToArray(array, name) ? 0 : OTA_ENOMEM;
	}
	return failed;
}

/* The source of the batch before, in the words of createBatch. */
static int source_copy(struct successor *successor, struct ota_error *error)
{
	const struct ota_batch *from = &successor->from;
	OTA_AUTO_JSON cJSON *causes = cJSON_CreateArray();
	char state[OTA_SOURCE_TEXT_MAX + 1];
	struct ota_source source;
	int failed = ota_source_parse(from->source_state, &source, error);

	for (int cause = 0; !failed && cause < OTA_CAUSES; cause++) {
		if (source.causes >> cause & 1)
			cJSON_AddItemToArray(causes, cJSON_CreateString(ota_cause_word((enum ota_cause)cause)));
	}
	ota_text_cut(state, sizeof(state), from->source_state);
	state[strcspn(state, " ")] = '\0';
	return failed ? failed : targets_of_batch(successor, from->source_batch, state, causes);
}

static int targets_copy(struct successor *successor, struct ota_error *error)
{
	const struct ota_batch *from = &successor->from;
	struct ota_batch_where where;

	if (from->source_batch)
		return source_copy(successor, error);
	cJSON *targets = cJSON_AddObjectToObject(successor->made, "targets");
	if (!targets)
		return OTA_ENOMEM;
	if (!from->all_devices)
		return names_copy(successor, targets, error);
	int failed = ota_batch_find_where(successor->call->store, from->id, &where, error);
	if (failed == OTA_ENOTFOUND)
		return add(targets, "all", cJSON_CreateTrue());
	return failed ? failed : add(targets, "where", cJSON_CreateString(where.expression));
}

/* The version alone names a package of the same product and module. */
static int version_take(struct successor *successor, struct ota_error *error)
{
	struct ota_batch *from = &successor->from;
	struct ota_package package;
	char version[OTA_VERSION_MAX + 1];

	ota_call_text(successor->call, "version", "", version, sizeof(version));
	from->package_id = ota_call_integer(successor->call, "package", from->package_id);
	if (!*version)
		return 0;
	int failed = ota_package_find(successor->call->store, from->product_key, from->module, version, &package, error);
	if (failed)
		return failed == OTA_ENOTFOUND
			       ? ota_fail_at(error, failed, "version", "product %s has no package %s of module %s",
					     from->product_key, version, from->module)
			       : failed;
	cJSON_DeleteItemFromObjectCaseSensitive(successor->made, "version");
	from->package_id = package.id;
	return 0;
}

static const char *conflict_word(const struct ota_batch *batch)
{
	return batch->supersedes ? "supersede" : batch->skip_conflicts ? "skip" : "reject";
}

int ota_handle_clone_batch(struct ota_call *call, struct ota_error *error)
{
	struct successor successor = {0};
	int failed = successor_begin(call, &successor, error);

	if (!failed)
		failed = version_take(&successor, error);
	if (!failed && !ota_json_member(successor.made, "targets"))
		failed = targets_copy(&successor, error);
	if (!failed)
		failed = add_text(&successor, "kind", ota_batch_kind_word(successor.from.kind));
	if (!failed)
		failed = add_text(&successor, "onConflict", conflict_word(&successor.from));
	if (!failed)
		failed = rest_add(&successor, successor.from.name, error);
	return successor_end(&successor, failed, error);
}

/* The package to go back to: the one that was said, or what the devices ran before, which is proven by that. */
static int back_choose(struct successor *successor, struct ota_error *error)
{
	struct ota_package before;
	struct ota_error why = {0};
	bool said = ota_json_member(successor->made, "package") || ota_json_member(successor->made, "version");
	int64_t bad = successor->from.package_id;
	int failed = ota_engine_package_before(successor->call->control->options.engine, &successor->from, &before, &why);
	bool known = !failed;

	if (!known && !said) {
		*error = why;
		return failed;
	}
	if (!said)
		successor->from.package_id = before.id;
	failed = said ? version_take(successor, error) : 0;
	if (failed)
		return failed;
	if (successor->from.package_id == bad)
		return ota_fail_at(error, OTA_EINVALID, "version", "version %s is what batch %lld rolled out",
				   successor->from.version, (long long)successor->from.id);
	successor->proven = known && successor->from.package_id == before.id;
	return 0;
}

/* Who goes back wants nobody else to go forward: what the batch has not sent yet is taken back. */
static int forward_stop(struct ota_call *call, const struct ota_batch *from, struct ota_error *error)
{
	struct ota_batch batch = *from;
	const struct ota_batch_rule *rule = ota_batch_decide(batch.state, OTA_BATCH_EVENT_CANCEL);
	char reason[2 * OTA_REASON_MAX];

	if (!rule->allowed || batch.state == OTA_BATCH_CANCELED)
		return 0;
	snprintf(reason, sizeof(reason), "rolled back by %s%s%s", call->operator.name, *call->reason ? ": " : "", call->reason);
	ota_text_cut(batch.reason, sizeof(batch.reason), reason);
	batch.state = rule->to;
	batch.canceling = true;
	int failed = ota_batch_save(call->store, &batch, error);
	return failed ? failed
		      : ota_call_note(call, (struct ota_call_subject){ batch.product_key, &batch }, "batch_canceled",
				      "rolled back", error);
}

int ota_handle_roll_back_batch(struct ota_call *call, struct ota_error *error)
{
	struct successor successor = {0};
	char name[OTA_LABEL_MAX + 1];
	int failed = successor_begin(call, &successor, error);
	struct ota_batch from = successor.from;

	name_of(&successor, "rollback", name);
	if (!failed)
		failed = back_choose(&successor, error);
	if (!failed)
		failed = ota_engine_strategy_back(&from, &successor.strategy, error);
	if (!failed)
		failed = targets_of_batch(&successor, from.id, "installed", NULL);
	if (!failed)
		failed = add_text(&successor, "onConflict", "skip");
	if (!failed)
		failed = add_text(&successor, "kind", "static");
	if (!failed)
		failed = rest_add(&successor, name, error);
	if (!failed)
		failed = forward_stop(call, &from, error);
	return successor_end(&successor, failed, error);
}

/* What a file says of the strategy: without `all` only what is at no default, its times too. */
static int strategy_tell(struct successor *successor, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_strategy strategy;
	int failed = ota_strategy_parse_text(successor->from.strategy, &strategy, error);

	if (!failed)
		failed = ota_call_bool(successor->call, "all") ? ota_strategy_print(&strategy, &text)
							       : ota_strategy_print_said(&strategy, &text);
	if (failed || strcmp(text.data, "{}") == 0)
		return failed;
	return add(successor->made, "strategy", cJSON_Parse(text.data));
}

/* The package by its names, so that the file is understood where ids are others. */
static int names_tell(struct successor *successor)
{
	const struct ota_batch *from = &successor->from;
	bool is_default = !strcmp(from->module, OTA_MODULE_DEFAULT);
	int failed = *from->name ? add_text(successor, "name", from->name) : 0;

	if (!failed)
		failed = add_text(successor, "productKey", from->product_key);
	if (!failed && (!is_default || ota_call_bool(successor->call, "all")))
		failed = add_text(successor, "module", from->module);
	if (!failed)
		failed = add_text(successor, "version", from->version);
	return failed ? failed : add_text(successor, "kind", ota_batch_kind_word(from->kind));
}

static int order_tell(struct successor *successor, struct ota_error *error)
{
	const struct ota_batch *from = &successor->from;
	const char *conflict = conflict_word(from);
	int failed = names_tell(successor);

	if (!failed)
		failed = targets_copy(successor, error);
	if (!failed)
		failed = strategy_tell(successor, error);
	if (!failed && *from->tags)
		failed = add(successor->made, "tags", cJSON_Parse(from->tags));
	if (!failed && strcmp(conflict, "reject") != 0)
		failed = add_text(successor, "onConflict", conflict);
	return failed ? failed : ota_json_write(successor->made, successor->call->out);
}

/* What a clone would be made of, told instead of made. */
int ota_handle_export_batch(struct ota_call *call, struct ota_error *error)
{
	struct successor successor = { .call = call, .made = cJSON_CreateObject() };
	int failed = successor.made ? ota_call_batch(call, &successor.from, error) : OTA_ENOMEM;

	if (!failed)
		failed = order_tell(&successor, error);
	cJSON_Delete(successor.made);
	return failed;
}
