#include <criterion/criterion.h>
#include <stdio.h>

#include "common/time.h"
#include "plugin/rules/stage.h"

/* 95 % of at least 80 %, as the defaults say. */
static struct ota_stage a_stage(void)
{
	return (struct ota_stage){ .percent = 1, .success_percent = 95, .finished_percent = 80 };
}

static struct ota_stage_look look_at(const struct ota_stage *stage, struct ota_stage_tally tally, struct ota_stage_times times)
{
	return ota_stage_decide(stage, &tally, &times);
}

static const char *said(const struct ota_stage *stage, struct ota_stage_tally tally, struct ota_stage_times times)
{
	static char text[256];
	struct ota_bytes out = {0};
	const struct ota_stage_look look = ota_stage_decide(stage, &tally, &times);

	ota_stage_explain(stage, &tally, &look, &out);
	snprintf(text, sizeof(text), "%s", out.data);
	ota_bytes_free(&out);
	return text;
}

Test(stage, each_combination_of_figures_has_its_outcome)
{
	/* clang-format off */
	static const struct {
		struct ota_stage_tally tally; /* open, succeeded, failed, unproven */
		enum ota_stage_why why;
		enum ota_stage_step step;
	} cases[] = {
		{ { 0,   0,  0,  0 }, OTA_STAGE_EMPTY,        OTA_STAGE_PASSES }, /* a percentage of few devices */
		{ { 0,   0,  0, 30 }, OTA_STAGE_EMPTY,        OTA_STAGE_PASSES }, /* all canceled, or there already */
		{ { 1,   0,  0,  0 }, OTA_STAGE_UNFINISHED,   OTA_STAGE_WAITS  },
		{ { 1,   0,  0, 99 }, OTA_STAGE_UNFINISHED,   OTA_STAGE_WAITS  }, /* what proves nothing is not finished */
		{ { 21, 79,  0,  0 }, OTA_STAGE_UNFINISHED,   OTA_STAGE_WAITS  }, /* just below the finished share */
		{ { 20, 80,  0,  0 }, OTA_STAGE_PASSED,       OTA_STAGE_PASSES }, /* at it: twenty are carried over */
		{ { 20, 76,  4,  0 }, OTA_STAGE_PASSED,       OTA_STAGE_PASSES }, /* 95 % */
		{ { 20, 75,  5,  0 }, OTA_STAGE_UNSUCCESSFUL, OTA_STAGE_WAITS  }, /* 93.75 % */
		{ { 1,   0, 99,  0 }, OTA_STAGE_UNSUCCESSFUL, OTA_STAGE_WAITS  },
		{ { 0,  95,  5,  0 }, OTA_STAGE_PASSED,       OTA_STAGE_PASSES },
		{ { 0,  94,  6,  0 }, OTA_STAGE_EXHAUSTED,    OTA_STAGE_STALLS }, /* both conditions false, and all done */
		{ { 0,   0,  1,  0 }, OTA_STAGE_EXHAUSTED,    OTA_STAGE_STALLS },
		{ { 0,   1,  0, 99 }, OTA_STAGE_PASSED,       OTA_STAGE_PASSES },
		{ { 0,   0,  1, 99 }, OTA_STAGE_EXHAUSTED,    OTA_STAGE_STALLS }, /* those there already are no successes */
	};
	/* clang-format on */
	const struct ota_stage stage = a_stage();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ota_stage_look look = look_at(&stage, cases[i].tally, (struct ota_stage_times){ 100, 50, 0 });

		cr_expect_eq(look.why, cases[i].why, "case %zu: why %d", i, (int)look.why);
		cr_expect_eq(look.step, cases[i].step, "case %zu: step %d", i, (int)look.step);
	}
}

/* No state of the counters is without a row, and none is passed that its shares forbid. */
Test(stage, nothing_passes_below_its_shares_and_nothing_that_cannot_move_waits_for_itself)
{
	struct ota_stage stage = a_stage();

	for (int i = 0; i < 6 * 6 * 6 * 3 * 2; i++) {
		struct ota_stage_tally tally = { i % 6, i / 6 % 6, i / 36 % 6, i / 216 % 3 };
		int64_t done = tally.succeeded + tally.failed;
		stage.manual = i / 648;
		struct ota_stage_look look = look_at(&stage, tally, (struct ota_stage_times){ 9, 1, 0 });
		bool enough = done * 100 >= 80 * (done + tally.open) && tally.succeeded * 100 >= 95 * done;

		cr_assert(look.step != OTA_STAGE_PASSES || (enough && !stage.manual), "case %d", i);
		cr_assert_eq(look.met, enough, "case %d", i);
		if (!tally.open && look.step == OTA_STAGE_WAITS)
			cr_assert_eq(look.why, OTA_STAGE_ASKS, "case %d waits for nobody", i);
	}
}

