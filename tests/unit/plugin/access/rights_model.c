#include "rights_model.h"

#include <stdio.h>
#include <string.h>

/* Does a topic, or one that a filter covers, match the pattern ("+": any level) and go on below it? */
static bool below(const char *topic, const char *pattern)
{
	size_t mine = strcspn(topic, "/"), wanted = strcspn(pattern, "/");
	if (*topic == '#' && mine == 1)
		return true;
	if ((*topic != '+' || mine != 1) && *pattern != '+' && (mine != wanted || strncmp(topic, pattern, mine) != 0))
		return false;
	return topic[mine] == '/' && (!pattern[wanted] || below(topic + mine + 1, pattern + wanted + 1));
}

static bool named(const char *topic, const char *before, const char *after)
{
	char format[160], pk[33], dn[65];
	int end = -1;
	snprintf(format, sizeof(format), "%s%%32[A-Za-z0-9]/%%64[A-Za-z0-9_.:@-]%s%%n", before, after);
	return sscanf(topic, format, pk, dn, &end) == 2 && end == (int)strlen(topic);
}

static bool begins(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

static enum ota_ruling device_model(const char *pk, const char *dn, const struct ota_access *access)
{
	static const struct { const char *topic, *verbs; } own[] = { /* publish subscribe read */
		{"/ota/device/inform/%s/%s", "p"}, {"/ota/device/progress/%s/%s", "p"}, {"/ota/device/request/%s/%s", "ps"},
		{"/ota/device/upgrade/%s/%s", "sr"}, {"/ota/device/cancel/%s/%s", "sr"},
		{"/sys/%s/%s/thing/ota/firmware/get", "p"}, {"/sys/%s/%s/thing/ota/firmware/get_reply", "sr"},
		{"/sys/%s/%s/thing/file/download", "p"}, {"/sys/%s/%s/thing/file/download_reply", "sr"},
	};
	static const char letters[OTA_VERBS] = {'p', 's', 'u', 'r', 'w'};
	char topic[256];
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		snprintf(topic, sizeof(topic), own[i].topic, pk, dn);
		if (strcmp(topic, access->topic) != 0)
			continue;
		bool may = strchr(own[i].verbs, letters[access->verb]) && !(access->retain && access->verb != OTA_VERB_SUBSCRIBE);
		return may ? OTA_RULING_ALLOW : OTA_RULING_DENY;
	}
	snprintf(topic, sizeof(topic), "/sys/%s/%s/", pk, dn);
	bool others = begins(access->topic, "/sys/") && !begins(access->topic, topic);
	return others ? OTA_RULING_DENY : OTA_RULING_OTHERS;
}

enum ota_ruling rights_model(const struct ota_access *access)
{
	const char *topic = access->topic;
	bool speaks = access->verb == OTA_VERB_PUBLISH || access->verb == OTA_VERB_WILL, reads = access->verb == OTA_VERB_READ;
	bool house = begins(topic, "/ota/") || begins(topic, "/sys/");
	bool updates = house && (below(topic, "/ota/device") || below(topic, "/sys/+/+/thing/ota") ||
				 below(topic, "/sys/+/+/thing/file"));
	if (access->verb == OTA_VERB_UNSUBSCRIBE)
		return house ? OTA_RULING_ALLOW : OTA_RULING_OTHERS;
	if ((strcmp(topic, "$CONTROL/ota/v1/response") == 0 && (speaks || reads)) ||
	    (strcmp(topic, "$CONTROL/ota/v1/events") == 0 && speaks))
		return OTA_RULING_DENY;
	char dn[65], pk[33];
	int end = -1;
	bool device = access->username && sscanf(access->username, "%64[A-Za-z0-9_.:@-]&%32[A-Za-z0-9]%n", dn, pk, &end) == 2 &&
		      end == (int)strlen(access->username);
	if (!device) {
		bool pull = named(topic, "/ota/device/request/", "") || named(topic, "/sys/", "/thing/ota/firmware/get") ||
			    named(topic, "/sys/", "/thing/file/download");
		return updates && (speaks || (reads && pull)) ? OTA_RULING_DENY : OTA_RULING_OTHERS;
	}
	if (begins(topic, "$SYS") || begins(topic, "$CONTROL"))
		return OTA_RULING_DENY;
	if (begins(topic, "$share/")) {
		const char *filter = strchr(topic + strlen("$share/"), '/');
		struct ota_access inner = {access->username, OTA_VERB_SUBSCRIBE, filter ? filter + 1 : "", false};
		return inner.topic[0] == '$' || rights_model(&inner) != OTA_RULING_OTHERS ? OTA_RULING_DENY : OTA_RULING_OTHERS;
	}
	enum ota_ruling ruling = house ? device_model(pk, dn, access) : OTA_RULING_OTHERS;
	return ruling == OTA_RULING_OTHERS && updates ? OTA_RULING_DENY : ruling;
}
