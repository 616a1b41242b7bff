#include "ctl/csv.h"

#include <errno.h>
#include <string.h>

#include "common/text.h"

void ota_csv_begin(struct ota_csv *csv, FILE *stream, const char *name)
{
	*csv = (struct ota_csv){ .stream = stream, .name = name, .next_line = 1, .bytes = { .limit = OTA_CSV_ROW_MAX } };
}

void ota_csv_end(struct ota_csv *csv)
{
	/* Secrets may have gone through. */
	if (csv->bytes.data)
		explicit_bzero(csv->bytes.data, csv->bytes.size);
	ota_bytes_free(&csv->bytes);
}

static int fault(const struct ota_csv *csv, const char *what, struct ota_error *error)
{
	return ota_fail(error, OTA_EINVALID, "%s: line %zu, column %zu: %s", csv->name, csv->next_line, csv->count, what);
}

static int begin_field(struct ota_csv *csv, struct ota_error *error)
{
	if (csv->count == OTA_CSV_COLUMNS_MAX) {
		csv->count++;
		return fault(csv, "more columns than 64", error);
	}
	csv->starts[csv->count++] = csv->bytes.size;
	return 0;
}

static int put(struct ota_csv *csv, int byte, struct ota_error *error)
{
	if (byte == '\0')
		return fault(csv, "a NUL byte; what a spreadsheet calls Unicode text is UTF-16: save it as CSV UTF-8", error);
	ota_bytes_u8(&csv->bytes, (uint8_t)byte);
	return csv->bytes.failed ? fault(csv, "the row has more than 65536 bytes; is a quote not closed?", error) : 0;
}

static bool is_end_of_line(struct ota_csv *csv, int byte)
{
	if (byte == '\r') {
		int next = getc(csv->stream);

		if (next != '\n')
			(void)ungetc(next, csv->stream);
		return next == '\n';
	}
	return byte == '\n';
}

/* Behind the opening quote, to behind the closing one; *ret_byte is what stands there. */
static int take_quoted(struct ota_csv *csv, int *ret_byte, struct ota_error *error)
{
	int code = 0;

	while (code == 0) {
		int byte = getc(csv->stream);

		if (byte == EOF)
			return fault(csv, "the quote is not closed", error);
		if (byte == '"') {
			*ret_byte = getc(csv->stream);
			if (*ret_byte != '"')
				return 0;
		}
		if (byte == '\n')
			csv->next_line++;
		code = put(csv, byte, error);
	}
	return code;
}

/* One field with the byte behind it: a comma, the end of the line (1) or of the file (1). */
static int take_field(struct ota_csv *csv, int byte, struct ota_error *error)
{
	int code = begin_field(csv, error);

	if (code == 0 && byte == '"') {
		code = take_quoted(csv, &byte, error);
		if (code == 0 && byte != ',' && byte != EOF && byte != '\n' && byte != '\r')
			return fault(csv, "more stands behind the closing quote; a quote in a field is written twice", error);
	}
	while (code == 0 && byte != ',' && byte != EOF && !is_end_of_line(csv, byte)) {
		if (byte == '"')
			return fault(csv, "a quote in the middle of a field; put the field in quotes and write it twice", error);
		code = put(csv, byte, error);
		byte = getc(csv->stream);
	}
	if (code < 0)
		return code;
	ota_bytes_u8(&csv->bytes, '\0');
	return byte == ',' ? 0 : 1;
}

static int check_fields(struct ota_csv *csv, struct ota_error *error)
{
	size_t count = csv->count;

	if (csv->bytes.failed)
		return fault(csv, "the row has more than 65536 bytes; is a quote not closed?", error);
	for (csv->count = 1; csv->count <= count; csv->count++) {
		const char *field = csv->bytes.data + csv->starts[csv->count - 1];

		if (!ota_text_is_utf8(ota_span_from_text(field)))
			return fault(csv, "is not UTF-8; save the table as CSV UTF-8", error);
		csv->fields[csv->count - 1] = field;
	}
	csv->count = count;
	return 0;
}

/* The first byte of a row: after the byte order mark, and after empty lines. */
static int first_byte(struct ota_csv *csv)
{
	static const unsigned char mark[] = { 0xef, 0xbb, 0xbf };
	int byte = getc(csv->stream);
	size_t seen = 0;

	while (csv->next_line == 1 && seen < sizeof(mark) && byte == mark[seen]) {
		byte = getc(csv->stream);
		seen++;
	}
	while (byte != EOF && is_end_of_line(csv, byte)) {
		csv->next_line++;
		byte = getc(csv->stream);
	}
	return byte;
}

int ota_csv_next(struct ota_csv *csv, struct ota_error *error)
{
	int byte = first_byte(csv);
	int code = 0;

	csv->count = 0;
	ota_bytes_clear(&csv->bytes);
	csv->line = csv->next_line;
	if (byte == EOF)
		return ferror(csv->stream) ? ota_fail_errno(error, "%s", csv->name) : 0;
	while (code == 0) {
		code = take_field(csv, byte, error);
		if (code == 0)
			byte = getc(csv->stream);
	}
	if (code > 0)
		code = check_fields(csv, error);
	csv->next_line++;
	return code < 0 ? code : 1;
}
