#include "plugin/rules/task.h"

#include <stdlib.h>

#define BIT(state) (1u << OTA_TASK_##state)
#define OPEN (BIT(PENDING) | BIT(PUSHED) | BIT(UPGRADING))
#define ACTIVE (BIT(PUSHED) | BIT(UPGRADING))
#define FINAL (BIT(SUCCEEDED) | BIT(FAILED) | BIT(CANCELED))
#define ANY (OPEN | FINAL)

#define ROW(from_, event_, guard_, to_, cause_, effects_, why_)                                                        \
	{                                                                                                              \
		.from = (from_), .event = OTA_EVENT_##event_, .guard = OTA_GUARD_##guard_, .to = (unsigned)OTA_TASK_##to_,       \
		.cause = (unsigned)OTA_CAUSE_##cause_, .effects = (effects_), .why = (why_)                                      \
	}
#define E(effect) ((unsigned)OTA_EFFECT_##effect)

/* clang-format off */
static const struct ota_task_rule rules[] = {
	/*  from            event           guard                  to         cause              effects                          why */
	ROW(BIT(PENDING),   RELEASED,       ALWAYS,                PUSHED,    NONE,              E(ATTEMPT) | E(PUSH),            ""),
	ROW(ACTIVE | FINAL, RELEASED,       ALWAYS,                STAYS,     NONE,              E(NONE),                         "released before"),

	ROW(BIT(PENDING),   PULL,           GATES_OPEN,            PUSHED,    NONE,              E(ATTEMPT) | E(ANSWER),          ""),
	ROW(BIT(PENDING),   PULL,           ALWAYS,                STAYS,     NONE,              E(ANSWER_NONE),                  "a gate is closed"),
	ROW(BIT(PUSHED),    PULL,           GATES_OPEN,            STAYS,     NONE,              E(ANSWER),                       ""),
	ROW(BIT(PUSHED),    PULL,           ALWAYS,                STAYS,     NONE,              E(ANSWER_NONE),                  "paused"),
	ROW(BIT(UPGRADING), PULL,           DELIVERED,             STAYS,     NONE,              E(ANSWER_NONE),                  "it has the package"),
	ROW(BIT(UPGRADING), PULL,           SOAKING,               STAYS,     NONE,              E(ANSWER_NONE),                  ""),
	ROW(BIT(UPGRADING), PULL,           GATES_OPEN,            STAYS,     NONE,              E(ANSWER),                       "interrupted download"),
	ROW(BIT(UPGRADING), PULL,           ALWAYS,                STAYS,     NONE,              E(ANSWER_NONE),                  "paused"),
	ROW(FINAL,          PULL,           ALWAYS,                STAYS,     NONE,              E(ANSWER_NONE),                  ""),

	ROW(BIT(PENDING),   CONNECT,        ALWAYS,                STAYS,     NONE,              E(NONE),                         "its release is decided next"),
	ROW(BIT(PUSHED),    CONNECT,        ALWAYS,                STAYS,     NONE,              E(GO_ON) | E(REPUSH),            ""),
	ROW(BIT(UPGRADING), CONNECT,        DELIVERED,             STAYS,     NONE,              E(NONE),                         "the reboot timer decides"),
	ROW(BIT(UPGRADING), CONNECT,        SOAKING,               STAYS,     NONE,              E(NONE),                         ""),
	ROW(BIT(UPGRADING), CONNECT,        ALWAYS,                STAYS,     NONE,              E(REPUSH),                       "interrupted download"),
	ROW(FINAL,          CONNECT,        ALWAYS,                STAYS,     NONE,              E(NONE),                         ""),

	ROW(BIT(PENDING),   STEP,           ALWAYS,                STAYS,     NONE,              E(NOTE),                         "late or stray"),
	ROW(BIT(PUSHED),    STEP,           ALWAYS,                UPGRADING, NONE,              E(START) | E(STEP),              ""),
	ROW(BIT(UPGRADING), STEP,           SOAKING,               STAYS,     NONE,              E(NOTE),                         ""),
	ROW(BIT(UPGRADING), STEP,           DELIVERED,             STAYS,     NONE,              E(NOTE),                         "after a delivery only the version counts"),
	ROW(BIT(UPGRADING), STEP,           FORWARD,               STAYS,     NONE,              E(STEP),                         ""),
	ROW(BIT(UPGRADING), STEP,           ALWAYS,                STAYS,     NONE,              E(NONE),                         "steps go forward within an attempt"),
	ROW(FINAL,          STEP,           ALWAYS,                STAYS,     NONE,              E(NOTE),                         "late or stray"),

	ROW(BIT(PENDING),   DELIVERY,       ALWAYS,                STAYS,     NONE,              E(NOTE),                         "late or stray"),
	ROW(BIT(PUSHED),    DELIVERY,       ALWAYS,                UPGRADING, NONE,              E(START) | E(STEP) | E(DELIVERED), ""),
	ROW(BIT(UPGRADING), DELIVERY,       SOAKING,               STAYS,     NONE,              E(NOTE),                         ""),
	ROW(BIT(UPGRADING), DELIVERY,       DELIVERED,             STAYS,     NONE,              E(NOTE),                         "a repeat"),
	ROW(BIT(UPGRADING), DELIVERY,       ALWAYS,                STAYS,     NONE,              E(STEP) | E(DELIVERED),          ""),
	ROW(FINAL,          DELIVERY,       ALWAYS,                STAYS,     NONE,              E(NOTE),                         "late or stray"),

	ROW(BIT(PENDING),   NEGATIVE,       ALWAYS,                STAYS,     NONE,              E(NOTE),                         "the attempt it belongs to has ended"),
	ROW(BIT(UPGRADING), NEGATIVE,       SOAKING,               STAYS,     NONE,              E(NOTE),                         "it runs the target"),
	ROW(ACTIVE,         NEGATIVE,       STALE,                 STAYS,     NONE,              E(NOTE),                         "may belong to the attempt before"),
	ROW(ACTIVE,         NEGATIVE,       RETRY_LEFT,            PENDING,   OF_EVENT,          E(STEP) | E(RETRY),              ""),
	ROW(ACTIVE,         NEGATIVE,       ALWAYS,                FAILED,    OF_EVENT,          E(STEP),                         ""),
	ROW(FINAL,          NEGATIVE,       ALWAYS,                STAYS,     NONE,              E(NOTE),                         "late or stray"),

	ROW(BIT(PENDING),   INFORM_TARGET,  ATTEMPTED,             SUCCEEDED, VERSION_REPORTED,  E(NONE),                         "an attempt given up too early"),
	ROW(BIT(PENDING),   INFORM_TARGET,  ALWAYS,                SUCCEEDED, ALREADY_AT_TARGET, E(NONE),                         "counts in no gate and no rule"),
	ROW(BIT(UPGRADING), INFORM_TARGET,  SOAKING,               STAYS,     NONE,              E(NONE),                         ""),
	ROW(ACTIVE,         INFORM_TARGET,  SOAK_WANTED,           UPGRADING, NONE,              E(SOAK),                         ""),
	ROW(ACTIVE,         INFORM_TARGET,  ALWAYS,                SUCCEEDED, VERSION_REPORTED,  E(NONE),                         "the version report after the boot"),
	ROW(BIT(SUCCEEDED), INFORM_TARGET,  ALWAYS,                STAYS,     NONE,              E(NONE),                         ""),
	ROW(BIT(FAILED),    INFORM_TARGET,  GIVEN_UP,              STAYS,     NONE,              E(MARK_RECOVERED),               ""),
	ROW(BIT(FAILED),    INFORM_TARGET,  ALWAYS,                STAYS,     NONE,              E(NONE),                         ""),
	ROW(BIT(CANCELED),  INFORM_TARGET,  ALWAYS,                STAYS,     NONE,              E(MARK_INSTALLED),               ""),

	ROW(BIT(PENDING),   INFORM_SOURCE,  ALWAYS,                STAYS,     NONE,              E(NONE),                         ""),
	ROW(BIT(PUSHED),    INFORM_SOURCE,  ALWAYS,                STAYS,     NONE,              E(REPUSH),                       ""),
	ROW(BIT(UPGRADING), INFORM_SOURCE,  SOAKING_RETRY_LEFT,    PENDING,   ROLLED_BACK,       E(RETRY),                        ""),
	ROW(BIT(UPGRADING), INFORM_SOURCE,  SOAKING,               FAILED,    ROLLED_BACK,       E(NONE),                         "it did not stay up"),
	ROW(BIT(UPGRADING), INFORM_SOURCE,  DELIVERED_SAME_BOOT,   STAYS,     NONE,              E(NONE),                         "not restarted yet"),
	ROW(BIT(UPGRADING), INFORM_SOURCE,  DELIVERED_RETRY_LEFT,  PENDING,   ROLLED_BACK,       E(RETRY),                        ""),
	ROW(BIT(UPGRADING), INFORM_SOURCE,  DELIVERED,             FAILED,    ROLLED_BACK,       E(NONE),                         "booted back into the old version"),
	ROW(BIT(UPGRADING), INFORM_SOURCE,  ALWAYS,                STAYS,     NONE,              E(REPUSH),                       "interrupted download"),
	ROW(BIT(SUCCEEDED), INFORM_SOURCE,  ALWAYS,                STAYS,     NONE,              E(MARK_REGRESSED),               ""),
	ROW(BIT(FAILED) | BIT(CANCELED), INFORM_SOURCE, ALWAYS,    STAYS,     NONE,              E(NONE),                         ""),

	ROW(BIT(PENDING),   INFORM_OTHER,   STILL_MATCHES,         STAYS,     NONE,              E(NONE),                         ""),
	ROW(BIT(PENDING),   INFORM_OTHER,   ALWAYS,                CANCELED,  NO_LONGER_MATCHES, E(NONE),                         ""),
	ROW(BIT(UPGRADING), INFORM_OTHER,   SOAKING,               FAILED,    WRONG_VERSION,     E(NONE),                         "it did not stay up"),
	ROW(ACTIVE,         INFORM_OTHER,   FORMER_TARGET,         STAYS,     NONE,              E(REPUSH) | E(RESTART),          "an order taken back arrived late"),
	ROW(ACTIVE,         INFORM_OTHER,   ALWAYS,                FAILED,    WRONG_VERSION,     E(NONE),                         ""),
	ROW(BIT(SUCCEEDED), INFORM_OTHER,   OLDER,                 STAYS,     NONE,              E(MARK_REGRESSED),               "unless a later task moved it: the newest task alone is asked"),
	ROW(BIT(SUCCEEDED), INFORM_OTHER,   ALWAYS,                STAYS,     NONE,              E(NONE),                         "versions have no order: it may be a newer one"),
	ROW(BIT(FAILED) | BIT(CANCELED), INFORM_OTHER, ALWAYS,     STAYS,     NONE,              E(NONE),                         ""),

	ROW(BIT(PENDING),   TIMER_RETRY,    ALWAYS,                STAYS,     NONE,              E(NONE),                         "its release is decided next"),
	ROW(ACTIVE | FINAL, TIMER_RETRY,    ALWAYS,                STAYS,     NONE,              E(NONE),                         "overtaken"),

	ROW(BIT(PUSHED),    TIMER_PUSH,     RETRY_LEFT,            PENDING,   PUSH_TIMEOUT,      E(RETRY),                        ""),
	ROW(BIT(PUSHED),    TIMER_PUSH,     ALWAYS,                FAILED,    PUSH_TIMEOUT,      E(NONE),                         ""),
	ROW(BIT(PENDING) | BIT(UPGRADING) | FINAL, TIMER_PUSH, ALWAYS, STAYS, NONE,              E(NONE),                         "overtaken"),

	ROW(BIT(PUSHED),    TIMER_AWAY,     ONLINE,                STAYS,     NONE,              E(GO_ON),                        "it came back in the last moment"),
	ROW(BIT(PUSHED),    TIMER_AWAY,     ALWAYS,                FAILED,    LOST,              E(NONE),                         "it left with the offer and never returned"),
	ROW(BIT(PENDING) | BIT(UPGRADING) | FINAL, TIMER_AWAY, ALWAYS, STAYS, NONE,              E(NONE),                         "overtaken"),

	ROW(BIT(UPGRADING), TIMER_UPGRADE,  SOAKING,               STAYS,     NONE,              E(NONE),                         "the upgrade timer stopped"),
	ROW(BIT(UPGRADING), TIMER_UPGRADE,  RETRY_LEFT,            PENDING,   UPGRADE_TIMEOUT,   E(RETRY),                        ""),
	ROW(BIT(UPGRADING), TIMER_UPGRADE,  ALWAYS,                FAILED,    UPGRADE_TIMEOUT,   E(NONE),                         ""),
	ROW(BIT(PENDING) | BIT(PUSHED) | FINAL, TIMER_UPGRADE, ALWAYS, STAYS, NONE,              E(NONE),                         "overtaken"),

	ROW(BIT(UPGRADING), TIMER_REBOOT,   ONLINE_UNDRAWN,        STAYS,     NONE,              E(DRAWN) | E(PUSH),              "one push draws a report"),
	ROW(BIT(UPGRADING), TIMER_REBOOT,   DELIVERED_RETRY_LEFT,  PENDING,   LOST,              E(RETRY),                        ""),
	ROW(BIT(UPGRADING), TIMER_REBOOT,   DELIVERED,             FAILED,    LOST,              E(NONE),                         "a bricking image stops itself in minutes"),
	ROW(BIT(UPGRADING), TIMER_REBOOT,   ALWAYS,                STAYS,     NONE,              E(NONE),                         "overtaken"),
	ROW(BIT(PENDING) | BIT(PUSHED) | FINAL, TIMER_REBOOT, ALWAYS, STAYS,  NONE,              E(NONE),                         "overtaken"),

	ROW(BIT(UPGRADING), TIMER_SOAK,     SOAKING,               SUCCEEDED, VERSION_REPORTED,  E(NONE),                         ""),
	ROW(BIT(UPGRADING), TIMER_SOAK,     ALWAYS,                STAYS,     NONE,              E(NONE),                         "overtaken"),
	ROW(BIT(PENDING) | BIT(PUSHED) | FINAL, TIMER_SOAK, ALWAYS, STAYS,    NONE,              E(NONE),                         "overtaken"),

	ROW(OPEN,           LOOP,           ALWAYS,                FAILED,    LOOP,              E(BAR),                          ""),
	ROW(FINAL,          LOOP,           ALWAYS,                STAYS,     NONE,              E(BAR),                          ""),

	ROW(BIT(PENDING),   WITHDRAW,       ALWAYS,                CANCELED,  WITHDRAWN,         E(NONE),                         ""),
	ROW(ACTIVE | FINAL, WITHDRAW,       ALWAYS,                STAYS,     NONE,              E(NONE),                         "what was sent runs on"),

	ROW(BIT(PENDING),   EXPIRE,         ALWAYS,                CANCELED,  EXPIRED,           E(NONE),                         ""),
	ROW(ACTIVE | FINAL, EXPIRE,         ALWAYS,                STAYS,     NONE,              E(NONE),                         "what was sent runs on"),

	ROW(ACTIVE,         ASK,            ASK_WAITS,             STAYS,     NONE,              E(NONE),                         "asked already"),
	ROW(ACTIVE,         ASK,            ASKABLE,               STAYS,     NONE,              E(ASK),                          ""),
	ROW(ACTIVE,         ASK,            ALWAYS,                STAYS,     NONE,              E(ASK_UNABLE),                   "it would not understand: revoke it"),
	ROW(BIT(PENDING) | FINAL, ASK,      ALWAYS,                STAYS,     NONE,              E(NONE),                         "nothing to give up"),

	ROW(ACTIVE,         ASK_ACCEPTED,   ASKED,                 CANCELED,  ASKED,             E(NONE),                         "in time or later"),
	ROW(ANY,            ASK_ACCEPTED,   ALWAYS,                STAYS,     NONE,              E(NOTE),                         "nobody asked, or it is over"),
	ROW(ACTIVE,         ASK_REFUSED,    ASKED,                 STAYS,     NONE,              E(ASK_REFUSED),                  "it goes on"),
	ROW(ANY,            ASK_REFUSED,    ALWAYS,                STAYS,     NONE,              E(NOTE),                         "nobody asked, or it is over"),
	ROW(ACTIVE,         ASK_UNANSWERED, ASK_WAITS,             STAYS,     NONE,              E(ASK_NO_ANSWER),                "it goes on"),
	ROW(ANY,            ASK_UNANSWERED, ALWAYS,                STAYS,     NONE,              E(NONE),                         "overtaken"),

	ROW(BIT(PENDING),   REVOKE,         ALWAYS,                CANCELED,  WITHDRAWN,         E(NONE),                         "nothing was sent"),
	ROW(ACTIVE,         REVOKE,         ALWAYS,                CANCELED,  REVOKED,           E(NONE),                         ""),
	ROW(FINAL,          REVOKE,         ALWAYS,                STAYS,     NONE,              E(NONE),                         ""),

	ROW(OPEN,           SUPERSEDE,      ALWAYS,                CANCELED,  SUPERSEDED,        E(NONE),                         ""),
	ROW(FINAL,          SUPERSEDE,      ALWAYS,                STAYS,     NONE,              E(NONE),                         ""),
	ROW(OPEN,           DEVICE_DELETED, ALWAYS,                CANCELED,  DEVICE_DELETED,    E(NONE),                         ""),
	ROW(FINAL,          DEVICE_DELETED, ALWAYS,                STAYS,     NONE,              E(NONE),                         ""),
	ROW(OPEN,           PACKAGE_YANKED, ALWAYS,                CANCELED,  PACKAGE_YANKED,    E(NONE),                         ""),
	ROW(FINAL,          PACKAGE_YANKED, ALWAYS,                STAYS,     NONE,              E(NONE),                         ""),
};
/* clang-format on */