Test(stage, a_soak_counts_from_when_both_shares_hold_and_starts_over_when_they_did_not)
{
	struct ota_stage stage = a_stage();
	const struct ota_stage_tally good = { .succeeded = 10 };

	stage.soak_ms = 10 * OTA_MINUTE_MS;
	struct ota_stage_look look = look_at(&stage, good, (struct ota_stage_times){ 1000, 1, 0 });
	cr_assert_eq(look.why, OTA_STAGE_SOAKS);
	cr_assert_eq(look.soak_left_ms, stage.soak_ms, "it begins now");
	look = look_at(&stage, good, (struct ota_stage_times){ 1000 + stage.soak_ms - 1, 1, 1000 });
	cr_assert_eq(look.why, OTA_STAGE_SOAKS);
	cr_assert_eq(look.soak_left_ms, 1);
	look = look_at(&stage, good, (struct ota_stage_times){ 1000 + stage.soak_ms, 1, 1000 });
	cr_assert_eq(look.step, OTA_STAGE_PASSES);
	look = look_at(&stage, (struct ota_stage_tally){ 1, 9, 1, 0 },
		       (struct ota_stage_times){ 1000 + stage.soak_ms, 1, 1000 });
	cr_assert(!look.met, "a failure more, and it does not hold");
	cr_assert_eq(look_at(&stage, (struct ota_stage_tally){ 0 }, (struct ota_stage_times){ 1000, 1, 0 }).step,
		     OTA_STAGE_PASSES, "who has no device has nothing that could show later");
}

Test(stage, a_deadline_stalls_what_is_not_met_then_and_not_what_soaks)
{
	struct ota_stage stage = a_stage();
	const struct ota_stage_tally half = { .open = 5, .succeeded = 5 }, most = { .open = 1, .succeeded = 9 };

	stage.deadline_ms = OTA_HOUR_MS;
	struct ota_stage_look look = look_at(&stage, half, (struct ota_stage_times){ OTA_HOUR_MS, 1, 0 });
	cr_assert_eq(look.step, OTA_STAGE_WAITS);
	cr_assert_eq(look.deadline_left_ms, 1);
	look = look_at(&stage, half, (struct ota_stage_times){ OTA_HOUR_MS + 1, 1, 0 });
	cr_assert_eq(look.step, OTA_STAGE_STALLS);
	cr_assert_eq(look.why, OTA_STAGE_LATE);
	stage.soak_ms = OTA_HOUR_MS;
	look = look_at(&stage, most, (struct ota_stage_times){ OTA_HOUR_MS + 1, 1, OTA_HOUR_MS });
	cr_assert_eq(look.why, OTA_STAGE_SOAKS);
	stage.manual = true;
	look = look_at(&stage, most, (struct ota_stage_times){ 9 * OTA_HOUR_MS, 1, OTA_HOUR_MS });
	cr_assert_eq(look.why, OTA_STAGE_ASKS, "an operator who sleeps stalls nobody");
}

Test(stage, an_empty_one_that_devices_may_join_waits_for_them)
{
	struct ota_stage stage = a_stage();
	const struct ota_stage_tally nobody = { .growing = true }, none_tried = { .unproven = 2, .growing = true };

	stage.deadline_ms = 1;
	struct ota_stage_look look = look_at(&stage, nobody, (struct ota_stage_times){ 9, 1, 0 });
	cr_assert_eq(look.why, OTA_STAGE_EXPECTS);
	cr_assert_eq(look.step, OTA_STAGE_WAITS, "else whoever joins later would find every stage open");
	cr_assert(!look.met);
	cr_assert_eq(look_at(&stage, none_tried, (struct ota_stage_times){ 9, 1, 0 }).why, OTA_STAGE_EXPECTS);
	cr_assert_eq(look_at(&stage, (struct ota_stage_tally){ .succeeded = 1, .growing = true },
			     (struct ota_stage_times){ 9, 1, 0 }).step, OTA_STAGE_PASSES);
	cr_assert_str_eq(said(&stage, nobody, (struct ota_stage_times){ 9, 1, 0 }),
			 "no device is in it, and the next stage waits for one");
	cr_assert_str_eq(said(&stage, none_tried, (struct ota_stage_times){ 9, 1, 0 }),
			 "none of its devices went through an attempt, and the next stage waits for one that does");
}

