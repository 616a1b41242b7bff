#include <criterion/criterion.h>

#include "plugin/rules/batch.h"

Test(batch, every_state_and_event_has_exactly_one_row)
{
	size_t count;
	const struct ota_batch_rule *rules = ota_batch_rules(&count);

	for (int state = 0; state < OTA_BATCH_STATES; state++) {
		for (int event = 0; event < OTA_BATCH_EVENTS; event++) {
			int rows = 0;

			for (size_t i = 0; i < count; i++)
				rows += (int)rules[i].from == state && (int)rules[i].event == event;
			cr_assert_eq(rows, 1, "state %d event %d has %d rows", state, event, rows);
		}
	}
}

Test(batch, a_refused_event_moves_nothing_and_says_why)
{
	size_t count;
	const struct ota_batch_rule *rules = ota_batch_rules(&count);

	for (size_t i = 0; i < count; i++) {
		if (rules[i].allowed)
			continue;
		cr_assert_eq(rules[i].from, rules[i].to);
		cr_assert(*rules[i].text);
	}
}

Test(batch, a_completed_batch_stays_completed)
{
	for (enum ota_batch_event event = OTA_BATCH_EVENT_PREPARED; event < OTA_BATCH_EVENTS; event++)
		cr_assert(!ota_batch_decide(OTA_BATCH_COMPLETED, event)->allowed);
}

static enum ota_abort aborts(const struct ota_strategy *strategy, int64_t blamed, int64_t failed, int64_t reported)
{
	return ota_batch_aborts(strategy,
				&(struct ota_batch_tally){ .blamed = blamed, .failed = failed, .reported = reported });
}

Test(batch, the_abort_rule_needs_its_sample_and_more_than_its_share)
{
	struct ota_strategy strategy = ota_strategy_defaults(); /* more than 10 % of at least 10 */

	cr_assert_eq(aborts(&strategy, 9, 9, 0), OTA_ABORT_NONE);
	cr_assert_eq(aborts(&strategy, 1, 1, 9), OTA_ABORT_NONE);
	cr_assert_eq(aborts(&strategy, 2, 2, 8), OTA_ABORT_SHARE);
	cr_assert_eq(aborts(&strategy, 10, 10, 90), OTA_ABORT_NONE);
	cr_assert_eq(aborts(&strategy, 11, 11, 89), OTA_ABORT_SHARE);
	strategy.abort_sample = 0;
	cr_assert_eq(aborts(&strategy, 100, 100, 0), OTA_ABORT_NONE);
}

Test(batch, failures_of_other_causes_finish_but_are_not_blamed)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	cr_assert_eq(aborts(&strategy, 1, 10, 0), OTA_ABORT_NONE, "one of ten is not more than 10 %%");
	cr_assert_eq(aborts(&strategy, 2, 10, 0), OTA_ABORT_SHARE);
	cr_assert_eq(aborts(&strategy, 0, 1000, 0), OTA_ABORT_NONE);
}

Test(batch, so_many_failures_abort_whatever_their_share_and_before_any_sample)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	strategy.abort_count = 5;
	cr_assert_eq(aborts(&strategy, 4, 4, 100000), OTA_ABORT_NONE);
	cr_assert_eq(aborts(&strategy, 5, 5, 100000), OTA_ABORT_COUNT);
	cr_assert_eq(aborts(&strategy, 5, 5, 0), OTA_ABORT_COUNT, "the sample is not reached");
	cr_assert_eq(aborts(&strategy, 4, 9, 100000), OTA_ABORT_NONE, "other causes do not count");
	strategy.abort_sample = 0;
	cr_assert_eq(aborts(&strategy, 5, 5, 0), OTA_ABORT_COUNT, "the share is switched off, the cap is not");
}

Test(batch, devices_that_were_at_the_target_do_not_water_the_abort_rule_down)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	const struct ota_batch_tally tally = { .blamed = 2, .failed = 2, .reported = 8, .succeeded = 1008 };

	cr_assert_eq(ota_batch_aborts(&strategy, &tally), OTA_ABORT_SHARE);
}

Test(batch, a_verify_batch_passes_only_with_an_attempt_that_reported_and_no_failure)
{
	cr_assert_eq(ota_batch_verdict(&(struct ota_batch_tally){ .reported = 1, .succeeded = 1 }), OTA_VERIFIED);
	cr_assert_eq(ota_batch_verdict(&(struct ota_batch_tally){ .succeeded = 5 }), OTA_UNVERIFIED);
	cr_assert_eq(ota_batch_verdict(&(struct ota_batch_tally){ .reported = 5, .failed = 1 }), OTA_VERIFICATION_FAILED);
}
