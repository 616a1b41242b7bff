/*
 * Digests: MD5 and SHA-256 of a stream in one pass (OpenSSL EVP). MD5 is computed for the wire only; identity and integrity are
 * SHA-256. Memory is constant; one object per stream, any thread, not shared.
 */
#ifndef OTA_COMMON_DIGEST_H
#define OTA_COMMON_DIGEST_H

#include <stdint.h>

#include "common/error.h"
#include "common/limits.h"

struct ota_digest;

struct ota_digest_result {
	uint64_t size;                   /* bytes */
	char md5[OTA_MD5_HEX + 1];       /* lower-case hex */
	char sha256[OTA_SHA256_HEX + 1]; /* lower-case hex */
};

struct ota_digest *ota_digest_new(void);                       /* NULL without memory */
struct ota_digest *ota_digest_free(struct ota_digest *digest); /* returns NULL */
int ota_digest_update(struct ota_digest *digest, const void *data, size_t size);
/* Ends the stream; the object can only be freed afterwards. */
int ota_digest_finish(struct ota_digest *digest, struct ota_digest_result *ret_result);

/* A whole file through a descriptor from its start, in 64 KiB pieces. */
int ota_digest_of_fd(int fd, struct ota_digest_result *ret_result, struct ota_error *error);
int ota_digest_of_file(const char *path, struct ota_digest_result *ret_result, struct ota_error *error);

/* HMAC-SHA256 and random bytes; 0 or OTA_EIO. */
int ota_digest_hmac(const void *key, size_t key_size, const void *data, size_t size, unsigned char ret_mac[32]);
int ota_digest_sha256(const void *data, size_t size, unsigned char ret_hash[32]);
int ota_random(void *target, size_t size);

#endif
