/*
 * Round: the events one transaction applies, loaded into memory, so that a transaction that failed can be tried again as it was.
 *
 * Belongs to the worker's thread.
 */
#ifndef OTA_PLUGIN_BROKER_ROUND_H
#define OTA_PLUGIN_BROKER_ROUND_H

#include "plugin/broker/journal.h"
#include "plugin/broker/queue.h"
#include "plugin/fleet/engine.h"

enum { OTA_ROUND_EVENTS = 512 };

struct ota_round_event {
	enum ota_item_kind kind;
	uint64_t sequence;            /* JOURNALED */
	int qos;                      /* JOURNALED */
	struct ota_fleet_event event; /* all but COMMAND; payload points into storage or item */
	struct ota_bytes storage;     /* JOURNALED: the record's body */
	struct ota_item *item;        /* the rest */
	bool skip;                    /* a newer progress of the same device says it all */
	unsigned failures;            /* how often the store failed on it */
	bool to_set_aside;            /* it fails by itself: the round goes on without it */
	char why[OTA_ERROR_TEXT_MAX];
};

struct ota_round {
	size_t count;
	struct ota_round_event events[OTA_ROUND_EVENTS];
	struct ota_item *items; /* taken from the queue, not yet loaded */
	uint64_t first, last;   /* journal sequences in it; 0, 0 = none */
};

/* Takes over the list and loads it. On an error (the journal's) what is loaded stays and ota_round_load(round, NULL, ...) goes on
 * with the rest. Records up to replayed_last were appended by an earlier run. */
int ota_round_load(struct ota_round *round, struct ota_item *items, struct ota_journal *journal, uint64_t replayed_last,
		   struct ota_error *error);

/* Marks QoS 0 progress reports that are followed, with nothing else of that device between, by another one of the same module and
 * attempt. Never a 100, a negative step, or an answer to a cancel: those decide something. Returns how many. */
size_t ota_round_coalesce(struct ota_round *round);

void ota_round_clear(struct ota_round *round); /* the loaded events are done */
void ota_round_free(struct ota_round *round);  /* and what was taken besides */

#endif
