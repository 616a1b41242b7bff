/*
 * Task: the one table of what an event does to a task (DESIGN.md section 6). Pure: no clock, no I/O.
 *
 * The table lists every (state, event) pair; within a pair the first row whose guard holds decides. docs/states.md is printed
 * from it, and a test proves that no pair is missing and that a row without a guard ends each.
 */
#ifndef OTA_PLUGIN_RULES_TASK_H
#define OTA_PLUGIN_RULES_TASK_H

#include <stddef.h>

#include "plugin/rules/words.h"

/* Where an attempt stands inside upgrading. */
enum ota_task_phase {
	OTA_PHASE_NONE,
	OTA_PHASE_DELIVERED, /* the whole package is on the device; the reboot timer runs */
	OTA_PHASE_DRAWN,     /* the reboot timer ran out while the device was online: one push was sent to draw a report */
	OTA_PHASE_SOAKING,   /* the target was reported; it must stay so for the soak time */
	OTA_PHASES,
};

enum ota_task_event {
	OTA_EVENT_RELEASED,       /* all gates open, the device online and settled */
	OTA_EVENT_PULL,           /* the device asks for work */
	OTA_EVENT_CONNECT,        /* the device came online and settled */
	OTA_EVENT_STEP,           /* progress 0..99 */
	OTA_EVENT_DELIVERY,       /* progress 100, or the whole package handed over */
	OTA_EVENT_NEGATIVE,       /* progress -1..-4 */
	OTA_EVENT_INFORM_TARGET,  /* a settled inform of the task's version */
	OTA_EVENT_INFORM_SOURCE,  /* a settled inform of the version the attempt started from */
	OTA_EVENT_INFORM_OTHER,   /* a settled inform of any other version */
	OTA_EVENT_TIMER_RETRY,    /* the pause before a retry is over */
	OTA_EVENT_TIMER_PUSH,     /* nothing came for the push timeout, online time */
	OTA_EVENT_TIMER_AWAY,     /* the push timer stood still, and the device did not return before the batch's end */
	OTA_EVENT_TIMER_UPGRADE,  /* the upgrade took too long, from its first report */
	OTA_EVENT_TIMER_REBOOT,   /* no inform came for the reboot timeout after a delivery */
	OTA_EVENT_TIMER_SOAK,     /* the target stayed for the soak time */
	OTA_EVENT_LOOP,           /* too many deliveries without a version change */
	OTA_EVENT_WITHDRAW,       /* an operator takes back what was not sent yet */
	OTA_EVENT_EXPIRE,         /* the batch's end has come */
	OTA_EVENT_ASK,            /* an operator asks the device to give up */
	OTA_EVENT_ASK_ACCEPTED,   /* it agreed */
	OTA_EVENT_ASK_REFUSED,    /* it refused */
	OTA_EVENT_ASK_UNANSWERED, /* it did not answer in time */
	OTA_EVENT_REVOKE,         /* an operator closes the task whatever the device does */
	OTA_EVENT_SUPERSEDE,      /* a newer batch takes the device */
	OTA_EVENT_DEVICE_DELETED,
	OTA_EVENT_PACKAGE_YANKED,
	OTA_TASK_EVENTS,
};

/* What the guards ask. Facts a situation does not know are false. */
struct ota_task_facts {
	bool gates_open;     /* for RELEASED, PULL and a repeated push */
	bool online;
	bool askable;        /* the device said that it understands to be asked */
	bool retry_left;     /* the strategy retries this cause and attempts are left */
	bool soak_wanted;
	bool same_boot;      /* the device informed with the boot id it had when it was pushed: it has not restarted */
	bool still_matches;  /* the batch and one artifact still suit the version just informed */
	bool former_target;  /* the version was the target of a task superseded or revoked in the last days */
	bool older;          /* the device ran that version before this task, or its package was there before this one's */
	bool forward;        /* the step is not below the last one, or is the first since a push */
	bool stale_negative; /* an earlier attempt's -n may still be on its way: no other report since a young push */
};

