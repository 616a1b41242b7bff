#include "plugin/rules/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tags.h"
#include "common/text.h"
#include "common/topic.h"
#include "plugin/control/call.h"
#include "plugin/control/plan.h"

struct conflicts {
	int64_t count;
	char names[OTA_TARGET_CONFLICTS_NAMED][OTA_DEVICE_NAME_MAX + 1];
	size_t named;
};

/* What a dry run finds out about those who are meant. */
struct judgement {
	struct ota_batch_counts counts; /* the exclusions alone */
	struct conflicts conflicts;
	bool estimated; /* told from a sample */
};

/* Whether the package may go to a batch of this kind at all. */
static int package_allow(const struct ota_call *call, const struct ota_package *package, enum ota_batch_kind kind,
			 struct ota_error *error)
{
	bool verified = call->proven ||
			(package->verification == OTA_VERIFIED && !strcmp(package->verified_sha256, package->full.sha256));

	if (package->yanked)
		return ota_fail_at(error, OTA_ECONFLICT, "package", "package %lld is yanked", (long long)package->id);
	if (kind == OTA_BATCH_VERIFY || verified)
		return 0;
	if (!ota_call_bool(call, "override"))
		return ota_fail_at(
			error, OTA_ECONFLICT, "package",
			"package %lld (%s) is %s: let a batch of kind verify pass first, or say override true with a reason",
			(long long)package->id, package->version,
			package->verification == OTA_VERIFICATION_FAILED ? "one that failed its verification" : "not verified");
	if (!*call->reason)
		return ota_fail_at(error, OTA_EINVALID, "reason", "override true needs a reason");
	return 0;
}

static int conflicts_refuse(char (*names)[OTA_DEVICE_NAME_MAX + 1], size_t named, int64_t count, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};

	for (size_t i = 0; i < named; i++)
		ota_bytes_format(&text, "%s%s", i ? ", " : "", names[i]);
	return ota_fail_at(error, OTA_ECONFLICT, "targets",
			   "%lld of the devices have an unfinished task of this module (%s%s); onConflict skip leaves them out,"
			   " supersede takes them over",
			   (long long)count, text.data ? text.data : "", (int64_t)named < count ? ", ..." : "");
}

/* A batch made a moment ago has no tasks yet: what is made meanwhile would be prepared after it and find every device taken. */
static int preparing_refuse(struct ota_call *call, const struct ota_conflict_scope *scope, struct ota_error *error)
{
	int64_t other = 0;
	int failed = ota_batch_find_preparing(call->store, scope, &other, error);

	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	return ota_fail_at(error, OTA_ECONFLICT, "targets",
			   "batch %lld is still being prepared for some of these devices; wait until it is running, or let"
			   " onConflict skip leave them out",
			   (long long)other);
}

/* What a dry run tells of one listed device, in the order of the preparation. */
static int target_judge(struct ota_call *call, const struct ota_batch *batch, const char *name, struct ota_batch_counts *counts,
			struct ota_error *error)
{
	struct ota_identity identity;
	struct ota_device device;
	struct ota_device_module module = {0};
	struct ota_task task;

