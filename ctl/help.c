#include <string.h>

#include "ctl/exit.h"
#include "ctl/verb.h"

/* What the command cannot do without, unless an argument fills the same member or the verb has a default, of which its help
 * tells. */
static bool is_required(const struct ota_verb *verb, const struct ota_option *option)
{
	const struct ota_parameter *row;

	if (!verb || !option->member || strcmp(verb->members, option->member) == 0 || strstr(option->help, "(default)"))
		return false;
	row = ota_command_parameter(ota_command_find(verb->command), option->member);
	return row && row->required;
}

static void print_option(FILE *stream, const struct ota_verb *verb, const struct ota_option *option)
{
	const char *tail = is_required(verb, option) ? " (required)" : "";
	char left[48];

	(void)snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value ? " " : "",
		       option->value ? option->value : "");
	if (option->letter)
		(void)fprintf(stream, "  -%c, %-24s %s%s\n", option->letter, left, option->help, tail);
	else
		(void)fprintf(stream, "      %-24s %s%s\n", left, option->help, tail);
}

static void print_options(FILE *stream, const char *title, const struct ota_verb *verb, struct ota_option_list options)
{
	if (options.count > 0)
		(void)fprintf(stream, "\n%s:\n", title);
	for (size_t i = 0; i < options.count; i++)
		print_option(stream, verb, &options.rows[i]);
}

static void print_line(FILE *stream, const struct ota_verb *verb)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%s%s%s%s%s", verb->noun, verb->name ? " " : "", verb->name ? verb->name : "",
		       verb->arguments[0] ? " " : "", verb->arguments);
	(void)fprintf(stream, "  %-34s %s\n", left, verb->help);
}

void ota_help_all(FILE *stream)
{
	const char *noun = "";

	(void)fputs("Usage: otactl NOUN VERB [ARGUMENT...] [--OPTION...]\n"
		    "\n"
		    "Firmware updates from the command line, over an ota-gateway.\n",
		    stream);
	for (size_t i = 0; i < ota_verb_count(); i++) {
		const struct ota_verb *verb = ota_verb_at(i);

		if (strcmp(verb->noun, noun) != 0)
			(void)fputs("\n", stream);
		noun = verb->noun;
		print_line(stream, verb);
	}
	print_options(stream, "Options of every verb", NULL, ota_verb_globals());
	(void)fputs("\n"
		    "Access: OTA_URL and OTA_TOKEN (or OTA_TOKEN_FILE); or ~/.config/otactl.conf and /etc/otactl.conf, with\n"
		    "  url = http://host:8080\n"
		    "  token = ota_...\n"
		    "\n"
		    "Exit codes:\n",
		    stream);
	for (const struct ota_exit_row *row = ota_exit_rows; row->meaning; row++)
		(void)fprintf(stream, "%5d %s\n", row->code, row->meaning);
}

bool ota_help_noun(FILE *stream, const char *noun)
{
	bool found = false;

	for (size_t i = 0; i < ota_verb_count(); i++) {
		const struct ota_verb *verb = ota_verb_at(i);

		if (strcmp(verb->noun, noun) != 0)
			continue;
		if (!found)
			(void)fprintf(stream, "Usage: otactl %s VERB [ARGUMENT...] [--OPTION...]\n\n", noun);
		print_line(stream, verb);
		found = true;
	}
	if (found)
		(void)fprintf(stream, "\notactl %s VERB --help tells the options of a verb.\n", noun);
	return found;
}

void ota_help_verb(FILE *stream, const struct ota_verb *verb)
{
	(void)fprintf(stream, "Usage: otactl %s%s%s%s%s [--OPTION...]\n\n%s\n", verb->noun, verb->name ? " " : "",
		      verb->name ? verb->name : "", verb->arguments[0] ? " " : "", verb->arguments, verb->help);
	print_options(stream, "Options", verb, verb->options);
	print_options(stream, "Options of every verb", NULL, ota_verb_globals());
}
