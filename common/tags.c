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

/* Scanners of flat text find no key in it, because each of its quotes has a backslash; and as many braces close as open, so that
 * they find the end of extData and of data where it is. */
static bool info_is_harmless(const char *value)
{
	OTA_AUTO_JSON cJSON *info = NULL;
	int depth = 0;

	if (strpbrk(value, "\\\177") ||
	    ota_json_read(ota_span_from_text(value), OTA_JSON_STRICT, OTA_TAG_VALUE_MAX, &info, NULL, NULL) < 0)
		return false;
	for (const char *at = value; *at && depth >= 0; at++)
		depth += (*at == '{') - (*at == '}');
	return cJSON_IsObject(info) && depth == 0;
}

static int info_check(const cJSON *tag, const char *path, struct ota_error *error)
{
	if (cJSON_IsString(tag) && strlen(tag->valuestring) <= OTA_TAG_VALUE_MAX && info_is_harmless(tag->valuestring))
		return 0;
	return ota_fail_at(error, OTA_EINVALID, path,
			   "tag \"%s\": the value must be the text of a JSON object of at most %d bytes, without a backslash",
			   OTA_TAG_PACKAGE_INFO, OTA_TAG_VALUE_MAX);
}

static int tag_check(const cJSON *tag, const char *path, struct ota_error *error)
{
	const char *key = tag->string, *value = tag->valuestring;
	if (strcmp(key, OTA_TAG_PACKAGE_INFO) == 0)
		return info_check(tag, path, error);
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

static int tags_read(const char *text, const char *path, cJSON **ret_tags, struct ota_error *error)
{
	if (!text || text[0] == '\0')
		return 0;
	int code = ota_json_read(ota_span_from_text(text), OTA_JSON_STRICT, OTA_PAYLOAD_MAX, ret_tags, NULL, error);
	if (code == 0 && !cJSON_IsObject(*ret_tags))
		code = ota_fail(error, OTA_EINVALID, "tags must be an object of texts");
	return code == 0 ? 0 : ota_error_prefix(error, code, "%s", path);
}

/* Moves every tag; false without memory. */
static bool tags_lay_over(cJSON *under, cJSON *over)
{
	while (over && over->child) {
		cJSON *tag = cJSON_DetachItemViaPointer(over, over->child);
		cJSON_DeleteItemFromObjectCaseSensitive(under, tag->string);
		if (!cJSON_AddItemToObject(under, tag->string, tag)) {
			cJSON_Delete(tag);
			return false;
		}
	}
	return true;
}

int ota_tags_merge(const char *package, const char *batch, const char *path, cJSON **ret_tags, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *under = NULL;
	OTA_AUTO_JSON cJSON *over = NULL;
	int code = tags_read(package, path, &under, error);
	if (code == 0)
		code = tags_read(batch, path, &over, error);
	if (code < 0 || (!under && !over))
		return code;
	if (!under && !(under = cJSON_CreateObject()))
		return ota_fail(error, OTA_ENOMEM, "out of memory for tags");
	if (!tags_lay_over(under, over))
		return ota_fail(error, OTA_ENOMEM, "out of memory for tags");
	code = ota_tags_check(under, path, error);
	if (code == 0) {
		*ret_tags = under;
		under = NULL;
	}
	return code;
}
