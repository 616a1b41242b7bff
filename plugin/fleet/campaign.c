/* Batches: walking their tasks when something changes for all, and following them to their end. Every walk goes in bounded
 * chunks that the store remembers, so a kill at any moment is continued where it stopped. */
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/text.h"
#include "plugin/fleet/context.h"

int ota_campaign_move(struct ota_engine *engine, struct ota_batch *batch, const struct ota_batch_rule *rule, const char *reason,
		      struct ota_instant at, struct ota_error *error)
{
	char word[OTA_EVENT_WORD_MAX + 1] = "batch_";

	batch->state = rule->to;
	ota_text_cut(batch->reason, sizeof(batch->reason), reason);
	if (rule->to == OTA_BATCH_COMPLETED)
		batch->ended_ms = at.wall_ms;
	int failed = ota_batch_save(engine->options.store, batch, error);
	if (!failed && rule->to == OTA_BATCH_PAUSED)
		failed = ota_flow_pause(engine, batch, at, error);
	if (failed)
		return failed;
	ota_text_cut(word + 6, sizeof(word) - 6, ota_batch_state_word(rule->to));
	return ota_note_batch(engine, batch, at, word, reason, error);
}

/* Gives one event to the next tasks of a batch in one state; the event moves them out of it, so the next chunk starts from the
 * front again. */
struct walk {
	struct ota_engine *engine;
	int64_t batch_id;
	struct ota_instant at;
	size_t budget; /* tasks */
};

static int batch_walk(const struct walk *walk, enum ota_task_state state, enum ota_task_event event, size_t *ret_count,
		      struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_task *rows = calloc(walk->budget, sizeof(*rows));

	if (!rows)
		return OTA_ENOMEM;
	const struct ota_task_filter next = { walk->batch_id, (int)state, 0 };
	int failed = ota_task_list(walk->engine->options.store, &next, rows, walk->budget, ret_count, error);
	for (size_t i = 0; !failed && i < *ret_count; i++) {
		struct ota_device device;
		struct ota_work work;

		failed = ota_device_load(walk->engine->options.store, rows[i].device_id, &device, error);
		if (!failed)
			failed = ota_work_load(walk->engine, &device, &rows[i], walk->at, &work, error);
		if (!failed)
			failed = ota_transition(&work, event, NULL, NULL, error);
	}
	return failed;
}

/* A verify batch that was canceled proved nothing. */
static int verdict_withdraw(struct ota_engine *engine, const struct ota_batch *batch, struct ota_error *error)
{
	struct ota_package package;
	int failed = ota_package_load(engine->options.store, batch->package_id, &package, error);

	if (failed || batch->kind != OTA_BATCH_VERIFY || package.verification != OTA_VERIFYING)
		return failed;
	package.verification = OTA_UNVERIFIED;
	return ota_package_save(engine->options.store, &package, error);
}

/* Why its tasks end: what the package says goes before what an operator said of this batch. */
static int cancel_event(const struct walk *walk, const struct ota_batch *batch, enum ota_task_event *ret_event,
			struct ota_error *error)
{
	struct ota_package package;
	int failed = ota_package_load(walk->engine->options.store, batch->package_id, &package, error);

	if (failed)
		return failed;
	if (package.yanked)
		*ret_event = OTA_EVENT_PACKAGE_YANKED;
	else
		*ret_event = batch->cancel_level == OTA_CANCEL_REVOKES ? OTA_EVENT_REVOKE : OTA_EVENT_WITHDRAW;
	return 0;
}

static int batch_cancel(const struct walk *walk, struct ota_batch *batch, size_t *ret_count, struct ota_error *error)
{
	static const enum ota_task_state states[] = { OTA_TASK_PENDING, OTA_TASK_PUSHED, OTA_TASK_UPGRADING };
	size_t walked = batch->cancel_level == OTA_CANCEL_REVOKES ? 3 : 1;
	enum ota_task_event event;
	int failed = cancel_event(walk, batch, &event, error);

	for (size_t i = 0; !failed && i < walked; i++) {
		failed = batch_walk(walk, states[i], event, ret_count, error);
		if (*ret_count)
			return failed;
	}
	if (!failed && batch->cancel_level == OTA_CANCEL_ASKS)
		failed = ota_ask_walk(walk->engine, batch, walk->at, walk->budget, ret_count, error);
	if (failed || *ret_count)
		return failed;
	batch->canceling = false;
	batch->ended_ms = walk->at.wall_ms;
	failed = verdict_withdraw(walk->engine, batch, error);
	if (!failed)
		failed = ota_batch_save(walk->engine->options.store, batch, error);
	if (!failed && batch->cancel_level == OTA_CANCEL_ASKS)
		failed = ota_ask_end_walk(walk->engine, batch, walk->at, error);
	return failed;
}

