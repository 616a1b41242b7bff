#include "plugin/broker/round.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "plugin/broker/held.h"

static int journaled_load(struct ota_round *round, struct ota_journal *journal, uint64_t replayed_last, struct ota_error *error)
{
	struct ota_round_event *event = &round->events[round->count];
	struct ota_record record;
	*event = (struct ota_round_event){.kind = OTA_ITEM_JOURNALED};
	int code = ota_journal_read(journal, &event->storage, &record, error);
	if (code != 0) {
		ota_bytes_free(&event->storage);
		return code;
	}
	event->sequence = record.sequence;
	event->qos = record.qos;
	event->event = (struct ota_fleet_event){
		.kind = OTA_FLEET_MESSAGE,
		.identity = record.identity,
		.connection = record.connection,
		.topic = record.topic,
		.payload = record.payload,
		.at = record.at,
		.replayed = record.sequence <= replayed_last,
	};
	round->count++;
	return 0;
}

static enum ota_fleet_event_kind fleet_kind(enum ota_item_kind kind)
{
	static const enum ota_fleet_event_kind kinds[OTA_ITEM_KINDS] = {
		[OTA_ITEM_JOURNALED] = OTA_FLEET_MESSAGE, [OTA_ITEM_CONNECTED] = OTA_FLEET_CONNECTED,
		[OTA_ITEM_GONE] = OTA_FLEET_GONE,         [OTA_ITEM_PULL] = OTA_FLEET_MESSAGE,
		[OTA_ITEM_COMMAND] = OTA_FLEET_MESSAGE,   [OTA_ITEM_FETCHED] = OTA_FLEET_FETCHED,
	};
	return kinds[kind];
}

static void item_load(struct ota_round *round, struct ota_item *item)
{
	round->events[round->count++] = (struct ota_round_event){
		.kind = item->kind,
		.item = item,
		.event = {
			.kind = fleet_kind(item->kind),
			.identity = item->identity,
			.connection = item->connection,
			.topic = item->topic,
			.payload = item->payload,
			.fetched = item->fetched,
			.at = item->at,
		},
	};
}

int ota_round_load(struct ota_round *round, struct ota_item *items, struct ota_journal *journal, uint64_t replayed_last,
		   struct ota_error *error)
{
	if (items)
		round->items = items;
	while (round->items && round->count < OTA_ROUND_EVENTS) {
		struct ota_item *item = round->items;
		if (item->kind == OTA_ITEM_JOURNALED) {
			int code = journaled_load(round, journal, replayed_last, error);
			if (code != 0)
				return code;
			if (item->first++ < item->last)
				continue;
		}
		round->items = item->next;
		if (item->kind == OTA_ITEM_JOURNALED)
			ota_item_free(item);
		else
			item_load(round, item);
	}
	return 0;
}

void ota_round_cut(struct ota_round *round, int64_t heard_ms)
{
	round->first = round->last = 0;
	round->end = round->begin;
	while (round->end < round->count) {
		const struct ota_round_event *event = &round->events[round->end];
		if (round->end > round->begin && event->event.at.heard_ms >= heard_ms)
			break;
		if (event->kind == OTA_ITEM_JOURNALED) {
			round->first = round->first == 0 ? event->sequence : round->first;
			round->last = event->sequence;
		}
		round->end++;
	}
}

void ota_round_done(struct ota_round *round)
{
	for (size_t i = round->begin; i < round->end; i++) {
		ota_bytes_free(&round->events[i].storage);
		ota_item_free(round->events[i].item);
	}
	round->begin = round->end;
	if (round->begin == round->count)
		round->begin = round->end = round->count = 0;
	round->first = round->last = 0;
}

void ota_round_free(struct ota_round *round)
{
	round->end = round->count;
	ota_round_done(round);
	while (round->items) {
		struct ota_item *next = round->items->next;
		ota_item_free(round->items);
		round->items = next;
	}
}

/* The last event of a device so far, if it is a progress report that a newer one may replace. */
struct latest {
	char username[OTA_USERNAME_SIZE];
	struct ota_round_event *event; /* NULL: something else came last */
	struct ota_progress progress;
	UT_hash_handle hh;
};

static bool progress_may_go(const struct ota_round_event *event, struct ota_progress *ret_progress)
{
	return event->kind == OTA_ITEM_JOURNALED && event->event.topic == OTA_TOPIC_PROGRESS && event->qos == 0 &&
	       ota_progress_parse(event->event.payload, ret_progress, NULL) == 0 && ota_progress_may_wait(ret_progress);
}

static struct latest *latest_of(struct latest **table, const struct ota_identity *identity)
{
	char username[OTA_USERNAME_SIZE];
	struct latest *latest = NULL;
	ota_identity_print(username, identity);
	HASH_FIND_STR(*table, username, latest);
	if (latest || !(latest = calloc(1, sizeof(*latest))))
		return latest;
	memcpy(latest->username, username, sizeof(username));
	HASH_ADD_STR(*table, username, latest);
	return latest;
}

static bool latest_replace(struct latest *latest, struct ota_round_event *event)
{
	struct ota_progress progress;
	bool replaced = false;
	if (!progress_may_go(event, &progress)) {
		latest->event = NULL;
		return false;
	}
	if (latest->event && ota_progress_is_same(&latest->progress, &progress))
		replaced = latest->event->skip = true;
	latest->event = event;
	latest->progress = progress;
	return replaced;
}

size_t ota_round_coalesce(struct ota_round *round)
{
	struct latest *table = NULL, *latest, *next;
	size_t skipped = 0;
	for (size_t i = round->begin; i < round->end; i++) {
		struct ota_round_event *event = &round->events[i];
		if (event->kind == OTA_ITEM_COMMAND)
			continue;
		latest = latest_of(&table, &event->event.identity);
		skipped += latest && latest_replace(latest, event);
	}
	HASH_ITER(hh, table, latest, next) {
		HASH_DEL(table, latest);
		free(latest);
	}
	return skipped;
}
