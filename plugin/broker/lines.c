#include "plugin/broker/lines.h"

#include <stdlib.h>
#include <string.h>

struct ota_line {
	struct ota_line *next;
	enum ota_log_level level;
	char text[];
};

void ota_lines_add(struct ota_lines *lines, enum ota_log_level level, const char *text)
{
	size_t size = strlen(text) + 1;
	struct ota_line *line = lines->count < OTA_LINES_MAX ? malloc(sizeof(*line) + size) : NULL;
	if (!line) {
		lines->lost++;
		return;
	}
	line->next = NULL;
	line->level = level;
	memcpy(line->text, text, size);
	if (lines->tail)
		lines->tail->next = line;
	else
		lines->head = line;
	lines->tail = line;
	lines->count++;
}

static struct ota_line *line_take(struct ota_lines *lines)
{
	struct ota_line *line = lines->head;
	if (!line)
		return NULL;
	lines->head = line->next;
	if (!lines->head)
		lines->tail = NULL;
	lines->count--;
	return line;
}

void ota_lines_move(struct ota_lines *to, struct ota_lines *from)
{
	to->lost += from->lost;
	if (to->count + from->count > OTA_LINES_MAX) {
		to->lost += from->count;
		ota_lines_clear(from);
	} else if (from->head) {
		if (to->tail)
			to->tail->next = from->head;
		else
			to->head = from->head;
		to->tail = from->tail;
		to->count += from->count;
	}
	*from = (struct ota_lines){0};
}

void ota_lines_flush(struct ota_lines *lines, const struct ota_log *log, size_t limit)
{
	struct ota_line *line;
	while (limit-- > 0 && (line = line_take(lines))) {
		log->write(log->context, line->level, line->text);
		free(line);
	}
	if (lines->lost > 0) {
		struct ota_log_line lost;
		ota_log_begin(&lost, OTA_LOG_WARNING, "log_lines_lost");
		ota_log_integer(&lost, "count", (int64_t)lines->lost);
		ota_log_end(log, &lost);
		lines->lost = 0;
	}
}

void ota_lines_clear(struct ota_lines *lines)
{
	struct ota_line *line;
	while ((line = line_take(lines)))
		free(line);
	lines->lost = 0;
}
