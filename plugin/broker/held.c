#include "plugin/broker/held.h"

#include <stdlib.h>
#include <string.h>

bool ota_progress_may_wait(const struct ota_progress *progress)
{
	return progress->step >= 0 && progress->step < 100 && progress->cancel == OTA_CANCEL_NONE;
}

bool ota_progress_is_same(const struct ota_progress *a, const struct ota_progress *b)
{
	return strcmp(a->module, b->module) == 0 && a->batch == b->batch && a->attempt == b->attempt;
}

/* Where the one that tells of the same stands, or the end. */
static struct ota_held_report **held_find(struct ota_held *held, const struct ota_progress *progress)
{
	struct ota_held_report **place = &held->first;
	while (*place && !ota_progress_is_same(&(*place)->progress, progress))
		place = &(*place)->next;
	return place;
}

static void held_remove(struct ota_held *held, struct ota_held_report **place)
{
	struct ota_held_report *report = *place;
	*place = report->next;
	held->count--;
	free(report);
}

int ota_held_put(struct ota_held *held, uint64_t connection, const struct ota_progress *progress, struct ota_span payload,
		 bool *ret_replaced)
{
	struct ota_held_report **place = held_find(held, progress);
	bool replaces = *place != NULL;
	if (payload.size > OTA_HELD_PAYLOAD_MAX || (!replaces && held->count >= OTA_HELD_MAX))
		return OTA_ELIMIT;
	struct ota_held_report *report = malloc(sizeof(*report) + payload.size);
	if (!report)
		return OTA_ENOMEM;
	*report = (struct ota_held_report){.connection = connection, .progress = *progress, .size = payload.size};
	memcpy(report->payload, payload.data, payload.size);
	if (replaces)
		held_remove(held, place);
	while (*place)
		place = &(*place)->next;
	*place = report;
	held->count++;
	*ret_replaced = replaces;
	return 0;
}

void ota_held_shift(struct ota_held *held)
{
	if (held->first)
		held_remove(held, &held->first);
}

void ota_held_clear(struct ota_held *held)
{
	while (held->first)
		ota_held_shift(held);
}
