/*
 * Stage: which part of a batch a device belongs to, and when the open part lets the next one go. Pure.
 *
 * A stage is judged by its own tasks alone. Those that ended without an attempt (canceled, or at the target already) count
 * nowhere: neither as finished nor as to be finished. A stage in which no task is open and none ended through an attempt proves
 * nothing, and holds nobody: it is passed at once, unless an operator is to open the next one, or devices may still join. What is
 * still open when a stage is passed is carried over: it goes on, beside the stages that follow.
 */
#ifndef OTA_PLUGIN_RULES_STAGE_H
#define OTA_PLUGIN_RULES_STAGE_H

#include "common/bytes.h"
#include "plugin/rules/strategy.h"

enum { OTA_BUCKETS = 1000000 }; /* of struct ota_device.bucket */

/* The stage that takes a device, from 0: the first one whose percentage its bucket is in, or whose count is not full; what none
 * takes belongs to stage_count. taken[i]: so many have gone to stage i before it. */
size_t ota_stage_of(const struct ota_strategy *strategy, int64_t bucket, const int64_t *taken);
/* How many there are for people: one more than the strategy names, unless its last one takes everybody. */
size_t ota_stage_total(const struct ota_strategy *strategy);

/* Tasks of one stage, as the kept counters say. */
struct ota_stage_tally {
	int64_t open;      /* pending, pushed, upgrading */
	int64_t succeeded; /* by the version it reported */
	int64_t failed;
	int64_t unproven;  /* ended without an attempt, or was canceled in it */
	bool growing;      /* devices may join the batch later: an empty stage awaits them */
};

struct ota_stage_times {
	int64_t now_at;   /* all heard */
	int64_t since_at; /* the deadline counts from here: the opening, later by pauses */
	int64_t met_at;   /* since when both shares hold, 0 = they did not until now */
};

enum ota_stage_step {
	OTA_STAGE_WAITS,
	OTA_STAGE_PASSES,
	OTA_STAGE_STALLS, /* the batch is to pause: nobody would come back to it otherwise */
};

enum ota_stage_why {
	OTA_STAGE_EXPECTS,      /* nothing to judge yet */
	OTA_STAGE_EMPTY,        /* nothing to judge, ever */
	OTA_STAGE_EXHAUSTED,    /* everything ended, and too little of it well: time changes nothing any more */
	OTA_STAGE_LATE,         /* its deadline is over */
	OTA_STAGE_UNFINISHED,   /* too little of it has ended */
	OTA_STAGE_UNSUCCESSFUL, /* too little of what ended succeeded */
	OTA_STAGE_SOAKS,        /* both shares hold, not for long enough */
	OTA_STAGE_ASKS,         /* an operator is to open the next one */
	OTA_STAGE_PASSED,
};

struct ota_stage_look {
	enum ota_stage_step step;
	enum ota_stage_why why;
	bool met;                 /* both shares hold now */
	int64_t soak_left_ms;     /* 0 = none or over */
	int64_t deadline_left_ms; /* the same */
};

struct ota_stage_look ota_stage_decide(const struct ota_stage *stage, const struct ota_stage_tally *tally,
				       const struct ota_stage_times *times);

/* Why it has (not) passed, with its figures, as the end of a sentence: "12 of 50 devices finished, 40 must (80 %)". */
void ota_stage_explain(const struct ota_stage *stage, const struct ota_stage_tally *tally, const struct ota_stage_look *look,
		       struct ota_bytes *out);
/* A time that is left, as exactly as anybody waits: whole seconds, minutes or hours, upwards. */
int64_t ota_stage_left_ms(int64_t ms);
/* What it takes and asks for: "1 %; 80 % finished, 95 % of them succeeded, for 10m, within 2d". */
void ota_stage_describe(const struct ota_stage *stage, struct ota_bytes *out);

#endif
