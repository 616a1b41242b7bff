#include "agent/core/machine.h"

#include <assert.h>
#include <string.h>

#include "agent/core/actions.h"
#include "agent/core/guards.h"
#include "common/text.h"

/* clang-format off */
#define ALWAYS   NULL, "-"
#define IF(name) agent_guard_##name, #name
#define NOTHING  NULL, "-"
#define DO(name) agent_do_##name, #name
#define ROW(from, event, guard, to, action) ROW_(AGENT_##from, AGENT_EVENT_##event, guard, AGENT_##to, action)
#define ROW_(from, event, guard, guard_name, to, action, action_name) {from, event, guard, to, action, guard_name, action_name}

static const struct agent_row rows[] = {
	/*  from        event           guard                       to          action */
	ROW(STARTING,   VERSION,        IF(versions_are_missing),   STARTING,   NOTHING),
	ROW(STARTING,   VERSION,        IF(nothing_was_begun),      IDLE,       DO(connect)),
	ROW(STARTING,   VERSION,        IF(target_runs),            IDLE,       DO(conclude_success)),
	ROW(STARTING,   VERSION,        IF(restart_was_expected),   IDLE,       DO(conclude_fallback)),
	ROW(STARTING,   VERSION,        IF(starts_are_used_up),     IDLE,       DO(give_up_starts)),
	ROW(STARTING,   VERSION,        ALWAYS,                     FETCHING,   DO(resume)),
	ROW(STARTING,   UP,             ALWAYS,                     STARTING,   NOTHING),
	ROW(STARTING,   DOWN,           ALWAYS,                     STARTING,   NOTHING),
	ROW(STARTING,   OFFER,          ALWAYS,                     STARTING,   DO(ignore_offer)),
	ROW(STARTING,   CANCEL,         ALWAYS,                     STARTING,   DO(ignore_cancel)),
	ROW(STARTING,   ACKNOWLEDGED,   ALWAYS,                     STARTING,   NOTHING),
	ROW(STARTING,   RECEIVED,       ALWAYS,                     STARTING,   NOTHING),
	ROW(STARTING,   FETCHED,        ALWAYS,                     STARTING,   NOTHING),
	ROW(STARTING,   INSTALLED,      ALWAYS,                     STARTING,   NOTHING),
	ROW(STARTING,   NOT_INSTALLED,  ALWAYS,                     STARTING,   NOTHING),
	ROW(STARTING,   NOT_RESTARTED,  ALWAYS,                     STARTING,   NOTHING),
	ROW(STARTING,   TIMER,          ALWAYS,                     STARTING,   NOTHING),
	ROW(STARTING,   UNSAVED,        ALWAYS,                     STARTING,   NOTHING),

	ROW(IDLE,       VERSION,        ALWAYS,                     IDLE,       NOTHING),
	ROW(IDLE,       UP,             ALWAYS,                     IDLE,       DO(greet)),
	ROW(IDLE,       DOWN,           ALWAYS,                     IDLE,       NOTHING),
	ROW(IDLE,       OFFER,          IF(offer_runs_already),     IDLE,       DO(inform_offered)),
	ROW(IDLE,       OFFER,          IF(attempt_is_over),        IDLE,       DO(ignore_offer)),
	ROW(IDLE,       OFFER,          IF(offer_is_faulty),        IDLE,       DO(refuse_faulty)),
	ROW(IDLE,       OFFER,          IF(module_is_unknown),      IDLE,       DO(refuse_module)),
	ROW(IDLE,       OFFER,          IF(offer_has_files),        IDLE,       DO(refuse_files)),
	ROW(IDLE,       OFFER,          IF(package_is_bad),         IDLE,       DO(refuse_again)),
	ROW(IDLE,       OFFER,          IF(offer_is_delta),         IDLE,       DO(refuse_delta)),
	ROW(IDLE,       OFFER,          ALWAYS,                     FETCHING,   DO(begin)),
	ROW(IDLE,       CANCEL,         IF(cancel_names_ended),     IDLE,       DO(refuse_cancel_ended)),
	ROW(IDLE,       CANCEL,         ALWAYS,                     IDLE,       DO(accept_cancel)),
	ROW(IDLE,       ACKNOWLEDGED,   ALWAYS,                     IDLE,       DO(note_acknowledged)),
	ROW(IDLE,       RECEIVED,       ALWAYS,                     IDLE,       NOTHING),
	ROW(IDLE,       FETCHED,        ALWAYS,                     IDLE,       NOTHING),
	ROW(IDLE,       INSTALLED,      ALWAYS,                     IDLE,       NOTHING),
	ROW(IDLE,       NOT_INSTALLED,  ALWAYS,                     IDLE,       NOTHING),
	ROW(IDLE,       NOT_RESTARTED,  ALWAYS,                     IDLE,       NOTHING),
	ROW(IDLE,       TIMER,          ALWAYS,                     IDLE,       NOTHING),
	ROW(IDLE,       UNSAVED,        ALWAYS,                     IDLE,       DO(say_anyway)),

	ROW(FETCHING,   VERSION,        ALWAYS,                     FETCHING,   NOTHING),
	ROW(FETCHING,   UP,             ALWAYS,                     FETCHING,   DO(greet)),
	ROW(FETCHING,   DOWN,           ALWAYS,                     FETCHING,   NOTHING),
	ROW(FETCHING,   OFFER,          ALWAYS,                     FETCHING,   DO(ignore_offer)),
	ROW(FETCHING,   CANCEL,         IF(cancel_names_task),      STOPPING,   DO(stop)),
	ROW(FETCHING,   CANCEL,         ALWAYS,                     FETCHING,   DO(ignore_cancel)),
	ROW(FETCHING,   ACKNOWLEDGED,   ALWAYS,                     FETCHING,   DO(note_acknowledged)),
	ROW(FETCHING,   RECEIVED,       ALWAYS,                     FETCHING,   DO(note_received)),
	ROW(FETCHING,   FETCHED,        IF(fetch_is_done),          INSTALLING, DO(install)),
	ROW(FETCHING,   FETCHED,        IF(work_was_stopped),       FETCHING,   NOTHING),
	ROW(FETCHING,   FETCHED,        IF(fetch_may_begin_anew),   FETCHING,   DO(fetch_anew)),
	ROW(FETCHING,   FETCHED,        IF(fetch_may_go_on),        PAUSED,     DO(pause)),
	ROW(FETCHING,   FETCHED,        ALWAYS,                     IDLE,       DO(fail_fetch)),
	ROW(FETCHING,   INSTALLED,      ALWAYS,                     FETCHING,   NOTHING),
	ROW(FETCHING,   NOT_INSTALLED,  ALWAYS,                     FETCHING,   NOTHING),
	ROW(FETCHING,   NOT_RESTARTED,  ALWAYS,                     FETCHING,   NOTHING),
	ROW(FETCHING,   TIMER,          ALWAYS,                     FETCHING,   NOTHING),
	ROW(FETCHING,   UNSAVED,        ALWAYS,                     IDLE,       DO(fail_unsaved)),

	ROW(PAUSED,     VERSION,        ALWAYS,                     PAUSED,     NOTHING),
	ROW(PAUSED,     UP,             ALWAYS,                     PAUSED,     DO(greet)),
	ROW(PAUSED,     DOWN,           ALWAYS,                     PAUSED,     NOTHING),
	ROW(PAUSED,     OFFER,          ALWAYS,                     PAUSED,     DO(ignore_offer)),
	ROW(PAUSED,     CANCEL,         IF(cancel_names_task),      IDLE,       DO(cancel_task)),
	ROW(PAUSED,     CANCEL,         ALWAYS,                     PAUSED,     DO(ignore_cancel)),
	ROW(PAUSED,     ACKNOWLEDGED,   ALWAYS,                     PAUSED,     DO(note_acknowledged)),
	ROW(PAUSED,     RECEIVED,       ALWAYS,                     PAUSED,     NOTHING),
	ROW(PAUSED,     FETCHED,        ALWAYS,                     PAUSED,     NOTHING),
	ROW(PAUSED,     INSTALLED,      ALWAYS,                     PAUSED,     NOTHING),
	ROW(PAUSED,     NOT_INSTALLED,  ALWAYS,                     PAUSED,     NOTHING),
	ROW(PAUSED,     NOT_RESTARTED,  ALWAYS,                     PAUSED,     NOTHING),
	ROW(PAUSED,     TIMER,          IF(timer_is_due),           FETCHING,   DO(fetch_again)),
	ROW(PAUSED,     TIMER,          ALWAYS,                     PAUSED,     NOTHING),
	ROW(PAUSED,     UNSAVED,        ALWAYS,                     IDLE,       DO(fail_unsaved)),

	ROW(STOPPING,   VERSION,        ALWAYS,                     STOPPING,   NOTHING),
	ROW(STOPPING,   UP,             ALWAYS,                     STOPPING,   DO(greet)),
	ROW(STOPPING,   DOWN,           ALWAYS,                     STOPPING,   NOTHING),
	ROW(STOPPING,   OFFER,          ALWAYS,                     STOPPING,   DO(ignore_offer)),
	ROW(STOPPING,   CANCEL,         ALWAYS,                     STOPPING,   DO(ignore_cancel)),
	ROW(STOPPING,   ACKNOWLEDGED,   ALWAYS,                     STOPPING,   DO(note_acknowledged)),
	ROW(STOPPING,   RECEIVED,       ALWAYS,                     STOPPING,   NOTHING),
	ROW(STOPPING,   FETCHED,        ALWAYS,                     IDLE,       DO(cancel_task)),
	ROW(STOPPING,   INSTALLED,      ALWAYS,                     STOPPING,   NOTHING),
	ROW(STOPPING,   NOT_INSTALLED,  ALWAYS,                     STOPPING,   NOTHING),
	ROW(STOPPING,   NOT_RESTARTED,  ALWAYS,                     STOPPING,   NOTHING),
	ROW(STOPPING,   TIMER,          ALWAYS,                     STOPPING,   NOTHING),
	ROW(STOPPING,   UNSAVED,        ALWAYS,                     STOPPING,   NOTHING),

	ROW(INSTALLING, VERSION,        ALWAYS,                     INSTALLING, NOTHING),
	ROW(INSTALLING, UP,             ALWAYS,                     INSTALLING, DO(greet)),
	ROW(INSTALLING, DOWN,           ALWAYS,                     INSTALLING, NOTHING),
	ROW(INSTALLING, OFFER,          ALWAYS,                     INSTALLING, DO(ignore_offer)),
	ROW(INSTALLING, CANCEL,         IF(cancel_names_task),      INSTALLING, DO(refuse_cancel_installing)),
	ROW(INSTALLING, CANCEL,         ALWAYS,                     INSTALLING, DO(ignore_cancel)),
	ROW(INSTALLING, ACKNOWLEDGED,   ALWAYS,                     INSTALLING, DO(note_acknowledged)),
	ROW(INSTALLING, RECEIVED,       ALWAYS,                     INSTALLING, NOTHING),
	ROW(INSTALLING, FETCHED,        ALWAYS,                     INSTALLING, NOTHING),
	ROW(INSTALLING, INSTALLED,      ALWAYS,                     RESTARTING, DO(restart_installed)),
	ROW(INSTALLING, NOT_INSTALLED,  IF(work_was_stopped),       INSTALLING, NOTHING),
	ROW(INSTALLING, NOT_INSTALLED,  ALWAYS,                     IDLE,       DO(fail_install)),
	ROW(INSTALLING, NOT_RESTARTED,  ALWAYS,                     INSTALLING, NOTHING),
	ROW(INSTALLING, TIMER,          ALWAYS,                     INSTALLING, NOTHING),
	ROW(INSTALLING, UNSAVED,        ALWAYS,                     IDLE,       DO(fail_unsaved)),

	ROW(RESTARTING, VERSION,        ALWAYS,                     RESTARTING, NOTHING),
	ROW(RESTARTING, UP,             ALWAYS,                     RESTARTING, DO(greet)),
	ROW(RESTARTING, DOWN,           ALWAYS,                     RESTARTING, NOTHING),
	ROW(RESTARTING, OFFER,          IF(offer_is_the_task),      RESTARTING, DO(inform_offered)),
	ROW(RESTARTING, OFFER,          ALWAYS,                     RESTARTING, DO(ignore_offer)),
	ROW(RESTARTING, CANCEL,         IF(cancel_names_task),      RESTARTING, DO(refuse_cancel_installing)),
	ROW(RESTARTING, CANCEL,         ALWAYS,                     RESTARTING, DO(ignore_cancel)),
	ROW(RESTARTING, ACKNOWLEDGED,   ALWAYS,                     RESTARTING, DO(note_acknowledged)),
	ROW(RESTARTING, RECEIVED,       ALWAYS,                     RESTARTING, NOTHING),
	ROW(RESTARTING, FETCHED,        ALWAYS,                     RESTARTING, NOTHING),
	ROW(RESTARTING, INSTALLED,      ALWAYS,                     RESTARTING, NOTHING),
	ROW(RESTARTING, NOT_INSTALLED,  ALWAYS,                     RESTARTING, NOTHING),
	ROW(RESTARTING, NOT_RESTARTED,  IF(work_was_stopped),       RESTARTING, NOTHING),
	ROW(RESTARTING, NOT_RESTARTED,  IF(restart_may_repeat),     RESTARTING, DO(wait_restart)),
	ROW(RESTARTING, NOT_RESTARTED,  ALWAYS,                     IDLE,       DO(fail_restart)),
	ROW(RESTARTING, TIMER,          IF(restart_is_overdue),     IDLE,       DO(fail_restart)),
	ROW(RESTARTING, TIMER,          IF(timer_is_due),           RESTARTING, DO(restart_again)),
	ROW(RESTARTING, TIMER,          ALWAYS,                     RESTARTING, NOTHING),
	ROW(RESTARTING, UNSAVED,        ALWAYS,                     IDLE,       DO(fail_unsaved)),
};

