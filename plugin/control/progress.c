/* How a batch gets on: its pace against its limits, what happens next, and when it is done at the earliest. */
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "plugin/control/call.h"
#include "plugin/rules/forecast.h"
#include "plugin/rules/pace.h"

struct progress {
	const struct ota_batch *batch;
	const struct ota_batch_counts *counts;
	struct ota_strategy strategy;
	struct ota_flow flow;
	int64_t since_ms;     /* of the ramp */
	struct ota_local local; /* of the window */
	struct ota_instant now;
};

/* "now" of at most "most". */
static void measure_answer(struct ota_bytes *out, const char *key, int64_t now, int64_t most)
{
	ota_answer_open(out, key, '{');
	ota_answer_integer(out, "now", now);
	ota_answer_integer_if(out, "most", most);
	ota_answer_close(out, '}');
}

/* --- what comes next --- */

struct next {
	int64_t at_ms;
	char text[96];
};

static void next_offer(struct next *next, int64_t at_ms, const char *text)
{
	if (next->at_ms && next->at_ms <= at_ms)
		return;
	next->at_ms = at_ms;
	ota_text_cut(next->text, sizeof(next->text), text);
}

static void next_window(const struct progress *progress, struct next *next)
{
	const struct ota_window *window = &progress->strategy.window;
	bool open = ota_window_is_open(window, progress->local, progress->now.wall_ms);

	if (ota_window_is_given(window) && !*window->zone_tag)
		next_offer(next, ota_window_turns_ms(window, progress->local, progress->now.wall_ms),
			   open ? "the window closes" : "the window opens");
}

static void next_rate(const struct progress *progress, struct next *next)
{
	const struct ota_rate *rate = &progress->strategy.rate;
	char text[96];
	int64_t step_ms = rate->per_minute ? ota_rate_next_step_ms(rate, progress->since_ms) : INT64_MAX;

	if (step_ms == INT64_MAX || !progress->flow.ramp_at)
		return;
	snprintf(text, sizeof(text), "the rate rises to %lld devices a minute", (long long)ota_rate_now(rate, step_ms));
	next_offer(next, progress->now.wall_ms + step_ms - progress->since_ms, text);
}

static struct next next_of(const struct progress *progress)
{
	const struct ota_batch *batch = progress->batch;
	struct next next = {0};

	if (batch->state == OTA_BATCH_PAUSED)
		return (struct next){ 0, "an operator resumes or cancels it" };
	if (batch->state == OTA_BATCH_PLANNED && progress->strategy.start_at_ms <= progress->now.wall_ms)
		return (struct next){ 0, "its targets are prepared, then it begins" };
	if (progress->strategy.start_at_ms > progress->now.wall_ms)
		next_offer(&next, progress->strategy.start_at_ms, "it begins");
	next_window(progress, &next);
	next_rate(progress, &next);
	if (batch->ends_ms)
		next_offer(&next, batch->ends_ms, "it ends: what is pending then is given up");
	return next;
}

static void next_answer(const struct progress *progress, struct ota_bytes *out)
{
	struct next next = next_of(progress);

	if (!*next.text)
		return;
	ota_answer_open(out, "next", '{');
	ota_answer_text(out, "text", next.text);
	ota_answer_integer_if(out, "at", next.at_ms);
	ota_answer_close(out, '}');
}

/* --- when it is done --- */

/* Of the stages that are open, what is left goes at once; of those behind it each waits for the one before. */
static int sizes_load(struct ota_call *call, const struct progress *progress, struct ota_forecast_facts *facts,
		      struct ota_error *error)
{
	size_t open = (size_t)progress->flow.stage, total = progress->strategy.stage_count + 1;
	int failed = 0;

	facts->stage_count = total;
	for (size_t i = 0; !failed && i < total; i++) {
		struct ota_batch_counts counts;

		failed = ota_batch_load_stage_counts(call->store, progress->batch->id, (int64_t)i, &counts, error);
		if (!failed)
			facts->sizes[i < open && open < total ? open : i] += counts.states[OTA_TASK_PENDING] +
									     counts.states[OTA_TASK_PUSHED] +
									     counts.states[OTA_TASK_UPGRADING];
	}
	return failed;
}

/* Devices that are away make it later than any forecast: so does the pace it has had until now, once that can be told. */
static int64_t pace_end_ms(const struct progress *progress, int64_t left)
{
	enum { TELLING = 20 };
	const struct ota_batch_counts *counts = progress->counts;
	int64_t done = counts->states[OTA_TASK_SUCCEEDED] + counts->states[OTA_TASK_FAILED];
	int64_t ran_ms = progress->now.wall_ms - progress->batch->started_ms;

	if (done < TELLING || ran_ms < OTA_HOUR_MS)
		return 0;
	return progress->now.wall_ms + (int64_t)((double)ran_ms / (double)done * (double)left);
}

static int finish_answer(struct ota_call *call, const struct progress *progress, struct ota_error *error)
{
	struct ota_forecast_facts facts = {
		.strategy = &progress->strategy,
		.now_ms = progress->now.wall_ms,
		.ends_ms = progress->batch->ends_ms,
		.since_ms = progress->since_ms,
		.local = progress->local,
	};
	struct ota_forecast forecast;
	int64_t left = 0;
	int failed = sizes_load(call, progress, &facts, error);

	for (size_t i = 0; i < facts.stage_count; i++)
		left += facts.sizes[i];
	if (failed || !left)
		return failed;
	failed = ota_forecast_make(&facts, &forecast);
	if (failed)
		return ota_fail(error, failed, "no memory for the forecast of a batch");
	int64_t paced_ms = pace_end_ms(progress, left);
	int64_t end_ms = forecast.ends_ms && forecast.ends_ms < paced_ms ? paced_ms : forecast.ends_ms;
	if (end_ms > progress->batch->ends_ms && progress->batch->ends_ms)
		end_ms = 0;
	ota_answer_integer_if(call->out, "finishesAt", end_ms);
	return 0;
}

static int progress_load(struct ota_call *call, struct progress *progress, struct ota_error *error)
{
	int failed = ota_strategy_parse_text(progress->batch->strategy, &progress->strategy, error);

	if (!failed)
		failed = ota_flow_load(call->store, progress->batch->id, &progress->flow, error);
	progress->since_ms = progress->flow.ramp_at ? call->now.heard_ms - progress->flow.ramp_at : 0;
	progress->now = call->now;
	progress->local = ota_engine_local(call->control->options.engine, progress->strategy.window.zone);
	return failed;
}

int ota_call_progress(struct ota_call *call, const struct ota_batch *batch, struct ota_error *error)
{
	struct ota_batch_counts counts;
	struct progress progress = { .batch = batch, .counts = &counts };
	const struct ota_strategy *strategy = &progress.strategy;
	int failed = ota_batch_load_counts(call->store, batch->id, &counts, error);

	if (failed || batch->state >= OTA_BATCH_COMPLETED)
		return failed;
	failed = progress_load(call, &progress, error);
	if (failed)
		return failed;
	measure_answer(call->out, "inFlight",
		       counts.states[OTA_TASK_PUSHED] + counts.states[OTA_TASK_UPGRADING] - progress.flow.parked,
		       strategy->max_in_flight);
	if (strategy->rate.per_minute)
		measure_answer(call->out, "rate", ota_rate_now(&strategy->rate, progress.since_ms), strategy->rate.per_minute);
	next_answer(&progress, call->out);
	return batch->state == OTA_BATCH_RUNNING ? finish_answer(call, &progress, error) : 0;
}
