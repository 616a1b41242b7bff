#include "ctl/sheet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/time.h"
#include "ctl/cell.h"

enum { WIDTH = 80, LABEL = 12, WORD_SIZE = 256 };

/* The blanks inside a figure are no place to break a line: U+00A0, until it is put. */
#define BLANK "\xc2\xa0"

/* One word, on the next line if this one has no room for it. */
static void put_word(struct ota_bytes *out, const char *word, size_t *column)
{
	size_t width = ota_cell_width(word);

	if (*column > LABEL && *column + 1 + width > WIDTH) {
		ota_bytes_text(out, "\n");
		ota_cell_put(out, "", (struct ota_cell_place){ .width = LABEL });
		*column = LABEL;
	}
	ota_bytes_text(out, *column > LABEL ? " " : "");
	for (const char *blank; (blank = strstr(word, BLANK)); word = blank + strlen(BLANK)) {
		ota_bytes_append(out, word, (size_t)(blank - word));
		ota_bytes_text(out, " ");
	}
	ota_bytes_text(out, word);
	*column += width + (*column > LABEL);
}

void ota_sheet_line(struct ota_bytes *out, const char *label, const char *text)
{
	OTA_AUTO_BYTES struct ota_bytes clean = { 0 };
	size_t column = LABEL;
	const char *at;

	ota_cell_clean(&clean, text);
	ota_cell_put(out, label, (struct ota_cell_place){ .width = LABEL });
	for (at = clean.data ? clean.data : ""; *(at += strspn(at, " "));) {
		char word[WORD_SIZE];
		size_t size = strcspn(at, " ");

		(void)snprintf(word, sizeof(word), "%.*s", (int)(size < WORD_SIZE ? size : WORD_SIZE - 1), at);
		put_word(out, word, &column);
		at += size;
	}
	ota_bytes_text(out, "\n");
}

void ota_sheet_bytes(struct ota_bytes *out, const char *label, const struct ota_bytes *text)
{
	if (text->size > 0)
		ota_sheet_line(out, label, text->data);
}

void ota_sheet_put_count(struct ota_bytes *out, int64_t count)
{
	char digits[32];
	int size = snprintf(digits, sizeof(digits), "%" PRId64, count);

	for (int i = 0; i < size; i++)
		ota_bytes_format(out, "%s%c", i > 0 && (size - i) % 3 == 0 && digits[i - 1] != '-' ? BLANK : "", digits[i]);
}

void ota_sheet_put_span(struct ota_bytes *out, int64_t ms)
{
	int64_t minutes = (ms + OTA_MINUTE_MS / 2) / OTA_MINUTE_MS, days = minutes / (24 * 60), hours = minutes / 60 % 24;

	if (days)
		ota_bytes_format(out, "%" PRId64 "d", days);
	if (hours)
		ota_bytes_format(out, "%s%" PRId64 "h", days ? BLANK : "", hours);
	if (!days && (minutes % 60 || !hours))
		ota_bytes_format(out, "%s%" PRId64 "m", hours ? BLANK : "", minutes % 60);
}

void ota_sheet_put_moment(struct ota_bytes *out, int64_t ms)
{
	time_t seconds = (time_t)(ms / OTA_SECOND_MS);
	struct tm parts;

	if (gmtime_r(&seconds, &parts))
		ota_bytes_format(out, "%04d-%02d-%02d" BLANK "%02d:%02d" BLANK "UTC", parts.tm_year + 1900, parts.tm_mon + 1,
				 parts.tm_mday, parts.tm_hour, parts.tm_min);
}

void ota_sheet_put_until(struct ota_bytes *out, int64_t ms, int64_t now_ms)
{
	ota_sheet_put_moment(out, ms);
	if (ms < now_ms + OTA_MINUTE_MS)
		return;
	ota_bytes_text(out, ", in" BLANK);
	ota_sheet_put_span(out, ms - now_ms);
}
