#include "common/topic.h"

#include <stdio.h>
#include <string.h>

#include "common/digest.h"
#include "common/text.h"

/* "<head>PK/DN<tail>" is the whole grammar. */
static const struct {
	const char *head, *tail;
	bool from_device, to_device;
} topics[OTA_TOPIC_KINDS] = {
	[OTA_TOPIC_INFORM]              = {"/ota/device/inform/", "", true, false},
	[OTA_TOPIC_PROGRESS]            = {"/ota/device/progress/", "", true, false},
	[OTA_TOPIC_REQUEST]             = {"/ota/device/request/", "", true, true},
	[OTA_TOPIC_UPGRADE]             = {"/ota/device/upgrade/", "", false, true},
	[OTA_TOPIC_CANCEL]              = {"/ota/device/cancel/", "", false, true},
	[OTA_TOPIC_FIRMWARE_GET]        = {"/sys/", "/thing/ota/firmware/get", true, false},
	[OTA_TOPIC_FIRMWARE_GET_REPLY]  = {"/sys/", "/thing/ota/firmware/get_reply", false, true},
	[OTA_TOPIC_FILE_DOWNLOAD]       = {"/sys/", "/thing/file/download", true, false},
	[OTA_TOPIC_FILE_DOWNLOAD_REPLY] = {"/sys/", "/thing/file/download_reply", false, true},
};

static bool span_begins(struct ota_span span, const char *head)
{
	size_t size = strlen(head);
	return span.size >= size && memcmp(span.data, head, size) == 0;
}

static bool span_ends(struct ota_span span, const char *tail)
{
	size_t size = strlen(tail);
	return span.size >= size && memcmp(span.data + span.size - size, tail, size) == 0;
}

/* Takes the text before the next '/' (or all of it) off the front. */
static struct ota_span level_take(struct ota_span *rest)
{
	const char *slash = rest->size > 0 ? memchr(rest->data, '/', rest->size) : NULL;
	struct ota_span level = {.data = rest->data, .size = slash ? (size_t)(slash - rest->data) : rest->size};
	size_t taken = level.size + (slash != NULL);
	*rest = (struct ota_span){.data = rest->data + taken, .size = rest->size - taken};
	return level;
}

/* True if the topic, or one that the filter covers, lies under `pattern`, where '+' stands for any level. "#" ends a filter. */
static bool topic_is_under(struct ota_span topic, const char *pattern)
{
	struct ota_span wanted = ota_span_from_text(pattern);
	while (wanted.size > 0) {
		if (topic.size == 0)
			return false;
		struct ota_span level = level_take(&topic), want = level_take(&wanted);
		if (ota_span_equals(level, "#"))
			return true;
		bool same = level.size == want.size && memcmp(level.data, want.data, want.size) == 0;
		if (!same && !ota_span_equals(level, "+") && !ota_span_equals(want, "+"))
			return false;
	}
	return topic.data[-1] == '/'; /* at least one level was taken, so there is a byte before */
}

/* Filters that do not even begin with our first word ("#", "+/+/upgrade") are judged where messages are delivered, not here. */
static bool topic_is_ours(struct ota_span topic)
{
	if (span_begins(topic, "/ota/device/"))
		return true;
	if (span_begins(topic, "/ota/"))
		return topic_is_under(topic, "/ota/device/");
	if (span_begins(topic, "/sys/"))
		return topic_is_under(topic, "/sys/+/+/thing/ota/") || topic_is_under(topic, "/sys/+/+/thing/file/");
	return false;
}

static bool names_take(struct ota_span middle, struct ota_identity *ret_identity)
{
	struct ota_span product_key = level_take(&middle);
	return ota_identity_make(product_key, middle, ret_identity);
}

enum ota_topic_kind ota_topic_parse(struct ota_span topic, struct ota_identity *ret_identity)
{
	if (!topic_is_ours(topic))
		return OTA_TOPIC_FOREIGN;
	for (int kind = OTA_TOPIC_INFORM; kind < OTA_TOPIC_BROKEN; kind++) {
		const char *head = topics[kind].head, *tail = topics[kind].tail;
		if (topic.size < strlen(head) + strlen(tail) || !span_begins(topic, head) || !span_ends(topic, tail))
			continue;
		struct ota_span middle = {.data = topic.data + strlen(head), .size = topic.size - strlen(head) - strlen(tail)};
		/* Names are checked, not only cut out: access rights are built from them. */
		if (names_take(middle, ret_identity))
			return (enum ota_topic_kind)kind;
	}
	return OTA_TOPIC_BROKEN;
}

void ota_topic_print(char *target, enum ota_topic_kind kind, const struct ota_identity *identity)
{
	target[0] = '\0';
	if (kind > OTA_TOPIC_FOREIGN && kind < OTA_TOPIC_BROKEN)
		snprintf(target, OTA_TOPIC_SIZE, "%s%s/%s%s", topics[kind].head, identity->product_key, identity->device_name,
			 topics[kind].tail);
}

bool ota_topic_is_from_device(enum ota_topic_kind kind)
{
	return kind < OTA_TOPIC_KINDS && topics[kind].from_device;
}

bool ota_topic_is_to_device(enum ota_topic_kind kind)
{
	return kind < OTA_TOPIC_KINDS && topics[kind].to_device;
}

bool ota_identity_make(struct ota_span product_key, struct ota_span device_name, struct ota_identity *ret_identity)
{
	if (!ota_text_is_product_key(product_key) || !ota_text_is_device_name(device_name))
		return false;
	ota_text_copy(ret_identity->product_key, sizeof(ret_identity->product_key), product_key);
	ota_text_copy(ret_identity->device_name, sizeof(ret_identity->device_name), device_name);
	return true;
}

bool ota_identity_parse(struct ota_span username, struct ota_identity *ret_identity)
{
	/* Neither name may hold an ampersand, so the first one is the border. */
	const char *ampersand = username.size > 0 ? memchr(username.data, '&', username.size) : NULL;
	if (!ampersand)
		return false;
	size_t name_size = (size_t)(ampersand - username.data);
	struct ota_span device_name = {.data = username.data, .size = name_size};
	struct ota_span product_key = {.data = ampersand + 1, .size = username.size - name_size - 1};
	return ota_identity_make(product_key, device_name, ret_identity);
}

void ota_identity_print(char *target, const struct ota_identity *identity)
{
	snprintf(target, OTA_USERNAME_SIZE, "%s&%s", identity->device_name, identity->product_key);
}

bool ota_identity_equals(const struct ota_identity *a, const struct ota_identity *b)
{
	return strcmp(a->product_key, b->product_key) == 0 && strcmp(a->device_name, b->device_name) == 0;
}

uint64_t ota_identity_hash(const struct ota_identity *identity)
{
	char name[OTA_USERNAME_SIZE];
	unsigned char hash[32] = {0};
	uint64_t value = 0;
	int length = snprintf(name, sizeof(name), "%s/%s", identity->product_key, identity->device_name);
	ota_digest_sha256(name, (size_t)length, hash);
	/* Big-endian, so that its 16 hex digits are the first ones of the printed SHA-256. */
	for (size_t i = 0; i < 8; i++)
		value = value << 8 | hash[i];
	return value;
}
