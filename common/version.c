#include "common/version.h"

#include <string.h>

enum {
	RANK_BEFORE_RELEASE = -1,
	RANK_END = 0, /* of the text, or of what is no digit */
	RANK_LETTER = 1,
	RANK_MARK = 256,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Where a character stands among those that are no digits. */
static int rank_at(struct ota_span text, size_t at)
{
	if (at >= text.size || is_digit(text.data[at]))
		return RANK_END;
	char c = text.data[at];
	if ((c == '-' || c == '~') && at + 1 < text.size && is_letter(text.data[at + 1]))
		return RANK_BEFORE_RELEASE;
	return (is_letter(c) ? RANK_LETTER : RANK_MARK) + (unsigned char)c;
}

static struct ota_span span_from(struct ota_span text, size_t at)
{
	return (struct ota_span){text.data + at, text.size - at};
}

static int words_compare(struct ota_span *a, struct ota_span *b)
{
	size_t at = 0;
	for (;; at++) {
		int left = rank_at(*a, at), right = rank_at(*b, at);
		if (left != right)
			return left - right;
		if (left == RANK_END)
			break;
	}
	*a = span_from(*a, at);
	*b = span_from(*b, at);
	return 0;
}

static struct ota_span number_take(struct ota_span *text)
{
	size_t zeros = 0, end;
	while (zeros < text->size && text->data[zeros] == '0')
		zeros++;
	for (end = zeros; end < text->size && is_digit(text->data[end]); end++)
		;
	struct ota_span number = {text->data + zeros, end - zeros};
	*text = span_from(*text, end);
	return number;
}

static int numbers_compare(struct ota_span *a, struct ota_span *b)
{
	struct ota_span left = number_take(a), right = number_take(b);
	if (left.size != right.size)
		return left.size < right.size ? -1 : 1;
	return left.size == 0 ? 0 : memcmp(left.data, right.data, left.size);
}

static struct ota_span version_begin(struct ota_span text)
{
	bool has_v = text.size > 1 && (text.data[0] == 'v' || text.data[0] == 'V') && is_digit(text.data[1]);
	return has_v ? span_from(text, 1) : text;
}

int ota_version_compare(struct ota_span a, struct ota_span b)
{
	a = version_begin(a);
	b = version_begin(b);
	while (a.size > 0 || b.size > 0) {
		int order = words_compare(&a, &b);
		if (order == 0)
			order = numbers_compare(&a, &b);
		if (order != 0)
			return order;
	}
	return 0;
}
