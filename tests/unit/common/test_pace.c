#include <criterion/criterion.h>

#include "common/pace.h"

static const struct ota_pace_rate rate = {.count = 5, .period_ms = 1000, .burst = 3};

static int taken(struct ota_pace *pace, int tries, int64_t now_ms)
{
	int count = 0;
	while (tries-- > 0)
		count += ota_pace_take(pace, rate, now_ms);
	return count;
}

Test(pace, begins_with_a_full_bucket)
{
	struct ota_pace pace = {0};
	cr_expect_eq(taken(&pace, 10, 0), 3);
	pace = (struct ota_pace){0};
	cr_expect_eq(taken(&pace, 10, 1000000), 3);
}

Test(pace, earns_what_its_rate_says_and_no_more_than_it_holds)
{
	struct ota_pace pace = {0};
	taken(&pace, 10, 1000);
	cr_expect_eq(taken(&pace, 10, 1199), 0);
	cr_expect_eq(taken(&pace, 10, 1200), 1);
	cr_expect_eq(taken(&pace, 10, 1600), 2);
	cr_expect_eq(taken(&pace, 10, 999999), 3);
}

Test(pace, loses_no_part_of_a_token_to_frequent_asking)
{
	struct ota_pace pace = {0};
	int count = taken(&pace, 10, 0);
	for (int64_t now_ms = 1; now_ms <= 10000; now_ms++)
		count += ota_pace_take(&pace, rate, now_ms);
	cr_expect_eq(count, 3 + 50);
}

Test(pace, counts_what_it_refused)
{
	struct ota_pace pace = {0};
	taken(&pace, 10, 0);
	cr_expect_eq(ota_pace_take_refused(&pace), 7);
	cr_expect_eq(ota_pace_take_refused(&pace), 0);
}

Test(pace, time_that_goes_back_earns_nothing_and_takes_nothing)
{
	struct ota_pace pace = {0};
	taken(&pace, 2, 100000);
	cr_expect_eq(taken(&pace, 10, 50000), 1);
	cr_expect_eq(taken(&pace, 10, 50200), 1);
}
