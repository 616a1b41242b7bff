#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/text.h"

struct kept {
	unsigned lines;
	enum ota_log_level level;
	char text[OTA_LOG_LINE_MAX];
};

static void keep(void *context, enum ota_log_level level, const char *line)
{
	struct kept *kept = context;
	kept->lines++;
	kept->level = level;
	snprintf(kept->text, sizeof(kept->text), "%s", line);
}

Test(log, a_line_is_an_event_and_pairs)
{
	struct kept kept = {0};
	struct ota_log log = {.write = keep, .context = &kept, .threshold = OTA_LOG_INFO};
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_WARNING, "task_failed");
	ota_log_text(&line, "device", "dn&pk");
	ota_log_text(&line, "text", "two words");
	ota_log_integer(&line, "step", -4);
	ota_log_text(&line, "none", NULL);
	ota_log_text(&line, "empty", "");
	ota_log_end(&log, &line);
	cr_expect_eq(kept.lines, 1);
	cr_expect_eq(kept.level, OTA_LOG_WARNING);
	cr_expect_str_eq(kept.text, "task_failed device=dn&pk text=\"two words\" step=-4 none=- empty=\"\"");
}

Test(log, lines_below_the_threshold_and_without_a_sink_are_dropped)
{
	struct kept kept = {0};
	struct ota_log log = {.write = keep, .context = &kept, .threshold = OTA_LOG_WARNING};
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_INFO, "x");
	ota_log_end(&log, &line);
	ota_log_end(NULL, &line);
	ota_log_end(&(struct ota_log){0}, &line);
	cr_expect_eq(kept.lines, 0);
}

static const char *logged(const char *value)
{
	static struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_INFO, "e");
	ota_log_text(&line, "k", value);
	return line.text;
}

Test(log, no_byte_from_outside_breaks_a_line_or_a_terminal)
{
	cr_expect_str_eq(logged("a\nb\r"), "e k=\"a\\x0ab\\x0d\"");
	cr_expect_str_eq(logged("\033[2J\007\177"), "e k=\"\\x1b[2J\\x07\\x7f\"");
	cr_expect_str_eq(logged("say \"hi\" \\ k=v"), "e k=\"say \\\"hi\\\" \\\\ k=v\"");
	cr_expect_str_eq(logged("\xc2\x9b"
				"31m"),
			 "e k=\"\\xc2\\x9b31m\"", "C1 controls");
	cr_expect_str_eq(logged("a\xe2\x80\xae"
				"b"),
			 "e k=\"a\\xe2\\x80\\xaeb\"", "right-to-left override");
	cr_expect_str_eq(logged("\xe2\x80\xa8"), "e k=\"\\xe2\\x80\\xa8\"", "line separator");
	cr_expect_str_eq(logged("\xff\xc3"), "e k=\"\\xff\\xc3\"", "what is not UTF-8");
	cr_expect_str_eq(logged("gr\xc3\xbc\xc3\x9f"), "e k=\"gr\xc3\xbc\xc3\x9f\"", "letters stay");
}

Test(log, what_is_harmful_ends_where_letters_begin)
{
	static const struct {
		uint32_t character;
		bool harmful;
	} rows[] = {
		{0x1f, true},    {0x7e, false},   {0x7f, true},    {0x9f, true},    {0xa0, false},   {0x61b, false},
		{0x61c, true},   {0x61d, false},  {0x200a, false}, {0x200b, true},  {0x200f, true},  {0x2010, false},
		{0x2027, false}, {0x2028, true},  {0x202e, true},  {0x202f, false}, {0x205f, false}, {0x2060, true},
		{0x206f, true},  {0x2070, false}, {0xfefe, false}, {0xfeff, true},  {0xff01, false}, {0x1f600, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_bytes value = {0};
		ota_text_utf8_append(&value, rows[i].character);
		cr_expect_eq(strstr(logged(value.data), "\\x") != NULL, rows[i].harmful, "U+%04X", rows[i].character);
		ota_bytes_free(&value);
	}
}

Test(log, an_overlong_line_ends_in_dots_and_no_torn_escape)
{
	for (size_t shift = 0; shift < 8; shift++) {
		char value[OTA_LOG_LINE_MAX + 64];
		memset(value, 'x', shift);
		for (size_t i = shift; i + 1 < sizeof(value); i++)
			value[i] = '\n';
		value[sizeof(value) - 1] = '\0';
		const char *text = logged(value);
		size_t size = strlen(text);
		cr_assert_lt(size, OTA_LOG_LINE_MAX);
		cr_expect_str_eq(text + size - 8, "\\x0a...\"", "shift %zu", shift);
	}
}

Test(log, a_full_line_takes_no_more)
{
	struct ota_log_line line;
	char value[OTA_LOG_LINE_MAX];
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	ota_log_begin(&line, OTA_LOG_INFO, "e");
	ota_log_text(&line, "first", "kept");
	ota_log_text(&line, "k", value);
	ota_log_integer(&line, "lost", INT64_MIN);
	cr_expect_lt(strlen(line.text), OTA_LOG_LINE_MAX);
	cr_expect_eq(strncmp(line.text, "e first=kept k=...", 14), 0);
	cr_expect_null(strstr(line.text, "lost"));
}

Test(log, levels_have_names)
{
	enum ota_log_level level = OTA_LOG_DEBUG;
	for (enum ota_log_level each = OTA_LOG_DEBUG; each <= OTA_LOG_ERROR; each++) {
		cr_expect(ota_log_level_parse(ota_log_level_name(each), &level));
		cr_expect_eq(level, each);
	}
	cr_expect_not(ota_log_level_parse("Error", &level));
	cr_expect_not(ota_log_level_parse("", &level));
	cr_expect_eq(level, OTA_LOG_ERROR);
}

/* What ota_log_to_stderr() writes, caught in a pipe. */
static void stderr_catch(char target[256], const char *line)
{
	int ends[2], before = dup(STDERR_FILENO);
	cr_assert_eq(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	ota_log_to_stderr(NULL, OTA_LOG_ERROR, line);
	dup2(before, STDERR_FILENO);
	close(before);
	close(ends[1]);
	ssize_t size = read(ends[0], target, 255);
	target[size > 0 ? size : 0] = '\0';
	close(ends[0]);
}

Test(log, stderr_has_a_time_and_the_journal_a_level)
{
	char text[256];
	unsetenv("JOURNAL_STREAM");
	stderr_catch(text, "event key=1");
	cr_expect_eq(strlen(text), strlen("2026-11-20T10:39:42.123Z error event key=1\n"));
	cr_expect_str_eq(text + 24, " error event key=1\n");
	setenv("JOURNAL_STREAM", "8:1", 1);
	stderr_catch(text, "event key=1");
	cr_expect_str_eq(text, "<3>event key=1\n");
	unsetenv("JOURNAL_STREAM");
}
