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

/* What was only tried changed nothing. */
static void check_dry(struct world *world, const struct work *work)
{
	const struct seen *before = &world->view.before, *now = &world->view.now;

	if (!work->items || work->items[0].kind != ITEM_ORDER || !work->items[0].order.is_dry)
		return;
	if (before->task_count != now->task_count || before->batch_count != now->batch_count ||
	    memcmp(before->tasks, now->tasks, now->task_count * sizeof(now->tasks[0])) != 0 ||
	    memcmp(before->batches, now->batches, now->batch_count * sizeof(now->batches[0])) != 0 ||
	    memcmp(before->devices, now->devices, sizeof(now->devices)) != 0 || before->yanked_count != now->yanked_count ||
	    work->outbox->count)
		world_blame(world, "%s was only tried, and changed something", order_word(work->items[0].order.kind));
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
	check_dry(world, work);
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
