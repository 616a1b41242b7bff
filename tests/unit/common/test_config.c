#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/config.h"
#include "common/limits.h"
#include "common/time.h"
#include "tests/unit/support/scratch.h"

struct module {
	char name[32];
	char hook[64];
	bool reboot;
};

struct settings {
	char name[8];
	char store[256];
	bool secure;
	int64_t count, offset, retry, seen;
	uint64_t cache;
	int mode;
	struct module modules[2];
	unsigned module_count;
};

static const char *const modes[] = {"off", "warn", "require", NULL};

#define FIELD(type_, field_) offsetof(type_, field_), sizeof(((type_ *)0)->field_)
static const struct ota_config_row rows[] = {
	{"", "name", OTA_CONFIG_TEXT, FIELD(struct settings, name), 0, 0, NULL, true, "what this unit is called"},
	{"", "store", OTA_CONFIG_PATH, FIELD(struct settings, store), 0, 0, NULL, false, NULL},
	{"", "secure", OTA_CONFIG_BOOL, FIELD(struct settings, secure), 0, 0, NULL, false, NULL},
	{"", "count", OTA_CONFIG_INTEGER, FIELD(struct settings, count), 1, 100, NULL, false, NULL},
	{"", "offset", OTA_CONFIG_INTEGER, FIELD(struct settings, offset), -5, 5, NULL, false, NULL},
	{"", "seen", OTA_CONFIG_INTEGER, FIELD(struct settings, seen), 0, 0, NULL, false, NULL},
	{"", "retry", OTA_CONFIG_DURATION, FIELD(struct settings, retry), OTA_SECOND_MS, OTA_HOUR_MS, NULL, false, NULL},
	{"", "cache", OTA_CONFIG_SIZE, FIELD(struct settings, cache), 0, 0, NULL, false, NULL},
	{"", "mode", OTA_CONFIG_CHOICE, FIELD(struct settings, mode), 0, 0, modes, false, NULL},
	{"module", "hook", OTA_CONFIG_PATH, FIELD(struct module, hook), 0, 0, NULL, true, "the program that installs it"},
	{"module", "reboot", OTA_CONFIG_BOOL, FIELD(struct module, reboot), 0, 0, NULL, false, NULL},
};

static void *section(void *context, const char *kind, const char *name, struct ota_error *error)
{
	struct settings *settings = context;
	if (kind[0] == '\0')
		return settings;
	if (settings->module_count == 2) {
		ota_fail(error, OTA_ELIMIT, "at most 2 modules");
		return NULL;
	}
	struct module *module = &settings->modules[settings->module_count++];
	snprintf(module->name, sizeof(module->name), "%s", name);
	return module;
}

static char directory[SCRATCH_SIZE], path[SCRATCH_SIZE];
static struct settings settings;
static struct ota_error error;

static void setup(void)
{
	scratch_make(directory);
	scratch_path(path, directory, "a.conf");
	settings = (struct settings){.cache = 77};
	error = (struct ota_error){0};
}

static void teardown(void)
{
	scratch_remove(directory);
}

TestSuite(config, .init = setup, .fini = teardown);

static struct ota_config_spec spec(void)
{
	return (struct ota_config_spec){
		.rows = rows, .row_count = sizeof(rows) / sizeof(rows[0]), .section = section, .context = &settings};
}

static int read_text(const char *text)
{
	struct ota_config_spec of = spec();
	scratch_write(directory, "a.conf", text);
	return ota_config_read(path, &of, &error);
}

Test(config, every_type_and_section_is_read)
{
	cr_assert_eq(
		read_text("# a comment\r\n\n  name =  unit 7 \r\nstore = /var/lib/ota\nsecure=yes\ncount = 100\noffset=-5\nretry "
			  "= 90s\ncache=16M\n"
			  "mode = require\n[module  mcu]\nhook = /bin/true\nreboot = true\n[module app]\nhook = hooks/app # sic"),
		0, "%s", error.text);
	cr_expect_str_eq(settings.name, "unit 7");
	cr_expect_str_eq(settings.store, "/var/lib/ota");
	cr_expect(settings.secure);
	cr_expect_eq(settings.count, 100);
	cr_expect_eq(settings.offset, -5);
	cr_expect_eq(settings.retry, 90000);
	cr_expect_eq(settings.cache, 16 << 20);
	cr_expect_eq(settings.mode, 2);
	cr_assert_eq(settings.module_count, 2);
	cr_expect_str_eq(settings.modules[0].name, "mcu");
	cr_expect_str_eq(settings.modules[0].hook, "/bin/true");
	cr_expect(settings.modules[0].reboot);
	cr_expect_str_eq(settings.modules[1].name, "app");
	cr_expect_not_null(strstr(settings.modules[1].hook, "/hooks/app # sic"), "a value goes to the end of its line");
}

