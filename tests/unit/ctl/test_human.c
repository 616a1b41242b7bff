#include <criterion/criterion.h>

#include "common/time.h"
#include "ctl/human.h"

#define NOW INT64_C(1795173797123) /* 2026-11-20 11:23:17 UTC */

static const char *shown(enum ota_human_kind kind, const char *json)
{
	static struct ota_bytes out;
	cJSON *value = cJSON_Parse(json);

	cr_assert_not_null(value, "%s", json);
	ota_bytes_clear(&out);
	ota_bytes_text(&out, "");
	ota_human_put(&out, kind, value, NOW);
	cJSON_Delete(value);
	return out.data;
}

Test(human, values_are_shown_as_people_read_them)
{
	static const struct {
		enum ota_human_kind kind;
		const char *json, *text;
	} rows[] = {
		{OTA_HUMAN_TEXT, "\"a\"", "a"},
		{OTA_HUMAN_TEXT, "9007199254740991", "9007199254740991"},
		{OTA_HUMAN_TEXT, "true", "yes"},
		{OTA_HUMAN_TEXT, "null", ""},
		{OTA_HUMAN_TEXT, "{\"a\":[1]}", "{\"a\":[1]}"},
		{OTA_HUMAN_NUMBER, "-4", "-4"},
		{OTA_HUMAN_NUMBER, "1.5", "1.5"},
		{OTA_HUMAN_BYTES, "0", "0 B"},
		{OTA_HUMAN_BYTES, "1023", "1023 B"},
		{OTA_HUMAN_BYTES, "1024", "1.0 KiB"},
		{OTA_HUMAN_BYTES, "1048575", "1.0 MiB"},
		{OTA_HUMAN_BYTES, "4294967295", "4.0 GiB"},
		{OTA_HUMAN_BYTES, "\"x\"", "x"},
		{OTA_HUMAN_AGO, "1795173797123", "0s ago"},
		{OTA_HUMAN_AGO, "1795173799123", "0s ago"},
		{OTA_HUMAN_AGO, "1795173738123", "59s ago"},
		{OTA_HUMAN_AGO, "1795173737123", "1m ago"},
		{OTA_HUMAN_AGO, "1795087397123", "24h ago"},
		{OTA_HUMAN_AGO, "1794914597123", "3d ago"},
		{OTA_HUMAN_AGO, "1795177397123", "in 1h"},
		{OTA_HUMAN_TIME, "1795173737123", "2026-11-20 11:22:17 UTC (1m ago)"},
		{OTA_HUMAN_LIST, "[\"a\",\"b\"]", "a, b"},
		{OTA_HUMAN_LIST, "[]", ""},
		{OTA_HUMAN_COUNTS, "{\"a\":1,\"b\":0,\"c\":\"10m\"}", "a 1, c 10m"},
		{OTA_HUMAN_COUNTS, "{\"a\":0}", "-"},
		{OTA_HUMAN_COUNTS, "{\"a\":{\"b\":1,\"c\":\"x\"},\"d\":[\"e\",\"f\"],\"g\":[{}]}", "a (b 1, c x), d (e, f)"},
		{OTA_HUMAN_LIMIT, "{\"now\":12,\"most\":500}", "12 of at most 500"},
		{OTA_HUMAN_LIMIT, "{\"now\":0}", "0"},
		{OTA_HUMAN_NEXT, "{\"text\":\"it begins\"}", "it begins"},
		{OTA_HUMAN_NEXT, "{\"text\":\"it ends\",\"at\":1795177397123}", "it ends, 2026-11-20 12:23:17 UTC (in 1h)"},
		{OTA_HUMAN_MODULES, "[{\"module\":\"default\",\"version\":\"1\"},{\"module\":\"m\",\"version\":\"2\"}]",
		 "default 1, m 2"},
		{OTA_HUMAN_SHARE, "{\"pending\":1,\"pushed\":1,\"upgrading\":0,\"succeeded\":5,\"failed\":2,\"canceled\":1}",
		 "8/10"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(shown(rows[i].kind, rows[i].json), rows[i].text, "%s", rows[i].json);
}

Test(human, what_devices_said_is_made_harmless_everywhere)
{
	cr_expect_str_eq(shown(OTA_HUMAN_LIST, "[\"\\u001b[2J\"]"), " [2J");
	cr_expect_str_eq(shown(OTA_HUMAN_COUNTS, "{\"\\u001bk\":\"\\u001bv\"}"), " k  v");
	cr_expect_str_eq(shown(OTA_HUMAN_MODULES, "[{\"module\":\"\\u001bm\",\"version\":\"\\u009bv\"}]"), " m  v");
	cr_expect_str_eq(shown(OTA_HUMAN_AGO, "\"\\u001b\""), " ");
}

Test(human, absurd_numbers_do_no_harm)
{
	cr_expect_str_neq(shown(OTA_HUMAN_TIME, "9007199254740991"), "");
	cr_expect_str_neq(shown(OTA_HUMAN_AGO, "-9007199254740991"), "");
	cr_expect_str_neq(shown(OTA_HUMAN_BYTES, "1e300"), "");
	cr_expect_str_eq(shown(OTA_HUMAN_BYTES, "-5"), "-5");
}
