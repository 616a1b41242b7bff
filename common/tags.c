#include "common/tags.h"

#include <string.h>

#include "common/limits.h"
#include "common/text.h"

/* Letters outside this set would need quoting in somebody's shell or query. */
static bool key_is_fine(const char *key)
{
	size_t size = strlen(key);
	if (size == 0 || size > OTA_TAG_KEY_MAX || key[0] == '_')
		return false;
	return strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == size;
}

/* Braces inside strings are counted as structure by Link SDK C 4.x. */
static bool value_is_flat(const char *value)
{
	return ota_json_is_plain(value) && strpbrk(value, "{}[]\177") == NULL;
}

static int tag_check(const cJSON *tag, const char *path, struct ota_error *error)
{
	const char *key = tag->string, *value = tag->valuestring;
	if (!key_is_fine(key))
		return ota_fail_at(error, OTA_EINVALID, path,
				   "tag \"%.40s\": a key has 1..%d letters, digits and _ . - and does not begin with _", key,
				   OTA_TAG_KEY_MAX);
	if (ota_text_is_reserved_key(ota_span_from_text(key)))
		return ota_fail_at(error, OTA_EINVALID, path, "tag \"%s\": the key is a word of the protocol", key);
	if (!cJSON_IsString(tag))
		return ota_fail_at(error, OTA_EINVALID, path, "tag \"%s\": the value must be text", key);
	if (strlen(value) > OTA_TAG_VALUE_MAX)
		return ota_fail_at(error, OTA_ELIMIT, path, "tag \"%s\": the value has more than %d bytes", key,
				   OTA_TAG_VALUE_MAX);
	if (!value_is_flat(value))
		return ota_fail_at(error, OTA_EINVALID, path,
				   "tag \"%s\": the value must not hold \" \\ { } [ ] or control characters", key);
	/* A value that equals a searched key makes Link SDK C 4.x miss the key itself. */
	if (ota_text_is_reserved_key(ota_span_from_text(value)))
		return ota_fail_at(error, OTA_EINVALID, path, "tag \"%s\": the value \"%s\" is a word of the protocol", key,
				   value);
	return 0;
}

int ota_tags_check(const cJSON *tags, const char *path, struct ota_error *error)
{
	size_t total = 0;
	int count = 0;
	const cJSON *tag;
	if (!cJSON_IsObject(tags))
		return ota_fail_at(error, OTA_EINVALID, path, "tags must be an object of texts");
	cJSON_ArrayForEach(tag, tags) {
		int code = tag_check(tag, path, error);
		if (code < 0)
			return code;
		total += strlen(tag->string) + strlen(tag->valuestring);
		count++;
	}
	if (count > OTA_TAGS_MAX)
		return ota_fail_at(error, OTA_ELIMIT, path, "%d tags, at most %d are allowed", count, OTA_TAGS_MAX);
	if (total > OTA_EXT_DATA_MAX)
		return ota_fail_at(error, OTA_ELIMIT, path, "tags have %zu bytes together, at most %d are allowed", total,
				   OTA_EXT_DATA_MAX);
	return 0;
}
