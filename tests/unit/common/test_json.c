#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/limits.h"

static struct ota_error error;

/* The canonical text of a document, or "" when it is refused. The buffer is reused. */
static const char *read_as(enum ota_json_mode mode, struct ota_span text, unsigned *ret_mended)
{
	static struct ota_bytes out;
	OTA_AUTO_JSON cJSON *tree = NULL;
	unsigned mended = 0;
	error = (struct ota_error){0};
	ota_bytes_free(&out);
	int code = ota_json_read(text, mode, OTA_PAYLOAD_MAX, &tree, &mended, &error);
	if (ret_mended)
		*ret_mended = mended;
	if (code < 0)
		return "";
	cr_assert_eq(ota_json_write(tree, &out), 0);
	static char kept[1024];
	snprintf(kept, sizeof(kept), "%s", out.data);
	ota_bytes_free(&out);
	return kept;
}

static const char *strict(const char *text)
{
	return read_as(OTA_JSON_STRICT, ota_span_from_text(text), NULL);
}

Test(json, every_kind_of_value_is_read)
{
	static const char *const rows[][2] = {
		{"{}", "{}"},
		{" [ ] ", "[]"},
		{"null", "null"},
		{"true", "true"},
		{"false", "false"},
		{"0", "0"},
		{"-0", "0"},
		{"\"\"", "\"\""},
		{"{\"a\" : [1, 2 ,{\"b\":\"c\"}]\r\n\t}", "{\"a\":[1,2,{\"b\":\"c\"}]}"},
		{"1.5", "1.5"},
		{"-1e2", "-100"},
		{"1E+2", "100"},
		{"0.1", "0.1"},
		{"2.5e-3", "0.0025"},
		{"1000000000000000", "1000000000000000"},
		{"9007199254740991", "9007199254740991"},
		{"-9007199254740991", "-9007199254740991"},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\u0008\\u000c\\u000a\\u000d\\u0009\""},
		{"\"\\u00e4\\u20ac\\ud83d\\ude00\"", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
		{"\"\x7f\"", "\"\x7f\""},
		{"{\"a\":1,\"A\":2}", "{\"a\":1,\"A\":2}"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(strict(rows[i][0]), rows[i][1], "%s: %s", rows[i][0], error.text);
}

Test(json, strict_refuses_whatever_is_not_json)
{
	static const char *const wrong[] = {
		"",          " ",          "{",           "}",       "[",         "]",
		"[1",        "[1,",        "[,1]",        "[1 2]",   "{\"a\"",    "{\"a\":",
		"{\"a\":1",  "{\"a\" 1}",  "{a:1}",       "{'a':1}", "{1:2}",     "{\"a\":1 \"b\":2}",
		"{,}",       "nul",        "True",        "nulll",   "truefalse", "01",
		"-",         "-a",         "+1",          ".5",      "1.",        "1.e2",
		"1e",        "1e+",        "0x10",        "00",      "-01",       "1_000",
		"NaN",       "Infinity",   "-Infinity",   "\"",      "\"a",       "\"\\\"",
		"\"\\x41\"", "\"\\u12\"",  "\"\\u12g4\"", "\"\\",    "\"\\u",     "{} {}",
		"{}x",       "[]]",        "1 2",         "// c\n1", "/* c */1",  "\xef\xbb\xbf{}",
		"\v1",       "\"a\"\"b\"",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_str_eq(strict(wrong[i]), "", "%s", wrong[i]);
		cr_expect_eq(error.code, OTA_EINVALID, "%s", wrong[i]);
		cr_expect_str_eq(read_as(OTA_JSON_DEVICE, ota_span_from_text(wrong[i]), NULL), "", "a device's, too: %s",
				 wrong[i]);
	}
}

Test(json, what_a_device_may_do_and_an_operator_may_not)
{
	static const struct {
		const char *text;
		size_t size;
		const char *mended_text;
		unsigned mended;
	} rows[] = {
#define TEXT(text_) text_, sizeof(text_) - 1
		{TEXT("{\"a\":1,\"a\":2}"), "{\"a\":1}", OTA_JSON_MENDED_DUPLICATE},
		{TEXT("{\"a\":1,\"\\u0061\":{\"x\":[1,2]},\"b\":3}"), "{\"a\":1,\"b\":3}", OTA_JSON_MENDED_DUPLICATE},
		{TEXT("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}"), "{\"x\":{\"a\":1,\"b\":2}}", OTA_JSON_MENDED_DUPLICATE},
		{TEXT("{\"a\":1,}"), "{\"a\":1}", OTA_JSON_MENDED_COMMA},
		{TEXT("[1, ]"), "[1]", OTA_JSON_MENDED_COMMA},
		{TEXT("\"a\xff\xe2\x82z\""), "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"", OTA_JSON_MENDED_UTF8},
		{TEXT("\"\xed\xa0\x80\""), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", OTA_JSON_MENDED_UTF8},
		{TEXT("\"\\ud800\""), "\"\xef\xbf\xbd\"", OTA_JSON_MENDED_UTF8},
		{TEXT("\"\\udc00x\""), "\"\xef\xbf\xbdx\"", OTA_JSON_MENDED_UTF8},
		{TEXT("\"\\ud800\\u0041\""),
		 "\"\xef\xbf\xbd"
		 "A\"",
		 OTA_JSON_MENDED_UTF8},
		{TEXT("\"a\\u0000b\""),
		 "\"a\xef\xbf\xbd"
		 "b\"",
		 OTA_JSON_MENDED_NUL},
		{TEXT("\"a\0b\""),
		 "\"a\xef\xbf\xbd"
		 "b\"",
		 OTA_JSON_MENDED_NUL},
		{TEXT("{\"a\":1}\0\0\0"), "{\"a\":1}", OTA_JSON_MENDED_NUL},
		{TEXT("\"a\nb\tc\""), "\"a\\u000ab\\u0009c\"", OTA_JSON_MENDED_CONTROL},
#undef TEXT
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_span text = {rows[i].text, rows[i].size};
		unsigned mended = 0;
		cr_expect_str_eq(read_as(OTA_JSON_DEVICE, text, &mended), rows[i].mended_text, "row %zu: %s", i, error.text);
		cr_expect_eq(mended, rows[i].mended, "row %zu", i);
		cr_expect_str_eq(read_as(OTA_JSON_STRICT, text, NULL), "", "row %zu", i);
		cr_expect_eq(error.code, OTA_EINVALID, "row %zu", i);
	}
}

Test(json, a_device_may_not_put_other_bytes_behind_its_nul)
{
	cr_expect_str_eq(read_as(OTA_JSON_DEVICE, (struct ota_span){"{}\0x", 4}, NULL), "");
}

Test(json, a_clean_document_is_not_mended)
{
	unsigned mended = 9;
	cr_expect_str_eq(read_as(OTA_JSON_DEVICE, ota_span_from_text("{\"a\":\"\xe2\x82\xac\"}"), &mended),
			 "{\"a\":\"\xe2\x82\xac\"}");
	cr_expect_eq(mended, 0);
}

Test(json, strict_numbers_end_where_every_reader_is_exact)
{
	static const char *const wrong[] = {"9007199254740992", "-9007199254740992",   "9007199254740993", "1e16", "1e400",
					    "-1e400",           "18446744073709551616"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[64];
		snprintf(text, sizeof(text), "{\"n\":[0,%s]}", wrong[i]);
		cr_expect_str_eq(strict(text), "", "%s", wrong[i]);
		cr_expect_str_eq(error.path, "n[1]");
	}
}

Test(json, a_device_s_other_numbers_are_tolerated_and_unusable)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	int64_t value = 5;
	cr_assert_eq(ota_json_read(ota_span_from_text("{\"a\":1e400,\"b\":18446744073709551616,\"c\":1}"), OTA_JSON_DEVICE, 100,
				   &tree, NULL, &error),
		     0);
	struct ota_json_place at = {tree, ""};
	cr_expect_eq(ota_json_integer(at, "a", -OTA_INTEGER_MAX, OTA_INTEGER_MAX, &value, NULL), OTA_EINVALID);
	cr_expect_eq(ota_json_integer(at, "b", -OTA_INTEGER_MAX, OTA_INTEGER_MAX, &value, NULL), OTA_EINVALID);
	cr_expect_eq(value, 5);
	cr_expect_eq(ota_json_integer(at, "c", 0, 1, &value, NULL), 1);
}

static const char *number_of(size_t digits)
{
	static char text[OTA_JSON_NUMBER_MAX + 8];
	memset(text, '0', digits);
	text[0] = '0';
	text[1] = '.';
	text[digits - 1] = '5';
	text[digits] = '\0';
	return text;
}

Test(json, numbers_have_a_length_limit)
{
	cr_expect_str_neq(strict(number_of(OTA_JSON_NUMBER_MAX)), "");
	cr_expect_str_eq(strict(number_of(OTA_JSON_NUMBER_MAX + 1)), "");
	cr_expect_eq(error.code, OTA_ELIMIT);
}

static const char *nested(unsigned depth, char open, char close)
{
	static char text[64];
	memset(text, open, depth);
	memset(text + depth, close, depth);
	text[2 * (size_t)depth] = '\0';
	return text;
}

Test(json, nesting_goes_to_its_limit)
{
	cr_expect_str_neq(strict(nested(OTA_JSON_DEPTH_MAX, '[', ']')), "");
	cr_expect_str_eq(strict(nested(OTA_JSON_DEPTH_MAX + 1, '[', ']')), "");
	cr_expect_eq(error.code, OTA_ELIMIT);
	cr_expect_str_eq(read_as(OTA_JSON_DEVICE, ota_span_from_text(nested(OTA_JSON_DEPTH_MAX + 1, '[', ']')), NULL), "");
	cr_expect_str_neq(strict("[[],[],[],[],[],[],[],[],[],[]]"), "", "siblings are no depth");
	cr_expect_str_neq(read_as(OTA_JSON_ANSWER, ota_span_from_text(nested(OTA_JSON_ANSWER_DEPTH_MAX, '[', ']')), NULL), "");
	cr_expect_str_eq(read_as(OTA_JSON_ANSWER, ota_span_from_text(nested(OTA_JSON_ANSWER_DEPTH_MAX + 1, '[', ']')), NULL), "");
	cr_expect_str_eq(strict("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}"), "");
	cr_expect_eq(error.code, OTA_ELIMIT);
	cr_expect_str_eq(error.path, "a.a.a.a.a.a.a.a");
}

static int read_members(unsigned count)
{
	struct ota_bytes text = {0};
	OTA_AUTO_JSON cJSON *tree = NULL;
	for (unsigned i = 0; i < count; i++)
		ota_bytes_format(&text, "%c\"k%u\":%u", i == 0 ? '{' : ',', i, i);
	ota_bytes_text(&text, "}");
	int code = ota_json_read((struct ota_span){text.data, text.size}, OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &tree, NULL, &error);
	ota_bytes_free(&text);
	return code;
}

Test(json, members_go_to_their_limit)
{
	cr_expect_eq(read_members(OTA_JSON_MEMBERS_MAX), 0, "%s", error.text);
	cr_expect_eq(read_members(OTA_JSON_MEMBERS_MAX + 1), OTA_ELIMIT);
	cr_expect_str_eq(error.path, "k256");
}

Test(json, documents_go_to_the_caller_s_limit)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	cr_expect_eq(ota_json_read(ota_span_from_text("[1234]"), OTA_JSON_STRICT, 6, &tree, NULL, &error), 0);
	ota_json_cleanup(&tree);
	cr_expect_eq(ota_json_read(ota_span_from_text("[12345]"), OTA_JSON_STRICT, 6, &tree, NULL, &error), OTA_ELIMIT);
	cr_expect_null(tree);
}

Test(json, every_prefix_of_a_document_is_refused_and_none_is_read_past_its_end)
{
	static const char text[] = "{\"a\":[1.5e3,\"\\u00e4\\ud83d\\ude00\",true,null],\"b\":{\"c\":\"\xe2\x82\xac\"}}";
	for (size_t size = 0; size < sizeof(text) - 1; size++) {
		char *exact = malloc(size > 0 ? size : 1); /* the heap's end is the guard */
		cr_assert_not_null(exact);
		memcpy(exact, text, size);
		cr_expect_str_eq(read_as(OTA_JSON_STRICT, (struct ota_span){exact, size}, NULL), "", "%zu bytes", size);
		cr_expect_str_eq(read_as(OTA_JSON_DEVICE, (struct ota_span){exact, size}, NULL), "", "%zu bytes", size);
		free(exact);
	}
}

Test(json, errors_name_the_path_and_the_byte)
{
	static const char *const rows[][3] = {
		{"{\"commands\":[{\"version\":}]}", "commands[0].version", "commands[0].version: not a JSON value at byte 24"},
		{"{\"a\":1,\"b\":{\"a\":1,\"a\":2}}", "b.a", "b.a: the key stands twice at byte 22"},
		{"[1,2", "", "a comma or the closing bracket is missing at byte 4"},
		{"{\"a\\u000a\":\"\\q\"}", "a\\u000a", "a\\u000a: unknown escape in a string at byte 13"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_str_eq(strict(rows[i][0]), "");
		cr_expect_str_eq(error.path, rows[i][1]);
		cr_expect_str_eq(error.text, rows[i][2]);
	}
}

Test(json, a_path_longer_than_its_room_is_cut)
{
	struct ota_bytes text = {0};
	ota_bytes_text(&text, "{\"");
	for (unsigned i = 0; i < 300; i++)
		ota_bytes_text(&text, "k");
	ota_bytes_text(&text, "\":{\"x\":!}}");
	cr_expect_str_eq(strict(text.data), "");
	cr_expect_eq(strlen(error.path), OTA_ERROR_PATH_MAX - 1);
	ota_bytes_free(&text);
}

static cJSON *tree_of(const char *text)
{
	cJSON *tree = NULL;
	cr_assert_eq(ota_json_read(ota_span_from_text(text), OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &tree, NULL, &error), 0, "%s",
		     error.text);
	return tree;
}

Test(json, typed_members_are_found_absent_or_wrong)
{
	OTA_AUTO_JSON cJSON *tree = tree_of("{\"s\":\"text\",\"n\":7,\"f\":1.5,\"t\":true,\"o\":{},\"l\":[],\"z\":null}");
	struct ota_json_place at = {tree, "params"}, nothing = {NULL, ""};
	char text[8] = "kept";
	int64_t number = 3;
	bool flag = false;
	const cJSON *item = NULL;

	cr_expect_eq(ota_json_text(at, "absent", text, sizeof(text), &error), 0);
	cr_expect_eq(ota_json_text(nothing, "s", text, sizeof(text), &error), 0);
	cr_expect_str_eq(text, "kept");
	cr_expect_eq(ota_json_text(at, "s", text, sizeof(text), &error), 1);
	cr_expect_str_eq(text, "text");
	cr_expect_eq(ota_json_text(at, "z", text, sizeof(text), &error), OTA_EINVALID, "null is not absent");
	cr_expect_str_eq(error.path, "params.z");
	cr_expect_str_eq(error.text, "params.z: must be a string");
	cr_expect_eq(ota_json_text(at, "S", text, sizeof(text), &error), 0, "exact case");

	cr_expect_eq(ota_json_integer(at, "n", 0, 7, &number, &error), 1);
	cr_expect_eq(number, 7);
	cr_expect_eq(ota_json_integer(at, "n", 0, 6, &number, &error), OTA_EINVALID);
	cr_expect_str_eq(error.text, "params.n: must be an integer from 0 to 6");
	cr_expect_eq(ota_json_integer(at, "n", 8, 9, &number, &error), OTA_EINVALID);
	cr_expect_eq(ota_json_integer(at, "f", 0, 6, &number, &error), OTA_EINVALID);
	cr_expect_eq(ota_json_integer(at, "s", 0, 6, &number, &error), OTA_EINVALID);
	cr_expect_eq(ota_json_integer(at, "absent", 0, 6, &number, &error), 0);
	cr_expect_eq(number, 7);

	cr_expect_eq(ota_json_bool(at, "t", &flag, &error), 1);
	cr_expect(flag);
	cr_expect_eq(ota_json_bool(at, "n", &flag, &error), OTA_EINVALID);
	cr_expect_eq(ota_json_object(at, "o", &item, &error), 1);
	cr_expect_eq(ota_json_object(at, "l", &item, &error), OTA_EINVALID);
	cr_expect_eq(ota_json_array(at, "l", &item, &error), 1);
	cr_expect_eq(ota_json_array(at, "o", &item, &error), OTA_EINVALID);
	cr_expect_eq(ota_json_array(at, "absent", &item, &error), 0);
}

Test(json, integers_are_exact_beyond_31_bits)
{
	OTA_AUTO_JSON cJSON *tree = tree_of("{\"a\":2147483648,\"b\":-2147483649,\"c\":4294967296,\"d\":9007199254740991}");
	static const int64_t values[] = {INT64_C(2147483648), INT64_C(-2147483649), INT64_C(4294967296), OTA_INTEGER_MAX};
	for (size_t i = 0; i < 4; i++) {
		char key[2] = {(char)('a' + i), '\0'};
		int64_t value = 0;
		cr_expect_eq(ota_json_integer((struct ota_json_place){tree, ""}, key, INT64_MIN, INT64_MAX, &value, &error), 1);
		cr_expect_eq(value, values[i]);
	}
}

Test(json, a_text_fits_its_target_or_says_what_would)
{
	OTA_AUTO_JSON cJSON *tree = tree_of("{\"a\":\"1234\",\"b\":\"12345\"}");
	char text[5] = "";
	cr_expect_eq(ota_json_text((struct ota_json_place){tree, ""}, "a", text, sizeof(text), &error), 1);
	cr_expect_eq(ota_json_text((struct ota_json_place){tree, ""}, "b", text, sizeof(text), &error), OTA_ELIMIT);
	cr_expect_str_eq(error.text, "b: is 5 bytes long; at most 4 are allowed");
	cr_expect_str_eq(text, "1234");
}

Test(json, unknown_members_are_refused_with_a_hint)
{
	static const char *const known[] = {"version", "module", NULL};
	OTA_AUTO_JSON cJSON *fine = tree_of("{\"module\":1}"), *near = tree_of("{\"module\":1,\"verison\":2}"),
			    *far = tree_of("{\"qqqqq\":2}");
	cr_expect_eq(ota_json_known((struct ota_json_place){fine, ""}, known, &error), 0);
	cr_expect_eq(ota_json_known((struct ota_json_place){NULL, ""}, known, &error), 0);
	cr_expect_eq(ota_json_known((struct ota_json_place){near, "p"}, known, &error), OTA_EINVALID);
	cr_expect_str_eq(error.path, "p.verison");
	cr_expect_str_eq(error.text, "p.verison: unknown key; did you mean \"version\"?");
	cr_expect_eq(ota_json_known((struct ota_json_place){far, ""}, known, &error), OTA_EINVALID);
	cr_expect_str_eq(error.text, "qqqqq: unknown key");
}

Test(json, writing_our_own_trees)
{
	OTA_AUTO_JSON cJSON *tree = cJSON_CreateObject();
	struct ota_bytes out = {0};
	cJSON_AddNumberToObject(tree, "big", 1e15);
	cJSON_AddNumberToObject(tree, "third", 1.0 / 3);
	cJSON_AddNumberToObject(tree, "huge", 1e300);
	cJSON_AddNumberToObject(tree, "none", NAN);
	cJSON_AddStringToObject(tree, "q\"", "\x01\xe2\x82\xac");
	cJSON_AddRawToObject(tree, "raw", "[1]");
	cJSON_AddBoolToObject(tree, "no", false);
	cr_expect_eq(ota_json_write(tree, &out), 0);
	cr_expect_str_eq(out.data, "{\"big\":1000000000000000,\"third\":0.33333333333333331,\"huge\":1e+300,\"none\":null,"
				   "\"q\\\"\":\"\\u0001\xe2\x82\xac\","
				   "\"raw\":[1],\"no\":false}");
	ota_bytes_free(&out);
	out.limit = 10;
	cr_expect_eq(ota_json_write(tree, &out), OTA_ENOMEM);
	ota_bytes_free(&out);
}

Test(json, plain_is_what_needs_no_escape)
{
	cr_expect(ota_json_is_plain(""));
	cr_expect(ota_json_is_plain("http://h/a?b=c&d {}[]'\x7f \xe2\x82\xac"));
	cr_expect_not(ota_json_is_plain("a\"b"));
	cr_expect_not(ota_json_is_plain("a\\b"));
	cr_expect_not(ota_json_is_plain("a\x1f"));
	cr_expect_not(ota_json_is_plain("\xff"));
}
