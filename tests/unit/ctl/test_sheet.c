#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "ctl/sheet.h"

#define NOW 1795176000000

Test(sheet, a_line_goes_on_below_its_text_and_keeps_to_80_columns)
{
	OTA_AUTO_BYTES struct ota_bytes out = { 0 };

	ota_sheet_line(&out, "devices", "a sentence that is so long that it does not fit into the eighty columns of a terminal");
	cr_expect_str_eq(out.data, "devices     a sentence that is so long that it does not fit into the eighty\n"
				   "            columns of a terminal\n");
	ota_bytes_clear(&out);
	ota_sheet_line(&out, "", "below\x1b[31m");
	cr_expect(!strchr(out.data, 0x1b), "%s", out.data);
}

Test(sheet, figures_are_grouped_and_not_broken)
{
	static const struct {
		int64_t count;
		const char *text;
	} rows[] = {
		{ 0, "0" }, { 999, "999" }, { 1000, "1 000" }, { 998211, "998 211" }, { 12345678, "12 345 678" },
		{ -1000, "-1 000" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		OTA_AUTO_BYTES struct ota_bytes figure = { 0 }, line = { 0 };
		char wanted[64];

		ota_sheet_put_count(&figure, rows[i].count);
		ota_sheet_bytes(&line, "x", &figure);
		snprintf(wanted, sizeof(wanted), "x           %s\n", rows[i].text);
		cr_expect_str_eq(line.data, wanted);
	}
}

Test(sheet, spans_have_two_units)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "0m" }, { 59 * OTA_MINUTE_MS, "59m" }, { OTA_HOUR_MS, "1h" }, { 90 * OTA_MINUTE_MS, "1h\xc2\xa0" "30m" },
		{ OTA_DAY_MS, "1d" }, { 101 * (int64_t)OTA_HOUR_MS, "4d\xc2\xa0" "5h" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		OTA_AUTO_BYTES struct ota_bytes out = { 0 };

		ota_sheet_put_span(&out, rows[i].ms);
		cr_expect_str_eq(out.data, rows[i].text);
	}
}

Test(sheet, a_moment_says_how_far_away_it_is_unless_it_is_now)
{
	OTA_AUTO_BYTES struct ota_bytes out = { 0 };

	ota_sheet_put_until(&out, NOW, NOW);
	cr_expect_str_eq(out.data, "2026-11-20\xc2\xa0" "12:00\xc2\xa0UTC");
	ota_sheet_put_until(&out, NOW + OTA_HOUR_MS, NOW);
	cr_expect(strstr(out.data, ", in\xc2\xa0" "1h"), "%s", out.data);
}
