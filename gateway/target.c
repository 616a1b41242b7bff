#include "gateway/target.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

enum { PARAMETER_SHOWN = 64 }; /* bytes of a name in a sentence */

static bool is_visible(struct ota_span text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
			return false;
	}
	return true;
}

static struct ota_span take_until(struct ota_span *rest, char stop)
{
	const char *end = rest->size ? memchr(rest->data, stop, rest->size) : NULL;
	struct ota_span taken = { rest->data, end ? (size_t)(end - rest->data) : rest->size };
	size_t skip = end ? taken.size + 1 : taken.size;

	*rest = (struct ota_span){ rest->data + skip, rest->size - skip };
	return taken;
}

/* An empty segment is allowed only as the whole of "/". */
static int check_path(struct ota_span path, struct ota_error *error)
{
	struct ota_span rest = path;

	if (path.size == 0 || path.data[0] != '/')
		return ota_fail(error, OTA_EINVALID, "the path must begin with /");
	if (memchr(path.data, '%', path.size))
		return ota_fail(error, OTA_EINVALID, "the path holds an escape; every path here has one spelling without any");
	if (path.size == 1)
		return 0;
	rest = (struct ota_span){ path.data + 1, path.size - 1 };
	if (path.data[path.size - 1] == '/')
		return ota_fail(error, OTA_EINVALID, "the path ends in /");
	while (rest.size > 0) {
		struct ota_span segment = take_until(&rest, '/');

		if (segment.size == 0 || ota_span_equals(segment, ".") || ota_span_equals(segment, ".."))
			return ota_fail(error, OTA_EINVALID, "the path holds an empty, . or .. segment");
	}
	return 0;
}

static const struct ota_target_parameter *find(const struct ota_target *target, struct ota_span name)
{
	for (size_t i = 0; i < target->count; i++) {
		struct ota_span other = target->parameters[i].name;

		if (other.size == name.size && memcmp(other.data, name.data, name.size) == 0)
			return &target->parameters[i];
	}
	return NULL;
}

__attribute__((format(printf, 3, 4)))
static int fail_parameter(struct ota_error *error, struct ota_span name, const char *format, ...)
{
	char path[PARAMETER_SHOWN + 1], why[OTA_ERROR_TEXT_MAX / 2];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	(void)snprintf(path, sizeof(path), "%.*s", (int)name.size, name.data);
	return ota_fail_at(error, OTA_EINVALID, path, "query parameter \"%s\" %s", path, why);
}

static int add_parameter(struct ota_target *target, struct ota_span pair, struct ota_error *error)
{
	struct ota_span name = take_until(&pair, '=');

	if (name.size == 0)
		return ota_fail(error, OTA_EINVALID, "the query holds a parameter without a name");
	if (find(target, name))
		return fail_parameter(error, name, "is given twice");
	if (target->count == OTA_TARGET_PARAMETERS_MAX)
		return ota_fail(error, OTA_ELIMIT, "the query holds more than %d parameters", OTA_TARGET_PARAMETERS_MAX);
	target->parameters[target->count++] = (struct ota_target_parameter){ name, pair };
	return 0;
}

int ota_target_parse(const char *raw, struct ota_target *ret_target, struct ota_error *error)
{
	struct ota_span rest = ota_span_from_text(raw);
	struct ota_target target = { 0 };
	int code;

	if (rest.size > OTA_TARGET_MAX)
		return ota_fail(error, OTA_ELIMIT, "path and query have more than %d bytes", OTA_TARGET_MAX);
	if (!is_visible(rest))
		return ota_fail(error, OTA_EINVALID, "path and query must be visible ASCII");
	target.path = take_until(&rest, '?');
	code = check_path(target.path, error);
	while (code == 0 && rest.size > 0)
		code = add_parameter(&target, take_until(&rest, '&'), error);
	if (code == 0)
		*ret_target = target;
	return code;
}

const struct ota_target_parameter *ota_target_find(const struct ota_target *target, const char *name)
{
	return find(target, ota_span_from_text(name));
}

int ota_target_decode(const struct ota_target_parameter *parameter, struct ota_bytes *out, struct ota_error *error)
{
	struct ota_span value = parameter->value;

	ota_bytes_text(out, "");
	for (size_t i = 0; i < value.size; i++) {
		unsigned char byte = (unsigned char)value.data[i];

		if (byte == '%') {
			if (value.size - i < 3 || !ota_text_unhex((struct ota_span){ value.data + i + 1, 2 }, &byte, 1) ||
			    byte == 0)
				return fail_parameter(error, parameter->name,
						      "holds a broken escape; a %% is written %%25, and %%00 is not allowed");
			i += 2;
		}
		ota_bytes_u8(out, byte);
	}
	return out->failed ? ota_fail(error, OTA_ENOMEM, "out of memory") : 0;
}
