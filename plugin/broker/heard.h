/*
 * The heard clock: milliseconds during which this server could hear its devices, summed over its life (common/time.h).
 *
 * Fixed at start from what the store and the journal remember, then it runs with CLOCK_BOOTTIME: a step of the wall clock does
 * not touch it, and the time the server was down is not in it. Read by both threads, changed by none.
 */
#ifndef OTA_PLUGIN_BROKER_HEARD_H
#define OTA_PLUGIN_BROKER_HEARD_H

#include "common/time.h"

struct ota_heard {
	int64_t base_ms;
	int64_t start_boot_ms;
};

static inline struct ota_heard ota_heard_start(int64_t store_ms, int64_t journal_ms, int64_t boot_ms)
{
	return (struct ota_heard){.base_ms = store_ms > journal_ms ? store_ms : journal_ms, .start_boot_ms = boot_ms};
}

static inline int64_t ota_heard_at(const struct ota_heard *heard, int64_t boot_ms)
{
	return heard->base_ms + (boot_ms - heard->start_boot_ms);
}

static inline struct ota_instant ota_heard_now(const struct ota_heard *heard)
{
	return (struct ota_instant){.wall_ms = ota_wall_ms(), .heard_ms = ota_heard_at(heard, ota_boot_ms())};
}

#endif
