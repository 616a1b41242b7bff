#include "ctl/order.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/command.h"
#include "common/file.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/nearest.h"

enum { NAMES_MAX = 24, CHUNK = 4096 };

static int unknown(const char *name, const char *key, const struct ota_command *command, struct ota_error *error)
{
	const char *names[NAMES_MAX + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < command->parameters.count && i < NAMES_MAX; i++)
		names[i] = command->parameters.rows[i].name;
	near = ota_nearest(key, names);
	return ota_fail(error, OTA_EINVALID, "%s: a batch has no member \"%.64s\"%s%s%s", name, key,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static const struct ota_parameter *own_row(const struct ota_command *command, const char *key)
{
	for (size_t i = 0; i < command->parameters.count; i++) {
		if (strcmp(command->parameters.rows[i].name, key) == 0)
			return &command->parameters.rows[i];
	}
	return NULL;
}

static int place_blame(const char *name, const struct ota_error *own, struct ota_error *error)
{
	bool told = strncmp(own->text, own->path, strlen(own->path)) == 0;

	return ota_fail(error, OTA_EINVALID, "%s: %s%s%s", name, told ? "" : own->path, told ? "" : ": ", own->text);
}

static int members_check(const char *name, const cJSON *order, struct ota_error *error)
{
	const struct ota_command *command = ota_command_find("createBatch");
	struct ota_json_place at = { .object = order, .prefix = "" };
	const cJSON *member;

	cJSON_ArrayForEach(member, order) {
		const struct ota_parameter *row = own_row(command, member->string);
		struct ota_error own = { 0 };

		if (!row)
			return unknown(name, member->string, command, error);
		if (ota_parameter_check(row, at, &own) < 0)
			return place_blame(name, &own, error);
	}
	return 0;
}

int ota_order_parse(const char *name, struct ota_span text, cJSON **ret_order, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *order = NULL;
	int code = ota_json_read(text, OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &order, NULL, error);

	if (code < 0)
		return ota_error_prefix(error, code, "%s", name);
	if (!cJSON_IsObject(order))
		return ota_fail(error, OTA_EINVALID, "%s: a batch is a JSON object, as batch export writes it", name);
	code = members_check(name, order, error);
	if (code < 0)
		return code;
	*ret_order = order;
	order = NULL;
	return 0;
}

static int stdin_read(struct ota_bytes *text, struct ota_error *error)
{
	char chunk[CHUNK];
	ssize_t size;

	while ((size = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0 && text->size <= OTA_PAYLOAD_MAX)
		ota_bytes_append(text, chunk, (size_t)size);
	return size < 0 ? ota_fail_errno(error, "standard input") : 0;
}

int ota_order_read(const char *path, cJSON **ret_order, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	bool is_stdin = strcmp(path, "-") == 0;
	size_t length = strlen(path);
	int code;

	if (length > 5 && strcmp(path + length - 5, ".toml") == 0)
		return ota_fail(error, OTA_EINVALID, "%s: a batch is read as JSON; TOML is not understood", path);
	code = is_stdin ? stdin_read(&text, error) : ota_file_read(path, OTA_PAYLOAD_MAX, &text, error);
	if (code < 0)
		return code;
	const struct ota_span span = { text.data ? text.data : "", text.size };
	return ota_order_parse(is_stdin ? "standard input" : path, span, ret_order, error);
}

static int add_copy(cJSON *object, const cJSON *member, struct ota_error *error)
{
	cJSON *copy = cJSON_Duplicate(member, true);

	if (copy && cJSON_AddItemToObject(object, member->string, copy))
		return 0;
	cJSON_Delete(copy);
	return ota_fail(error, OTA_ENOMEM, "out of memory");
}

static bool is_one_of(const char *key, const char *const *keys)
{
	for (; *keys; keys++) {
		if (strcmp(*keys, key) == 0)
			return true;
	}
	return false;
}

/* A package is named by its id, or by its product, module and version. */
static bool is_outdone(const cJSON *command, const char *key)
{
	static const char *const names[] = { "productKey", "module", "version", NULL };
	bool by_id = ota_json_member(command, "package") != NULL, by_name = false;

	for (const char *const *name = names; *name; name++)
		by_name |= ota_json_member(command, *name) != NULL;
	return is_one_of(key, names) ? by_id : strcmp(key, "package") == 0 && by_name;
}

int ota_order_fill(cJSON *command, const cJSON *order, struct ota_error *error)
{
	static const char *const merged[] = { "strategy", "tags", NULL };
	OTA_AUTO_JSON cJSON *said = cJSON_Duplicate(command, true);
	const cJSON *member, *inner;
	int code = said ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");

	cJSON_ArrayForEach(member, order) {
		cJSON *there = cJSON_GetObjectItemCaseSensitive(command, member->string);

		if (code == 0 && !there && !is_outdone(said, member->string))
			code = add_copy(command, member, error);
		if (!there || !is_one_of(member->string, merged))
			continue;
		cJSON_ArrayForEach(inner, member) {
			if (code == 0 && !ota_json_member(there, inner->string))
				code = add_copy(there, inner, error);
		}
	}
	return code;
}
