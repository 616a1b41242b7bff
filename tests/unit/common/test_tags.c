#include <criterion/criterion.h>

#include "common/limits.h"
#include "common/tags.h"

static struct ota_error error;

static int check(const char *text)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	error = (struct ota_error){0};
	cr_assert_eq(ota_json_read(ota_span_from_text(text), OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &tree, NULL, &error), 0, "%s",
		     error.text);
	return ota_tags_check(tree, "commands[0].extData", &error);
}

Test(tags, what_an_operator_may_set)
{
	static const char *const fine[] = {"{}", "{\"info\":\"Double 11 corpus update\"}", "{\"a_b-c.9\":\"\"}",
					   "{\"Urls\":\"gr\xc3\xbc\xc3\x9f 'x'/<>\"}", "{\"Version\":\"1\"}"};
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		cr_expect_eq(check(fine[i]), 0, "%s: %s", fine[i], error.text);
}

Test(tags, what_a_flat_scan_would_misread_is_refused_by_its_name)
{
	static const char *const rows[][2] = {
		{"[]", "tags must be an object of texts"},
		{"{\"\":\"v\"}", "tag \"\": a key has 1..30 letters, digits and _ . - and does not begin with _"},
		{"{\"_ota\":\"1:1\"}", "tag \"_ota\": a key has 1..30 letters, digits and _ . - and does not begin with _"},
		{"{\"a b\":\"v\"}", "tag \"a b\": a key has 1..30 letters, digits and _ . - and does not begin with _"},
		{"{\"version\":\"9\"}", "tag \"version\": the key is a word of the protocol"},
		{"{\"a\":1}", "tag \"a\": the value must be text"},
		{"{\"a\":null}", "tag \"a\": the value must be text"},
		{"{\"a\":\"x{y\"}", "tag \"a\": the value must not hold \" \\ { } [ ] or control characters"},
		{"{\"a\":\"]\"}", "tag \"a\": the value must not hold \" \\ { } [ ] or control characters"},
		{"{\"a\":\"\\\"\"}", "tag \"a\": the value must not hold \" \\ { } [ ] or control characters"},
		{"{\"a\":\"\\u0009\"}", "tag \"a\": the value must not hold \" \\ { } [ ] or control characters"},
		{"{\"a\":\"\x7f\"}", "tag \"a\": the value must not hold \" \\ { } [ ] or control characters"},
		{"{\"a\":\"url\"}", "tag \"a\": the value \"url\" is a word of the protocol"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(check(rows[i][0]), OTA_EINVALID, "%s", rows[i][0]);
		cr_expect_str_eq(error.text, rows[i][1]);
		cr_expect_str_eq(error.path, "commands[0].extData");
	}
}
