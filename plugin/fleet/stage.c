/* Stages of a batch: who belongs to which, and climbing from one to the next as tasks end and time passes. */
#include "common/text.h"
#include "plugin/fleet/context.h"

int ota_stage_places_load(struct ota_engine *engine, const struct ota_batch *batch, struct ota_stage_places *ret_places,
			  struct ota_error *error)
{
	struct ota_stage_places places = { 0 };
	int failed = ota_strategy_parse_text(batch->strategy, &places.strategy, error);

	for (size_t i = 0; !failed && i < places.strategy.stage_count; i++) {
		struct ota_batch_counts counts;

		if (!places.strategy.stages[i].count)
			continue;
		failed = ota_batch_load_stage_counts(engine->options.store, batch->id, (int64_t)i, &counts, error);
		places.taken[i] = failed ? 0 : ota_batch_counts_sum(&counts);
	}
	if (!failed)
		*ret_places = places;
	return failed;
}

int64_t ota_stage_place_take(struct ota_stage_places *places, const struct ota_device *device)
{
	size_t stage = ota_stage_of(&places->strategy, device->bucket, places->taken);

	if (stage < places->strategy.stage_count)
		places->taken[stage]++;
	return (int64_t)stage;
}

static struct ota_stage_tally tally_of(const struct ota_batch_counts *counts)
{
	int64_t reported = counts->causes[OTA_CAUSE_VERSION_REPORTED];

	return (struct ota_stage_tally){
		.open = counts->states[OTA_TASK_PENDING] + counts->states[OTA_TASK_PUSHED] + counts->states[OTA_TASK_UPGRADING],
		.succeeded = reported,
		.failed = counts->states[OTA_TASK_FAILED],
		.unproven = counts->states[OTA_TASK_CANCELED] + counts->states[OTA_TASK_SUCCEEDED] - reported,
	};
}

static int tally_load(struct ota_engine *engine, const struct ota_batch *batch, int64_t stage, struct ota_stage_tally *ret_tally,
		      struct ota_error *error)
{
	struct ota_batch_counts counts;
	int failed = ota_batch_load_stage_counts(engine->options.store, batch->id, stage, &counts, error);

	if (failed)
		return failed;
	*ret_tally = tally_of(&counts);
	ret_tally->growing = batch->kind == OTA_BATCH_DYNAMIC;
	return 0;
}

bool ota_stages_are_left(const struct ota_strategy *strategy, const struct ota_flow *flow)
{
	return flow->stage < (int64_t)strategy->stage_count;
}

/* A batch on its way up. */
struct climb {
	struct ota_engine *engine;
	struct ota_batch *batch;
	const struct ota_strategy *strategy;
	struct ota_instant at;
	struct ota_flow flow;
	struct ota_stage_tally tally; /* of the open stage */
	struct ota_stage_look look;
};

static const struct ota_stage *stage_of(const struct climb *climb)
{
	return &climb->strategy->stages[climb->flow.stage];
}

static int stage_look(struct climb *climb, struct ota_error *error)
{
	/* While the batch is paused, time stands still for its stage. */
	const struct ota_stage_times times = {
		.now_at = climb->flow.paused_at ? climb->flow.paused_at : climb->at.heard_ms,
		.since_at = climb->flow.stage_at,
		.met_at = climb->flow.met_at,
	};
	int failed = tally_load(climb->engine, climb->batch, climb->flow.stage, &climb->tally, error);

	if (!failed)
		climb->look = ota_stage_decide(stage_of(climb), &climb->tally, &times);
	return failed;
}

/* "stage 2 of 3", for people. */
static void stage_name(const struct climb *climb, struct ota_bytes *out)
{
	ota_bytes_format(out, "stage %lld of %zu", (long long)climb->flow.stage + 1, ota_stage_total(climb->strategy));
}

/* What the event tells of the stage that is open now. */
static int opening_describe(const struct climb *climb, const char *why, struct ota_bytes *out, struct ota_error *error)
{
	struct ota_stage_tally tally;
	int failed = tally_load(climb->engine, climb->batch, climb->flow.stage, &tally, error);

	if (failed)
		return failed;
	if (climb->flow.stage < (int64_t)ota_stage_total(climb->strategy)) {
		stage_name(climb, out);
		ota_bytes_format(out, ": %lld devices",
				 (long long)(tally.open + tally.succeeded + tally.failed + tally.unproven));
	} else {
		ota_bytes_text(out, "no stage is left"); /* the last one took everybody */
	}
	if (*why)
		ota_bytes_format(out, "; the one before: %s", why);
	return out->failed ? OTA_ENOMEM : 0;
}

