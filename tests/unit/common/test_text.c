#include <criterion/criterion.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/text.h"

static struct ota_span span(const char *text)
{
	return ota_span_from_text(text);
}

Test(text, copy_fits_whole_or_not_at_all)
{
	char target[4] = "xyz";
	cr_expect(ota_text_copy(target, sizeof(target), span("abc")));
	cr_expect_str_eq(target, "abc");
	cr_expect_not(ota_text_copy(target, sizeof(target), span("abcd")));
	cr_expect_str_eq(target, "", "a failed copy leaves nothing");
	cr_expect_not(ota_text_copy(target, sizeof(target), (struct ota_span){"a\0b", 3}), "a NUL would cut the copy");
	cr_expect(ota_text_copy(target, sizeof(target), (struct ota_span){NULL, 0}));
}

Test(text, cut_never_halves_a_character)
{
	char target[6];
	ota_text_cut(target, sizeof(target), "abc\xe2\x82\xac"); /* 6 bytes into 5 */
	cr_expect_str_eq(target, "abc");
	ota_text_cut(target, sizeof(target), "ab\xe2\x82\xac"); /* 5 bytes */
	cr_expect_str_eq(target, "ab\xe2\x82\xac");
	ota_text_cut(target, sizeof(target), "abcdefg");
	cr_expect_str_eq(target, "abcde");
	ota_text_cut(target, 1, "\xe2\x82\xac");
	cr_expect_str_eq(target, "");
}

Test(text, integers_are_decimal_whole_and_in_range)
{
	static const struct {
		const char *text;
		bool fine;
		int64_t value;
	} rows[] = {
		{"0", true, 0},
		{"-1", true, -1},
		{"007", true, 7},
		{"-0", true, 0},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"18446744073709551616", false, 0},
		{"", false, 0},
		{"-", false, 0},
		{"+1", false, 0},
		{" 1", false, 0},
		{"1 ", false, 0},
		{"0x1", false, 0},
		{"1e3", false, 0},
		{"--1", false, 0},
		{"1.0", false, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t value = 42;
		cr_expect_eq(ota_text_parse_i64(span(rows[i].text), &value), rows[i].fine, "%s", rows[i].text);
		cr_expect_eq(value, rows[i].fine ? rows[i].value : 42, "%s", rows[i].text);
	}
}

Test(text, unsigned_integers_reach_their_limit)
{
	uint64_t value = 1;
	cr_expect(ota_text_parse_u64(span("18446744073709551615"), &value));
	cr_expect_eq(value, UINT64_MAX);
	cr_expect_not(ota_text_parse_u64(span("18446744073709551616"), &value));
	cr_expect_not(ota_text_parse_u64(span("-1"), &value));
	cr_expect_not(ota_text_parse_u64((struct ota_span){"1\0", 2}, &value));
	cr_expect_eq(value, UINT64_MAX);
}