Test(stage, only_an_operator_opens_what_is_manual)
{
	struct ota_stage stage = a_stage();

	stage.manual = true;
	cr_assert_eq(look_at(&stage, (struct ota_stage_tally){ .succeeded = 9 }, (struct ota_stage_times){ 9, 1, 1 }).step,
		     OTA_STAGE_WAITS);
	cr_assert_eq(look_at(&stage, (struct ota_stage_tally){ 0 }, (struct ota_stage_times){ 9, 1, 1 }).why, OTA_STAGE_ASKS);
	cr_assert_eq(look_at(&stage, (struct ota_stage_tally){ .failed = 9 }, (struct ota_stage_times){ 9, 1, 1 }).step,
		     OTA_STAGE_STALLS);
}

Test(stage, each_outcome_says_its_figures)
{
	struct ota_stage stage = a_stage();
	const struct ota_stage_times now = { 2 * OTA_HOUR_MS, 1, 0 };

	cr_expect_str_eq(said(&stage, (struct ota_stage_tally){ 38, 12, 0, 3 }, now),
			 "12 of 50 devices finished, 40 must (80 %)");
	cr_expect_str_eq(said(&stage, (struct ota_stage_tally){ 10, 36, 4, 0 }, now),
			 "36 of 40 finished devices succeeded (90 %), 95 % must, which can no longer be reached");
	cr_expect_str_eq(said(&stage, (struct ota_stage_tally){ 25, 94, 6, 0 }, now),
			 "94 of 100 finished devices succeeded (94 %), 95 % must");
	cr_expect_str_eq(said(&stage, (struct ota_stage_tally){ 0, 8, 2, 0 }, now),
			 "nothing of it is open any more, and 8 of 10 finished devices succeeded (80 %), 95 % must");
	cr_expect_str_eq(said(&stage, (struct ota_stage_tally){ 0 }, now), "no device is in it");
	cr_expect_str_eq(said(&stage, (struct ota_stage_tally){ .unproven = 3 }, now),
			 "none of its devices went through an attempt");
	stage.deadline_ms = OTA_HOUR_MS;
	cr_expect_str_eq(said(&stage, (struct ota_stage_tally){ 5, 5, 0, 0 }, now),
			 "its deadline of 1h is over, and 5 of 10 devices finished, 8 must (80 %)");
	stage.soak_ms = 10 * OTA_MINUTE_MS;
	cr_expect_str_eq(said(&stage, (struct ota_stage_tally){ .succeeded = 5 },
			      (struct ota_stage_times){ OTA_MINUTE_MS, 1, 1 }),
			 "its gate holds and must do so for 10m, 10m more");
	stage.manual = true;
	cr_expect_str_eq(said(&stage, (struct ota_stage_tally){ 0 }, now),
			 "no device is in it, and an operator is to open the next stage");
}

Test(stage, a_rule_is_told_in_words)
{
	struct ota_bytes out = {0};
	struct ota_stage stage = a_stage();

	stage.soak_ms = OTA_HOUR_MS;
	stage.deadline_ms = OTA_DAY_MS;
	stage.manual = true;
	ota_stage_describe(&stage, &out);
	cr_assert_str_eq(out.data, "1 %; 80 % finished, 95 % of them succeeded, for 1h, within 1d; then an operator's word");
	ota_bytes_free(&out);
}

Test(stage, a_device_belongs_to_the_first_stage_that_takes_it)
{
	struct ota_strategy strategy = { .stage_count = 3 };
	int64_t taken[OTA_STAGES_MAX] = { 0 };

	strategy.stages[0].percent = 1;
	strategy.stages[1].count = 2;
	strategy.stages[2].percent = 25;
	cr_expect_eq(ota_stage_of(&strategy, 0, taken), 0);
	cr_expect_eq(ota_stage_of(&strategy, 9999, taken), 0);
	cr_expect_eq(ota_stage_of(&strategy, 10000, taken), 1, "one past the percentage");
	taken[1] = 1;
	cr_expect_eq(ota_stage_of(&strategy, 999999, taken), 1);
	taken[1] = 2;
	cr_expect_eq(ota_stage_of(&strategy, 10000, taken), 2, "the count is full");
	cr_expect_eq(ota_stage_of(&strategy, 249999, taken), 2);
	cr_expect_eq(ota_stage_of(&strategy, 250000, taken), 3, "the rest");
	cr_expect_eq(ota_stage_total(&strategy), 4);
	strategy.stages[2].percent = 100;
	cr_expect_eq(ota_stage_of(&strategy, 999999, taken), 2);
	cr_expect_eq(ota_stage_total(&strategy), 3, "nobody is left for the rest");
	cr_expect_eq(ota_stage_of(&(struct ota_strategy){ 0 }, 5, taken), 0);
	cr_expect_eq(ota_stage_total(&(struct ota_strategy){ 0 }), 1);
}
