/*
 * Bytes: a borrowed span, a growing buffer, and a bounds-checked cursor.
 *
 * Foreign bytes are read only through the cursor or the strict JSON reader. A cursor that once ran past its end
 * stays failed: every later read gives 0, and the caller checks `failed` once at the end.
 * Little-endian on disk and in the journal.
 */
#ifndef OTA_COMMON_BYTES_H
#define OTA_COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed, not NUL-terminated. data may be NULL when size is 0. */
struct ota_span {
	const char *data;
	size_t size;
};

struct ota_span ota_span_from_text(const char *text); /* NULL gives an empty span */
bool ota_span_equals(struct ota_span span, const char *text);

struct ota_cursor {
	const unsigned char *data;
	size_t size;
	size_t position;
	bool failed;
};

uint8_t ota_cursor_u8(struct ota_cursor *cursor);
uint16_t ota_cursor_u16(struct ota_cursor *cursor);
uint32_t ota_cursor_u32(struct ota_cursor *cursor);
uint64_t ota_cursor_u64(struct ota_cursor *cursor);
int64_t ota_cursor_i64(struct ota_cursor *cursor);
/* A span into the cursor's own bytes; empty when it would run past the end. */
struct ota_span ota_cursor_span(struct ota_cursor *cursor, size_t size);

/* Zero-initialise to start; always NUL-terminated once anything was appended. After a failed allocation or when
 * `limit` (0 = none) would be passed, `failed` is set and later appends do nothing. */
struct ota_bytes {
	char *data;
	size_t size;
	size_t capacity;
	size_t limit;
	bool failed;
};

void ota_bytes_append(struct ota_bytes *bytes, const void *data, size_t size);
void ota_bytes_text(struct ota_bytes *bytes, const char *text);
void ota_bytes_format(struct ota_bytes *bytes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ota_bytes_u8(struct ota_bytes *bytes, uint8_t value);
void ota_bytes_u16(struct ota_bytes *bytes, uint16_t value);
void ota_bytes_u32(struct ota_bytes *bytes, uint32_t value);
void ota_bytes_u64(struct ota_bytes *bytes, uint64_t value);
void ota_bytes_clear(struct ota_bytes *bytes); /* empty, memory kept */
void ota_bytes_free(struct ota_bytes *bytes);  /* empty, memory released */
/* Hands the malloc'ed memory to the caller and empties the buffer; NULL if it failed or nothing was appended. */
char *ota_bytes_steal(struct ota_bytes *bytes);

/* Cleanup attributes: `OTA_AUTO_BYTES struct ota_bytes out = {0};`, `OTA_AUTO_FREE char *text = NULL;` */
void ota_free_cleanup(void *pointer_to_pointer);
#define OTA_AUTO_FREE __attribute__((cleanup(ota_free_cleanup)))
#define OTA_AUTO_BYTES __attribute__((cleanup(ota_bytes_free)))

#endif