static const char *const state_names[AGENT_STATES] = {
	[AGENT_STARTING] = "starting", [AGENT_IDLE] = "idle",             [AGENT_FETCHING] = "fetching",     [AGENT_PAUSED] = "paused",
	[AGENT_STOPPING] = "stopping", [AGENT_INSTALLING] = "installing", [AGENT_RESTARTING] = "restarting",
};

static const char *const event_names[AGENT_EVENTS] = {
	[AGENT_EVENT_VERSION] = "version",             [AGENT_EVENT_UP] = "up",
	[AGENT_EVENT_DOWN] = "down",                   [AGENT_EVENT_OFFER] = "offer",
	[AGENT_EVENT_CANCEL] = "cancel",               [AGENT_EVENT_ACKNOWLEDGED] = "acknowledged",
	[AGENT_EVENT_RECEIVED] = "received",           [AGENT_EVENT_FETCHED] = "fetched",
	[AGENT_EVENT_INSTALLED] = "installed",         [AGENT_EVENT_NOT_INSTALLED] = "not_installed",
	[AGENT_EVENT_NOT_RESTARTED] = "not_restarted", [AGENT_EVENT_TIMER] = "timer",
	[AGENT_EVENT_UNSAVED] = "unsaved",
};

static const char *const phase_names[AGENT_PHASES] = {
	[AGENT_PHASE_NONE] = "none",
	[AGENT_PHASE_FETCHING] = "fetching",
	[AGENT_PHASE_INSTALLING] = "installing",
	[AGENT_PHASE_RESTARTING] = "restarting",
};
/* clang-format on */

