#include "plugin/control/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/credential.h"
#include "common/file.h"
#include "common/text.h"
#include "plugin/control/call.h"

/* In the event log: ten at once, then one a minute. */
static const struct ota_pace_rate refusal_rate = { .count = 1, .period_ms = OTA_MINUTE_MS, .burst = 10 };

enum { COMMANDS_MAX = 64, ANSWERS_KEPT_MS = 7 * OTA_DAY_MS };
/* What every command of a request can still be told when the answers before it took the room: its name and correlation, 128 bytes
 * each that escapes may double, and the one sentence. */
enum { TERSE_ANSWER_MAX = 4 * OTA_LABEL_MAX + 192 };

/* clang-format off */
static const struct {
	const char *command;
	ota_handler *handle;
} handlers[] = {
	{ "getServer",           ota_handle_get_server },
	{ "createProduct",       ota_handle_create_product },
	{ "updateProduct",       ota_handle_update_product },
	{ "listProducts",        ota_handle_list_products },
	{ "getProduct",          ota_handle_get_product },
	{ "registerDevices",     ota_handle_register_devices },
	{ "importDevices",       ota_handle_import_devices },
	{ "tagDevices",          ota_handle_tag_devices },
	{ "renewSecret",         ota_handle_renew_secret },
	{ "getDevice",           ota_handle_get_device },
	{ "explainDevice",       ota_handle_explain_device },
	{ "listDevices",         ota_handle_list_devices },
	{ "versionDistribution", ota_handle_version_distribution },
	{ "addToGroup",          ota_handle_add_to_group },
	{ "removeFromGroup",     ota_handle_remove_from_group },
	{ "listGroups",          ota_handle_list_groups },
	{ "getGroup",            ota_handle_get_group },
	{ "listGroupMembers",    ota_handle_list_group_members },
	{ "deleteGroup",         ota_handle_delete_group },
	{ "addFile",             ota_handle_add_file },
	{ "addPackage",          ota_handle_add_package },
	{ "listPackages",        ota_handle_list_packages },
	{ "getPackage",          ota_handle_get_package },
	{ "yankPackage",         ota_handle_yank_package },
	{ "linkPackage",         ota_handle_link_package },
	{ "createBatch",         ota_handle_create_batch },
	{ "listBatches",         ota_handle_list_batches },
	{ "getBatch",            ota_handle_get_batch },
	{ "exportBatch",         ota_handle_export_batch },
	{ "listTasks",           ota_handle_list_tasks },
	{ "getTask",             ota_handle_get_task },
	{ "listEvents",          ota_handle_list_events },
	{ "retryBatch",          ota_handle_retry_batch },
	{ "cloneBatch",          ota_handle_clone_batch },
	{ "rollbackBatch",       ota_handle_roll_back_batch },
	{ "pauseBatch",          ota_handle_pause_batch },
	{ "resumeBatch",         ota_handle_resume_batch },
	{ "advanceBatch",        ota_handle_advance_batch },
	{ "updateBatch",         ota_handle_update_batch },
	{ "confirmTasks",        ota_handle_confirm_tasks },
	{ "cancelBatch",         ota_handle_cancel_batch },
	{ "unbarDevice",         ota_handle_unbar_device },
	{ "disableDevice",       ota_handle_disable_device },
	{ "enableDevice",        ota_handle_enable_device },
	{ "reportTransfer",      ota_handle_report_transfer },
	{ "createToken",         ota_handle_create_token },
	{ "listTokens",          ota_handle_list_tokens },
	{ "revokeToken",         ota_handle_revoke_token },
	{ "backupServer",        ota_handle_backup_server },
	{ "checkServer",         ota_handle_check_server },
	{ "getJob",              ota_handle_get_job },
};
/* clang-format on */

static ota_handler *handler_find(const char *command)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (!strcmp(handlers[i].command, command))
			return handlers[i].handle;
	}
	abort(); /* a test proves that every row of the command table has its handler */
}

int ota_control_new(const struct ota_control_options *options, struct ota_control **ret_control, struct ota_error *error)
{
	struct ota_control *control = calloc(1, sizeof(*control));

	if (!control)
		return ota_fail(error, OTA_ENOMEM, "no memory for the control");
	control->options = *options;
	*ret_control = control;
	return 0;
}

struct ota_control *ota_control_free(struct ota_control *control)
{
	if (control)
		control->vault = ota_vault_free(control->vault);
	free(control);
	return NULL;
}

