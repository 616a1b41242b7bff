#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/command_rules.h"
#include "common/limits.h"
#include "common/text.h"

enum { KNOWN_MAX = 32 }; /* members of the widest command, with the common ones */

static const char *type_words(enum ota_parameter_type type)
{
	static const char *const words[] = {
		[OTA_PARAMETER_TEXT] = "text",
		[OTA_PARAMETER_INTEGER] = "an integer",
		[OTA_PARAMETER_BOOL] = "true or false",
		[OTA_PARAMETER_DURATION] = "a duration such as \"90s\", \"10m\", \"24h\"",
		[OTA_PARAMETER_OBJECT] = "an object",
		[OTA_PARAMETER_NAMES] = "an array of names",
		[OTA_PARAMETER_OBJECTS] = "an array of objects",
	};

	return words[type];
}

static int wrong_type(const struct ota_parameter *row, const char *path, struct ota_error *error)
{
	return ota_fail_at(error, OTA_EINVALID, path, "%s must be %s", row->name, type_words(row->type));
}

static bool is_plain_text(struct ota_span text)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char byte = (unsigned char)text.data[i];

		if (byte < 0x20 || byte == 0x7f)
			return false;
	}
	return ota_text_is_utf8(text);
}

static int check_choice(const struct ota_parameter *row, const char *value, const char *path, struct ota_error *error)
{
	char words[OTA_ERROR_TEXT_MAX / 2] = "";
	size_t used = 0;

	for (const char *const *choice = row->choices; *choice; choice++) {
		int wrote;

		if (strcmp(*choice, value) == 0)
			return 0;
		wrote = snprintf(words + used, sizeof(words) - used, "%s%s", used ? ", " : "", *choice);
		assert(wrote > 0 && used + (size_t)wrote < sizeof(words));
		used += (size_t)wrote;
	}
	return ota_fail_at(error, OTA_EINVALID, path, "%s is \"%.64s\"; allowed: %s", row->name, value, words);
}

static int check_text(const struct ota_parameter *row, const cJSON *value, const char *path, struct ota_error *error)
{
	struct ota_span text;

	if (!cJSON_IsString(value))
		return wrong_type(row, path, error);
	if (row->choices)
		return check_choice(row, value->valuestring, path, error);
	text = ota_span_from_text(value->valuestring);
	if (row->is_valid && row->is_valid(text))
		return 0;
	if (row->secret)
		return ota_fail_at(error, OTA_EINVALID, path, "%s must be %s", row->name, row->allowed);
	if (row->is_valid)
		return ota_fail_at(error, OTA_EINVALID, path, "%s is \"%.64s\"; allowed: %s", row->name, value->valuestring,
				   row->allowed);
	if ((int64_t)text.size < row->low || (int64_t)text.size > row->high)
		return ota_fail_at(error, OTA_EINVALID, path, "%s has %zu bytes; allowed: %" PRId64 "..%" PRId64, row->name,
				   text.size, row->low, row->high);
	if (!is_plain_text(text))
		return ota_fail_at(error, OTA_EINVALID, path, "%s must be UTF-8 without control characters", row->name);
	return 0;
}

static int check_integer(const struct ota_parameter *row, struct ota_json_place at, struct ota_error *error)
{
	int64_t value;
	int code = ota_json_integer(at, row->name, row->low, row->high, &value, error);

	return code < 0 ? code : 0;
}

static int check_duration(const struct ota_parameter *row, const cJSON *value, const char *path, struct ota_error *error)
{
	char low[32], high[32];
	int64_t ms;

	if (!cJSON_IsString(value) || !ota_text_parse_duration(value->valuestring, &ms))
		return wrong_type(row, path, error);
	if (ms >= row->low && ms <= row->high)
		return 0;
	ota_text_print_duration(low, row->low);
	ota_text_print_duration(high, row->high);
	return ota_fail_at(error, OTA_EINVALID, path, "%s is %.32s; allowed: %s..%s", row->name, value->valuestring, low, high);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_distinct(const struct ota_parameter *row, const cJSON *array, const char *path,
			  struct ota_error *error)
{
	const char *names[OTA_NAMES_MAX];
	size_t count = 0;
	const cJSON *item;

	cJSON_ArrayForEach(item, array)
		names[count++] = item->valuestring;
	qsort(names, count, sizeof(names[0]), compare_names);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(names[i - 1], names[i]) == 0)
			return ota_fail_at(error, OTA_EINVALID, path, "%s holds \"%s\" twice", row->name, names[i]);
	}
	return 0;
}

static int check_count(const struct ota_parameter *row, const cJSON *value, const char *path, struct ota_error *error)
{
	int count = cJSON_GetArraySize(value);

	if (!cJSON_IsArray(value))
		return wrong_type(row, path, error);
	if (count < row->low)
		return ota_fail_at(error, OTA_EINVALID, path, "%s must not be empty", row->name);
	if (count > row->high)
		return ota_fail_at(error, OTA_ELIMIT, path, "%s has %d entries; at most %" PRId64 " in one command", row->name,
				   count, row->high);
	return 0;
}

static int check_names(const struct ota_parameter *row, const cJSON *value, const char *path, struct ota_error *error)
{
	bool (*is_valid)(struct ota_span) = row->is_valid ? row->is_valid : ota_text_is_device_name;
	const char *rule = row->allowed ? row->allowed : "a device name has 1..64 letters, digits and _ . : @ -";
	char place[OTA_ERROR_PATH_MAX + 24];
	int index = 0;
	const cJSON *item;
	int code = check_count(row, value, path, error);

	if (code < 0)
		return code;
	cJSON_ArrayForEach(item, value) {
		(void)snprintf(place, sizeof(place), "%s[%d]", path, index++);
		if (!cJSON_IsString(item) || !is_valid(ota_span_from_text(item->valuestring)))
			return ota_fail_at(error, OTA_EINVALID, place, "%s", rule);
	}
	return check_distinct(row, value, path, error);
}

