/*
 * The command line of ota-agent.
 */
#ifndef OTA_AGENT_COMMAND_LINE_H
#define OTA_AGENT_COMMAND_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/flag.h"

/* Exit codes of the program. */
enum {
	AGENT_EXIT_DONE = 0,
	AGENT_EXIT_FAILED = 1,
	AGENT_EXIT_USAGE = 2,    /* command line or configuration */
	AGENT_EXIT_RESTART = 10, /* restart = exit: start me again */
};

enum agent_verb {
	AGENT_VERB_RUN,
	AGENT_VERB_HELP,
	AGENT_VERB_VERSION,
	AGENT_VERB_CHECK_CONFIG,
	AGENT_VERB_PROVISION,
	AGENT_VERB_FORGET,
};

struct agent_command_line {
	enum agent_verb verb;
	const char *config;
	const char *image, *version; /* PROVISION */
	const char *module; /* PROVISION, FORGET; NULL = not said */
	bool once; /* RUN */
	int64_t settle_ms, timeout_ms; /* RUN once; 0 = not said */
};

/* False after a sentence on standard error. */
bool agent_command_line_parse(int count, char **arguments, struct agent_command_line *ret_line);
void agent_command_line_help(void);

/* The table, for whoever prints it. */
struct ota_flag_list agent_command_line_flags(void);

#endif