static int batch_work(struct ota_engine *engine, int64_t id, struct ota_instant at, size_t budget, size_t *ret_count,
		      struct ota_error *error)
{
	const struct walk walk = { .engine = engine, .batch_id = id, .at = at, .budget = budget };
	struct ota_batch batch;
	int failed = ota_batch_load(engine->options.store, id, &batch, error);

	*ret_count = 0;
	if (failed)
		return failed;
	if (batch.canceling)
		return batch_cancel(&walk, &batch, ret_count, error);
	if (!batch.prepared && batch.state == OTA_BATCH_PLANNED)
		return ota_campaign_prepare(engine, &batch, at, budget, ret_count, error);
	bool ended = batch.ends_ms && batch.ends_ms <= at.wall_ms && ota_calendar_is_trusted(&engine->calendar, at);
	if (ended && at.heard_ms >= engine->grace_until)
		failed = batch_walk(&walk, OTA_TASK_PENDING, OTA_EVENT_EXPIRE, ret_count, error);
	/* Nobody joins it any more: it is over with its last task, or now. */
	bool over = ended && at.heard_ms >= engine->grace_until && !*ret_count && batch.kind == OTA_BATCH_DYNAMIC;
	return failed || !over ? failed : ota_campaign_follow(engine, id, at, error);
}

static int verdict_give(struct ota_engine *engine, const struct ota_batch *batch, const struct ota_batch_tally *tally,
			struct ota_instant at, struct ota_error *error)
{
	struct ota_package package;
	int failed = ota_package_load(engine->options.store, batch->package_id, &package, error);

	if (failed)
		return failed;
	enum ota_verification verdict = ota_batch_verdict(tally);
	if (verdict == OTA_UNVERIFIED && package.verification == OTA_VERIFIED)
		return 0; /* what proved nothing takes no proof away */
	package.verification = verdict;
	ota_text_cut(package.verified_sha256, sizeof(package.verified_sha256),
		     package.verification == OTA_VERIFIED ? package.full.sha256 : "");
	failed = ota_package_save(engine->options.store, &package, error);
	return failed ? failed
		      : ota_note_batch(engine, batch, at, "package_verified", ota_verification_word(package.verification), error);
}

/* What ended, without what had ended at the last resume when `since_resume`. */
static struct ota_batch_tally tally_of(const struct ota_batch_counts *counts, const struct ota_strategy *strategy,
				       bool since_resume)
{
	struct ota_batch_tally tally = {
		.open = counts->states[OTA_TASK_PENDING] + counts->states[OTA_TASK_PUSHED] + counts->states[OTA_TASK_UPGRADING],
		.succeeded = counts->states[OTA_TASK_SUCCEEDED],
	};

	for (int cause = 0; cause < OTA_CAUSES; cause++) {
		int64_t n = counts->causes[cause] - (since_resume ? counts->resumed[cause] : 0);

		if (cause == OTA_CAUSE_VERSION_REPORTED)
			tally.reported = n;
		if (ota_cause_is_failure((enum ota_cause)cause))
			tally.failed += n;
		if (strategy->abort_causes >> cause & 1)
			tally.blamed += n;
	}
	return tally;
}

/* "3 of 20 finished tasks failed by burn_failed or rolled_back since it was resumed, more than 10 % of at least 10" */
static void abort_sentence(const struct ota_strategy *strategy, const struct ota_batch_tally *tally, enum ota_abort why,
			   bool resumed, struct ota_bytes *out)
{
	if (why == OTA_ABORT_COUNT)
		ota_bytes_format(out, "%lld task%s failed", (long long)tally->blamed, tally->blamed == 1 ? "" : "s");
	else
		ota_bytes_format(out, "%lld of %lld finished tasks failed", (long long)tally->blamed,
				 (long long)(tally->failed + tally->reported));
	ota_strategy_tell_blame(strategy, out);
	ota_bytes_text(out, resumed ? " since it was resumed" : "");
	if (why == OTA_ABORT_COUNT)
		ota_bytes_format(out, ", the limit is %lld whatever their share", (long long)strategy->abort_count);
	else
		ota_bytes_format(out, ", more than %lld %% of at least %lld", (long long)strategy->abort_percent,
				 (long long)strategy->abort_sample);
}

