/*
 * Hook: how the agent speaks to a program of the device's owner. One contract for installers, checks and restarts.
 *
 *   PROGRAM VERB
 *
 * VERB is `install`, `version`, `check` or `restart`. The environment holds PATH and, as far as they are known, OTA_MODULE,
 * OTA_VERSION, OTA_PREVIOUS_VERSION, OTA_SIZE, OTA_SHA256, OTA_FILE (a path) and OTA_FD (the same file, open for reading at its
 * start; always 3).
 *
 * Lines on standard output: "progress N text" and any other text go to the agent's log, the first AGENT_HOOK_LINES_MAX of them;
 * "error text" is what the operator reads if the program fails, and so is the last line if there was no such line. What it exits
 * with stands in a table; a signal that ends it, and its deadline, are failures.
 */
#ifndef OTA_AGENT_ADAPTERS_HOOK_H
#define OTA_AGENT_ADAPTERS_HOOK_H

#include "agent/ports/install.h"

enum {
	AGENT_HOOK_TRY_LATER = 21,
	AGENT_HOOK_LINES_MAX = 10000, /* that one run may write into the log: some MB */
};

/* What an exit code means. */
struct agent_hook_exit {
	int low, high; /* exit codes; the first row that has it counts */
	int code;      /* enum ota_code */
	const char *meaning;
};

/* The rows, for whoever prints them; the last has no meaning. */
const struct agent_hook_exit *agent_hook_exits(void);

struct agent_hook {
	const char *program;
	const char *verb;
	const struct ota_image *image; /* what is known of it; NULL members and zeros are left out; path NULL = no file */
	int64_t timeout_ms;
};

/*
 * Runs it. ret_first_line, OTA_DESC_MAX + 1 bytes, may be NULL.
 * OTA_EUNAVAILABLE for exit code 21 and for a program that cannot be started, OTA_ETIMEOUT, OTA_ECANCELED, OTA_EIO for the rest;
 * the error's text is the hook's own where it gave one.
 */
int agent_hook_run(const struct agent_hook *hook, const struct agent_watch *watch, char *ret_first_line, struct ota_error *error);

#endif
