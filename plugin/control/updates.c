/* A batch that runs: what an operator changes in it, and his word for single devices. */
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/topic.h"
#include "plugin/control/call.h"
#include "plugin/fleet/zone.h"

int ota_call_check_zone(const struct ota_strategy *strategy, struct ota_error *error)
{
	const char *zone = strategy->window.zone;

	if (ota_zone_is_known(zone))
		return 0;
	return ota_fail_at(error, OTA_EINVALID, "strategy.window.zone",
			   "%s is no time zone of this server: write it as Europe/Berlin (the names below /usr/share/zoneinfo)",
			   zone);
}

/* What a task that is there already was promised, or was counted by, stays as it is. */
static int members_allow(const cJSON *object, struct ota_error *error)
{
	static const char *const fixed[] = { "stages", "startAt", "confirm", "pullOnly", "autoRollback" };
	char path[OTA_ERROR_PATH_MAX];

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		if (!ota_json_member(object, fixed[i]))
			continue;
		snprintf(path, sizeof(path), "strategy.%s", fixed[i]);
		return ota_fail_at(error, OTA_ECONFLICT, path,
				   "%s cannot change once a batch is made: cancel it and make another one", fixed[i]);
	}
	if (!object || !object->child)
		return ota_fail_at(error, OTA_EINVALID, "strategy", "strategy must name what is to change, as maxInFlight");
	return 0;
}

static void value_print(const cJSON *value, struct ota_bytes *out)
{
	if (!value)
		ota_bytes_text(out, "none");
	else
		ota_json_write(value, out);
}

/* "rate.perMinute 50 -> 1000, maxInFlight 0 -> 20": of the members that were given. */
static void change_tell(const cJSON *given, const cJSON *before, const cJSON *after, const char *prefix, struct ota_bytes *out)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, given)
	{
		const char *key = member->string;
		const cJSON *old = ota_json_member(before, key), *now = ota_json_member(after, key);

		if (cJSON_IsObject(member)) {
			change_tell(member, old, now, key, out);
			continue;
		}
		ota_bytes_format(out, "%s%s%s%s ", out->size ? ", " : "", prefix, *prefix ? "." : "", key);
		value_print(old, out);
		ota_bytes_text(out, " -> ");
		value_print(now, out);
	}
}

static int change_print(const cJSON *given, const char *before, const char *after, struct ota_bytes *out)
{
	OTA_AUTO_JSON cJSON *old = cJSON_Parse(before);
	OTA_AUTO_JSON cJSON *now = cJSON_Parse(after);

	change_tell(given, old, now, "", out);
	return out->failed ? OTA_ENOMEM : 0;
}

/* A moment is told, or a time after the start; the one that was told last counts. */
static int end_change(const struct ota_call *call, const cJSON *given, struct ota_strategy *strategy, struct ota_batch *batch,
		      struct ota_error *error)
{
	bool at = ota_json_member(given, "endAt") != NULL, after = ota_json_member(given, "endAfter") != NULL;
	int64_t start_ms = batch->started_ms ? batch->started_ms : batch->created_ms;

	if (!at && !after)
		return 0;
	if (!at)
		strategy->end_at_ms = 0;
	if (!batch->started_ms && strategy->start_at_ms)
		start_ms = strategy->start_at_ms;
	batch->ends_ms = strategy->end_at_ms ? strategy->end_at_ms : start_ms + strategy->end_after_ms;
	if (batch->ends_ms > call->now.wall_ms)
		return 0;
	return ota_fail_at(error, OTA_EINVALID, at ? "strategy.endAt" : "strategy.endAfter",
			   "that end is past: to end the batch now, cancel it");
}

/* *ret_text: what changed, for the log. */
static int strategy_change(const struct ota_call *call, struct ota_batch *batch, struct ota_bytes *ret_text,
			   struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_strategy strategy;
	const cJSON *given = NULL;

	ota_json_object(call->at, "strategy", &given, NULL);
	int failed = members_allow(given, error);
	if (!failed)
		failed = ota_strategy_parse_text(batch->strategy, &strategy, error);
	if (!failed)
		failed = ota_strategy_change(given, "strategy", &strategy, error);
	if (!failed)
		failed = ota_call_check_zone(&strategy, error);
	if (!failed)
		failed = end_change(call, given, &strategy, batch, error);
	if (!failed)
		failed = ota_strategy_print(&strategy, &text);
	if (!failed)
		failed = change_print(given, batch->strategy, text.data, ret_text);
	if (!failed)
		ota_text_cut(batch->strategy, sizeof(batch->strategy), text.data);
	return failed;
}

static int batch_is_open(const struct ota_batch *batch, struct ota_error *error)
{
	if (batch->state != OTA_BATCH_COMPLETED && batch->state != OTA_BATCH_CANCELED)
		return 0;
	return ota_fail_at(error, OTA_ECONFLICT, "batch", "batch %lld is %s: nothing in it changes any more",
			   (long long)batch->id, ota_batch_state_word(batch->state));
}

/* The rate a batch is given by a new beginning begins there. */
static int ramp_change(struct ota_call *call, const struct ota_batch *batch, struct ota_error *error)
{
	const cJSON *given = NULL, *rate;
	struct ota_flow flow;

	ota_json_object(call->at, "strategy", &given, NULL);
	rate = ota_json_member(given, "rate");
	if (!rate || !ota_json_member(rate, "from"))
		return 0;
	int failed = ota_flow_load(call->store, batch->id, &flow, error);
	flow.ramp_at = 0;
	return failed ? failed : ota_flow_save(call->store, &flow, error);
}