	ota_identity_make(ota_span_from_text(batch->product_key), ota_span_from_text(name), &identity);
	int failed = ota_device_find(call->store, &identity, &device, error);
	if (failed == OTA_ENOTFOUND)
		counts->excluded_unknown++;
	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	failed = ota_device_module_find(call->store, device.id, batch->module, &module, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	bool at_target = !failed && !strcmp(module.version, batch->version);
	failed = ota_task_find_unfinished(call->store, device.id, batch->module, &task, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	bool barred = device.barred || device.disabled;
	counts->excluded_barred += barred;
	counts->excluded_at_target += !barred && at_target;
	counts->excluded_conflict += !barred && !at_target && !failed;
	return 0;
}

/* All devices: the kept counts say it without a walk. */
static int product_judge(struct ota_call *call, const struct ota_batch *batch, struct ota_batch_counts *counts,
			 struct ota_error *error)
{
	enum { VERSIONS = 500 };
	OTA_AUTO_FREE struct ota_version_count *rows = calloc(VERSIONS, sizeof(*rows));
	size_t count = 0;
	int failed = rows ? ota_version_distribution(call->store, batch->product_key, batch->module, rows, VERSIONS, &count,
						     error)
			  : OTA_ENOMEM;

	for (size_t i = 0; !failed && i < count; i++) {
		if (!strcmp(rows[i].version, batch->version))
			counts->excluded_at_target += rows[i].count;
	}
	return failed;
}

/* How many devices an expression means, and what would come of them. */
static int where_judge(struct ota_call *call, struct ota_batch *batch, const char *expression, struct judgement *judgement,
		       struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_target *target = malloc(sizeof(*target));
	struct ota_target_scope scope = ota_call_scope(call, target, batch->product_key, batch->module);
	struct ota_batch_counts *counts = &judgement->counts;
	struct ota_target_tally tally;

	if (!target)
		return OTA_ENOMEM;
	scope.version = batch->version;
	int failed = ota_target_parse(ota_span_from_text(expression), target, error);
	if (!failed)
		failed = ota_target_count(call->store, &scope, batch->total, &tally, error);
	if (failed)
		return failed;
	batch->total = tally.count;
	counts->excluded_at_target = tally.fates[OTA_TARGET_FATE_AT_TARGET];
	counts->excluded_barred = tally.fates[OTA_TARGET_FATE_BARRED];
	counts->excluded_conflict = tally.fates[OTA_TARGET_FATE_CONFLICT];
	judgement->conflicts.count = counts->excluded_conflict;
	judgement->conflicts.named = tally.named;
	memcpy(judgement->conflicts.names, tally.conflicts, sizeof(tally.conflicts));
	judgement->estimated = tally.estimated;
	return 0;
}

/* Who is meant: one of three. */
struct meant {
	const cJSON *names;     /* NULL = not by name */
	const char *expression; /* NULL = not by expression */
};

static int targets_judge(struct ota_call *call, struct ota_batch *batch, const struct meant *meant,
			 struct judgement *judgement, struct ota_error *error)
{
	const cJSON *name;
	int failed = 0;

	if (meant->expression)
		return where_judge(call, batch, meant->expression, judgement, error);
	if (batch->all_devices)
		return product_judge(call, batch, &judgement->counts, error);
	cJSON_ArrayForEach(name, meant->names)
	{
		if (!failed)
			failed = target_judge(call, batch, name->valuestring, &judgement->counts, error);
	}
	return failed;
}

/* Told where it is not a matter of course: of a product whose devices download over MQTT, unless this package cannot go that way.
 * Devices may have a way of their own. */
static int delivery_answer(struct ota_call *call, const struct ota_package *package, struct ota_error *error)
{
	struct ota_product product;
	int failed = ota_product_find(call->store, package->product_key, &product, error);

	if (!failed && product.delivery == OTA_DELIVERY_MQTT)
		ota_answer_text(call->out, "delivery", ota_engine_can_stream(package) ? "mqtt" : "http");
	return failed;
}

static int dry_run_answer(struct ota_call *call, struct ota_batch *batch, const struct ota_package *package,
			  const struct meant *meant, const struct conflicts *conflicts, struct ota_error *error)
{
	bool by_counts = batch->all_devices && !meant->expression;
	struct judgement judgement = { .counts.excluded_conflict = by_counts ? conflicts->count : 0, .conflicts = *conflicts };
	const struct ota_batch_counts *counts = &judgement.counts;
	struct ota_package_files files;
	int failed = ota_package_files(call->store, package, &files, error);

	if (!failed)
		failed = targets_judge(call, batch, meant, &judgement, error);
	if (failed)
		return failed;
	int64_t taken = batch->supersedes ? counts->excluded_conflict : 0;
	judgement.counts.excluded_conflict -= taken;
	int64_t matches = batch->total - ota_batch_counts_sum(counts);
	matches = matches > 0 ? matches : 0; /* the kept counts of a whole product may name a device twice */
	ota_answer_open(call->out, NULL, '{');
	ota_answer_integer(call->out, "matches", matches);
	ota_answer_open(call->out, "excluded", '{');
	ota_answer_integer(call->out, "already_at_target", counts->excluded_at_target);
	ota_answer_integer(call->out, "conflict", counts->excluded_conflict);
	ota_answer_integer(call->out, "unknown_device", counts->excluded_unknown);
	ota_answer_integer(call->out, "barred", counts->excluded_barred);
	ota_answer_close(call->out, '}');
	ota_answer_open(call->out, "conflicts", '[');
	for (size_t i = 0; i < judgement.conflicts.named; i++)
		ota_answer_text(call->out, NULL, judgement.conflicts.names[i]);
	ota_answer_close(call->out, ']');
	ota_answer_integer_if(call->out, "supersedes", taken);
	ota_answer_integer(call->out, "bytes", matches * (int64_t)ota_package_size(&files));
	if (judgement.estimated)
		ota_answer_bool(call->out, "estimated", true);
	struct ota_plan plan = { .batch = batch, .package = package, .matches = matches };
	plan.conflicts = batch->supersedes ? 0 : conflicts->count;
	failed = delivery_answer(call, package, error);
	if (!failed)
		failed = ota_call_plan(call, &plan, error);
	ota_answer_close(call->out, '}');
	return failed;
}

/* A moment that is past is a slip of who typed it. */
static int times_allow(const struct ota_call *call, const struct ota_strategy *strategy, struct ota_error *error)
{
	int64_t now = call->now.wall_ms;

	if (strategy->start_at_ms && strategy->start_at_ms <= now)
		return ota_fail_at(error, OTA_EINVALID, "strategy.startAt", "startAt is past; leave it out to begin at once");
	if (strategy->end_at_ms && strategy->end_at_ms <= now)
		return ota_fail_at(error, OTA_EINVALID, "strategy.endAt", "endAt is past");
	return 0;
}

static int strategy_read(const struct ota_call *call, struct ota_strategy *ret_strategy, struct ota_error *error)
{
	const cJSON *object = NULL;

	/* As on a machine without a battery-backed clock before its time server answered: the end would be long past then. */
	if (call->now.wall_ms < OTA_WALL_LEAST_MS)
		return ota_fail(error, OTA_EUNAVAILABLE,
				"the server's clock stands before 2023, and a batch ends at a date: set it first");
	ota_json_object(call->at, "strategy", &object, NULL);
	int failed = ota_strategy_parse(object, "strategy", ret_strategy, error);
	if (!failed)
		failed = ota_call_check_zone(ret_strategy, error);
	return failed ? failed : times_allow(call, ret_strategy, error);
}

/* Judged with the package's own, beside which they travel. */
static int tags_keep(const struct ota_call *call, const struct ota_package *package, struct ota_batch *batch,
		     struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *merged = NULL;
	const cJSON *object = NULL;

	ota_json_object(call->at, "tags", &object, NULL);
	int failed = ota_call_keep_tags(object, batch->tags);
	return failed ? failed : ota_tags_merge(package->ext_data, batch->tags, "tags", &merged, error);
}

/* The row of the batch from the command and its package. */
static int batch_fill(struct ota_call *call, const struct ota_package *package, struct ota_batch *batch, struct ota_error *error)
{
	char kind[16], conflict[16];
	struct ota_strategy strategy;

	ota_call_text(call, "kind", "", kind, sizeof(kind));
	ota_call_text(call, "onConflict", "reject", conflict, sizeof(conflict));
	ota_call_text(call, "name", "", batch->name, sizeof(batch->name));
	ota_batch_kind_parse(kind, &batch->kind);
	batch->skip_conflicts = !strcmp(conflict, "skip");
	batch->supersedes = !strcmp(conflict, "supersede");
	ota_text_cut(batch->created_by, sizeof(batch->created_by), call->operator.name);
	int failed = tags_keep(call, package, batch, error);
	if (!failed)
		failed = strategy_read(call, &strategy, error);
	return failed ? failed
		      : ota_engine_batch_fill(call->control->options.engine, package, &strategy, call->now, batch, error);
}

/* What a database cannot look up is refused now, not found out when the batch is prepared. */
static int where_try(const struct ota_call *call, const struct ota_batch *batch, const struct ota_target *target,
		     struct ota_error *error)
{
	const struct ota_target_scope scope = ota_call_scope(call, target, batch->product_key, batch->module);
	struct ota_target_walk walk = {0};
	struct ota_prospect first;
	struct ota_error own = {0};
	size_t count;
	int failed = ota_target_next(call->store, &scope, &walk, &first, 1, &count, &own);

	return failed ? ota_fail_at(error, failed, "targets.where", "%s", own.text) : 0;
}

/* Causes were checked by their shapes; here by what a task can fail of. */
static int source_causes(struct ota_json_place at, int64_t *ret_causes, struct ota_error *error)
{
	const cJSON *array = NULL, *item;

	ota_json_array(at, "causes", &array, NULL);
	cJSON_ArrayForEach(item, array)
	{
		enum ota_cause cause;

		if (!ota_cause_parse(item->valuestring, &cause) || !ota_cause_is_failure(cause))
			return ota_fail_at(error, OTA_EINVALID, "targets.causes", "no task fails of \"%.64s\"",
					   item->valuestring);
		*ret_causes |= (int64_t)1 << cause;
	}
	return 0;
}

/* The devices of another batch, or a part of them. */
static int source_fill(struct ota_call *call, struct ota_json_place at, struct ota_batch *batch, struct ota_error *error)
{
	struct ota_source source = {0};
	struct ota_batch other;
	char state[16] = "";
	int64_t id = 0;

	ota_json_integer(at, "batch", 1, OTA_INTEGER_MAX, &id, NULL);
	ota_json_text(at, "state", state, sizeof(state), NULL);
	int failed = ota_batch_load(call->store, id, &other, error);
	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "targets.batch", "batch %lld does not exist", (long long)id);
	if (!failed && strcmp(other.product_key, batch->product_key) != 0)
		return ota_fail_at(error, OTA_EINVALID, "targets.batch", "batch %lld is of product %s, this one of %s",
				   (long long)id, other.product_key, batch->product_key);
	if (!failed)
		failed = ota_source_parse(state, &source, error);
	if (!failed)
		failed = source_causes(at, &source.causes, error);
	if (failed)
		return failed;
	if (source.state == OTA_SOURCE_INSTALLED && strcmp(other.module, batch->module) != 0)
		return ota_fail_at(error, OTA_EINVALID, "targets.state",
				   "who has installed module %s is not asked for module %s: say state succeeded", other.module,
				   batch->module);
	batch->source_batch = id;
	batch->total = other.total;
	ota_source_print(&source, batch->source_state);
	return 0;
}

/* What a dynamic batch means may grow. */
static int kind_allow(const struct ota_batch *batch, struct ota_error *error)
{
	if (batch->kind != OTA_BATCH_DYNAMIC || batch->all_devices)
		return 0;
	return ota_fail_at(error, OTA_EINVALID, "kind",
			   "a dynamic batch takes devices as they come: name them by all or where; a list of names and the"
			   " devices of another batch are for kind static");
}

static int targets_fill(struct ota_call *call, struct ota_batch *batch, struct meant *ret_meant, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_target *target = NULL;
	const cJSON *targets = NULL, *where;
	struct ota_product product;
	int failed = ota_product_find(call->store, batch->product_key, &product, error);

	ota_json_object(call->at, "targets", &targets, NULL);
	struct ota_json_place at = { .object = targets, .prefix = "targets" };
	where = ota_json_member(targets, "where");
	ota_json_bool(at, "all", &batch->all_devices, NULL);
	batch->all_devices |= where != NULL;
	ota_json_array(at, "names", &ret_meant->names, NULL);
	batch->total = batch->all_devices ? product.devices : cJSON_GetArraySize(ret_meant->names);
	if (!failed && ota_json_member(targets, "batch"))
		failed = source_fill(call, at, batch, error);
	if (!failed)
		failed = kind_allow(batch, error);
	if (failed || !where)
		return failed;
	ret_meant->expression = where->valuestring;
	failed = ota_call_where(where, "targets.where", &target, error);
	if (!failed)
		failed = ota_call_where_groups(call, batch->product_key, target, "targets.where", error);
	return failed ? failed : where_try(call, batch, target, error);
}

static int targets_keep(struct ota_call *call, const struct ota_batch *batch, const struct meant *meant, struct ota_error *error)
{
	const cJSON *name;
	int failed = meant->expression ? ota_batch_insert_where(call->store, batch->id, meant->expression, error) : 0;

	cJSON_ArrayForEach(name, meant->names)
	{
		if (!failed)
			failed = ota_batch_insert_target(call->store, batch->id, name->valuestring, error);
	}
	return failed;
}

static int verification_begin(struct ota_call *call, const struct ota_batch *batch, struct ota_package *package,
			      struct ota_error *error)
{
	if (batch->kind != OTA_BATCH_VERIFY || package->verification == OTA_VERIFIED)
		return 0;
	package->verification = OTA_VERIFYING;
	return ota_package_save(call->store, package, error);
}

/* Everything that may be refused is refused before the answer; the tasks themselves are prepared in chunks by the engine. */
static int batch_begin(struct ota_call *call, struct ota_batch *batch, struct ota_package *package, struct ota_error *error)
{
	struct conflicts conflicts = {0};
	struct meant meant = {0};
	int failed = targets_fill(call, batch, &meant, error);

	if (!failed)
		failed = ota_batch_insert(call->store, batch, error);
	if (!failed)
		failed = targets_keep(call, batch, &meant, error);
	const struct ota_conflict_scope scope = { batch->id, batch->product_key, batch->module, batch->all_devices };
	if (!failed)
		failed = ota_task_count_conflicts(call->store, &scope, &conflicts.count, conflicts.names,
						  OTA_TARGET_CONFLICTS_NAMED, &conflicts.named, error);
	if (failed)
		return failed;
	if (call->undo)
		return dry_run_answer(call, batch, package, &meant, &conflicts, error);
	bool rejects = !batch->skip_conflicts && !batch->supersedes;
	if (conflicts.count && rejects && !meant.expression) /* who is meant by one is known once it is prepared */
		return conflicts_refuse(conflicts.names, conflicts.named, conflicts.count, error);
	failed = batch->skip_conflicts ? 0 : preparing_refuse(call, &scope, error);
	if (failed)
		return failed;
	ota_engine_look(call->control->options.engine);
	failed = verification_begin(call, batch, package, error);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){ batch->product_key, batch }, "batch_created",
				       ota_call_bool(call, "override") ? "package not verified, overridden" : batch->name, error);
	return failed ? failed : ota_call_batch_answer(call, batch, NULL, error);
}

