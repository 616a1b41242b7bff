#include <criterion/criterion.h>
#include <stdio.h>

#include "ctl/verb.h"

enum { WORDS_MAX = 16 };

/* "batch create --all ...", words without spaces in them. */
static int split(const char *line, char *argv[WORDS_MAX])
{
	static char words[512];
	char *rest = words, *word;
	int argc = 0;

	(void)snprintf(words, sizeof(words), "%s", line);
	while (argc < WORDS_MAX && (word = strsep(&rest, " ")))
		argv[argc++] = word;
	return argc;
}

/* Gives the command as JSON, or the sentence of the refusal. */
static const char *command_of(const char *line)
{
	static char text[1024];
	char *argv[WORDS_MAX];
	struct ota_invocation invocation = { 0 };
	struct ota_error error = { 0 };
	const struct ota_verb *verb;
	cJSON *command = NULL;
	int argc = split(line, argv), used = 0;

	cr_assert_eq(ota_verb_find(argc, argv, &verb, &used, &error), 0, "%s", error.text);
	if (ota_invocation_parse(verb, argc - used, argv + used, &invocation, &error) < 0 ||
	    ota_invocation_command(&invocation, &command, &error) < 0) {
		(void)snprintf(text, sizeof(text), "%s", error.text);
	} else {
		cr_assert(cJSON_PrintPreallocated(command, text, sizeof(text), false));
	}
	cJSON_Delete(command);
	ota_invocation_release(&invocation);
	return text;
}

