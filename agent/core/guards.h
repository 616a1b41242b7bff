/*
 * Guards: the questions the machine's rows ask. Pure predicates; each reads as a sentence.
 */
#ifndef OTA_AGENT_CORE_GUARDS_H
#define OTA_AGENT_CORE_GUARDS_H

#include "agent/core/machine.h"

typedef bool agent_guard(const struct agent_core *core, const struct agent_event *event, struct agent_now now);

/* At the start. */
agent_guard agent_guard_versions_are_missing;
agent_guard agent_guard_nothing_was_begun;
agent_guard agent_guard_target_runs;          /* the version of the task on disk is the one that runs */
agent_guard agent_guard_restart_was_expected; /* the task was installed before this process began */
agent_guard agent_guard_starts_are_used_up;

/* A push. */
agent_guard agent_guard_offer_is_faulty; /* it could not be read */
agent_guard agent_guard_module_is_unknown;
agent_guard agent_guard_offer_runs_already;
agent_guard agent_guard_attempt_is_over; /* of our own dialect: this attempt, or a later one of its batch, has ended here */
agent_guard agent_guard_package_is_bad;  /* the very package that failed before, and nobody asked for a new attempt */
agent_guard agent_guard_offer_has_files; /* several, each for a place of its own */
agent_guard agent_guard_offer_is_delta;
agent_guard agent_guard_offer_is_the_task;

/* Ask-to-cancel. */
agent_guard agent_guard_cancel_names_task;
agent_guard agent_guard_cancel_names_ended;

/* Work. */
agent_guard agent_guard_work_was_stopped; /* because the process ends: nothing to conclude */
agent_guard agent_guard_fetch_is_done;
agent_guard agent_guard_fetch_may_begin_anew;
agent_guard agent_guard_fetch_may_go_on;
agent_guard agent_guard_restart_may_repeat;
agent_guard agent_guard_restart_is_overdue;
agent_guard agent_guard_timer_is_due;

#endif
