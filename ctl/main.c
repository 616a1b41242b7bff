/*
 * otactl: the operator's command line.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/time.h"
#include "common/version.h"
#include "ctl/cell.h"
#include "ctl/complete.h"
#include "ctl/exit.h"
#include "ctl/verb.h"

/* The sentence comes from the server or quotes what was typed: nothing of it may move the cursor. */
static int complain(const struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };

	ota_cell_clean(&text, error->text);
	(void)fprintf(stderr, "otactl: %s\n", text.data ? text.data : "failed");
	return (int)ota_exit_of(error->code);
}

static int prepare_output(struct ota_invocation *invocation, struct ota_error *error)
{
	const char *form = ota_invocation_value(invocation, "output");
	struct ota_output output = { .stream = stdout, .now_ms = ota_wall_ms() };

	if (form && !ota_output_form_parse(form, &output.form))
		return ota_fail(error, OTA_EINVALID, "--output is \"%s\"; allowed: table, json, jsonl, name", form);
	output.no_headers = ota_invocation_value(invocation, "no-headers") != NULL;
	invocation->output = output;
	invocation->messages = stderr;
	return 0;
}

static int open_client(struct ota_invocation *invocation, struct ota_error *error)
{
	struct ota_access_options options = {
		.config = ota_invocation_value(invocation, "config"),
		.url = ota_invocation_value(invocation, "gateway"),
		.token_file = ota_invocation_value(invocation, "token-file"),
	};
	struct ota_access access;
	int code = ota_access_read(&options, &access, error);

	if (code == 0)
		code = ota_client_open(&access, &invocation->client, error);
	explicit_bzero(&access, sizeof(access));
	return code;
}

/* A slip of the finger is told before files are read, bars are drawn or anybody is asked, whatever the verb does. */
static int check_words(const struct ota_invocation *invocation, struct ota_error *error)
{
	cJSON *command = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	cJSON_Delete(command);
	return code;
}

static int run(struct ota_invocation *invocation, struct ota_error *error)
{
	int code = prepare_output(invocation, error);

	if (code == 0 && invocation->verb->command)
		code = check_words(invocation, error);

	/* A verb without a command works on this machine alone, perhaps because there is no server to ask. */
	if (code == 0 && invocation->verb->command)
		code = open_client(invocation, error);
	if (code == 0)
		code = invocation->verb->run ? invocation->verb->run(invocation, error) : ota_invocation_run(invocation, error);
	invocation->client = ota_client_free(invocation->client);
	if (fflush(stdout) != 0 && code == 0)
		code = ota_fail_errno(error, "standard output");
	return code;
}

/* Words before the noun are options of every verb: they go behind it, before the rest. */
static int run_verb(int argc, char **argv, int leading, struct ota_error *error)
{
	const struct ota_verb *verb;
	struct ota_invocation invocation = { 0 };
	int used;
	int code = ota_verb_find(argc - leading, argv + leading, &verb, &used, error);

	if (code == 0) {
		memmove(argv + used, argv, (size_t)leading * sizeof(*argv));
		code = ota_invocation_parse(verb, argc - used, argv + used, &invocation, error);
	}
	if (code < 0)
		return complain(error);
	if (ota_invocation_value(&invocation, "help")) {
		ota_help_verb(stdout, verb);
	} else {
		code = run(&invocation, error);
		if (code < 0)
			invocation.status = complain(error);
	}
	ota_invocation_release(&invocation);
	return invocation.status;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* A noun that needs no verb. */
static bool is_verb(const char *noun)
{
	for (size_t i = 0; i < ota_verb_count(); i++) {
		if (!ota_verb_at(i)->name && strcmp(ota_verb_at(i)->noun, noun) == 0)
			return true;
	}
	return false;
}

/* otactl help, otactl help NOUN, otactl NOUN --help; the help of a verb is one of its options. Returns false where none of
 * these was typed. */
static bool print_help(int argc, char *const *argv, int *ret_status)
{
	const char *noun = NULL;
	struct ota_error error = { 0 };

	*ret_status = OTA_EXIT_OK;
	if (is_help(argv[0]))
		noun = argc > 1 ? argv[1] : "";
	else if (argc == 2 && is_help(argv[1]) && !is_verb(argv[0]))
		noun = argv[0];
	if (!noun)
		return false;
	if (noun[0] == '\0')
		ota_help_all(stdout);
	else if (!ota_help_noun(stdout, noun)) {
		(void)ota_fail(&error, OTA_EINVALID, "there is no \"%s\"; see otactl --help", noun);
		*ret_status = complain(&error);
	}
	return true;
}

/* How many words before the noun are options and their values. */
static int leading_words(int argc, char *const *argv)
{
	struct ota_option_list globals = ota_verb_globals();
	int count = 0;

	while (count < argc && argv[count][0] == '-' && !is_help(argv[count])) {
		const char *word = argv[count++];
		bool takes_next = false;

		for (size_t i = 0; i < globals.count; i++) {
			const struct ota_option *option = &globals.rows[i];
			bool is_it = (word[1] == '-' && strcmp(word + 2, option->name) == 0) ||
				     (word[1] == option->letter && option->letter && word[2] == '\0');

			takes_next = takes_next || (is_it && option->value);
		}
		if (takes_next && count < argc)
			count++;
	}
	return count;
}

int main(int argc, char **argv)
{
	struct ota_error error = { 0 };
	char **words = argv + 1;
	int count = argc - 1;
	int leading = leading_words(count, words);
	int status;

	if (count > 0 && strcmp(words[0], "complete") == 0) {
		ota_complete_live(stdout, count - 1, words + 1);
		return OTA_EXIT_OK;
	}
	if (count == 0 || leading == count) {
		if (count == 1 && strcmp(words[0], "--version") == 0) {
			(void)puts("otactl " OTA_SOFTWARE_VERSION);
			return OTA_EXIT_OK;
		}
		ota_help_all(stderr);
		return OTA_EXIT_USAGE;
	}
	if (print_help(count - leading, words + leading, &status))
		return status;
	return run_verb(count, words, leading, &error);
}
