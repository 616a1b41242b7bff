/* Why a task stands where it stands, in a sentence with its figures, and when that changes. */
#include <stdlib.h>

#include "common/bytes.h"
#include "common/text.h"
#include "plugin/fleet/context.h"

/* A sentence on its way: what it is about, and the sentence. */
struct saying {
	struct ota_work *work;
	struct ota_bytes text;
	int64_t opens_ms; /* wall, 0 = nobody knows */
};

#define SAY(saying, ...) ota_bytes_format(&(saying)->text, __VA_ARGS__)

static int64_t wall_of(const struct ota_work *work, int64_t heard_ms)
{
	return work->at.wall_ms + heard_ms - work->at.heard_ms;
}

/* To the second, as people read it. */
static void say_time(struct saying *saying, int64_t wall_ms)
{
	char text[OTA_TIME_SIZE];

	ota_time_print(text, wall_ms);
	SAY(saying, "%.19sZ", text);
}

static void say_when(struct saying *saying, int64_t wall_ms)
{
	char left[32];
	int64_t left_ms = wall_ms - saying->work->at.wall_ms;

	saying->opens_ms = wall_ms;
	ota_text_print_duration(left, left_ms > 0 ? (left_ms + OTA_SECOND_MS - 1) / OTA_SECOND_MS * OTA_SECOND_MS : 0);
	say_time(saying, wall_ms);
	SAY(saying, " (in %s)", left);
}

static int say_paused(struct saying *saying, struct ota_error *error)
{
	const struct ota_batch *batch = &saying->work->batch;

	(void)error;
	SAY(saying, "batch %lld is %s: %s", (long long)batch->id, ota_batch_state_word(batch->state), batch->reason);
	return 0;
}

static int say_disabled(struct saying *saying, struct ota_error *error)
{
	(void)error;
	SAY(saying, "the device is disabled: an operator shut it out, and may enable it again");
	return 0;
}

static int say_barred(struct saying *saying, struct ota_error *error)
{
	(void)error;
	SAY(saying, "the device is barred: it took package after package without a new version; look at it, then unbar it");
	return 0;
}

static int say_scheduled(struct saying *saying, struct ota_error *error)
{
	(void)error;
	SAY(saying, "batch %lld begins at ", (long long)saying->work->batch.id);
	say_when(saying, saying->work->strategy.start_at_ms);
	return 0;
}

static int say_confirm(struct saying *saying, struct ota_error *error)
{
	(void)error;
	SAY(saying, "batch %lld waits for an operator's word for this device: otactl batch confirm %lld %s",
	    (long long)saying->work->batch.id, (long long)saying->work->batch.id, saying->work->device.identity.device_name);
	return 0;
}

static int say_stage(struct saying *saying, struct ota_error *error)
{
	struct ota_work *work = saying->work;
	struct ota_ladder ladder;
	int failed = ota_engine_ladder(work->engine, &work->batch, &work->strategy, work->at, &ladder, error);

	if (failed)
		return failed;
	SAY(saying, "stage %lld of %zu is not open: stage %lld is, ", (long long)work->task.stage + 1, ladder.total,
	    (long long)ladder.open + 1);
	ota_stage_explain(&work->strategy.stages[ladder.open], &ladder.tallies[ladder.open], &ladder.look, &saying->text);
	if (ladder.look.why == OTA_STAGE_SOAKS && work->task.stage == ladder.open + 1)
		saying->opens_ms = work->at.wall_ms + ladder.look.soak_left_ms;
	return 0;
}

static int say_window(struct saying *saying, struct ota_error *error)
{
	const struct ota_window *window = &saying->work->strategy.window;
	struct ota_work_zone zone;
	int failed = ota_work_zone(saying->work, &zone, error);

	if (failed)
		return failed;
	SAY(saying, "window %02d:%02d-%02d:%02d %s is closed", (int)(window->from_minute / 60), (int)(window->from_minute % 60),
	    (int)(window->to_minute / 60), (int)(window->to_minute % 60), zone.name);
	if (zone.known) {
		SAY(saying, ", opens ");
		say_when(saying, ota_window_turns_ms(window, zone.local, saying->work->at.wall_ms));
	} else {
		SAY(saying, ": this server knows no such time zone (tzdata)");
	}
	if (*zone.unknown_tag)
		SAY(saying, "; the device's tag %s says %s, which is no time zone here", window->zone_tag, zone.unknown_tag);
	return 0;
}

static int say_retry(struct saying *saying, struct ota_error *error)
{
	const struct ota_task *task = &saying->work->task;

	(void)error;
	SAY(saying, "attempt %lld of %lld failed (%s), the next one begins at ", (long long)task->attempt,
	    (long long)saying->work->strategy.retries + 1, ota_cause_word(task->cause));
	say_when(saying, wall_of(saying->work, task->deadline_at));
	return 0;
}

