#include <criterion/criterion.h>

#include "common/nearest.h"

static const char *const words[] = {"version", "module", "versions", "a", NULL};

Test(nearest, a_slip_of_the_fingers_is_recognised)
{
	cr_expect_str_eq(ota_nearest("verison", words), "version", "two neighbours swapped are one edit");
	cr_expect_str_eq(ota_nearest("VERSION", words), "version", "case is none");
	cr_expect_str_eq(ota_nearest("modul", words), "module");
	cr_expect_str_eq(ota_nearest("version", words), "version", "the nearest, not the first near one");
	cr_expect_str_eq(ota_nearest("versionss", words), "versions");
}

Test(nearest, a_far_fetched_hint_is_worse_than_none)
{
	cr_expect_null(ota_nearest("mxxxle", words), "more than a third of the letters differs");
	cr_expect_str_eq(ota_nearest("mxxule", words), "module", "a third may");
	cr_expect_null(ota_nearest("", words));
	cr_expect_null(ota_nearest("versionversionversionversionversion", words), "longer than any word of ours");
	cr_expect_null(ota_nearest("version", (const char *const[]){NULL}));
	cr_expect_null(ota_nearest("version", (const char *const[]){"version-that-is-longer-than-any-of-ours", NULL}));
}
