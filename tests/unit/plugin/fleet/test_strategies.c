/* Strategies that were read are kept, and mean what they meant. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "plugin/fleet/strategies.h"

static struct ota_strategies strategies;

static int64_t retries_of(const char *text)
{
	struct ota_strategy strategy, parsed;

	cr_assert_eq(ota_strategies_read(&strategies, text, &strategy, NULL), 0, "%s", text);
	cr_assert_eq(ota_strategy_parse_text(text, &parsed, NULL), 0);
	cr_expect_eq(strategy.retries, parsed.retries);
	cr_expect_eq(strategy.max_in_flight, parsed.max_in_flight);
	return strategy.retries;
}

Test(strategies, each_text_means_its_own_however_many_there_are)
{
	char text[64];

	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 2 * OTA_STRATEGIES_KEPT; i++) {
			snprintf(text, sizeof(text), "{\"retries\":%d,\"maxInFlight\":%d}", i % 10, i);
			cr_expect_eq(retries_of(text), i % 10);
			cr_expect_eq(retries_of(text), i % 10, "read once more");
		}
}

Test(strategies, none_at_all_is_the_defaults)
{
	cr_expect_eq(retries_of(""), 2);
	cr_expect_eq(retries_of(""), 2);
}

Test(strategies, what_cannot_be_read_is_refused_each_time)
{
	struct ota_strategy strategy;

	for (int i = 0; i < 3; i++)
		cr_expect_lt(ota_strategies_read(&strategies, "{\"retries\":\"many\"}", &strategy, NULL), 0);
}
