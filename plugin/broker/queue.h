/*
 * Queue: what the broker's thread heard, in order, for the worker. Reports that stand in the journal travel as their sequences
 * only.
 *
 * Thread rule: put and close belong to the broker's thread, take to the worker's, depth to any. Nothing blocks the broker's
 * thread but a short mutex.
 */
#ifndef OTA_PLUGIN_BROKER_QUEUE_H
#define OTA_PLUGIN_BROKER_QUEUE_H

#include "common/bytes.h"
#include "common/time.h"
#include "common/topic.h"
#include "plugin/fleet/engine.h"

enum {
	OTA_QUEUE_PULLS_MAX = 4096,      /* a pull that finds no place is dropped: the device asks again */
	OTA_QUEUE_COMMANDS_MAX = 256,    /* a command that finds no place is answered `unavailable` */
	OTA_QUEUE_CONNECTS_MAX = 262144, /* more logins than this waiting for the worker: further devices are refused */
};

enum ota_item_kind {
	OTA_ITEM_JOURNALED, /* sequences first..last */
	OTA_ITEM_CONNECTED,
	OTA_ITEM_GONE,
	OTA_ITEM_PULL,
	OTA_ITEM_COMMAND,
	OTA_ITEM_FETCHED,
	OTA_ITEM_KINDS,
};

struct ota_item {
	enum ota_item_kind kind;
	uint64_t first, last;         /* JOURNALED */
	uint64_t connection;          /* the rest */
	struct ota_identity identity; /* all but COMMAND */
	enum ota_topic_kind topic;    /* PULL */
	struct ota_fetched fetched;   /* FETCHED */
	struct ota_instant at;
	struct ota_span payload;      /* PULL, COMMAND; copied by put, owned by the item */
	struct ota_span caller;       /* COMMAND: client id; as payload, NUL-terminated */
	struct ota_item *next;
};
struct ota_item *ota_item_free(struct ota_item *item); /* one item, not its followers; returns NULL */

struct ota_queue;

struct ota_queue *ota_queue_new(void); /* NULL without memory */
struct ota_queue *ota_queue_free(struct ota_queue *queue); /* with what is in it; returns NULL */

/* Copies the item. 0, OTA_ENOMEM, or OTA_ELIMIT when there are too many of its kind. */
int ota_queue_put(struct ota_queue *queue, const struct ota_item *item);
/* True when the worker is so far behind that no further device should come in. */
bool ota_queue_is_crowded(const struct ota_queue *queue);
/* Wakes the worker for good: take no longer waits. */
void ota_queue_close(struct ota_queue *queue);
bool ota_queue_is_closed(const struct ota_queue *queue);

/* At most `limit` events as a list, waiting up to wait_ms for the first one; NULL when none came. A run of sequences is cut to
 * fit. */
struct ota_item *ota_queue_take(struct ota_queue *queue, size_t limit, int64_t wait_ms);

/* Waits, whatever comes but the close. */
void ota_queue_pause(struct ota_queue *queue, int64_t wait_ms);

size_t ota_queue_depth(const struct ota_queue *queue); /* events, any thread */

#endif
