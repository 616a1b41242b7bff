/*
 * Installer `exec`: a program of the device's owner installs, and tells the running version. Contract: agent/adapters/hook.h,
 * verbs `install` and `version` (which prints the version as its first line).
 */
#ifndef OTA_AGENT_ADAPTERS_INSTALL_EXEC_H
#define OTA_AGENT_ADAPTERS_INSTALL_EXEC_H

#include "agent/ports/install.h"

struct agent_exec_options {
	const char *command;
	int64_t timeout_ms; /* of `install`; `version` has AGENT_EXEC_VERSION_TIMEOUT_MS */
};

enum { AGENT_EXEC_VERSION_TIMEOUT_MS = 30 * 1000 };

/* options are borrowed. */
struct ota_installer agent_install_exec(const struct agent_exec_options *options);

#endif
