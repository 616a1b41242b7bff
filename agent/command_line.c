#include "agent/command_line.h"

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

static bool take_duration(const char *flag, const char *value, int64_t *target, struct ota_error *error)
{
	if (ota_text_parse_duration(value, target) && *target > 0)
		return true;
	ota_fail(error, OTA_EINVALID, "--%s is \"%.64s\"; allowed: a duration such as 90s, 10m or 1h", flag, value);
	return false;
}

static bool complain(struct ota_error *error, const char *sentence)
{
	ota_fail(error, OTA_EINVALID, "%s", sentence);
	return false;
}

static bool line_take(struct agent_command_line *line, int flag, const char *value, struct ota_error *error)
{
	switch (flag) {
	case CONFIG:
		line->config = value;
		return true;
	case ONCE:
		line->once = true;
		return true;
	case SETTLE:
		return take_duration(flags[flag].name, value, &line->settle_ms, error);
	case TIMEOUT:
		return take_duration(flags[flag].name, value, &line->timeout_ms, error);
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
		return false; /* there is no other */
	}
}

static bool line_check(const struct agent_command_line *line, struct ota_error *error)
{
	if (line->verb == AGENT_VERB_HELP || line->verb == AGENT_VERB_VERSION)
		return true;
	if (!line->config)
		return complain(error, "--config FILE is missing");
	if (line->once && line->verb != AGENT_VERB_RUN)
		return complain(error, "--once goes with no other task");
	if (!line->once && (line->settle_ms || line->timeout_ms))
		return complain(error, "--settle and --timeout go with --once");
	if (line->verb == AGENT_VERB_PROVISION && !line->version)
		return complain(error, "--provision needs --version VERSION");
	return true;
}

static bool line_read(struct ota_flag_walk *walk, struct agent_command_line *line, struct ota_error *error)
{
	const char *value;
	int flag, taken = 0;

	while ((flag = ota_flag_next(walk, &value, error)) != OTA_FLAG_END)
		if (flag == OTA_FLAG_BAD || !line_take(line, flag, value, error))
			return false;
	/* "--version 1.0.0" leaves its value among the operands, because the value is optional. */
	if (line->image && !line->version && walk->operand_count > 0)
		line->version = walk->argv[++taken];
	if (line->image)
		line->verb = AGENT_VERB_PROVISION;
	if (walk->operand_count == taken)
		return line_check(line, error);
	ota_fail(error, OTA_EINVALID, "\"%.64s\" is one word too many: options alone are taken", walk->argv[1 + taken]);
	return false;
}

bool agent_command_line_parse(int count, char **arguments, struct agent_command_line *ret_line)
{
	struct ota_flag_walk walk = {.flags = agent_command_line_flags(), .argc = count, .argv = arguments};
	struct agent_command_line line = {0};
	struct ota_error error = {0};

	if (!line_read(&walk, &line, &error)) {
		fprintf(stderr, "ota-agent: %s; see ota-agent --help\n", error.text);
		return false;
	}
	*ret_line = line;
	return true;
}
