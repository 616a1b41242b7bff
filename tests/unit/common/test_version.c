/* The order of versions (common/version.h). */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "common/version.h"

static int compare(const char *a, const char *b)
{
	int order = ota_version_compare(ota_span_from_text(a), ota_span_from_text(b));
	return (order > 0) - (order < 0);
}

/* Each comes before all that follow. */
static const char *const ascending[] = {
	"~beta", "-rc", "0", "0.9", "1-alpha", "1-alpha.1", "1-alpha.9", "1-alpha.10", "1-beta", "1-rc1", "1-rc2", "1", "1a",
	"1b", "1-1", "1-2", "1.0-rc1", "1.0", "1.0.1", "1.0.1a", "1.0.1.1", "1.1", "1.2", "1.9",
	"1.10", "1.10.0", "2", "2.0", "10",
	"18446744073709551616", "99999999999999999999999999", "a", "release-7", "release-8", "release-10",
};
enum { ASCENDING = sizeof(ascending) / sizeof(ascending[0]) };

Test(version, versions_stand_in_one_order)
{
	for (size_t i = 0; i < ASCENDING; i++) {
		for (size_t j = 0; j < ASCENDING; j++) {
			int expected = (i > j) - (i < j);
			cr_expect_eq(compare(ascending[i], ascending[j]), expected, "%s and %s", ascending[i], ascending[j]);
		}
	}
}

Test(version, leading_zeros_and_a_leading_v_change_nothing)
{
	cr_expect_eq(compare("1.2", "1.02"), 0);
	cr_expect_eq(compare("1.0", "1.000"), 0);
	cr_expect_eq(compare("v1.2", "1.2"), 0);
	cr_expect_eq(compare("V2", "v2.0"), -1);
	cr_expect_neq(compare("va", "a"), 0, "a v before a letter is a letter");
}

static void text_fill(char target[8])
{
	static const char alphabet[] = "019av.-~+";
	size_t size = (size_t)(random() % 7);
	for (size_t i = 0; i < size; i++)
		target[i] = alphabet[random() % (long)(sizeof(alphabet) - 1)];
	target[size] = '\0';
}

Test(version, any_three_texts_are_ordered)
{
	srandom(20261120);
	for (int round = 0; round < 200000; round++) {
		char a[8], b[8], c[8];
		text_fill(a);
		text_fill(b);
		text_fill(c);
		cr_assert_eq(compare(a, b), -compare(b, a), "%s and %s", a, b);
		cr_assert_eq(compare(a, a), 0);
		if (compare(a, b) <= 0 && compare(b, c) <= 0)
			cr_assert_leq(compare(a, c), 0, "%s <= %s <= %s", a, b, c);
	}
}
