#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/command_rules.h"
#include "common/limits.h"
#include "common/text.h"

enum {
	KNOWN_MAX = 48, /* members of the widest command, with the common ones */
	ALLOWED_SIZE = OTA_ERROR_TEXT_MAX / 2,
};

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

static void choices_print(char target[ALLOWED_SIZE], const char *const *choices)
{
	size_t used = 0;

	for (const char *const *choice = choices; *choice; choice++) {
		int wrote = snprintf(target + used, ALLOWED_SIZE - used, "%s%s", used ? ", " : "", *choice);

		assert(wrote > 0 && used + (size_t)wrote < ALLOWED_SIZE);
		used += (size_t)wrote;
	}
}

static bool is_array(const struct ota_parameter *row)
{
	return row->type == OTA_PARAMETER_NAMES || row->type == OTA_PARAMETER_OBJECTS;
}

/* What a row allows, in words; "" where its type says all. Every refusal of a value ends with them. */
static const char *allowed_print(char target[ALLOWED_SIZE], const struct ota_parameter *row)
{
	char low[32], high[32];

	target[0] = '\0';
	if (row->choices) {
		choices_print(target, row->choices);
	} else if (is_array(row)) { /* the rule of its elements is told where one of them breaks it */
		(void)snprintf(target, ALLOWED_SIZE, "%" PRId64 "..%" PRId64 " %s", row->low, row->high,
			       row->type == OTA_PARAMETER_NAMES && !row->is_valid ? "device names" : "entries");
	} else if (row->allowed) {
		ota_text_cut(target, ALLOWED_SIZE, row->allowed);
	} else if (row->type == OTA_PARAMETER_DURATION) {
		ota_text_print_duration(low, row->low);
		ota_text_print_duration(high, row->high);
		(void)snprintf(target, ALLOWED_SIZE, "%s..%s", low, high);
	} else if (row->type == OTA_PARAMETER_INTEGER && row->high == OTA_INTEGER_MAX) {
		(void)snprintf(target, ALLOWED_SIZE, "%" PRId64 " and more", row->low);
	} else if (row->type != OTA_PARAMETER_BOOL && row->type != OTA_PARAMETER_OBJECT) {
		(void)snprintf(target, ALLOWED_SIZE, "%" PRId64 "..%" PRId64 "%s", row->low, row->high,
			       row->type == OTA_PARAMETER_TEXT ? " bytes" : "");
	}
	return target;
}

static int wrong_type(const struct ota_parameter *row, const char *path, struct ota_error *error)
{
	char allowed[ALLOWED_SIZE];

	allowed_print(allowed, row);
	return ota_fail_at(error, OTA_EINVALID, path, "%s must be %s%s%s", row->name, type_words(row->type),
			   *allowed ? "; allowed: " : "", allowed);
}

static int wrong_value(const struct ota_parameter *row, const char *value, const char *path, struct ota_error *error)
{
	char allowed[ALLOWED_SIZE];

	if (row->secret)
		return ota_fail_at(error, OTA_EINVALID, path, "%s must be %s", row->name, row->allowed);
	return ota_fail_at(error, OTA_EINVALID, path, "%s is \"%.64s\"; allowed: %s", row->name, value,
			   allowed_print(allowed, row));
}

/* How much of it there is: bytes, entries, or the number itself. */
static int wrong_size(const struct ota_parameter *row, int64_t size, const char *path, struct ota_error *error)
{
	const char *verb = row->type == OTA_PARAMETER_INTEGER ? "is" : "has";
	const char *unit = row->type == OTA_PARAMETER_TEXT ? " bytes" : is_array(row) ? " entries" : "";
	char allowed[ALLOWED_SIZE];

	return ota_fail_at(error, is_array(row) && size > row->high ? OTA_ELIMIT : OTA_EINVALID, path,
			   "%s %s %" PRId64 "%s; allowed: %s", row->name, verb, size, unit, allowed_print(allowed, row));
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

static bool is_choice(const char *const *choices, const char *value)
{
	for (; *choices; choices++) {
		if (strcmp(*choices, value) == 0)
			return true;
	}
	return false;
}

static int check_text(const struct ota_parameter *row, const cJSON *value, const char *path, struct ota_error *error)
{
	struct ota_span text;

	if (!cJSON_IsString(value))
		return wrong_type(row, path, error);
	text = ota_span_from_text(value->valuestring);
	if (row->choices)
		return is_choice(row->choices, text.data) ? 0 : wrong_value(row, text.data, path, error);
	if (row->is_valid)
		return row->is_valid(text) ? 0 : wrong_value(row, text.data, path, error);
	if ((int64_t)text.size < row->low || (int64_t)text.size > row->high)
		return wrong_size(row, (int64_t)text.size, path, error);
	if (!is_plain_text(text))
		return ota_fail_at(error, OTA_EINVALID, path, "%s must be UTF-8 without control characters", row->name);
	return 0;
}

static int check_integer(const struct ota_parameter *row, struct ota_json_place at, const char *path, struct ota_error *error)
{
	int64_t value;

	if (ota_json_integer(at, row->name, -OTA_INTEGER_MAX, OTA_INTEGER_MAX, &value, NULL) < 0)
		return wrong_type(row, path, error);
	if (value < row->low || value > row->high)
		return wrong_size(row, value, path, error);
	return 0;
}

static int check_duration(const struct ota_parameter *row, const cJSON *value, const char *path, struct ota_error *error)
{
	int64_t ms;

	if (!cJSON_IsString(value) || !ota_text_parse_duration(value->valuestring, &ms))
		return wrong_type(row, path, error);
	return ms >= row->low && ms <= row->high ? 0 : wrong_value(row, value->valuestring, path, error);
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
	if (count < row->low || count > row->high)
		return wrong_size(row, count, path, error);
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

int ota_parameter_check(const struct ota_parameter *row, struct ota_json_place at, struct ota_error *error)
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
		return check_integer(row, at, path, error);
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
		code = ota_parameter_check(&common.rows[i], at, error);
	for (size_t i = 0; code == 0 && i < own.count; i++)
		code = ota_parameter_check(&own.rows[i], at, error);
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
	char allowed[ALLOWED_SIZE];

	if (!value && parameter->type == OTA_PARAMETER_INTEGER)
		return ota_fail_at(error, OTA_EINVALID, parameter->name, "%s is \"%.64s\", which is no integer; allowed: %s",
				   parameter->name, text, allowed_print(allowed, parameter));
	if (!value)
		return wrong_type(parameter, parameter->name, error);
	*ret_value = value;
	return 0;
}