Test(config, a_relative_path_hangs_from_the_file_s_directory)
{
	char real[4096];
	cr_assert_not_null(realpath(directory, real));
	cr_assert_eq(read_text("name=x\nstore=data/s"), 0);
	cr_expect_eq(strncmp(settings.store, real, strlen(real)), 0);
	cr_expect_str_eq(settings.store + strlen(real), "/data/s");
}

Test(config, values_not_given_keep_what_was_there)
{
	cr_assert_eq(read_text("name=x"), 0);
	cr_expect_eq(settings.cache, 77);
}

Test(config, every_mistake_is_a_sentence_with_file_line_and_key)
{
	static const struct {
		const char *text, *sentence; /* the sentence behind "<path>:" */
	} cases[] = {
		{"name=x\ncuont=1", "2: cuont: unknown key in the head of the file; did you mean \"count\"?"},
		{"name=x\nzzzzzzzz=1", "2: zzzzzzzz: unknown key in the head of the file"},
		{"name=x\nhook=1", "2: hook: belongs into a section [module NAME], not into the head of the file"},
		{"name=x\n\nname=y", "3: name: is given twice"},
		{"name=x\njust words", "2: \"just words\" is neither key = value nor [section]"},
		{"name=12345678", "1: name: is 8 bytes long; at most 7 are allowed"},
		{"name=x\nsecure=1", "2: secure: \"1\" must be yes or no"},
		{"name=x\ncount=0", "2: count: \"0\" must be an integer from 1 to 100"},
		{"name=x\ncount=101", "2: count: \"101\" must be an integer from 1 to 100"},
		{"name=x\ncount=ten", "2: count: \"ten\" must be an integer from 1 to 100"},
		{"name=x\noffset=-6", "2: offset: \"-6\" must be an integer from -5 to 5"},
		{"name=x\nseen=-1", "2: seen: \"-1\" must be an integer of at least 0"},
		{"name=x\ncache=9223372036854775808",
		 "2: cache: \"9223372036854775808\" must be from 0 to 9223372036854775807 bytes"},
		{"name=x\nretry=60", "2: retry: \"60\" must be a duration such as 250ms, 90s, 10m, 24h or 30d"},
		{"name=x\nretry=999ms", "2: retry: \"999ms\" must be from 1s to 1h"},
		{"name=x\nretry=61m", "2: retry: \"61m\" must be from 1s to 1h"},
		{"name=x\ncache=lots", "2: cache: \"lots\" must be a size such as 512k, 16M or 1G"},
		{"name=x\nmode=on", "2: mode: \"on\" must be one of off, warn, require"},
		{"name=x\nstore=", "2: store: must be a path"},
		{"secure=yes", " name: is missing (what this unit is called)"},
		{"name=x\n[module a]\nreboot=no\n\n[module b]\nhook=/b", "2: hook: is missing (the program that installs it)"},
		{"name=x\n[module a]\nreboot=no\n", "2: hook: is missing (the program that installs it)"},
		{"name=x\n[modul a]\n", "2: unknown section [modul a]; did you mean [module NAME]?"},
		{"name=x\n[]\n", "2: unknown section []"},
		{"name=x\n[module]\n", "2: section [module] needs a name: [module NAME]"},
		{"name=x\nmode=a\tb", "2: mode: \"a?b\" must be one of off, warn, require"},
		{"name=x\ty", "1: name: must be text in UTF-8 without control characters"},
		{"name=x\n[module a\n", "2: a section header must end in ]"},
		{"name=x\n[module a]\nhook=/a\n[module a]\n", "4: section [module a] stands twice"},
		{"name=x\n[module a]\nhook=/a\n[module b]\nhook=/b\n[module c]\nhook=/c", "6: at most 2 modules"},
		{"name=x\n[module a]\nname=x", "3: name: belongs into the head of the file, not into a section [module NAME]"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char expected[1024];
		settings = (struct settings){0};
		error = (struct ota_error){0};
		cr_expect_lt(read_text(cases[i].text), 0, "%s", cases[i].text);
		snprintf(expected, sizeof(expected), "%s:%s", path, cases[i].sentence);
		cr_expect_str_eq(error.text, expected);
	}
}

Test(config, numbers_reach_both_ends_of_their_range)
{
	cr_expect_eq(read_text("name=1234567\ncount=1\noffset=5\nretry=1s\ncache=0"), 0, "%s", error.text);
	settings = (struct settings){0};
	cr_expect_eq(read_text("name=x\ncount=100\noffset=-5\nretry=1h"), 0, "%s", error.text);
}

Test(config, a_text_that_just_fits_writes_no_byte_behind_its_field)
{
	memset(settings.store, 'k', sizeof(settings.store) - 1);
	cr_assert_eq(read_text("name=1234567\nseen=0"), 0, "%s", error.text);
	cr_expect_str_eq(settings.name, "1234567");
	cr_expect_eq(settings.store[0], 'k');
}

Test(config, only_a_text_file_of_the_limit_is_read)
{
	struct ota_config_spec of = spec();
	char *text = malloc(OTA_CONFIG_FILE_MAX + 2);
	cr_assert_not_null(text);
	memset(text, '#', OTA_CONFIG_FILE_MAX + 1);
	memcpy(text, "name=x\n", 7);
	text[OTA_CONFIG_FILE_MAX] = '\0';
	cr_expect_eq(read_text(text), 0, "%s", error.text);
	text[OTA_CONFIG_FILE_MAX] = '#';
	text[OTA_CONFIG_FILE_MAX + 1] = '\0';
	cr_expect_eq(read_text(text), OTA_ELIMIT);
	free(text);
	cr_expect_eq(read_text("name=\xff"), OTA_EINVALID);
	cr_expect_not_null(strstr(error.text, "UTF-8"));
	cr_expect_eq(ota_config_read("/nonexistent", &of, &error), OTA_ENOTFOUND);
	cr_expect_eq(read_text(""), OTA_EINVALID, "an empty file misses what is required");
}

Test(config, single_values_go_through_the_same_table)
{
	struct ota_config_spec of = spec();
	cr_expect_eq(ota_config_set(&of, &settings, "", "count", "7", &error), 0);
	cr_expect_eq(settings.count, 7);
	cr_expect_eq(ota_config_set(&of, &settings, "", "count", "x", &error), OTA_EINVALID);
	cr_expect_str_eq(error.text, "count: \"x\" must be an integer from 1 to 100");
	cr_expect_str_eq(error.path, "count");
	cr_expect_eq(ota_config_set(&of, &settings, "", "hook", "x", &error), OTA_EINVALID);
	cr_expect_eq(ota_config_set(&of, &settings.modules[0], "module", "hook", "x", &error), 0);
	cr_expect_eq(settings.modules[0].hook[0], '/', "relative to where the program stands");
}

static char problems[1024];

static void note_problem(void *context, const struct ota_error *problem)
{
	size_t used = strlen(problems);

	(void)context;
	snprintf(problems + used, sizeof(problems) - used, "%s\n", strrchr(problem->text, '/') + 1);
}

Test(config, every_problem_is_told_to_who_listens)
{
	struct ota_config_spec of = spec();

	of.problem = note_problem;
	problems[0] = '\0';
	scratch_write(directory, "a.conf",
		      "store = here\ncount = 101\nnonsense\ncount = 5\n[module a]\nreboot = perhaps\n"
		      "[radio]\nhook = /x\nwhat = 1\n[module b]\nhook = /bin/true\nhok = /x\n");
	cr_expect_eq(ota_config_read(path, &of, &error), OTA_EINVALID);
	cr_expect_str_eq(problems, "a.conf:2: count: \"101\" must be an integer from 1 to 100\n"
				   "a.conf:3: \"nonsense\" is neither key = value nor [section]\n"
				   "a.conf:4: count: is given twice\n"
				   "a.conf: name: is missing (what this unit is called)\n"
				   "a.conf:6: reboot: \"perhaps\" must be yes or no\n"
				   "a.conf:5: hook: is missing (the program that installs it)\n"
				   "a.conf:7: unknown section [radio]\n"
				   "a.conf:12: hok: unknown key in a section [module NAME]; did you mean \"hook\"?\n");
	cr_expect_str_eq(strrchr(error.text, '/'), "/a.conf:2: count: \"101\" must be an integer from 1 to 100", "the first");
}