const struct agent_row *agent_core_rows(size_t *ret_count)
{
	*ret_count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

const char *agent_state_name(enum agent_state state)
{
	return state_names[state];
}

const char *agent_event_name(enum agent_event_kind kind)
{
	return event_names[kind];
}

const char *agent_phase_name(enum agent_phase phase)
{
	return phase_names[phase];
}

bool agent_phase_parse(const char *name, enum agent_phase *ret_phase)
{
	for (unsigned i = 0; i < AGENT_PHASES; i++) {
		if (strcmp(name, phase_names[i]))
			continue;
		*ret_phase = (enum agent_phase)i;
		return true;
	}
	return false;
}

int agent_report_qos(const struct ota_progress *progress)
{
	return progress->step <= 0 || progress->step >= 100 || progress->cancel != OTA_CANCEL_NONE;
}

/* Names stand in names of files. */
int agent_module_name_check(const char *name, struct ota_error *error)
{
	if (ota_text_is_module(ota_span_from_text(name)) && !strchr(name, '/') && name[0] != '.')
		return 0;
	return ota_fail(error, OTA_EINVALID,
			"\"%s\" is no module name; allowed: 1 to %d printable ASCII characters, none of \"\\{}[]/, no dot in "
			"front, and none of the protocol's own words",
			name, OTA_MODULE_MAX);
}

int agent_core_init(struct agent_core *core, const char *const *names, size_t count, const struct agent_limits *limits,
		    struct ota_error *error)
{
	if (count == 0 || count > AGENT_MODULES_MAX)
		return ota_fail(error, OTA_EINVALID, "an agent has 1 to %d modules, not %zu", AGENT_MODULES_MAX, count);
	for (size_t i = 0; i < count; i++) {
		int rc = agent_module_name_check(names[i], error);

		if (rc)
			return rc;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(names[i], names[j]))
				return ota_fail(error, OTA_EINVALID, "module %s is there twice", names[i]);
		ota_text_cut(core->modules[i].name, sizeof(core->modules[i].name), names[i]);
	}
	core->module_count = count;
	core->limits = *limits;
	core->state = AGENT_STARTING;
	return 0;
}

