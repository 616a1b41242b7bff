#include <criterion/criterion.h>

#include "gateway/range.h"

Test(range, one_range_is_a_part)
{
	static const struct {
		const char *header;
		uint64_t size, first, length;
	} rows[] = {
		{"bytes=0-", 100, 0, 100},
		{"bytes=10-", 100, 10, 90},
		{"bytes=0-0", 100, 0, 1},
		{"bytes=99-", 100, 99, 1},
		{"bytes=10-19", 100, 10, 10},
		{"bytes=10-99", 100, 10, 90},
		{"bytes=10-100", 100, 10, 90},
		{"BYTES=1-1", 100, 1, 1},
		{"bytes=-1", 100, 99, 1},
		{"bytes=-100", 100, 0, 100},
		{"bytes=-101", 100, 0, 100},
		{"bytes=0-18446744073709551615", 100, 0, 100},
		{"bytes=-18446744073709551615", 100, 0, 100},
		{"bytes=4294967296-", 4294967297, 4294967296, 1},
		{"bytes=9007199254740991-", 9007199254740992, 9007199254740991, 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_range range = { 0 };

		cr_expect_eq(ota_range_parse(rows[i].header, rows[i].size, &range), OTA_RANGE_PART, "%s", rows[i].header);
		cr_expect(range.first == rows[i].first && range.size == rows[i].length, "%s", rows[i].header);
	}
}

Test(range, beyond_the_end_is_unsatisfiable)
{
	static const struct {
		const char *header;
		uint64_t size;
	} rows[] = {
		{ "bytes=100-", 100 }, { "bytes=100-200", 100 }, { "bytes=-0", 100 }, { "bytes=0-", 0 }, { "bytes=-1", 0 },
		{ "bytes=18446744073709551615-", 100 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_range range;

		cr_expect_eq(ota_range_parse(rows[i].header, rows[i].size, &range), OTA_RANGE_UNSATISFIABLE, "%s",
			     rows[i].header);
	}
}

Test(range, what_is_no_single_range_is_ignored)
{
	static const char *const rows[] = {
		"",	      "bytes",
		"bytes=",     "bytes=-",
		"bytes= 0-1", "bytes=0-1,2-3",
		"bytes=a-b",  "bytes=1-a",
		"bytes=5-4",  "bytes=+1-2",
		"bytes=1--2", "bytes=--1",
		"lines=0-1",  "bytes=18446744073709551616-",
		"bytes=0x0-", "bytes=1e2-",
	};
	struct ota_range range = { 0 };

	cr_expect_eq(ota_range_parse(NULL, 100, &range), OTA_RANGE_WHOLE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(ota_range_parse(rows[i], 100, &range), OTA_RANGE_WHOLE, "%s", rows[i]);
		cr_expect(range.first == 0 && range.size == 100, "%s", rows[i]);
	}
}

Test(range, if_range_matches_the_strong_tag_only)
{
	cr_expect(ota_range_is_valid_if(NULL, "\"abc\""));
	cr_expect(ota_range_is_valid_if("\"abc\"", "\"abc\""));
	cr_expect_not(ota_range_is_valid_if("W/\"abc\"", "\"abc\""));
	cr_expect_not(ota_range_is_valid_if("abc", "\"abc\""));
	cr_expect_not(ota_range_is_valid_if("\"abd\"", "\"abc\""));
	cr_expect_not(ota_range_is_valid_if("", "\"abc\""));
	cr_expect_not(ota_range_is_valid_if("Fri, 20 Nov 2026 10:00:00 GMT", "\"abc\""));
}
