/*
 * Budget: how much of its package an attempt still gets over MQTT, over whatever connections.
 *
 * The broker keeps what a client does not read; what finds no place in that client's queue it keeps for ever
 * (mosquitto-plugin.md 0.5), and it tells nobody. So a device that asks and never reads is a leak, and asking from a new
 * connection must not open it again. An attempt gets its package twice over and some blocks more, enough for a line that breaks
 * or a device that starts anew; after that a block now and then.
 *
 * Pure but for memory; one thread at a time.
 */
#ifndef OTA_PLUGIN_BROKER_BUDGET_H
#define OTA_PLUGIN_BROKER_BUDGET_H

#include <stdbool.h>

#include "common/limits.h"
#include "plugin/store/stream.h"

/* Of downloads at a time, as many as one broker has connections (DESIGN.md 11); 3 MB. */
enum { OTA_BUDGETS_MAX = 20000 };
enum { OTA_BUDGET_TIMES = 2, OTA_BUDGET_MORE_BYTES = 8 * OTA_BLOCK_SIZE_MAX, OTA_BUDGET_TRICKLE_MS = 10000 };

struct ota_budgets;

/* Beyond the capacity the one that was not used for longest is forgotten. NULL without memory. */
struct ota_budgets *ota_budgets_new(size_t capacity);
struct ota_budgets *ota_budgets_free(struct ota_budgets *budgets); /* returns NULL */

/* May a block of that size go? What is granted is spent. False without memory, too. */
bool ota_budgets_spend(struct ota_budgets *budgets, const struct ota_stream *stream, uint32_t size, int64_t boot_ms);

#endif
