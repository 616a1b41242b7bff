/*
 * The agent's mind: step(state, event, now) -> state + effects.
 *
 * No I/O, no clock, no memory allocation, no threads: everything it knows is in struct agent_core, everything it wants is in the
 * list of effects, and the caller carries them out in order. SAVE stands before whatever must not happen unrecorded; when it
 * fails the caller drops the effects behind it and brings AGENT_EVENT_UNSAVED.
 *
 * One task at a time, whatever its module: DESIGN.md section 6, "at most one task per device is pushed or upgrading".
 */
#ifndef OTA_AGENT_CORE_MACHINE_H
#define OTA_AGENT_CORE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/core/refusal.h"
#include "agent/ports/clock.h"
#include "agent/ports/fetch.h"
#include "common/log.h"
#include "common/message.h"

#define AGENT_VERSION_UNKNOWN "unknown" /* what is reported when a module cannot prove what it runs */

enum {
	AGENT_MODULES_MAX = 16,
	AGENT_EFFECTS_MAX = AGENT_MODULES_MAX + 8,
	AGENT_PERCENT_STEP = 5, /* a report at most every so many percent */
};

enum agent_state {
	AGENT_STARTING,   /* asking the installers what runs */
	AGENT_IDLE,
	AGENT_FETCHING,   /* a worker downloads */
	AGENT_PAUSED,     /* the download failed for now; the timer tries again */
	AGENT_STOPPING,   /* the server asked to cancel; waiting for the worker to let go */
	AGENT_INSTALLING, /* a worker installs */
	AGENT_RESTARTING, /* installed; waiting for the end of this process */
	AGENT_STATES,
};

enum agent_event_kind {
	AGENT_EVENT_VERSION,         /* an installer told what runs */
	AGENT_EVENT_UP,              /* connected to the broker */
	AGENT_EVENT_DOWN,
	AGENT_EVENT_OFFER,           /* a push */
	AGENT_EVENT_CANCEL,          /* ask-to-cancel */
	AGENT_EVENT_ACKNOWLEDGED,    /* the broker has a report */
	AGENT_EVENT_RECEIVED,        /* bytes of the download in hand */
	AGENT_EVENT_FETCHED,         /* the download ended, one way or another */
	AGENT_EVENT_INSTALLED,
	AGENT_EVENT_NOT_INSTALLED,
	AGENT_EVENT_NOT_RESTARTED,
	AGENT_EVENT_TIMER,
	AGENT_EVENT_UNSAVED,         /* the last SAVE failed */
	AGENT_EVENTS,
};

struct agent_event {
	enum agent_event_kind kind;
	const char *fault; /* OFFER: what is wrong with it, then only what names it is there; NULL: nothing */
	union {
		struct {
			size_t module;       /* index */
			const char *version; /* NULL: cannot be told */
		} version;
		const struct ota_offer *offer;
		struct {
			int64_t batch, attempt;
		} cancel;
		uint32_t number; /* ACKNOWLEDGED */
		uint64_t bytes;  /* RECEIVED */
		const struct agent_fetch_result *fetched;
		const struct ota_error *error; /* NOT_INSTALLED, NOT_RESTARTED, UNSAVED */
	};
};

enum agent_effect_kind {
	AGENT_EFFECT_SAVE,
	AGENT_EFFECT_CONNECT,
	AGENT_EFFECT_INFORM,   /* of module `index` */
	AGENT_EFFECT_REPORT,   /* core->report */
	AGENT_EFFECT_FETCH,    /* core->task */
	AGENT_EFFECT_STOP,     /* the download under way */
	AGENT_EFFECT_DISCARD,  /* what is kept of the download of module `index` */
	AGENT_EFFECT_INSTALL,  /* core->task */
	AGENT_EFFECT_RESTART,
	AGENT_EFFECT_TIMER,    /* AGENT_EVENT_TIMER at core->due_ms */
	AGENT_EFFECT_LOG,      /* `word`, then `text` */
	AGENT_EFFECT_KINDS,
};

