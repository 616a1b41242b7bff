#include "common/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/time.h"

bool ota_text_copy(char *target, size_t size, struct ota_span from)
{
	target[0] = '\0';
	/* A NUL inside would make the copy shorter than what was checked. */
	if (from.size >= size || (from.size > 0 && memchr(from.data, '\0', from.size)))
		return false;
	if (from.size > 0)
		memcpy(target, from.data, from.size);
	target[from.size] = '\0';
	return true;
}

void ota_text_cut(char *target, size_t size, const char *from)
{
	size_t length = strlen(from);
	if (length >= size) {
		length = size - 1;
		/* Back to the first byte of the character that does not fit. */
		while (length > 0 && ((unsigned char)from[length] & 0xC0) == 0x80)
			length--;
	}
	memcpy(target, from, length);
	target[length] = '\0';
}

/* Not <ctype.h>: its answers depend on the locale, and negative chars are undefined there. */
static bool is_digit(char character)
{
	return character >= '0' && character <= '9';
}

bool ota_text_parse_u64(struct ota_span text, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (text.size == 0)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (!is_digit(text.data[i]) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

bool ota_text_parse_i64(struct ota_span text, int64_t *ret_value)
{
	bool negative = text.size > 0 && text.data[0] == '-';
	struct ota_span digits = negative ? (struct ota_span){text.data + 1, text.size - 1} : text;
	uint64_t magnitude;
	if (!ota_text_parse_u64(digits, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
		return false;
	/* Negated as unsigned: the magnitude of INT64_MIN does not fit int64_t. */
	*ret_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{"", 1},
	{"k", UINT64_C(1) << 10},
	{"M", UINT64_C(1) << 20},
	{"G", UINT64_C(1) << 30},
	{NULL, 0},
};

/* Largest last: printing takes the largest that divides. */
static const struct unit duration_units[] = {
	{"ms", 1},
	{"s", OTA_SECOND_MS},
	{"m", OTA_MINUTE_MS},
	{"h", OTA_HOUR_MS},
	{"d", OTA_DAY_MS},
	{NULL, 0},
};

/* One number and one unit: "1h30m" would need a rule for "30m1h". */
static bool quantity_parse(const char *text, const struct unit *units, uint64_t *ret_value)
{
	size_t digits = 0;
	while (is_digit(text[digits]))
		digits++;
	uint64_t number;
	if (!ota_text_parse_u64((struct ota_span){text, digits}, &number))
		return false;
	for (; units->name; units++)
		if (strcmp(text + digits, units->name) == 0)
			return !__builtin_mul_overflow(number, units->factor, ret_value);
	return false;
}

bool ota_text_parse_size(const char *text, uint64_t *ret_bytes)
{
	uint64_t value;
	if (!quantity_parse(text, size_units, &value))
		return false;
	*ret_bytes = value;
	return true;
}

bool ota_text_parse_duration(const char *text, int64_t *ret_ms)
{
	uint64_t value;
	if (!quantity_parse(text, duration_units, &value) || value > INT64_MAX)
		return false;
	*ret_ms = (int64_t)value;
	return true;
}

void ota_text_print_duration(char target[32], int64_t ms)
{
	const struct unit *unit = &duration_units[0];
	for (const struct unit *next = unit; ms != 0 && next->name; next++)
		if (ms % (int64_t)next->factor == 0)
			unit = next;
	if (ms == 0)
		unit = &duration_units[1];
	snprintf(target, 32, "%lld%s", (long long)(ms / (int64_t)unit->factor), unit->name);
}

void ota_text_print_size(char target[32], uint64_t bytes)
{
	const struct unit *unit = &size_units[0];
	for (const struct unit *next = unit; bytes != 0 && next->name; next++)
		if (bytes % next->factor == 0)
			unit = next;
	snprintf(target, 32, "%" PRIu64 "%s", bytes / unit->factor, unit->name);
}

static bool is_alphanumeric(char character)
{
	return is_digit(character) || (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

static bool text_is_of(struct ota_span text, size_t max, const char *others)
{
	if (text.size < 1 || text.size > max)
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (!is_alphanumeric(text.data[i]) && (text.data[i] == '\0' || !strchr(others, text.data[i])))
			return false;
	return true;
}

bool ota_text_is_product_key(struct ota_span text)
{
	return text_is_of(text, OTA_PRODUCT_KEY_MAX, "");
}

bool ota_text_is_device_name(struct ota_span text)
{
	return text_is_of(text, OTA_DEVICE_NAME_MAX, "_.:@-");
}

bool ota_text_is_secret(struct ota_span text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
			return false;
	return text.size > 0 && text.size <= OTA_SECRET_MAX;
}

/* aliyun-ota.md 0.5 and security-reliability.md 0.4: whatever a Link SDK searches for in a push. */
static const char *const reserved_keys[] = {
	"data", "params", "version", "signMethod", "sign", "url", "size", "md5", "module", "extData", "files", "fileUrl",
	"fileSize", "fileSign", "fileName", "fileMd5", "dProtocol", "streamId", "streamFileId", "isDiff", "digestsign",
	"configId", "configSize", "getType", "code", "id", "message",
};

bool ota_text_is_reserved_key(struct ota_span text)
{
	for (size_t i = 0; i < sizeof(reserved_keys) / sizeof(reserved_keys[0]); i++)
		if (ota_span_equals(text, reserved_keys[i]))
			return true;
	return false;
}

static bool text_is_flat_word(struct ota_span text, size_t max)
{
	if (text.size < 1 || text.size > max || text.data[0] == ' ' || text.data[text.size - 1] == ' ')
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e || strchr("\"\\{}[]", text.data[i]))
			return false;
	return !ota_text_is_reserved_key(text);
}

bool ota_text_is_module(struct ota_span text)
{
	return text_is_flat_word(text, OTA_MODULE_MAX);
}

bool ota_text_is_version(struct ota_span text)
{
	return text_is_flat_word(text, OTA_VERSION_MAX);
}

/* A device may use it as the name of a file as it is: nothing that leads elsewhere or is hidden. */
bool ota_text_is_file_name(struct ota_span text)
{
	if (!text_is_flat_word(text, OTA_FILE_NAME_MAX) || text.data[0] == '.' || text.data[0] == '-')
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (!isalnum((unsigned char)text.data[i]) && !strchr("_.+-", text.data[i]))
			return false;
	return true;
}

/* How many bytes follow a first byte, and what that byte carries; false for a byte that begins nothing. */
static bool utf8_begin(unsigned char first, size_t *ret_more, uint32_t *ret_bits, uint32_t *ret_least)
{
	static const struct {
		unsigned char mask, value;
		uint32_t least; /* smaller values would have a shorter form */
	} forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
	for (size_t i = 0; i < 4; i++) {
		if ((first & forms[i].mask) != forms[i].value)
			continue;
		*ret_more = i;
		*ret_bits = first & (unsigned char)~forms[i].mask;
		*ret_least = forms[i].least;
		return true;
	}
	return false;
}

size_t ota_text_utf8_next(struct ota_span text, uint32_t *ret_character)
{
	size_t more;
	uint32_t value, least;
	if (text.size == 0 || !utf8_begin((unsigned char)text.data[0], &more, &value, &least) || text.size <= more)
		return 0;
	for (size_t i = 1; i <= more; i++) {
		unsigned char next = (unsigned char)text.data[i];
		if ((next & 0xC0) != 0x80)
			return 0;
		value = value << 6 | (next & 0x3F);
	}
	/* Overlong forms and surrogates are second spellings of other characters: filters are passed with them. */
	if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
		return 0;
	*ret_character = value;
	return more + 1;
}

void ota_text_utf8_append(struct ota_bytes *out, uint32_t character)
{
	unsigned char bytes[4];
	size_t size = 0;
	if (character < 0x80) {
		bytes[size++] = (unsigned char)character;
	} else if (character < 0x800) {
		bytes[size++] = (unsigned char)(0xC0 | character >> 6);
	} else if (character < 0x10000) {
		bytes[size++] = (unsigned char)(0xE0 | character >> 12);
		bytes[size++] = (unsigned char)(0x80 | (character >> 6 & 0x3F));
	} else {
		bytes[size++] = (unsigned char)(0xF0 | character >> 18);
		bytes[size++] = (unsigned char)(0x80 | (character >> 12 & 0x3F));
		bytes[size++] = (unsigned char)(0x80 | (character >> 6 & 0x3F));
	}
	if (character >= 0x80)
		bytes[size++] = (unsigned char)(0x80 | (character & 0x3F));
	ota_bytes_append(out, bytes, size);
}

static struct ota_span span_after(struct ota_span text, size_t position)
{
	return (struct ota_span){.data = text.data + position, .size = text.size - position};
}

bool ota_text_is_utf8(struct ota_span text)
{
	uint32_t character;
	for (size_t position = 0; position < text.size;) {
		size_t size = ota_text_utf8_next(span_after(text, position), &character);
		if (size == 0)
			return false;
		position += size;
	}
	return true;
}

static bool is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xA0);
}

void ota_text_clean(struct ota_bytes *out, struct ota_span text)
{
	for (size_t position = 0; position < text.size;) {
		uint32_t character = OTA_TEXT_REPLACEMENT;
		size_t size = ota_text_utf8_next(span_after(text, position), &character);
		ota_text_utf8_append(out, is_control(character) ? ' ' : character);
		position += size > 0 ? size : 1;
	}
}

void ota_text_hex(char *target, const unsigned char *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < size; i++) {
		target[2 * i] = digits[data[i] >> 4];
		target[2 * i + 1] = digits[data[i] & 15];
	}
	target[2 * size] = '\0';
}

static int hex_value(char digit)
{
	if (is_digit(digit))
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

bool ota_text_is_hex(struct ota_span text, size_t digits)
{
	if (text.size != digits)
		return false;
	for (size_t i = 0; i < digits; i++)
		if (hex_value(text.data[i]) < 0)
			return false;
	return true;
}

bool ota_text_is_lower_hex(struct ota_span text, size_t digits)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] >= 'A' && text.data[i] <= 'F')
			return false;
	return ota_text_is_hex(text, digits);
}

