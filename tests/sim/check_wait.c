/* What may leave does: a task that nothing holds is released soon. */
#include <string.h>

#include "common/time.h"
#include "tests/sim/check.h"
#include "tests/sim/world.h"

enum { SOON_MS = 1500 }; /* besides two looks of the server */

static bool other_works(const struct seen *seen, const struct seen_task *task)
{
	for (size_t i = 0; i < seen->task_count; i++) {
		const struct seen_task *other = &seen->tasks[i];

		if (other->device == task->device && other->id != task->id && !view_is_final(other->state))
			return true;
	}
	return false;
}

static const char *device_gate(const struct world *world, const struct seen_task *task, struct ota_instant now)
{
	const struct model_device *device = &world->model.devices[task->device];
	const struct seen_device *row = &world->view.now.devices[task->device];
	const struct seen_module *module = view_module(&world->view.now, task->device, task->module);

	if (row->barred || row->disabled)
		return "barred";
	if (!device->connection)
		return "offline";
	if (now.heard_ms - device->connected_at < MODEL_SETTLE_MS || (module && module->due))
		return "settling";
	return other_works(&world->view.now, task) ? "other" : NULL;
}

/* Somebody else may have the place or the turn. */
static const char *pace_gate(struct world *world, const struct seen_task *task, struct ota_instant now)
{
	const struct model_batch *batch = model_batch(&world->model, task->batch);
	const struct plan *plan = &batch->order.plan;
	int64_t rate = plan->ramp_from ? plan->ramp_from : plan->per_minute, taken = 0, last = 0;

	for (size_t i = 0; i < world->view.now.task_count; i++) {
		const struct seen_task *other = &world->view.now.tasks[i];

		taken += other->batch == task->batch && view_is_active(other->state) && !other->parked;
	}
	if (plan->max_in_flight && taken >= plan->max_in_flight)
		return "in flight";
	for (size_t i = 0; i < batch->release_count && i < MODEL_RELEASES; i++)
		last = batch->releases[i] > last ? batch->releases[i] : last;
	return rate && last && now.heard_ms - last < OTA_MINUTE_MS / rate + 1 ? "rate" : NULL;
}

static const char *task_gate(struct world *world, const struct seen_task *task, struct ota_instant now)
{
	const struct seen_batch *row = view_batch(&world->view.now, task->batch);
	const struct model_batch *batch = model_batch(&world->model, task->batch);
	const struct plan *plan = &batch->order.plan;
	const struct model_task *known = &world->model.tasks[task - world->view.now.tasks];

	if (now.heard_ms < world->server.heard_base_ms + world->server.grace_ms)
		return "the server has just begun";
	if (strcmp(row->state, "running") != 0)
		return "paused";
	if (task->deadline_at > now.heard_ms || (known->ended_at && now.heard_ms - known->ended_at < plan->retry_pause_ms))
		return "retry";
	if (!row->started)
		return "start";
	if (task->stage > row->stage)
		return "stage";
	if (!plan_window_is_open(plan, now.wall_ms))
		return "window";
	if (plan->confirm || plan->pull_only)
		return "its plan";
	const char *held = device_gate(world, task, now);
	return held ? held : pace_gate(world, task, now);
}

void check_waiting(struct world *world, const struct work *work)
{
	int64_t soon_ms = SOON_MS + 2 * world->server.look_ms;

	if (work->more || world->server.count > work->count)
		return;
	for (size_t i = 0; i < world->view.now.task_count; i++) {
		const struct seen_task *task = &world->view.now.tasks[i];
		struct model_task *known = &world->model.tasks[i];

		if (task->state != SEEN_PENDING || task_gate(world, task, work->last))
			known->open_at = 0;
		else if (!known->open_at)
			known->open_at = work->last.heard_ms;
		else if (work->last.heard_ms - known->open_at > soon_ms)
			world_blame(world, "task %lld of d%d waits since %lld, and nothing holds it", (long long)task->id,
				    task->device, (long long)known->open_at);
	}
}
