/*
 * Plan: what the server says a batch would do (docs/protocol.md, "The plan of a batch"), as the page an operator reads before it
 * begins. Pure.
 */
#ifndef OTA_CTL_PLAN_H
#define OTA_CTL_PLAN_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "common/bytes.h"

void ota_plan_put(struct ota_bytes *out, const cJSON *plan, int64_t now_ms);
/* How a strategy moves, in lines that read alike in a plan and of a batch that runs: rate, in flight, window, abort, retries. */
void ota_plan_put_strategy(struct ota_bytes *out, const cJSON *strategy);

#endif
