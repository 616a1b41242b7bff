/*
 * Strategy: how a batch moves. Its members, their defaults (DESIGN.md section 6), their bounds and their JSON form stand in one
 * table (strategy.c). Pure.
 */
#ifndef OTA_PLUGIN_RULES_STRATEGY_H
#define OTA_PLUGIN_RULES_STRATEGY_H

#include <stddef.h>
#include <stdint.h>

#include "common/json.h"
#include "plugin/rules/words.h"

enum {
	OTA_STAGES_MAX = 16, /* as many as anybody follows by eye */
	OTA_ZONE_MAX = 48, /* bytes of a time zone's name, as "America/Argentina/ComodRivadavia" */
};

/* A part of the targets that goes before the next one. A device belongs to the first stage that takes it; what none takes belongs
 * to one more, which needs no gate. */
struct ota_stage {
	int64_t percent;          /* of all targets, with the stages before it, by the stable hash; 0 = by count */
	int64_t count;            /* so many more devices, in the order of their names; 0 = by percent */
	int64_t success_percent;  /* of its tasks that ended through an attempt, at least so many must have succeeded */
	int64_t finished_percent; /* of its tasks, at least so many must be final; the others are carried over */
	int64_t soak_ms;          /* both must hold so long before the next stage opens */
	int64_t deadline_ms;      /* from its opening; then the batch pauses. 0 = none */
	bool manual;              /* an operator opens the next stage */
};

/* New releases a minute, counted in heard time. */
struct ota_rate {
	int64_t per_minute; /* 0 = no limit */
	int64_t from;       /* what it begins with, grown by factor every every_ms up to per_minute; 0 = per_minute at once */
	int64_t factor;
	int64_t every_ms;
};

/* The part of a day in which something may be sent; over midnight when it ends before it begins. */
struct ota_window {
	int64_t from_minute, to_minute; /* of the day, the end is outside; equal: always */
	char zone[OTA_ZONE_MAX + 1];    /* IANA name, "" = UTC */
	char zone_tag[OTA_DEVICE_TAG_KEY_MAX + 1]; /* the device's own zone is the value of this tag, `zone` if it has none */
};

enum ota_abort_action { OTA_ABORT_PAUSES, OTA_ABORT_CANCELS, OTA_ABORT_ACTIONS };

struct ota_strategy {
	int64_t push_timeout_ms;    /* online time without an answer to a push */
	int64_t upgrade_timeout_ms; /* from the first report of an attempt */
	int64_t reboot_timeout_ms;  /* from a delivery to the next inform */
	int64_t soak_ms;            /* the target must stay so long; 0 = a report is enough */
	int64_t retries;            /* further attempts after the first */
	int64_t retry_pause_ms;
	int64_t retry_causes;       /* bits 1 << enum ota_cause: what is tried again */
	int64_t start_at_ms;        /* wall; nothing is sent before. 0 = at once */
	int64_t end_at_ms;          /* wall; pending tasks are given up then. 0 = end_after_ms after its start */
	int64_t end_after_ms;
	int64_t abort_percent;      /* the rule fires when more than this share of the finished tasks failed */
	int64_t abort_sample;       /* but not before so many finished; 0 switches the share off */
	int64_t abort_count;        /* or when so many failed, whatever the share; 0 = no such cap */
	int64_t abort_causes;       /* bits 1 << enum ota_cause: what counts as failed for the rule */
	int64_t abort_action;       /* enum ota_abort_action */
	int64_t max_in_flight;      /* tasks pushed or upgrading at a time; 0 = no limit */
	bool confirm;               /* each device waits for an operator's word */
	bool pull_only;             /* nothing is pushed; devices that ask are answered */
	bool auto_rollback;         /* when the abort rule fires, who has the version goes back to the one before */
	struct ota_rate rate;
	struct ota_window window;
	struct ota_stage stages[OTA_STAGES_MAX];
	size_t stage_count;
};

struct ota_strategy ota_strategy_defaults(void);

/* Reads a strategy object over the defaults; NULL gives the defaults. Unknown members, wrong types, values out of range and
 * members that contradict each other are refused with their path. */
int ota_strategy_parse(const cJSON *object, const char *prefix, struct ota_strategy *ret_strategy, struct ota_error *error);
/* The same over another strategy in place of the defaults: only what is given changes. A list is replaced as a whole. */
int ota_strategy_change(const cJSON *object, const char *prefix, struct ota_strategy *strategy, struct ota_error *error);
/* The same from compact text, as the store keeps it; "" gives the defaults. */
int ota_strategy_parse_text(const char *text, struct ota_strategy *ret_strategy, struct ota_error *error);
/* As an object: every number and flag, durations as text; of lists and objects those that say something. */
int ota_strategy_print(const struct ota_strategy *strategy, struct ota_bytes *out);
/* Only what differs from the defaults: parsed, it is the same strategy. */
int ota_strategy_print_said(const struct ota_strategy *strategy, struct ota_bytes *out);

/* True when this cause is one the strategy retries and `attempt` was not the last one. */
bool ota_strategy_retries(const struct ota_strategy *strategy, enum ota_cause cause, int64_t attempt);

/* What a task can fail of. */
bool ota_cause_is_failure(enum ota_cause cause);
/* " by burn_failed or rolled_back": what the abort rule counts, when that is not every failure. */
void ota_strategy_tell_blame(const struct ota_strategy *strategy, struct ota_bytes *out);

/* The pause before push number `pushes` + 1 of an attempt: base, doubled with each push, at most cap. */
int64_t ota_push_pause(int64_t pushes, int64_t base_ms, int64_t cap_ms);

#endif