enum ota_task_guard {
	OTA_GUARD_ALWAYS,
	OTA_GUARD_GATES_OPEN,
	OTA_GUARD_ATTEMPTED,      /* the task was pushed at least once */
	OTA_GUARD_GIVEN_UP,       /* the final cause is lost or a timeout */
	OTA_GUARD_STILL_MATCHES,
	OTA_GUARD_FORMER_TARGET,
	OTA_GUARD_OLDER,
	OTA_GUARD_STALE,
	OTA_GUARD_RETRY_LEFT,
	OTA_GUARD_SOAK_WANTED,
	OTA_GUARD_SOAKING,
	OTA_GUARD_SOAKING_RETRY_LEFT,
	OTA_GUARD_FORWARD,
	OTA_GUARD_DELIVERED,            /* delivered or drawn */
	OTA_GUARD_DELIVERED_SAME_BOOT,
	OTA_GUARD_DELIVERED_RETRY_LEFT,
	OTA_GUARD_ONLINE,
	OTA_GUARD_ONLINE_UNDRAWN,
	OTA_GUARD_ASKABLE,
	OTA_GUARD_ASK_WAITS,            /* asked, and its time is not over */
	OTA_GUARD_ASKED,                /* and it did not agree yet */
	OTA_TASK_GUARDS,
};

enum ota_task_effect {
	OTA_EFFECT_NONE = 0,
	OTA_EFFECT_ATTEMPT = 1,        /* a new attempt begins */
	OTA_EFFECT_PUSH = 2,           /* send the push now */
	OTA_EFFECT_REPUSH = 4,         /* send it again as soon as the pauses between pushes and the gates allow */
	OTA_EFFECT_ANSWER = 8,         /* answer the pull with the push */
	OTA_EFFECT_ANSWER_NONE = 16,   /* answer the pull: nothing to do */
	OTA_EFFECT_STEP = 32,          /* keep step and text */
	OTA_EFFECT_START = 64,         /* the upgrade timer starts, once an attempt */
	OTA_EFFECT_DELIVERED = 128,    /* the reboot timer starts */
	OTA_EFFECT_SOAK = 256,         /* the soak timer starts, the upgrade timer stops */
	OTA_EFFECT_DRAWN = 512,        /* the reboot timer starts once more */
	OTA_EFFECT_RETRY = 1024,       /* the pause before the next attempt starts */
	OTA_EFFECT_BAR = 2048,         /* the device is barred until an operator lifts it */
	OTA_EFFECT_NOTE = 4096,        /* written to the event log, nothing else */
	OTA_EFFECT_MARK_REGRESSED = 8192,
	OTA_EFFECT_MARK_RECOVERED = 16384,
	OTA_EFFECT_MARK_INSTALLED = 32768,
	OTA_EFFECT_GO_ON = 131072,     /* a push timer that stood still goes on with what was left of it */
	OTA_EFFECT_ASK = 262144,       /* ask the device; its time to answer starts */
	OTA_EFFECT_ASK_UNABLE = 524288,
	OTA_EFFECT_ASK_REFUSED = 1048576,
	OTA_EFFECT_ASK_NO_ANSWER = 2097152,
	OTA_EFFECT_RESTART = 65536,    /* what was delivered is gone: the download starts over, with a whole upgrade timer */
};

/* Instead of a state: it stays what it is. Instead of a cause: that of the event (a negative step's). */
enum { OTA_TASK_STAYS = OTA_TASK_STATES, OTA_CAUSE_OF_EVENT = OTA_CAUSES };

struct ota_task_rule {
	unsigned from;  /* bits 1 << enum ota_task_state */
	enum ota_task_event event;
	enum ota_task_guard guard;
	unsigned to;    /* enum ota_task_state or OTA_TASK_STAYS */
	unsigned cause; /* enum ota_cause or OTA_CAUSE_OF_EVENT; of the final state, or of the attempt that ends in a retry */
	unsigned effects;
	const char *why; /* for the docs, "" when the row speaks for itself */
};

struct ota_task_situation {
	enum ota_task_state state;
	enum ota_task_phase phase;
	enum ota_cause cause; /* of a final task: which marks apply */
	bool attempted;
	enum ota_ask ask;
	struct ota_task_facts facts;
};

/* The row that decides. Never NULL: the table is total. */
const struct ota_task_rule *ota_task_decide(const struct ota_task_situation *situation, enum ota_task_event event);

/* For the docs and the totality test. */
const struct ota_task_rule *ota_task_rules(size_t *ret_count);
const char *ota_task_event_word(enum ota_task_event event);
const char *ota_task_guard_word(enum ota_task_guard guard);

/* progress -1..-4 -> cause; OTA_CAUSE_NONE for anything else. */
enum ota_cause ota_cause_of_step(int step);

#endif
