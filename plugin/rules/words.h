/*
 * The words of the rules: states, events, reasons, causes, marks. Each has one spelling, used in the store, in answers and in the
 * docs. The numbers never leave the process; the words do.
 */
#ifndef OTA_PLUGIN_RULES_WORDS_H
#define OTA_PLUGIN_RULES_WORDS_H

#include <stdbool.h>

enum ota_task_state {
	OTA_TASK_PENDING,
	OTA_TASK_PUSHED,
	OTA_TASK_UPGRADING,
	OTA_TASK_SUCCEEDED,
	OTA_TASK_FAILED,
	OTA_TASK_CANCELED,
	OTA_TASK_STATES,
};

/* Why a pending task waits. */
enum ota_reason {
	OTA_REASON_NONE,
	OTA_REASON_OFFLINE,
	OTA_REASON_SCHEDULED,
	OTA_REASON_WINDOW,
	OTA_REASON_STAGE,
	OTA_REASON_RATE,
	OTA_REASON_IN_FLIGHT,
	OTA_REASON_CONFIRM,
	OTA_REASON_RETRY,
	OTA_REASON_DELTA,
	OTA_REASON_PAUSED,
	OTA_REASON_OTHER_MODULE,
	OTA_REASON_BARRED,
	OTA_REASON_DISABLED,
	OTA_REASON_SETTLING,
	OTA_REASON_AT_TARGET, /* it runs the version, and may leave it by an order it was sent before */
	OTA_REASON_PULL, /* nothing is pushed: the device must ask */
	OTA_REASONS,
};

/* Why a final task is final. */
enum ota_cause {
	OTA_CAUSE_NONE,
	OTA_CAUSE_VERSION_REPORTED,
	OTA_CAUSE_ALREADY_AT_TARGET,
	OTA_CAUSE_UPGRADE_FAILED,  /* progress -1 */
	OTA_CAUSE_DOWNLOAD_FAILED, /* progress -2 */
	OTA_CAUSE_VERIFY_FAILED,   /* progress -3 */
	OTA_CAUSE_BURN_FAILED,     /* progress -4 */
	OTA_CAUSE_PUSH_TIMEOUT,
	OTA_CAUSE_UPGRADE_TIMEOUT,
	OTA_CAUSE_LOST,
	OTA_CAUSE_WRONG_VERSION,
	OTA_CAUSE_ROLLED_BACK,
	OTA_CAUSE_LOOP,
	OTA_CAUSE_WITHDRAWN,
	OTA_CAUSE_REVOKED,
	OTA_CAUSE_ASKED,
	OTA_CAUSE_SUPERSEDED,
	OTA_CAUSE_EXPIRED,
	OTA_CAUSE_NO_LONGER_MATCHES,
	OTA_CAUSE_DEVICE_DELETED,
	OTA_CAUSE_PACKAGE_YANKED,
	OTA_CAUSE_BATCH_CANCELED,
	OTA_CAUSES,
};

/* Later truth about a final task; the state stays. */
enum ota_mark {
	OTA_MARK_NONE,
	OTA_MARK_REGRESSED,
	OTA_MARK_RECOVERED,
	OTA_MARK_INSTALLED_ANYWAY,
	OTA_MARKS,
};

/* What became of asking a task's device to give it up. */
enum ota_ask {
	OTA_ASK_NONE,      /* nobody asked */
	OTA_ASK_WAITING,   /* asked, its time is not over */
	OTA_ASK_AGREED,
	OTA_ASK_REFUSED,   /* past its point of no return: it goes on */
	OTA_ASK_NO_ANSWER, /* in time: it goes on */
	OTA_ASK_OVERTAKEN, /* the task ended otherwise before an answer */
	OTA_ASK_UNABLE,    /* the device never said that it understands the question */
	OTA_ASKS,
};

/* How much of a batch a cancel ends; each does what the one before it does, too. */
enum ota_cancel_level {
	OTA_CANCEL_WITHDRAWS, /* what was not sent */
	OTA_CANCEL_ASKS,      /* what was sent, where the device agrees */
	OTA_CANCEL_REVOKES,   /* what was sent, whatever the device does */
	OTA_CANCEL_LEVELS,
};

enum ota_batch_kind {
	OTA_BATCH_VERIFY,
	OTA_BATCH_STATIC,
	OTA_BATCH_DYNAMIC,
	OTA_BATCH_KINDS,
};

enum ota_batch_state {
	OTA_BATCH_PLANNED,
	OTA_BATCH_RUNNING,
	OTA_BATCH_PAUSED,
	OTA_BATCH_COMPLETED,
	OTA_BATCH_CANCELED,
	OTA_BATCH_STATES,
};

enum ota_verification {
	OTA_UNVERIFIED,
	OTA_VERIFYING,
	OTA_VERIFIED,
	OTA_VERIFICATION_FAILED,
	OTA_VERIFICATIONS,
};

bool ota_task_state_is_final(enum ota_task_state state);

/* Words: never NULL for a valid number. Parsers return false and leave the output for an unknown word. "" is the word of the
 * _NONE values. */
const char *ota_task_state_word(enum ota_task_state state);
const char *ota_reason_word(enum ota_reason reason);
const char *ota_cause_word(enum ota_cause cause);
const char *ota_mark_word(enum ota_mark mark);
const char *ota_ask_word(enum ota_ask ask);
const char *ota_cancel_level_word(enum ota_cancel_level level);
const char *ota_batch_kind_word(enum ota_batch_kind kind);
const char *ota_batch_state_word(enum ota_batch_state state);
const char *ota_verification_word(enum ota_verification verification);
bool ota_task_state_parse(const char *word, enum ota_task_state *ret_state);
bool ota_reason_parse(const char *word, enum ota_reason *ret_reason);
bool ota_cause_parse(const char *word, enum ota_cause *ret_cause);
bool ota_mark_parse(const char *word, enum ota_mark *ret_mark);
bool ota_ask_parse(const char *word, enum ota_ask *ret_ask);
bool ota_cancel_level_parse(const char *word, enum ota_cancel_level *ret_level);
bool ota_batch_kind_parse(const char *word, enum ota_batch_kind *ret_kind);
bool ota_batch_state_parse(const char *word, enum ota_batch_state *ret_state);
bool ota_verification_parse(const char *word, enum ota_verification *ret_verification);

#endif
