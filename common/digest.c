#include "common/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/file.h"
#include "common/text.h"

/* Both in one pass: packages are larger than memory, and are read once. */
struct ota_digest {
	EVP_MD_CTX *md5;
	EVP_MD_CTX *sha256;
	uint64_t size;
};

struct ota_digest *ota_digest_new(void)
{
	struct ota_digest *digest = calloc(1, sizeof(*digest));
	if (!digest)
		return NULL;
	digest->md5 = EVP_MD_CTX_new();
	digest->sha256 = EVP_MD_CTX_new();
	if (!digest->md5 || !digest->sha256 || EVP_DigestInit_ex(digest->md5, EVP_md5(), NULL) != 1 ||
	    EVP_DigestInit_ex(digest->sha256, EVP_sha256(), NULL) != 1)
		return ota_digest_free(digest);
	return digest;
}

struct ota_digest *ota_digest_free(struct ota_digest *digest)
{
	if (digest) {
		EVP_MD_CTX_free(digest->md5);
		EVP_MD_CTX_free(digest->sha256);
		free(digest);
	}
	return NULL;
}

int ota_digest_update(struct ota_digest *digest, const void *data, size_t size)
{
	if (EVP_DigestUpdate(digest->md5, data, size) != 1 || EVP_DigestUpdate(digest->sha256, data, size) != 1)
		return OTA_EIO;
	digest->size += size;
	return 0;
}

int ota_digest_finish(struct ota_digest *digest, struct ota_digest_result *ret_result)
{
	unsigned char md5[OTA_MD5_HEX / 2], sha256[OTA_SHA256_HEX / 2];
	if (EVP_DigestFinal_ex(digest->md5, md5, NULL) != 1 || EVP_DigestFinal_ex(digest->sha256, sha256, NULL) != 1)
		return OTA_EIO;
	ret_result->size = digest->size;
	ota_text_hex(ret_result->md5, md5, sizeof(md5));
	ota_text_hex(ret_result->sha256, sha256, sizeof(sha256));
	return 0;
}

enum { PIECE = 65536 }; /* larger ones are no faster, and it is malloced: threads may have small stacks */

/* pread, so that the descriptor's own position stays where its owner left it. */
static int digest_feed(struct ota_digest *digest, int fd, unsigned char *piece, struct ota_error *error)
{
	for (off_t position = 0;;) {
		ssize_t size = pread(fd, piece, PIECE, position);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return ota_fail_errno(error, "cannot read the bytes to digest");
		if (size == 0)
			return 0;
		if (ota_digest_update(digest, piece, (size_t)size) < 0)
			return ota_fail(error, OTA_EIO, "the digest library refused data");
		position += size;
	}
}

int ota_digest_of_fd(int fd, struct ota_digest_result *ret_result, struct ota_error *error)
{
	OTA_AUTO_FREE unsigned char *piece = malloc(PIECE);
	struct ota_digest *digest = piece ? ota_digest_new() : NULL;
	if (!digest)
		return ota_fail(error, OTA_ENOMEM, "out of memory for a digest");
	int code = digest_feed(digest, fd, piece, error);
	if (code == 0 && ota_digest_finish(digest, ret_result) < 0)
		code = ota_fail(error, OTA_EIO, "the digest library refused to finish");
	ota_digest_free(digest);
	return code;
}

int ota_digest_of_file(const char *path, struct ota_digest_result *ret_result, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ota_fail_errno(error, "cannot open %s", path);
	int code = ota_digest_of_fd(fd, ret_result, error);
	return code < 0 ? ota_error_prefix(error, code, "%s", path) : 0;
}

int ota_digest_hmac(const void *key, size_t key_size, const void *data, size_t size, unsigned char ret_mac[32])
{
	/* OpenSSL takes an int here. */
	if (key_size > INT32_MAX)
		return OTA_EIO;
	return HMAC(EVP_sha256(), key, (int)key_size, data, size, ret_mac, NULL) ? 0 : OTA_EIO;
}

int ota_digest_sha256(const void *data, size_t size, unsigned char ret_hash[32])
{
	return EVP_Digest(data, size, ret_hash, NULL, EVP_sha256(), NULL) == 1 ? 0 : OTA_EIO;
}

int ota_random(void *target, size_t size)
{
	unsigned char *next = target;
	/* More than 256 bytes may be cut short by a signal. */
	while (size > 0) {
		ssize_t got = getrandom(next, size, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return OTA_EIO;
		next += got;
		size -= (size_t)got;
	}
	return 0;
}
