/*
 * Batch: the table of a batch's states, the abort rule, and what its end says about the package. Pure.
 *
 * planned -> running <-> paused -> completed | canceled
 */
#ifndef OTA_PLUGIN_RULES_BATCH_H
#define OTA_PLUGIN_RULES_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "plugin/rules/strategy.h"

enum ota_batch_event {
	OTA_BATCH_EVENT_PREPARED, /* every target has its task or its exclusion */
	OTA_BATCH_EVENT_CONFLICT, /* while it is prepared: a device has other work, and the batch was to skip none */
	OTA_BATCH_EVENT_FINISHED, /* prepared, and every task is final */
	OTA_BATCH_EVENT_ABORT,    /* the abort rule fired, and pauses */
	OTA_BATCH_EVENT_ABORT_CANCEL, /* it fired, and cancels */
	OTA_BATCH_EVENT_STALLED,  /* the open stage will not pass by itself */
	OTA_BATCH_EVENT_PAUSE,
	OTA_BATCH_EVENT_RESUME,
	OTA_BATCH_EVENT_CANCEL,
	OTA_BATCH_EVENTS,
};

struct ota_batch_rule {
	enum ota_batch_state from;
	enum ota_batch_event event;
	bool allowed;
	enum ota_batch_state to;
	const char *text; /* the reason kept with an automatic change, or why the event is refused */
};

/* Never NULL: the table is total. */
const struct ota_batch_rule *ota_batch_decide(enum ota_batch_state state, enum ota_batch_event event);
const struct ota_batch_rule *ota_batch_rules(size_t *ret_count);
const char *ota_batch_event_word(enum ota_batch_event event);

/* How often a device may join one dynamic batch, as with Aliyun: what comes back so often has a trouble of its own. */
enum { OTA_VISITS_MAX = 10 };

/* What the kept counters say. */
struct ota_batch_tally {
	int64_t open;      /* pending, pushed, upgrading */
	int64_t succeeded; /* all causes */
	int64_t failed;
	int64_t reported;  /* succeeded(version_reported): went through an attempt */
	int64_t blamed;    /* failed by a cause that the abort rule counts */
};

/* The threshold of the abort rule that is passed.
 * SHARE: more than abort_percent of the tasks that finished through an attempt failed by one of abort_causes, of at least
 * abort_sample that finished. Already-at-target and canceled tasks count as nothing.
 * COUNT: abort_count of them failed so, whatever the share.
 * The tally is what ended after the last resume: whoever resumes has seen what was there before, and the batch would else pause
 * again at the next task, however well that ends. */
enum ota_abort { OTA_ABORT_NONE, OTA_ABORT_SHARE, OTA_ABORT_COUNT };
enum ota_abort ota_batch_aborts(const struct ota_strategy *strategy, const struct ota_batch_tally *tally);

/* What a verify batch that has ended proves: verified with at least one attempt that ended version_reported and none failed;
 * failed with one failed; else nothing. */
enum ota_verification ota_batch_verdict(const struct ota_batch_tally *tally);

#endif
