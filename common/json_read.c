/*
 * The strict reader. One pass checks the document and writes a canonical copy (no white space, one spelling per string, mended
 * where the mode allows it); cJSON then parses the copy. So cJSON never sees a foreign byte, and duplicates are found by
 * comparing bytes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/text.h"

struct reader {
	const char *data;
	size_t size;
	size_t position;
	enum ota_json_mode mode;
	unsigned depth;
	unsigned mended;
	struct ota_bytes out;
	char path[OTA_ERROR_PATH_MAX]; /* of the value being read */
	struct ota_error *error;
};

/* The keys of one object, as they stand in the canonical copy (offsets: the copy may move when it grows). */
struct keys {
	unsigned count;
	struct key {
		size_t start, size;
	} list[OTA_JSON_MEMBERS_MAX];
};

static int value_read(struct reader *reader);

static int reader_fail(struct reader *reader, int code, const char *what)
{
	const char *path = reader->path;
	return ota_fail_at(reader->error, code, path, "%s%s%s at byte %zu", path, *path ? ": " : "", what, reader->position);
}

/* The byte at the position; NUL at the end, which no rule of JSON accepts either. */
static char reader_peek(const struct reader *reader)
{
	return reader->position < reader->size ? reader->data[reader->position] : '\0';
}

static void space_skip(struct reader *reader)
{
	while (reader->position < reader->size && strchr(" \t\r\n", reader->data[reader->position]) &&
	       reader_peek(reader) != '\0')
		reader->position++;
}

/* A device's oddity is mended and remembered; an operator's is refused. */
static int mend(struct reader *reader, enum ota_json_mended what, const char *sentence)
{
	if (reader->mode != OTA_JSON_DEVICE)
		return reader_fail(reader, OTA_EINVALID, sentence);
	reader->mended |= what;
	return 0;
}

static void canonical_put(struct ota_bytes *out, uint32_t character)
{
	if (character == '"' || character == '\\') {
		ota_bytes_u8(out, '\\');
		ota_bytes_u8(out, (uint8_t)character);
	} else if (character < 0x20) {
		ota_bytes_format(out, "\\u%04x", (unsigned)character);
	} else {
		ota_text_utf8_append(out, character);
	}
}

static bool unit_read(struct reader *reader, uint32_t *ret_unit)
{
	unsigned char bytes[2];
	if (reader->size - reader->position < 4 ||
	    !ota_text_unhex((struct ota_span){reader->data + reader->position, 4}, bytes, sizeof(bytes)))
		return false;
	reader->position += 4;
	*ret_unit = (uint32_t)bytes[0] << 8 | bytes[1];
	return true;
}

/* The low half behind a high surrogate; untouched position when there is none. */
static bool low_surrogate_read(struct reader *reader, uint32_t *ret_low)
{
	size_t before = reader->position;
	if (reader->size - reader->position >= 2 && memcmp(reader->data + reader->position, "\\u", 2) == 0) {
		reader->position += 2;
		if (unit_read(reader, ret_low) && *ret_low >= 0xDC00 && *ret_low <= 0xDFFF)
			return true;
	}
	reader->position = before;
	return false;
}

/* Behind "\u". */
static int unicode_escape_read(struct reader *reader)
{
	uint32_t unit, low;
	int code = 0;
	if (!unit_read(reader, &unit))
		return reader_fail(reader, OTA_EINVALID, "\\u needs four hex digits");
	if (unit == 0) {
		code = mend(reader, OTA_JSON_MENDED_NUL, "\\u0000 is not allowed");
		unit = OTA_TEXT_REPLACEMENT;
	} else if (unit >= 0xD800 && unit <= 0xDFFF) {
		if (unit <= 0xDBFF && low_surrogate_read(reader, &low)) {
			unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
		} else {
			code = mend(reader, OTA_JSON_MENDED_UTF8, "half a surrogate pair");
			unit = OTA_TEXT_REPLACEMENT;
		}
	}
	canonical_put(&reader->out, unit);
	return code;
}