static int say_offline(struct saying *saying, struct ota_error *error)
{
	int64_t seen_ms = saying->work->device.last_seen_ms;

	(void)error;
	SAY(saying, "the device is offline, ");
	if (!seen_ms) {
		SAY(saying, "never seen");
		return 0;
	}
	SAY(saying, "last seen ");
	say_time(saying, seen_ms);
	return 0;
}

static int say_settling(struct saying *saying, struct ota_error *error)
{
	const struct ota_connection *connection =
		ota_presence_find(saying->work->engine->presence, &saying->work->device.identity);

	(void)error;
	SAY(saying, "the device has just connected or told its version, and may say more");
	if (connection && !connection->settled)
		saying->opens_ms = wall_of(saying->work, connection->settle_at);
	return 0;
}

static int say_other_module(struct saying *saying, struct ota_error *error)
{
	struct ota_task other;
	int failed = ota_task_find_active(saying->work->engine->options.store, saying->work->device.id, &other, error);

	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	SAY(saying, "task %lld brings module %s to %s first: a device does one at a time", (long long)other.id, other.module,
	    other.version);
	return 0;
}

static int say_pull(struct saying *saying, struct ota_error *error)
{
	(void)error;
	SAY(saying, "batch %lld pushes nothing: the device gets it when it asks", (long long)saying->work->batch.id);
	return 0;
}

static int pace_of(const struct saying *saying, struct ota_pace_state *ret_pace, struct ota_error *error)
{
	struct ota_work *work = saying->work;

	return ota_release_look(work->engine, work->batch.id, &work->strategy, work->at, ret_pace, error);
}

static int say_in_flight(struct saying *saying, struct ota_error *error)
{
	struct ota_pace_state pace;
	int failed = pace_of(saying, &pace, error);

	if (failed)
		return failed;
	SAY(saying, "in flight %lld of %lld: it goes when one of them ends", (long long)(pace.active - pace.flow.parked),
	    (long long)saying->work->strategy.max_in_flight);
	return 0;
}

static int say_rate(struct saying *saying, struct ota_error *error)
{
	const struct ota_rate *rate = &saying->work->strategy.rate;
	struct ota_pace_state pace;
	char left[32];
	int failed = pace_of(saying, &pace, error);

	if (failed)
		return failed;
	int64_t due_at = (pace.due_us + 999) / 1000, left_ms = due_at - saying->work->at.heard_ms;
	ota_text_print_duration(left, left_ms < OTA_SECOND_MS ? left_ms : (left_ms + 999) / OTA_SECOND_MS * OTA_SECOND_MS);
	SAY(saying, "rate: %lld a minute", (long long)pace.per_minute);
	if (pace.per_minute < rate->per_minute)
		SAY(saying, " now, growing to %lld", (long long)rate->per_minute);
	SAY(saying, ", the next release is due in %s", left);
	saying->opens_ms = wall_of(saying->work, due_at);
	return 0;
}

static int say_nothing_holds(struct saying *saying, struct ota_error *error)
{
	(void)error;
	SAY(saying, "every gate is open: it goes out now");
	return 0;
}

/* A reason that no gate gives has no row. */
static int (*const sayers[OTA_REASONS])(struct saying *saying, struct ota_error *error) = {
	[OTA_REASON_NONE] = say_nothing_holds,
	[OTA_REASON_PAUSED] = say_paused,
	[OTA_REASON_DISABLED] = say_disabled,
	[OTA_REASON_BARRED] = say_barred,
	[OTA_REASON_SCHEDULED] = say_scheduled,
	[OTA_REASON_CONFIRM] = say_confirm,
	[OTA_REASON_STAGE] = say_stage,
	[OTA_REASON_WINDOW] = say_window,
	[OTA_REASON_RETRY] = say_retry,
	[OTA_REASON_OFFLINE] = say_offline,
	[OTA_REASON_SETTLING] = say_settling,
	[OTA_REASON_OTHER_MODULE] = say_other_module,
	[OTA_REASON_PULL] = say_pull,
	[OTA_REASON_IN_FLIGHT] = say_in_flight,
	[OTA_REASON_RATE] = say_rate,
};

static int say_pending(struct saying *saying, enum ota_reason *ret_reason, struct ota_error *error)
{
	int failed = ota_work_gate(saying->work, false, ret_reason, error);

	return failed ? failed : sayers[*ret_reason](saying, error);
}

