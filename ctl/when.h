/*
 * When: a moment as an operator types it. Pure: now is a parameter. Times of day are UTC, as they are shown.
 */
#ifndef OTA_CTL_WHEN_H
#define OTA_CTL_WHEN_H

#include <stdint.h>

#include "common/error.h"

#define OTA_WHEN_WORDS "a time back such as 2h, or UTC such as 2026-11-20 or 2026-11-20T10:00"

/* "90m" (that long ago), "2026-11-20" (its first moment), "2026-11-20T10:00", "2026-11-20T10:00:30", with or without a Z. `name`
 * is the option, for the sentence of OTA_EINVALID. */
int ota_when_parse(const char *name, const char *text, int64_t now_ms, int64_t *ret_ms, struct ota_error *error);

#define OTA_WHEN_AHEAD_WORDS "\"in 2h\", or UTC such as 2026-11-20 or 2026-11-20T10:00"

/* A moment to come: "in 90m", or a date as above. Whether it is to come is for the server to say. OTA_EINVALID. */
int ota_when_parse_ahead(const char *text, int64_t now_ms, int64_t *ret_ms, struct ota_error *error);

#endif
