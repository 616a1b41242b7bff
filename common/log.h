/*
 * Log lines: one line per event, `event key=value key="two words"`, values escaped so that no byte from outside can break a line
 * or a terminal. A line is built in a fixed buffer and handed to a sink; programs write it to stderr with a time, the plugin to
 * the broker's log.
 */
#ifndef OTA_COMMON_LOG_H
#define OTA_COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum ota_log_level {
	OTA_LOG_DEBUG,
	OTA_LOG_INFO,
	OTA_LOG_WARNING,
	OTA_LOG_ERROR,
};

/* Mosquitto cuts what it writes at 1000 bytes, its time and our prefix among them, wherever that falls: ours ends before, with a
 * mark that says so. */
enum { OTA_LOG_LINE_MAX = 960 };

struct ota_log_line {
	enum ota_log_level level;
	unsigned used;
	char text[OTA_LOG_LINE_MAX];
};

/* event is a stable lower-case word such as "task_failed". */
void ota_log_begin(struct ota_log_line *line, enum ota_log_level level, const char *event);
/* Quoted and escaped when needed; NULL is written as - */
void ota_log_text(struct ota_log_line *line, const char *key, const char *value);
/* product=KEY and device=NAME; either may be NULL or "" and is then left out. These two, batch, task and attempt are spelled the
 * same in every program. */
void ota_log_identity(struct ota_log_line *line, const char *product_key, const char *device_name);
void ota_log_integer(struct ota_log_line *line, const char *key, int64_t value);

/* A sink is called with a finished line; it must copy what it keeps. */
struct ota_log {
	void (*write)(void *context, enum ota_log_level level, const char *line);
	void *context;
	enum ota_log_level threshold;
};
void ota_log_end(const struct ota_log *log, const struct ota_log_line *line); /* log NULL: dropped */
/* Writes "<time> <level> <line>\n" to stderr with one write(2), or "<n>line" under systemd (JOURNAL_STREAM set). For .write. */
void ota_log_to_stderr(void *context, enum ota_log_level level, const char *line);
const char *ota_log_level_name(enum ota_log_level level);
bool ota_log_level_parse(const char *name, enum ota_log_level *ret_level);

#endif
