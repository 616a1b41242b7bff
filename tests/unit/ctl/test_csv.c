#include <criterion/criterion.h>
#include <stdlib.h>

#include "ctl/csv.h"

/* A table as "a|b\nc|d\n", or "!" and what is wrong. */
static const char *read_table(const char *data, size_t size)
{
	static struct ota_bytes out;
	struct ota_error error = { 0 };
	struct ota_csv csv;
	FILE *stream = fmemopen((void *)(uintptr_t)data, size ? size : 1, "r");
	int code;

	if (size == 0)
		(void)getc(stream);
	ota_bytes_clear(&out);
	ota_bytes_text(&out, "");
	ota_csv_begin(&csv, stream, "t.csv");
	while ((code = ota_csv_next(&csv, &error)) > 0) {
		for (size_t i = 0; i < csv.count; i++)
			ota_bytes_format(&out, "%s%s", i ? "|" : "", csv.fields[i]);
		ota_bytes_text(&out, "\n");
	}
	if (code < 0)
		ota_bytes_format(&out, "!%s", error.text);
	ota_csv_end(&csv);
	(void)fclose(stream);
	return out.data;
}

static const char *read_text(const char *text)
{
	return read_table(text, strlen(text));
}

Test(csv, rows_are_read_as_rfc_4180_has_them)
{
	cr_expect_str_eq(read_text("a,b\nc,d\n"), "a|b\nc|d\n");
	cr_expect_str_eq(read_text("a,b\r\nc,d"), "a|b\nc|d\n");
	cr_expect_str_eq(read_text("\"a,1\",\"b \"\"q\"\"\"\r\n\"x\ny\",\n"), "a,1|b \"q\"\nx\ny|\n");
	cr_expect_str_eq(read_text(",\n,"), "|\n|\n");
	cr_expect_str_eq(read_text("\"\"\n"), "\n");
}

Test(csv, a_byte_order_mark_and_empty_lines_are_no_rows)
{
	cr_expect_str_eq(read_text("\xef\xbb\xbf" "a,b\n\n\r\nc,d\n\n"), "a|b\nc|d\n");
	cr_expect_str_eq(read_text(""), "");
	cr_expect_str_eq(read_text("\n\n"), "");
}

Test(csv, what_is_wrong_is_told_with_line_and_column)
{
	cr_expect_str_eq(read_text("a\nb,c\"d\n"),
			 "a\n!t.csv: line 2, column 2: a quote in the middle of a field; "
			 "put the field in quotes and write it twice");
	cr_expect(strstr(read_text("a\n\"b"), "line 2, column 1: the quote is not closed"));
	cr_expect(strstr(read_text("\"b\"c,d\n"), "line 1, column 1: more stands behind the closing quote"));
	cr_expect(strstr(read_text("a,\xff\n"), "line 1, column 2: is not UTF-8"));
	cr_expect(strstr(read_table("a\0b\n", 4), "a NUL byte"));
	cr_expect(strstr(read_table("\xff\xfe" "a\0,\0b\0\n\0", 10), "a NUL byte"), "UTF-16");
}

Test(csv, a_row_has_at_most_64_columns_and_65536_bytes)
{
	char commas[OTA_CSV_COLUMNS_MAX + 1];
	char *wide = malloc(OTA_CSV_ROW_MAX + 2);

	memset(commas, ',', sizeof(commas));
	cr_expect_neq(read_table(commas, OTA_CSV_COLUMNS_MAX - 1)[0], '!');
	cr_expect(strstr(read_table(commas, OTA_CSV_COLUMNS_MAX), "column 65: more columns than 64"));
	memset(wide, 'x', OTA_CSV_ROW_MAX + 2);
	cr_expect_neq(read_table(wide, OTA_CSV_ROW_MAX - 1)[0], '!');
	cr_expect(strstr(read_table(wide, OTA_CSV_ROW_MAX), "more than 65536 bytes"));
	wide[0] = '"';
	cr_expect(strstr(read_table(wide, OTA_CSV_ROW_MAX + 2), "is a quote not closed?"));
	free(wide);
}

/* Any bytes at all end in rows or in a sentence. */
Test(csv, no_bytes_are_too_strange)
{
	static const char letters[] = "a,\"\n\r\xef\xbb\xbf\xff";
	unsigned seed = 7;

	for (int round = 0; round < 20000; round++) {
		char text[12];
		size_t size = (size_t)(rand_r(&seed) % (int)sizeof(text));

		for (size_t i = 0; i < size; i++)
			text[i] = letters[(size_t)rand_r(&seed) % sizeof(letters)];
		cr_assert_not_null(read_table(text, size));
	}
}