/* Its first moment: what the operators' log says of it is the caller's affair. */
static int stage_open(struct climb *climb, int64_t stage, struct ota_error *error)
{
	const struct ota_stage_opening opening = { stage, climb->at.wall_ms };

	climb->flow.stage = stage;
	climb->flow.stage_at = climb->at.heard_ms;
	climb->flow.met_at = 0;
	climb->flow.watched = ota_flow_wants_watch(climb->batch, climb->strategy, &climb->flow);
	int failed = ota_flow_save(climb->engine->options.store, &climb->flow, error);
	if (!failed)
		failed = ota_flow_insert_opening(climb->engine->options.store, climb->batch->id, &opening, error);
	if (!failed && ota_campaign_scan(climb->engine, climb->batch->id))
		failed = ota_fail(error, OTA_ENOMEM, "no memory to walk a batch");
	return failed;
}

static int stage_open_noted(struct climb *climb, int64_t stage, const char *why, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes detail = { 0 };
	int failed = stage_open(climb, stage, error);

	if (!failed)
		failed = opening_describe(climb, why, &detail, error);
	return failed ? failed
		      : ota_note_batch(climb->engine, climb->batch, climb->at, "stage_opened", detail.data, error);
}

static int stage_stall(struct climb *climb, const char *why, struct ota_error *error)
{
	const struct ota_batch_rule *rule = ota_batch_decide(climb->batch->state, OTA_BATCH_EVENT_STALLED);
	OTA_AUTO_BYTES struct ota_bytes reason = { 0 };

	stage_name(climb, &reason);
	ota_bytes_format(&reason, " stands still: %s", why);
	return reason.failed ? OTA_ENOMEM
			     : ota_campaign_move(climb->engine, climb->batch, rule, reason.data, climb->at, error);
}

/* The soak counts from when the gate holds, and over again when it fell in between. In a paused batch it begins at the resume. */
static int met_keep(struct climb *climb, struct ota_error *error)
{
	bool begins = climb->look.met && !climb->flow.met_at && climb->batch->state == OTA_BATCH_RUNNING;
	bool ends = !climb->look.met && climb->flow.met_at;

	if (!begins && !ends)
		return 0;
	climb->flow.met_at = begins ? climb->at.heard_ms : 0;
	return ota_flow_save(climb->engine->options.store, &climb->flow, error);
}

/* One look at the open stage. *ret_on: it passed, and the next one is to be looked at. */
static int stage_step(struct climb *climb, bool *ret_on, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes why = { 0 };
	int failed = stage_look(climb, error);

	*ret_on = false;
	if (!failed)
		failed = met_keep(climb, error);
	if (failed || climb->look.step == OTA_STAGE_WAITS || climb->batch->state != OTA_BATCH_RUNNING)
		return failed;
	ota_stage_explain(stage_of(climb), &climb->tally, &climb->look, &why);
	if (why.failed)
		return OTA_ENOMEM;
	if (climb->look.step == OTA_STAGE_STALLS)
		return stage_stall(climb, why.data, error);
	*ret_on = true;
	return stage_open_noted(climb, climb->flow.stage + 1, why.data, error);
}

static int climb_on(struct climb *climb, struct ota_error *error)
{
	bool on = true;
	int failed = 0;

	while (!failed && on && ota_stages_are_left(climb->strategy, &climb->flow))
		failed = stage_step(climb, &on, error);
	return failed;
}

int ota_stages_begin(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		     struct ota_instant at, struct ota_error *error)
{
	struct climb climb = { .engine = engine, .batch = batch, .strategy = strategy, .at = at };
	int failed = strategy->stage_count ? ota_flow_load(engine->options.store, batch->id, &climb.flow, error) : 0;

	if (failed || !strategy->stage_count)
		return failed;
	return stage_open_noted(&climb, 0, "", error);
}

int ota_stages_follow(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		      struct ota_instant at, struct ota_error *error)
{
	struct climb climb = { .engine = engine, .batch = batch, .strategy = strategy, .at = at };
	bool open = batch->state == OTA_BATCH_RUNNING || batch->state == OTA_BATCH_PAUSED;

	if (!strategy->stage_count || !open || !batch->started_ms)
		return 0;
	int failed = ota_flow_load(engine->options.store, batch->id, &climb.flow, error);
	return failed ? failed : climb_on(&climb, error);
}

void ota_stages_pause(struct ota_flow *flow, struct ota_instant at)
{
	flow->paused_at = at.heard_ms;
}

