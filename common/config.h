/*
 * Configuration files: "key = value" lines, [section name] headers, # comments, value to the end of the line, one table row per
 * key.
 *
 * Fail closed: an unknown key, a key given twice, a value out of its range stop the program with file, line, key, and what is
 * allowed.
 */
#ifndef OTA_COMMON_CONFIG_H
#define OTA_COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum ota_config_type {
	OTA_CONFIG_TEXT,     /* char[size] */
	OTA_CONFIG_PATH,     /* char[size], absolute, or made so relative to the file's directory */
	OTA_CONFIG_BOOL,     /* bool: yes|no|true|false */
	OTA_CONFIG_INTEGER,  /* int64_t within low..high */
	OTA_CONFIG_SIZE,     /* uint64_t bytes, "16M" */
	OTA_CONFIG_DURATION, /* int64_t milliseconds, "90s" */
	OTA_CONFIG_CHOICE,   /* int: index into choices */
};

struct ota_config_row {
	const char *section; /* "" for the head of the file; "module" matches [module NAME] */
	const char *key;
	enum ota_config_type type;
	size_t offset;              /* of the field in the target struct */
	size_t size;                /* of a text field, with its NUL */
	int64_t low, high;          /* INTEGER, SIZE, DURATION; both 0 = no bound but >= 0 */
	const char *const *choices; /* CHOICE: NULL-terminated */
	bool required;              /* missing in a present section: error */
	const char *help;           /* one line for man pages and messages */
};

/* Where the values of a section go. Called for each header with its kind and name ("" for the head); returns the struct whose
 * fields the rows' offsets address, or NULL to refuse (fill error). */
typedef void *ota_config_section(void *context, const char *kind, const char *name, struct ota_error *error);

struct ota_config_spec {
	const struct ota_config_row *rows;
	size_t row_count;
	ota_config_section *section;
	void *context;
	/* Told of each problem of a file, and reading goes on behind it. NULL: the first one ends the reading. */
	void (*problem)(void *context, const struct ota_error *error);
};

/* Reads a file. Errors are "agent.conf:12: retry: ..." sentences; of several problems the first is returned. Values not given
 * keep what the target struct held before. */
int ota_config_read(const char *path, const struct ota_config_spec *spec, struct ota_error *error);
/* One value from elsewhere (command line, environment, broker option), through the same table. */
int ota_config_set(const struct ota_config_spec *spec, void *target, const char *section, const char *key, const char *value,
		   struct ota_error *error);

#endif
