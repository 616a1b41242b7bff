/*
 * Actions: what the machine's rows do. Each changes the core and adds effects; none decides whether.
 */
#ifndef OTA_AGENT_CORE_ACTIONS_H
#define OTA_AGENT_CORE_ACTIONS_H

#include "agent/core/machine.h"

typedef void agent_action(struct agent_core *core, const struct agent_event *event, struct agent_now now,
			  struct agent_effects *effects);

/* At the start. */
agent_action agent_do_connect;
agent_action agent_do_conclude_success;
agent_action agent_do_conclude_fallback; /* installed, but something else came up */
agent_action agent_do_give_up_starts;
agent_action agent_do_resume;

/* Talk. */
agent_action agent_do_greet;             /* all the server must hear at a new connection */
agent_action agent_do_inform_offered;    /* the answer to a push of what runs already, or of what only waits for its restart */
agent_action agent_do_note_acknowledged;
agent_action agent_do_say_anyway;        /* what could not be saved is said all the same */
agent_action agent_do_ignore_offer;
agent_action agent_do_ignore_cancel;

/* Refusals of a push. */
agent_action agent_do_refuse_faulty;
agent_action agent_do_refuse_module;
agent_action agent_do_refuse_files;
agent_action agent_do_refuse_delta;
agent_action agent_do_refuse_again;

/* Work. */
agent_action agent_do_begin;
agent_action agent_do_note_received;
agent_action agent_do_fetch_anew;  /* from the first byte */
agent_action agent_do_fetch_again; /* from where it ended */
agent_action agent_do_pause;
agent_action agent_do_fail_fetch;
agent_action agent_do_install;
agent_action agent_do_fail_install;
agent_action agent_do_restart_installed;
agent_action agent_do_wait_restart;
agent_action agent_do_restart_again;
agent_action agent_do_fail_restart;
agent_action agent_do_fail_unsaved;

/* Ask-to-cancel. */
agent_action agent_do_stop;
agent_action agent_do_cancel_task;
agent_action agent_do_accept_cancel;
agent_action agent_do_refuse_cancel_ended;
agent_action agent_do_refuse_cancel_installing;

#endif
