#include "common/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ota_span ota_span_from_text(const char *text)
{
	return (struct ota_span){.data = text, .size = text ? strlen(text) : 0};
}

bool ota_span_equals(struct ota_span span, const char *text)
{
	size_t size = strlen(text);
	return span.size == size && (size == 0 || memcmp(span.data, text, size) == 0);
}

/* The next `size` bytes, or NULL and the cursor failed for good. */
static const unsigned char *cursor_take(struct ota_cursor *cursor, size_t size)
{
	/* Compared as a difference: position + size could wrap. */
	if (cursor->failed || size > cursor->size - cursor->position) {
		cursor->failed = true;
		return NULL;
	}
	const unsigned char *taken = cursor->data + cursor->position;
	cursor->position += size;
	return taken;
}

static uint64_t cursor_integer(struct ota_cursor *cursor, size_t size)
{
	const unsigned char *bytes = cursor_take(cursor, size);
	uint64_t value = 0;
	if (!bytes)
		return 0;
	for (size_t i = size; i > 0; i--)
		value = value << 8 | bytes[i - 1];
	return value;
}

uint8_t ota_cursor_u8(struct ota_cursor *cursor)
{
	return (uint8_t)cursor_integer(cursor, 1);
}

uint16_t ota_cursor_u16(struct ota_cursor *cursor)
{
	return (uint16_t)cursor_integer(cursor, 2);
}

uint32_t ota_cursor_u32(struct ota_cursor *cursor)
{
	return (uint32_t)cursor_integer(cursor, 4);
}

uint64_t ota_cursor_u64(struct ota_cursor *cursor)
{
	return cursor_integer(cursor, 8);
}

int64_t ota_cursor_i64(struct ota_cursor *cursor)
{
	return (int64_t)cursor_integer(cursor, 8);
}

struct ota_span ota_cursor_span(struct ota_cursor *cursor, size_t size)
{
	const unsigned char *bytes = cursor_take(cursor, size);
	return (struct ota_span){.data = (const char *)bytes, .size = bytes ? size : 0};
}

/* Doubling, so that n appends cost n copies in all. */
enum { BYTES_FIRST_CAPACITY = 128 };

/* Makes room for `more` bytes and the NUL. */
static bool bytes_reserve(struct ota_bytes *bytes, size_t more)
{
	size_t needed;
	if (bytes->failed || __builtin_add_overflow(bytes->size, more, &needed) || needed >= SIZE_MAX / 2)
		return false;
	if (bytes->limit > 0 && needed > bytes->limit)
		return false;
	if (needed < bytes->capacity)
		return true;
	size_t capacity = bytes->capacity > 0 ? bytes->capacity : BYTES_FIRST_CAPACITY;
	while (capacity <= needed)
		capacity *= 2;
	char *data = realloc(bytes->data, capacity);
	if (!data)
		return false;
	bytes->data = data;
	bytes->capacity = capacity;
	return true;
}

void ota_bytes_append(struct ota_bytes *bytes, const void *data, size_t size)
{
	if (!bytes_reserve(bytes, size)) {
		bytes->failed = true;
		return;
	}
	if (size > 0)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
	bytes->data[bytes->size] = '\0';
}

void ota_bytes_text(struct ota_bytes *bytes, const char *text)
{
	ota_bytes_append(bytes, text, strlen(text));
}

void ota_bytes_format(struct ota_bytes *bytes, const char *format, ...)
{
	va_list arguments;
	/* Measured first: what does not fit the limit must leave no half of itself. */
	va_start(arguments, format);
	int size = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (size < 0 || !bytes_reserve(bytes, (size_t)size)) {
		bytes->failed = true;
		return;
	}
	va_start(arguments, format);
	vsnprintf(bytes->data + bytes->size, (size_t)size + 1, format, arguments);
	va_end(arguments);
	bytes->size += (size_t)size;
}

/* Byte by byte, so that the files are the same whatever machine wrote them. */
static void bytes_integer(struct ota_bytes *bytes, uint64_t value, size_t size)
{
	unsigned char little[8];
	for (size_t i = 0; i < size; i++)
		little[i] = (unsigned char)(value >> (8 * i));
	ota_bytes_append(bytes, little, size);
}

void ota_bytes_u8(struct ota_bytes *bytes, uint8_t value)
{
	bytes_integer(bytes, value, 1);
}

void ota_bytes_u16(struct ota_bytes *bytes, uint16_t value)
{
	bytes_integer(bytes, value, 2);
}

void ota_bytes_u32(struct ota_bytes *bytes, uint32_t value)
{
	bytes_integer(bytes, value, 4);
}

void ota_bytes_u64(struct ota_bytes *bytes, uint64_t value)
{
	bytes_integer(bytes, value, 8);
}

void ota_bytes_clear(struct ota_bytes *bytes)
{
	bytes->size = 0;
	bytes->failed = false;
	if (bytes->data)
		bytes->data[0] = '\0';
}

void ota_bytes_free(struct ota_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct ota_bytes){.limit = bytes->limit};
}

char *ota_bytes_steal(struct ota_bytes *bytes)
{
	char *data = bytes->failed ? NULL : bytes->data;
	if (bytes->failed)
		free(bytes->data);
	*bytes = (struct ota_bytes){.limit = bytes->limit};
	return data;
}

void ota_free_cleanup(void *pointer_to_pointer)
{
	void *pointer;
	/* The attribute hands over the address of a pointer of any type; memcpy reads it without breaking aliasing. */
	memcpy(&pointer, pointer_to_pointer, sizeof(pointer));
	free(pointer);
}
