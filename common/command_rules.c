#include "common/command_rules.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/tags.h"
#include "common/text.h"

void ota_command_path(char target[OTA_ERROR_PATH_MAX], struct ota_json_place at, const char *key)
{
	bool bare = !at.prefix || at.prefix[0] == '\0';

	(void)snprintf(target, OTA_ERROR_PATH_MAX, "%s%s%s", bare ? "" : at.prefix, bare ? "" : ".", key);
}

bool ota_command_is_sha256(struct ota_span text)
{
	return ota_text_is_lower_hex(text, OTA_SHA256_HEX);
}

bool ota_command_is_md5(struct ota_span text)
{
	return ota_text_is_lower_hex(text, OTA_MD5_HEX);
}

/* Part of a file's name: nothing that means something to a shell or a path. */
bool ota_command_is_backup_name(struct ota_span text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	for (size_t i = 0; i < text.size; i++)
		if (!memchr(allowed, text.data[i], sizeof(allowed) - 1))
			return false;
	return text.size > 0 && text.size <= OTA_BACKUP_NAME_MAX;
}

bool ota_command_is_notes(struct ota_span text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f)
			return false;
	}
	return text.size <= OTA_NOTES_MAX && ota_text_is_utf8(text);
}

bool ota_command_is_package_url(struct ota_span text)
{
	size_t scheme = strncmp(text.data, "https://", 8) == 0 ? 8 : strncmp(text.data, "http://", 7) == 0 ? 7 : 0;
	const char *host = text.data + scheme;
	size_t name = strcspn(host, "/?:");

	if (scheme == 0 || text.size > OTA_URL_MAX || name == 0 || memchr(host, '@', strcspn(host, "/?")))
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] <= 0x20 || text.data[i] >= 0x7f || strchr("\"\\{}[]#<>^`|", text.data[i]))
			return false;
	}
	return true;
}

bool ota_command_is_cause(struct ota_span text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] != '_' && (text.data[i] < 'a' || text.data[i] > 'z'))
			return false;
	}
	return text.size > 0 && text.size <= OTA_EVENT_WORD_MAX;
}

bool ota_command_is_token_name(struct ota_span text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@-";

	for (size_t i = 0; i < text.size; i++) {
		if (!memchr(allowed, text.data[i], sizeof(allowed) - 1))
			return false;
	}
	return text.size > 0 && text.size <= OTA_TOKEN_NAME_MAX;
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

int ota_rule_ext_data(struct ota_json_place ext_data, struct ota_error *error)
{
	return ota_tags_check(ext_data.object, ext_data.prefix, error);
}

int ota_rule_targets(struct ota_json_place targets, struct ota_error *error)
{
	int said = is_true(targets, "all") + has(targets, "names") + has(targets, "where") + has(targets, "batch");
	const cJSON *state = ota_json_member(targets.object, "state");

	if (said != 1)
		return ota_fail_at(error, OTA_EINVALID, targets.prefix,
				   "targets is one of {\"all\":true}, {\"where\":\"...\"}, {\"names\":[...]} or {\"batch\":ID}");
	if (state && !has(targets, "batch"))
		return ota_fail_at(error, OTA_EINVALID, targets.prefix, "state goes with batch: which of its devices are meant");
	if (has(targets, "causes") && (!state || strcmp(state->valuestring, "failed") != 0))
		return ota_fail_at(error, OTA_EINVALID, targets.prefix, "causes go with state failed: what they failed of");
	return 0;
}

int ota_rule_one_package(struct ota_json_place command, struct ota_error *error)
{
	char path[OTA_ERROR_PATH_MAX];

	if (!has(command, "package") || !has(command, "version"))
		return 0;
	ota_command_path(path, command, "version");
	return ota_fail_at(error, OTA_EINVALID, path, "the package is named by its id or by its version, not by both");
}

int ota_rule_list_events(struct ota_json_place command, struct ota_error *error)
{
	char path[OTA_ERROR_PATH_MAX];
	int64_t since_ms = 0, until_ms = OTA_INTEGER_MAX;

	ota_json_integer(command, "since", 0, OTA_INTEGER_MAX, &since_ms, NULL);
	ota_json_integer(command, "until", 0, OTA_INTEGER_MAX, &until_ms, NULL);
	if (has(command, "deviceName") && !has(command, "productKey"))
		return missing(command, "productKey", "a device is of a product", error);
	if (has(command, "above") && has(command, "after")) {
		ota_command_path(path, command, "above");
		return ota_fail_at(error, OTA_EINVALID, path, "above goes forwards and after goes back: give one of them");
	}
	if (since_ms <= until_ms)
		return 0;
	ota_command_path(path, command, "since");
	return ota_fail_at(error, OTA_EINVALID, path, "since is later than until");
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
				   "name the package by its id or by product and version, not by both");
	}
	if (!by_name)
		return missing(command, "package", "name the package by its id, or by product and version", error);
	if (!has(command, "productKey"))
		return missing(command, "productKey", "a version is of a product", error);
	if (!has(command, "version"))
		return missing(command, "version", "a product has many packages", error);
	return 0;
}

int ota_rule_add_file(struct ota_json_place command, struct ota_error *error)
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

/* What a package of several files may not have itself. */
static int files_alone(struct ota_json_place command, struct ota_error *error)
{
	static const char *const others[] = { "size", "sha256", "md5", "url", NULL };
	char path[OTA_ERROR_PATH_MAX];

	for (const char *const *other = others; *other; other++) {
		if (!has(command, *other))
			continue;
		ota_command_path(path, command, *other);
		return ota_fail_at(error, OTA_EINVALID, path, "%s and files exclude each other: each file has its own", *other);
	}
	return 0;
}

/* Two files of one name would be one on the device; two of the same bytes could not be told apart by their download. */
static int files_differ(struct ota_json_place command, const cJSON *files, struct ota_error *error)
{
	static const char *const words[] = { "name", "sha256", NULL };
	char path[OTA_ERROR_PATH_MAX];
	const cJSON *file, *other;

	ota_command_path(path, command, "files");
	cJSON_ArrayForEach(file, files)
	{
		for (other = files->child; other != file; other = other->next) {
			for (const char *const *word = words; *word; word++) {
				const char *value = ota_json_member(file, *word)->valuestring;

				if (!strcmp(value, ota_json_member(other, *word)->valuestring))
					return ota_fail_at(error, OTA_EINVALID, path, "files: two have the %s %s", *word, value);
			}
		}
	}
	return 0;
}

int ota_rule_add_package(struct ota_json_place command, struct ota_error *error)
{
	const cJSON *files = ota_json_member(command.object, "files");

	if (!files)
		return ota_rule_add_file(command, error);
	int code = files_alone(command, error);
	return code < 0 ? code : files_differ(command, files, error);
}

int ota_rule_create_batch(struct ota_json_place command, struct ota_error *error)
{
	const cJSON *reason = ota_json_member(command.object, "reason");

	if (is_true(command, "override") && (!reason || reason->valuestring[0] == '\0'))
		return missing(command, "reason", "an override is kept in the log with its reason", error);
	return ota_rule_package(command, error);
}

int ota_rule_confirm_tasks(struct ota_json_place command, struct ota_error *error)
{
	char path[OTA_ERROR_PATH_MAX];
	bool all = false;

	ota_json_bool(command, "all", &all, NULL);
	if (all != (ota_json_member(command.object, "names") != NULL))
		return 0;
	ota_command_path(path, command, "names");
	return ota_fail_at(error, OTA_EINVALID, path, "confirm either the devices in names, or with all true whoever waits");
}