static int escape_read(struct reader *reader)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	char letter = reader_peek(reader);
	if (letter == 'u') {
		reader->position++;
		return unicode_escape_read(reader);
	}
	const char *found = letter ? strchr(letters, letter) : NULL;
	if (!found)
		return reader_fail(reader, OTA_EINVALID, "unknown escape in a string");
	reader->position++;
	canonical_put(&reader->out, (uint32_t)meanings[found - letters]);
	return 0;
}

static int character_read(struct reader *reader)
{
	uint32_t character;
	int code = 0;
	struct ota_span rest = {reader->data + reader->position, reader->size - reader->position};
	size_t size = ota_text_utf8_next(rest, &character);
	if (size == 0) {
		code = mend(reader, OTA_JSON_MENDED_UTF8, "bytes that are not UTF-8");
		character = OTA_TEXT_REPLACEMENT;
		size = 1;
	} else if (character == 0) {
		code = mend(reader, OTA_JSON_MENDED_NUL, "a NUL byte in a string");
		character = OTA_TEXT_REPLACEMENT;
	} else if (character < 0x20) {
		code = mend(reader, OTA_JSON_MENDED_CONTROL, "a raw control byte in a string");
	}
	reader->position += size;
	canonical_put(&reader->out, character);
	return code;
}

/* Most of what is read stands in the copy as it is. */
static void plain_read(struct reader *reader)
{
	size_t begin = reader->position;
	while (reader->position < reader->size) {
		char next = reader->data[reader->position];
		if (next < 0x20 || next > 0x7e || next == '"' || next == '\\')
			break;
		reader->position++;
	}
	ota_bytes_append(&reader->out, reader->data + begin, reader->position - begin);
}

static int string_read(struct reader *reader)
{
	int code = 0;
	reader->position++;
	ota_bytes_u8(&reader->out, '"');
	while (code == 0) {
		plain_read(reader);
		if (reader->position >= reader->size)
			return reader_fail(reader, OTA_EINVALID, "a string without an end");
		char next = reader->data[reader->position];
		if (next == '"')
			break;
		if (next == '\\') {
			reader->position++;
			code = escape_read(reader);
		} else {
			code = character_read(reader);
		}
	}
	reader->position++;
	ota_bytes_u8(&reader->out, '"');
	return code;
}

static size_t digits_skip(struct reader *reader)
{
	size_t before = reader->position;
	while (reader_peek(reader) >= '0' && reader_peek(reader) <= '9')
		reader->position++;
	return reader->position - before;
}

/* RFC 8259 section 6: no leading zero, no bare dot, no plus. */
static bool number_skip(struct reader *reader)
{
	if (reader_peek(reader) == '-')
		reader->position++;
	bool zero = reader_peek(reader) == '0';
	size_t digits = digits_skip(reader);
	if (digits == 0 || (zero && digits > 1))
		return false;
	if (reader_peek(reader) == '.') {
		reader->position++;
		if (digits_skip(reader) == 0)
			return false;
	}
	if (reader_peek(reader) == 'e' || reader_peek(reader) == 'E') {
		reader->position++;
		if (reader_peek(reader) == '+' || reader_peek(reader) == '-')
			reader->position++;
		if (digits_skip(reader) == 0)
			return false;
	}
	return true;
}

static int number_read(struct reader *reader)
{
	size_t start = reader->position;
	char text[OTA_JSON_NUMBER_MAX + 1];
	if (!number_skip(reader))
		return reader_fail(reader, OTA_EINVALID, "not a number of JSON");
	struct ota_span digits = {reader->data + start, reader->position - start};
	if (!ota_text_copy(text, sizeof(text), digits))
		return reader_fail(reader, OTA_ELIMIT, "a number of more than 63 characters");
	/* Beyond it two readers of the same text may hold two different numbers. */
	if (reader->mode != OTA_JSON_DEVICE && fabs(strtod(text, NULL)) > (double)OTA_INTEGER_MAX)
		return reader_fail(reader, OTA_EINVALID, "a number beyond 9007199254740991");
	ota_bytes_append(&reader->out, digits.data, digits.size);
	return 0;
}

