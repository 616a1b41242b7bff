/* A device tells a step. Which task it means: module, batch and attempt if it names them, else the task in work. */
#include <string.h>

#include "common/message.h"
#include "plugin/fleet/context.h"

enum { STALE_NEGATIVE_MS = 10 * OTA_SECOND_MS };

static int task_of_progress(struct ota_engine *engine, const struct ota_device *device, const struct ota_progress *progress,
			    struct ota_task *ret_task, struct ota_error *error)
{
	if (!*progress->module)
		return ota_task_find_active(engine->options.store, device->id, ret_task, error);
	return ota_task_find_unfinished(engine->options.store, device->id, progress->module, ret_task, error);
}

/* A report that names another batch or attempt than the one in work is late: true, but not about this. */
static bool progress_is_stray(const struct ota_progress *progress, const struct ota_task *task)
{
	if (!progress->batch)
		return false;
	return progress->batch != task->batch_id || progress->attempt != task->attempt;
}

static enum ota_task_event progress_event(const struct ota_progress *progress)
{
	if (progress->cancel == OTA_CANCEL_ACCEPTED)
		return OTA_EVENT_ASK_ACCEPTED;
	if (progress->cancel == OTA_CANCEL_REFUSED)
		return OTA_EVENT_ASK_REFUSED;
	if (progress->step < 0)
		return OTA_EVENT_NEGATIVE;
	return progress->step == 100 ? OTA_EVENT_DELIVERY : OTA_EVENT_STEP;
}

static void stray_log(const struct ota_engine *engine, const struct ota_fleet_event *event, const struct ota_progress *progress)
{
	struct ota_log_line line;

	ota_log_begin(&line, OTA_LOG_DEBUG, "stray_progress");
	ota_log_identity(&line, event->identity.product_key, event->identity.device_name);
	ota_log_integer(&line, "step", progress->step);
	ota_log_integer(&line, "batch", progress->batch);
	ota_log_integer(&line, "attempt", progress->attempt);
	ota_log_end(engine->options.log, &line);
}

/* C 4.x says -4 when it gives up a download over MQTT. While blocks are missing there was nothing to flash, and what failed is
 * the download: it is tried again. */
static int cause_find(const struct ota_work *work, int step, enum ota_cause *ret_cause, struct ota_error *error)
{
	struct ota_attempt attempt = {0};
	enum ota_delivery delivery = OTA_DELIVERY_HTTP;

	*ret_cause = ota_cause_of_step(step);
	if (*ret_cause != OTA_CAUSE_BURN_FAILED)
		return 0;
	int failed = ota_delivery_of(work, &delivery, error);
	if (!failed && delivery == OTA_DELIVERY_MQTT)
		failed = ota_attempt_find(work->engine->options.store, work->task.id, work->task.attempt, &attempt, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	if (!failed && delivery == OTA_DELIVERY_MQTT && !attempt.fetched_ms)
		*ret_cause = OTA_CAUSE_DOWNLOAD_FAILED;
	return 0;
}

/* C 3.x sends -2 for every failed read: what comes right after a push may belong to the attempt before, of this task or of one
 * that was taken back. */
static int negative_is_stale(const struct ota_work *work, const struct ota_progress *progress, bool *ret_stale,
			     struct ota_error *error)
{
	const struct ota_task *task = &work->task;
	bool young = !progress->batch && !task->answered && work->at.heard_ms - task->last_push_at < STALE_NEGATIVE_MS;

	*ret_stale = young && task->attempt > 1;
	if (!young || *ret_stale || progress->step >= 0)
		return 0;
	return ota_order_taken_back(work->engine, task, NULL, work->at, ret_stale, error);
}

int ota_progress_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error)
{
	struct ota_progress progress;
	struct ota_device device;
	struct ota_task task;
	struct ota_work work;
	int failed = ota_progress_parse(event->payload, &progress, error);

	if (failed)
		return ota_unreadable(error, failed, "progress");
	ota_complaint_mended(engine, event, "progress", progress.mended);
	failed = ota_device_of(engine, event, &device, error);
	if (!failed)
		failed = task_of_progress(engine, &device, &progress, &task, error);
	if (failed == OTA_ENOTFOUND || (!failed && progress_is_stray(&progress, &task))) {
		stray_log(engine, event, &progress);
		return 0;
	}
	if (!failed)
		failed = ota_work_load(engine, &device, &task, event->at, &work, error);
	if (failed)
		return failed;

	struct ota_task_facts facts = {
		.forward = progress.step >= task.step || !task.answered,
	};
	struct ota_report report = { .step = progress.step, .desc = progress.desc };
	failed = negative_is_stale(&work, &progress, &facts.stale_negative, error);
	if (!failed)
		failed = cause_find(&work, progress.step, &report.cause, error);
	return failed ? failed : ota_transition(&work, progress_event(&progress), &facts, &report, error);
}
