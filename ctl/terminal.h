/*
 * Terminal: what stands behind a stream, and lines that are drawn over again.
 */
#ifndef OTA_CTL_TERMINAL_H
#define OTA_CTL_TERMINAL_H

#include <stdio.h>

#include "ctl/bars.h"

bool ota_terminal_is(FILE *stream);
/* Its width now (80 when it does not tell), and color unless NO_COLOR is set or TERM is dumb. */
struct ota_bars_style ota_terminal_style(FILE *stream);

/* A block of lines that is drawn in place. */
struct ota_terminal_block {
	FILE *stream;
	size_t lines; /* drawn before */
};
/* text has `lines` lines, each ended by a newline and none wider than the terminal. */
void ota_terminal_draw(struct ota_terminal_block *block, const struct ota_bytes *text, size_t lines);

#endif
