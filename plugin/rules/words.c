#include "plugin/rules/words.h"

#include <stddef.h>
#include <string.h>

static const char *const task_states[OTA_TASK_STATES] = {
	[OTA_TASK_PENDING] = "pending",     [OTA_TASK_PUSHED] = "pushed", [OTA_TASK_UPGRADING] = "upgrading",
	[OTA_TASK_SUCCEEDED] = "succeeded", [OTA_TASK_FAILED] = "failed", [OTA_TASK_CANCELED] = "canceled",
};

static const char *const reasons[OTA_REASONS] = {
	[OTA_REASON_NONE] = "",
	[OTA_REASON_OFFLINE] = "offline",
	[OTA_REASON_SCHEDULED] = "scheduled",
	[OTA_REASON_WINDOW] = "window",
	[OTA_REASON_STAGE] = "stage",
	[OTA_REASON_RATE] = "rate",
	[OTA_REASON_IN_FLIGHT] = "in_flight",
	[OTA_REASON_CONFIRM] = "confirm",
	[OTA_REASON_RETRY] = "retry",
	[OTA_REASON_DELTA] = "delta",
	[OTA_REASON_PAUSED] = "paused",
	[OTA_REASON_OTHER_MODULE] = "other_module",
	[OTA_REASON_BARRED] = "barred",
	[OTA_REASON_DISABLED] = "disabled",
	[OTA_REASON_SETTLING] = "settling",
	[OTA_REASON_AT_TARGET] = "at_target",
	[OTA_REASON_PULL] = "pull",
};

static const char *const causes[OTA_CAUSES] = {
	[OTA_CAUSE_NONE] = "",
	[OTA_CAUSE_VERSION_REPORTED] = "version_reported",
	[OTA_CAUSE_ALREADY_AT_TARGET] = "already_at_target",
	[OTA_CAUSE_UPGRADE_FAILED] = "upgrade_failed",
	[OTA_CAUSE_DOWNLOAD_FAILED] = "download_failed",
	[OTA_CAUSE_VERIFY_FAILED] = "verify_failed",
	[OTA_CAUSE_BURN_FAILED] = "burn_failed",
	[OTA_CAUSE_PUSH_TIMEOUT] = "push_timeout",
	[OTA_CAUSE_UPGRADE_TIMEOUT] = "upgrade_timeout",
	[OTA_CAUSE_LOST] = "lost",
	[OTA_CAUSE_WRONG_VERSION] = "wrong_version",
	[OTA_CAUSE_ROLLED_BACK] = "rolled_back",
	[OTA_CAUSE_LOOP] = "loop",
	[OTA_CAUSE_WITHDRAWN] = "withdrawn",
	[OTA_CAUSE_REVOKED] = "revoked",
	[OTA_CAUSE_ASKED] = "asked",
	[OTA_CAUSE_SUPERSEDED] = "superseded",
	[OTA_CAUSE_EXPIRED] = "expired",
	[OTA_CAUSE_NO_LONGER_MATCHES] = "no_longer_matches",
	[OTA_CAUSE_DEVICE_DELETED] = "device_deleted",
	[OTA_CAUSE_PACKAGE_YANKED] = "package_yanked",
	[OTA_CAUSE_BATCH_CANCELED] = "batch_canceled",
};

static const char *const marks[OTA_MARKS] = {
	[OTA_MARK_NONE] = "",
	[OTA_MARK_REGRESSED] = "regressed",
	[OTA_MARK_RECOVERED] = "recovered",
	[OTA_MARK_INSTALLED_ANYWAY] = "installed_anyway",
};

static const char *const asks[OTA_ASKS] = {
	[OTA_ASK_NONE] = "",           [OTA_ASK_WAITING] = "waiting",     [OTA_ASK_AGREED] = "agreed",
	[OTA_ASK_REFUSED] = "refused", [OTA_ASK_NO_ANSWER] = "no_answer", [OTA_ASK_OVERTAKEN] = "overtaken",
	[OTA_ASK_UNABLE] = "unable",
};

static const char *const cancel_levels[OTA_CANCEL_LEVELS] = {
	[OTA_CANCEL_WITHDRAWS] = "withdraw",
	[OTA_CANCEL_ASKS] = "ask",
	[OTA_CANCEL_REVOKES] = "revoke",
};

static const char *const batch_kinds[OTA_BATCH_KINDS] = {
	[OTA_BATCH_VERIFY] = "verify",
	[OTA_BATCH_STATIC] = "static",
	[OTA_BATCH_DYNAMIC] = "dynamic",
};

static const char *const batch_states[OTA_BATCH_STATES] = {
	[OTA_BATCH_PLANNED] = "planned",     [OTA_BATCH_RUNNING] = "running",   [OTA_BATCH_PAUSED] = "paused",
	[OTA_BATCH_COMPLETED] = "completed", [OTA_BATCH_CANCELED] = "canceled",
};

static const char *const verifications[OTA_VERIFICATIONS] = {
	[OTA_UNVERIFIED] = "unverified",
	[OTA_VERIFYING] = "verifying",
	[OTA_VERIFIED] = "verified",
	[OTA_VERIFICATION_FAILED] = "failed",
};

static int word_find(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(words[i], word))
			return i;
	}
	return -1;
}

bool ota_task_state_is_final(enum ota_task_state state)
{
	return state == OTA_TASK_SUCCEEDED || state == OTA_TASK_FAILED || state == OTA_TASK_CANCELED;
}

/* One pair of functions per list of words. */
#define WORDS(noun, type, words, count)                                                                                \
	const char *noun##_word(enum type value)                                                                       \
	{                                                                                                              \
		return (unsigned)value < (unsigned)(count) ? (words)[value] : "";                                      \
	}                                                                                                              \
	bool noun##_parse(const char *word, enum type *ret_value)                                                      \
	{                                                                                                              \
		int found = word_find(words, count, word);                                                             \
		if (found < 0)                                                                                         \
			return false;                                                                                  \
		*ret_value = (enum type)found;                                                                         \
		return true;                                                                                           \
	}

WORDS(ota_task_state, ota_task_state, task_states, OTA_TASK_STATES)
WORDS(ota_reason, ota_reason, reasons, OTA_REASONS)
WORDS(ota_cause, ota_cause, causes, OTA_CAUSES)
WORDS(ota_mark, ota_mark, marks, OTA_MARKS)
WORDS(ota_ask, ota_ask, asks, OTA_ASKS)
WORDS(ota_cancel_level, ota_cancel_level, cancel_levels, OTA_CANCEL_LEVELS)
WORDS(ota_batch_kind, ota_batch_kind, batch_kinds, OTA_BATCH_KINDS)
WORDS(ota_batch_state, ota_batch_state, batch_states, OTA_BATCH_STATES)
WORDS(ota_verification, ota_verification, verifications, OTA_VERIFICATIONS)
