#include "plugin/access/vault.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/signature.h"

_Static_assert(OTA_URL_KEY_SIZE == 32, "a key of AES-256");

struct ota_vault {
	struct ota_url_keys keys;
};

/* nonce, cipher text, tag */
struct box {
	unsigned char bytes[OTA_VAULT_NONCE + OTA_SECRET_MAX + OTA_VAULT_TAG];
	size_t secret_size;
};

static int keys_read(const char *path, bool may_make, struct ota_url_keys *keys, struct ota_error *error)
{
	int code = may_make ? ota_url_keys_open(path, keys, error) : ota_url_keys_read(path, keys, error);

	if (code == OTA_ENOTFOUND)
		return ota_fail(error, OTA_EIO,
				"the key of the secrets in the store is gone: put %s back from a backup; or write 64 hex digits "
				"there, mode 600, and import all secrets again", path);
	return code;
}

int ota_vault_open(const char *path, bool may_make, struct ota_vault **ret_vault, struct ota_error *error)
{
	struct ota_vault *vault = calloc(1, sizeof(*vault));
	int code = vault ? keys_read(path, may_make, &vault->keys, error) : OTA_ENOMEM;

	if (code < 0) {
		(void)ota_vault_free(vault);
		return code;
	}
	*ret_vault = vault;
	return 0;
}

struct ota_vault *ota_vault_free(struct ota_vault *vault)
{
	if (vault)
		explicit_bzero(vault, sizeof(*vault));
	free(vault);
	return NULL;
}

/* "pk/dn": neither may hold a slash. */
static int associate(EVP_CIPHER_CTX *context, const struct ota_identity *identity, bool seals)
{
	char text[OTA_PRODUCT_KEY_MAX + OTA_DEVICE_NAME_MAX + 2];
	int size = snprintf(text, sizeof(text), "%s/%s", identity->product_key, identity->device_name);
	int wrote;

	if (seals)
		return EVP_EncryptUpdate(context, NULL, &wrote, (const unsigned char *)text, size);
	return EVP_DecryptUpdate(context, NULL, &wrote, (const unsigned char *)text, size);
}

static bool box_seal(EVP_CIPHER_CTX *context, const struct ota_url_key *key, const struct ota_identity *identity,
		     const char *secret, struct box *box)
{
	unsigned char *text = box->bytes + OTA_VAULT_NONCE, *tag = text + box->secret_size;
	int wrote;

	return EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key->secret, box->bytes) == 1 &&
	       associate(context, identity, true) == 1 &&
	       EVP_EncryptUpdate(context, text, &wrote, (const unsigned char *)secret, (int)box->secret_size) == 1 &&
	       EVP_EncryptFinal_ex(context, tag, &wrote) == 1 &&
	       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, OTA_VAULT_TAG, tag) == 1;
}

static bool box_open(EVP_CIPHER_CTX *context, const struct ota_url_key *key, const struct ota_identity *identity,
		     struct box *box, char *secret)
{
	unsigned char *text = box->bytes + OTA_VAULT_NONCE, *tag = text + box->secret_size;
	unsigned char *target = (unsigned char *)secret;
	int wrote;

	return EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key->secret, box->bytes) == 1 &&
	       associate(context, identity, false) == 1 &&
	       EVP_DecryptUpdate(context, target, &wrote, text, (int)box->secret_size) == 1 &&
	       EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, OTA_VAULT_TAG, tag) == 1 &&
	       EVP_DecryptFinal_ex(context, target + wrote, &wrote) == 1;
}

int ota_vault_seal(const struct ota_vault *vault, const struct ota_identity *identity, const char *secret,
		   char ret_sealed[OTA_SEALED_SIZE], struct ota_error *error)
{
	const struct ota_url_key *key = &vault->keys.keys[0];
	struct box box = { .secret_size = strlen(secret) };

	if (box.secret_size < 1 || box.secret_size > OTA_SECRET_MAX)
		return ota_fail(error, OTA_EINVALID, "a secret has 1..%d bytes", OTA_SECRET_MAX);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	bool done = context && ota_random(box.bytes, OTA_VAULT_NONCE) == 0 && box_seal(context, key, identity, secret, &box);
	EVP_CIPHER_CTX_free(context);
	if (!done)
		return ota_fail(error, OTA_EIO, "a secret could not be sealed");
	memcpy(ret_sealed, key->id, OTA_VAULT_KEY_ID);
	ret_sealed[OTA_VAULT_KEY_ID] = '.';
	ota_text_base64url(ret_sealed + OTA_VAULT_KEY_ID + 1, box.bytes, OTA_VAULT_NONCE + box.secret_size + OTA_VAULT_TAG);
	return 0;
}

static const struct ota_url_key *key_find(const struct ota_vault *vault, const char *sealed)
{
	for (size_t i = 0; i < vault->keys.count; i++) {
		if (!strncmp(vault->keys.keys[i].id, sealed, OTA_VAULT_KEY_ID) && sealed[OTA_VAULT_KEY_ID] == '.')
			return &vault->keys.keys[i];
	}
	return NULL;
}

static bool box_read(const char *text, struct box *box)
{
	size_t size = strlen(text) * 3 / 4;

	if (size <= OTA_VAULT_NONCE + OTA_VAULT_TAG || size > sizeof(box->bytes))
		return false;
	box->secret_size = size - OTA_VAULT_NONCE - OTA_VAULT_TAG;
	return ota_text_unbase64url(ota_span_from_text(text), box->bytes, size);
}

int ota_vault_open_secret(const struct ota_vault *vault, const struct ota_identity *identity, const char *sealed,
			  char ret_secret[OTA_SECRET_MAX + 1], struct ota_error *error)
{
	const struct ota_url_key *key = key_find(vault, sealed);
	char secret[OTA_SECRET_MAX + 1] = "";
	struct box box;

	if (!key)
		return ota_fail(error, OTA_EVERIFY, "the secret of device %s was sealed with a key that is not in the key file",
				identity->device_name);
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	bool done = context && box_read(sealed + OTA_VAULT_KEY_ID + 1, &box) && box_open(context, key, identity, &box, secret);
	EVP_CIPHER_CTX_free(context);
	if (done) {
		secret[box.secret_size] = '\0';
		memcpy(ret_secret, secret, sizeof(secret));
	}
	explicit_bzero(secret, sizeof(secret));
	return done ? 0
		    : ota_fail(error, OTA_EVERIFY, "the sealed secret of device %s is damaged or another device's",
			       identity->device_name);
}
