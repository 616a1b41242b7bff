/* How much of a package an attempt gets over MQTT. */
#include <criterion/criterion.h>

#include "plugin/broker/budget.h"

enum { SIZE = 1000, WHOLE = OTA_BUDGET_TIMES * SIZE + OTA_BUDGET_MORE_BYTES };

static struct ota_budgets *budgets;

static void setup(void)
{
	budgets = ota_budgets_new(3);
	cr_assert_not_null(budgets);
}

static void teardown(void)
{
	budgets = ota_budgets_free(budgets);
}

TestSuite(budget, .init = setup, .fini = teardown);

static bool spend(int64_t task, int64_t attempt, uint32_t size, int64_t now_ms)
{
	const struct ota_stream stream = {.task_id = task, .attempt = attempt, .size = SIZE};
	return ota_budgets_spend(budgets, &stream, size, now_ms);
}

Test(budget, holds_at_the_limit_and_not_one_byte_past_it)
{
	cr_expect(spend(1, 1, WHOLE, 1));
	cr_expect(spend(1, 1, 1, 1), "the first of the trickle");
	cr_expect_not(spend(1, 1, 1, 1));
	cr_expect_not(spend(1, 1, 1, OTA_BUDGET_TRICKLE_MS));
	cr_expect(spend(1, 1, 1, 1 + OTA_BUDGET_TRICKLE_MS));
}

Test(budget, each_task_and_each_attempt_has_its_own)
{
	cr_expect(spend(1, 1, WHOLE, 1));
	cr_expect(spend(2, 1, WHOLE, 1));
	cr_expect(spend(1, 2, WHOLE, 1));
	cr_expect(spend(1, 2, 1, 1), "the first of the trickle");
	cr_expect_not(spend(1, 2, 1, 1));
}

Test(budget, beyond_the_capacity_the_one_unused_for_longest_is_forgotten)
{
	for (int64_t task = 1; task <= 3; task++) {
		cr_expect(spend(task, 1, WHOLE, 1));
		cr_expect(spend(task, 1, 1, 1), "the first of the trickle");
	}
	cr_expect_not(spend(1, 1, 1, 1));
	cr_expect(spend(4, 1, WHOLE, 1), "in the place of 2");
	cr_expect_not(spend(1, 1, 1, 1), "used since");
	cr_expect_not(spend(3, 1, 1, 1));
	cr_expect(spend(2, 1, WHOLE, 1), "forgotten");
}