void ota_stages_resume(const struct ota_strategy *strategy, struct ota_flow *flow, struct ota_instant at)
{
	int64_t met_before = flow->met_at && flow->met_at < flow->paused_at ? flow->paused_at - flow->met_at : 0;

	if (flow->paused_at)
		flow->stage_at += at.heard_ms - flow->paused_at;
	if (flow->met_at)
		flow->met_at = at.heard_ms - met_before;
	flow->paused_at = 0;
	/* After a stall: whoever resumes gives it the whole time once more. */
	if (ota_stages_are_left(strategy, flow) && at.heard_ms - flow->stage_at >= strategy->stages[flow->stage].deadline_ms)
		flow->stage_at = at.heard_ms;
}

int ota_stages_allow(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		     struct ota_instant at, struct ota_error *error)
{
	struct climb climb = { .engine = engine, .batch = batch, .strategy = strategy, .at = at };
	OTA_AUTO_BYTES struct ota_bytes why = { 0 };
	int failed = ota_flow_load(engine->options.store, batch->id, &climb.flow, error);

	if (failed || !batch->started_ms || !ota_stages_are_left(strategy, &climb.flow))
		return failed;
	failed = stage_look(&climb, error);
	if (failed || climb.look.why != OTA_STAGE_EXHAUSTED)
		return failed;
	stage_name(&climb, &why);
	ota_bytes_text(&why, " would stand still at once: ");
	ota_stage_explain(stage_of(&climb), &climb.tally, &climb.look, &why);
	return ota_fail_at(error, OTA_ECONFLICT, "batch", "%s; advance the batch, which opens the next stage, then resume it",
			   why.failed ? "" : why.data);
}

int ota_engine_advance(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant now, struct ota_bytes *detail,
		       struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes why = { 0 };
	struct ota_strategy strategy;
	struct climb climb = { .engine = engine, .batch = batch, .strategy = &strategy, .at = now };
	int failed = ota_strategy_parse_text(batch->strategy, &strategy, error);

	if (!failed)
		failed = ota_flow_load(engine->options.store, batch->id, &climb.flow, error);
	if (failed)
		return failed;
	if (!strategy.stage_count)
		return ota_fail_at(error, OTA_ECONFLICT, "batch", "batch %lld has no stages", (long long)batch->id);
	if (!ota_stages_are_left(&strategy, &climb.flow))
		return ota_fail_at(error, OTA_ECONFLICT, "batch", "every stage of batch %lld is open", (long long)batch->id);
	failed = stage_look(&climb, error);
	if (failed)
		return failed;
	ota_stage_explain(stage_of(&climb), &climb.tally, &climb.look, &why);
	if (climb.flow.paused_at)
		climb.flow.paused_at = now.heard_ms;
	failed = why.failed ? OTA_ENOMEM : stage_open(&climb, climb.flow.stage + 1, error);
	if (!failed)
		failed = opening_describe(&climb, why.data, detail, error);
	ota_engine_look(engine);
	return failed;
}

static int rungs_fill(const struct climb *climb, struct ota_ladder *ladder, struct ota_error *error)
{
	struct ota_stage_opening openings[OTA_STAGES_MAX + 1];
	size_t count = 0;
	int failed = ota_flow_list_openings(climb->engine->options.store, climb->batch->id, openings, OTA_STAGES_MAX + 1, &count,
					    error);

	for (size_t i = 0; !failed && i < count; i++)
		ladder->opened_ms[openings[i].stage] = openings[i].opened_ms;
	for (size_t i = 0; !failed && i < ladder->total; i++)
		failed = tally_load(climb->engine, climb->batch, (int64_t)i, &ladder->tallies[i], error);
	return failed;
}

int ota_engine_ladder(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		      struct ota_instant now, struct ota_ladder *ret_ladder, struct ota_error *error)
{
	struct climb climb = { .engine = engine, .batch = batch, .strategy = strategy, .at = now };
	int failed = ota_flow_load(engine->options.store, batch->id, &climb.flow, error);

	*ret_ladder = (struct ota_ladder){ .total = ota_stage_total(strategy) };
	if (!failed)
		failed = rungs_fill(&climb, ret_ladder, error);
	if (failed)
		return failed;
	ret_ladder->began = ret_ladder->opened_ms[0] > 0;
	ret_ladder->open = climb.flow.stage;
	if (!ret_ladder->began || !ota_stages_are_left(strategy, &climb.flow))
		return 0;
	failed = stage_look(&climb, error);
	ret_ladder->look = climb.look;
	return failed;
}