Test(text, sizes_are_powers_of_1024)
{
	uint64_t bytes = 1;
	cr_expect(ota_text_parse_size("17", &bytes) && bytes == 17);
	cr_expect(ota_text_parse_size("64k", &bytes) && bytes == 65536);
	cr_expect(ota_text_parse_size("16M", &bytes) && bytes == 16777216);
	cr_expect(ota_text_parse_size("1G", &bytes) && bytes == 1073741824);
	cr_expect(ota_text_parse_size("17179869183G", &bytes) && bytes == UINT64_C(17179869183) << 30);
	bytes = 5;
	static const char *const wrong[] = {"",    "k",  "1K",   "1m",           "1kB",
					    "1 k", "-1", "1.5M", "17179869184G", "99999999999999999999"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(ota_text_parse_size(wrong[i], &bytes), "%s", wrong[i]);
	cr_expect_eq(bytes, 5);
}

Test(text, durations_need_a_unit)
{
	int64_t ms = 1;
	cr_expect(ota_text_parse_duration("250ms", &ms) && ms == 250);
	cr_expect(ota_text_parse_duration("90s", &ms) && ms == 90000);
	cr_expect(ota_text_parse_duration("10m", &ms) && ms == 600000);
	cr_expect(ota_text_parse_duration("24h", &ms) && ms == 86400000);
	cr_expect(ota_text_parse_duration("30d", &ms) && ms == INT64_C(2592000000));
	ms = 5;
	static const char *const wrong[] = {
		"", "10", "s", "10M", "10 s", "-1s", "1h30m", "1.5h", "9223372036854775807s", "200000000000d"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(ota_text_parse_duration(wrong[i], &ms), "%s", wrong[i]);
	cr_expect_eq(ms, 5);
}

Test(text, durations_print_in_their_largest_exact_unit_and_come_back)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {{0, "0s"},       {250, "250ms"},   {1000, "1s"},     {1500, "1500ms"},
		    {600000, "10m"}, {5400000, "90m"}, {86400000, "1d"}, {90000000, "25h"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[32];
		int64_t back = -1;
		ota_text_print_duration(text, rows[i].ms);
		cr_expect_str_eq(text, rows[i].text);
		cr_expect(ota_text_parse_duration(text, &back) && back == rows[i].ms, "%s", text);
	}
}

Test(text, sizes_print_in_their_largest_exact_unit_and_come_back)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {{0, "0"},           {1023, "1023"},          {1024, "1k"}, {1025, "1025"}, {UINT64_C(32) << 20, "32M"},
		    {1536 * 1024, "1536k"}, {UINT64_C(1) << 40, "1024G"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[32];
		uint64_t back = 7;
		ota_text_print_size(text, rows[i].bytes);
		cr_expect_str_eq(text, rows[i].text);
		cr_expect(ota_text_parse_size(text, &back) && back == rows[i].bytes, "%s", text);
	}
}

/* `text` repeated to `size` bytes. */
static struct ota_span filled(char *target, char letter, size_t size)
{
	memset(target, letter, size);
	return (struct ota_span){target, size};
}

Test(text, product_keys_are_letters_and_digits_up_to_their_limit)
{
	char long_name[100];
	cr_expect(ota_text_is_product_key(span("a1B2c3D4e5F")));
	cr_expect(ota_text_is_product_key(filled(long_name, 'a', OTA_PRODUCT_KEY_MAX)));
	cr_expect_not(ota_text_is_product_key(filled(long_name, 'a', OTA_PRODUCT_KEY_MAX + 1)));
	static const char *const wrong[] = {"", "a-b", "a_b", "a b", "a&b", "a/b", "\xc3\xa4", "+", "#"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(ota_text_is_product_key(span(wrong[i])), "%s", wrong[i]);
	cr_expect_not(ota_text_is_product_key((struct ota_span){"a\0b", 3}));
}

Test(text, device_names_take_five_more_characters)
{
	char long_name[100];
	cr_expect(ota_text_is_device_name(span("Az09_.:@-")));
	cr_expect(ota_text_is_device_name(filled(long_name, 'd', OTA_DEVICE_NAME_MAX)));
	cr_expect_not(ota_text_is_device_name(filled(long_name, 'd', OTA_DEVICE_NAME_MAX + 1)));
	static const char *const wrong[] = {"", "a/b", "a&b", "a b", "a+", "#", "a|b", "a\n", "a%20"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(ota_text_is_device_name(span(wrong[i])), "%s", wrong[i]);
	cr_expect_not(ota_text_is_device_name((struct ota_span){"a\0", 2}));
}

Test(text, modules_and_versions_are_words_a_flat_scan_survives)
{
	char long_name[100];
	static const char *const fine[] = {"1.0.0", "1-45-345a", "app-1.0.0-20180101.1000", "V2003 (beta)", "a&b/c", "Version",
					   "DATA",  "urls"};
	static const char *const wrong[] = {
		"",           " 1",       "1 ",       "a\"b",     "a\\b",       "{",          "a}",           "[1",
		"]",          "\t",       "1\n",      "1\x7f",    "\xc3\xa4",   "version",    "url",          "sign",
		"signMethod", "md5",      "module",   "extData",  "files",      "id",         "message",      "code",
		"data",       "params",   "size",     "isDiff",   "digestsign", "streamId",   "streamFileId", "dProtocol",
		"fileUrl",    "fileSize", "fileSign", "fileName", "configId",   "configSize", "getType"};
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		cr_expect(ota_text_is_version(span(fine[i])) && ota_text_is_module(span(fine[i])), "%s", fine[i]);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect(!ota_text_is_version(span(wrong[i])) && !ota_text_is_module(span(wrong[i])), "%s", wrong[i]);
	cr_expect(ota_text_is_version(filled(long_name, 'v', OTA_VERSION_MAX)));
	cr_expect_not(ota_text_is_version(filled(long_name, 'v', OTA_VERSION_MAX + 1)));
	cr_expect(ota_text_is_module(filled(long_name, 'm', OTA_MODULE_MAX)));
	cr_expect_not(ota_text_is_module(filled(long_name, 'm', OTA_MODULE_MAX + 1)));
}

Test(text, utf8_is_taken_in_its_one_shortest_form)
{
	static const struct {
		const char *text;
		bool fine;
	} rows[] = {
		{"", true},
		{"ascii", true},
		{"\xc2\x80", true},
		{"\xdf\xbf", true},
		{"\xe0\xa0\x80", true},
		{"\xed\x9f\xbf", true},
		{"\xee\x80\x80", true},
		{"\xef\xbf\xbf", true},
		{"\xf0\x90\x80\x80", true},
		{"\xf4\x8f\xbf\xbf", true},
		{"\x80", false},
		{"\xbf", false},
		{"\xc0\x80", false},
		{"\xc1\xbf", false},
		{"\xc2", false},
		{"\xc2z", false},
		{"\xe0\x9f\xbf", false},
		{"\xe2\x82", false},
		{"\xed\xa0\x80", false},
		{"\xed\xbf\xbf", false},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xf4\x90\x80\x80", false},
		{"\xf8\x88\x80\x80\x80", false},
		{"\xff", false},
		{"a\xe2\x82\xac\x80", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(ota_text_is_utf8(span(rows[i].text)), rows[i].fine, "row %zu", i);
}

Test(text, every_character_comes_back_from_its_bytes)
{
	for (uint32_t character = 1; character <= 0x10ffff; character += character < 0x900 ? 1 : 0x3f) {
		struct ota_bytes out = {0};
		uint32_t back = 0;
		if (character >= 0xd800 && character <= 0xdfff)
			continue;
		ota_text_utf8_append(&out, character);
		cr_assert_eq(ota_text_utf8_next((struct ota_span){out.data, out.size}, &back), out.size, "U+%04X", character);
		cr_assert_eq(back, character);
		ota_bytes_free(&out);
	}
}

Test(text, clean_replaces_bad_bytes_and_controls)
{
	struct ota_bytes out = {0};
	ota_text_clean(&out, (struct ota_span){"a\n\x1b[m\xff\xe2\x82z\0\xc2\x9b\x7f\xe2\x82\xac", 16});
	cr_expect_str_eq(out.data, "a  [m\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz   \xe2\x82\xac");
	ota_bytes_free(&out);
}

Test(text, hex_goes_both_ways)
{
	unsigned char bytes[3];
	char text[7];
	ota_text_hex(text, (const unsigned char *)"\x00\xaf\x19", 3);
	cr_expect_str_eq(text, "00af19");
	cr_expect(ota_text_unhex(span("00AF19"), bytes, 3));
	cr_expect_arr_eq(bytes, "\x00\xaf\x19", 3);
	cr_expect_not(ota_text_unhex(span("00af1"), bytes, 3));
	cr_expect_not(ota_text_unhex(span("00af190"), bytes, 3));
	cr_expect_not(ota_text_unhex(span("00af1g"), bytes, 3));
	cr_expect(ota_text_is_hex(span("aA"), 2));
	cr_expect_not(ota_text_is_lower_hex(span("aA"), 2));
	cr_expect(ota_text_is_lower_hex(span("a0"), 2));
	cr_expect_not(ota_text_is_lower_hex(span("a0a"), 2));
}

Test(text, base64url_vectors_of_rfc_4648)
{
	static const char *const rows[][2] = {
		{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
		{"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbe", "-_--"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[16];
		unsigned char back[16];
		size_t size = strlen(rows[i][0]);
		ota_text_base64url(text, (const unsigned char *)rows[i][0], size);
		cr_expect_str_eq(text, rows[i][1]);
		cr_expect_eq(strlen(text) + 1, OTA_BASE64URL_SIZE(size));
		cr_expect(ota_text_unbase64url(span(text), back, size));
		cr_expect_arr_eq(back, rows[i][0], size);
	}
}

Test(text, base64url_has_one_spelling)
{
	unsigned char back[4];
	cr_expect_not(ota_text_unbase64url(span("Zh"), back, 1), "the spare bits must be zero");
	cr_expect_not(ota_text_unbase64url(span("Zm9"), back, 2), "the spare bits must be zero");
	cr_expect_not(ota_text_unbase64url(span("Zg=="), back, 1), "no padding");
	cr_expect_not(ota_text_unbase64url(span("Zg"), back, 2), "a size of its own");
	cr_expect_not(ota_text_unbase64url(span("+/--"), back, 3), "the other alphabet");
	cr_expect_not(ota_text_unbase64url((struct ota_span){"Zm\0v", 4}, back, 3));
}
