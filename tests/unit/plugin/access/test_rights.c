#include <criterion/criterion.h>

#include "plugin/access/rights.h"

/* Rules that were broken by hand, and the question that shows each. Generated ones (test_rights_model.c) find them all, these
 * tell which rule it was. */
static const struct {
	const char *broken;
	struct ota_access access;
	enum ota_ruling ruling;
	const char *why;
} broken_rules[] = {
	{"names are compared up to the shorter one",
	 {"dn&pk1", OTA_VERB_PUBLISH, "/ota/device/inform/pk1/dn1", false}, OTA_RULING_DENY, "not_own_topic"},
	{"the product is not compared",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "/ota/device/upgrade/pk2/dn1", false}, OTA_RULING_DENY, "not_own_topic"},
	{"product and device are exchanged",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "/ota/device/upgrade/dn1/pk1", false}, OTA_RULING_DENY, "not_own_topic"},
	{"a user name with a wildcard is a device",
	 {"+&pk1", OTA_VERB_PUBLISH, "/ota/device/inform/pk1/+", false}, OTA_RULING_DENY, "server_only"},
	{"directions are not looked at",
	 {"dn1&pk1", OTA_VERB_PUBLISH, "/ota/device/upgrade/pk1/dn1", false}, OTA_RULING_DENY, "server_only"},
	{"whoever may publish may subscribe",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "/ota/device/inform/pk1/dn1", false}, OTA_RULING_DENY, "wrong_direction"},
	{"retained reports pass",
	 {"dn1&pk1", OTA_VERB_PUBLISH, "/ota/device/inform/pk1/dn1", true}, OTA_RULING_DENY, "retain"},
	{"an upgrade retained before this server stood guard is delivered",
	 {"dn1&pk1", OTA_VERB_READ, "/ota/device/upgrade/pk1/dn1", true}, OTA_RULING_DENY, "retain"},
	{"a will is a report",
	 {"dn1&pk1", OTA_VERB_WILL, "/ota/device/inform/pk1/dn1", false}, OTA_RULING_DENY, "will"},
	{"wildcards are another application's business",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "/ota/device/upgrade/pk1/+", false}, OTA_RULING_DENY, "wildcard"},
	{"a filter is ours from /ota/device/ on only",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "/ota/#", false}, OTA_RULING_DENY, "wildcard"},
	{"a verb that does not exist is free",
	 {"dn1&pk1", OTA_VERB_PUBLISH, "/ota/device/INFORM/pk1/dn1", false}, OTA_RULING_DENY, "unknown_topic"},
	{"shared subscriptions are judged by their first word",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "$share/g//ota/device/upgrade/pk1/dn1", false}, OTA_RULING_DENY, "shared_subscription"},
	{"a shared subscription hides $SYS",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "$share/g/$SYS/#", false}, OTA_RULING_DENY, "not_for_devices"},
	{"devices command",
	 {"dn1&pk1", OTA_VERB_PUBLISH, "$CONTROL/ota/v1", false}, OTA_RULING_DENY, "not_for_devices"},
	{"whoever is no device may offer upgrades",
	 {"operator", OTA_VERB_PUBLISH, "/ota/device/upgrade/pk1/dn1", false}, OTA_RULING_DENY, "server_only"},
	{"whoever is no device may report for one",
	 {NULL, OTA_VERB_PUBLISH, "/ota/device/progress/pk1/dn1", false}, OTA_RULING_DENY, "not_own_topic"},
	{"pulls are heard by others",
	 {"operator", OTA_VERB_READ, "/sys/pk1/dn1/thing/ota/firmware/get", false}, OTA_RULING_DENY, "server_only"},
	{"a device hears its own pull",
	 {"dn1&pk1", OTA_VERB_READ, "/ota/device/request/pk1/dn1", false}, OTA_RULING_DENY, "wrong_direction"},
	{"an answer in a stored session reaches who opens it next",
	 {"operator", OTA_VERB_READ, "$CONTROL/ota/v1/response", false}, OTA_RULING_DENY, "server_only"},
	{"operators forge events",
	 {"operator", OTA_VERB_PUBLISH, "$CONTROL/ota/v1/events", false}, OTA_RULING_DENY, "server_only"},
	{"wills may do what publishes may not",
	 {"operator", OTA_VERB_WILL, "$CONTROL/ota/v1/response", false}, OTA_RULING_DENY, "server_only"},
	{"another device's other topics are free",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "/sys/pk1/dn1x/thing/service/property/set", false}, OTA_RULING_DENY, "not_own_topic"},
	{"a device's other topics are ours",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "/sys/pk1/dn1/thing/service/property/set", false}, OTA_RULING_OTHERS, ""},
	{"retain is refused where it means nothing",
	 {"dn1&pk1", OTA_VERB_SUBSCRIBE, "/ota/device/upgrade/pk1/dn1", true}, OTA_RULING_ALLOW, ""},
};

