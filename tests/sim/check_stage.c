#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/world.h"

enum { SOON_MS = 2500 }; /* besides two looks of the server */

/* One stage of a batch. What ended without an attempt, or was canceled in it, counts nowhere. */
struct tally {
	int64_t open, succeeded, failed;
};

static struct tally tally_of(const struct seen *seen, int64_t batch, int64_t stage)
{
	struct tally tally = {0};

	for (size_t i = 0; i < seen->task_count; i++) {
		const struct seen_task *task = &seen->tasks[i];

		if (task->batch != batch || task->stage != stage)
			continue;
		tally.open += !view_is_final(task->state);
		tally.failed += task->state == SEEN_FAILED;
		tally.succeeded += task->state == SEEN_SUCCEEDED && !strcmp(task->cause, "version_reported");
	}
	return tally;
}

static bool is_met(const struct plan_stage *stage, const struct tally *tally)
{
	int64_t done = tally->succeeded + tally->failed;

	return done * 100 >= stage->finished * (done + tally->open) && tally->succeeded * 100 >= stage->success * done;
}

static bool is_empty(const struct tally *tally)
{
	return !(tally->open + tally->succeeded + tally->failed);
}

/* At some moment of this work: its tasks ended one after the other. */
static bool may_be_met(const struct plan_stage *stage, const struct tally *before, const struct tally *now)
{
	struct tally at;

	for (at.succeeded = before->succeeded; at.succeeded <= now->succeeded; at.succeeded++) {
		for (at.failed = before->failed; at.failed <= now->failed; at.failed++) {
			for (at.open = now->open; at.open <= before->open || at.open == now->open; at.open++) {
				if (is_met(stage, &at))
					return true;
			}
		}
	}
	return false;
}

/* How far it may have climbed by now, at the most. */
static void climb(struct world *world, const struct work *work, struct model_batch *batch)
{
	const struct plan *plan = &batch->order.plan;

	while (batch->may_stage < (int64_t)plan->stage_count) {
		const struct plan_stage *stage = &plan->stages[batch->may_stage];
		struct tally before = tally_of(&world->view.before, batch->id, batch->may_stage);
		struct tally now = tally_of(&world->view.now, batch->id, batch->may_stage);

		if (!may_be_met(stage, &before, &now)) {
			batch->met_at = 0;
			return;
		}
		batch->met_at = batch->met_at ? batch->met_at : work->first.heard_ms;
		if (stage->manual || (!is_empty(&now) && work->last.heard_ms - batch->met_at < stage->soak_ms))
			return;
		batch->may_stage++;
		batch->met_at = 0;
	}
}

/* What holds surely must have its effect soon. */
static void effect_check(struct world *world, const struct work *work, const struct seen_batch *row, struct model_batch *batch)
{
	const struct plan_stage *stage = &batch->order.plan.stages[row->stage];
	const struct tally tally = tally_of(&world->view.now, row->id, row->stage);
	int64_t at = work->last.heard_ms, soon_ms = SOON_MS + 2 * world->server.look_ms;
	bool met = is_met(stage, &tally);

	batch->surely_at = !met ? 0 : batch->surely_at ? batch->surely_at : at;
	batch->lacking_at = met ? 0 : batch->lacking_at ? batch->lacking_at : at;
	if (met && !stage->manual && at - batch->surely_at > stage->soak_ms + soon_ms)
		world_blame(world, "stage %lld of batch %lld has passed, and the next one does not open", (long long)row->stage,
			    (long long)row->id);
	if (!met && !tally.open && at - batch->lacking_at > soon_ms)
		world_blame(world, "stage %lld of batch %lld cannot pass any more, and nobody is told", (long long)row->stage,
			    (long long)row->id);
	if (!met && stage->deadline_ms && at - batch->lacking_at > stage->deadline_ms + soon_ms)
		world_blame(world, "the deadline of stage %lld of batch %lld is over", (long long)row->stage, (long long)row->id);
}

void check_stage(struct world *world, const struct work *work, const struct seen_batch *row)
{
	const struct seen_batch *before = view_batch(&world->view.before, row->id);
	struct model_batch *batch = model_batch(&world->model, row->id);
	bool running = !strcmp(row->state, "running") && row->started && row->prepared;
	bool was_running = before && !strcmp(before->state, "running") && before->started;

	if (!batch->order.plan.stage_count)
		return;
	if (running || was_running || (row->started && !(before && before->started)))
		climb(world, work, batch);
	if (row->stage > batch->may_stage)
		world_blame(world, "stage %lld of batch %lld is open, and the one before has not passed", (long long)row->stage,
			    (long long)row->id);
	if (!before || before->stage != row->stage)
		batch->stage_at = work->first.heard_ms;
	if (!running || !was_running || before->stage != row->stage)
		batch->surely_at = batch->lacking_at = 0;
	else if (!work->more && row->stage < (int64_t)batch->order.plan.stage_count)
		effect_check(world, work, row, batch);
}

bool check_stall(struct world *world, const struct work *work, const struct seen_batch *row)
{
	struct model_batch *batch = model_batch(&world->model, row->id);
	const struct plan_stage *stage = &batch->order.plan.stages[row->stage];
	const struct tally tally = tally_of(&world->view.now, row->id, row->stage);
	const struct seen_batch *before = view_batch(&world->view.before, row->id);

	if (row->stage >= (int64_t)batch->order.plan.stage_count)
		return false;
	if (!tally.open && !is_met(stage, &tally))
		return true;
	return stage->deadline_ms && before && before->stage == row->stage &&
	       work->last.heard_ms - batch->stage_at >= stage->deadline_ms;
}