/* What is true whatever the state: the rows' guards see it. */
static void core_absorb(struct agent_core *core, const struct agent_event *event)
{
	struct agent_module *module;

	switch (event->kind) {
	case AGENT_EVENT_VERSION:
		module = &core->modules[event->version.module];
		ota_text_cut(module->version, sizeof(module->version),
			     event->version.version ? event->version.version : AGENT_VERSION_UNKNOWN);
		module->known = true;
		break;
	case AGENT_EVENT_UP:
	case AGENT_EVENT_DOWN:
		core->link_up = event->kind == AGENT_EVENT_UP;
		break;
	case AGENT_EVENT_OFFER:
	case AGENT_EVENT_CANCEL:
	case AGENT_EVENT_ACKNOWLEDGED:
	case AGENT_EVENT_RECEIVED:
	case AGENT_EVENT_FETCHED:
	case AGENT_EVENT_INSTALLED:
	case AGENT_EVENT_NOT_INSTALLED:
	case AGENT_EVENT_NOT_RESTARTED:
	case AGENT_EVENT_TIMER:
	case AGENT_EVENT_UNSAVED:
	case AGENT_EVENTS:
		break;
	}
}

static const struct agent_row *core_row(const struct agent_core *core, const struct agent_event *event, struct agent_now now)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct agent_row *row = &rows[i];

		if (row->from == core->state && row->event == event->kind && (!row->guard || row->guard(core, event, now)))
			return row;
	}
	return NULL;
}

void agent_core_step(struct agent_core *core, const struct agent_event *event, struct agent_now now,
		     struct agent_effects *effects)
{
	const struct agent_row *row;

	effects->count = 0;
	core_absorb(core, event);
	row = core_row(core, event, now);
	assert(row); /* a test proves that the table is total */
	core->state = row->to;
	if (row->action)
		row->action(core, event, now, effects);
}
