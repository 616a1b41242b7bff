#include <criterion/criterion.h>

#include "plugin/broker/sessions.h"

static const struct ota_identity one = {"pk", "one"}, two = {"pk", "two"};

Test(sessions, an_id_belongs_to_whom_it_was_given_last)
{
	struct ota_sessions *sessions = ota_sessions_new(10);
	cr_assert(sessions);
	cr_expect_null(ota_sessions_owner(sessions, "a|"));
	ota_sessions_keep(sessions, "a|", &one);
	cr_assert(ota_sessions_owner(sessions, "a|"));
	cr_expect(ota_identity_equals(ota_sessions_owner(sessions, "a|"), &one));
	cr_expect_null(ota_sessions_owner(sessions, "a"));
	ota_sessions_keep(sessions, "a|", &two);
	cr_expect(ota_identity_equals(ota_sessions_owner(sessions, "a|"), &two));
	ota_sessions_forget(sessions, "a|");
	ota_sessions_forget(sessions, "a|");
	cr_expect_null(ota_sessions_owner(sessions, "a|"));
	cr_expect_null(ota_sessions_free(sessions));
	cr_expect_null(ota_sessions_free(NULL));
}

Test(sessions, the_longest_unused_is_forgotten_at_the_limit)
{
	struct ota_sessions *sessions = ota_sessions_new(2);
	ota_sessions_keep(sessions, "a|", &one);
	ota_sessions_keep(sessions, "b|", &one);
	ota_sessions_keep(sessions, "a|", &one);
	cr_expect(ota_sessions_owner(sessions, "b|"));
	ota_sessions_keep(sessions, "c|", &two);
	cr_expect_null(ota_sessions_owner(sessions, "b|"));
	cr_expect(ota_sessions_owner(sessions, "a|"));
	cr_expect(ota_sessions_owner(sessions, "c|"));
	ota_sessions_free(sessions);
}