static const char *const event_words[OTA_TASK_EVENTS] = {
	[OTA_EVENT_RELEASED] = "released",
	[OTA_EVENT_PULL] = "pull",
	[OTA_EVENT_CONNECT] = "connect",
	[OTA_EVENT_STEP] = "progress 0..99",
	[OTA_EVENT_DELIVERY] = "delivery",
	[OTA_EVENT_NEGATIVE] = "progress -1..-4",
	[OTA_EVENT_INFORM_TARGET] = "inform(target)",
	[OTA_EVENT_INFORM_SOURCE] = "inform(source)",
	[OTA_EVENT_INFORM_OTHER] = "inform(other)",
	[OTA_EVENT_TIMER_RETRY] = "retry timer",
	[OTA_EVENT_TIMER_PUSH] = "push timer",
	[OTA_EVENT_TIMER_AWAY] = "away timer",
	[OTA_EVENT_TIMER_UPGRADE] = "upgrade timer",
	[OTA_EVENT_TIMER_REBOOT] = "reboot timer",
	[OTA_EVENT_TIMER_SOAK] = "soak timer",
	[OTA_EVENT_LOOP] = "loop",
	[OTA_EVENT_WITHDRAW] = "withdraw",
	[OTA_EVENT_EXPIRE] = "expire",
	[OTA_EVENT_ASK] = "ask to cancel",
	[OTA_EVENT_ASK_ACCEPTED] = "cancel accepted",
	[OTA_EVENT_ASK_REFUSED] = "cancel refused",
	[OTA_EVENT_ASK_UNANSWERED] = "cancel unanswered",
	[OTA_EVENT_REVOKE] = "revoke",
	[OTA_EVENT_SUPERSEDE] = "supersede",
	[OTA_EVENT_DEVICE_DELETED] = "device deleted",
	[OTA_EVENT_PACKAGE_YANKED] = "package yanked",
};

