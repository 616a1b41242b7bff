/*
 * Human: values as people read them. Pure; the time is a parameter.
 */
#ifndef OTA_CTL_HUMAN_H
#define OTA_CTL_HUMAN_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "common/bytes.h"

enum ota_human_kind {
	OTA_HUMAN_TEXT,   /* as it is; numbers too */
	OTA_HUMAN_PROSE,  /* text whose lines stay lines where one object is shown */
	OTA_HUMAN_NUMBER, /* set to the right */
	OTA_HUMAN_BYTES,  /* "1.4 MiB", to the right */
	OTA_HUMAN_AGO,    /* "3m ago", "in 2d" */
	OTA_HUMAN_TIME,   /* "2026-11-20 10:39:42 UTC (3m ago)" */
	OTA_HUMAN_YES,    /* yes, no */
	OTA_HUMAN_LIST,   /* "a, b" */
	OTA_HUMAN_COUNTS, /* {"a":1,"b":0} is "a 1": zeros are left out, "-" when nothing is left */
	OTA_HUMAN_SENT,   /* a task's attempts: the bytes of all together, to the right */
	OTA_HUMAN_TAGS,   /* {"a":"1","b":"x y"} is "a=1, b=x y" */
	OTA_HUMAN_MODULES, /* a device's modules: "default 1.0, mcu 2.1" */
	OTA_HUMAN_WATCH,  /* a stopwatch: "120, average 1.2 ms, 99 % within 3.4 ms, longest 40.1 ms" */
	OTA_HUMAN_SHARE,  /* a batch's counts: "8/10", ended of all */
	OTA_HUMAN_LIMIT,  /* {"now":12,"most":500} is "12 of at most 500" */
	OTA_HUMAN_NEXT,   /* {"text":"it begins","at":...} is "it begins, 2026-11-20 10:39:42 UTC (in 3m)" */
};

/* Appends a JSON value; nothing for NULL and null. Clean for a terminal. */
void ota_human_put(struct ota_bytes *out, enum ota_human_kind kind, const cJSON *value, int64_t now_ms);

void ota_human_put_bytes(struct ota_bytes *out, uint64_t bytes);
/* The distance between two times: "0s", "59s", "3m", "2h", "4d"; one unit, cut. */
void ota_human_put_span(struct ota_bytes *out, int64_t ms);

#endif
