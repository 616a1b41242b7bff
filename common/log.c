#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"
#include "common/time.h"

static const char *const level_names[] = {
	[OTA_LOG_DEBUG] = "debug",
	[OTA_LOG_INFO] = "info",
	[OTA_LOG_WARNING] = "warning",
	[OTA_LOG_ERROR] = "error",
};

/* sd-daemon(3) */
static const char *const journal_prefixes[] = {
	[OTA_LOG_DEBUG] = "<7>",
	[OTA_LOG_INFO] = "<6>",
	[OTA_LOG_WARNING] = "<4>",
	[OTA_LOG_ERROR] = "<3>",
};

/* What an overlong line ends with; its room is never given to anything else. `used` beyond LINE_FULL marks such a line. */
static const char ellipsis[] = "...\"";
enum { LINE_FULL = OTA_LOG_LINE_MAX - sizeof(ellipsis) };

/* Appends a unit as a whole, so that no escape is torn. */
static void line_put(struct ota_log_line *line, const char *unit, size_t size, bool quoted)
{
	if (line->used > LINE_FULL)
		return;
	/* The first unit that does not fit ends the line; a later, shorter one would stand there as if nothing were missing. */
	if (line->used + size > LINE_FULL) {
		memcpy(line->text + line->used, ellipsis, sizeof(ellipsis));
		if (!quoted)
			line->text[line->used + 3] = '\0';
		line->used = OTA_LOG_LINE_MAX;
		return;
	}
	memcpy(line->text + line->used, unit, size);
	line->used += (unsigned)size;
	line->text[line->used] = '\0';
}

static void line_text(struct ota_log_line *line, const char *text)
{
	line_put(line, text, strlen(text), false);
}

void ota_log_begin(struct ota_log_line *line, enum ota_log_level level, const char *event)
{
	line->level = level;
	line->used = 0;
	line->text[0] = '\0';
	line_text(line, event);
}

/* Controls, and characters that reorder or break what a terminal shows. */
static bool is_harmful(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xA0) || character == 0x061C || character == 0xFEFF ||
	       (character >= 0x200B && character <= 0x200F) || (character >= 0x2028 && character <= 0x202E) ||
	       (character >= 0x2060 && character <= 0x206F);
}

static bool needs_quotes(const char *value)
{
	if (*value == '\0')
		return true;
	for (; *value; value++)
		if (*value <= ' ' || *value >= 0x7f || strchr("\"\\=", *value))
			return true;
	return false;
}

static void line_escaped_bytes(struct ota_log_line *line, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char escape[8];
		int length = snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)(unsigned char)bytes[i]);
		line_put(line, escape, (size_t)length, true);
	}
}

static void line_quoted(struct ota_log_line *line, struct ota_span value)
{
	line_put(line, "\"", 1, true);
	while (value.size > 0) {
		uint32_t character = 0;
		size_t size = ota_text_utf8_next(value, &character);
		if (size == 0 || is_harmful(character))
			line_escaped_bytes(line, value.data, size > 0 ? size : 1);
		else if (character == '"' || character == '\\')
			line_put(line, (const char[]){'\\', (char)character}, 2, true);
		else
			line_put(line, value.data, size, true);
		value.data += size > 0 ? size : 1;
		value.size -= size > 0 ? size : 1;
	}
	line_put(line, "\"", 1, false);
}

static void line_key(struct ota_log_line *line, const char *key)
{
	line_text(line, " ");
	line_text(line, key);
	line_text(line, "=");
}

void ota_log_text(struct ota_log_line *line, const char *key, const char *value)
{
	line_key(line, key);
	if (!value)
		line_text(line, "-");
	else if (needs_quotes(value))
		line_quoted(line, ota_span_from_text(value));
	else
		line_text(line, value);
}

void ota_log_identity(struct ota_log_line *line, const char *product_key, const char *device_name)
{
	if (product_key && *product_key)
		ota_log_text(line, "product", product_key);
	if (device_name && *device_name)
		ota_log_text(line, "device", device_name);
}

void ota_log_integer(struct ota_log_line *line, const char *key, int64_t value)
{
	char digits[24];
	snprintf(digits, sizeof(digits), "%lld", (long long)value);
	line_key(line, key);
	line_text(line, digits);
}

void ota_log_end(const struct ota_log *log, const struct ota_log_line *line)
{
	if (log && log->write && line->level >= log->threshold)
		log->write(log->context, line->level, line->text);
}

void ota_log_to_stderr(void *context, enum ota_log_level level, const char *line)
{
	(void)context;
	char text[OTA_LOG_LINE_MAX + 64], time[OTA_TIME_SIZE];
	int length;
	/* The journal has its own clock and takes the level as a prefix. */
	if (getenv("JOURNAL_STREAM")) {
		length = snprintf(text, sizeof(text), "%s%s\n", journal_prefixes[level], line);
	} else {
		ota_time_print(time, ota_wall_ms());
		length = snprintf(text, sizeof(text), "%s %s %s\n", time, level_names[level], line);
	}
	/* One write, so that lines of several threads and processes do not mix. Nobody is left to tell of a failure. */
	ssize_t written = write(STDERR_FILENO, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
	(void)written;
}

const char *ota_log_level_name(enum ota_log_level level)
{
	return level_names[level];
}

bool ota_log_level_parse(const char *name, enum ota_log_level *ret_level)
{
	for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(level_names[i], name) == 0) {
			*ret_level = (enum ota_log_level)i;
			return true;
		}
	}
	return false;
}
