#include "common/signature.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/text.h"

enum {
	KEY_DIGITS = 2 * OTA_URL_KEY_SIZE,
	KEY_FILE_MAX = 1024,
	MAC_SIZE = 32,
	/* "/dl/" sha256 "?e=" 10 "&d=" 16 "&k=" 8 "&s=" 43 */
	TAIL_SIZE = 4 + OTA_SHA256_HEX + 3 + 10 + 3 + 16 + 3 + 8 + 3 + 43,
	BASE_MAX = OTA_URL_MAX - TAIL_SIZE,
};

static const char path_head[] = "/dl/";

static int key_take(struct ota_url_keys *keys, struct ota_span line, const char *path, struct ota_error *error)
{
	unsigned char hash[32];
	if (line.size == 0)
		return 0;
	if (keys->count == OTA_URL_KEYS_MAX)
		return ota_fail(error, OTA_ELIMIT, "%s: holds more than %d keys", path, OTA_URL_KEYS_MAX);
	struct ota_url_key *key = &keys->keys[keys->count];
	if (!ota_text_unhex(line, key->secret, sizeof(key->secret)))
		return ota_fail(error, OTA_EINVALID, "%s: key %zu must be a line of 64 hex digits", path, keys->count + 1);
	if (ota_digest_sha256(key->secret, sizeof(key->secret), hash) < 0)
		return ota_fail(error, OTA_EIO, "%s: the digest library refused a key", path);
	ota_text_hex(key->id, hash, (sizeof(key->id) - 1) / 2);
	keys->count++;
	return 0;
}

static int keys_parse(const char *text, const char *path, struct ota_url_keys *keys, struct ota_error *error)
{
	int code = 0;
	while (code == 0 && *text) {
		size_t size = strcspn(text, "\n");
		code = key_take(keys, (struct ota_span){text, size}, path, error);
		text += size + (text[size] == '\n');
	}
	if (code == 0 && keys->count == 0)
		code = ota_fail(error, OTA_EINVALID, "%s: holds no key", path);
	return code;
}

int ota_url_keys_read(const char *path, struct ota_url_keys *ret_keys, struct ota_error *error)
{
	char text[KEY_FILE_MAX + 1];
	struct ota_url_keys keys = {0};
	int code = ota_file_read_secret(path, text, sizeof(text), error);
	if (code == 0)
		code = keys_parse(text, path, &keys, error);
	if (code == 0)
		*ret_keys = keys;
	/* Stacks end up in core files. */
	explicit_bzero(text, sizeof(text));
	explicit_bzero(&keys, sizeof(keys));
	return code;
}

static int key_write(int fd, const char *path, struct ota_error *error)
{
	unsigned char secret[OTA_URL_KEY_SIZE];
	char line[KEY_DIGITS + 2];
	if (ota_random(secret, sizeof(secret)) < 0)
		return ota_fail(error, OTA_EIO, "no random bytes for %s", path);
	ota_text_hex(line, secret, sizeof(secret));
	line[KEY_DIGITS] = '\n';
	int code = ota_file_write_all(fd, line, KEY_DIGITS + 1, error);
	if (code == 0 && fsync(fd) < 0)
		code = ota_fail_errno(error, "cannot sync %s", path);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(line, sizeof(line));
	return code;
}

/* link() and not rename(): when plugin and gateway start at once, the first one's key stays and the second one reads it. */
static int key_file_make(const char *path, struct ota_error *error)
{
	char temporary[PATH_MAX];
	int length = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	if (length < 0 || (size_t)length >= sizeof(temporary))
		return ota_fail(error, OTA_ELIMIT, "the path %s is too long", path);
	OTA_AUTO_CLOSE int fd = mkostemp(temporary, O_CLOEXEC); /* made 0600 */
	if (fd < 0)
		return ota_fail_errno(error, "cannot create %s", temporary);
	int code = key_write(fd, temporary, error);
	if (code == 0 && link(temporary, path) < 0 && errno != EEXIST)
		code = ota_fail_errno(error, "cannot create %s", path);
	unlink(temporary);
	return code;
}

int ota_url_keys_open(const char *path, struct ota_url_keys *ret_keys, struct ota_error *error)
{
	int code = ota_url_keys_read(path, ret_keys, error);
	if (code != OTA_ENOTFOUND)
		return code;
	code = key_file_make(path, error);
	return code < 0 ? code : ota_url_keys_read(path, ret_keys, error);
}

/* What a signature binds. Spans go in as they stand in the request: one spelling only. */
struct binding {
	struct ota_span path, e, d;
};

static int binding_mac(const struct ota_url_key *key, const struct binding *binding, unsigned char ret_mac[MAC_SIZE])
{
	char text[OTA_URL_MAX + 16];
	int length = snprintf(text, sizeof(text), "otadl1\n%.*s\n%.*s\n%.*s", (int)binding->path.size, binding->path.data,
			      (int)binding->e.size, binding->e.data, (int)binding->d.size, binding->d.data);
	if (length < 0 || (size_t)length >= sizeof(text))
		return OTA_ELIMIT;
	return ota_digest_hmac(key->secret, sizeof(key->secret), text, (size_t)length, ret_mac);
}