static int check_list(struct ota_parameter_list own, struct ota_parameter_list common, struct ota_json_place at,
		      struct ota_error *error);

static int check_object(const struct ota_parameter *row, const cJSON *value, const char *path, struct ota_error *error)
{
	struct ota_json_place inside = { value, path };
	int code = 0;

	if (!cJSON_IsObject(value))
		return wrong_type(row, path, error);
	if (row->members.count > 0)
		code = check_list(row->members, (struct ota_parameter_list){ NULL, 0 }, inside, error);
	if (code == 0 && row->rule)
		code = row->rule(inside, error);
	return code;
}

static int check_objects(const struct ota_parameter *row, const cJSON *value, const char *path, struct ota_error *error)
{
	char place[OTA_ERROR_PATH_MAX + 24];
	int index = 0;
	const cJSON *item;
	int code = check_count(row, value, path, error);

	cJSON_ArrayForEach(item, value) {
		(void)snprintf(place, sizeof(place), "%s[%d]", path, index++);
		if (code == 0 && !cJSON_IsObject(item))
			code = ota_fail_at(error, OTA_EINVALID, place, "%s[%d] must be an object", row->name, index - 1);
		if (code == 0)
			code = check_object(row, item, place, error);
	}
	return code;
}

static int check_member(const struct ota_parameter *row, struct ota_json_place at, struct ota_error *error)
{
	const cJSON *value = ota_json_member(at.object, row->name);
	char path[OTA_ERROR_PATH_MAX];

	ota_command_path(path, at, row->name);
	if (!value)
		return row->required ? ota_fail_at(error, OTA_EINVALID, path, "%s is missing", row->name) : 0;

	switch (row->type) {
	case OTA_PARAMETER_TEXT:
		return check_text(row, value, path, error);
	case OTA_PARAMETER_INTEGER:
		return check_integer(row, at, error);
	case OTA_PARAMETER_BOOL:
		return cJSON_IsBool(value) ? 0 : wrong_type(row, path, error);
	case OTA_PARAMETER_DURATION:
		return check_duration(row, value, path, error);
	case OTA_PARAMETER_OBJECT:
		return check_object(row, value, path, error);
	case OTA_PARAMETER_NAMES:
		return check_names(row, value, path, error);
	case OTA_PARAMETER_OBJECTS:
		return check_objects(row, value, path, error);
	}
	return 0;
}

static int check_known(struct ota_parameter_list own, struct ota_parameter_list common, struct ota_json_place at,
		       struct ota_error *error)
{
	const char *known[KNOWN_MAX + 1] = { NULL };
	size_t count = 0;

	assert(own.count + common.count <= KNOWN_MAX);
	for (size_t i = 0; i < own.count; i++)
		known[count++] = own.rows[i].name;
	for (size_t i = 0; i < common.count; i++)
		known[count++] = common.rows[i].name;
	return ota_json_known(at, known, error);
}

/* Unknown members first: a misspelled one would otherwise be told as a missing one. */
static int check_list(struct ota_parameter_list own, struct ota_parameter_list common, struct ota_json_place at,
		      struct ota_error *error)
{
	int code = check_known(own, common, at, error);

	for (size_t i = 0; code == 0 && i < common.count; i++)
		code = check_member(&common.rows[i], at, error);
	for (size_t i = 0; code == 0 && i < own.count; i++)
		code = check_member(&own.rows[i], at, error);
	return code;
}

int ota_command_check(const struct ota_command *command, const cJSON *object, const char *prefix, struct ota_error *error)
{
	struct ota_json_place at = { object, prefix };
	int code;

	if (!cJSON_IsObject(object))
		return ota_fail_at(error, OTA_EINVALID, prefix, "a command is an object");
	code = check_list(command->parameters, ota_command_common(command), at, error);
	if (code == 0 && command->rule)
		code = command->rule(at, error);
	return code;
}

static cJSON *text_to_value(const struct ota_parameter *parameter, const char *text)
{
	cJSON *object = NULL;
	int64_t number;

	switch (parameter->type) {
	case OTA_PARAMETER_TEXT:
	case OTA_PARAMETER_DURATION:
		return cJSON_CreateString(text);
	case OTA_PARAMETER_INTEGER:
		if (!ota_text_parse_i64(ota_span_from_text(text), &number))
			return NULL;
		if (number < -OTA_INTEGER_MAX || number > OTA_INTEGER_MAX)
			return NULL;
		return cJSON_CreateNumber((double)number);
	case OTA_PARAMETER_BOOL:
		if (strcmp(text, "true") == 0)
			return cJSON_CreateTrue();
		return strcmp(text, "false") == 0 ? cJSON_CreateFalse() : NULL;
	case OTA_PARAMETER_OBJECT:
		if (ota_json_read(ota_span_from_text(text), OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &object, NULL, NULL) < 0)
			return NULL;
		return object;
	case OTA_PARAMETER_NAMES:
	case OTA_PARAMETER_OBJECTS:
		return NULL;
	}
	return NULL;
}

int ota_parameter_value(const struct ota_parameter *parameter, const char *text, cJSON **ret_value, struct ota_error *error)
{
	cJSON *value = text_to_value(parameter, text);

	if (!value)
		return wrong_type(parameter, parameter->name, error);
	*ret_value = value;
	return 0;
}
