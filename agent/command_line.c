#include "agent/command_line.h"

#include <getopt.h>
#include <stdio.h>

#include "common/text.h"

enum { CONFIG, ONCE, SETTLE, TIMEOUT, CHECK, PROVISION, VERSION, FORGET, MODULE, HELP, FLAGS };

static const struct ota_flag flags[FLAGS] = {
	[CONFIG] = {"config", 'c', "FILE", "the configuration, ota-agent.conf(5)"},
	[ONCE] = {"once", 0, NULL, "take what the server has to offer, finish it, and exit"},
	[SETTLE] = {"settle", 0, "DURATION", "with --once: how long an offer may take to come, 10s if not given"},
	[TIMEOUT] = {"timeout", 0, "DURATION", "with --once: for all of it, 1h if not given"},
	[CHECK] = {"check-config", 0, NULL, "read it, say all that is wrong with it or what it means, and exit"},
	[PROVISION] = {"provision", 0, "IMAGE", "make IMAGE the first slot of a new device (installer = file) and exit"},
	[VERSION] = {"version", 0, "[VERSION]", "with --provision: what the image is; alone: print the version of this program"},
	[FORGET] = {"forget", 0, NULL, "forget the packages that failed here and are therefore refused, and exit"},
	[MODULE] = {"module", 0, "NAME", "with --provision: which module, default if not given; with --forget: only that one"},
	[HELP] = {"help", 'h', NULL, "print a summary and exit"},
};

struct ota_flag_list agent_command_line_flags(void)
{
	return (struct ota_flag_list){flags, FLAGS};
}

void agent_command_line_help(void)
{
	fputs("Usage: ota-agent --config FILE\n"
	      "       ota-agent --config FILE --once [--settle DURATION] [--timeout DURATION]\n"
	      "       ota-agent --config FILE --check-config\n"
	      "       ota-agent --config FILE --provision IMAGE --version VERSION [--module NAME]\n"
	      "       ota-agent --config FILE --forget [--module NAME]\n"
	      "\n"
	      "Keeps this device's firmware up to date: connects to the broker, takes updates, verifies, installs, and reports.\n"
	      "\n",
	      stdout);
	ota_flags_print(stdout, agent_command_line_flags());
	fputs("\n"
	      "Exit codes: 0 ended as asked, 1 failed, 2 wrong command line or configuration,"
	      " 10 wants to be started again (restart = exit).\n"
	      "With --once: 0 nothing to do or done, 1 failed or not finished in time, 10 installed and to be started again.\n",
	      stdout);
}

static bool complain(const char *sentence)
{
	fprintf(stderr, "ota-agent: %s; see ota-agent --help\n", sentence);
	return false;
}

static bool take_duration(const char *value, int64_t *target)
{
	return (ota_text_parse_duration(value, target) && *target > 0) || complain("a duration is written 90s, 10m or 1h");
}

static bool line_take(struct agent_command_line *line, int flag, const char *value)
{
	switch (flag) {
	case CONFIG:
		line->config = value;
		return true;
	case ONCE:
		line->once = true;
		return true;
	case SETTLE:
		return take_duration(value, &line->settle_ms);
	case TIMEOUT:
		return take_duration(value, &line->timeout_ms);
	case CHECK:
		line->verb = AGENT_VERB_CHECK_CONFIG;
		return true;
	case PROVISION:
		line->verb = AGENT_VERB_PROVISION;
		line->image = value;
		return true;
	case VERSION:
		if (line->verb == AGENT_VERB_RUN)
			line->verb = AGENT_VERB_VERSION;
		line->version = value;
		return true;
	case FORGET:
		line->verb = AGENT_VERB_FORGET;
		return true;
	case MODULE:
		line->module = value;
		return true;
	case HELP:
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
	if (line->once && line->verb != AGENT_VERB_RUN)
		return complain("--once goes with no other task");
	if (!line->once && (line->settle_ms || line->timeout_ms))
		return complain("--settle and --timeout go with --once");
	if (line->verb == AGENT_VERB_PROVISION && !line->version)
		return complain("--provision needs --version VERSION");
	return true;
}

bool agent_command_line_parse(int count, char **arguments, struct agent_command_line *ret_line)
{
	struct agent_command_line line = {0};
	const char *value;
	int flag;

	while ((flag = ota_flag_next(agent_command_line_flags(), count, arguments, &value)) != OTA_FLAG_END)
		if (!line_take(&line, flag, value))
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
