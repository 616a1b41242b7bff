/*
 * Text: checked numbers, checked copies, alphabets, UTF-8, hex. No locale anywhere.
 */
#ifndef OTA_COMMON_TEXT_H
#define OTA_COMMON_TEXT_H

#include "common/bytes.h"

/* Copies a span into target[size] with a NUL. Returns false and leaves target empty when it does not fit or holds a NUL. */
bool ota_text_copy(char *target, size_t size, struct ota_span from);

/* As above for a C string that is allowed to be cut at a UTF-8 boundary. */
void ota_text_cut(char *target, size_t size, const char *from);

/* Decimal only, whole span, no sign but '-', no leading '+', no white space. ret untouched on failure. */
bool ota_text_parse_i64(struct ota_span text, int64_t *ret_value);
bool ota_text_parse_u64(struct ota_span text, uint64_t *ret_value);

/* Sizes "64k", "16M", "1G" (powers of 1024) and durations "90s", "10m", "24h", "30d", "250ms"; a bare number is bytes / is
 * refused. */
bool ota_text_parse_size(const char *text, uint64_t *ret_bytes);
bool ota_text_parse_duration(const char *text, int64_t *ret_ms);
/* The shortest exact form: "10m", "250ms", "1h30m" is written "90m". */
void ota_text_print_duration(char target[32], int64_t ms);
void ota_text_print_size(char target[32], uint64_t bytes);

/* DESIGN.md section 2 alphabets; 1..max characters. */
bool ota_text_is_product_key(struct ota_span text);
bool ota_text_is_device_name(struct ota_span text);
bool ota_text_is_secret(struct ota_span text); /* of a device: 1..OTA_SECRET_MAX visible ASCII characters without a space */
/* Modules and versions: printable ASCII without " \ { } [ ] and without a space at either end, and no reserved protocol key
 * (aliyun-ota.md 0.4 and 0.5, security-reliability.md 0.4): the C SDKs scan pushes as flat text. */
bool ota_text_is_module(struct ota_span text);
bool ota_text_is_version(struct ota_span text);
/* Of a file in a package of several: 1..OTA_FILE_NAME_MAX letters, digits and _ . + -, first a letter, digit, _ or +, no reserved
 * key. */
bool ota_text_is_file_name(struct ota_span text);
/* True for a key that the Link SDKs search for in a push; such a word may be no tag key, module or version. */
bool ota_text_is_reserved_key(struct ota_span text);

bool ota_text_is_utf8(struct ota_span text);
/* The first character of text: 1..4 bytes long and written to ret_character, or 0 when the bytes there are not UTF-8 (or text is
 * empty). */
size_t ota_text_utf8_next(struct ota_span text, uint32_t *ret_character);
void ota_text_utf8_append(struct ota_bytes *out, uint32_t character);
enum { OTA_TEXT_REPLACEMENT = 0xFFFD }; /* what stands for a byte that is not UTF-8 */
/* Appends text to out with every byte that is not valid UTF-8 replaced by U+FFFD and control characters by a space. */
void ota_text_clean(struct ota_bytes *out, struct ota_span text);

void ota_text_hex(char *target, const unsigned char *data, size_t size); /* target[2 * size + 1], lower case */
/* Exactly 2 * size hex digits of either case. */
bool ota_text_unhex(struct ota_span hex, unsigned char *target, size_t size);
bool ota_text_is_hex(struct ota_span text, size_t digits);       /* either case */
bool ota_text_is_lower_hex(struct ota_span text, size_t digits); /* the one spelling of digests on the wire and in the store */

/* base64url without padding. target of encode holds OTA_BASE64URL_SIZE(size). decode is strict (no padding, canonical tail bits).
 */
#define OTA_BASE64URL_SIZE(size) (((size)*4 + 2) / 3 + 1)
void ota_text_base64url(char *target, const unsigned char *data, size_t size);
bool ota_text_unbase64url(struct ota_span text, unsigned char *target, size_t size);

#endif
