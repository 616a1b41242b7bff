#include <criterion/criterion.h>

#include "link/backoff.h"

Test(link_backoff, the_pause_is_anything_up_to_a_doubling_ceiling)
{
	static const int64_t ceilings[] = {1000, 2000, 4000, 8000, 10000, 10000};
	struct link_backoff backoff = {.base_ms = 1000, .cap_ms = 10000};

	for (size_t i = 0; i < sizeof(ceilings) / sizeof(ceilings[0]); i++) {
		struct link_backoff other = backoff;

		cr_expect_eq(link_backoff_ceiling(&backoff), ceilings[i]);
		cr_expect_eq(link_backoff_next(&other, (uint32_t)ceilings[i]), ceilings[i], "the ceiling itself can be drawn");
		cr_expect_eq(link_backoff_next(&backoff, 0), 0, "and so can no pause at all");
	}
}

Test(link_backoff, the_ceiling_stays_at_the_cap_for_ever)
{
	struct link_backoff backoff = {.base_ms = 1000, .cap_ms = 60000};

	for (int i = 0; i < 100000; i++)
		cr_assert_leq(link_backoff_next(&backoff, 0xffffffff), 60000);
}

Test(link_backoff, only_a_connection_that_outlived_the_ceiling_starts_the_series_anew)
{
	struct link_backoff backoff = {.base_ms = 1000, .cap_ms = 60000, .failures = 4};

	link_backoff_lasted(&backoff, 15999);
	cr_expect_eq(link_backoff_ceiling(&backoff), 16000);
	link_backoff_lasted(&backoff, 16000);
	cr_expect_eq(link_backoff_ceiling(&backoff), 1000);
}
