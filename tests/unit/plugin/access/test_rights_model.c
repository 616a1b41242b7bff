/*
 * Generated questions, most of them about topics that are nearly right, put to the product and to the model (rights_model.h).
 * OTA_SEED replays one run, OTA_QUERIES sets its length; a question on which they differ is printed.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rights_model.h"

enum { QUERIES = 100000, LONG = 300, NAME = 100 };

static uint64_t state;

static unsigned draw(unsigned below)
{
	state = state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(state >> 33) % below;
}

#define PICK(list) ((list)[draw(sizeof(list) / sizeof((list)[0]))])

/* Names that begin like one another, with their parts exchanged, too long, empty, broken, and wildcards. */
static const char *const keys[] = {"pk1", "pk1", "pk1", "pk", "pk1x", "dn1", "+", "#", "", "p_k", "P.K1",
				   "12345678901234567890123456789012", "123456789012345678901234567890123"};
static const char *const names_list[] = {"dn1", "dn1", "dn1", "dn", "dn1x", "pk1", "+", "#", "", "d n", "a.b:c@d-e_f", "dn1/x",
				    "dn1&pk1",
				    "1234567890123456789012345678901234567890123456789012345678901234",
				    "12345678901234567890123456789012345678901234567890123456789012345"};

static const char *const patterns[] = {
	"/ota/device/inform/<>", "/ota/device/progress/<>", "/ota/device/request/<>", "/ota/device/upgrade/<>",
	"/ota/device/cancel/<>",
	"/sys/<>/thing/ota/firmware/get", "/sys/<>/thing/ota/firmware/get_reply", "/sys/<>/thing/file/download",
	"/sys/<>/thing/file/download_reply", "/sys/<>/thing/event/property/post", "/sys/<>/thing/config/push",
	"/sys/<>/rrpc/request/+", "/sys/<>", "/sys/<>/#", "/sys/<>/thing/+/firmware/get_reply",
	"/ota/device", "/ota/device/", "/ota/+", "/ota/#", "/ota/+/#",
	"/ota/device/+/<>", "/ota/device/unknown/<>", "/ota/other/<>", "/sys/#", "/sys/+/+/thing/+/#", "/shadow/get/<>",
	"/ext/session/<>/combine/login_reply", "$CONTROL/ota/v1", "$CONTROL/ota/v1/response", "$CONTROL/ota/v1/events",
	"$CONTROL/#", "$CONTROL/dynamic-security/v1", "$SYS/broker/uptime", "$SYS/#", "$other/<>", "$share/g", "$share/g/",
	"#", "+/+/#", "+/ota/#", "telemetry/<>", "ota/device/inform/<>", "",
};
static const char *const usernames[] = {
	"dn1&pk1", "dn1&pk1", "dn1&pk1", "dn&pk1", "dn1x&pk1", "dn1&pk1x", "pk1&dn1", "a.b:c@d-e_f&pk1",
	"1234567890123456789012345678901234567890123456789012345678901234&12345678901234567890123456789012",
	"operator", "gateway", "", "dn1", "dn1&", "&pk1", "dn1&pk1&", "dn1&pk&1", "+&pk1", "dn1&+", "#", "dn1&#",
	"dn1/&pk1", "DN1&PK1",
	"12345678901234567890123456789012345678901234567890123456789012345&pk1",
};

/* What stands for "<>": often the names of whoever asks. */
struct names {
	char key[NAME], name[NAME];
};

static void names_draw(struct names *names, const char *username)
{
	const char *ampersand = username ? strchr(username, '&') : NULL;
	bool own = ampersand && draw(2) == 0;
	snprintf(names->key, NAME, "%.*s", NAME - 1, own ? ampersand + 1 : PICK(keys));
	snprintf(names->name, NAME, "%.*s", own ? (int)(ampersand - username) : NAME - 1, own ? username : PICK(names_list));
}

/* A letter, a level more or less, a word before it. */
static void topic_damage(char *topic)
{
	static const char letters[] = "/+#$&ax.\xff\x01";
	size_t size = strlen(topic);
	if (size > 0)
		topic[draw((unsigned)size)] = draw(3) == 0 ? '\0' : letters[draw(sizeof(letters) - 1)];
}

static void topic_make(char target[LONG], const char *username)
{
	const char *pattern = PICK(patterns), *hole = strstr(pattern, "<>");
	const char *before = draw(12) == 0 ? "$share/g/" : "", *after = draw(12) == 0 ? "/more" : "";
	int until = hole ? (int)(hole - pattern) : (int)strlen(pattern);
	struct names names = {"", ""};
	if (hole)
		names_draw(&names, username);
	snprintf(target, LONG, "%s%.*s%s%s%s%s%s", before, until, pattern, names.key, hole ? "/" : "", names.name,
		 hole ? hole + 2 : "", after);
	if (draw(5) == 0)
		topic_damage(target);
}

static void answers_compare(uint64_t seed, const struct ota_access *access)
{
	const char *why = NULL;
	enum ota_ruling ruling = ota_rights_decide(access, &why), wanted = rights_model(access);
	cr_assert_eq(ruling, wanted, "OTA_SEED=%llu: user %s, verb %d, retain %d on \"%s\": %d, the model says %d (%s)",
		     (unsigned long long)seed, access->username ? access->username : "(none)", access->verb, access->retain,
		     access->topic, ruling, wanted, why);
	cr_assert_eq(why[0] != '\0', ruling == OTA_RULING_DENY, "a denial has its word, nothing else has: %s", access->topic);
}

Test(rights_model, generated_questions_are_answered_as_the_model_does)
{
	const char *given = getenv("OTA_SEED"), *count = getenv("OTA_QUERIES");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	long queries = count ? strtol(count, NULL, 10) : QUERIES;
	size_t rulings[3] = {0};
	state = seed;
	fprintf(stderr, "# OTA_SEED=%llu\n", (unsigned long long)seed);
	for (long i = 0; i < queries; i++) {
		char topic[LONG];
		const char *username = draw(20) == 0 ? NULL : PICK(usernames);
		topic_make(topic, username);
		struct ota_access access = {username, (enum ota_verb)draw(OTA_VERBS), topic, draw(3) == 0};
		answers_compare(seed, &access);
		rulings[rights_model(&access)]++;
	}
	fprintf(stderr, "# %ld questions: %zu allowed, %zu denied, %zu of no concern\n", queries, rulings[OTA_RULING_ALLOW],
		rulings[OTA_RULING_DENY], rulings[OTA_RULING_OTHERS]);
	cr_expect_gt(rulings[OTA_RULING_ALLOW], queries / 200, "questions that never hit show nothing");
}
