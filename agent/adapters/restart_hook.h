/*
 * Restart by a program: verb `restart` of agent/adapters/hook.h. Exit code 0 means that the restart is under way.
 */
#ifndef OTA_AGENT_ADAPTERS_RESTART_HOOK_H
#define OTA_AGENT_ADAPTERS_RESTART_HOOK_H

#include "agent/ports/restart.h"

enum { AGENT_RESTART_TIMEOUT_MS = 60 * 1000 };

struct ota_restarter agent_restart_hook(const char *program); /* borrowed */

#endif
