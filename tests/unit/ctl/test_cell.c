#include <criterion/criterion.h>

#include "ctl/cell.h"

static const char *clean(const char *text)
{
	static struct ota_bytes out;

	ota_bytes_free(&out);
	ota_cell_clean(&out, text);
	return out.data ? out.data : "";
}

static const char *put(const char *text, struct ota_cell_place place)
{
	static struct ota_bytes out;

	ota_bytes_free(&out);
	ota_cell_put(&out, text, place);
	return out.data ? out.data : "";
}

Test(cell, nothing_a_terminal_obeys_is_left)
{
	static const struct {
		const char *text, *clean;
	} rows[] = {
		{ "plain", "plain" },
		{ "\x1b[31mred", " [31mred" },
		{ "a\nb\tc\rd\x7f" "e", "a b c d e" },
		{ "\xc2\x9b" "2J", " 2J" }, /* C1 CSI */
		{ "a\xffz", "a\xef\xbf\xbdz" },
		{ "\xe2\x80\xaegpj.exe", "\xef\xbf\xbdgpj.exe" }, /* right-to-left override */
		{ "\xe2\x81\xa6x", "\xef\xbf\xbdx" },
		{ "\xe6\xb8\xa9\xe5\xba\xa6", "\xe6\xb8\xa9\xe5\xba\xa6" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(clean(rows[i].text), rows[i].clean, "row %zu", i);
}

Test(cell, width_counts_columns)
{
	cr_expect_eq(ota_cell_width(""), 0);
	cr_expect_eq(ota_cell_width("abc"), 3);
	cr_expect_eq(ota_cell_width("\xc3\xa9"), 1);
	cr_expect_eq(ota_cell_width("e\xcc\x81"), 1); /* with a combining accent */
	cr_expect_eq(ota_cell_width("\xe6\xb8\xa9\xe5\xba\xa6"), 4);
	cr_expect_eq(ota_cell_width("\xf0\x9f\x9a\x80"), 2);
}

Test(cell, texts_fill_their_place_exactly)
{
	cr_expect_str_eq(put("ab", (struct ota_cell_place){ .width = 4 }), "ab  ");
	cr_expect_str_eq(put("ab", (struct ota_cell_place){ .width = 4, .right = true }), "  ab");
	cr_expect_str_eq(put("ab", (struct ota_cell_place){ .width = 4, .no_pad = true }), "ab");
	cr_expect_str_eq(put("abcd", (struct ota_cell_place){ .width = 4 }), "abcd");
	cr_expect_str_eq(put("abcde", (struct ota_cell_place){ .width = 4 }), "abc\xe2\x80\xa6");
	/* A wide character that does not fit leaves a column free. */
	cr_expect_str_eq(put("a\xe6\xb8\xa9\xe5\xba\xa6", (struct ota_cell_place){ .width = 3 }), "a\xe2\x80\xa6 ");
	cr_expect_str_eq(put("abc", (struct ota_cell_place){ .width = 1 }), "\xe2\x80\xa6");
	cr_expect_str_eq(put("abc", (struct ota_cell_place){ .width = 0 }), "");
}

Test(cell, json_stays_the_same_document)
{
	struct ota_bytes out = { 0 };

	ota_cell_json(&out, "{\n\t\"a\":\"\xc2\x9b\x7f\xe2\x80\xae\xe6\xb8\xa9\"\n}");
	cr_expect_str_eq(out.data, "{\n\t\"a\":\"\\u009b\\u007f\\u202e\xe6\xb8\xa9\"\n}");
	ota_bytes_free(&out);
}
