/*
 * Meter: a transfer as one line of a terminal, drawn over itself at most ten times a second. Where nobody looks, in a pipe or
 * with --quiet, it draws nothing.
 */
#ifndef OTA_CTL_METER_H
#define OTA_CTL_METER_H

#include "ctl/terminal.h"

struct ota_meter {
	FILE *stream; /* NULL = draws nothing */
	struct ota_bars_transfer transfer;
	int64_t begun_ms, drawn_ms;
};

/* The stream if somebody looks: it is a terminal, and he did not ask for quiet (quiet is NULL). */
FILE *ota_meter_stream(FILE *stream, const char *quiet);
/* name is borrowed; size 0 = not known yet. */
void ota_meter_begin(struct ota_meter *meter, FILE *stream, const char *name, uint64_t size);
void ota_meter_show(struct ota_meter *meter, uint64_t sent, uint64_t size);
/* Leaves the last line standing, with the cursor below it. */
void ota_meter_end(struct ota_meter *meter);

#endif
