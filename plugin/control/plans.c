/* Plans: what a batch would do, told before anything moves. The members of its answer behind who is meant. */
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "plugin/control/call.h"
#include "plugin/control/plan.h"

/* As many as somebody may have to repair by hand. */
enum { CROWD = 100 };

struct ota_plan_warning {
	bool (*holds)(const struct ota_plan *plan);
	void (*tell)(const struct ota_plan *plan, struct ota_bytes *out);
};

static int64_t limit_ms(const struct ota_plan *plan)
{
	return plan->strategy.upgrade_timeout_ms;
}

static const char *span_text(char text[32], int64_t ms)
{
	ota_text_print_duration(text, ms);
	return text;
}

static bool is_unverified(const struct ota_plan *plan)
{
	return plan->batch->kind != OTA_BATCH_VERIFY && !plan->verified;
}

static void unverified_tell(const struct ota_plan *plan, struct ota_bytes *out)
{
	ota_bytes_format(out, "no batch of kind verify has proved this package (%s): its rule is overridden",
			 ota_verification_word(plan->package->verification));
}

static bool has_no_abort(const struct ota_plan *plan)
{
	return !plan->strategy.abort_sample && !plan->strategy.abort_count;
}

static void no_abort_tell(const struct ota_plan *plan, struct ota_bytes *out)
{
	(void)plan;
	ota_bytes_text(out, "there is no abort rule: however many fail, this batch goes on");
}

static bool is_crowd(const struct ota_plan *plan)
{
	const struct ota_strategy *strategy = &plan->strategy;

	return plan->matches > CROWD && !strategy->stage_count && !strategy->rate.per_minute && !strategy->max_in_flight &&
	       !strategy->confirm;
}

static void crowd_tell(const struct ota_plan *plan, struct ota_bytes *out)
{
	ota_bytes_format(out,
			 "%lld devices at once: a bad package is on all of them before the first has failed; give stages, a rate"
			 " or a limit in flight",
			 (long long)plan->matches);
}

static bool is_window_short(const struct ota_plan *plan)
{
	return ota_window_minutes(&plan->strategy.window) * OTA_MINUTE_MS < limit_ms(plan);
}

static void window_tell(const struct ota_plan *plan, struct ota_bytes *out)
{
	char window[32], limit[32];

	ota_bytes_format(out, "the window is %s long and a device may take %s (upgradeTimeout): some work on past its end",
			 span_text(window, ota_window_minutes(&plan->strategy.window) * OTA_MINUTE_MS),
			 span_text(limit, limit_ms(plan)));
}

static bool is_link_short(const struct ota_plan *plan)
{
	return limit_ms(plan) > plan->link_ms;
}

static void link_tell(const struct ota_plan *plan, struct ota_bytes *out)
{
	char link[32], limit[32];

	ota_bytes_format(out,
			 "a link lives %s and a device may take %s (upgradeTimeout): a download that is not whole by then fails",
			 span_text(link, plan->link_ms), span_text(limit, limit_ms(plan)));
}

static bool has_conflicts(const struct ota_plan *plan)
{
	return plan->conflicts && !plan->batch->skip_conflicts && !plan->batch->supersedes;
}

static void conflicts_tell(const struct ota_plan *plan, struct ota_bytes *out)
{
	ota_bytes_format(out,
			 "%lld devices have unfinished work, so this batch would be refused: let onConflict skip leave them out",
			 (long long)plan->conflicts);
}

static bool is_late(const struct ota_plan *plan)
{
	return plan->forecast.left > 0;
}

static void late_tell(const struct ota_plan *plan, struct ota_bytes *out)
{
	char end[OTA_TIME_SIZE];

	ota_time_print(end, plan->batch->ends_ms);
	ota_bytes_format(out, "the batch ends %s, and %lld devices would not have had their turn", end,
			 (long long)plan->forecast.left);
}

static bool has_empty_stage(const struct ota_plan *plan)
{
	for (size_t i = 0; plan->matches && i < plan->strategy.stage_count; i++)
		if (!plan->sizes[i])
			return true;
	return false;
}

static void empty_stage_tell(const struct ota_plan *plan, struct ota_bytes *out)
{
	size_t stage = 0;

	while (plan->sizes[stage])
		stage++;
	ota_bytes_format(out, "stage %zu has no device: it proves nothing before the next one opens", stage + 1);
}

static bool is_nobody(const struct ota_plan *plan)
{
	return !plan->matches;
}

static void nobody_tell(const struct ota_plan *plan, struct ota_bytes *out)
{
	(void)plan;
	ota_bytes_text(out, "no device would get it: the batch would be completed at once");
}

/* In the order of how bad it can get. */
static const struct ota_plan_warning warnings[] = {
	{ is_unverified, unverified_tell }, { has_conflicts, conflicts_tell },   { is_crowd, crowd_tell },
	{ has_no_abort, no_abort_tell },    { has_empty_stage, empty_stage_tell }, { is_late, late_tell },
	{ is_window_short, window_tell },   { is_link_short, link_tell },        { is_nobody, nobody_tell },
};

