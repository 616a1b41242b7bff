/*
 * Sheet: a page of lines "label  text" in 80 columns, for what an operator reads before he decides. Pure.
 */
#ifndef OTA_CTL_SHEET_H
#define OTA_CTL_SHEET_H

#include <stdint.h>

#include "common/bytes.h"

/* A line; what does not fit goes on below, where the text began. The text comes from the server or from here: it is cleaned. An
 * empty label continues the one above. */
void ota_sheet_line(struct ota_bytes *out, const char *label, const char *text);
void ota_sheet_bytes(struct ota_bytes *out, const char *label, const struct ota_bytes *text);

void ota_sheet_put_count(struct ota_bytes *out, int64_t count);            /* "998 211" */
void ota_sheet_put_span(struct ota_bytes *out, int64_t ms);                /* two units: "4d 5h", "12m", "0m" */
void ota_sheet_put_moment(struct ota_bytes *out, int64_t ms);              /* "2026-11-20 22:00 UTC" */
void ota_sheet_put_until(struct ota_bytes *out, int64_t ms, int64_t now_ms); /* "2026-11-20 22:00 UTC, in 4d 5h" */

#endif
