#include <string.h>

#include "ctl/access.h"
#include "ctl/exit.h"
#include "ctl/verb.h"
#include "docs/manual_parts.h"

void ota_manual_otactl_keys(struct ota_bytes *out)
{
	struct ota_manual_keys keys = {.section = "", .prefix = ""};

	keys.rows = ota_access_rows(&keys.count);
	ota_manual_keys(out, &keys);
}

static struct ota_flag flag_of(const struct ota_option *option)
{
	return (struct ota_flag){option->name, option->letter, option->value, option->help};
}

void ota_manual_otactl_options(struct ota_bytes *out)
{
	struct ota_option_list globals = ota_verb_globals();

	for (size_t i = 0; i < globals.count; i++) {
		struct ota_flag flag = flag_of(&globals.rows[i]);

		ota_manual_flag(out, &flag, "");
	}
}

/* reason, requestId: what every command may carry is told once for all verbs. */
static bool is_common(const struct ota_verb *verb, const struct ota_option *option)
{
	struct ota_parameter_list common = {NULL, 0};

	if (verb->command && option->member)
		common = ota_command_common(ota_command_find(verb->command));
	for (size_t i = 0; i < common.count; i++) {
		if (strcmp(common.rows[i].name, option->member) == 0)
			return true;
	}
	return false;
}

static void put_verb(struct ota_bytes *out, const struct ota_verb *verb)
{
	bool changes = false;

	ota_bytes_format(out, "*%s%s%s*", verb->noun, verb->name ? " " : "", verb->name ? verb->name : "");
	if (verb->arguments[0]) {
		ota_bytes_text(out, " ");
		ota_manual_underlined(out, verb->arguments);
	}
	ota_bytes_text(out, "\n\t");
	ota_manual_text(out, verb->help);
	for (size_t i = 0; i < verb->options.count; i++)
		changes = changes || strcmp(verb->options.rows[i].name, "request-id") == 0;
	ota_bytes_text(out, changes ? "; a change\n\n" : "\n\n");
	for (size_t i = 0; i < verb->options.count; i++) {
		struct ota_flag flag = flag_of(&verb->options.rows[i]);

		if (!is_common(verb, &verb->options.rows[i]))
			ota_manual_flag(out, &flag, "\t");
	}
}

void ota_manual_otactl_verbs(struct ota_bytes *out)
{
	const char *noun = "";

	for (size_t i = 0; i < ota_verb_count(); i++) {
		const struct ota_verb *verb = ota_verb_at(i);

		if (strcmp(verb->noun, noun) != 0)
			ota_bytes_format(out, "## %s\n\n", verb->noun);
		noun = verb->noun;
		put_verb(out, verb);
	}
}

void ota_manual_otactl_exits(struct ota_bytes *out)
{
	for (const struct ota_exit_row *row = ota_exit_rows; row->meaning; row++) {
		ota_bytes_format(out, "*%d*\n\t", row->code);
		ota_manual_text(out, row->meaning);
		ota_bytes_text(out, "\n\n");
	}
}

/* The options that are_common, of the first verb that has them. */
void ota_manual_otactl_changes(struct ota_bytes *out)
{
	bool found = false;

	for (size_t i = 0; i < ota_verb_count() && !found; i++) {
		const struct ota_verb *verb = ota_verb_at(i);

		for (size_t k = 0; k < verb->options.count; k++) {
			struct ota_flag flag = flag_of(&verb->options.rows[k]);

			if (!is_common(verb, &verb->options.rows[k]))
				continue;
			ota_manual_flag(out, &flag, "");
			found = true;
		}
	}
}
