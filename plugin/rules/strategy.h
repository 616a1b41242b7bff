/*
 * Strategy: how a batch moves. Its numbers, their defaults (DESIGN.md section 6), their bounds and their JSON form stand in one
 * table. Pure.
 */
#ifndef OTA_PLUGIN_RULES_STRATEGY_H
#define OTA_PLUGIN_RULES_STRATEGY_H

#include <stdint.h>

#include "common/json.h"
#include "plugin/rules/words.h"

struct ota_strategy {
	int64_t push_timeout_ms;    /* online time without an answer to a push */
	int64_t upgrade_timeout_ms; /* from the first report of an attempt */
	int64_t reboot_timeout_ms;  /* from a delivery to the next inform */
	int64_t soak_ms;            /* the target must stay so long; 0 = a report is enough */
	int64_t retries;            /* further attempts after the first */
	int64_t retry_pause_ms;
	int64_t end_after_ms;       /* pending tasks are given up then */
	int64_t abort_percent;      /* the batch pauses when more than this share of the finished tasks failed */
	int64_t abort_sample;       /* but not before so many finished; 0 switches the rule off */
};

struct ota_strategy ota_strategy_defaults(void);

/* Reads a strategy object over the defaults; NULL gives the defaults. Unknown members, wrong types and values out of range are
 * refused with their path. */
int ota_strategy_parse(const cJSON *object, const char *prefix, struct ota_strategy *ret_strategy, struct ota_error *error);
/* The same from compact text, as the store keeps it; "" gives the defaults. */
int ota_strategy_parse_text(const char *text, struct ota_strategy *ret_strategy, struct ota_error *error);
/* Every member, durations as text. */
int ota_strategy_print(const struct ota_strategy *strategy, struct ota_bytes *out);

/* True when this cause is one the strategy retries and `attempt` was not the last one. */
bool ota_strategy_retries(const struct ota_strategy *strategy, enum ota_cause cause, int64_t attempt);

/* The pause before push number `pushes` + 1 of an attempt: base, doubled with each push, at most cap. */
int64_t ota_push_pause(int64_t pushes, int64_t base_ms, int64_t cap_ms);

#endif
