/* Moments as an operator types them. */
#include <criterion/criterion.h>
#include <string.h>

#include "ctl/when.h"

enum { DAY_MS = 24 * 3600 * 1000 };
#define NOW_MS ((int64_t)1795173797123)  /* 2026-11-20T11:23:17.123Z */
#define MIDNIGHT_MS ((int64_t)1795132800000)

static int64_t parsed(const char *text)
{
	struct ota_error error = { 0 };
	int64_t at_ms = -1;

	cr_assert_eq(ota_when_parse("since", text, NOW_MS, &at_ms, &error), 0, "%s", error.text);
	return at_ms;
}

Test(when, a_duration_counts_back_from_now)
{
	cr_expect_eq(parsed("2h"), NOW_MS - 2 * 3600 * 1000);
	cr_expect_eq(parsed("30d"), NOW_MS - (int64_t)30 * DAY_MS);
	cr_expect_eq(parsed("99999d"), 0, "before 1970 there is nothing");
}

Test(when, a_date_is_its_first_moment_in_utc)
{
	cr_expect_eq(parsed("2026-11-20"), MIDNIGHT_MS);
	cr_expect_eq(parsed("2026-11-20T10:00"), MIDNIGHT_MS + 10 * 3600 * 1000);
	cr_expect_eq(parsed("2026-11-20T10:00:30Z"), MIDNIGHT_MS + 10 * 3600 * 1000 + 30000);
	cr_expect_eq(parsed("2028-02-29"), 1835395200000);
}

Test(when, what_is_no_moment_is_refused_with_what_is_allowed)
{
	static const char *const bad[] = {
		"", "yesterday", "2h ago", "-2h", "2026-11-31", "2026-02-29", "2026-11-20T24:00", "2026-11-20T10",
		"2026-11-20T10:60", "2026-1-2", "20261120", "2026-11-20T", "2026-11-20T10:00+01:00",
		"1795173797123", "1969-12-31",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ota_error error = { 0 };
		int64_t at_ms = -1;

		cr_expect_eq(ota_when_parse("since", bad[i], NOW_MS, &at_ms, &error), OTA_EINVALID, "%s", bad[i]);
		cr_expect(strstr(error.text, "--since") && strstr(error.text, OTA_WHEN_WORDS), "%s: %s", bad[i], error.text);
	}
}

static int ahead(const char *text, int64_t *ret_ms, struct ota_error *error)
{
	return ota_when_parse_ahead(text, NOW_MS, ret_ms, error);
}

Test(when, a_moment_to_come_is_a_date_or_counts_from_now)
{
	struct ota_error error = { 0 };
	int64_t at_ms = -1;

	cr_expect_eq(ahead("in 2h", &at_ms, &error), 0);
	cr_expect_eq(at_ms, NOW_MS + 2 * 3600 * 1000);
	cr_expect_eq(ahead("2026-11-20T10:00", &at_ms, &error), 0);
	cr_expect_eq(at_ms, MIDNIGHT_MS + 10 * 3600 * 1000, "that it is past is for the server to say");
	static const char *const bad[] = { "2h", "in", "in -2h", "tomorrow", "in 2 hours", "" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(ahead(bad[i], &at_ms, &error), OTA_EINVALID, "%s", bad[i]);
		cr_expect(strstr(error.text, "allowed: \"in 2h\""), "%s", error.text);
	}
}
