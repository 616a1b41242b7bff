#include "agent/command_line.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
	"Usage: ota-agent --config FILE\n"
	"       ota-agent --config FILE --check-config\n"
	"       ota-agent --config FILE --provision IMAGE --version VERSION [--module NAME]\n"
	"       ota-agent --config FILE --forget [--module NAME]\n"
	"\n"
	"Keeps this device's firmware up to date: connects to the broker, takes updates, verifies, installs, and reports.\n"
	"\n"
	"  --config FILE       the configuration; examples/agent.conf shows every key\n"
	"  --check-config      reads it and says whether it is right\n"
	"  --provision IMAGE   makes IMAGE the first slot of a new device (installer = file)\n"
	"  --version VERSION   with --provision: what the image is\n"
	"  --forget            forgets the packages that failed here and are therefore refused\n"
	"  --module NAME       with --provision: which module [default]; with --forget: only that one\n"
	"  --version           prints the version of this program\n"
	"  --help              prints this\n"
	"\n"
	"Exit codes: 0 ended as asked, 1 failed, 2 wrong command line or configuration,"
	" 10 wants to be started again (restart = exit).\n";

enum { OPTION_CONFIG = 1, OPTION_CHECK, OPTION_PROVISION, OPTION_VERSION, OPTION_MODULE, OPTION_FORGET, OPTION_HELP };

static const struct option options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},       {"check-config", no_argument, NULL, OPTION_CHECK},
	{"provision", required_argument, NULL, OPTION_PROVISION}, {"version", optional_argument, NULL, OPTION_VERSION},
	{"module", required_argument, NULL, OPTION_MODULE},       {"help", no_argument, NULL, OPTION_HELP},
	{"forget", no_argument, NULL, OPTION_FORGET},             {NULL, 0, NULL, 0},
};

void agent_command_line_help(void)
{
	fputs(help, stdout);
}

static bool complain(const char *sentence)
{
	fprintf(stderr, "ota-agent: %s; see ota-agent --help\n", sentence);
	return false;
}

static bool line_take(struct agent_command_line *line, int option, const char *value)
{
	switch (option) {
	case OPTION_CONFIG:
		line->config = value;
		return true;
	case OPTION_CHECK:
		line->verb = AGENT_VERB_CHECK_CONFIG;
		return true;
	case OPTION_PROVISION:
		line->verb = AGENT_VERB_PROVISION;
		line->image = value;
		return true;
	case OPTION_VERSION:
		if (line->verb == AGENT_VERB_RUN)
			line->verb = AGENT_VERB_VERSION;
		line->version = value;
		return true;
	case OPTION_FORGET:
		line->verb = AGENT_VERB_FORGET;
		return true;
	case OPTION_MODULE:
		line->module = value;
		return true;
	case OPTION_HELP:
		line->verb = AGENT_VERB_HELP;
		return true;
	default:
		return complain("wrong command line");
	}
}

static bool line_check(const struct agent_command_line *line, int operands)
{
	if (operands)
		return complain("there is an argument too many");
	if (line->verb == AGENT_VERB_HELP || line->verb == AGENT_VERB_VERSION)
		return true;
	if (!line->config)
		return complain("--config is missing");
	if (line->verb == AGENT_VERB_PROVISION && !line->version)
		return complain("--provision needs --version VERSION");
	return true;
}

bool agent_command_line_parse(int count, char **arguments, struct agent_command_line *ret_line)
{
	struct agent_command_line line = {0};
	int option;

	while ((option = getopt_long(count, arguments, "", options, NULL)) != -1)
		if (!line_take(&line, option, optarg))
			return false;
	/* "--version 1.0.0" leaves its value among the operands, because the value is optional. */
	if (line.image && !line.version && optind < count)
		line.version = arguments[optind++];
	if (line.image)
		line.verb = AGENT_VERB_PROVISION;
	if (!line_check(&line, count - optind))
		return false;
	*ret_line = line;
	return true;
}
