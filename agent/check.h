/*
 * Check: --check-config. All that is wrong with a configuration on standard error, or what it means on standard output. Needs no
 * network; asks each installer what runs.
 */
#ifndef OTA_AGENT_CHECK_H
#define OTA_AGENT_CHECK_H

#include "agent/config.h"

/* config must be zeroed. False when something is wrong. */
bool agent_check(const char *path, struct agent_config *config);

#endif
