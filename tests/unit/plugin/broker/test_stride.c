/* How many rows the engine may touch in one transaction. */
#include <criterion/criterion.h>

#include "plugin/broker/stride.h"

static size_t stride_after(struct ota_stride *stride, double us_a_row, int turns)
{
	for (int i = 0; i < turns; i++)
		ota_stride_took(stride, (uint64_t)((double)ota_stride_rows(stride) * us_a_row), true);
	return ota_stride_rows(stride);
}

Test(stride, finds_the_rows_that_fit_the_time)
{
	struct ota_stride stride = {0};

	cr_expect_eq(ota_stride_rows(&stride), OTA_STRIDE_FIRST);
	cr_expect_eq(stride_after(&stride, 10, 4), OTA_STRIDE_US / 10);
	cr_expect_eq(stride_after(&stride, 80, 1), OTA_STRIDE_US / 80, "what took too long is cut at once");
	cr_expect_eq(stride_after(&stride, 10, 1), 2 * OTA_STRIDE_US / 80, "what was quick is doubled, no more");
}

Test(stride, stays_between_its_bounds)
{
	struct ota_stride stride = {0};

	cr_expect_eq(stride_after(&stride, 1e6, 5), OTA_STRIDE_LEAST);
	cr_expect_eq(stride_after(&stride, 0, 20), OTA_STRIDE_MOST);
	ota_stride_took(&stride, UINT64_MAX, true);
	cr_expect_eq(ota_stride_rows(&stride), OTA_STRIDE_LEAST);
}

Test(stride, a_turn_with_little_to_do_says_nothing_about_a_full_one)
{
	struct ota_stride stride = {0};

	ota_stride_took(&stride, 10, false);
	cr_expect_eq(ota_stride_rows(&stride), OTA_STRIDE_FIRST);
	ota_stride_took(&stride, 4 * OTA_STRIDE_US, false);
	cr_expect_eq(ota_stride_rows(&stride), OTA_STRIDE_FIRST / 4, "but what took long took long");
}
