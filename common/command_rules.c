#include "common/command_rules.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"

void ota_command_path(char target[OTA_ERROR_PATH_MAX], struct ota_json_place at, const char *key)
{
	bool bare = !at.prefix || at.prefix[0] == '\0';

	(void)snprintf(target, OTA_ERROR_PATH_MAX, "%s%s%s", bare ? "" : at.prefix, bare ? "" : ".", key);
}

static bool is_lower_hex(struct ota_span text, size_t digits)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] >= 'A' && text.data[i] <= 'F')
			return false;
	}
	return ota_text_is_hex(text, digits);
}

bool ota_command_is_sha256(struct ota_span text)
{
	return is_lower_hex(text, OTA_SHA256_HEX);
}

bool ota_command_is_md5(struct ota_span text)
{
	return is_lower_hex(text, OTA_MD5_HEX);
}

static bool is_true(struct ota_json_place at, const char *key)
{
	return cJSON_IsTrue(ota_json_member(at.object, key));
}

static bool has(struct ota_json_place at, const char *key)
{
	return ota_json_member(at.object, key) != NULL;
}

static int missing(struct ota_json_place at, const char *key, const char *why, struct ota_error *error)
{
	char path[OTA_ERROR_PATH_MAX];

	ota_command_path(path, at, key);
	return ota_fail_at(error, OTA_EINVALID, path, "%s is missing: %s", key, why);
}

/* Keys beginning with '_' are ours (_ota); letters outside this set would need quoting in somebody's shell or query. */
static bool is_tag_key(const char *key)
{
	size_t size = strlen(key);

	if (size == 0 || size > OTA_TAG_KEY_MAX || key[0] == '_')
		return false;
	return strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == size;
}

/* Braces inside strings are counted as structure by Link SDK C 4.x. */
static bool is_tag_value(const char *value)
{
	return ota_json_is_plain(value) && strpbrk(value, "{}[]\177") == NULL;
}

static int tag_check(const cJSON *tag, const char *path, struct ota_error *error)
{
	if (!is_tag_key(tag->string))
		return ota_fail_at(error, OTA_EINVALID, path,
				   "tag \"%.40s\": a key has 1..%d letters, digits and _ . - and does not begin with _",
				   tag->string, OTA_TAG_KEY_MAX);
	if (ota_text_is_reserved_key(ota_span_from_text(tag->string)))
		return ota_fail_at(error, OTA_EINVALID, path, "tag \"%s\": the key is a word of the protocol",
				   tag->string);
	if (!cJSON_IsString(tag))
		return ota_fail_at(error, OTA_EINVALID, path, "tag \"%s\": the value must be text", tag->string);
	if (strlen(tag->valuestring) > OTA_TAG_VALUE_MAX)
		return ota_fail_at(error, OTA_ELIMIT, path, "tag \"%s\": the value has more than %d bytes", tag->string,
				   OTA_TAG_VALUE_MAX);
	if (!is_tag_value(tag->valuestring))
		return ota_fail_at(error, OTA_EINVALID, path,
				   "tag \"%s\": the value must not hold \" \\ { } [ ] or control characters", tag->string);
	return 0;
}

int ota_rule_ext_data(struct ota_json_place ext_data, struct ota_error *error)
{
	size_t total = 0;
	int count = 0;
	const cJSON *tag;

	cJSON_ArrayForEach(tag, ext_data.object) {
		int code = tag_check(tag, ext_data.prefix, error);

		if (code < 0)
			return code;
		total += strlen(tag->string) + strlen(tag->valuestring);
		count++;
	}
	if (count > OTA_TAGS_MAX)
		return ota_fail_at(error, OTA_ELIMIT, ext_data.prefix, "%d tags, at most %d are allowed", count, OTA_TAGS_MAX);
	if (total > OTA_EXT_DATA_MAX)
		return ota_fail_at(error, OTA_ELIMIT, ext_data.prefix, "tags have %zu bytes together, at most %d are allowed",
				   total, OTA_EXT_DATA_MAX);
	return 0;
}

int ota_rule_targets(struct ota_json_place targets, struct ota_error *error)
{
	bool all = is_true(targets, "all");

	if (all == has(targets, "names"))
		return ota_fail_at(error, OTA_EINVALID, targets.prefix, "targets is either {\"all\":true} or {\"names\":[...]}");
	return 0;
}

int ota_rule_package(struct ota_json_place command, struct ota_error *error)
{
	char path[OTA_ERROR_PATH_MAX];
	bool by_id = has(command, "package");
	bool by_name = has(command, "productKey") || has(command, "module") || has(command, "version");

	if (by_id && !by_name)
		return 0;
	if (by_id) {
		ota_command_path(path, command, "package");
		return ota_fail_at(error, OTA_EINVALID, path,
				   "name the package by its id or by productKey and version, not by both");
	}
	if (!by_name)
		return missing(command, "package", "name the package by its id or by productKey and version", error);
	if (!has(command, "productKey"))
		return missing(command, "productKey", "a version is of a product", error);
	if (!has(command, "version"))
		return missing(command, "version", "a product has many packages", error);
	return 0;
}

int ota_rule_add_package(struct ota_json_place command, struct ota_error *error)
{
	static const char *const facts[] = { "size", "sha256", "md5", NULL };

	if (is_true(command, "dryRun"))
		return 0;
	for (const char *const *fact = facts; *fact; fact++) {
		if (!has(command, *fact))
			return missing(command, *fact, "only with dryRun may it be absent", error);
	}
	return 0;
}

int ota_rule_create_batch(struct ota_json_place command, struct ota_error *error)
{
	const cJSON *reason = ota_json_member(command.object, "reason");

	if (is_true(command, "override") && (!reason || reason->valuestring[0] == '\0'))
		return missing(command, "reason", "an override is kept in the log with its reason", error);
	return ota_rule_package(command, error);
}
