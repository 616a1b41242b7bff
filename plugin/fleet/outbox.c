#include "plugin/fleet/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"

static int outbox_reserve(struct ota_outbox *outbox, size_t more)
{
	size_t capacity = outbox->capacity ? outbox->capacity : 16;

	while (capacity < outbox->count + more)
		capacity *= 2;
	if (capacity == outbox->capacity)
		return 0;
	struct ota_outgoing *items = reallocarray(outbox->items, capacity, sizeof(*items));
	if (!items)
		return OTA_ENOMEM;
	outbox->items = items;
	outbox->capacity = capacity;
	return 0;
}

int ota_outbox_add(struct ota_outbox *outbox, uint64_t connection, const char *topic, struct ota_span payload, uint32_t expiry_s)
{
	struct ota_outgoing item = { .connection = connection, .payload_size = payload.size, .expiry_s = expiry_s };

	if (outbox_reserve(outbox, 1))
		return OTA_ENOMEM;
	item.topic = strdup(topic);
	item.payload = malloc(payload.size + 1);
	if (!item.topic || !item.payload) {
		free(item.topic);
		free(item.payload);
		return OTA_ENOMEM;
	}
	if (payload.size)
		memcpy(item.payload, payload.data, payload.size);
	item.payload[payload.size] = 0;
	outbox->items[outbox->count++] = item;
	return 0;
}

int ota_outbox_add_order(struct ota_outbox *outbox, enum ota_outgoing_kind kind, const struct ota_identity *identity)
{
	struct ota_outgoing item = { .kind = kind };

	if (outbox_reserve(outbox, 1))
		return OTA_ENOMEM;
	item.payload = malloc(OTA_USERNAME_SIZE);
	if (!item.payload)
		return OTA_ENOMEM;
	ota_identity_print(item.payload, identity);
	item.payload_size = strlen(item.payload);
	outbox->items[outbox->count++] = item;
	return 0;
}

static void outgoing_free(struct ota_outgoing *item)
{
	free(item->topic);
	free(item->payload);
}

void ota_outbox_truncate(struct ota_outbox *outbox, size_t count)
{
	while (outbox->count > count)
		outgoing_free(&outbox->items[--outbox->count]);
}

int ota_outbox_move(struct ota_outbox *to, struct ota_outbox *from)
{
	if (!from->count)
		return 0;
	if (outbox_reserve(to, from->count))
		return OTA_ENOMEM;
	memcpy(to->items + to->count, from->items, from->count * sizeof(*from->items));
	to->count += from->count;
	from->count = 0;
	return 0;
}

int ota_outbox_divide(struct ota_outbox *from, struct ota_outbox *to)
{
	size_t kept = 0;

	if (outbox_reserve(to, from->count))
		return OTA_ENOMEM;
	for (size_t i = 0; i < from->count; i++) {
		if (from->items[i].kind == OTA_OUTGOING_MESSAGE && from->items[i].connection == OTA_EVERYBODY)
			to->items[to->count++] = from->items[i];
		else
			from->items[kept++] = from->items[i];
	}
	from->count = kept;
	return 0;
}

void ota_outbox_shift(struct ota_outbox *outbox, size_t count)
{
	for (size_t i = 0; i < count; i++)
		outgoing_free(&outbox->items[i]);
	outbox->count -= count;
	if (outbox->count)
		memmove(outbox->items, outbox->items + count, outbox->count * sizeof(*outbox->items));
	else
		ota_outbox_clear(outbox);
}

void ota_outbox_clear(struct ota_outbox *outbox)
{
	ota_outbox_truncate(outbox, 0);
	free(outbox->items);
	*outbox = (struct ota_outbox){0};
}
