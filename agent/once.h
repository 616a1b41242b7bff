/*
 * Once: an agent that ends when there is nothing to do. Decides; the agent's loop keeps the timers.
 */
#ifndef OTA_AGENT_ONCE_H
#define OTA_AGENT_ONCE_H

#include "agent/core/machine.h"

enum agent_once_next {
	AGENT_ONCE_GO_ON,  /* starting, working, or something is still to be heard */
	AGENT_ONCE_SETTLE, /* informed and idle: a push may come; end when none came for a while */
	AGENT_ONCE_END,    /* the work is done and the server has heard of it */
};

struct agent_once {
	bool has_worked; /* in this process */
};

/* After each event. */
enum agent_once_next agent_once_look(struct agent_once *once, const struct agent_core *core);

#endif
