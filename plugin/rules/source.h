/*
 * Source: which devices of another batch a batch is for, as `targets {"batch":7,"state":"failed"}` says. Pure.
 *
 * Kept as text in struct ota_batch.source_state: "" (all of them), a state's word, "installed", or "failed" with the causes
 * behind it: "failed burn_failed lost".
 */
#ifndef OTA_PLUGIN_RULES_SOURCE_H
#define OTA_PLUGIN_RULES_SOURCE_H

#include <stdint.h>

#include "common/error.h"
#include "plugin/rules/words.h"

enum {
	OTA_SOURCE_INSTALLED = OTA_TASK_STATES, /* who has the version by that batch, or may get it still */
	OTA_SOURCE_ALL,
	OTA_SOURCE_TEXT_MAX = 191, /* every cause a task can fail of */
};

struct ota_source {
	unsigned state; /* enum ota_task_state, or one of those above */
	int64_t causes; /* bits 1 << enum ota_cause; 0 = any */
};

/* A device's newest task in that batch. */
struct ota_source_task {
	enum ota_task_state state;
	enum ota_cause cause;
	enum ota_mark mark;
	bool runs_it; /* the device runs that batch's version now */
};

/* OTA_EINVALID: no such text. */
int ota_source_parse(const char *text, struct ota_source *ret_source, struct ota_error *error);
void ota_source_print(const struct ota_source *source, char text[OTA_SOURCE_TEXT_MAX + 1]);
bool ota_source_takes(const struct ota_source *source, const struct ota_source_task *task);
/* Whose order is still under way is taken from it: it would get there after it was moved away. */
bool ota_source_displaces(const struct ota_source *source, enum ota_task_state state);

#endif