Test(invocation, arguments_and_options_become_members)
{
	static const struct {
		const char *line, *command;
	} rows[] = {
		{"server status", "{\"command\":\"getServer\"}"},
		{"product show pk1", "{\"command\":\"getProduct\",\"productKey\":\"pk1\"}"},
		{"device show pk1 a:b", "{\"command\":\"getDevice\",\"productKey\":\"pk1\",\"deviceName\":\"a:b\"}"},
		{"package show 7", "{\"command\":\"getPackage\",\"package\":7}"},
		{"package show -p pk1 -v 2", "{\"command\":\"getPackage\",\"productKey\":\"pk1\",\"version\":\"2\"}"},
		{"batch cancel --level=revoke 7 --reason late",
		 "{\"command\":\"cancelBatch\",\"batch\":7,\"level\":\"revoke\",\"reason\":\"late\"}"},
		{"batch create --package 3 -kverify --all --retries 5 --soak=10m --dry-run",
		 "{\"command\":\"createBatch\",\"package\":3,\"kind\":\"verify\",\"targets\":{\"all\":true},"
		 "\"strategy\":{\"retries\":5,\"soak\":\"10m\"},\"dryRun\":true}"},
		{"device list --product pk1 --online false -o json",
		 "{\"command\":\"listDevices\",\"productKey\":\"pk1\",\"online\":false}"},
		{"device show pk1 -- -x", "{\"command\":\"getDevice\",\"productKey\":\"pk1\",\"deviceName\":\"-x\"}"},
		{"batch create --zone UTC --window 22:00-06:00 --stage=1% --stage=500 --rate=20 --retry-on lost --confirm",
		 "{\"command\":\"createBatch\",\"strategy\":{\"window\":{\"zone\":\"UTC\",\"from\":\"22:00\",\"to\":\"06:00\"},"
		 "\"stages\":[{\"percent\":1},{\"count\":500}],\"rate\":{\"perMinute\":20},"
		 "\"retryCauses\":[\"lost\"],\"confirm\":true}}"},
		{"log --device=a -p pk1", "{\"command\":\"listEvents\",\"deviceName\":\"a\",\"productKey\":\"pk1\"}"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(command_of(rows[i].line), rows[i].command, "%s", rows[i].line);
}

Test(invocation, mistakes_are_sentences)
{
	static const struct {
		const char *line, *said;
	} rows[] = {
		{ "product show", "product show needs PRODUCT; see otactl product show --help" },
		{ "product show a b", "\"b\" is one word too many: product show takes PRODUCT" },
		{ "batch show x", "ID is \"x\", which is no integer; allowed: 1 and more" },
		{ "batch create --retries many", "--retries is \"many\", which is no integer; allowed: 0..10" },
		{ "batch list --stat x", "there is no option --stat; did you mean --state?" },
		{ "batch list --zzz", "there is no option --zzz; see otactl batch list --help" },
		{ "batch list -z", "there is no option -z; see otactl batch list --help" },
		{ "batch list --state", "--state needs a value: STATE" },
		{ "batch list --state a --state b", "--state is given twice" },
		{ "batch create --all=yes", "--all takes no value" },
		{ "batch create --stage=5% --stage=101%", "--stage: percent is 101; allowed: 1..100" },
		{ "batch create --rate=fast", "--rate: \"fast\" begins with no number of devices a minute, such as \"1000\" or"
					    " \"1000 from 50 factor 2 every 10m\"" },
		{ "batch create --window 22-6", "--window: from has 2 bytes; allowed: 5..5 bytes" },
		{ "batch create --rate 5 --rate 6", "--rate is given twice" },
		{ "batch create --retry-on lost,LOST", "--retry-on: a cause is a word such as burn_failed" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(command_of(rows[i].line), rows[i].said, "%s", rows[i].line);
}

Test(invocation, refusals_speak_of_what_was_typed)
{
	static const struct {
		const char *line, *path, *told, *said;
		int code;
	} rows[] = {
		{ "token add a --role b", "role", "role is \"b\"; allowed: c", "--role is \"b\"; allowed: c", OTA_EINVALID },
		{ "device show p a/b", "deviceName", "deviceName is \"a/b\"", "NAME is \"a/b\"", OTA_EINVALID },
		{ "package show 0", "package", "package is 0; allowed: 1..5", "ID is 0; allowed: 1..5", OTA_EINVALID },
		{ "batch create", "strategy.retries", "retries is 11", "--retries is 11", OTA_EINVALID },
		{ "batch create -p p", "productKey", "product p is gone", "--product: product p is gone", OTA_ENOTFOUND },
		{ "batch create -v 1", "version", "version 1 exists", "--version: version 1 exists", OTA_ECONFLICT },
		{ "batch show 7", "batch", "batch 7 does not exist", "batch 7 does not exist", OTA_ENOTFOUND },
		{ "batch create", "strategy.stages[1].soak", "soak must be a duration", "--stage: soak must be a duration",
		  OTA_EINVALID },
		{ "batch show 7", "other", "other is missing", "other is missing", OTA_EINVALID },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_invocation invocation = { 0 };
		struct ota_error error = { 0 };
		const struct ota_verb *verb;
		char *argv[WORDS_MAX];
		int argc = split(rows[i].line, argv), used;

		cr_assert_eq(ota_verb_find(argc, argv, &verb, &used, NULL), 0);
		cr_assert_eq(ota_invocation_parse(verb, argc - used, argv + used, &invocation, NULL), 0);
		int code = ota_fail_at(&error, rows[i].code, rows[i].path, "%s", rows[i].told);
		cr_expect_eq(ota_invocation_blame(&invocation, code, &error), rows[i].code);
		cr_expect_str_eq(error.text, rows[i].said, "%s", rows[i].line);
		ota_invocation_release(&invocation);
	}
}

Test(invocation, repeated_options_keep_every_value)
{
	struct ota_invocation invocation = { 0 };
	const struct ota_verb *verb;
	char *argv[WORDS_MAX];
	int argc = split("batch create -d a --device b -dc", argv), used;

	cr_assert_eq(ota_verb_find(argc, argv, &verb, &used, NULL), 0);
	cr_assert_eq(ota_invocation_parse(verb, argc - used, argv + used, &invocation, NULL), 0);
	cr_expect_eq(invocation.given_count, 3);
	cr_expect_str_eq(ota_invocation_value(&invocation, "device"), "c");
	ota_invocation_release(&invocation);
}

Test(invocation, help_excuses_missing_arguments)
{
	struct ota_invocation invocation = { 0 };
	const struct ota_verb *verb;
	char *argv[WORDS_MAX];
	int argc = split("device show --help", argv), used;

	cr_assert_eq(ota_verb_find(argc, argv, &verb, &used, NULL), 0);
	cr_assert_eq(ota_invocation_parse(verb, argc - used, argv + used, &invocation, NULL), 0);
	cr_expect_not_null(ota_invocation_value(&invocation, "help"));
	ota_invocation_release(&invocation);
}
