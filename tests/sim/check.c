#include "tests/sim/check.h"

#include <string.h>

#include "tests/sim/world.h"

enum { COUNTS_EVERY = 16 }; /* transactions between two whole comparisons of the counts */

/* At most one unfinished task per device and module, one active per device. */
static void check_alone(struct world *world)
{
	int unfinished[SEEN_DEVICES_MAX][DEVICE_MODULES] = {{0}}, active[SEEN_DEVICES_MAX] = {0};

	for (size_t i = 0; i < world->view.now.task_count; i++) {
		const struct seen_task *task = &world->view.now.tasks[i];

		if (!view_is_final(task->state) && ++unfinished[task->device][model_module(task->module)] > 1)
			world_blame(world, "d%d has two unfinished tasks of module %s", task->device, task->module);
		if (view_is_active(task->state) && ++active[task->device] > 1)
			world_blame(world, "d%d has two active tasks", task->device);
	}
}

/* An acknowledged inform is in the store once nothing waits, settled or as a candidate. */
static void check_inventory(struct world *world, bool settled)
{
	for (int device = 0; device < world->device_count; device++) {
		for (int module = 0; module < DEVICE_MODULES; module++) {
			const char *said = world->model.devices[device].said[module].version;
			const struct seen_module *row = view_module(&world->view.now, device, device_modules[module]);

			if (!*said)
				continue;
			const char *kept = !row ? "nothing" : *row->candidate ? row->candidate : row->version;
			if (strcmp(kept, said) != 0 || (settled && row->due))
				world_blame(world, "d%d said %s of %s, the inventory has %s%s", device, said,
					    device_modules[module], kept, row && row->due ? ", not settled" : "");
		}
	}
}

/* The version counts after a quiet time, and then soon. */
static void check_settling(struct world *world, const struct work *work)
{
	for (size_t i = 0; i < world->view.now.module_count; i++) {
		const struct seen_module *now = &world->view.now.modules[i];
		const struct seen_module *before = view_module(&world->view.before, now->device, now->module);
		int64_t said_at = world->model.devices[now->device].said[model_module(now->module)].at;
		bool settled = *now->version && (!before || strcmp(before->version, now->version) != 0);

		if (settled && !world->server.count && work->last.heard_ms - said_at < MODEL_SETTLE_MS)
			world_blame(world, "d%d's %s counts %lld ms after it was said", now->device, now->version,
				    (long long)(work->last.heard_ms - said_at));
		if (!work->items && !work->more && now->due && now->due <= work->last.heard_ms)
			world_blame(world, "d%d's %s should have settled", now->device, now->candidate);
	}
}

void check_commit(struct world *world, const struct work *work)
{
	size_t waiting = world->server.count - work->count;

	view_read(world);
	model_take(world, work);
	check_alone(world);
	if (!waiting)
		check_inventory(world, false);
	check_settling(world, work);
	check_tasks(world, work);
	check_reports(world, work);
	check_batches(world, work);
	check_messages(world, work);
	check_waiting(world, work);
	if (++world->commits % COUNTS_EVERY == 0)
		view_check_counts(world);
}

void check_end(struct world *world)
{
	for (size_t i = 0; i < world->view.now.task_count; i++) {
		const struct seen_task *task = &world->view.now.tasks[i];

		if (!view_is_final(task->state))
			world_blame(world, "task %lld of d%d never ends: %s, phase %d, attempt %lld", (long long)task->id,
				    task->device, view_state_word(task->state), task->phase, (long long)task->attempt);
	}
	for (size_t i = 0; i < world->view.now.batch_count; i++) {
		const struct seen_batch *batch = &world->view.now.batches[i];

		if (strcmp(batch->state, "completed") != 0 && strcmp(batch->state, "canceled") != 0)
			world_blame(world, "batch %lld never ends: %s (%s)", (long long)batch->id, batch->state, batch->reason);
	}
	check_inventory(world, true);
	view_check_counts(world);
}
