/* The window of a day, with clocks that are set twice a year as in Berlin. */
#include <criterion/criterion.h>

#include "common/time.h"
#include "plugin/rules/window.h"

#define SPRING ((int64_t)1774746000000) /* 2026-03-29T01:00Z: 02:00 becomes 03:00 */
#define AUTUMN ((int64_t)1792890000000) /* 2026-10-25T01:00Z: 03:00 becomes 02:00 */
#define MINUTES(n) ((int64_t)(n) * OTA_MINUTE_MS)
#define HOURS(n) ((int64_t)(n) * OTA_HOUR_MS)

static int64_t berlin_ahead(const void *zone, int64_t wall_ms)
{
	(void)zone;
	return wall_ms >= SPRING && wall_ms < AUTUMN ? HOURS(2) : HOURS(1);
}

static int64_t fixed_ahead(const void *zone, int64_t wall_ms)
{
	(void)wall_ms;
	return *(const int64_t *)zone;
}

static const struct ota_local berlin = { .ahead_ms = berlin_ahead };
static const int64_t no_ms = 0;
static const struct ota_local utc = { fixed_ahead, &no_ms };

static struct ota_window window(int from_hour, int from_minute, int to_hour, int to_minute)
{
	return (struct ota_window){ .from_minute = from_hour * 60 + from_minute, .to_minute = to_hour * 60 + to_minute };
}

/* A midnight of UTC. */
static const int64_t midnight = (int64_t)1767225600000;

Test(window, the_end_is_outside)
{
	struct ota_window noon = window(12, 0, 13, 0);

	cr_assert(!ota_window_is_open(&noon, utc, midnight + HOURS(12) - 1));
	cr_assert(ota_window_is_open(&noon, utc, midnight + HOURS(12)));
	cr_assert(ota_window_is_open(&noon, utc, midnight + HOURS(13) - 1));
	cr_assert(!ota_window_is_open(&noon, utc, midnight + HOURS(13)));
	cr_assert_eq(ota_window_turns_ms(&noon, utc, midnight), midnight + HOURS(12));
	cr_assert_eq(ota_window_turns_ms(&noon, utc, midnight + HOURS(12)), midnight + HOURS(13));
	cr_assert_eq(ota_window_turns_ms(&noon, utc, midnight + HOURS(13)), midnight + HOURS(36));
}

Test(window, it_may_go_over_midnight)
{
	struct ota_window night = window(22, 0, 6, 0);

	cr_assert(ota_window_is_open(&night, utc, midnight));
	cr_assert(ota_window_is_open(&night, utc, midnight + HOURS(23)));
	cr_assert(!ota_window_is_open(&night, utc, midnight + HOURS(6)));
	cr_assert_eq(ota_window_turns_ms(&night, utc, midnight + HOURS(23)), midnight + HOURS(30));
	cr_assert_eq(ota_window_turns_ms(&night, utc, midnight + HOURS(7)), midnight + HOURS(22));
}

Test(window, it_may_end_with_the_day)
{
	struct ota_window evening = window(20, 0, 24, 0), day = window(0, 0, 24, 0), none = window(7, 0, 7, 0);

	cr_assert(ota_window_is_open(&evening, utc, midnight + HOURS(24) - 1));
	cr_assert(!ota_window_is_open(&evening, utc, midnight + HOURS(24)));
	cr_assert_eq(ota_window_turns_ms(&evening, utc, midnight + HOURS(21)), midnight + HOURS(24));
	cr_assert(!ota_window_is_given(&day));
	cr_assert(!ota_window_is_given(&none));
	cr_assert(ota_window_is_open(&none, utc, midnight));
	cr_assert_eq(ota_window_turns_ms(&day, utc, midnight), INT64_MAX);
}