static const char *const guard_words[OTA_TASK_GUARDS] = {
	[OTA_GUARD_ALWAYS] = "",
	[OTA_GUARD_GATES_OPEN] = "gates open",
	[OTA_GUARD_ATTEMPTED] = "was pushed before",
	[OTA_GUARD_GIVEN_UP] = "lost or timed out",
	[OTA_GUARD_STILL_MATCHES] = "still matches",
	[OTA_GUARD_FORMER_TARGET] = "a recent former target",
	[OTA_GUARD_OLDER] = "known to be older",
	[OTA_GUARD_STALE] = "no report since a young push",
	[OTA_GUARD_RETRY_LEFT] = "retry left",
	[OTA_GUARD_SOAK_WANTED] = "soak wanted",
	[OTA_GUARD_SOAKING] = "soaking",
	[OTA_GUARD_SOAKING_RETRY_LEFT] = "soaking, retry left",
	[OTA_GUARD_FORWARD] = "forward",
	[OTA_GUARD_DELIVERED] = "delivered",
	[OTA_GUARD_DELIVERED_SAME_BOOT] = "delivered, same boot",
	[OTA_GUARD_DELIVERED_RETRY_LEFT] = "delivered, retry left",
	[OTA_GUARD_ONLINE] = "online",
	[OTA_GUARD_ONLINE_UNDRAWN] = "delivered, online, not drawn yet",
	[OTA_GUARD_ASKABLE] = "announced cancel",
	[OTA_GUARD_ASK_WAITS] = "its answer is waited for",
	[OTA_GUARD_ASKED] = "was asked",
};