int ota_handle_update_batch(struct ota_call *call, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_batch batch;
	int failed = ota_call_batch(call, &batch, error);

	if (!failed)
		failed = batch_is_open(&batch, error);
	if (!failed)
		failed = strategy_change(call, &batch, &text, error);
	if (!failed)
		failed = ota_batch_save(call->store, &batch, error);
	if (!failed)
		failed = ramp_change(call, &batch, error);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){ batch.product_key, &batch }, "batch_changed", text.data,
				       error);
	if (!failed)
		failed = ota_engine_update_batch(call->control->options.engine, batch.id, call->now, error);
	if (!failed)
		failed = ota_batch_load(call->store, batch.id, &batch, error); /* the abort rule may have moved it */
	return failed ? failed : ota_call_batch_answer(call, &batch, NULL, error);
}

enum { STRANGERS_NAMED = 20 };

struct confirmation {
	int64_t confirmed, already, others;
	const char *named[STRANGERS_NAMED]; /* those without a task that waits in this batch */
};

static int device_confirm(struct ota_call *call, const struct ota_batch *batch, const char *name,
			  struct confirmation *confirmation, struct ota_error *error)
{
	struct ota_identity identity;
	struct ota_device device;
	struct ota_task task;

	ota_identity_make(ota_span_from_text(batch->product_key), ota_span_from_text(name), &identity);
	int failed = ota_device_find(call->store, &identity, &device, error);
	if (!failed)
		failed = ota_task_find_unfinished(call->store, device.id, batch->module, &task, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	if (failed || task.batch_id != batch->id) {
		if (confirmation->others < STRANGERS_NAMED)
			confirmation->named[confirmation->others] = name;
		confirmation->others++;
		return 0;
	}
	struct ota_task before = task;
	confirmation->already += task.confirmed;
	confirmation->confirmed += !task.confirmed;
	task.confirmed = true;
	failed = before.confirmed ? 0 : ota_task_save(call->store, &before, &task, error);
	return failed ? failed : ota_engine_wake_device(call->control->options.engine, &device, call->now, error);
}

static int names_confirm(struct ota_call *call, const struct ota_batch *batch, const cJSON *names,
			 struct confirmation *confirmation, struct ota_error *error)
{
	const cJSON *name;
	int failed = 0;

	cJSON_ArrayForEach(name, names)
	{
		if (!failed)
			failed = device_confirm(call, batch, name->valuestring, confirmation, error);
	}
	return failed;
}

/* Ids grow: a fresh one is above those of all tasks there are, and no row of them is touched. */
static int all_confirm(struct ota_call *call, const struct ota_batch *batch, struct confirmation *confirmation,
		       struct ota_error *error)
{
	struct ota_batch_counts counts;
	struct ota_flow flow;
	int failed = ota_batch_load_counts(call->store, batch->id, &counts, error);

	if (!failed)
		failed = ota_flow_load(call->store, batch->id, &flow, error);
	if (failed)
		return failed;
	confirmation->confirmed = counts.states[OTA_TASK_PENDING];
	flow.confirmed_to = ota_store_new_id(call->store, error);
	if (!flow.confirmed_to)
		return OTA_EIO;
	failed = ota_flow_save(call->store, &flow, error);
	return failed ? failed : ota_engine_wake_batch(call->control->options.engine, batch->id);
}

static int confirm_allow(const struct ota_batch *batch, struct ota_error *error)
{
	struct ota_strategy strategy;
	int failed = batch_is_open(batch, error);

	if (!failed)
		failed = ota_strategy_parse_text(batch->strategy, &strategy, error);
	if (failed)
		return failed;
	if (!strategy.confirm)
		return ota_fail_at(error, OTA_ECONFLICT, "batch", "batch %lld asks for no operator's word (strategy confirm)",
				   (long long)batch->id);
	if (!batch->prepared)
		return ota_fail_at(error, OTA_ECONFLICT, "batch", "batch %lld is still being prepared: ask again in a moment",
				   (long long)batch->id);
	return 0;
}

static void confirmation_answer(const struct ota_call *call, const struct confirmation *confirmation)
{
	ota_answer_open(call->out, NULL, '{');
	ota_answer_integer(call->out, "confirmed", confirmation->confirmed);
	ota_answer_integer(call->out, "already", confirmation->already);
	ota_answer_integer(call->out, "notWaiting", confirmation->others);
	ota_answer_open(call->out, "names", '[');
	for (int64_t i = 0; i < confirmation->others && i < STRANGERS_NAMED; i++)
		ota_answer_text(call->out, NULL, confirmation->named[i]);
	ota_answer_close(call->out, ']');
	ota_answer_close(call->out, '}');
}

int ota_handle_confirm_tasks(struct ota_call *call, struct ota_error *error)
{
	struct confirmation confirmation = {0};
	struct ota_batch batch;
	const cJSON *names = NULL;
	char detail[64];
	int failed = ota_call_batch(call, &batch, error);

	ota_json_array(call->at, "names", &names, NULL);
	if (!failed)
		failed = confirm_allow(&batch, error);
	if (!failed)
		failed = names ? names_confirm(call, &batch, names, &confirmation, error)
			       : all_confirm(call, &batch, &confirmation, error);
	snprintf(detail, sizeof(detail), "%s%lld devices", names ? "" : "all, ", (long long)confirmation.confirmed);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){ batch.product_key, &batch }, "tasks_confirmed", detail,
				       error);
	if (!failed)
		confirmation_answer(call, &confirmation);
	return failed;
}