int ota_handle_create_batch(struct ota_call *call, struct ota_error *error)
{
	struct ota_batch batch = { .created_ms = call->now.wall_ms, .rev = 1, .state = OTA_BATCH_PLANNED };
	struct ota_package package;
	int failed = ota_call_package(call, &package, error);

	if (!failed)
		failed = batch_fill(call, &package, &batch, error);
	if (!failed)
		failed = package_allow(call, &package, batch.kind, error);
	return failed ? failed : batch_begin(call, &batch, &package, error);
}

int ota_handle_get_batch(struct ota_call *call, struct ota_error *error)
{
	struct ota_batch batch;
	int failed = ota_call_batch(call, &batch, error);

	if (!failed)
		failed = ota_call_batch_open(call, &batch, NULL, error);
	if (!failed)
		failed = ota_call_ladder(call, &batch, error);
	if (!failed)
		failed = ota_call_progress(call, &batch, error);
	if (!failed)
		ota_answer_close(call->out, '}');
	return failed;
}

int ota_handle_list_batches(struct ota_call *call, struct ota_error *error)
{
	char product_key[OTA_PRODUCT_KEY_MAX + 1], word[16];
	enum ota_batch_state state = OTA_BATCH_STATES;
	size_t limit = ota_call_limit(call), count = 0, i = 0;
	OTA_AUTO_FREE struct ota_batch *rows = calloc(limit, sizeof(*rows));
	int64_t before;
	int failed = rows ? ota_call_after_id(call, &before, error) : OTA_ENOMEM;

	ota_call_text(call, "productKey", "", product_key, sizeof(product_key));
	ota_call_text(call, "state", "", word, sizeof(word));
	bool by_state = ota_batch_state_parse(word, &state);
	if (!failed)
		failed = ota_batch_list(call->store, &(struct ota_batch_filter){product_key, by_state ? (int)state : -1, before},
					rows, limit, &count, error);
	if (failed)
		return failed;
	ota_page_open(call);
	for (; !failed && i < count && ota_page_has_room(call); i++)
		failed = ota_call_batch_answer(call, &rows[i], NULL, error);
	ota_page_close_id(call, i && (i < count || count == limit) ? rows[i - 1].id : 0);
	return failed;
}

