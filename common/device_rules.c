/* The rules of what operators say of devices: tags, secrets, lists to import. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command_rules.h"
#include "common/limits.h"
#include "common/text.h"

bool ota_command_is_tag_key(struct ota_span text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

	return text.size > 0 && text.size <= OTA_DEVICE_TAG_KEY_MAX && strspn(text.data, letters) >= text.size;
}

/* The tag that says how a device gets its bytes is the server's own word; the rest are the operator's. */
static bool is_known_value(const char *key, const char *value)
{
	return strcmp(key, OTA_DEVICE_TAG_DELIVERY) != 0 || !strcmp(value, "http") || !strcmp(value, "mqtt");
}

static bool is_tag_value(const char *value)
{
	struct ota_span text = ota_span_from_text(value);

	for (size_t i = 0; i < text.size; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if (byte < 0x20 || byte == 0x7f)
			return false;
	}
	return text.size <= OTA_DEVICE_TAG_VALUE_MAX && ota_text_is_utf8(text);
}

bool ota_command_is_tag_pair(struct ota_span text)
{
	const char *equals = strchr(text.data, '=');

	return equals && ota_command_is_tag_key((struct ota_span){ text.data, (size_t)(equals - text.data) }) &&
	       is_tag_value(equals + 1);
}

int ota_rule_device_tags(struct ota_json_place tags, struct ota_error *error)
{
	int count = cJSON_GetArraySize(tags.object);
	const cJSON *tag;

	cJSON_ArrayForEach(tag, tags.object) {
		if (!ota_command_is_tag_key(ota_span_from_text(tag->string)))
			return ota_fail_at(error, OTA_EINVALID, tags.prefix,
					   "tag \"%.40s\": a key has 1..%d letters, digits and _ . -", tag->string,
					   OTA_DEVICE_TAG_KEY_MAX);
		if (!cJSON_IsString(tag) || !is_tag_value(tag->valuestring))
			return ota_fail_at(error, OTA_EINVALID, tags.prefix,
					   "tag \"%s\": a value is UTF-8 of at most %d bytes without control characters",
					   tag->string, OTA_DEVICE_TAG_VALUE_MAX);
		if (!is_known_value(tag->string, tag->valuestring))
			return ota_fail_at(error, OTA_EINVALID, tags.prefix,
					   "tag \"" OTA_DEVICE_TAG_DELIVERY "\": is http or mqtt, as the device is to download");
	}
	if (count > OTA_DEVICE_TAGS_MAX)
		return ota_fail_at(error, OTA_ELIMIT, tags.prefix, "%d tags, at most %d of one device", count,
				   OTA_DEVICE_TAGS_MAX);
	return 0;
}

struct place {
	const char *name;
	int index;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : left->index - right->index;
}

int ota_rule_import(struct ota_json_place command, struct ota_error *error)
{
	struct place places[OTA_IMPORT_MAX];
	char devices[OTA_ERROR_PATH_MAX], path[OTA_ERROR_PATH_MAX + 24];
	size_t count = 0;
	const cJSON *device;

	cJSON_ArrayForEach(device, ota_json_member(command.object, "devices")) {
		places[count] = (struct place){ ota_json_member(device, "deviceName")->valuestring, (int)count };
		count++;
	}
	qsort(places, count, sizeof(places[0]), compare_places);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(places[i - 1].name, places[i].name) != 0)
			continue;
		ota_command_path(devices, command, "devices");
		(void)snprintf(path, sizeof(path), "%s[%d]", devices, places[i].index);
		return ota_fail_at(error, OTA_EINVALID, path, "device %s stands twice", places[i].name);
	}
	return 0;
}

int ota_rule_update_product(struct ota_json_place command, struct ota_error *error)
{
	static const char *const keys[] = { "name", "registration", "signMethod", "delivery" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (ota_json_member(command.object, keys[i]))
			return 0;
	}
	return ota_fail_at(error, OTA_EINVALID, command.prefix,
			   "nothing is said to change: name, registration, signMethod or delivery");
}

int ota_rule_register(struct ota_json_place command, struct ota_error *error)
{
	char path[OTA_ERROR_PATH_MAX];

	if (!cJSON_IsTrue(ota_json_member(command.object, "secrets")) ||
	    cJSON_GetArraySize(ota_json_member(command.object, "names")) <= OTA_SECRETS_MAX)
		return 0;
	ota_command_path(path, command, "names");
	return ota_fail_at(error, OTA_ELIMIT, path, "names must have at most %d entries with secrets: one answer shows them",
			   OTA_SECRETS_MAX);
}

int ota_rule_tag_devices(struct ota_json_place command, struct ota_error *error)
{
	const cJSON *set = ota_json_member(command.object, "set"), *unset = ota_json_member(command.object, "unset"), *key;
	char path[OTA_ERROR_PATH_MAX];

	ota_command_path(path, command, set ? "unset" : "set");
	if (cJSON_GetArraySize(set) + cJSON_GetArraySize(unset) == 0)
		return ota_fail_at(error, OTA_EINVALID, path, "nothing is said to set or to unset");
	cJSON_ArrayForEach(key, unset) {
		if (ota_json_member(set, key->valuestring))
			return ota_fail_at(error, OTA_EINVALID, path, "tag %s is to be set and unset", key->valuestring);
	}
	return 0;
}
