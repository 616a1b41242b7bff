#include "gateway/command_line.h"

#include "gateway/settings.h"

enum { CONFIG, PORT_FILE, CHECK, HELP, VERSION, FLAGS };

static const struct ota_flag flags[FLAGS] = {
	[CONFIG] = { "config", 'c', "FILE", "the settings, ota-gateway.conf(5)" },
	[PORT_FILE] = { "port-file", 0, "FILE", "write the bound port there once requests are served" },
	[CHECK] = { "check-config", 0, NULL, "read the settings, say what is wrong with them, and exit" },
	[HELP] = { "help", 'h', NULL, "print a summary and exit" },
	[VERSION] = { "version", 'V', NULL, "print the version of this program and exit" },
};

struct ota_flag_list ota_gateway_flags(void)
{
	return (struct ota_flag_list){ flags, FLAGS };
}

static void take(struct ota_gateway_line *line, int flag, const char *value)
{
	switch (flag) {
	case CONFIG: line->config = value; break;
	case PORT_FILE: line->port_file = value; break;
	case CHECK: line->check_only = true; break;
	case HELP: line->help = true; break;
	default: line->version = true; break;
	}
}

static int check(const struct ota_gateway_line *line, const struct ota_flag_walk *walk, struct ota_error *error)
{
	if (line->help || line->version)
		return 0;
	if (walk->operand_count > 0)
		return ota_fail(error, OTA_EINVALID, "\"%.64s\" is one word too many: options alone are taken", walk->argv[1]);
	return line->config ? 0 : ota_fail(error, OTA_EINVALID, "--config FILE is missing");
}

bool ota_gateway_line_parse(int argc, char **argv, struct ota_gateway_line *ret_line)
{
	struct ota_flag_walk walk = { .flags = ota_gateway_flags(), .argc = argc, .argv = argv };
	struct ota_gateway_line line = { 0 };
	struct ota_error error = { 0 };
	const char *value;
	int flag;

	while ((flag = ota_flag_next(&walk, &value, &error)) >= 0)
		take(&line, flag, value);
	if (flag == OTA_FLAG_BAD || check(&line, &walk, &error) < 0) {
		(void)fprintf(stderr, "ota-gateway: %s; see ota-gateway --help\n", error.text);
		return false;
	}
	*ret_line = line;
	return true;
}

void ota_gateway_help(FILE *stream)
{
	size_t count;
	const struct ota_config_row *rows = ota_settings_rows(&count);

	(void)fputs("Usage: ota-gateway --config FILE [--port-file FILE] [--check-config]\n"
		    "\n"
		    "HTTP for operators (REST, uploads) and for devices (signed downloads), before the ota plugin.\n"
		    "\n",
		    stream);
	ota_flags_print(stream, ota_gateway_flags());
	(void)fputs("\nSettings (key = value):\n", stream);
	for (size_t i = 0; i < count; i++)
		(void)fprintf(stream, "  %-24s %s%s\n", rows[i].key, rows[i].help, rows[i].required ? " (required)" : "");
}
