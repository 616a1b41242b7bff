#include <criterion/criterion.h>
#include <stdlib.h>

#include "gateway/target.h"

static int parse(const char *raw, struct ota_target *target)
{
	return ota_target_parse(raw, target, NULL);
}

Test(target, path_and_parameters_are_taken_apart)
{
	struct ota_target target;

	cr_assert_eq(parse("/api/v1/packages?productKey=pk1&version=1.0+5&notes=&flag", &target), 0);
	cr_expect(ota_span_equals(target.path, "/api/v1/packages"));
	cr_expect_eq(target.count, 4);
	cr_expect(ota_span_equals(ota_target_find(&target, "version")->value, "1.0+5"));
	cr_expect_eq(ota_target_find(&target, "notes")->value.size, 0);
	cr_expect_not_null(ota_target_find(&target, "flag"));
	cr_expect_null(ota_target_find(&target, "product"));
}

Test(target, a_path_has_one_spelling)
{
	static const char *const bad[] = {
		"",	 "x",	  "?a=1", "*",	    "http://x/", "//",	 "/a//b", "/a/",    "/./a",	 "/a/.",
		"/a/..", "/../a", "/%61", "/a%2fb", "/a%",	 "/a b", "/a\tb", "/a\x7f", "/\xc3\xa9",
	};
	static const char *const good[] = { "/", "/a", "/a/b.c", "/a/..b", "/a/...", "/a?x=%2e%2e/", "/a?", "/a:b@c" };
	struct ota_target target;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(parse(bad[i], &target), OTA_EINVALID, "%s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect_eq(parse(good[i], &target), 0, "%s", good[i]);
}

Test(target, a_parameter_stands_once_and_has_a_name)
{
	static const char *const bad[] = { "/a?x=1&x=2", "/a?x&x", "/a?=1", "/a?x=1&&y=2", "/a?&x" };
	struct ota_target target;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(parse(bad[i], &target), OTA_EINVALID, "%s", bad[i]);
}

Test(target, limits_hold_at_the_limit_and_one_past_it)
{
	char raw[OTA_TARGET_MAX + 2];
	struct ota_target target;

	memset(raw, 'a', sizeof(raw));
	raw[0] = '/';
	raw[OTA_TARGET_MAX] = '\0';
	cr_expect_eq(parse(raw, &target), 0);
	raw[OTA_TARGET_MAX] = 'a';
	raw[OTA_TARGET_MAX + 1] = '\0';
	cr_expect_eq(parse(raw, &target), OTA_ELIMIT);
	cr_expect_eq(parse("/a?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p", &target), 0);
	cr_expect_eq(parse("/a?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", &target), OTA_ELIMIT);
}

static int decode(const char *value, char *text, size_t size)
{
	struct ota_target_parameter parameter = { ota_span_from_text("x"), ota_span_from_text(value) };
	struct ota_bytes out = { 0 };
	int code = ota_target_decode(&parameter, &out, NULL);

	if (code == 0)
		cr_assert_lt(out.size, size);
	if (code == 0)
		memcpy(text, out.data, out.size + 1);
	ota_bytes_free(&out);
	return code;
}

Test(target, escapes_are_undone_and_a_plus_is_a_plus)
{
	static const struct {
		const char *raw, *text;
	} rows[] = {
		{"", ""}, {"a+b", "a+b"}, {"a%20b", "a b"}, {"%2B", "+"}, {"%e6%b8%A9", "\xe6\xb8\xa9"}, {"%25%32%30", "%20"}};
	char text[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_eq(decode(rows[i].raw, text, sizeof(text)), 0, "%s", rows[i].raw);
		cr_expect_str_eq(text, rows[i].text);
	}
}

Test(target, broken_escapes_are_refused)
{
	static const char *const bad[] = { "%", "%2", "%zz", "a%0", "%00", "%-1", "%+1", "% 1" };
	char text[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(decode(bad[i], text, sizeof(text)), OTA_EINVALID, "%s", bad[i]);
}
