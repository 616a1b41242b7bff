/*
 * Signed download URLs: "<base>/dl/<sha256>?e=<unix seconds>&d=<16 hex>&k=<key id>&s=<43 base64url>".
 *
 * The signature is HMAC-SHA256 over "otadl1\n" path "\n" e "\n" d, with a key both plugin and gateway read from one 0600 file. d
 * is the first 8 bytes of SHA-256 of "pk/dn" (or 16 zeros for an operator): it ties a download to its device for delivery records
 * without telling a name. path is "/dl/<sha256>" whatever stands before it in the base, so that a proxy may strip a prefix. The
 * URL signs the way to the bytes, not the bytes; those are bound by their digest.
 */
#ifndef OTA_COMMON_SIGNATURE_H
#define OTA_COMMON_SIGNATURE_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/topic.h"

enum { OTA_URL_KEY_SIZE = 32, OTA_URL_KEYS_MAX = 2 };

/* The first key signs, every key verifies: that is how keys are rotated. */
struct ota_url_keys {
	size_t count;
	struct ota_url_key {
		char id[9]; /* first 8 hex digits of SHA-256 of the key */
		unsigned char secret[OTA_URL_KEY_SIZE];
	} keys[OTA_URL_KEYS_MAX];
};

/* Reads lines of 64 hex digits, newest first. The file must be ours alone (no permission for others). */
int ota_url_keys_read(const char *path, struct ota_url_keys *ret_keys, struct ota_error *error);
/* Reads it, or makes it with one fresh key, mode 0600, when there is none. Two programs that start at once end with the same key.
 */
int ota_url_keys_open(const char *path, struct ota_url_keys *ret_keys, struct ota_error *error);

/* Writes a URL of at most OTA_URL_MAX bytes; OTA_ELIMIT says how long the base may be. identity NULL = for an operator. */
int ota_url_sign(const struct ota_url_keys *keys, const char *base, const char *sha256, const struct ota_identity *identity,
		 int64_t expires_s, char target[OTA_URL_MAX + 1], struct ota_error *error);

struct ota_url_claim {
	char sha256[OTA_SHA256_HEX + 1];
	uint64_t device; /* ota_identity_hash() of the device, 0 for an operator */
	int64_t expires_s;
};
/* path and the four values exactly as they stood in the request (one spelling only). Constant time. OTA_EDENIED: bad signature,
 * expired, or unknown key. */
struct ota_url_query {
	struct ota_span path;
	struct ota_span e, d, k, s;
};
int ota_url_verify(const struct ota_url_keys *keys, const struct ota_url_query *query, int64_t now_s,
		   struct ota_url_claim *ret_claim, struct ota_error *error);

#endif