int ota_control_bootstrap(struct ota_control *control, const char *directory, struct ota_instant now, struct ota_error *error)
{
	struct ota_operator admin = { .name = "admin", .role = "admin", .created_ms = now.wall_ms };
	char token[OTA_TOKEN_SIZE + 1], path[4096];
	int64_t count;
	int failed = ota_operator_count(control->options.store, &count, error);

	if (failed || count)
		return failed;
	if (!ota_file_join(path, sizeof(path), directory, "admin.token"))
		return ota_fail(error, OTA_ELIMIT, "the store directory's name is too long");
	if (ota_token_new(token))
		return ota_fail(error, OTA_EIO, "no random bytes for the admin token");
	ota_token_hash(ota_span_from_text(token), admin.token_hash);
	/* The file first: a hash without its token would lock the operator out for ever. A kill in between makes a new pair at
	 * the next start. */
	size_t length = strlen(token);
	token[length] = '\n';
	failed = ota_file_replace(path, (struct ota_span){ token, length + 1 }, 0600, error);
	return failed ? failed : ota_operator_insert(control->options.store, &admin, error);
}

/* A token in use is written down at most once an hour: reading commands stay free of writes. */
static int operator_use(struct ota_call *call, struct ota_error *error)
{
	int64_t now_ms = call->now.wall_ms, last_ms = call->operator.last_used_ms;

	if (last_ms && now_ms >= last_ms && now_ms - last_ms < OTA_HOUR_MS)
		return 0;
	return ota_operator_save_last_used(call->store, call->operator.token_hash, now_ms, error);
}

static int operator_find(struct ota_call *call, struct ota_error *error)
{
	char token[OTA_LABEL_MAX + 1], hash[OTA_SHA256_HEX + 1];

	ota_call_text(call, "token", "", token, sizeof(token));
	if (!*token)
		return ota_fail_at(error, OTA_EDENIED, "token", "a token is needed");
	ota_token_hash(ota_span_from_text(token), hash);
	int failed = ota_operator_find(call->store, hash, &call->operator, error);
	bool expired = !failed && call->operator.expires_ms && call->operator.expires_ms <= call->now.wall_ms;
	if (failed == OTA_ENOTFOUND || expired)
		return ota_fail_at(error, OTA_EDENIED, "token", "the token is not known or has expired");
	return failed;
}

static int operator_check(struct ota_call *call, struct ota_error *error)
{
	enum ota_role role = OTA_ROLE_NONE;

	if (call->command->role == OTA_ROLE_NONE) /* its members are the proof */
		return 0;
	int failed = operator_find(call, error);
	if (!failed)
		failed = operator_use(call, error);
	if (failed)
		return failed;
	ota_role_parse(call->operator.role, &role);
	if (role < call->command->role)
		return ota_fail(error, OTA_EDENIED, "%s needs the role %s, %s has the role %s", call->command->name,
				ota_role_name(call->command->role), call->operator.name, ota_role_name(role));
	return 0;
}

/* Who knocks at a closed door stands in the log, at a pace that cannot fill it. Who shows no token only asks whether somebody is
 * there: so do gateways for /healthz. */
static int refusal_note(struct ota_call *call, const struct ota_error *why, struct ota_error *error)
{
	struct ota_pace *pace = &call->control->refusals;
	char detail[OTA_EVENT_DETAIL_MAX], token[OTA_LABEL_MAX + 1], more[64] = "";

	ota_call_text(call, "token", "", token, sizeof(token));
	if (!*token || !ota_pace_take(pace, refusal_rate, call->now.heard_ms))
		return 0;
	uint64_t held_back = ota_pace_take_refused(pace);
	if (held_back)
		snprintf(more, sizeof(more), "; %llu more were not logged", (unsigned long long)held_back);
	snprintf(detail, sizeof(detail), "%s from client %.128s: %.256s%s", call->command->name, call->caller, why->text, more);
	return ota_call_note(call, (struct ota_call_subject){""}, "access_refused", detail, error);
}

/* An answer kept under this key is "<command> <data>", so that a request id used for two different commands is found out. Of a
 * secret answer only "<command> " is kept. */
static int answer_again(struct ota_call *call, const char *key, bool *ret_known, struct ota_error *error)
{
	OTA_AUTO_FREE char *kept = NULL;
	size_t name = strlen(call->command->name);
	int failed = ota_store_find_answer(call->store, key, &kept, error);

	*ret_known = !failed;
	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	if (strncmp(kept, call->command->name, name) != 0 || kept[name] != ' ')
		return ota_fail_at(error, OTA_ECONFLICT, "requestId", "this request id was used for another command");
	if (kept[name + 1] == '\0')
		return ota_fail_at(error, OTA_ECONFLICT, "requestId",
				   "this request was carried out, and its answer is shown only once;"
				   " if it was lost, undo and ask anew");
	ota_bytes_text(call->out, kept + name + 1);
	return 0;
}