Test(window, zones_east_and_west_of_greenwich_have_their_own_day)
{
	static const int64_t kiritimati = (int64_t)14 * OTA_HOUR_MS, marquesas = -(int64_t)(9 * 60 + 30) * OTA_MINUTE_MS;
	const struct ota_local east = { fixed_ahead, &kiritimati }, west = { fixed_ahead, &marquesas };
	struct ota_window morning = window(1, 0, 2, 0);

	cr_assert_eq(ota_window_turns_ms(&morning, east, midnight), midnight + HOURS(11));
	cr_assert_eq(ota_window_turns_ms(&morning, west, midnight), midnight + HOURS(10) + MINUTES(30));
	cr_assert(ota_window_is_open(&morning, west, midnight + HOURS(10) + MINUTES(30)));
	cr_assert(!ota_window_is_open(&morning, west, -midnight + HOURS(9)), "years before 1970 have days, too");
}

Test(window, one_inside_the_hour_that_spring_skips_waits_for_the_next_day)
{
	struct ota_window gone = window(2, 15, 2, 45);

	for (int64_t at = SPRING - HOURS(1); at < SPRING + HOURS(2); at += OTA_MINUTE_MS)
		cr_assert(!ota_window_is_open(&gone, berlin, at));
	cr_assert_eq(ota_window_turns_ms(&gone, berlin, SPRING - HOURS(1)), SPRING + HOURS(23) + MINUTES(15));
}

Test(window, one_that_begins_in_the_skipped_hour_opens_when_the_clocks_were_set)
{
	struct ota_window half = window(2, 30, 3, 30);

	cr_assert_eq(ota_window_turns_ms(&half, berlin, SPRING - HOURS(3)), SPRING);
	cr_assert(ota_window_is_open(&half, berlin, SPRING));
	cr_assert_eq(ota_window_turns_ms(&half, berlin, SPRING), SPRING + MINUTES(30));
}

Test(window, one_in_the_hour_that_autumn_repeats_opens_twice)
{
	struct ota_window twice = window(2, 15, 2, 45);
	int64_t at = AUTUMN - HOURS(1);

	cr_assert_eq(at = ota_window_turns_ms(&twice, berlin, at), AUTUMN - MINUTES(45));
	cr_assert_eq(at = ota_window_turns_ms(&twice, berlin, at), AUTUMN - MINUTES(15));
	cr_assert_eq(at = ota_window_turns_ms(&twice, berlin, at), AUTUMN + MINUTES(15));
	cr_assert_eq(at = ota_window_turns_ms(&twice, berlin, at), AUTUMN + MINUTES(45));
	cr_assert_eq(ota_window_turns_ms(&twice, berlin, at), AUTUMN + HOURS(24) + MINUTES(15));
}

Test(window, one_that_ends_in_the_repeated_hour_opens_again_when_the_clocks_are_set_back)
{
	struct ota_window until = window(1, 0, 2, 30);

	cr_assert_eq(ota_window_turns_ms(&until, berlin, AUTUMN - HOURS(1)), AUTUMN - MINUTES(30));
	cr_assert_eq(ota_window_turns_ms(&until, berlin, AUTUMN - MINUTES(30)), AUTUMN);
	cr_assert_eq(ota_window_turns_ms(&until, berlin, AUTUMN), AUTUMN + MINUTES(30));
}

/* Minute by minute through both days: what is told in advance is what comes. */
Test(window, what_is_told_in_advance_is_what_comes)
{
	static const int64_t days[] = { SPRING - OTA_DAY_MS, AUTUMN - OTA_DAY_MS };

	for (int from = 0; from < 1440; from += 25) {
		struct ota_window some = { .from_minute = from, .to_minute = (from * 7 + 95) % 1441 };

		if (!ota_window_is_given(&some))
			continue;
		for (int i = 0; i < 2; i++) {
			int64_t turns = ota_window_turns_ms(&some, berlin, days[i]);

			for (int64_t at = days[i]; at < days[i] + HOURS(48); at += OTA_MINUTE_MS) {
				bool was = ota_window_is_open(&some, berlin, at - 1), is = ota_window_is_open(&some, berlin, at);

				if (at > days[i])
					cr_assert_eq(was != is, at == turns, "%d", from);
				if (was != is || at == days[i])
					turns = ota_window_turns_ms(&some, berlin, at);
			}
		}
	}
}
