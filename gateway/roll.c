#include "gateway/roll.h"

#include <string.h>

#include "common/limits.h"
#include "common/text.h"

enum { NAME_SHOWN = 40 }; /* of a wrong one, in a sentence */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct ota_span trim(struct ota_span text)
{
	while (text.size > 0 && is_blank(text.data[0])) {
		text.data++;
		text.size--;
	}
	while (text.size > 0 && is_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

static int line_end(struct ota_roll *roll, struct ota_error *error)
{
	struct ota_span name = trim((struct ota_span){ roll->line, roll->line_size });
	bool is_long = roll->is_long;

	roll->lines++;
	roll->line_size = 0;
	roll->is_long = false;
	if (name.size == 0 || name.data[0] == '#')
		return 0;
	if (is_long || !ota_text_is_device_name(name))
		return ota_fail(error, OTA_EINVALID,
				"line %llu: \"%.*s\" is no device name; allowed: 1..64 letters, digits and _ . : @ -",
				(unsigned long long)roll->lines, name.size > NAME_SHOWN ? NAME_SHOWN : (int)name.size, name.data);
	if (roll->names == OTA_ROLL_NAMES_MAX)
		return ota_fail(error, OTA_ELIMIT, "line %llu: a list has at most %d names; send the rest as another one",
				(unsigned long long)roll->lines, OTA_ROLL_NAMES_MAX);
	roll->names++;
	roll->doubles += !ota_name_piece_add(&roll->piece, name);
	return 0;
}

/* What is beyond the longest name and the space around it is not kept: it is a comment, or wrong. */
static void line_add(struct ota_roll *roll, struct ota_span bytes)
{
	size_t room = sizeof(roll->line) - roll->line_size;
	size_t size = bytes.size < room ? bytes.size : room;

	memcpy(roll->line + roll->line_size, bytes.data, size);
	roll->line_size += size;
	for (size_t i = size; i < bytes.size && !roll->is_long; i++)
		roll->is_long = !is_blank(bytes.data[i]);
}

int ota_roll_take(struct ota_roll *roll, struct ota_span *bytes, struct ota_error *error)
{
	int code = 0;

	while (code == 0 && bytes->size > 0 && !ota_name_piece_is_full(&roll->piece)) {
		const char *end = memchr(bytes->data, '\n', bytes->size);
		size_t size = end ? (size_t)(end - bytes->data) : bytes->size;

		line_add(roll, (struct ota_span){ bytes->data, size });
		bytes->data += size + (end != NULL);
		bytes->size -= size + (end != NULL);
		if (end)
			code = line_end(roll, error);
	}
	return code;
}

int ota_roll_end(struct ota_roll *roll, struct ota_error *error)
{
	return roll->line_size > 0 || roll->is_long ? line_end(roll, error) : 0;
}