/* Canceled by it, what was sent runs on, as after a pause: the rule knows of failures, not of what a revocation would do to
 * devices in the middle of a download. */
static int batch_abort(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		       const char *sentence, struct ota_instant at, struct ota_error *error)
{
	bool cancels = strategy->abort_action == OTA_ABORT_CANCELS;
	enum ota_batch_event event = cancels ? OTA_BATCH_EVENT_ABORT_CANCEL : OTA_BATCH_EVENT_ABORT;
	const struct ota_batch_rule *rule = ota_batch_decide(batch->state, event);

	if (!rule->allowed) /* it was paused, or its last task has just ended it */
		return strategy->auto_rollback && batch->state == OTA_BATCH_COMPLETED
			       ? ota_campaign_roll_back(engine, batch, at, error)
			       : 0;
	batch->canceling |= cancels;
	ota_engine_look(engine);
	int failed = ota_campaign_move(engine, batch, rule, sentence, at, error);
	return failed || !strategy->auto_rollback ? failed : ota_campaign_roll_back(engine, batch, at, error);
}

static int abort_look(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		      const struct ota_batch_counts *counts, struct ota_instant at, struct ota_error *error)
{
	const struct ota_batch_tally tally = tally_of(counts, strategy, true);
	enum ota_abort why = ota_batch_aborts(strategy, &tally);
	OTA_AUTO_BYTES struct ota_bytes sentence = {0};
	bool resumed = false;

	if (why == OTA_ABORT_NONE)
		return 0;
	for (int cause = 0; cause < OTA_CAUSES; cause++)
		resumed |= counts->resumed[cause] > 0;
	ota_bytes_text(&sentence, ota_batch_decide(OTA_BATCH_RUNNING, OTA_BATCH_EVENT_ABORT)->text);
	ota_bytes_text(&sentence, ": ");
	abort_sentence(strategy, &tally, why, resumed, &sentence);
	return sentence.failed ? OTA_ENOMEM : batch_abort(engine, batch, strategy, sentence.data, at, error);
}

int ota_campaign_follow(struct ota_engine *engine, int64_t batch_id, struct ota_instant at, struct ota_error *error)
{
	struct ota_batch batch;
	struct ota_batch_counts counts;
	struct ota_strategy strategy;
	int failed = ota_batch_load(engine->options.store, batch_id, &batch, error);

	if (!failed)
		failed = ota_batch_load_counts(engine->options.store, batch_id, &counts, error);
	if (!failed)
		failed = ota_strategies_read(&engine->strategies, batch.strategy, &strategy, error);
	if (failed)
		return failed;

	const struct ota_batch_tally tally = tally_of(&counts, &strategy, false);
	const struct ota_batch_rule *finish = ota_batch_decide(batch.state, OTA_BATCH_EVENT_FINISHED);
	bool stays_open = batch.kind == OTA_BATCH_DYNAMIC && at.wall_ms < batch.ends_ms;
	if (finish->allowed && batch.prepared && !tally.open && !stays_open) {
		failed = ota_campaign_move(engine, &batch, finish, finish->text, at, error);
		if (!failed && batch.kind == OTA_BATCH_VERIFY)
			failed = verdict_give(engine, &batch, &tally, at, error);
		if (failed)
			return failed;
	}
	failed = abort_look(engine, &batch, &strategy, &counts, at, error);
	return failed ? failed : ota_stages_follow(engine, &batch, &strategy, at, error);
}

int ota_campaign_scan(struct ota_engine *engine, int64_t batch_id)
{
	if (engine->rehearsing)
		return 0;
	/* One that is walked already starts over. */
	for (size_t i = 0; i < engine->scan_count; i++) {
		if (engine->scans[i].batch_id != batch_id)
			continue;
		engine->scans[i].after = 0;
		return 0;
	}
	if (engine->scan_count == engine->scan_capacity) {
		size_t capacity = engine->scan_capacity ? 2 * engine->scan_capacity : 16;
		struct ota_scan *scans = reallocarray(engine->scans, capacity, sizeof(*scans));

		if (!scans)
			return OTA_ENOMEM;
		engine->scans = scans;
		engine->scan_capacity = capacity;
	}
	engine->scans[engine->scan_count++] = (struct ota_scan){ .batch_id = batch_id };
	return 0;
}

