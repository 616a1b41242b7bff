/*
 * Roll: a list of device names on its way, one a line, taken apart as its bytes come. It holds the names of one command and a
 * line, however long the list is. White space around names, empty lines and lines that begin with # are skipped. No I/O.
 */
#ifndef OTA_GATEWAY_ROLL_H
#define OTA_GATEWAY_ROLL_H

#include "common/error.h"
#include "common/name_piece.h"

/* Zeros are an empty one. About 60 KiB. */
struct ota_roll {
	struct ota_name_piece piece; /* names that were not sent yet; who sent them clears it */
	char line[OTA_DEVICE_NAME_MAX + 64]; /* the one that is coming, without what is too long for any name */
	size_t line_size;
	bool is_long;
	uint64_t lines;   /* that were read whole */
	uint64_t names;   /* that were met, doubles too */
	uint64_t doubles; /* in the same piece as their like */
};

/* Takes bytes off the front until there are none or the piece is full. OTA_EINVALID names the line of what is no device name,
 * OTA_ELIMIT that there are more than OTA_ROLL_NAMES_MAX. */
int ota_roll_take(struct ota_roll *roll, struct ota_span *bytes, struct ota_error *error);
/* There is no more: the last line may lack its end. The piece must not be full. */
int ota_roll_end(struct ota_roll *roll, struct ota_error *error);

#endif
