#include "common/flag.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { CONFIG, QUIET, LEVEL, ROWS };

static const struct ota_flag rows[ROWS] = {
	[CONFIG] = {"config", 'c', "FILE", "settings"},
	[QUIET] = {"quiet", 0, NULL, "say nothing"},
	[LEVEL] = {"level", 'l', "[N]", "how much"},
};
static const struct ota_flag_list flags = {rows, ROWS};

static struct ota_error error;

/* A command line of its own: the walk moves its words. */
static struct ota_flag_walk walk_of(const char *const *words)
{
	static char text[16][64];
	static char *argv[17];
	struct ota_flag_walk walk = {.flags = flags, .argv = argv};

	for (; words[walk.argc]; walk.argc++) {
		snprintf(text[walk.argc], sizeof(text[0]), "%s", words[walk.argc]);
		argv[walk.argc] = text[walk.argc];
	}
	return walk;
}

#define WALK(...) walk_of((const char *const[]){"x", __VA_ARGS__, NULL})

static void expect_bad(struct ota_flag_walk walk, const char *sentence)
{
	const char *value;
	int flag;

	while ((flag = ota_flag_next(&walk, &value, &error)) >= 0)
		;
	cr_expect_eq(flag, OTA_FLAG_BAD, "%s", sentence);
	cr_expect_str_eq(error.text, sentence);
}

Test(flag, a_row_is_found_by_its_name_and_by_its_letter)
{
	struct ota_flag_walk walk = WALK("first", "--config", "a", "--quiet", "-l3", "rest");
	const char *value;

	cr_expect_eq(ota_flag_next(&walk, &value, &error), CONFIG);
	cr_expect_str_eq(value, "a");
	cr_expect_eq(ota_flag_next(&walk, &value, &error), QUIET);
	cr_expect_null(value);
	cr_expect_eq(ota_flag_next(&walk, &value, &error), LEVEL);
	cr_expect_str_eq(value, "3");
	cr_expect_eq(ota_flag_next(&walk, &value, &error), OTA_FLAG_END);
	cr_expect_eq(walk.operand_count, 2);
	cr_expect_str_eq(walk.argv[1], "first");
	cr_expect_str_eq(walk.argv[2], "rest");
}

Test(flag, every_spelling_of_a_value_is_taken)
{
	static const char *const spellings[][4] = {{"x", "--config", "a"}, {"x", "--config=a"}, {"x", "-c", "a"}, {"x", "-ca"}};

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		struct ota_flag_walk walk = walk_of(spellings[i]);
		const char *value = NULL;

		cr_expect_eq(ota_flag_next(&walk, &value, &error), CONFIG);
		cr_expect_str_eq(value, "a");
		cr_expect_eq(ota_flag_next(&walk, &value, &error), OTA_FLAG_END);
	}
}

Test(flag, a_value_that_may_be_left_out_is_never_the_next_word)
{
	struct ota_flag_walk walk = WALK("--level", "7");
	const char *value;

	cr_expect_eq(ota_flag_next(&walk, &value, &error), LEVEL);
	cr_expect_null(value);
	cr_expect_eq(ota_flag_next(&walk, &value, &error), OTA_FLAG_END);
	cr_expect_eq(walk.operand_count, 1);
}

Test(flag, two_dashes_end_the_flags_and_one_is_a_word)
{
	struct ota_flag_walk walk = WALK("-", "--", "--quiet");
	const char *value;

	cr_expect_eq(ota_flag_next(&walk, &value, &error), OTA_FLAG_END);
	cr_expect_eq(walk.operand_count, 2);
	cr_expect_str_eq(walk.argv[1], "-");
	cr_expect_str_eq(walk.argv[2], "--quiet");
}

Test(flag, every_mistake_is_a_sentence_with_the_flag)
{
	expect_bad(WALK("--nothing"), "there is no option --nothing");
	expect_bad(WALK("--confg", "x"), "there is no option --confg; did you mean --config?");
	expect_bad(WALK("--confg=x"), "there is no option --confg; did you mean --config?");
	expect_bad(WALK("--conf", "x"), "there is no option --conf; did you mean --config?");
	expect_bad(WALK("-z"), "there is no option -z");
	expect_bad(WALK("--config"), "--config needs a value: FILE");
	expect_bad(WALK("-c"), "--config needs a value: FILE");
	expect_bad(WALK("--quiet=1"), "--quiet takes no value");
	expect_bad(WALK("--quiet", "--quiet"), "--quiet is given twice");
	expect_bad(WALK("-c", "a", "--config=b"), "--config is given twice");
}

Test(flag, help_has_a_line_for_each_row)
{
	char text[512] = "";
	FILE *stream = fmemopen(text, sizeof(text), "w");

	ota_flags_print(stream, flags);
	(void)fclose(stream);
	cr_assert_str_eq(text, "  -c, --config FILE        settings\n"
			       "      --quiet              say nothing\n"
			       "  -l, --level [N]          how much\n");
}
