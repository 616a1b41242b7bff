/*
 * Refusal: the answer to commands that never reach control, because too many wait or they are too long. Pure.
 */
#ifndef OTA_PLUGIN_BROKER_REFUSAL_H
#define OTA_PLUGIN_BROKER_REFUSAL_H

#include "common/bytes.h"
#include "common/error.h"

/* Requests up to this size are read, so that each command gets its answer with its correlationData; a longer one gets one answer
 * without. */
enum { OTA_REFUSAL_READ_MAX = 4096 };

/* Appends {"responses":[...]} (docs/protocol.md 2) with this error for every command of the request. 0 or OTA_ENOMEM. */
int ota_refusal_print(struct ota_span request, int code, const char *message, struct ota_bytes *out);

#endif