bool ota_text_unhex(struct ota_span hex, unsigned char *target, size_t size)
{
	if (!ota_text_is_hex(hex, 2 * size))
		return false;
	for (size_t i = 0; i < size; i++)
		target[i] = (unsigned char)(hex_value(hex.data[2 * i]) << 4 | hex_value(hex.data[2 * i + 1]));
	return true;
}

static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void ota_text_base64url(char *target, const unsigned char *data, size_t size)
{
	unsigned bits = 0, held = 0;
	for (size_t i = 0; i < size; i++) {
		bits = (bits << 8 | data[i]) & 0xFFFF;
		held += 8;
		for (; held >= 6; held -= 6)
			*target++ = base64url_digits[bits >> (held - 6) & 63];
	}
	if (held > 0)
		*target++ = base64url_digits[bits << (6 - held) & 63];
	*target = '\0';
}

bool ota_text_unbase64url(struct ota_span text, unsigned char *target, size_t size)
{
	unsigned bits = 0, held = 0;
	if (text.size != OTA_BASE64URL_SIZE(size) - 1)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		const char *digit = text.data[i] ? strchr(base64url_digits, text.data[i]) : NULL;
		if (!digit)
			return false;
		bits = (bits << 6 | (unsigned)(digit - base64url_digits)) & 0xFFFF;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*target++ = (unsigned char)(bits >> held);
		}
	}
	/* Left-over bits must be zero, else two spellings would mean the same bytes. */
	return (bits & ((1u << held) - 1)) == 0;
}
