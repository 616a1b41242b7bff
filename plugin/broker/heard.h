/*
 * The heard clock: milliseconds during which this server could hear its devices, summed over its life (common/time.h).
 *
 * Fixed at start from what the store and the journal remember, then it runs with CLOCK_BOOTTIME: a step of the wall clock does
 * not touch it, and the time the server was down is not in it. Nor is the time in which the broker's loop stood still (a machine
 * that slept, a stopped process, a stalled disk): the loop says at each turn that it hears, and between two turns at most
 * OTA_HEARD_GAP_MS pass.
 *
 * Thread rule: the broker's thread alone says alive; any thread reads. It never goes back.
 */
#ifndef OTA_PLUGIN_BROKER_HEARD_H
#define OTA_PLUGIN_BROKER_HEARD_H

#include <stdatomic.h>

#include "common/time.h"

enum { OTA_HEARD_GAP_MS = 2000 }; /* a loop turns every 100 ms; DESIGN.md section 6 calls more than 2 s a step */

struct ota_heard {
	int64_t base_ms;
	int64_t start_boot_ms;
	int64_t alive_boot_ms; /* of the broker's thread: its last turn, 0 = none yet */
	_Atomic int64_t deaf_ms;    /* of what CLOCK_BOOTTIME says passed */
	_Atomic int64_t ceiling_ms; /* as long as no further turn is seen; stored after deaf_ms, loaded before it */
};

static inline void ota_heard_start(struct ota_heard *heard, int64_t store_ms, int64_t journal_ms, int64_t boot_ms)
{
	heard->base_ms = store_ms > journal_ms ? store_ms : journal_ms;
	heard->start_boot_ms = boot_ms;
	heard->alive_boot_ms = 0;
	atomic_init(&heard->deaf_ms, 0);
	atomic_init(&heard->ceiling_ms, INT64_MAX);
}

/* The loads come before the clock: a reader that sleeps between them would else subtract a pause that lies behind his time. */
static inline int64_t ota_heard_ms(struct ota_heard *heard)
{
	int64_t ceiling_ms = atomic_load_explicit(&heard->ceiling_ms, memory_order_acquire);
	int64_t deaf_ms = atomic_load_explicit(&heard->deaf_ms, memory_order_acquire);
	int64_t heard_ms = heard->base_ms + (ota_boot_ms() - heard->start_boot_ms) - deaf_ms;
	return heard_ms < ceiling_ms ? heard_ms : ceiling_ms;
}

/* The broker's loop turns. */
static inline void ota_heard_alive(struct ota_heard *heard, int64_t boot_ms)
{
	int64_t deaf_ms = atomic_load_explicit(&heard->deaf_ms, memory_order_relaxed);
	int64_t gap_ms = heard->alive_boot_ms == 0 ? 0 : boot_ms - heard->alive_boot_ms;
	if (gap_ms > OTA_HEARD_GAP_MS)
		deaf_ms += gap_ms - OTA_HEARD_GAP_MS;
	heard->alive_boot_ms = boot_ms;
	atomic_store_explicit(&heard->deaf_ms, deaf_ms, memory_order_relaxed);
	atomic_store_explicit(&heard->ceiling_ms, heard->base_ms + (boot_ms - heard->start_boot_ms) - deaf_ms + OTA_HEARD_GAP_MS,
			      memory_order_release);
}

static inline struct ota_instant ota_heard_now(struct ota_heard *heard)
{
	return (struct ota_instant){.wall_ms = ota_wall_ms(), .heard_ms = ota_heard_ms(heard)};
}

#endif
