#include <criterion/criterion.h>
#include <stdio.h>

#include "plugin/access/rights.h"

/* --- the rule again, in thirty lines that share no code with rights.c: exact strings, no parser --- */

struct model {
	const char *pk, *dn; /* of the asking device; NULL: not a device */
	char own[9][160];    /* inform progress request upgrade cancel get get_reply download download_reply */
};
enum { INFORM, PROGRESS, REQUEST, UPGRADE, CANCEL, GET, GET_REPLY, DOWNLOAD, DOWNLOAD_REPLY };

static void model_make(struct model *model, const char *pk, const char *dn)
{
	static const char *const device[] = {"inform", "progress", "request", "upgrade", "cancel"};
	static const char *const sys[] = {"ota/firmware/get", "ota/firmware/get_reply", "file/download", "file/download_reply"};
	*model = (struct model){.pk = pk, .dn = dn};
	for (int i = 0; i < 5 && pk; i++)
		snprintf(model->own[i], sizeof(model->own[i]), "/ota/device/%s/%s/%s", device[i], pk, dn);
	for (int i = 0; i < 4 && pk; i++)
		snprintf(model->own[GET + i], sizeof(model->own[i]), "/sys/%s/%s/thing/%s", pk, dn, sys[i]);
}

static bool begins(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

static enum ota_ruling model_rule(const struct model *model, enum ota_verb verb, const char *topic, bool retain, bool house)
{
	if (verb == OTA_VERB_PUBLISH &&
	    (strcmp(topic, "$CONTROL/ota/v1/response") == 0 || strcmp(topic, "$CONTROL/ota/v1/events") == 0))
		return OTA_RULING_DENY;
	if (!model->pk && !house)
		return OTA_RULING_OTHERS;
	if (!model->pk && verb == OTA_VERB_READ &&
	    (strstr(topic, "/request/") || strstr(topic, "firmware/get") || strstr(topic, "file/download")))
		return strstr(topic, "_reply") || strpbrk(topic, "+#") ? OTA_RULING_OTHERS : OTA_RULING_DENY;
	if (!model->pk)
		return verb == OTA_VERB_PUBLISH ? OTA_RULING_DENY : OTA_RULING_OTHERS;
	for (int i = 0; i < 9; i++) {
		if (strcmp(topic, model->own[i]) != 0)
			continue;
		bool up = i == INFORM || i == PROGRESS || i == REQUEST || i == GET || i == DOWNLOAD, down = !up || i == REQUEST;
		bool may = verb == OTA_VERB_PUBLISH ? up && !retain : verb == OTA_VERB_READ ? down && i != REQUEST : down;
		return may ? OTA_RULING_ALLOW : OTA_RULING_DENY;
	}
	char prefix[160];
	snprintf(prefix, sizeof(prefix), "/sys/%s/%s/", model->pk, model->dn);
	if (house || begins(topic, "$SYS") || begins(topic, "$CONTROL"))
		return OTA_RULING_DENY;
	return begins(topic, "/sys/") && !begins(topic, prefix) ? OTA_RULING_DENY : OTA_RULING_OTHERS;
}

/* --- every verb, topic, identity --- */

static const struct {
	const char *pattern; /* < product key, > device name */
	bool house;         /* /ota/device/ or thing/ota or thing/file: the update topics, or a filter that covers some */
} topics[] = {
	{"/ota/device/inform/</>", true},
	{"/ota/device/progress/</>", true},
	{"/ota/device/request/</>", true},
	{"/ota/device/upgrade/</>", true},
	{"/ota/device/cancel/</>", true},
	{"/ota/device/inform/</>/more", true},
	{"/ota/device/inform/<", true},
	{"/ota/device/inform/</", true},
	{"/ota/device/INFORM/</>", true},
	{"/ota/device/unknown/</>", true},
	{"/ota/device/", true},
	{"/ota/device/upgrade/</+", true},
	{"/ota/device/upgrade/+/>", true},
	{"/ota/device/#", true},
	{"/ota/#", true},
	{"/ota/+/upgrade/</>", true},
	{"/ota/other/</>", false},
	{"/sys/</>/thing/ota/firmware/get", true},
	{"/sys/</>/thing/ota/firmware/get_reply", true},
	{"/sys/</>/thing/file/download", true},
	{"/sys/</>/thing/file/download_reply", true},
	{"/sys/</>/thing/ota/other", true},
	{"/sys/</>/thing/#", true},
	{"/sys/</>/#", true},
	{"/sys/</+/thing/ota/firmware/get_reply", true},
	{"/sys/#", true},
	{"/sys/</>/thing/event/property/post", false},
	{"/sys/</>/thing/event/+/post_reply", false},
	{"/sys/</>/rrpc/request/+", false},
	{"/sys/</>", false},
	{"/sys/<x/>/thing/event/property/post", false},
	{"/sys/</>x/thing/event/property/post", false},
	{"$CONTROL/ota/v1", false},
	{"$CONTROL/ota/v1/response", false},
	{"$CONTROL/ota/v1/events", false},
	{"$CONTROL/ota/v1/+", false},
	{"$CONTROL/#", false},
	{"$SYS/broker/uptime", false},
	{"$other/thing", false},
	{"#", false},
	{"+/ota/#", false},
	{"telemetry/</>", false},
	{"ota/device/inform/</>", false},
	{"", false},
};
static const char *const keys[] = {"pk1", "pk1x"};
static const char *const names[] = {"dn1", "dn", "dn1x"};

static void expect_ruling(const struct model *model, const char *username, const struct ota_access *access, bool house)
{
	const char *why = NULL;
	enum ota_ruling ruling = ota_rights_decide(access, &why);
	enum ota_ruling wanted = model_rule(model, access->verb, access->topic, access->retain, house);
	cr_expect_eq(ruling, wanted, "%s verb %d retain %d on %s: %d, not %d (%s)", username ? username : "nobody", access->verb,
		     access->retain, access->topic, ruling, wanted, why);
	cr_expect_eq(why[0] != '\0', ruling == OTA_RULING_DENY, "a denial has its word, nothing else has");
}

static void try_topic(const struct model *model, const char *username, const char *topic, bool house)
{
	static const enum ota_verb verbs[] = {OTA_VERB_PUBLISH, OTA_VERB_SUBSCRIBE, OTA_VERB_READ};
	for (size_t verb = 0; verb < 3; verb++)
		for (int retain = 0; retain < 2; retain++)
			expect_ruling(model, username, &(struct ota_access){username, verbs[verb], topic, retain}, house);
}

static void topic_expand(struct ota_bytes *out, const char *pattern, const char *key, const char *name)
{
	ota_bytes_clear(out);
	ota_bytes_text(out, "");
	for (; *pattern; pattern++) {
		if (*pattern == '<' || *pattern == '>')
			ota_bytes_text(out, *pattern == '<' ? key : name);
		else
			ota_bytes_append(out, pattern, 1);
	}
}

static size_t try_everything(const char *username, const char *pk, const char *dn)
{
	struct model model;
	OTA_AUTO_BYTES struct ota_bytes topic = {0};
	size_t count = 0;
	model_make(&model, pk, dn);
	for (size_t key = 0; key < 2; key++)
		for (size_t name = 0; name < 3; name++)
			for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++, count++) {
				topic_expand(&topic, topics[i].pattern, keys[key], names[name]);
				try_topic(&model, username, topic.data ? topic.data : "", topics[i].house);
			}
	return count;
}

Test(rights, agree_with_the_model_for_every_verb_topic_and_identity)
{
	size_t count = try_everything("dn1&pk1", "pk1", "dn1") + try_everything("dn&pk1", "pk1", "dn") +
		       try_everything("dn1&pk1x", "pk1x", "dn1") + try_everything("operator", NULL, NULL) +
		       try_everything("dn1&pk&1", NULL, NULL) + try_everything("", NULL, NULL) + try_everything(NULL, NULL, NULL);
	cr_expect_gt(count, 1000);
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
