/*
 * Store in a file: "<state_dir>/state.json", replaced as a whole. state_dir is borrowed.
 */
#ifndef OTA_AGENT_ADAPTERS_STORE_FILE_H
#define OTA_AGENT_ADAPTERS_STORE_FILE_H

#include "agent/ports/store.h"

struct agent_store agent_store_file(const char *state_dir);

#endif
