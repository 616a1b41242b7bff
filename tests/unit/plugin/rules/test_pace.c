/* The pace of releases: figures at the edges, and random demand that never gets more than the rate. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/time.h"
#include "plugin/rules/pace.h"

Test(pace, without_a_rate_everything_is_due)
{
	cr_assert_eq(ota_rate_due_us(0, 0, 5), 5);
	cr_assert_eq(ota_rate_take_us(0, 7, 5), 7);
	cr_assert_eq(ota_rate_now(&(struct ota_rate){0}, 0), 0);
}

Test(pace, a_slow_rate_gives_one_at_a_time)
{
	int64_t at_us = 0;

	cr_assert_eq(ota_rate_due_us(50, at_us, 1000000), 1000000);
	at_us = ota_rate_take_us(50, at_us, 1000000);
	cr_assert_eq(ota_rate_due_us(50, at_us, 1000000), 2200000);
	cr_assert_eq(ota_rate_due_us(50, at_us, 2200000), 2200000);
}

Test(pace, after_a_rest_one_second_s_worth_goes_at_once_and_no_more)
{
	int64_t at_us = 0, now_us = (int64_t)OTA_HOUR_MS * 1000;

	for (int i = 0; i < 100; i++) {
		cr_assert_eq(ota_rate_due_us(6000, at_us, now_us), now_us, "%d", i);
		at_us = ota_rate_take_us(6000, at_us, now_us);
	}
	cr_assert_eq(ota_rate_due_us(6000, at_us, now_us), now_us + 10000);
}

Test(pace, a_ramp_grows_by_its_factor_up_to_the_rate)
{
	const struct ota_rate rate = { .per_minute = 50, .from = 10, .factor = 2, .every_ms = OTA_MINUTE_MS };

	cr_assert_eq(ota_rate_now(&rate, 0), 10);
	cr_assert_eq(ota_rate_now(&rate, OTA_MINUTE_MS - 1), 10);
	cr_assert_eq(ota_rate_now(&rate, OTA_MINUTE_MS), 20);
	cr_assert_eq(ota_rate_now(&rate, 2 * OTA_MINUTE_MS), 40);
	cr_assert_eq(ota_rate_now(&rate, 3 * OTA_MINUTE_MS), 50);
	cr_assert_eq(ota_rate_now(&rate, INT64_MAX / 2), 50);
	cr_assert_eq(ota_rate_next_step_ms(&rate, 0), OTA_MINUTE_MS);
	cr_assert_eq(ota_rate_next_step_ms(&rate, 2 * OTA_MINUTE_MS), 3 * OTA_MINUTE_MS);
	cr_assert_eq(ota_rate_next_step_ms(&rate, 3 * OTA_MINUTE_MS), INT64_MAX);
}

Test(pace, a_rate_that_is_raised_counts_at_once)
{
	int64_t at_us = ota_rate_take_us(1, 0, 1000);

	cr_assert_eq(ota_rate_due_us(1, at_us, 1000), 60001000);
	cr_assert_eq(ota_rate_due_us(60, at_us, 1000), 1001000);
	cr_assert_eq(ota_rate_due_us(60000, at_us, 1000), 2000);
	cr_assert_eq(ota_rate_due_us(60, at_us, 900000), 1001000, "also when it is asked again");
}

static uint64_t state;

static int64_t draw(int64_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)(state >> 33) % below;
}

enum { RELEASES = 60000 };

/* Demand that comes in rushes and rests: everything that is due is taken. */
static int demand_run(int64_t per_minute, int64_t *times_us)
{
	int64_t now_us = 0, at_us = 0;
	int count = 0;

	while (count < RELEASES && now_us < (int64_t)20 * OTA_MINUTE_MS * 1000) {
		for (int64_t rush = draw(2000); rush > 0 && count < RELEASES; rush--) {
			now_us += draw(3) ? 0 : draw(1000);
			if (ota_rate_due_us(per_minute, at_us, now_us) > now_us)
				continue;
			at_us = ota_rate_take_us(per_minute, at_us, now_us);
			times_us[count++] = now_us;
		}
		now_us += draw(4) ? draw(100000) : draw(30000000);
	}
	return count;
}

Test(pace, in_no_window_of_a_minute_go_more_than_the_rate_and_one_burst)
{
	static int64_t times_us[RELEASES];
	const char *given = getenv("SEED");

	state = given ? strtoull(given, NULL, 10) : 20261120;
	printf("# SEED=%llu\n", (unsigned long long)state);
	for (int round = 0; round < 20; round++) {
		int64_t per_minute = 1 + draw(round % 2 ? 100000 : 300);
		int count = demand_run(per_minute, times_us);

		for (int first = 0, last = 0; last < count; last++) {
			while (times_us[last] - times_us[first] >= (int64_t)OTA_MINUTE_MS * 1000)
				first++;
			cr_assert_leq(last - first + 1, per_minute + ota_rate_burst(per_minute), "%lld a minute",
				      (long long)per_minute);
		}
	}
}

Test(pace, steady_demand_reaches_the_rate)
{
	static const int64_t rates[] = { 1, 7, 50, 1000, 59999, 60000, 1000000 };

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		int64_t at_us = 0, count = 0;

		for (int64_t ms = 0; ms < 2 * OTA_MINUTE_MS; ms++) {
			while (ota_rate_due_us(rates[i], at_us, ms * 1000) == ms * 1000) {
				at_us = ota_rate_take_us(rates[i], at_us, ms * 1000);
				count++;
			}
		}
		cr_expect_geq(count, 2 * rates[i] * 98 / 100, "%lld a minute gave %lld", (long long)rates[i], (long long)count);
		cr_expect_leq(count, 2 * rates[i] + ota_rate_burst(rates[i]) + 1);
	}
}

Test(pace, a_place_is_free_below_the_limit_and_what_is_parked_holds_none)
{
	cr_assert(ota_place_is_free(0, 1000000, 0));
	cr_assert(ota_place_is_free(20, 19, 0));
	cr_assert(!ota_place_is_free(20, 20, 0));
	cr_assert(ota_place_is_free(20, 20, 1));
}
