/*
 * Target: the path and query of a request, read from the raw bytes of the request line so that each path has one spelling.
 *
 * Paths with '%', "//", "." or ".." segments are refused instead of cleaned: a proxy and we must never read one path in two ways
 * (security-reliability.md, row 34), and no path of ours needs an escape. In query values %XX is undone and '+' is a plus, not a
 * space: versions such as "1.0+5" carry one. Pure.
 */
#ifndef OTA_GATEWAY_TARGET_H
#define OTA_GATEWAY_TARGET_H

#include "common/bytes.h"
#include "common/error.h"

enum {
	OTA_TARGET_MAX = 24 * 1024, /* bytes; notes and extData may be escaped to the last byte */
	OTA_TARGET_PARAMETERS_MAX = 16,
};

struct ota_target_parameter {
	struct ota_span name;
	struct ota_span value; /* as it stood, escapes and all */
};

/* Borrows the raw text. */
struct ota_target {
	struct ota_span path;
	struct ota_target_parameter parameters[OTA_TARGET_PARAMETERS_MAX];
	size_t count;
};

/* OTA_EINVALID names what is wrong; a parameter given twice is wrong. */
int ota_target_parse(const char *raw, struct ota_target *ret_target, struct ota_error *error);

/* NULL if absent. */
const struct ota_target_parameter *ota_target_find(const struct ota_target *target, const char *name);

/* Appends the value with its escapes undone. OTA_EINVALID for a broken escape or %00. */
int ota_target_decode(const struct ota_target_parameter *parameter, struct ota_bytes *out, struct ota_error *error);

#endif
