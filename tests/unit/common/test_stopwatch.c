#include <criterion/criterion.h>

#include "common/stopwatch.h"

static struct ota_stopwatch_reading reading_of(const struct ota_stopwatch *watch)
{
	struct ota_stopwatch_reading reading;

	ota_stopwatch_read(watch, &reading);
	return reading;
}

Test(stopwatch, counts_what_it_was_given_and_remembers_the_longest)
{
	struct ota_stopwatch watch = {0};

	ota_stopwatch_add(&watch, 7);
	ota_stopwatch_add(&watch, 3000);
	ota_stopwatch_add(&watch, 40);
	struct ota_stopwatch_reading reading = reading_of(&watch);
	cr_expect_eq(reading.count, 3);
	cr_expect_eq(reading.total_us, 3047);
	cr_expect_eq(reading.max_us, 3000);
}

/* "le" of a histogram means at most: a bound belongs to its own bucket, one more to the next. */
Test(stopwatch, a_bound_belongs_to_its_bucket_and_one_more_to_the_next)
{
	for (size_t i = 0; i < OTA_STOPWATCH_BOUNDS; i++) {
		struct ota_stopwatch watch = {0};

		ota_stopwatch_add(&watch, ota_stopwatch_bound_us(i));
		ota_stopwatch_add(&watch, ota_stopwatch_bound_us(i) + 1);
		cr_expect_eq(reading_of(&watch).buckets[i], 1, "bound %zu", i);
		cr_expect_eq(reading_of(&watch).buckets[i + 1], 1, "bound %zu", i);
		cr_expect(i == 0 || ota_stopwatch_bound_us(i) > ota_stopwatch_bound_us(i - 1));
	}
}

Test(stopwatch, the_share_is_found_between_the_bounds_and_never_above_the_longest)
{
	struct ota_stopwatch watch = {0};
	struct ota_stopwatch_reading reading = reading_of(&watch);

	cr_expect_eq(ota_stopwatch_within_us(&reading, 99), 0);
	for (int i = 0; i < 98; i++)
		ota_stopwatch_add(&watch, 15);
	ota_stopwatch_add(&watch, 700);
	ota_stopwatch_add(&watch, 20000000);
	reading = reading_of(&watch);
	cr_expect_eq(ota_stopwatch_within_us(&reading, 50), 15);
	cr_expect_eq(ota_stopwatch_within_us(&reading, 98), 20);
	cr_expect_eq(ota_stopwatch_within_us(&reading, 99), 1000);
	cr_expect_eq(ota_stopwatch_within_us(&reading, 100), 20000000);
	struct ota_stopwatch one = {0};
	ota_stopwatch_add(&one, 12);
	reading = reading_of(&one);
	cr_expect_eq(ota_stopwatch_within_us(&reading, 99), 12);
}
