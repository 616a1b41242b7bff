#include "ctl/cell.h"

#include "common/text.h"

#define ELLIPSIS "\xe2\x80\xa6"

struct interval {
	uint32_t first, last;
};

/* Marks and overrides that turn the direction of what follows: they make one name look like another. */
static const struct interval turning[] = { { 0x061C, 0x061C }, { 0x200E, 0x200F }, { 0x2028, 0x202E }, { 0x2066, 0x2069 } };

static const struct interval combining[] = {
	{ 0x0300, 0x036F }, { 0x0483, 0x0489 }, { 0x0591, 0x05BD }, { 0x064B, 0x065F }, { 0x200B, 0x200D }, { 0x20D0, 0x20FF },
	{ 0xFE00, 0xFE0F }, { 0xFE20, 0xFE2F },
};

/* Unicode's East Asian Width W and F, as far as people write them. */
static const struct interval wide[] = {
	{ 0x1100, 0x115F }, { 0x2E80, 0x303E }, { 0x3041, 0xA4CF }, { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF }, { 0xFE30, 0xFE6F },
	{ 0xFF00, 0xFF60 }, { 0xFFE0, 0xFFE6 }, { 0x1F300, 0x1F64F }, { 0x1F680, 0x1F6FF }, { 0x1F900, 0x1F9FF },
	{ 0x20000, 0x3FFFD },
};

#define IS_IN(intervals, character) is_in(intervals, sizeof(intervals) / sizeof((intervals)[0]), character)

static bool is_in(const struct interval *intervals, size_t count, uint32_t character)
{
	for (size_t i = 0; i < count; i++) {
		if (character >= intervals[i].first && character <= intervals[i].last)
			return true;
	}
	return false;
}

/* The next character, U+FFFD for a byte that begins none. */
static uint32_t take(struct ota_span *rest)
{
	uint32_t character = OTA_TEXT_REPLACEMENT;
	size_t size = ota_text_utf8_next(*rest, &character);

	size = size > 0 ? size : 1;
	*rest = (struct ota_span){ rest->data + size, rest->size - size };
	return character;
}

static bool is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7F && character < 0xA0);
}

void ota_cell_clean(struct ota_bytes *out, const char *text)
{
	struct ota_span rest = ota_span_from_text(text);

	while (rest.size > 0) {
		uint32_t character = take(&rest);

		if (is_control(character))
			character = ' ';
		else if (IS_IN(turning, character))
			character = OTA_TEXT_REPLACEMENT;
		ota_text_utf8_append(out, character);
	}
}

static size_t width_of(uint32_t character)
{
	if (IS_IN(combining, character))
		return 0;
	return IS_IN(wide, character) ? 2 : 1;
}

size_t ota_cell_width(const char *text)
{
	struct ota_span rest = ota_span_from_text(text);
	size_t width = 0;

	while (rest.size > 0)
		width += width_of(take(&rest));
	return width;
}

static void pad(struct ota_bytes *out, size_t count)
{
	while (count-- > 0)
		ota_bytes_append(out, " ", 1);
}

/* As much as fits into width - 1 columns, then the ellipsis. */
static size_t put_cut(struct ota_bytes *out, const char *text, size_t width)
{
	struct ota_span rest = ota_span_from_text(text);
	size_t used = 0;

	while (rest.size > 0) {
		uint32_t character = take(&rest);

		if (used + width_of(character) > width - 1)
			break;
		ota_text_utf8_append(out, character);
		used += width_of(character);
	}
	ota_bytes_text(out, ELLIPSIS);
	return used + 1;
}

void ota_cell_put(struct ota_bytes *out, const char *text, struct ota_cell_place place)
{
	size_t width = ota_cell_width(text);

	if (place.width == 0)
		return;
	if (width > place.width) {
		width = put_cut(out, text, place.width);
		pad(out, place.width - width);
		return;
	}
	if (place.right)
		pad(out, place.width - width);
	ota_bytes_text(out, text);
	if (!place.right && !place.no_pad)
		pad(out, place.width - width);
}

/* In valid JSON such characters stand inside strings only, but for line ends and tabs between the tokens. */
void ota_cell_json(struct ota_bytes *out, const char *json)
{
	struct ota_span rest = ota_span_from_text(json);

	while (rest.size > 0) {
		uint32_t character = take(&rest);
		bool is_layout = character == '\n' || character == '\t';

		if (!is_layout && (is_control(character) || IS_IN(turning, character)))
			ota_bytes_format(out, "\\u%04x", (unsigned)character);
		else
			ota_text_utf8_append(out, character);
	}
}
