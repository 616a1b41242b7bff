#include "common/flag.h"

#include <criterion/criterion.h>
#include <getopt.h>
#include <string.h>

enum { CONFIG, QUIET, LEVEL, ROWS };

static const struct ota_flag rows[ROWS] = {
	[CONFIG] = {"config", 'c', "FILE", "settings"},
	[QUIET] = {"quiet", 0, NULL, "say nothing"},
	[LEVEL] = {"level", 'l', "[N]", "how much"},
};
static const struct ota_flag_list flags = {rows, ROWS};

static int next(int argc, char **argv, const char **ret_value)
{
	opterr = 0;
	return ota_flag_next(flags, argc, argv, ret_value);
}

Test(flag, a_row_is_found_by_its_name_and_by_its_letter)
{
	char words[][12] = {"x", "--config", "a", "-cb", "--quiet", "-l", "--level=3", "rest"};
	char *argv[] = {words[0], words[1], words[2], words[3], words[4], words[5], words[6], words[7], NULL};
	const char *value;

	optind = 1;
	cr_assert_eq(next(8, argv, &value), CONFIG);
	cr_assert_str_eq(value, "a");
	cr_assert_eq(next(8, argv, &value), CONFIG);
	cr_assert_str_eq(value, "b");
	cr_assert_eq(next(8, argv, &value), QUIET);
	cr_assert_eq(next(8, argv, &value), LEVEL);
	cr_assert_null(value);
	cr_assert_eq(next(8, argv, &value), LEVEL);
	cr_assert_str_eq(value, "3");
	cr_assert_eq(next(8, argv, &value), OTA_FLAG_END);
	cr_assert_eq(optind, 7);
}

Test(flag, what_no_row_names_and_a_missing_value_are_bad)
{
	char words[][12] = {"x", "--nothing", "--config"};
	char *unknown[] = {words[0], words[1], NULL}, *missing[] = {words[0], words[2], NULL};
	const char *value;

	optind = 0; /* begins anew, glibc's way */
	cr_assert_eq(next(2, unknown, &value), OTA_FLAG_BAD);
	optind = 0;
	cr_assert_eq(next(2, missing, &value), OTA_FLAG_BAD);
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
