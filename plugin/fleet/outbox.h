/*
 * Outbox: messages decided in a transaction, to be sent once it is committed.
 *
 * The worker fills it, the broker's thread empties it. A message names a connection, not a client id: if that very connection is
 * gone, the message is dropped, and the engine decides again when the device returns. So nothing stale is ever queued in the
 * broker. A message without a connection is for whoever subscribed its topic and may read it.
 *
 * Orders go the same way, in turn with the messages: which devices the broker's thread is to shut out or let in again. So whoever
 * is answered that a device is shut out knows that it is.
 */
#ifndef OTA_PLUGIN_FLEET_OUTBOX_H
#define OTA_PLUGIN_FLEET_OUTBOX_H

#include <stdint.h>

#include "common/topic.h"

enum { OTA_EVERYBODY = 0 };

enum ota_outgoing_kind {
	OTA_OUTGOING_MESSAGE,
	OTA_OUTGOING_SHUT_OUT, /* payload: the device's username */
	OTA_OUTGOING_LET_IN,   /* the same */
};

struct ota_outgoing {
	enum ota_outgoing_kind kind;
	uint64_t connection; /* OTA_EVERYBODY: published on its topic, QoS 0 */
	char *topic;   /* malloc'ed; of a message */
	char *payload; /* malloc'ed, payload_size bytes */
	size_t payload_size;
	uint32_t expiry_s; /* MQTT 5 message expiry, 0 = none */
};

/* Zero-initialise. Not thread-safe: handed over whole (ota_outbox_move). */
struct ota_outbox {
	struct ota_outgoing *items;
	size_t count;
	size_t capacity;
};

/* Copies topic and payload; what goes to a connection goes at QoS 1. 0 or OTA_ENOMEM. */
int ota_outbox_add(struct ota_outbox *outbox, uint64_t connection, const char *topic, struct ota_span payload, uint32_t expiry_s);
int ota_outbox_add_order(struct ota_outbox *outbox, enum ota_outgoing_kind kind, const struct ota_identity *identity);
/* Drops everything after the first `count` messages: a savepoint was rolled back. */
void ota_outbox_truncate(struct ota_outbox *outbox, size_t count);
/* Appends all of `from` to `to` and empties it. 0 or OTA_ENOMEM (from is then unchanged). */
int ota_outbox_move(struct ota_outbox *to, struct ota_outbox *from);
/* Moves the messages for everybody, in their order, to the end of `to`; the rest closes up. 0 or OTA_ENOMEM (nothing moved). */
int ota_outbox_divide(struct ota_outbox *from, struct ota_outbox *to);
/* Drops the first `count` messages. */
void ota_outbox_shift(struct ota_outbox *outbox, size_t count);
void ota_outbox_clear(struct ota_outbox *outbox); /* frees every message and the array */

#endif