static int word_read(struct reader *reader)
{
	static const char *const words[] = {"true", "false", "null"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t size = strlen(words[i]);
		if (reader->size - reader->position >= size && memcmp(reader->data + reader->position, words[i], size) == 0) {
			reader->position += size;
			ota_bytes_append(&reader->out, words[i], size);
			return 0;
		}
	}
	return reader_fail(reader, OTA_EINVALID,
			   reader->position < reader->size ? "not a JSON value" : "the text ends too early");
}

/* "a.b[0].c"; a path too long for its room is cut, the byte offset still tells the place. */
static void path_enter_key(struct reader *reader, size_t path_size, struct key key)
{
	size_t shown = key.size < sizeof(reader->path) ? key.size : sizeof(reader->path) - 1;
	snprintf(reader->path + path_size, sizeof(reader->path) - path_size, "%s%.*s", path_size > 0 ? "." : "", (int)shown,
		 reader->out.data + key.start);
}

/* Quadratic, and bounded by OTA_JSON_MEMBERS_MAX: no hash that a sender could aim at. */
static bool key_is_known(const struct reader *reader, const struct keys *keys, struct key key)
{
	for (unsigned i = 0; i < keys->count; i++)
		if (keys->list[i].size == key.size &&
		    memcmp(reader->out.data + keys->list[i].start, reader->out.data + key.start, key.size) == 0)
			return true;
	return false;
}

/* Reads a key, leaves the path at it. */
static int key_read(struct reader *reader, size_t path_size, struct key *ret_key)
{
	if (reader_peek(reader) != '"')
		return reader_fail(reader, OTA_EINVALID, "a key in quotes is missing");
	size_t start = reader->out.size + 1;
	int code = string_read(reader);
	if (code < 0)
		return code;
	if (reader->out.failed)
		return reader_fail(reader, OTA_ENOMEM, "out of memory");
	*ret_key = (struct key){.start = start, .size = reader->out.size - start - 1};
	path_enter_key(reader, path_size, *ret_key);
	space_skip(reader);
	if (reader_peek(reader) != ':')
		return reader_fail(reader, OTA_EINVALID, "a colon is missing");
	reader->position++;
	ota_bytes_u8(&reader->out, ':');
	return 0;
}

static int member_read(struct reader *reader, struct keys *keys)
{
	size_t path_size = strlen(reader->path), before = reader->out.size;
	struct key key;
	if (keys->count > 0)
		ota_bytes_u8(&reader->out, ',');
	int code = key_read(reader, path_size, &key);
	if (code < 0)
		return code;
	bool repeated = key_is_known(reader, keys, key);
	if (repeated)
		code = mend(reader, OTA_JSON_MENDED_DUPLICATE, "the key stands twice");
	else if (keys->count == OTA_JSON_MEMBERS_MAX)
		code = reader_fail(reader, OTA_ELIMIT, "an object of more than 256 members");
	if (code == 0)
		code = value_read(reader);
	if (code < 0)
		return code;
	/* The value was read all the same: what stands in it must be JSON too. */
	if (repeated && !reader->out.failed)
		reader->out.size = before; /* the first one wins */
	else
		keys->list[keys->count++] = key;
	reader->path[path_size] = '\0';
	return 0;
}

/* Behind a member or element: 1 another follows, 0 the end was taken, or an error. */
static int separator_read(struct reader *reader, char end)
{
	space_skip(reader);
	if (reader_peek(reader) == ',') {
		reader->position++;
		space_skip(reader);
		if (reader_peek(reader) != end)
			return 1;
		int code = mend(reader, OTA_JSON_MENDED_COMMA, "a comma before the closing bracket");
		if (code < 0)
			return code;
	}
	if (reader_peek(reader) != end)
		return reader_fail(reader, OTA_EINVALID, "a comma or the closing bracket is missing");
	reader->position++;
	return 0;
}

