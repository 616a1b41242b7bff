/*
 * Status: what the agent does, in one line for a person.
 */
#ifndef OTA_AGENT_STATUS_H
#define OTA_AGENT_STATUS_H

#include "agent/core/machine.h"

enum { AGENT_STATUS_SIZE = 192 };

/* away: why there is no connection, "" when it is not known. */
void agent_status_print(char target[AGENT_STATUS_SIZE], const struct agent_core *core, const char *away);

#endif