/* Moves a batch by the table because an operator said so. */
static int batch_command(struct ota_call *call, enum ota_batch_event event, const char *word, struct ota_batch *ret_batch,
			 struct ota_error *error)
{
	int failed = ota_call_batch(call, ret_batch, error);

	if (failed)
		return failed;
	const struct ota_batch_rule *rule = ota_batch_decide(ret_batch->state, event);
	if (!rule->allowed)
		return ota_fail_at(error, OTA_ECONFLICT, "batch", "cannot %s batch %lld: %s", ota_batch_event_word(event),
				   (long long)ret_batch->id, rule->text);
	char reason[2 * OTA_REASON_MAX];
	snprintf(reason, sizeof(reason), "%s by %s%s%s", word, call->operator.name, *call->reason ? ": " : "", call->reason);
	ota_text_cut(ret_batch->reason, sizeof(ret_batch->reason), reason);
	ret_batch->state = rule->to;
	return 0;
}

static int batch_save_and_answer(struct ota_call *call, struct ota_batch *batch, const char *event, const char *detail,
				 struct ota_error *error)
{
	int failed = ota_batch_save(call->store, batch, error);

	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){ batch->product_key, batch }, event, detail, error);
	return failed ? failed : ota_call_batch_answer(call, batch, NULL, error);
}

