/*
 * Window: whether a time of the day is inside it, and when that changes. Pure: local time is asked of the caller.
 *
 * It means what a wall clock in that zone shows. An hour that spring skips is not there: a window inside it does not open that
 * day, one that began in it opens with the hour after. An hour that autumn repeats is there twice.
 */
#ifndef OTA_PLUGIN_RULES_WINDOW_H
#define OTA_PLUGIN_RULES_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/rules/strategy.h"

/* How far the clocks of a zone are ahead of UTC at an instant. */
struct ota_local {
	int64_t (*ahead_ms)(const void *zone, int64_t wall_ms);
	const void *zone;
};

/* Minutes of a day in which it is open. */
int64_t ota_window_minutes(const struct ota_window *window);
/* One that is always open is no window. */
bool ota_window_is_given(const struct ota_window *window);
bool ota_window_is_open(const struct ota_window *window, struct ota_local local, int64_t wall_ms);
/* When it opens next, or closes if it is open; INT64_MAX: never. */
int64_t ota_window_turns_ms(const struct ota_window *window, struct ota_local local, int64_t wall_ms);

#endif