static int scan_task(struct ota_engine *engine, const struct ota_task *task, struct ota_instant at, struct ota_error *error)
{
	struct ota_device device;
	int failed = ota_device_load(engine->options.store, task->device_id, &device, error);

	if (failed || ota_task_state_is_final(task->state))
		return failed;
	const struct ota_connection *connection = ota_presence_find(engine->presence, &device.identity);
	if (!connection || !connection->settled)
		return 0;
	if (task->state == OTA_TASK_PENDING) /* what another batch has under way on the device is not interrupted by it */
		return ota_release_device(engine, &device, at, error);
	return ota_settle_connection(engine, &device.identity, at, error);
}

int ota_campaign_try(struct ota_engine *engine, const struct ota_task *task, struct ota_instant at, struct ota_error *error)
{
	struct ota_error own = {0};
	struct ota_guard guard;
	bool aside;
	int failed = ota_guard_begin(engine, &guard, error);

	if (failed)
		return failed;
	failed = ota_guard_end(engine, &guard, scan_task(engine, task, at, &own), &aside, &own);
	if (aside)
		ota_guard_tell(engine, at, "task", task->id, &own);
	if (failed && error)
		*error = own;
	return failed;
}

/* Of a million rows most are not there yet: they cost nothing but their reading. */
static bool scan_passes_over(const struct ota_task *task, const struct ota_flow *flow)
{
	return ota_task_state_is_final(task->state) || task->stage > flow->stage;
}

static int scan_chunk(struct ota_engine *engine, struct ota_instant at, size_t budget, size_t *ret_count, struct ota_error *error)
{
	struct ota_scan *scan = &engine->scans[0];
	OTA_AUTO_FREE struct ota_task *rows = calloc(budget, sizeof(*rows));

	if (!rows)
		return OTA_ENOMEM;
	engine->walked = scan->batch_id;
	const struct ota_task_filter next = { scan->batch_id, -1, scan->after };
	struct ota_flow flow;
	int failed = ota_flow_load(engine->options.store, scan->batch_id, &flow, error);
	if (!failed)
		failed = ota_task_list(engine->options.store, &next, rows, budget, ret_count, error);
	for (size_t i = 0; !failed && i < *ret_count; i++) {
		if (!scan_passes_over(&rows[i], &flow))
			failed = ota_campaign_try(engine, &rows[i], at, error);
	}
	if (failed)
		return failed;
	struct ota_scan next_chunk = { scan->batch_id, *ret_count ? rows[*ret_count - 1].id : scan->after };
	memmove(scan, scan + 1, --engine->scan_count * sizeof(*scan));
	if (*ret_count == budget)
		engine->scans[engine->scan_count++] = next_chunk; /* behind the others */
	return 0;
}

static int work_guarded(struct ota_engine *engine, int64_t id, struct ota_instant at, size_t budget, size_t *ret_count,
			struct ota_error *error)
{
	struct ota_error own = {0};
	struct ota_guard guard;
	bool aside;
	int failed = ota_guard_begin(engine, &guard, error);

	*ret_count = 0;
	if (failed)
		return failed;
	failed = ota_guard_end(engine, &guard, batch_work(engine, id, at, budget, ret_count, &own), &aside, &own);
	if (aside) {
		*ret_count = 0;
		ota_guard_tell(engine, at, "batch", id, &own);
	}
	if (failed && error)
		*error = own;
	return failed;
}

int ota_campaign_turn(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error)
{
	enum { BATCHES = 16 };
	int64_t ids[BATCHES];
	size_t count, done, i;

	int failed = ota_flow_turn(engine, now, error);
	if (failed)
		return failed;
	failed = ota_batch_list_working(engine->options.store, now.wall_ms, engine->work_after, ids, BATCHES, &count, error);
	for (i = 0; !failed && i < count && budget; i++) {
		failed = work_guarded(engine, ids[i], now, budget, &done, error);
		*ret_more |= done > 0;
		budget -= done < budget ? done : budget;
	}
	if (!failed) {
		bool all = i == count && count < BATCHES;

		engine->work_after = all ? 0 : ids[i - 1];
		*ret_more |= !all;
	}
	if (!failed && budget && engine->scan_count) {
		failed = scan_chunk(engine, now, budget, &done, error);
		*ret_more |= engine->scan_count > 0;
	}
	return failed;
}