static int answer_keep(struct ota_call *call, const char *key, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes kept = {0};

	ota_bytes_format(&kept, "%s ", call->command->name);
	if (!call->secret)
		ota_bytes_append(&kept, call->out->data, call->out->size);
	int failed = ota_store_prune_answers(call->store, call->now.wall_ms - ANSWERS_KEPT_MS, error);
	if (failed)
		return failed;
	return kept.failed ? OTA_ENOMEM : ota_store_insert_answer(call->store, key, kept.data, call->now.wall_ms, error);
}

/* Every answer to a command that changes something is an object. */
static void dry_run_mark(struct ota_bytes *out)
{
	if (!out->size || out->data[out->size - 1] != '}')
		return;
	out->data[--out->size] = '\0';
	ota_answer_bool(out, "dryRun", true);
	ota_answer_close(out, '}');
}

static int call_handle(struct ota_call *call, struct ota_error *error)
{
	char request_id[OTA_LABEL_MAX + 1], key[OTA_SHA256_HEX + OTA_LABEL_MAX + 2];
	bool known = false;

	ota_call_text(call, "requestId", "", request_id, sizeof(request_id));
	snprintf(key, sizeof(key), "%s:%s", call->operator.token_hash, request_id);
	int failed = *request_id ? answer_again(call, key, &known, error) : 0;
	if (failed || known)
		return failed;
	failed = handler_find(call->command->name)(call, error);
	if (!failed && !call->judged)
		failed = ota_call_rev_refuse(call, error);
	if (!failed && call->undo)
		dry_run_mark(call->out);
	if (!failed && call->out->failed)
		failed = OTA_ENOMEM;
	if (failed || !*request_id || call->undo)
		return failed;
	return answer_keep(call, key, error);
}

