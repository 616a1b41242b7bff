/*
 * Figures: what the gateway counts of itself, in constant memory.
 *
 * Thread rule: any thread.
 */
#ifndef OTA_GATEWAY_FIGURES_H
#define OTA_GATEWAY_FIGURES_H

#include <cjson/cJSON.h>

#include "common/stopwatch.h"
#include "gateway/route.h"

enum {
	OTA_FIGURES_ROUTES = OTA_ROUTE_KINDS + 1, /* the last: no route was found */
	OTA_FIGURES_STATUSES = 5,                 /* cut, 2xx .. 5xx */
};

/* Zero-initialise. */
struct ota_figures {
	struct ota_stopwatch durations[OTA_FIGURES_ROUTES];
	_Atomic uint64_t requests[OTA_FIGURES_ROUTES][OTA_FIGURES_STATUSES];
	_Atomic uint64_t in_flight;
	_Atomic uint64_t download_bytes, upload_bytes;
	int64_t started_ms; /* wall; set once */
};

/* How one request ended. */
struct ota_figures_request {
	unsigned route;  /* enum ota_route_kind, or OTA_ROUTE_KINDS */
	unsigned status; /* 0 = cut before it had an answer, or in the middle of it */
	uint64_t took_us;
	uint64_t sent_bytes;   /* of a package */
	uint64_t stored_bytes; /* of a package */
};

void ota_figures_begin(struct ota_figures *figures);
void ota_figures_end(struct ota_figures *figures, const struct ota_figures_request *request);

/* As a tree, whose members gateway/metric.c names; stopwatches as getServer has them. NULL without memory; the caller's. */
cJSON *ota_figures_tree(const struct ota_figures *figures, size_t waiting);

#endif
