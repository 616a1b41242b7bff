/*
 * Restart port: brings the installed version to life. Blocks; runs in a worker thread. 0 means that a restart is under way and
 * the agent has only to wait for its end; an agent that is still alive long after counts it as failed.
 */
#ifndef OTA_AGENT_PORTS_RESTART_H
#define OTA_AGENT_PORTS_RESTART_H

#include "agent/ports/watch.h"
#include "common/error.h"

struct ota_restarter {
	int (*restart)(void *context, const char *module, const char *version, const struct agent_watch *watch,
		       struct ota_error *error);
	void *context;
};

#endif
