/*
 * Stride: how many rows the engine may touch in one transaction, so that reports never wait long behind work that has no end of
 * its own (a batch of a million is prepared, or withdrawn). Rows differ a hundredfold in what they cost, and machines too, so it
 * is held by time: each turn tells how long it took, and the next one is cut to fit.
 *
 * Nobody is woken by a clock in the middle of a turn: the engine counts rows, so the same events give the same transactions
 * wherever it runs.
 */
#ifndef OTA_PLUGIN_BROKER_STRIDE_H
#define OTA_PLUGIN_BROKER_STRIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OTA_STRIDE_US = 8000,  /* a turn, its commit with it: a report waits for one, and 50 ms are promised */
	OTA_STRIDE_FIRST = 200, /* rows of the first turn */
	OTA_STRIDE_LEAST = 20, /* so many also where each takes long: it must end some day */
	OTA_STRIDE_MOST = 4000, /* the rows are read together: some 2 MB */
};

/* Zero-initialise. */
struct ota_stride {
	size_t rows; /* 0 = the first turn has yet to come */
};

size_t ota_stride_rows(const struct ota_stride *stride);
/* A turn took so long; full: it did all it was allowed to. Only such a one tells that more would fit. */
void ota_stride_took(struct ota_stride *stride, uint64_t took_us, bool full);

#endif
