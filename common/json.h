/*
 * JSON: a strict reader in front of cJSON, and typed access.
 *
 * cJSON on Debian 12 accepts duplicate keys, \u0000, raw control bytes, broken UTF-8 and trailing bytes
 * (security-reliability.md 1.1), so it is never the first reader of foreign bytes. ota_json_read() checks the whole
 * document against RFC 8259 and the limits of common/limits.h, then lets cJSON build the tree.
 *
 * Operators' input (OTA_JSON_STRICT): duplicates, bad UTF-8, \u0000 and integers beyond 2^53-1 are refused with their path.
 * Devices' reports (OTA_JSON_DEVICE): the first duplicate wins, bad UTF-8 becomes U+FFFD, \u0000 becomes U+FFFD, a trailing
 * comma, raw control bytes in strings and NUL bytes behind the document are tolerated; what was mended is told in ret_mended, so
 * that it can be logged and no true report is lost.
 * Answers of the server itself (OTA_JSON_ANSWER): as strict as operators' input, and deeper.
 *
 * Numbers are read with ota_json_integer(), never through cJSON's valueint (it clamps). Keys match in exact case.
 */
#ifndef OTA_COMMON_JSON_H
#define OTA_COMMON_JSON_H

#include <cjson/cJSON.h>

#include "common/bytes.h"
#include "common/error.h"
#include "common/limits.h"

enum ota_json_mode {
	OTA_JSON_STRICT,
	OTA_JSON_DEVICE,
	OTA_JSON_ANSWER,
};

enum ota_json_mended {
	OTA_JSON_MENDED_DUPLICATE = 1,
	OTA_JSON_MENDED_UTF8 = 2,
	OTA_JSON_MENDED_COMMA = 4,
	OTA_JSON_MENDED_NUL = 8,      /* \u0000 in a string, or NUL bytes behind the document: some send their whole buffer */
	OTA_JSON_MENDED_CONTROL = 16, /* a raw control byte in a string, read as if it had been escaped */
};

/* Reads one document of at most `limit` bytes. *ret_tree is the caller's (cJSON_Delete). ret_mended (enum ota_json_mended bits)
 * may be NULL. Errors: OTA_EINVALID with the path or byte offset, OTA_ELIMIT, OTA_ENOMEM. */
int ota_json_read(struct ota_span text, enum ota_json_mode mode, size_t limit, cJSON **ret_tree, unsigned *ret_mended,
		  struct ota_error *error);

/* Typed members. Each returns 1 found, 0 absent (outputs untouched), or a negative code with path "<prefix>.<key>" when
 * the value has another type or is out of range. `null` is not absent: it is of the wrong type. prefix may be "". */
struct ota_json_place {
	const cJSON *object; /* must be an object or NULL (everything absent) */
	const char *prefix;
};
int ota_json_text(struct ota_json_place at, const char *key, char *target, size_t size, struct ota_error *error);
int ota_json_integer(struct ota_json_place at, const char *key, int64_t low, int64_t high, int64_t *ret_value,
		     struct ota_error *error);
int ota_json_bool(struct ota_json_place at, const char *key, bool *ret_value, struct ota_error *error);
int ota_json_object(struct ota_json_place at, const char *key, const cJSON **ret_object, struct ota_error *error);
int ota_json_array(struct ota_json_place at, const char *key, const cJSON **ret_array, struct ota_error *error);
/* The raw member whatever its type, NULL if absent. Exact case. */
const cJSON *ota_json_member(const cJSON *object, const char *key);
/* The member `id` of a request as it will be echoed: raw text with the JSON type it came in (`"123"` or `123`); what is missing,
 * would need an escape or does not fit becomes `0`. */
enum { OTA_JSON_RAW_ID_SIZE = OTA_MESSAGE_ID_MAX + 3 }; /* with its quotes */
void ota_json_raw_id(const cJSON *object, char *target, size_t size);
/* Refuses members that are not in `known` (NULL-terminated): fills error with the unknown key, the nearest known one as a hint.
 */
int ota_json_known(struct ota_json_place at, const char *const *known, struct ota_error *error);

/* Compact text appended to out. Numbers that are integers print without exponent or fraction. 0 or OTA_ENOMEM. */
int ota_json_write(const cJSON *tree, struct ota_bytes *out);
/* Appends text as a JSON string with quotes; escapes only what RFC 8259 demands. For the writers of fixed messages. */
void ota_json_quote(struct ota_bytes *out, const char *text);
/* True if text holds nothing JSON would escape: the only strings a push may carry (aliyun-ota.md 0.4). */
bool ota_json_is_plain(const char *text);

void ota_json_cleanup(cJSON **tree);
#define OTA_AUTO_JSON __attribute__((cleanup(ota_json_cleanup)))

#endif