static int bracket_open(struct reader *reader, char bracket)
{
	bool answer = reader->mode == OTA_JSON_ANSWER;

	if (reader->depth == (answer ? OTA_JSON_ANSWER_DEPTH_MAX : OTA_JSON_DEPTH_MAX))
		return reader_fail(reader, OTA_ELIMIT, answer ? "nested deeper than 12 levels" : "nested deeper than 8 levels");
	reader->depth++;
	reader->position++;
	ota_bytes_u8(&reader->out, (uint8_t)bracket);
	space_skip(reader);
	return 0;
}

static void bracket_close(struct reader *reader, char bracket)
{
	reader->depth--;
	ota_bytes_u8(&reader->out, (uint8_t)bracket);
}

static int object_read(struct reader *reader)
{
	struct keys keys;
	keys.count = 0; /* not {0}: 4 KiB a level need no clearing */
	int more = bracket_open(reader, '{');
	if (more == 0 && reader_peek(reader) == '}')
		reader->position++;
	else if (more == 0)
		more = 1;
	while (more > 0) {
		int code = member_read(reader, &keys);
		more = code < 0 ? code : separator_read(reader, '}');
	}
	bracket_close(reader, '}');
	return more;
}

static int element_read(struct reader *reader, size_t index)
{
	size_t path_size = strlen(reader->path);
	snprintf(reader->path + path_size, sizeof(reader->path) - path_size, "[%zu]", index);
	if (index > 0)
		ota_bytes_u8(&reader->out, ',');
	int code = value_read(reader);
	if (code == 0)
		reader->path[path_size] = '\0';
	return code;
}

static int array_read(struct reader *reader)
{
	int more = bracket_open(reader, '[');
	if (more == 0 && reader_peek(reader) == ']')
		reader->position++;
	else if (more == 0)
		more = 1;
	for (size_t index = 0; more > 0; index++) {
		int code = element_read(reader, index);
		more = code < 0 ? code : separator_read(reader, ']');
	}
	bracket_close(reader, ']');
	return more;
}

static int value_read(struct reader *reader)
{
	space_skip(reader);
	char first = reader_peek(reader);
	if (first == '{')
		return object_read(reader);
	if (first == '[')
		return array_read(reader);
	if (first == '"')
		return string_read(reader);
	if (first == '-' || (first >= '0' && first <= '9'))
		return number_read(reader);
	return word_read(reader);
}

static int document_read(struct reader *reader)
{
	int code = value_read(reader);
	if (code < 0)
		return code;
	space_skip(reader);
	while (code == 0 && reader->position < reader->size && reader->data[reader->position] == '\0') {
		code = mend(reader, OTA_JSON_MENDED_NUL, "a NUL byte behind the document");
		reader->position++;
	}
	if (code == 0 && reader->position < reader->size)
		code = reader_fail(reader, OTA_EINVALID, "bytes behind the document");
	if (code == 0 && reader->out.failed)
		code = ota_fail(reader->error, OTA_ENOMEM, "out of memory for a JSON text");
	return code;
}

int ota_json_read(struct ota_span text, enum ota_json_mode mode, size_t limit, cJSON **ret_tree, unsigned *ret_mended,
		  struct ota_error *error)
{
	struct reader reader = {.data = text.data, .size = text.size, .mode = mode, .error = error};
	/* Before the first byte is looked at. */
	if (text.size > limit)
		return ota_fail(error, OTA_ELIMIT, "a JSON text of %zu bytes; at most %zu are allowed", text.size, limit);
	int code = document_read(&reader);
	cJSON *tree = code == 0 ? cJSON_Parse(reader.out.data) : NULL;
	ota_bytes_free(&reader.out);
	if (code < 0)
		return code;
	if (!tree)
		return ota_fail(error, OTA_ENOMEM, "out of memory for a JSON tree");
	*ret_tree = tree;
	if (ret_mended)
		*ret_mended = reader.mended;
	return 0;
}
