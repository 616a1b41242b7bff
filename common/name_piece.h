/*
 * Name piece: device names that go in one command, each once. A long list of names is taken apart into such pieces, by otactl and
 * by the gateway. No I/O; one piece, one thread.
 */
#ifndef OTA_COMMON_NAME_PIECE_H
#define OTA_COMMON_NAME_PIECE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/limits.h"

enum {
	OTA_NAME_PIECE_BYTES = 48 * 1024, /* of names with their quotes and commas: a command stays under OTA_PAYLOAD_MAX */
	OTA_NAME_PIECE_SLOTS = 2048,      /* of the table that finds doubles: twice OTA_NAMES_MAX, so that it is never full */
};

/* About 50 KiB. Begin with zeros. */
struct ota_name_piece {
	char text[OTA_NAME_PIECE_BYTES];      /* each name with its NUL */
	uint16_t places[OTA_NAMES_MAX];       /* of the names, in text */
	uint16_t slots[OTA_NAME_PIECE_SLOTS]; /* which name hashes there, from 1; 0 = none */
	size_t size, count;
};

void ota_name_piece_clear(struct ota_name_piece *piece);
/* Whether the next name may find no room. */
bool ota_name_piece_is_full(const struct ota_name_piece *piece);
/* A valid device name into a piece that is not full. False: it is there already. */
bool ota_name_piece_add(struct ota_name_piece *piece, struct ota_span name);
/* An array of texts, the caller's; NULL without memory. */
cJSON *ota_name_piece_array(const struct ota_name_piece *piece);

#endif
