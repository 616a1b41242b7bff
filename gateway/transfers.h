/*
 * Transfers: what went through downloads that ended, told to the plugin (reportTransfer), so that operators see bytes and times.
 *
 * What ends within a moment for one URL is summed up and goes as one report: a device that asks for single bytes costs one report
 * a second, not thousands. A report that is not answered is sent again under the same request id, so it counts once. In memory
 * only: while the broker is away so many URLs are remembered for so long, and what is beyond is dropped and counted.
 *
 * Thread rule: ota_transfers_add() from any thread, the rest in the thread that dispatches the link.
 */
#ifndef OTA_GATEWAY_TRANSFERS_H
#define OTA_GATEWAY_TRANSFERS_H

#include <stdint.h>

#include "common/log.h"
#include "common/signature.h"
#include "gateway/exchange.h"

enum {
	OTA_TRANSFERS_MAX = 4096,
	OTA_TRANSFERS_ASKED_MAX = 16, /* reports on their way at once: operators' commands share the line */
	OTA_TRANSFERS_GATHER_MS = 1000,
	OTA_TRANSFERS_RETRY_MS = 2 * 1000, /* doubling to a minute */
	OTA_TRANSFERS_KEEP_MS = 60 * 60 * 1000,
};

struct ota_transfers;

struct ota_transfers *ota_transfers_new(struct ota_exchange *exchange, const struct ota_log *log); /* NULL without memory */
/* Nothing may be on its way (ota_exchange_close() sees to that). Returns NULL. */
struct ota_transfers *ota_transfers_free(struct ota_transfers *transfers);

/* A download ended. query is one that was verified; path "/dl/<sha256>". */
void ota_transfers_add(struct ota_transfers *transfers, const struct ota_url_query *query, uint64_t bytes, bool whole);

/* Sends what is due, forgets what is too old. Returns the milliseconds until it has to be called again, at most `most`. */
int64_t ota_transfers_turn(struct ota_transfers *transfers, int64_t now_ms, int64_t most);

/* The end is near: what gathers or pauses is due now, once. Returns how many have no answer yet. */
size_t ota_transfers_hurry(struct ota_transfers *transfers);
/* How many have no answer yet. */
size_t ota_transfers_waiting(struct ota_transfers *transfers);

/* Reports that were dropped since the start. */
uint64_t ota_transfers_dropped(struct ota_transfers *transfers);

#endif