struct agent_effect {
	enum agent_effect_kind kind;
	size_t index;
	enum ota_log_level level;
	const char *word;
	char text[OTA_DESC_MAX + 1];
};

struct agent_effects {
	size_t count;
	struct agent_effect list[AGENT_EFFECTS_MAX];
};

/* How far a task has come, as it stands on disk. */
enum agent_phase {
	AGENT_PHASE_NONE,
	AGENT_PHASE_FETCHING,
	AGENT_PHASE_INSTALLING,
	AGENT_PHASE_RESTARTING,
	AGENT_PHASES,
};

struct agent_task {
	enum agent_phase phase;
	struct ota_offer offer;
	size_t module;      /* index of offer.module; not on disk */
	char from[OTA_VERSION_MAX + 1];
	int64_t starts;     /* how often work on it was begun, by a push or by a start of the process */
	bool delivered;     /* downloaded and verified */
	char sha256[OTA_SHA256_HEX + 1]; /* of the downloaded file; not on disk: a resumed task proves the file again */
};

/* What the server should have heard last. Kept on disk once it matters (0, 100, negatives, answers to a cancel). */
struct agent_report {
	bool pending;    /* not acknowledged */
	uint32_t number; /* of this process; 0 = there is none */
	struct ota_progress progress;
};

struct agent_module {
	char name[OTA_MODULE_MAX + 1];
	char version[OTA_VERSION_MAX + 1];
	bool known; /* its installer has answered */
};

struct agent_limits {
	int64_t starts_max;        /* of one attempt */
	int64_t fetch_tries_max;   /* in a row without a byte of progress */
	int64_t fetch_deadline_ms; /* of one download, pauses included */
	int64_t retry_base_ms, retry_cap_ms;
	int64_t restart_tries_max;
	int64_t restart_patience_ms; /* how long a restart that was said to be under way may take */
};

struct agent_core {
	/* Given. */
	struct agent_limits limits;
	struct agent_module modules[AGENT_MODULES_MAX];
	size_t module_count;
	/* On disk (agent/core/record.h). */
	struct agent_task task;
	struct agent_report report;
	struct agent_refusals refusals;
	int64_t last_batch, last_attempt;   /* the last task worked on: stands in every inform */
	int64_t ended_batch, ended_attempt; /* the last one that is over: a repeat of its push is no new work */
	/* For this process only. */
	enum agent_state state;
	bool link_up;
	int64_t tries;
	uint64_t received; /* bytes at the last sign of progress */
	bool refetched;    /* kept bytes were already thrown away once */
	bool failed;       /* a task failed, or a push was refused; for who runs the agent once */
	int64_t started_ms;
	int64_t due_ms;
	uint32_t last_number;
};

/* One row of the machine: the first row of (from, event) whose guard holds is taken. */
struct agent_row {
	enum agent_state from;
	enum agent_event_kind event;
	bool (*guard)(const struct agent_core *core, const struct agent_event *event, struct agent_now now); /* NULL: always */
	enum agent_state to;
	void (*action)(struct agent_core *core, const struct agent_event *event, struct agent_now now,
		       struct agent_effects *effects);
	const char *guard_name, *action_name; /* for the documentation's table */
};

int agent_module_name_check(const char *name, struct ota_error *error);
/* core must be zeroed; names are the modules'. OTA_EINVALID for a bad or repeated name or too many. */
int agent_core_init(struct agent_core *core, const char *const *names, size_t count, const struct agent_limits *limits,
		    struct ota_error *error);
/* Replaces effects. */
void agent_core_step(struct agent_core *core, const struct agent_event *event, struct agent_now now,
		     struct agent_effects *effects);

const struct agent_row *agent_core_rows(size_t *ret_count);
const char *agent_state_name(enum agent_state state);
const char *agent_event_name(enum agent_event_kind kind);
const char *agent_phase_name(enum agent_phase phase);
bool agent_phase_parse(const char *name, enum agent_phase *ret_phase);

/* QoS of a report: phase changes, 100, negatives and answers must arrive, a percentage in between need not. */
int agent_report_qos(const struct ota_progress *progress);

#endif
