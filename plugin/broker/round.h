/*
 * Round: events loaded into memory, so that a transaction that failed can be tried again as it was.
 *
 * After a stall of the store a round may span minutes of heard time, and what became due between two of its events has to come
 * between them. So a transaction applies a slice of it: what was heard before a given time.
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
	size_t begin, end;      /* the slice: events from begin on, without end; what stood before is done */
	uint64_t first, last;   /* journal sequences in the slice; 0, 0 = none */
};

/* Takes over the list and loads it. On an error (the journal's) what is loaded stays and ota_round_load(round, NULL, ...) goes on
 * with the rest. Records up to replayed_last were appended by an earlier run. */
int ota_round_load(struct ota_round *round, struct ota_item *items, struct ota_journal *journal, uint64_t replayed_last,
		   struct ota_error *error);

/* What is left of it, slice and all. */
static inline size_t ota_round_left(const struct ota_round *round)
{
	return round->count - round->begin;
}

/* When the first event that is left was heard. Only while one is. */
static inline struct ota_instant ota_round_instant(const struct ota_round *round)
{
	return round->events[round->begin].event.at;
}

/* Makes a slice of what is left: the first event, and those after it that were heard before heard_ms. */
void ota_round_cut(struct ota_round *round, int64_t heard_ms);

/* Marks QoS 0 progress reports of the slice that are followed, with nothing else of that device between, by another one of the
 * same module and attempt. Never a 100, a negative step, or an answer to a cancel: those decide something. Returns how many. */
size_t ota_round_coalesce(struct ota_round *round);

void ota_round_done(struct ota_round *round); /* the slice is: its events are freed */
void ota_round_free(struct ota_round *round); /* with all that was taken */

#endif
