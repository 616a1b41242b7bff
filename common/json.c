#include "common/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/nearest.h"
#include "common/text.h"

const cJSON *ota_json_member(const cJSON *object, const char *key)
{
	return object ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

static int member_fail(struct ota_json_place at, const char *key, int code, struct ota_error *error, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static int member_fail(struct ota_json_place at, const char *key, int code, struct ota_error *error, const char *format, ...)
{
	char path[OTA_ERROR_PATH_MAX], sentence[OTA_ERROR_TEXT_MAX - OTA_ERROR_PATH_MAX];
	snprintf(path, sizeof(path), "%s%s%s", at.prefix, *at.prefix ? "." : "", key);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	return ota_fail_at(error, code, path, "%s: %s", path, sentence);
}

int ota_json_text(struct ota_json_place at, const char *key, char *target, size_t size, struct ota_error *error)
{
	const cJSON *member = ota_json_member(at.object, key);
	if (!member)
		return 0;
	if (!cJSON_IsString(member))
		return member_fail(at, key, OTA_EINVALID, error, "must be a string");
	size_t length = strlen(member->valuestring);
	if (length >= size)
		return member_fail(at, key, OTA_ELIMIT, error, "is %zu bytes long; at most %zu are allowed", length, size - 1);
	memcpy(target, member->valuestring, length + 1);
	return 1;
}

/* valuedouble, not valueint: cJSON clamps the latter to 31 bits. */
static bool number_is_integer(const cJSON *item)
{
	/* Within 2^53 a double is the integer that was written. */
	double value = item->valuedouble;
	return cJSON_IsNumber(item) && fabs(value) <= (double)OTA_INTEGER_MAX && value == floor(value);
}

int ota_json_integer(struct ota_json_place at, const char *key, int64_t low, int64_t high, int64_t *ret_value,
		     struct ota_error *error)
{
	const cJSON *member = ota_json_member(at.object, key);
	if (!member)
		return 0;
	if (!cJSON_IsNumber(member))
		return member_fail(at, key, OTA_EINVALID, error, "must be an integer");
	int64_t value = number_is_integer(member) ? (int64_t)member->valuedouble : 0;
	if (!number_is_integer(member) || value < low || value > high)
		return member_fail(at, key, OTA_EINVALID, error, "must be an integer from %lld to %lld", (long long)low,
				   (long long)high);
	*ret_value = value;
	return 1;
}

int ota_json_bool(struct ota_json_place at, const char *key, bool *ret_value, struct ota_error *error)
{
	const cJSON *member = ota_json_member(at.object, key);
	if (!member)
		return 0;
	if (!cJSON_IsBool(member))
		return member_fail(at, key, OTA_EINVALID, error, "must be true or false");
	*ret_value = cJSON_IsTrue(member);
	return 1;
}

int ota_json_object(struct ota_json_place at, const char *key, const cJSON **ret_object, struct ota_error *error)
{
	const cJSON *member = ota_json_member(at.object, key);
	if (!member)
		return 0;
	if (!cJSON_IsObject(member))
		return member_fail(at, key, OTA_EINVALID, error, "must be an object");
	*ret_object = member;
	return 1;
}

int ota_json_array(struct ota_json_place at, const char *key, const cJSON **ret_array, struct ota_error *error)
{
	const cJSON *member = ota_json_member(at.object, key);
	if (!member)
		return 0;
	if (!cJSON_IsArray(member))
		return member_fail(at, key, OTA_EINVALID, error, "must be an array");
	*ret_array = member;
	return 1;
}

static bool list_holds(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

void ota_json_raw_id(const cJSON *object, char *target, size_t size)
{
	const cJSON *id = ota_json_member(object, "id");
	int64_t number;
	int length = -1;
	if (cJSON_IsString(id) && ota_json_is_plain(id->valuestring))
		length = snprintf(target, size, "\"%s\"", id->valuestring);
	else if (ota_json_integer((struct ota_json_place){object, ""}, "id", -OTA_INTEGER_MAX, OTA_INTEGER_MAX, &number, NULL) ==
		 1)
		length = snprintf(target, size, "%lld", (long long)number);
	if (length < 0 || (size_t)length >= size)
		ota_text_cut(target, size, "0");
}

int ota_json_known(struct ota_json_place at, const char *const *known, struct ota_error *error)
{
	const cJSON *member;
	if (!at.object)
		return 0;
	cJSON_ArrayForEach(member, at.object) {
		if (list_holds(known, member->string))
			continue;
		const char *nearest = ota_nearest(member->string, known);
		if (nearest)
			return member_fail(at, member->string, OTA_EINVALID, error, "unknown key; did you mean \"%s\"?", nearest);
		return member_fail(at, member->string, OTA_EINVALID, error, "unknown key");
	}
	return 0;
}

void ota_json_quote(struct ota_bytes *out, const char *text)
{
	ota_bytes_u8(out, '"');
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		size_t plain =
			strcspn(text, "\"\\\001\002\003\004\005\006\007\b\t\n\013\f\r\016\017\020\021\022\023\024\025\026\027"
				      "\030\031\032\033\034\035\036\037");
		if (plain > 0) {
			ota_bytes_append(out, text, plain);
			text += plain - 1;
		} else if (byte == '"' || byte == '\\') {
			ota_bytes_u8(out, '\\');
			ota_bytes_u8(out, byte);
		} else {
			ota_bytes_format(out, "\\u%04x", (unsigned)byte);
		}
	}
	ota_bytes_u8(out, '"');
}

bool ota_json_is_plain(const char *text)
{
	for (const char *next = text; *next; next++)
		if ((unsigned char)*next < 0x20 || *next == '"' || *next == '\\')
			return false;
	return ota_text_is_utf8(ota_span_from_text(text));
}

static void number_write(const cJSON *item, struct ota_bytes *out)
{
	char text[32];
	/* cJSON prints 1e15 as "1e+15", which integer readers refuse. */
	if (number_is_integer(item)) {
		ota_bytes_format(out, "%lld", (long long)item->valuedouble);
	} else if (isfinite(item->valuedouble)) {
		/* The shortest of two forms that reads back as the same number. */
		snprintf(text, sizeof(text), "%.15g", item->valuedouble);
		double back = 0;
		if (sscanf(text, "%lf", &back) != 1 || memcmp(&back, &item->valuedouble, sizeof(back)) != 0)
			snprintf(text, sizeof(text), "%.17g", item->valuedouble);
		ota_bytes_text(out, text);
	} else {
		ota_bytes_text(out, "null");
	}
}

/* Recursion ends: trees come from our reader (8 levels) or from our own code. */
static void tree_write(const cJSON *item, struct ota_bytes *out)
{
	bool is_object = cJSON_IsObject(item);
	if (cJSON_IsString(item)) {
		ota_json_quote(out, item->valuestring);
	} else if (cJSON_IsNumber(item)) {
		number_write(item, out);
	} else if (cJSON_IsBool(item)) {
		ota_bytes_text(out, cJSON_IsTrue(item) ? "true" : "false");
	} else if (cJSON_IsRaw(item)) {
		ota_bytes_text(out, item->valuestring);
	} else if (is_object || cJSON_IsArray(item)) {
		ota_bytes_u8(out, is_object ? '{' : '[');
		for (const cJSON *child = item->child; child; child = child->next) {
			if (child != item->child)
				ota_bytes_u8(out, ',');
			if (is_object) {
				ota_json_quote(out, child->string);
				ota_bytes_u8(out, ':');
			}
			tree_write(child, out);
		}
		ota_bytes_u8(out, is_object ? '}' : ']');
	} else {
		ota_bytes_text(out, "null");
	}
}

int ota_json_write(const cJSON *tree, struct ota_bytes *out)
{
	tree_write(tree, out);
	return out->failed ? OTA_ENOMEM : 0;
}

void ota_json_cleanup(cJSON **tree)
{
	cJSON_Delete(*tree);
	*tree = NULL;
}
