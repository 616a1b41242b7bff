/* Flow: a batch from its start to its last gate, as time passes. Batches whose gates nothing but time opens are looked at once a
 * second. */
#include <stdio.h>

#include "common/text.h"
#include "plugin/fleet/context.h"

bool ota_flow_wants_watch(const struct ota_batch *batch, const struct ota_strategy *strategy, const struct ota_flow *flow)
{
	return !batch->started_ms || ota_stages_are_left(strategy, flow);
}

/* The planned start, of people's time: after a step of the clock nobody is to believe it for a while. */
static bool start_is_to_come(const struct ota_engine *engine, const struct ota_strategy *strategy, struct ota_instant at)
{
	if (!strategy->start_at_ms)
		return false;
	return at.wall_ms < strategy->start_at_ms || !ota_calendar_is_trusted(&engine->calendar, at);
}

static int start_await(struct ota_engine *engine, const struct ota_batch *batch, struct ota_error *error)
{
	struct ota_flow flow;
	int failed = ota_flow_load(engine->options.store, batch->id, &flow, error);

	flow.watched = true;
	return failed ? failed : ota_flow_save(engine->options.store, &flow, error);
}

int ota_flow_begin(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant at, struct ota_error *error)
{
	const struct ota_batch_rule *rule = ota_batch_decide(batch->state, OTA_BATCH_EVENT_PREPARED);
	char begins[OTA_TIME_SIZE], reason[OTA_REASON_MAX];
	struct ota_strategy strategy;
	int failed = ota_strategy_parse_text(batch->strategy, &strategy, error);

	if (failed)
		return failed;
	bool later = start_is_to_come(engine, &strategy, at);
	ota_time_print(begins, strategy.start_at_ms);
	snprintf(reason, sizeof(reason), "%s; it begins at %s", rule->text, begins);
	batch->started_ms = later ? 0 : at.wall_ms;
	failed = ota_campaign_move(engine, batch, rule, later ? reason : rule->text, at, error);
	if (failed)
		return failed;
	return later ? start_await(engine, batch, error) : ota_stages_begin(engine, batch, &strategy, at, error);
}

static int flow_start(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		      struct ota_instant at, struct ota_error *error)
{
	static const char text[] = "its start has come";

	batch->started_ms = at.wall_ms;
	ota_text_cut(batch->reason, sizeof(batch->reason), text);
	int failed = ota_batch_save(engine->options.store, batch, error);
	if (!failed)
		failed = ota_note_batch(engine, batch, at, "batch_started", text, error);
	if (!failed)
		failed = ota_stages_begin(engine, batch, strategy, at, error);
	if (!failed && ota_campaign_scan(engine, batch->id))
		failed = ota_fail(error, OTA_ENOMEM, "no memory to walk a batch");
	return failed;
}

static int watch_keep(struct ota_engine *engine, const struct ota_batch *batch, const struct ota_strategy *strategy,
		      struct ota_error *error)
{
	bool ended = batch->state == OTA_BATCH_COMPLETED || batch->state == OTA_BATCH_CANCELED;
	struct ota_flow flow;
	int failed = ota_flow_load(engine->options.store, batch->id, &flow, error);

	if (failed || (!ended && ota_flow_wants_watch(batch, strategy, &flow)))
		return failed;
	flow.watched = false;
	return ota_flow_save(engine->options.store, &flow, error);
}

static int flow_look(struct ota_engine *engine, int64_t batch_id, struct ota_instant at, struct ota_error *error)
{
	struct ota_strategy strategy;
	struct ota_batch batch;
	int failed = ota_batch_load(engine->options.store, batch_id, &batch, error);

	if (!failed)
		failed = ota_strategies_read(&engine->strategies, batch.strategy, &strategy, error);
	if (!failed && batch.state == OTA_BATCH_RUNNING && !batch.started_ms && !start_is_to_come(engine, &strategy, at))
		failed = flow_start(engine, &batch, &strategy, at, error);
	if (!failed)
		failed = ota_stages_follow(engine, &batch, &strategy, at, error);
	return failed ? failed : watch_keep(engine, &batch, &strategy, error);
}

static int look_guarded(struct ota_engine *engine, int64_t batch_id, struct ota_instant at, struct ota_error *error)
{
	struct ota_error own = { 0 };
	struct ota_guard guard;
	bool aside;
	int failed = ota_guard_begin(engine, &guard, error);

	if (failed)
		return failed;
	failed = ota_guard_end(engine, &guard, flow_look(engine, batch_id, at, &own), &aside, &own);
	if (aside)
		ota_guard_tell(engine, at, "flow of batch", batch_id, &own);
	if (failed && error)
		*error = own;
	return failed;
}

int ota_flow_turn(struct ota_engine *engine, struct ota_instant now, struct ota_error *error)
{
	enum { BATCHES = 16 };
	int64_t ids[BATCHES], after = 0;
	size_t count = BATCHES;
	int failed = 0;

	if (now.heard_ms < engine->watch_at)
		return 0;
	while (!failed && count == BATCHES) {
		failed = ota_flow_list_watched(engine->options.store, after, ids, BATCHES, &count, error);
		for (size_t i = 0; !failed && i < count; i++)
			failed = look_guarded(engine, ids[i], now, error);
		after = count ? ids[count - 1] : after;
	}
	engine->watch_at = now.heard_ms + engine->options.look_ms;
	return failed;
}

int ota_flow_pause(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant at, struct ota_error *error)
{
	struct ota_strategy strategy;
	struct ota_flow flow;
	int failed = ota_strategy_parse_text(batch->strategy, &strategy, error);

	if (!failed)
		failed = ota_flow_load(engine->options.store, batch->id, &flow, error);
	if (failed || !strategy.stage_count)
		return failed;
	ota_stages_pause(&flow, at);
	return ota_flow_save(engine->options.store, &flow, error);
}

static int flow_resume(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant at, struct ota_error *error)
{
	struct ota_strategy strategy;
	struct ota_flow flow;
	int failed = ota_strategy_parse_text(batch->strategy, &strategy, error);

	if (!failed)
		failed = ota_flow_load(engine->options.store, batch->id, &flow, error);
	if (!failed)
		failed = ota_stages_allow(engine, batch, &strategy, at, error);
	if (failed || (!strategy.stage_count && !flow.ramp_at))
		return failed;
	flow.ramp_at = 0;
	ota_stages_resume(&strategy, &flow, at);
	return ota_flow_save(engine->options.store, &flow, error);
}

int ota_engine_pause_batch(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant now,
			   struct ota_error *error)
{
	return ota_flow_pause(engine, batch, now, error);
}

int ota_engine_resume_batch(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant now,
			    struct ota_error *error)
{
	int failed = flow_resume(engine, batch, now, error);

	return failed ? failed : ota_engine_wake_batch(engine, batch->id);
}
