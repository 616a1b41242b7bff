/* Timers: a task whose time has come, devices that settle or leave, and what may be released then. */
#include "plugin/fleet/context.h"

static enum ota_task_event task_timer(const struct ota_task *task)
{
	if (task->state == OTA_TASK_PENDING)
		return OTA_EVENT_TIMER_RETRY;
	if (task->state == OTA_TASK_PUSHED)
		return task->deadline_left_ms ? OTA_EVENT_TIMER_AWAY : OTA_EVENT_TIMER_PUSH;
	switch (task->phase) {
	case OTA_PHASE_DELIVERED:
	case OTA_PHASE_DRAWN:
		return OTA_EVENT_TIMER_REBOOT;
	case OTA_PHASE_SOAKING:
		return OTA_EVENT_TIMER_SOAK;
	case OTA_PHASE_NONE:
	case OTA_PHASES:
	default:
		return OTA_EVENT_TIMER_UPGRADE;
	}
}

/* How long a device with an offer may stay away: to the end of its batch, in heard time like every timer. At least the push
 * timeout, also when the end is past (a withdrawn batch's offers run on), and never longer than the batch was to take, whatever
 * the wall clock says. */
static int64_t away_ms(const struct ota_work *work)
{
	int64_t ms = work->batch.ends_ms - work->at.wall_ms;
	int64_t whole_ms = work->batch.ends_ms - work->batch.started_ms;

	if (ms > whole_ms || !ota_calendar_is_trusted(&work->engine->calendar, work->at))
		ms = whole_ms;
	return ms > work->strategy.push_timeout_ms ? ms : work->strategy.push_timeout_ms;
}

/* The push timer counts online time: it stands still from here with what was left of it, and the away timer runs instead. */
static int push_timer_stop(struct ota_work *work, int64_t left_ms, struct ota_error *error)
{
	work->task.deadline_left_ms = left_ms > 0 ? left_ms : 1;
	work->task.deadline_at = work->at.heard_ms + away_ms(work);
	work->task.due_at = work->task.deadline_at;
	if (work->at.heard_ms + OTA_PARK_MS < work->task.due_at)
		work->task.due_at = work->at.heard_ms + OTA_PARK_MS;
	return ota_task_save(work->engine->options.store, &work->before, &work->task, error);
}

static bool task_is_away(const struct ota_task *task)
{
	return task->state == OTA_TASK_PUSHED && task->deadline_left_ms;
}

/* Before its deadline a task is due to be pushed again, or, when its device is away, to give its place back. */
static int push_again_due(struct ota_work *work, struct ota_error *error)
{
	bool sent = false, away = task_is_away(&work->task) && !ota_work_online(work);
	int failed = away ? ota_place_park(work, error) : ota_push_again(work, &sent, error);

	if (!failed)
		failed = ota_task_save(work->engine->options.store, &work->before, &work->task, error);
	if (!failed && sent)
		failed = ota_note(work, "pushed_again", error, "push %lld of attempt %lld", (long long)work->task.pushes,
				  (long long)work->task.attempt);
	return failed;
}

int ota_clock_task(struct ota_engine *engine, const struct ota_task *task, struct ota_instant at, struct ota_error *error)
{
	struct ota_device device;
	struct ota_work work;
	int failed = ota_device_load(engine->options.store, task->device_id, &device, error);

	if (!failed)
		failed = ota_work_load(engine, &device, task, at, &work, error);
	if (failed)
		return failed;
	if (!task->deadline_at || task->deadline_at > at.heard_ms)
		return push_again_due(&work, error);
	/* The device left while the server was down, so nobody stopped its push timer: it gets the whole time again. */
	if (task->state == OTA_TASK_PUSHED && !task->deadline_left_ms && !ota_work_online(&work))
		return push_timer_stop(&work, work.strategy.push_timeout_ms, error);

	enum ota_task_event event = task_timer(task);
	failed = ota_transition(&work, event, NULL, NULL, error);
	if (!failed && event == OTA_EVENT_TIMER_RETRY)
		failed = ota_release_device(engine, &device, at, error);
	return failed;
}

int ota_device_gone(struct ota_engine *engine, const struct ota_identity *identity, struct ota_instant at,
		    struct ota_error *error)
{
	struct ota_device device;
	struct ota_task task;
	struct ota_work work;
	int failed = ota_device_find(engine->options.store, identity, &device, error);

	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	failed = ota_device_save_last_seen(engine->options.store, device.id, at.wall_ms, error);
	if (!failed)
		failed = ota_task_find_active(engine->options.store, device.id, &task, error);
	if (failed || task.state != OTA_TASK_PUSHED || task.deadline_left_ms)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	failed = ota_work_load(engine, &device, &task, at, &work, error);
	return failed ? failed : push_timer_stop(&work, task.deadline_at - at.heard_ms, error);
}

int ota_release_device(struct ota_engine *engine, const struct ota_device *device, struct ota_instant at, struct ota_error *error)
{
	struct ota_task rows[OTA_DEVICE_TASKS_MAX];
	size_t count;

	if (!ota_presence_find(engine->presence, &device->identity))
		return 0;
	int failed = ota_task_list_unfinished(engine->options.store, device->id, rows, OTA_DEVICE_TASKS_MAX, &count, error);
	for (size_t i = 0; !failed && i < count; i++) {
		struct ota_work work;
		enum ota_reason reason;

		if (rows[i].state != OTA_TASK_PENDING)
			continue;
		failed = ota_work_load(engine, device, &rows[i], at, &work, error);
		if (!failed)
			failed = ota_work_gate(&work, false, &reason, error);
		if (!failed && reason == OTA_REASON_NONE && ota_release_is_jump(&work))
			reason = OTA_REASON_RATE;
		if (!failed && reason == OTA_REASON_NONE)
			return ota_transition(&work, OTA_EVENT_RELEASED, NULL, NULL, error);
		if (!failed)
			failed = ota_release_await(&work, reason, error);
	}
	return failed;
}

int ota_settle_connection(struct ota_engine *engine, const struct ota_identity *identity, struct ota_instant at,
			  struct ota_error *error)
{
	struct ota_device device;
	struct ota_task task;
	struct ota_work work;
	int failed = ota_device_find(engine->options.store, identity, &device, error);

	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	failed = ota_task_find_active(engine->options.store, device.id, &task, error);
	if (failed == OTA_ENOTFOUND)
		return ota_release_device(engine, &device, at, error);
	if (!failed)
		failed = ota_work_load(engine, &device, &task, at, &work, error);
	if (!failed)
		failed = ota_transition(&work, OTA_EVENT_CONNECT, NULL, NULL, error);
	if (!failed && work.task.ask == OTA_ASK_WAITING)
		failed = ota_ask_send(&work, error);
	return failed;
}
