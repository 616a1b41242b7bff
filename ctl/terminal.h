/*
 * Terminal: what stands behind a stream, and lines that are drawn over again.
 */
#ifndef OTA_CTL_TERMINAL_H
#define OTA_CTL_TERMINAL_H

#include <stdio.h>

#include "ctl/bars.h"

bool ota_terminal_is(FILE *stream);
/* A terminal on which lines can be drawn over again: not one that calls itself dumb. */
bool ota_terminal_can_draw(FILE *stream);
/* Its width now (80 when it does not tell), and color unless NO_COLOR is set or TERM is dumb. */
struct ota_bars_style ota_terminal_style(FILE *stream);

enum { OTA_TERMINAL_LINES_MAX = 32 };

/* A block of lines that is drawn in place. */
struct ota_terminal_block {
	FILE *stream;
	size_t lines;                          /* drawn before */
	size_t widths[OTA_TERMINAL_LINES_MAX]; /* of these, in columns */
};
/* Each line of text is ended by a newline and none is wider than `width`, the terminal's columns now. A terminal that became
 * narrower has wrapped what was drawn before; that is cleared as well. */
void ota_terminal_draw(struct ota_terminal_block *block, const struct ota_bytes *text, size_t width);

#endif
