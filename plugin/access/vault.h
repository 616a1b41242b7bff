/*
 * Vault: the secrets of devices as they lie in the store, sealed.
 *
 * AES-256-GCM with a fresh nonce each; the device's identity goes in as associated data, so that a sealed secret moved to another
 * device does not open (security-reliability.md 3.1). Keys stand in a file of their own, 0600, in the form of the URL keys: the
 * first one seals, each one opens, which is how they are rotated. Whoever has the database alone has no secret; whoever has both
 * files has all.
 *
 * Thread rule: one vault, one thread. Nothing of a secret is in an error's text.
 */
#ifndef OTA_PLUGIN_ACCESS_VAULT_H
#define OTA_PLUGIN_ACCESS_VAULT_H

#include <stdbool.h>

#include "common/error.h"
#include "common/limits.h"
#include "common/text.h"
#include "common/topic.h"

struct ota_vault;

enum {
	OTA_VAULT_NONCE = 12,
	OTA_VAULT_TAG = 16,
	OTA_VAULT_KEY_ID = 8,
	/* key id, a point, nonce, cipher text and tag as base64url */
	OTA_SEALED_SIZE = OTA_VAULT_KEY_ID + 1 + OTA_BASE64URL_SIZE(OTA_VAULT_NONCE + OTA_SECRET_MAX + OTA_VAULT_TAG),
};

/* Reads the key file. may_make: makes it with a fresh key where there is none; else OTA_EIO with a sentence, because what was
 * sealed before would be lost for good. */
int ota_vault_open(const char *path, bool may_make, struct ota_vault **ret_vault, struct ota_error *error);
struct ota_vault *ota_vault_free(struct ota_vault *vault); /* wipes; returns NULL */

/* secret has 1..OTA_SECRET_MAX bytes. */
int ota_vault_seal(const struct ota_vault *vault, const struct ota_identity *identity, const char *secret,
		   char ret_sealed[OTA_SEALED_SIZE], struct ota_error *error);
/* OTA_EVERIFY: of another device, damaged, or sealed with a key that is not in the file. The caller wipes what he got. */
int ota_vault_open_secret(const struct ota_vault *vault, const struct ota_identity *identity, const char *sealed,
			  char ret_secret[OTA_SECRET_MAX + 1], struct ota_error *error);

#endif
