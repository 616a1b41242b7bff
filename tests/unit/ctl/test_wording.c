#include <criterion/criterion.h>
#include <stdio.h>

#include "ctl/wording.h"

static const char *translated(const char *noun, const char *name, const char *sentence)
{
	static struct ota_error error;
	char words[2][32];
	char *argv[] = {words[0], words[1]};
	const struct ota_verb *verb;
	int used;

	(void)snprintf(words[0], sizeof(words[0]), "%s", noun);
	(void)snprintf(words[1], sizeof(words[1]), "%s", name);
	cr_assert_eq(ota_verb_find(2, argv, &verb, &used, NULL), 0);
	(void)ota_fail(&error, OTA_ECONFLICT, "%s", sentence);
	ota_wording_translate(&(struct ota_invocation){.verb = verb}, &error);
	return error.text;
}

Test(wording, names_of_parameters_become_options_and_arguments)
{
	static const struct {
		const char *noun, *name, *said, *told;
	} rows[] = {
		{"batch", "create", "3 of the devices have an unfinished task; onConflict skip leaves them out",
		 "3 of the devices have an unfinished task; --on-conflict skip leaves them out"},
		{"batch", "create", "name the package by its id or by productKey and version, not by both",
		 "name the package by its id or by --product and --version, not by both"},
		{"batch", "create", "let a batch of kind verify pass first, or say override true with a reason",
		 "let a batch of --kind verify pass first, or say --override with a reason"},
		{"batch", "create", "retries is 99; allowed: 0..10", "--retries is 99; allowed: 0..10"},
		{"batch", "create", "pushTimeout must be a duration", "--push-timeout must be a duration"},
		{"package", "yank", "it is in use; force true cancels them", "it is in use; --force cancels them"},
		{"package", "show", "package is missing: name it", "ID is missing: name it"},
		{"device", "show", "deviceName is \"x y\"; allowed: 1..64 letters", "NAME is \"x y\"; allowed: 1..64 letters"},
		{"device", "tag", "productKey is \"\"; allowed: 1..32 letters", "PRODUCT is \"\"; allowed: 1..32 letters"},
		{"token", "add", "expiresIn must be a duration", "--expires-in must be a duration"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(translated(rows[i].noun, rows[i].name, rows[i].said), rows[i].told);
}

Test(wording, plain_words_values_and_what_the_verb_does_not_have_stay)
{
	static const char *const stay[] = {
		"package 7 is yanked",
		"the name of a version has a reason",
		"expiresIn must be a duration",
		"sub_onConflict and onConflictX are no names of ours",
		"",
	};
	for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
		cr_expect_str_eq(translated("batch", "create", stay[i]), stay[i]);
	cr_expect_str_eq(translated("batch", "create", "reason is \"onConflict skip\"; allowed: text"),
			 "--reason is \"onConflict skip\"; allowed: text");
}

Test(wording, a_sentence_grown_too_long_is_cut_and_twice_is_once)
{
	char sentence[OTA_ERROR_TEXT_MAX] = "";

	for (size_t used = 0; used + 11 < sizeof(sentence); used += 11)
		(void)snprintf(sentence + used, sizeof(sentence) - used, "onConflict ");
	cr_expect_lt(strlen(translated("batch", "create", sentence)), OTA_ERROR_TEXT_MAX);
	(void)snprintf(sentence, sizeof(sentence), "%s", translated("batch", "create", "onConflict skip"));
	cr_expect_str_eq(translated("batch", "create", sentence), "--on-conflict skip");
}
