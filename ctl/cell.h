/*
 * Cell: a piece of text on a terminal. What came from the server may have come from a device, so nothing of it reaches a
 * terminal as a command. Pure, no locale: terminals speak UTF-8.
 */
#ifndef OTA_CTL_CELL_H
#define OTA_CTL_CELL_H

#include "common/bytes.h"

/* Appends text with control characters (also C1 and those that turn the writing direction) and broken UTF-8 made harmless. */
void ota_cell_clean(struct ota_bytes *out, const char *text);

/* The columns it takes: wide East Asian characters and emoji two, combining marks none. text is clean. */
size_t ota_cell_width(const char *text);

/* Appends clean text in exactly `width` columns: padded with spaces, left or right, or cut with an ellipsis. */
struct ota_cell_place {
	size_t width;
	bool right;  /* numbers */
	bool no_pad; /* the last column of a line */
};
void ota_cell_put(struct ota_bytes *out, const char *text, struct ota_cell_place place);

/* Appends JSON with what a terminal might obey written as \u escapes: the same document, harmless. */
void ota_cell_json(struct ota_bytes *out, const char *json);

#endif
