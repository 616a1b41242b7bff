/*
 * Bars: a batch, or an upload, as lines of a terminal. Pure: the width and the time are parameters.
 */
#ifndef OTA_CTL_BARS_H
#define OTA_CTL_BARS_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "common/bytes.h"

struct ota_bars_style {
	size_t width; /* columns of the terminal; no line is longer */
	bool color;
};

/* A filled part of `width` columns, in eighths of a column. part > whole counts as whole; nothing of nothing is empty. */
void ota_bars_put_bar(struct ota_bytes *out, uint64_t part, uint64_t whole, size_t width);

/* A batch: a line that says which and how, one per state, and what went wrong. Each ends in a newline; returns how many
 * there are. */
size_t ota_bars_put_batch(struct ota_bytes *out, const cJSON *batch, struct ota_bars_style style, int64_t now_ms);

/* The same in one line without a newline, for pipes: "batch=7 state=running pending=1 ...". */
void ota_bars_put_line(struct ota_bytes *out, const cJSON *batch);

struct ota_bars_transfer {
	const char *name;
	uint64_t sent, size;
	int64_t elapsed_ms;
};
/* One line without a newline. */
void ota_bars_put_transfer(struct ota_bytes *out, const struct ota_bars_transfer *transfer, struct ota_bars_style style);

/* The counts of a batch in the order of DESIGN.md section 6. */
enum { OTA_BARS_STATES = 6 };
extern const char *const ota_bars_states[OTA_BARS_STATES];
uint64_t ota_bars_count(const cJSON *batch, const char *state);

#endif