static void warnings_answer(const struct ota_plan *plan, struct ota_bytes *out)
{
	ota_answer_open(out, "warnings", '[');
	for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++) {
		OTA_AUTO_BYTES struct ota_bytes text = {0};

		if (!warnings[i].holds(plan))
			continue;
		warnings[i].tell(plan, &text);
		ota_answer_text(out, NULL, text.data ? text.data : "");
	}
	ota_answer_close(out, ']');
}

static void assumptions_answer(const struct ota_plan *plan, struct ota_bytes *out)
{
	const struct ota_window *window = &plan->strategy.window;
	char device[32], text[160];

	span_text(device, plan->forecast.device_ms);
	ota_answer_open(out, "assumptions", '[');
	snprintf(text, sizeof(text), "each device takes %s from its push to its report", device);
	ota_answer_text(out, NULL, text);
	ota_answer_text(out, NULL, "all devices are online; who is away comes later");
	ota_answer_text(out, NULL, "none fails");
	if (plan->forecast.asks)
		ota_answer_text(out, NULL, "operators act at once where they are asked");
	if (plan->strategy.pull_only)
		ota_answer_text(out, NULL, "devices ask for work at once");
	if (*window->zone_tag)
		ota_answer_text(out, NULL, "no device has a time zone of its own");
	ota_answer_close(out, ']');
}

static void forecast_answer(const struct ota_plan *plan, struct ota_bytes *out)
{
	const struct ota_forecast *forecast = &plan->forecast;

	ota_answer_open(out, "forecast", '{');
	ota_answer_integer_if(out, "beginsAt", forecast->begins_ms);
	ota_answer_integer_if(out, "finishesAt", forecast->ends_ms);
	ota_answer_integer_if(out, "left", forecast->left);
	ota_answer_integer(out, "fastest", forecast->fastest);
	ota_answer_integer(out, "deviceMs", forecast->device_ms);
	assumptions_answer(plan, out);
	ota_answer_close(out, '}');
}

static void stage_answer(const struct ota_plan *plan, size_t index, struct ota_bytes *out)
{
	const struct ota_strategy *strategy = &plan->strategy;
	const struct ota_forecast_stage *forecast = &plan->forecast.stages[index];

	ota_answer_open(out, NULL, '{');
	ota_answer_integer(out, "stage", (int64_t)index + 1);
	ota_answer_integer(out, "devices", plan->sizes[index]);
	ota_answer_integer_if(out, "opensAt", forecast->opens_ms);
	if (index < strategy->stage_count) {
		const struct ota_stage *stage = &strategy->stages[index];

		ota_answer_integer(out, "success", stage->success_percent);
		ota_answer_integer(out, "finished", stage->finished_percent);
		ota_answer_integer(out, "soakMs", stage->soak_ms);
		ota_answer_integer_if(out, "deadlineMs", stage->deadline_ms);
		ota_answer_bool(out, "manual", stage->manual);
	}
	ota_answer_close(out, '}');
}

static void stages_answer(const struct ota_plan *plan, struct ota_bytes *out)
{
	if (!plan->strategy.stage_count)
		return;
	ota_answer_open(out, "stages", '[');
	for (size_t i = 0; i < plan->stage_count; i++)
		stage_answer(plan, i, out);
	ota_answer_close(out, ']');
}

static int plan_fill(const struct ota_call *call, struct ota_plan *plan, struct ota_error *error)
{
	struct ota_forecast_facts facts = {
		.strategy = &plan->strategy,
		.now_ms = call->now.wall_ms,
		.ends_ms = plan->batch->ends_ms,
	};
	const struct ota_package *package = plan->package;
	int failed = ota_strategy_parse_text(plan->batch->strategy, &plan->strategy, error);

	if (failed)
		return failed;
	plan->verified = package->verification == OTA_VERIFIED && !strcmp(package->verified_sha256, package->full.sha256);
	plan->stage_count = ota_forecast_sizes(&plan->strategy, plan->matches, plan->sizes);
	memcpy(facts.sizes, plan->sizes, sizeof(facts.sizes));
	facts.stage_count = plan->stage_count;
	facts.local = ota_engine_local(call->control->options.engine, plan->strategy.window.zone);
	failed = ota_forecast_make(&facts, &plan->forecast);
	return failed ? ota_fail(error, failed, "no memory for the forecast of a batch") : 0;
}

int ota_call_plan(const struct ota_call *call, struct ota_plan *plan, struct ota_error *error)
{
	const struct ota_batch *batch = plan->batch;
	int failed = plan_fill(call, plan, error);

	if (failed)
		return failed;
	plan->link_ms = ota_engine_link_lifetime(call->control->options.engine);
	ota_answer_text(call->out, "productKey", batch->product_key);
	ota_answer_text(call->out, "module", batch->module);
	ota_answer_text(call->out, "version", batch->version);
	ota_answer_integer(call->out, "package", batch->package_id);
	ota_answer_text(call->out, "kind", ota_batch_kind_word(batch->kind));
	stages_answer(plan, call->out);
	forecast_answer(plan, call->out);
	ota_answer_raw(call->out, "strategy", batch->strategy);
	ota_answer_integer(call->out, "endsAt", batch->ends_ms);
	warnings_answer(plan, call->out);
	return 0;
}
