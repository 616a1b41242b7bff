/* The stages of a batch: where it stands on them, and the operator's word that opens the next one. */
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "plugin/control/call.h"

/* Enough to know that a batch has none: its strategy names only what it has. */
static bool may_have_stages(const struct ota_batch *batch)
{
	return strstr(batch->strategy, "\"stages\"") != NULL;
}

int ota_call_stage_short(struct ota_call *call, const struct ota_batch *batch, struct ota_error *error)
{
	struct ota_strategy strategy;
	struct ota_flow flow;
	char text[32];

	if (!may_have_stages(batch))
		return 0;
	int failed = ota_strategy_parse_text(batch->strategy, &strategy, error);
	if (!failed)
		failed = ota_flow_load(call->store, batch->id, &flow, error);
	if (failed)
		return failed;
	int64_t total = (int64_t)ota_stage_total(&strategy);
	int64_t open = batch->started_ms ? flow.stage + 1 : 0;
	snprintf(text, sizeof(text), "%lld/%lld", (long long)(open < total ? open : total), (long long)total);
	ota_answer_text(call->out, "stage", text);
	return 0;
}

static const char *rung_state(const struct ota_ladder *ladder, size_t index)
{
	if (!ladder->began || (int64_t)index > ladder->open)
		return "waiting";
	if ((int64_t)index < ladder->open)
		return "passed";
	return ladder->look.met ? "met" : "open";
}

static void answer_rule(struct ota_bytes *out, const struct ota_strategy *strategy, size_t index)
{
	OTA_AUTO_BYTES struct ota_bytes rule = { 0 };

	if (index < strategy->stage_count)
		ota_stage_describe(&strategy->stages[index], &rule);
	else
		ota_bytes_text(&rule, "the rest");
	ota_answer_text(out, "rule", rule.failed ? "" : rule.data);
}

static void answer_left(struct ota_bytes *out, const char *key, int64_t ms)
{
	char text[32];

	if (!ms)
		return;
	ota_text_print_duration(text, ota_stage_left_ms(ms));
	ota_answer_text(out, key, text);
}

static void answer_rung(struct ota_bytes *out, const struct ota_strategy *strategy, const struct ota_ladder *ladder, size_t index)
{
	const struct ota_stage_tally *tally = &ladder->tallies[index];
	int64_t finished = tally->succeeded + tally->failed;

	ota_answer_open(out, NULL, '{');
	ota_answer_integer(out, "stage", (int64_t)index + 1);
	ota_answer_text(out, "state", rung_state(ladder, index));
	answer_rule(out, strategy, index);
	ota_answer_integer(out, "devices", tally->open + finished + tally->unproven);
	ota_answer_integer(out, "open", tally->open);
	ota_answer_integer(out, "finished", finished);
	ota_answer_integer(out, "succeeded", tally->succeeded);
	ota_answer_integer(out, "failed", tally->failed);
	ota_answer_integer(out, "unproven", tally->unproven);
	if (finished)
		ota_answer_integer(out, "succeededPercent", tally->succeeded * 100 / finished);
	ota_answer_integer_if(out, "openedAt", ladder->opened_ms[index]);
	if (ladder->began && (int64_t)index == ladder->open) {
		answer_left(out, "soakLeft", ladder->look.soak_left_ms);
		answer_left(out, "deadlineLeft", ladder->look.deadline_left_ms);
	}
	ota_answer_close(out, '}');
}

/* One sentence: why the next stage is not open. */
static void answer_why(struct ota_bytes *out, const struct ota_batch *batch, const struct ota_strategy *strategy,
		       const struct ota_ladder *ladder)
{
	OTA_AUTO_BYTES struct ota_bytes why = { 0 };
	bool paused = batch->state == OTA_BATCH_PAUSED;

	if (batch->state != OTA_BATCH_RUNNING && !paused)
		return;
	if (!ladder->began) {
		ota_answer_text(out, "stageReason", "no stage is open before the batch begins");
		return;
	}
	if (ladder->open >= (int64_t)strategy->stage_count)
		return;
	ota_bytes_format(&why, "stage %lld of %zu: ", (long long)ladder->open + 1, ladder->total);
	ota_stage_explain(&strategy->stages[ladder->open], &ladder->tallies[ladder->open], &ladder->look, &why);
	if (paused)
		ota_bytes_text(&why, "; its times stand still while the batch is paused");
	ota_answer_text(out, "stageReason", why.failed ? "" : why.data);
}

int ota_call_ladder(struct ota_call *call, struct ota_batch *batch, struct ota_error *error)
{
	struct ota_strategy strategy;
	struct ota_ladder ladder;

	if (!may_have_stages(batch))
		return 0;
	int failed = ota_strategy_parse_text(batch->strategy, &strategy, error);
	if (!failed)
		failed = ota_engine_ladder(call->control->options.engine, batch, &strategy, call->now, &ladder, error);
	if (failed)
		return failed;
	answer_why(call->out, batch, &strategy, &ladder);
	ota_answer_open(call->out, "stages", '[');
	for (size_t i = 0; i < ladder.total; i++)
		answer_rung(call->out, &strategy, &ladder, i);
	ota_answer_close(call->out, ']');
	return 0;
}

int ota_handle_advance_batch(struct ota_call *call, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes detail = { 0 };
	struct ota_batch batch;
	int failed = ota_call_batch(call, &batch, error);

	if (failed)
		return failed;
	if ((batch.state != OTA_BATCH_RUNNING && batch.state != OTA_BATCH_PAUSED) || !batch.started_ms)
		return ota_fail_at(error, OTA_ECONFLICT, "batch", "cannot advance batch %lld: it %s", (long long)batch.id,
				   batch.ended_ms || batch.state == OTA_BATCH_CANCELED ? "has ended" : "has not begun");
	failed = ota_engine_advance(call->control->options.engine, &batch, call->now, &detail, error);
	if (!failed) /* its rev tells whoever looked before that it stands on another stage now */
		failed = ota_batch_save(call->store, &batch, error);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){ batch.product_key, &batch }, "stage_opened", detail.data,
				       error);
	return failed ? failed : ota_call_batch_answer(call, &batch, NULL, error);
}
