#include "common/credential.h"

#include <string.h>

#include "common/digest.h"
#include "common/text.h"

static const char token_prefix[] = "ota_";

enum {
	PREFIX_SIZE = sizeof(token_prefix) - 1,
	SECRET_SIZE = 32,
};

_Static_assert(PREFIX_SIZE + OTA_BASE64URL_SIZE(SECRET_SIZE) == OTA_TOKEN_SIZE, "a token is its prefix and its secret");

int ota_token_new(char ret_token[OTA_TOKEN_SIZE])
{
	unsigned char secret[SECRET_SIZE];
	if (ota_random(secret, sizeof(secret)) < 0)
		return OTA_EIO;
	memcpy(ret_token, token_prefix, PREFIX_SIZE);
	ota_text_base64url(ret_token + PREFIX_SIZE, secret, sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	return 0;
}

bool ota_token_is_wellformed(struct ota_span token)
{
	unsigned char secret[SECRET_SIZE];
	if (token.size != OTA_TOKEN_SIZE - 1 || memcmp(token.data, token_prefix, PREFIX_SIZE) != 0)
		return false;
	struct ota_span tail = {.data = token.data + PREFIX_SIZE, .size = token.size - PREFIX_SIZE};
	bool fine = ota_text_unbase64url(tail, secret, sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	return fine;
}

void ota_token_hash(struct ota_span token, char ret_hash[OTA_SHA256_HEX + 1])
{
	unsigned char hash[OTA_SHA256_HEX / 2];
	/* One-shot SHA-256 fails only without memory. An empty hash equals no stored one, so that nobody gets in by it. */
	ret_hash[0] = '\0';
	if (ota_digest_sha256(token.data, token.size, hash) == 0)
		ota_text_hex(ret_hash, hash, sizeof(hash));
}
