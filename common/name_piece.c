#include "common/name_piece.h"

#include <assert.h>
#include <string.h>

enum { QUOTES = 2 }; /* of a name in JSON, with one comma; its NUL is the third */

_Static_assert(OTA_NAME_PIECE_SLOTS >= 2 * OTA_NAMES_MAX, "a piece fits its table");
_Static_assert(OTA_NAME_PIECE_BYTES <= UINT16_MAX, "a place in the text fits its type");

void ota_name_piece_clear(struct ota_name_piece *piece)
{
	memset(piece->slots, 0, sizeof(piece->slots));
	piece->size = piece->count = 0;
}

bool ota_name_piece_is_full(const struct ota_name_piece *piece)
{
	size_t bytes = piece->size + QUOTES * piece->count;

	return piece->count == OTA_NAMES_MAX || bytes + OTA_DEVICE_NAME_MAX + 1 + QUOTES > sizeof(piece->text);
}

/* FNV-1a: names differ in their last characters, which a sum would mix badly. */
static uint32_t hash(struct ota_span name)
{
	uint32_t value = 2166136261U;

	for (size_t i = 0; i < name.size; i++)
		value = (value ^ (unsigned char)name.data[i]) * 16777619U;
	return value;
}

static const char *name_at(const struct ota_name_piece *piece, size_t index)
{
	return piece->text + piece->places[index];
}

bool ota_name_piece_add(struct ota_name_piece *piece, struct ota_span name)
{
	size_t slot = hash(name) % OTA_NAME_PIECE_SLOTS;

	assert(!ota_name_piece_is_full(piece) && name.size <= OTA_DEVICE_NAME_MAX);
	for (; piece->slots[slot]; slot = (slot + 1) % OTA_NAME_PIECE_SLOTS) {
		if (ota_span_equals(name, name_at(piece, piece->slots[slot] - 1U)))
			return false;
	}
	piece->places[piece->count] = (uint16_t)piece->size;
	memcpy(piece->text + piece->size, name.data, name.size);
	piece->text[piece->size + name.size] = '\0';
	piece->size += name.size + 1;
	piece->slots[slot] = (uint16_t)++piece->count;
	return true;
}

cJSON *ota_name_piece_array(const struct ota_name_piece *piece)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; array && i < piece->count; i++) {
		cJSON *name = cJSON_CreateString(name_at(piece, i));

		if (name && cJSON_AddItemToArray(array, name))
			continue;
		cJSON_Delete(name);
		cJSON_Delete(array);
		return NULL;
	}
	return array;
}
