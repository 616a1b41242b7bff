#include <criterion/criterion.h>

#include "common/nearest.h"

static const char *const words[] = { "create", "cancel", "pause", "list", "show", "watch", "version", NULL };

Test(nearest, slips_of_the_keyboard_find_their_word)
{
	static const struct {
		const char *typed, *meant;
	} rows[] = {
		{"creat", "create"}, {"craete", "create"}, {"CREATE", "create"},  {"cancell", "cancel"}, {"puase", "pause"},
		{"lsit", "list"},    {"shwo", "show"},	   {"verson", "version"}, {"show", "show"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(ota_nearest(rows[i].typed, words), rows[i].meant, "%s", rows[i].typed);
}

Test(nearest, far_fetched_words_find_nothing)
{
	static const char *const typed[] = { "", "x", "delete", "zzzz", "a-word-that-is-longer-than-any-word-we-know" };

	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++)
		cr_expect_null(ota_nearest(typed[i], words), "%s", typed[i]);
}

Test(nearest, of_no_words_none_is_near)
{
	static const char *const none[] = { NULL };

	cr_expect_null(ota_nearest("list", none));
}