int ota_handle_pause_batch(struct ota_call *call, struct ota_error *error)
{
	struct ota_batch batch;
	int failed = batch_command(call, OTA_BATCH_EVENT_PAUSE, "paused", &batch, error);

	if (!failed)
		failed = ota_engine_pause_batch(call->control->options.engine, &batch, call->now, error);
	return failed ? failed : batch_save_and_answer(call, &batch, "batch_paused", "", error);
}

int ota_handle_resume_batch(struct ota_call *call, struct ota_error *error)
{
	struct ota_batch batch;
	int failed = batch_command(call, OTA_BATCH_EVENT_RESUME, "resumed", &batch, error);

	if (!failed)
		failed = ota_batch_mark_resumed(call->store, batch.id, error);
	if (failed)
		return failed;
	failed = ota_engine_resume_batch(call->control->options.engine, &batch, call->now, error);
	return failed ? failed : batch_save_and_answer(call, &batch, "batch_resumed", "", error);
}

/* One that still walks may be told to do more, not less. An ask walks them all once more: who refused may think better of it. */
static void level_raise(struct ota_batch *batch, const char *word)
{
	enum ota_cancel_level level = OTA_CANCEL_WITHDRAWS;

	ota_cancel_level_parse(word, &level);
	if (!batch->canceling || level > batch->cancel_level)
		batch->cancel_level = level;
	batch->canceling = true;
	batch->cancel_after = 0;
}

int ota_handle_cancel_batch(struct ota_call *call, struct ota_error *error)
{
	struct ota_batch batch;
	char level[16];
	int failed = batch_command(call, OTA_BATCH_EVENT_CANCEL, "canceled", &batch, error);

	if (failed)
		return failed;
	ota_call_text(call, "level", "withdraw", level, sizeof(level));
	ota_engine_look(call->control->options.engine);
	level_raise(&batch, level);
	return batch_save_and_answer(call, &batch, "batch_canceled", level, error);
}