static int base_check(struct ota_span base, struct ota_error *error)
{
	if (base.size > BASE_MAX)
		return ota_fail(error, OTA_ELIMIT, "the base of download URLs has %zu bytes; at most %d are allowed", base.size,
				BASE_MAX);
	if (base.size < 8 || (strncmp(base.data, "http://", 7) != 0 && strncmp(base.data, "https://", 8) != 0))
		return ota_fail(error, OTA_EINVALID, "the base of download URLs must begin with http:// or https://");
	return 0;
}

/* "https://host/" and "https://host" are one base to whoever configures it. */
static struct ota_span base_trim(const char *base)
{
	struct ota_span span = ota_span_from_text(base);
	while (span.size > 0 && span.data[span.size - 1] == '/')
		span.size--;
	return span;
}

int ota_url_sign(const struct ota_url_keys *keys, const char *base, const char *sha256, const struct ota_identity *identity,
		 int64_t expires_s, char target[OTA_URL_MAX + 1], struct ota_error *error)
{
	struct ota_span trimmed = base_trim(base);
	char path[sizeof(path_head) + OTA_SHA256_HEX], e[24], d[24], s[OTA_BASE64URL_SIZE(MAC_SIZE)];
	unsigned char mac[MAC_SIZE];
	int code = base_check(trimmed, error);
	if (code < 0)
		return code;
	if (!ota_text_is_lower_hex(ota_span_from_text(sha256), OTA_SHA256_HEX))
		return ota_fail(error, OTA_EINVALID, "a download URL needs a SHA-256 of 64 lower-case hex digits");
	if (expires_s < 0 || expires_s > INT64_C(9999999999))
		return ota_fail(error, OTA_EINVALID, "the end of a download URL is out of range");
	snprintf(path, sizeof(path), "%s%s", path_head, sha256);
	snprintf(e, sizeof(e), "%lld", (long long)expires_s);
	snprintf(d, sizeof(d), "%016llx", identity ? (unsigned long long)ota_identity_hash(identity) : 0ULL);
	struct binding binding = {ota_span_from_text(path), ota_span_from_text(e), ota_span_from_text(d)};
	if (keys->count == 0 || binding_mac(&keys->keys[0], &binding, mac) < 0)
		return ota_fail(error, OTA_EIO, "cannot sign a download URL");
	ota_text_base64url(s, mac, sizeof(mac));
	snprintf(target, OTA_URL_MAX + 1, "%.*s%s?e=%s&d=%s&k=%s&s=%s", (int)trimmed.size, trimmed.data, path, e, d,
		 keys->keys[0].id, s);
	return 0;
}

static const struct ota_url_key *key_find(const struct ota_url_keys *keys, struct ota_span id)
{
	for (size_t i = 0; i < keys->count; i++)
		if (ota_span_equals(id, keys->keys[i].id))
			return &keys->keys[i];
	return NULL;
}

static bool claim_read(const struct ota_url_query *query, struct ota_url_claim *claim)
{
	unsigned char device[8];
	uint64_t expires;
	size_t head = sizeof(path_head) - 1;
	if (query->path.size != head + OTA_SHA256_HEX || memcmp(query->path.data, path_head, head) != 0)
		return false;
	struct ota_span digest = {.data = query->path.data + head, .size = OTA_SHA256_HEX};
	if (!ota_text_is_lower_hex(digest, OTA_SHA256_HEX) || !ota_text_is_lower_hex(query->d, 16) || query->e.size > 10 ||
	    !ota_text_parse_u64(query->e, &expires))
		return false;
	ota_text_copy(claim->sha256, sizeof(claim->sha256), digest);
	ota_text_unhex(query->d, device, sizeof(device));
	for (size_t i = 0; i < sizeof(device); i++)
		claim->device = claim->device << 8 | device[i];
	claim->expires_s = (int64_t)expires;
	return true;
}

int ota_url_verify(const struct ota_url_keys *keys, const struct ota_url_query *query, int64_t now_s,
		   struct ota_url_claim *ret_claim, struct ota_error *error)
{
	struct ota_url_claim claim = {0};
	struct binding binding = {query->path, query->e, query->d};
	unsigned char given[MAC_SIZE], expected[MAC_SIZE];
	const struct ota_url_key *key = key_find(keys, query->k);
	if (!key || !claim_read(query, &claim) || !ota_text_unbase64url(query->s, given, sizeof(given)) ||
	    binding_mac(key, &binding, expected) < 0 || CRYPTO_memcmp(given, expected, sizeof(given)) != 0)
		return ota_fail(error, OTA_EDENIED, "the download URL is not signed by this server");
	/* Only now: an unsigned request learns nothing about times. */
	if (now_s >= claim.expires_s)
		return ota_fail(error, OTA_EDENIED, "the download URL has expired");
	*ret_claim = claim;
	return 0;
}
