#include <criterion/criterion.h>

#include "ctl/verb.h"

Test(verb, every_row_fits_its_command)
{
	for (size_t i = 0; i < ota_verb_count(); i++) {
		const struct ota_verb *verb = ota_verb_at(i);
		const struct ota_command *command = verb->command ? ota_command_find(verb->command) : NULL;
		char members[128], *rest = members, *member;

		/* What works without a server fills no members. */
		if (!verb->command) {
			cr_expect(verb->run && verb->members[0] == '\0', "%s %s", verb->noun, verb->name);
			continue;
		}
		cr_assert_not_null(command, "%s %s: %s", verb->noun, verb->name, verb->command);
		(void)snprintf(members, sizeof(members), "%s", verb->members);
		while ((member = strsep(&rest, " ")) && *member)
			cr_expect(ota_command_parameter(command, member), "%s %s: %s", verb->noun, verb->name, member);
		for (size_t j = 0; j < verb->options.count; j++) {
			const struct ota_option *option = &verb->options.rows[j];

			cr_expect(!option->member || ota_command_parameter(command, option->member), "%s %s --%s", verb->noun,
				  verb->name, option->name);
		}
	}
}

Test(verb, no_option_stands_twice_in_a_verb)
{
	struct ota_option_list globals = ota_verb_globals();

	for (size_t i = 0; i < ota_verb_count(); i++) {
		const struct ota_verb *verb = ota_verb_at(i);
		const struct ota_option *all[96];
		size_t count = 0;

		for (size_t j = 0; j < verb->options.count; j++)
			all[count++] = &verb->options.rows[j];
		for (size_t j = 0; j < globals.count; j++)
			all[count++] = &globals.rows[j];
		for (size_t a = 0; a < count; a++) {
			for (size_t b = a + 1; b < count; b++) {
				cr_expect_str_neq(all[a]->name, all[b]->name, "%s %s", verb->noun, verb->name);
				cr_expect(!all[a]->letter || all[a]->letter != all[b]->letter, "%s %s -%c", verb->noun,
					  verb->name, all[a]->letter);
			}
		}
	}
}

/* Whatever the server can be asked, otactl can ask; a new command without a verb shows here. */
Test(verb, every_command_has_a_verb)
{
	for (size_t i = 0; i < ota_command_count(); i++) {
		/* The gateway's own, and what `package add` asks for each of several files. */
		bool found = ota_command_at(i)->role == OTA_ROLE_NONE || strcmp(ota_command_at(i)->name, "addFile") == 0;

		for (size_t j = 0; j < ota_verb_count(); j++)
			found = found || (ota_verb_at(j)->command &&
					  strcmp(ota_verb_at(j)->command, ota_command_at(i)->name) == 0);
		cr_expect(found, "%s", ota_command_at(i)->name);
	}
}

static const char *problem_of(const char *noun, const char *name)
{
	static struct ota_error error;
	static char words[2][32];
	char *argv[] = { words[0], words[1] };
	const struct ota_verb *verb;
	int used;

	error = (struct ota_error){ 0 };
	(void)snprintf(words[0], sizeof(words[0]), "%s", noun);
	(void)snprintf(words[1], sizeof(words[1]), "%s", name ? name : "");
	(void)ota_verb_find(name ? 2 : 1, argv, &verb, &used, &error);
	return error.text;
}

Test(verb, unknown_words_get_a_hint)
{
	cr_expect_str_eq(problem_of("bacth", "list"), "there is no noun \"bacth\"; did you mean \"batch\"?");
	cr_expect_str_eq(problem_of("batch", "creat"), "there is no verb \"creat\"; did you mean \"create\"?");
	cr_expect_str_eq(problem_of("batch", "zzz"), "there is no verb \"zzz\"; see otactl batch --help");
	cr_expect_str_eq(problem_of("log", NULL), "");
	cr_expect_not_null(strstr(problem_of("batch", NULL), "what to do with it?"));
}
