/*
 * Hands: carry out what the core wants, in the core's order, through the ports. No policy, no waiting.
 */
#ifndef OTA_AGENT_HANDS_H
#define OTA_AGENT_HANDS_H

#include "agent/core/machine.h"
#include "agent/ports/report.h"
#include "agent/ports/store.h"
#include "agent/worker.h"

struct agent_hands {
	struct agent_core core;
	struct agent_store store;
	struct agent_reporter reporter;
	struct agent_fetch fetch;
	struct ota_restarter restarter; /* .restart NULL: asked for with restart() below */
	struct ota_installer installers[AGENT_MODULES_MAX];
	const struct ota_log *log;

	/* What needs a loop. */
	void (*job_start)(void *context, const struct agent_job *job);
	void (*job_stop)(void *context);
	void (*timer)(void *context, int64_t due_ms);
	void (*restart)(void *context);
	void (*broken)(void *context, const struct ota_error *error); /* the agent cannot go on */
	void *context;
};

/* Reads the record. A record that cannot be read is set aside and the agent begins without one: what runs is told in any case. */
void agent_hands_load(struct agent_hands *hands);
/* Writes it. */
int agent_hands_save(struct agent_hands *hands, struct ota_error *error);
/* Asks the first installer for its version; done() goes on from there. */
void agent_hands_begin(struct agent_hands *hands);
/* One event through the core, and all that follows from it. */
void agent_hands_event(struct agent_hands *hands, const struct agent_event *event);
/* A job ended. */
void agent_hands_done(struct agent_hands *hands, const struct agent_job *job);

#endif
