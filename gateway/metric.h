/*
 * Metric: one table of what GET /metrics tells, and how it is written: the Prometheus text format, version 0.0.4. Pure.
 *
 * docs/metrics.md is printed from the table. Names end in their unit (seconds, bytes), counters in _total; the values of a label
 * are words of tables, so there are never many.
 */
#ifndef OTA_GATEWAY_METRIC_H
#define OTA_GATEWAY_METRIC_H

#include <cjson/cJSON.h>

#include "common/bytes.h"

#define OTA_METRIC_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum ota_metric_type {
	OTA_METRIC_COUNTER,
	OTA_METRIC_GAUGE,
	OTA_METRIC_HISTOGRAM, /* of a stopwatch: {totalUs, buckets}, with boundsUs beside what holds it */
	OTA_METRIC_TYPES,
};

enum { OTA_METRIC_LABELS_MAX = 2 };

struct ota_metric {
	const char *name;
	enum ota_metric_type type;
	const char *path; /* in the tree: "server.tasks"; an object found there has a member for each value of the next label */
	const char *bounds; /* path of a histogram's boundsUs */
	const char *labels[OTA_METRIC_LABELS_MAX]; /* a text where a number should be is the value of a label, its number is 1 */
	unsigned decimals; /* by how many powers of ten the tree's number is larger: 3 for milliseconds, 6 for microseconds */
	const char *help;  /* for people; the first sentence of the docs' row */
};

const struct ota_metric *ota_metric_rows(size_t *ret_count);
const char *ota_metric_type_word(enum ota_metric_type type);

/* Appends every metric the tree has a value for: {"broker":{"up":1},"gateway":figures.h,"server":getServer's data}. */
void ota_metrics_print(const cJSON *tree, struct ota_bytes *out);

#endif
