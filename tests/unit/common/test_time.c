#include <criterion/criterion.h>

#include "common/time.h"

Test(time, prints_utc_with_milliseconds)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{INT64_C(1617773607348), "2021-04-07T05:33:27.348Z"},
		{INT64_C(951782400001), "2000-02-29T00:00:00.001Z"},
		{INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
		{INT64_C(253402300800000), "9999-12-31T23:59:59.999Z"},
		{INT64_MAX, "9999-12-31T23:59:59.999Z"},
		{-1, "1970-01-01T00:00:00.000Z"},
		{INT64_MIN, "1970-01-01T00:00:00.000Z"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[OTA_TIME_SIZE];
		ota_time_print(text, rows[i].ms);
		cr_expect_str_eq(text, rows[i].text);
	}
}

Test(time, clocks_run_forward_and_tell_our_time)
{
	int64_t boot = ota_boot_ms();
	cr_expect_gt(boot, 0);
	cr_expect_leq(boot, ota_boot_ms());
	cr_expect_gt(ota_wall_ms(), INT64_C(1700000000000));
}
