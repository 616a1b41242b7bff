/*
 * Lines: log lines on their way from the worker to the broker's thread, the only one that may write the broker's log. Bounded;
 * what does not fit is counted. Belongs to one thread at a time.
 */
#ifndef OTA_PLUGIN_BROKER_LINES_H
#define OTA_PLUGIN_BROKER_LINES_H

#include <stddef.h>

#include "common/log.h"

enum { OTA_LINES_MAX = 4096 };

/* Zero-initialise. */
struct ota_lines {
	struct ota_line *head, *tail;
	size_t count;
	size_t lost;
};

/* Copies. Without memory or place the line counts as lost. */
void ota_lines_add(struct ota_lines *lines, enum ota_log_level level, const char *text);
/* Appends all of `from` and empties it. */
void ota_lines_move(struct ota_lines *to, struct ota_lines *from);
/* Writes and drops at most `limit` lines, and says once how many were lost. */
void ota_lines_flush(struct ota_lines *lines, const struct ota_log *log, size_t limit);
void ota_lines_clear(struct ota_lines *lines);

#endif
