#include <criterion/criterion.h>

#include "plugin/access/denylist.h"

Test(denylist, holds_exact_names_and_nobody)
{
	struct ota_denylist *denylist = ota_denylist_new();
	cr_assert(denylist);
	cr_expect_not(ota_denylist_has(denylist, "one&pk"));
	cr_expect_eq(ota_denylist_add(denylist, "one&pk"), 0);
	cr_expect_eq(ota_denylist_add(denylist, "one&pk"), 0);
	cr_expect_eq(ota_denylist_count(denylist), 1);
	cr_expect(ota_denylist_has(denylist, "one&pk"));
	static const char *const others[] = {"one&pk1", "one&p", "ONE&pk", "one", "", "+", NULL};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_expect_not(ota_denylist_has(denylist, others[i]), "%s", others[i]);
	ota_denylist_remove(denylist, "two&pk");
	ota_denylist_remove(denylist, "one&pk");
	cr_expect_not(ota_denylist_has(denylist, "one&pk"));
	cr_expect_eq(ota_denylist_count(denylist), 0);
	ota_denylist_add(denylist, "one&pk");
	cr_expect_null(ota_denylist_free(denylist));
	cr_expect_null(ota_denylist_free(NULL));
}
