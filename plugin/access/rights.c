#include "plugin/access/rights.h"

#include <string.h>

static bool text_begins(const char *text, const char *head)
{
	return strncmp(text, head, strlen(head)) == 0;
}

bool ota_topic_may_be_ours(const char *topic)
{
	return topic[0] == '/' && (text_begins(topic, "/ota/") || text_begins(topic, "/sys/"));
}

/* What a device may do on its own topic of each kind. */
enum { NOTHING = 0, MAY_PUBLISH = 1 << OTA_VERB_PUBLISH, MAY_SUBSCRIBE = 1 << OTA_VERB_SUBSCRIBE, MAY_READ = 1 << OTA_VERB_READ };
static const unsigned own_rights[OTA_TOPIC_KINDS] = {
	[OTA_TOPIC_INFORM]              = MAY_PUBLISH,
	[OTA_TOPIC_PROGRESS]            = MAY_PUBLISH,
	[OTA_TOPIC_REQUEST]             = MAY_PUBLISH | MAY_SUBSCRIBE,
	[OTA_TOPIC_UPGRADE]             = MAY_SUBSCRIBE | MAY_READ,
	[OTA_TOPIC_CANCEL]              = MAY_SUBSCRIBE | MAY_READ,
	[OTA_TOPIC_FIRMWARE_GET]        = MAY_PUBLISH,
	[OTA_TOPIC_FIRMWARE_GET_REPLY]  = MAY_SUBSCRIBE | MAY_READ,
	[OTA_TOPIC_FILE_DOWNLOAD]       = MAY_PUBLISH,
	[OTA_TOPIC_FILE_DOWNLOAD_REPLY] = MAY_SUBSCRIBE | MAY_READ,
	[OTA_TOPIC_BROKEN]              = NOTHING,
};

static bool verb_speaks(enum ota_verb verb)
{
	return verb == OTA_VERB_PUBLISH || verb == OTA_VERB_WILL;
}

/* Pulls are read by the server alone. */
static bool topic_is_pull(enum ota_topic_kind kind)
{
	return kind == OTA_TOPIC_REQUEST || kind == OTA_TOPIC_FIRMWARE_GET || kind == OTA_TOPIC_FILE_DOWNLOAD;
}

static enum ota_ruling deny(const char *why, const char **ret_why)
{
	*ret_why = why;
	return OTA_RULING_DENY;
}

/* A topic of the house that is not for updates: free below the device's own names, closed below another's. */
static enum ota_ruling device_foreign(const struct ota_identity *identity, const char *topic, const char **ret_why)
{
	if (!text_begins(topic, "/sys/"))
		return OTA_RULING_OTHERS;
	const char *rest = topic + strlen("/sys/");
	size_t key_size = strlen(identity->product_key), name_size = strlen(identity->device_name);
	if (strncmp(rest, identity->product_key, key_size) == 0 && rest[key_size] == '/' &&
	    strncmp(rest + key_size + 1, identity->device_name, name_size) == 0 && rest[key_size + 1 + name_size] == '/')
		return OTA_RULING_OTHERS;
	return deny("not_own_topic", ret_why);
}

static enum ota_ruling device_ours(const struct ota_identity *identity, const struct ota_access *access, const char **ret_why)
{
	struct ota_identity owner;
	enum ota_topic_kind kind = ota_topic_parse(ota_span_from_text(access->topic), &owner);
	if (kind == OTA_TOPIC_FOREIGN)
		return device_foreign(identity, access->topic, ret_why);
	if (kind == OTA_TOPIC_BROKEN)
		return deny(strpbrk(access->topic, "+#") ? "wildcard" : "unknown_topic", ret_why);
	if (!ota_identity_equals(identity, &owner))
		return deny("not_own_topic", ret_why);
	if (access->verb == OTA_VERB_WILL)
		return deny("will", ret_why);
	if (!(own_rights[kind] & 1U << access->verb))
		return deny(access->verb == OTA_VERB_PUBLISH ? "server_only" : "wrong_direction", ret_why);
	/* Nothing of ours is retained: what is, was left there before this server stood guard. */
	if (access->retain && access->verb != OTA_VERB_SUBSCRIBE)
		return deny("retain", ret_why);
	return OTA_RULING_ALLOW;
}

static enum ota_ruling other_ours(const struct ota_access *access, const char **ret_why)
{
	struct ota_identity owner;
	enum ota_topic_kind kind = ota_topic_parse(ota_span_from_text(access->topic), &owner);
	if (kind == OTA_TOPIC_FOREIGN)
		return OTA_RULING_OTHERS;
	if (verb_speaks(access->verb))
		return deny(ota_topic_is_from_device(kind) ? "not_own_topic" : "server_only", ret_why);
	if (access->verb == OTA_VERB_READ && topic_is_pull(kind))
		return deny("server_only", ret_why);
	return OTA_RULING_OTHERS;
}

/* "$share/<group>/<filter>": the filter, or "" when there is none. */
static const char *shared_filter(const char *topic)
{
	const char *slash = strchr(topic + strlen("$share/"), '/');
	return slash ? slash + 1 : "";
}

static enum ota_ruling device_dollar(const struct ota_identity *identity, const struct ota_access *access, const char **ret_why)
{
	if (text_begins(access->topic, "$SYS") || text_begins(access->topic, "$CONTROL"))
		return deny("not_for_devices", ret_why);
	if (!text_begins(access->topic, "$share/"))
		return OTA_RULING_OTHERS;
	struct ota_access inner = *access;
	inner.topic = shared_filter(access->topic);
	if (inner.topic[0] == '$')
		return deny("not_for_devices", ret_why);
	if (!ota_topic_may_be_ours(inner.topic) || device_ours(identity, &inner, ret_why) == OTA_RULING_OTHERS)
		return OTA_RULING_OTHERS;
	return deny("shared_subscription", ret_why);
}

/* Answers go directly to the connection that asked, past this check. What is checked is one that waits in a stored session, and
 * whoever opens that again under the same client id did not ask. */
static bool control_is_denied(const struct ota_access *access)
{
	if (strcmp(access->topic, OTA_CONTROL_RESPONSE_TOPIC) == 0)
		return verb_speaks(access->verb) || access->verb == OTA_VERB_READ;
	return verb_speaks(access->verb) && strcmp(access->topic, OTA_CONTROL_EVENTS_TOPIC) == 0;
}

enum ota_ruling ota_rights_decide(const struct ota_access *access, const char **ret_why)
{
	*ret_why = "";
	bool dollar = access->topic[0] == '$';
	if (!dollar && !ota_topic_may_be_ours(access->topic))
		return OTA_RULING_OTHERS;
	if (access->verb == OTA_VERB_UNSUBSCRIBE)
		return dollar ? OTA_RULING_OTHERS : OTA_RULING_ALLOW;
	if (control_is_denied(access))
		return deny("server_only", ret_why);

	struct ota_identity identity;
	if (!ota_identity_parse(ota_span_from_text(access->username), &identity))
		return dollar ? OTA_RULING_OTHERS : other_ours(access, ret_why);
	return dollar ? device_dollar(&identity, access, ret_why) : device_ours(&identity, access, ret_why);
}
