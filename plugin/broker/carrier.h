/*
 * Carrier: a thread that reads the blocks devices ask for over MQTT (common/block.h), so that no disk and no database holds up
 * the broker's thread.
 *
 * A connection has one request in work and at most one that waits: a repeat takes the place of the one that waits. Connections
 * take turns, a block each. What is read waits for the broker's thread, OTA_CARRIER_READY_BYTES of it at the most; beyond that
 * requests wait, too. So a device gets its bytes as fast as all others let it, and nothing grows with what devices send.
 *
 * A stream is looked up in the store (stream.h) when a connection first asks for it and again OTA_CARRIER_RECHECK_MS later: a
 * yank or a revoke ends a download within that time.
 *
 * Thread rule: all calls belong to the broker's thread but ota_carrier_trouble(), which belongs to any. None of them blocks
 * but on a short mutex, start and stop apart.
 */
#ifndef OTA_PLUGIN_BROKER_CARRIER_H
#define OTA_PLUGIN_BROKER_CARRIER_H

#include "common/topic.h"
#include "plugin/broker/mailbox.h"
#include "plugin/fleet/engine.h"

enum {
	OTA_CARRIER_CONNECTIONS_MAX = 20000,       /* that ask; one process holds no more (DESIGN.md 11) */
	OTA_CARRIER_READY_BYTES = 4 * 1024 * 1024, /* what the drain sends between two ticks of an idle broker, and some more */
	OTA_CARRIER_RECHECK_MS = 1000,
	OTA_CARRIER_TELL_MS = 30000,    /* what a device fetched is told to the worker at least that often */
	OTA_CARRIER_TROUBLE_MS = 3600000, /* an operator hears of it so long after the last device met it */
};

struct ota_carrier_options {
	const char *store_dir, *package_dir; /* borrowed for life */
	struct ota_mailbox *mailbox;         /* for lines of the log; borrowed */
	enum ota_log_level log_threshold;
};

struct ota_carrier;

/* Errors: those of opening a store. */
int ota_carrier_start(const struct ota_carrier_options *options, struct ota_carrier **ret_carrier, struct ota_error *error);
struct ota_carrier *ota_carrier_stop(struct ota_carrier *carrier); /* NULL is fine; returns NULL */

/* Copies the request. *ret_replaced: in the place of one that waited. OTA_ENOMEM, or OTA_ELIMIT when too many connections ask. */
struct ota_carrier_order {
	uint64_t connection;
	const struct ota_identity *identity;
	struct ota_span payload;
};
int ota_carrier_order(struct ota_carrier *carrier, const struct ota_carrier_order *order, bool *ret_replaced);

/* An answer on its way. */
struct ota_parcel {
	uint64_t connection;
	struct ota_identity identity;
	char *payload; /* malloc'ed, the taker's */
	size_t payload_size;
};
/* The size of the next one, 0 = none is ready. Costs nothing. */
size_t ota_carrier_next_size(const struct ota_carrier *carrier);
/* Takes it; its connection may be served again. ret_fetched: what the worker is to be told by now, task_id 0 = nothing. */
bool ota_carrier_take(struct ota_carrier *carrier, int64_t boot_ms, struct ota_parcel *ret_parcel,
		      struct ota_fetched *ret_fetched);
/* The connection ended. ret_fetched as above. */
void ota_carrier_forget(struct ota_carrier *carrier, uint64_t connection, struct ota_fetched *ret_fetched);

/* What keeps devices from a package, in a sentence for operators; false when nothing does. */
bool ota_carrier_trouble(struct ota_carrier *carrier, char target[OTA_ERROR_TEXT_MAX]);

#endif