Test(rights, each_rule_has_a_question_that_shows_it_broken)
{
	for (size_t i = 0; i < sizeof(broken_rules) / sizeof(broken_rules[0]); i++) {
		const char *why = NULL;
		enum ota_ruling ruling = ota_rights_decide(&broken_rules[i].access, &why);
		cr_expect_eq(ruling, broken_rules[i].ruling, "%s: %d", broken_rules[i].broken, ruling);
		cr_expect_str_eq(why, broken_rules[i].why, "%s: %s", broken_rules[i].broken, why);
	}
}

static enum ota_ruling rule(const char *username, enum ota_verb verb, const char *topic)
{
	const char *why;
	return ota_rights_decide(&(struct ota_access){.username = username, .verb = verb, .topic = topic}, &why);
}

Test(rights, unsubscribing_is_never_forbidden)
{
	cr_expect_eq(rule("dn1&pk1", OTA_VERB_UNSUBSCRIBE, "/ota/device/upgrade/pk2/dn2"), OTA_RULING_ALLOW);
	cr_expect_eq(rule(NULL, OTA_VERB_UNSUBSCRIBE, "/ota/device/#"), OTA_RULING_ALLOW);
	cr_expect_eq(rule("dn1&pk1", OTA_VERB_UNSUBSCRIBE, "weather"), OTA_RULING_OTHERS);
}

Test(rights, a_device_shares_no_subscription_of_ours)
{
	cr_expect_eq(rule("dn1&pk1", OTA_VERB_SUBSCRIBE, "$share/g//ota/device/upgrade/pk1/dn1"), OTA_RULING_DENY);
	cr_expect_eq(rule("dn1&pk1", OTA_VERB_SUBSCRIBE, "$share/g//ota/device/upgrade/pk2/dn2"), OTA_RULING_DENY);
	cr_expect_eq(rule("dn1&pk1", OTA_VERB_SUBSCRIBE, "$share/g/$SYS/#"), OTA_RULING_DENY);
	cr_expect_eq(rule("dn1&pk1", OTA_VERB_SUBSCRIBE, "$share/g/weather"), OTA_RULING_OTHERS);
	cr_expect_eq(rule("dn1&pk1", OTA_VERB_SUBSCRIBE, "$share/g"), OTA_RULING_OTHERS);
	cr_expect_eq(rule("operator", OTA_VERB_SUBSCRIBE, "$share/g//ota/device/inform/+/+"), OTA_RULING_OTHERS);
}

Test(rights, one_cheap_test_keeps_foreign_topics_out)
{
	cr_expect(ota_topic_may_be_ours("/ota/device/inform/a/b"));
	cr_expect(ota_topic_may_be_ours("/sys/a"));
	cr_expect_not(ota_topic_may_be_ours("/ota"));
	cr_expect_not(ota_topic_may_be_ours("ota/device"));
	cr_expect_not(ota_topic_may_be_ours("/other"));
	cr_expect_not(ota_topic_may_be_ours(""));
}
