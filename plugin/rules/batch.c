#include "plugin/rules/batch.h"

#include <stdlib.h>

#define YES(from, event, to, text) { OTA_BATCH_##from, OTA_BATCH_EVENT_##event, true, OTA_BATCH_##to, text }
#define NO(from, event, text) { OTA_BATCH_##from, OTA_BATCH_EVENT_##event, false, OTA_BATCH_##from, text }

/* clang-format off */
static const struct ota_batch_rule rules[] = {
	YES(PLANNED,   PREPARED, RUNNING,   "every target is prepared"),
	YES(PLANNED,   CONFLICT, CANCELED,  "a device has an unfinished task of this module"),
	NO (PLANNED,   FINISHED,            "the batch is still being prepared"),
	NO (PLANNED,   ABORT,               "nothing was sent yet"),
	NO (PLANNED,   ABORT_CANCEL,        "nothing was sent yet"),
	NO (PLANNED,   STALLED,             "nothing was sent yet"),
	NO (PLANNED,   PAUSE,               "the batch is still being prepared"),
	NO (PLANNED,   RESUME,              "the batch is still being prepared"),
	YES(PLANNED,   CANCEL,   CANCELED,  ""),

	NO (RUNNING,   PREPARED,            "the batch is prepared"),
	NO (RUNNING,   CONFLICT,            "the batch is prepared"),
	YES(RUNNING,   FINISHED, COMPLETED, "every task is final"),
	YES(RUNNING,   ABORT,    PAUSED,    "the abort rule fired"),
	YES(RUNNING,   ABORT_CANCEL, CANCELED, "the abort rule fired"),
	YES(RUNNING,   STALLED,  PAUSED,    "a stage stands still"),
	YES(RUNNING,   PAUSE,    PAUSED,    ""),
	NO (RUNNING,   RESUME,              "the batch is running"),
	YES(RUNNING,   CANCEL,   CANCELED,  ""),

	NO (PAUSED,    PREPARED,            "the batch is prepared"),
	NO (PAUSED,    CONFLICT,            "the batch is prepared"),
	YES(PAUSED,    FINISHED, COMPLETED, "every task is final"),
	NO (PAUSED,    ABORT,               "the batch is paused"),
	NO (PAUSED,    ABORT_CANCEL,        "the batch is paused"),
	NO (PAUSED,    STALLED,             "the batch is paused"),
	NO (PAUSED,    PAUSE,               "the batch is paused"),
	YES(PAUSED,    RESUME,   RUNNING,   ""),
	YES(PAUSED,    CANCEL,   CANCELED,  ""),

	NO (COMPLETED, PREPARED,            "the batch is completed"),
	NO (COMPLETED, CONFLICT,            "the batch is completed"),
	NO (COMPLETED, FINISHED,            "the batch is completed"),
	NO (COMPLETED, ABORT,               "the batch is completed"),
	NO (COMPLETED, ABORT_CANCEL,        "the batch is completed"),
	NO (COMPLETED, STALLED,             "the batch is completed"),
	NO (COMPLETED, PAUSE,               "the batch is completed"),
	NO (COMPLETED, RESUME,              "the batch is completed"),
	NO (COMPLETED, CANCEL,              "the batch is completed"),

	NO (CANCELED,  PREPARED,            "the batch is canceled"),
	NO (CANCELED,  CONFLICT,            "the batch is canceled"),
	NO (CANCELED,  FINISHED,            "the batch is canceled"),
	NO (CANCELED,  ABORT,               "the batch is canceled"),
	NO (CANCELED,  ABORT_CANCEL,        "the batch is canceled"),
	NO (CANCELED,  STALLED,             "the batch is canceled"),
	NO (CANCELED,  PAUSE,               "the batch is canceled"),
	NO (CANCELED,  RESUME,              "the batch is canceled"),
	YES(CANCELED,  CANCEL,   CANCELED,  ""),
};
/* clang-format on */

static const char *const event_words[OTA_BATCH_EVENTS] = {
	[OTA_BATCH_EVENT_PREPARED] = "prepared",
	[OTA_BATCH_EVENT_CONFLICT] = "conflict",
	[OTA_BATCH_EVENT_FINISHED] = "finished",
	[OTA_BATCH_EVENT_ABORT] = "abort rule",
	[OTA_BATCH_EVENT_ABORT_CANCEL] = "abort rule that cancels",
	[OTA_BATCH_EVENT_STALLED] = "stalled",
	[OTA_BATCH_EVENT_PAUSE] = "pause",
	[OTA_BATCH_EVENT_RESUME] = "resume",
	[OTA_BATCH_EVENT_CANCEL] = "cancel",
};

const struct ota_batch_rule *ota_batch_decide(enum ota_batch_state state, enum ota_batch_event event)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].from == state && rules[i].event == event)
			return &rules[i];
	}
	abort(); /* the totality test proves that no pair comes here */
}

const struct ota_batch_rule *ota_batch_rules(size_t *ret_count)
{
	*ret_count = sizeof(rules) / sizeof(rules[0]);
	return rules;
}

const char *ota_batch_event_word(enum ota_batch_event event)
{
	return (unsigned)event < OTA_BATCH_EVENTS ? event_words[event] : "";
}

enum ota_abort ota_batch_aborts(const struct ota_strategy *strategy, const struct ota_batch_tally *tally)
{
	int64_t finished = tally->reported + tally->failed;

	if (strategy->abort_count && tally->blamed >= strategy->abort_count)
		return OTA_ABORT_COUNT;
	if (!strategy->abort_sample || finished < strategy->abort_sample)
		return OTA_ABORT_NONE;
	return tally->blamed * 100 > strategy->abort_percent * finished ? OTA_ABORT_SHARE : OTA_ABORT_NONE;
}

enum ota_verification ota_batch_verdict(const struct ota_batch_tally *tally)
{
	if (tally->failed)
		return OTA_VERIFICATION_FAILED;
	return tally->reported ? OTA_VERIFIED : OTA_UNVERIFIED;
}