/* What is under way waits for its device, and its timer says how long. */
static int say_active(struct saying *saying, struct ota_error *error)
{
	struct ota_work *work = saying->work;
	const struct ota_task *task = &work->task;
	enum ota_reason reason;
	int failed = ota_work_gate(work, true, &reason, error);

	if (failed)
		return failed;
	if (task->phase == OTA_PHASE_SOAKING)
		SAY(saying, "it runs %s and must go on so until ", task->version);
	else if (task->phase != OTA_PHASE_NONE)
		SAY(saying, "it has the whole package; it must report %s before ", task->version);
	else if (task->state == OTA_TASK_UPGRADING)
		SAY(saying, "it is at step %d of attempt %lld; it must report %s before ", task->step, (long long)task->attempt,
		    task->version);
	else if (task->deadline_left_ms)
		SAY(saying, "it left with the offer%s; given up at ", task->parked ? " and holds no place any more" : "");
	else
		SAY(saying, "pushed %lld times in attempt %lld, no answer yet; given up at ", (long long)task->pushes,
		    (long long)task->attempt);
	say_when(saying, wall_of(work, task->deadline_at));
	saying->opens_ms = 0;
	if (reason == OTA_REASON_NONE || reason == OTA_REASON_SETTLING || task->phase != OTA_PHASE_NONE)
		return 0;
	SAY(saying, "; nothing is sent again meanwhile: ");
	return sayers[reason](saying, error);
}

static const char *const cause_sayings[OTA_CAUSES] = {
	[OTA_CAUSE_VERSION_REPORTED] = "the device reported the version",
	[OTA_CAUSE_ALREADY_AT_TARGET] = "the device had the version before anything was sent",
	[OTA_CAUSE_UPGRADE_FAILED] = "the device said that the upgrade failed (-1)",
	[OTA_CAUSE_DOWNLOAD_FAILED] = "the device said that the download failed (-2)",
	[OTA_CAUSE_VERIFY_FAILED] = "the device said that the package does not verify (-3)",
	[OTA_CAUSE_BURN_FAILED] = "the device said that burning failed (-4)",
	[OTA_CAUSE_PUSH_TIMEOUT] = "the device was online and never answered a push",
	[OTA_CAUSE_UPGRADE_TIMEOUT] = "the device began and did not get there in time",
	[OTA_CAUSE_LOST] = "the device took the offer or the package and was not heard of again",
	[OTA_CAUSE_WRONG_VERSION] = "the device came up with another version",
	[OTA_CAUSE_ROLLED_BACK] = "the device went back to the version it had",
	[OTA_CAUSE_LOOP] = "the device took package after package without a new version",
	[OTA_CAUSE_WITHDRAWN] = "an operator withdrew it before anything was sent",
	[OTA_CAUSE_REVOKED] = "an operator revoked it",
	[OTA_CAUSE_ASKED] = "the device agreed to an operator's wish to cancel",
	[OTA_CAUSE_SUPERSEDED] = "another batch took the device over",
	[OTA_CAUSE_EXPIRED] = "the batch ended before the device's turn",
	[OTA_CAUSE_NO_LONGER_MATCHES] = "the device's version changed, and the batch is not for it any more",
	[OTA_CAUSE_DEVICE_DELETED] = "the device was deleted",
	[OTA_CAUSE_PACKAGE_YANKED] = "the package was yanked",
	[OTA_CAUSE_BATCH_CANCELED] = "the batch was canceled",
};

static const char *const mark_sayings[OTA_MARKS] = {
	[OTA_MARK_NONE] = "",
	[OTA_MARK_REGRESSED] = "; later it reported an older version",
	[OTA_MARK_RECOVERED] = "; later it reported the version after all",
	[OTA_MARK_INSTALLED_ANYWAY] = "; it installed the version all the same",
};

static void say_final(struct saying *saying)
{
	const struct ota_task *task = &saying->work->task;
	const char *cause = cause_sayings[task->cause];

	SAY(saying, "%s: %s%s", ota_task_state_word(task->state), cause ? cause : "", mark_sayings[task->mark]);
}

static int task_say(struct saying *saying, struct ota_explanation *explanation, struct ota_error *error)
{
	const struct ota_task *task = &saying->work->task;

	if (task->state == OTA_TASK_PENDING)
		return say_pending(saying, &explanation->reason, error);
	if (!ota_task_state_is_final(task->state))
		return say_active(saying, error);
	say_final(saying);
	return 0;
}

int ota_engine_explain_task(struct ota_engine *engine, const struct ota_task *task, struct ota_instant now,
			    struct ota_explanation *ret_explanation, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_work *work = calloc(1, sizeof(*work));
	struct saying saying = { .work = work };
	struct ota_explanation explanation = {0};
	struct ota_device device;
	int failed = work ? ota_device_load(engine->options.store, task->device_id, &device, error) : OTA_ENOMEM;

	if (!failed)
		failed = ota_work_load(engine, &device, task, now, work, error);
	if (!failed)
		failed = task_say(&saying, &explanation, error);
	if (!failed && saying.text.failed)
		failed = ota_fail(error, OTA_ENOMEM, "no memory for a sentence");
	if (!failed) {
		ota_text_cut(explanation.text, sizeof(explanation.text), saying.text.data ? saying.text.data : "");
		explanation.opens_ms = saying.opens_ms == INT64_MAX ? 0 : saying.opens_ms;
		*ret_explanation = explanation;
	}
	ota_bytes_free(&saying.text);
	return failed;
}