static bool guard_holds(enum ota_task_guard guard, const struct ota_task_situation *s)
{
	bool soaking = s->phase == OTA_PHASE_SOAKING;
	bool delivered = s->phase == OTA_PHASE_DELIVERED || s->phase == OTA_PHASE_DRAWN;
	const bool holds[OTA_TASK_GUARDS] = {
		[OTA_GUARD_ALWAYS] = true,
		[OTA_GUARD_GATES_OPEN] = s->facts.gates_open,
		[OTA_GUARD_ATTEMPTED] = s->attempted,
		[OTA_GUARD_GIVEN_UP] = s->cause == OTA_CAUSE_LOST || s->cause == OTA_CAUSE_PUSH_TIMEOUT ||
				       s->cause == OTA_CAUSE_UPGRADE_TIMEOUT,
		[OTA_GUARD_STILL_MATCHES] = s->facts.still_matches,
		[OTA_GUARD_FORMER_TARGET] = s->facts.former_target,
		[OTA_GUARD_OLDER] = s->facts.older,
		[OTA_GUARD_STALE] = s->facts.stale_negative,
		[OTA_GUARD_RETRY_LEFT] = s->facts.retry_left,
		[OTA_GUARD_SOAK_WANTED] = s->facts.soak_wanted,
		[OTA_GUARD_SOAKING] = soaking,
		[OTA_GUARD_SOAKING_RETRY_LEFT] = soaking && s->facts.retry_left,
		[OTA_GUARD_FORWARD] = s->facts.forward,
		[OTA_GUARD_DELIVERED] = delivered,
		[OTA_GUARD_DELIVERED_SAME_BOOT] = delivered && s->facts.same_boot,
		[OTA_GUARD_DELIVERED_RETRY_LEFT] = delivered && s->facts.retry_left,
		[OTA_GUARD_ONLINE] = s->facts.online,
		[OTA_GUARD_ONLINE_UNDRAWN] = s->phase == OTA_PHASE_DELIVERED && s->facts.online,
		[OTA_GUARD_ASKABLE] = s->facts.askable,
		[OTA_GUARD_ASK_WAITS] = s->ask == OTA_ASK_WAITING,
		[OTA_GUARD_ASKED] = s->ask == OTA_ASK_WAITING || s->ask == OTA_ASK_REFUSED || s->ask == OTA_ASK_NO_ANSWER,
	};
	return holds[guard];
}

