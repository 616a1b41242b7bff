#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/world.h"

struct tally {
	int64_t open, failed, blamed, reported;
};

static struct tally tally_of(const struct seen *seen, const struct model_batch *batch)
{
	struct tally tally = {0};

	for (size_t i = 0; i < seen->task_count; i++) {
		const struct seen_task *task = &seen->tasks[i];

		if (task->batch != batch->id)
			continue;
		tally.open += !view_is_final(task->state);
		tally.failed += task->state == SEEN_FAILED;
		tally.blamed += task->state == SEEN_FAILED && plan_counts_for_abort(&batch->order.plan, task->cause);
		tally.reported += task->state == SEEN_SUCCEEDED && !strcmp(task->cause, "version_reported");
	}
	return tally;
}

static bool abort_is_due(const struct model_batch *batch, const struct tally *tally)
{
	const struct plan *plan = &batch->order.plan;
	int64_t failed = tally->failed - batch->failed_before, reported = tally->reported - batch->reported_before;

	int64_t blamed = tally->blamed - batch->blamed_before;

	if (plan->abort_count && blamed >= plan->abort_count)
		return true;
	return plan->abort_sample && failed + reported >= plan->abort_sample &&
	       blamed * 100 > plan->abort_percent * (failed + reported);
}

static bool was_ordered(const struct work *work, enum order_kind kind, int64_t batch)
{
	for (size_t i = 0; work->items && i < work->count; i++) {
		if (work->items[i].kind == ITEM_ORDER && work->items[i].order.kind == kind &&
		    (!batch || work->items[i].order.batch == batch))
			return true;
	}
	return false;
}

static void blame(struct world *world, const struct seen_batch *batch, const char *sentence)
{
	world_blame(world, "batch %lld (%s, \"%s\"): %s", (long long)batch->id, batch->state, batch->reason, sentence);
}

static bool is(const struct seen_batch *batch, const char *state)
{
	return !strcmp(batch->state, state);
}

/* Tasks that end in the same turn end one after the other: the rule may have fired between two of them. */
static bool abort_was_due(const struct world *world, const struct model_batch *batch)
{
	struct tally before = tally_of(&world->view.before, batch), now = tally_of(&world->view.now, batch), between = now;

	for (between.reported = before.reported; between.reported <= now.reported; between.reported++) {
		for (between.failed = before.failed; between.failed <= now.failed; between.failed++) {
			between.blamed = now.blamed - (now.failed - between.failed);
			between.blamed = between.blamed > before.blamed ? between.blamed : now.blamed;
			if (abort_is_due(batch, &between))
				return true;
		}
	}
	return false;
}

/* Each change of a batch has its reason. */
static void change_check(struct world *world, const struct work *work, const struct seen_batch *before,
			 const struct seen_batch *now)
{
	const struct model_batch *batch = model_batch(&world->model, now->id);

	if (is(before, "completed") || is(before, "canceled"))
		blame(world, now, "it had ended");
	if (is(now, "paused") && !was_ordered(work, ORDER_PAUSE, now->id) && !abort_was_due(world, batch) &&
	    !check_stall(world, work, now))
		blame(world, now, "it paused for no reason");
	if (is(now, "running") && is(before, "paused") && !was_ordered(work, ORDER_RESUME, now->id))
		blame(world, now, "nobody resumed it");
	if (is(now, "canceled") && !was_ordered(work, ORDER_CANCEL, now->id) && !was_ordered(work, ORDER_YANK, 0) &&
	    !is(before, "planned") && !(batch->order.plan.abort_cancels && abort_was_due(world, batch)))
		blame(world, now, "nobody canceled it");
}

static void state_check(struct world *world, const struct seen_batch *now)
{
	const struct model_batch *batch = model_batch(&world->model, now->id);
	const struct tally tally = tally_of(&world->view.now, batch);
	bool dynamic = !strcmp(batch->order.batch_kind, "dynamic");

	if (is(now, "completed") && (tally.open || !now->prepared))
		blame(world, now, "completed, with open tasks");
	if (is(now, "running") && batch->paused)
		blame(world, now, "an operator paused it");
	if ((is(now, "running") || is(now, "paused")) && now->prepared && !tally.open && !dynamic)
		blame(world, now, "every task is final, and it goes on");
	if (is(now, "running") && abort_is_due(batch, &tally))
		blame(world, now, "the abort rule should have stopped it");
	if (is(now, "canceled") && !now->canceling && batch->revoked && tally.open)
		blame(world, now, "revoked, with open tasks");
}

void check_batches(struct world *world, const struct work *work)
{
	for (size_t i = 0; i < world->view.now.batch_count && !*world->violation; i++) {
		const struct seen_batch *now = &world->view.now.batches[i];
		const struct seen_batch *before = view_batch(&world->view.before, now->id);

		if (!model_batch(&world->model, now->id)) {
			world_blame(world, "batch %lld: nobody was told of it", (long long)now->id);
			return;
		}
		if (before && strcmp(before->state, now->state) != 0)
			change_check(world, work, before, now);
		state_check(world, now);
		check_stage(world, work, now);
	}
}