static int call_check(struct ota_call *call, const cJSON *object, const char *prefix, struct ota_error *error)
{
	char name[OTA_LABEL_MAX + 1] = "";

	if (!cJSON_IsObject(object))
		return ota_fail_at(error, OTA_EINVALID, prefix, "a command must be an object");
	call->at = (struct ota_json_place){ .object = object, .prefix = prefix };
	int found = ota_json_text(call->at, "command", name, sizeof(name), error);
	if (found < 0)
		return found;
	call->command = ota_command_find(name);
	if (!call->command) {
		const char *near = ota_command_nearest(name);

		return ota_fail_at(error, OTA_EINVALID, "command", "there is no command \"%s\"%s%s%s", name,
				   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
	int failed = ota_command_check(call->command, object, prefix, error);
	if (failed)
		return failed;
	failed = operator_check(call, error);
	if (!failed)
		ota_call_text(call, "reason", "", call->reason, sizeof(call->reason));
	return failed;
}

static void answer_error(struct ota_bytes *out, const struct ota_error *error, const char *prefix)
{
	const char *path = error->path;
	size_t length = strlen(prefix);

	/* Handlers name members relative to their command, the checks from the request's root: both are told relative to the
	 * command. */
	if (!strncmp(path, prefix, length) && path[length] == '.')
		path += length + 1;
	else if (!strcmp(path, prefix))
		path = "";
	ota_answer_open(out, "error", '{');
	ota_answer_text(out, "code", ota_code_name(error->code));
	ota_answer_text(out, "message", error->text);
	ota_answer_text_if(out, "path", path);
	ota_answer_close(out, '}');
}

static void answer_begin(struct ota_bytes *out, const cJSON *object)
{
	const cJSON *command = cJSON_IsObject(object) ? ota_json_member(object, "command") : NULL;
	const cJSON *correlation = cJSON_IsObject(object) ? ota_json_member(object, "correlationData") : NULL;

	ota_answer_open(out, NULL, '{');
	ota_answer_text(out, "command", cJSON_IsString(command) ? command->valuestring : "");
	if (cJSON_IsString(correlation))
		ota_answer_text(out, "correlationData", correlation->valuestring);
}

static int answers_too_long(struct ota_error *error)
{
	return ota_fail(error, OTA_ELIMIT,
			"the answers of this request pass 64 KiB: ask with fewer commands or a smaller limit");
}

static void answer_refusal(struct ota_bytes *out, const cJSON *object, const struct ota_error *error, const char *prefix)
{
	answer_begin(out, object);
	answer_error(out, error, prefix);
	ota_answer_close(out, '}');
}

/* In its own savepoint: done whole, or not at all. *ret_failed is what the command came to; what is returned loses the whole
 * transaction. */
static int call_run(struct ota_call *call, size_t room, int *ret_failed, struct ota_error *own, struct ota_error *error)
{
	struct ota_engine *engine = call->control->options.engine;
	size_t sent = ota_engine_sent(engine);
	int broken = ota_store_savepoint(call->store, error);

	if (broken)
		return broken;
	call->undo = ota_call_bool(call, "dryRun");
	ota_engine_rehearse(engine, call->undo);
	*ret_failed = call_handle(call, own);
	ota_engine_rehearse(engine, false);
	if (!*ret_failed && call->out->size > room)
		*ret_failed = answers_too_long(own);
	if (!*ret_failed && !call->undo)
		return ota_store_release(call->store, error);
	ota_store_rollback_to(call->store);
	ota_engine_unsend(engine, sent);
	return 0;
}

/* Where commands come from. */
struct request {
	struct ota_control *control;
	const char *caller;
	struct ota_instant now;
	size_t limit; /* of the answer with that of the present command; what follows it has its room behind */
};

/* A sentence that does not fit gives way to the one that does. */
static void refuse(const struct request *request, const cJSON *object, const char *prefix, struct ota_error *own,
		   struct ota_bytes *out)
{
	size_t before = out->size;

	answer_refusal(out, object, own, prefix);
	if (out->size <= request->limit || out->failed)
		return;
	out->size = before;
	answers_too_long(own);
	answer_refusal(out, object, own, prefix);
}

static int command_run(const struct request *request, const cJSON *object, const char *prefix, struct ota_bytes *out,
		       struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes data = {0};
	struct ota_call call = {
		.control = request->control,
		.store = request->control->options.store,
		.caller = request->caller,
		.now = request->now,
		.out = &data,
	};
	struct ota_error own = {0};
	int failed = call_check(&call, object, prefix, &own), broken = 0;
	size_t used = out->size + TERSE_ANSWER_MAX;

	if (!failed)
		broken = call_run(&call, request->limit > used ? request->limit - used : 0, &failed, &own, error);
	else if (failed == OTA_EDENIED)
		broken = refusal_note(&call, &own, error);
	if (broken)
		return broken;
	if (failed) {
		refuse(request, object, prefix, &own, out);
	} else {
		answer_begin(out, object);
		ota_answer_raw(out, "data", data.data);
		ota_answer_close(out, '}');
	}
	return out->failed ? OTA_ENOMEM : 0;
}

static int request_read(struct ota_span payload, cJSON **ret_tree, const cJSON **ret_commands, struct ota_error *error)
{
	static const char *const known[] = { "commands", NULL };
	int failed = ota_json_read(payload, OTA_JSON_STRICT, OTA_PAYLOAD_MAX, ret_tree, NULL, error);

	if (failed)
		return failed;
	struct ota_json_place at = { .object = *ret_tree, .prefix = "" };
	if (!cJSON_IsObject(*ret_tree))
		return ota_fail(error, OTA_EINVALID, "a request must be an object with the member commands");
	failed = ota_json_known(at, known, error);
	if (failed < 0)
		return failed;
	failed = ota_json_array(at, "commands", ret_commands, error);
	if (failed < 0)
		return failed;
	int count = cJSON_GetArraySize(*ret_commands);
	if (!failed || count < 1 || count > COMMANDS_MAX)
		return ota_fail_at(error, OTA_EINVALID, "commands", "commands must be an array of 1 to %d commands",
				   COMMANDS_MAX);
	return 0;
}

int ota_control_handle(struct ota_control *control, struct ota_span payload, const char *caller, struct ota_instant now,
		       struct ota_bytes *out, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	const cJSON *commands = NULL, *command;
	struct ota_error own = {0};
	struct request request = { .control = control, .caller = caller ? caller : "", .now = now };
	char prefix[OTA_ERROR_PATH_MAX];
	int index = 0, failed = 0;

	ota_bytes_text(out, "{\"responses\":[");
	if (request_read(payload, &tree, &commands, &own)) {
		answer_refusal(out, NULL, &own, "");
		commands = NULL;
	}
	cJSON_ArrayForEach(command, commands)
	{
		snprintf(prefix, sizeof(prefix), "commands[%d]", index++);
		request.limit = OTA_PAYLOAD_MAX - 2 - (size_t)(cJSON_GetArraySize(commands) - index) * TERSE_ANSWER_MAX;
		if (!failed)
			failed = command_run(&request, command, prefix, out, error);
	}
	ota_bytes_text(out, "]}");
	return failed ? failed : out->failed ? OTA_ENOMEM : 0;
}
