/*
 * Strategies: the last few that were read, by their text. Every report of a task and every task of a walk needs its batch's
 * strategy, some twice, and reading the same kilobyte of JSON took half of that time. What is kept is what the text means, and
 * means always: nothing has to be forgotten when a batch changes. Internal to plugin/fleet, the worker's thread.
 */
#ifndef OTA_PLUGIN_FLEET_STRATEGIES_H
#define OTA_PLUGIN_FLEET_STRATEGIES_H

#include "plugin/rules/strategy.h"
#include "plugin/store/batch.h"

enum { OTA_STRATEGIES_KEPT = 8 }; /* of batches that are worked on side by side: some 50 KB */

/* Zero-initialise. */
struct ota_strategies {
	struct ota_strategies_entry {
		char text[OTA_STRATEGY_TEXT_MAX + 1]; /* "" = free; what means the defaults is not kept */
		struct ota_strategy strategy;
	} entries[OTA_STRATEGIES_KEPT];
	size_t oldest;
};

/* As ota_strategy_parse_text(), which it calls for a text that is not kept. */
int ota_strategies_read(struct ota_strategies *strategies, const char *text, struct ota_strategy *ret_strategy,
			struct ota_error *error);

#endif