const struct ota_task_rule *ota_task_decide(const struct ota_task_situation *situation, enum ota_task_event event)
{
	const size_t count = sizeof(rules) / sizeof(rules[0]);
	unsigned from = 1u << situation->state;

	for (size_t i = 0; i < count; i++) {
		if (rules[i].event == event && (rules[i].from & from) && guard_holds(rules[i].guard, situation))
			return &rules[i];
	}
	abort(); /* the totality test proves that no situation comes here */
}

const struct ota_task_rule *ota_task_rules(size_t *ret_count)
{
	*ret_count = sizeof(rules) / sizeof(rules[0]);
	return rules;
}

const char *ota_task_event_word(enum ota_task_event event)
{
	return (unsigned)event < OTA_TASK_EVENTS ? event_words[event] : "";
}

const char *ota_task_guard_word(enum ota_task_guard guard)
{
	return (unsigned)guard < OTA_TASK_GUARDS ? guard_words[guard] : "";
}

enum ota_cause ota_cause_of_step(int step)
{
	switch (step) {
	case -1:
		return OTA_CAUSE_UPGRADE_FAILED;
	case -2:
		return OTA_CAUSE_DOWNLOAD_FAILED;
	case -3:
		return OTA_CAUSE_VERIFY_FAILED;
	case -4:
		return OTA_CAUSE_BURN_FAILED;
	default:
		return OTA_CAUSE_NONE;
	}
}
