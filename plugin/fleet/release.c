/* Releases of those who wait for their batch: line by line, each as far as its batch's pace allows. */
#include "plugin/fleet/context.h"

/* Releases that are due closer together than this go in one turn: a thousand transactions a second serve nobody. */
enum { TOGETHER_MS = 20 };
/* A place that is given back wakes its line; this is for what nobody foresaw. */
enum { PLACE_LOOK_MS = 1000 };

bool ota_release_is_jump(const struct ota_work *work)
{
	const struct ota_engine *engine = work->engine;

	return engine->serving != work->batch.id && ota_waiters_has_ready(&engine->waiters, work->batch.id);
}

static int window_opens(const struct ota_work *work, int64_t *ret_ms, struct ota_error *error)
{
	struct ota_work_zone zone;
	int failed = ota_work_zone(work, &zone, error);

	if (!failed)
		*ret_ms = zone.known ? ota_window_turns_ms(&work->strategy.window, zone.local, work->at.wall_ms) : INT64_MAX;
	return failed;
}

int ota_release_await(struct ota_work *work, enum ota_reason reason, struct ota_error *error)
{
	int64_t opens_ms = 0;

	if (reason != OTA_REASON_IN_FLIGHT && reason != OTA_REASON_RATE && reason != OTA_REASON_WINDOW)
		return 0;
	int failed = reason == OTA_REASON_WINDOW ? window_opens(work, &opens_ms, error) : 0;
	if (failed || opens_ms == INT64_MAX)
		return failed;
	failed = ota_waiters_add(&work->engine->waiters, work->batch.id, work->task.id, opens_ms);
	return failed ? ota_fail(error, failed, "no memory for those who wait for batch %lld", (long long)work->batch.id) : 0;
}

/* A line at work: its batch, as it stands. */
struct serving {
	struct ota_engine *engine;
	struct ota_line *line;
	struct ota_instant now;
	struct ota_batch batch;
	struct ota_strategy strategy;
};

static int serving_begin(struct serving *serving, struct ota_error *error)
{
	int failed = ota_batch_load(serving->engine->options.store, serving->line->batch_id, &serving->batch, error);

	return failed ? failed : ota_strategies_read(&serving->engine->strategies, serving->batch.strategy,
							  &serving->strategy, error);
}

/* Whoever waits is decided again when it goes on, by the walk that resuming starts. */
static bool batch_stands(const struct ota_batch *batch)
{
	return batch->state != OTA_BATCH_RUNNING && batch->state != OTA_BATCH_CANCELED;
}

/* Whether a release may be made now; else when the line is looked at again. */
static int pace_allows(const struct serving *serving, bool *ret_allows, struct ota_error *error)
{
	struct ota_pace_state pace;
	int64_t now_ms = serving->now.heard_ms;
	int failed = ota_release_look(serving->engine, serving->batch.id, &serving->strategy, serving->now, &pace, error);

	if (failed)
		return failed;
	*ret_allows = pace.place_free && pace.due_us <= now_ms * 1000;
	if (*ret_allows)
		return 0;
	int64_t due_at = pace.place_free ? (pace.due_us + 999) / 1000 : now_ms + PLACE_LOOK_MS;
	serving->line->due_at = due_at > now_ms + TOGETHER_MS ? due_at : now_ms + TOGETHER_MS;
	return 0;
}

/* The first one in the line. *ret_done: he has to wait on. */
static int first_serve(const struct serving *serving, bool *ret_done, struct ota_error *error)
{
	struct ota_task task;
	bool allows = true;
	int failed = ota_task_load(serving->engine->options.store, serving->line->ready->task_id, &task, error);
	bool gone = failed == OTA_ENOTFOUND;

	if (!failed && task.state == OTA_TASK_PENDING && serving->batch.state == OTA_BATCH_RUNNING)
		failed = pace_allows(serving, &allows, error);
	*ret_done = !allows;
	if ((failed && !gone) || !allows)
		return failed;
	ota_line_pop(serving->line, serving->engine->turn);
	return gone ? 0 : ota_campaign_try(serving->engine, &task, serving->now, error);
}

static int line_serve(struct serving *serving, size_t budget, size_t *ret_count, struct ota_error *error)
{
	struct ota_line *line = serving->line;
	bool done = false;
	int failed = serving_begin(serving, error);

	if (!failed && batch_stands(&serving->batch)) {
		ota_line_drop(&serving->engine->waiters, line, serving->engine->turn);
		return 0;
	}
	serving->engine->serving = line->batch_id;
	for (; !failed && !done && line->ready && *ret_count < budget; ++*ret_count)
		failed = first_serve(serving, &done, error);
	serving->engine->serving = 0;
	return failed;
}

int ota_release_turn(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error)
{
	size_t lines = ota_waiters_count(&engine->waiters);
	size_t share = lines && budget / lines ? budget / lines : 1;
	int failed = 0;

	for (size_t i = 0; !failed && i < lines; i++) {
		struct serving serving = { .engine = engine, .now = now, .line = ota_waiters_rotate(&engine->waiters) };
		struct ota_line *line = serving.line;
		size_t count = 0;

		ota_line_open(line, now.wall_ms);
		if (!line->ready && !line->asleep)
			ota_line_drop(&engine->waiters, line, engine->turn);
		else if (line->ready && line->due_at <= now.heard_ms)
			failed = line_serve(&serving, share, &count, error);
		*ret_more |= count == share;
	}
	return failed;
}
