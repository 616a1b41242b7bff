/* Prints docs/agent-states.md from the table of agent/core, so that the docs cannot differ from what runs. */
#ifndef OTA_DOCS_AGENT_STATES_H
#define OTA_DOCS_AGENT_STATES_H

#include "common/bytes.h"

void ota_agent_states_print(struct ota_bytes *out);

#endif
