/*
 * Keyring: the secret of a device that logs in. Reads the store beside its own thread and opens what it finds with the vault's
 * keys; keeps no secret itself.
 *
 * The key file is read when the first device logs in, and again when a secret was sealed with a key that the keyring does not
 * know: at most once a second, since whoever logs in decides how often that is.
 *
 * Where there is no secret, one of nobody's is opened, and each login finds one row of the store and misses one, so that the time
 * does not tell who has a secret.
 *
 * Thread rule: one thread at a time; the broker's.
 */
#ifndef OTA_PLUGIN_ACCESS_KEYRING_H
#define OTA_PLUGIN_ACCESS_KEYRING_H

#include <stdint.h>

#include "plugin/access/vault.h"

struct ota_keyring;

/* store_dir: of a store that is open; key_file need not be there yet. */
int ota_keyring_open(const char *store_dir, const char *key_file, struct ota_keyring **ret_keyring, struct ota_error *error);
struct ota_keyring *ota_keyring_free(struct ota_keyring *keyring); /* wipes; returns NULL */

/* OTA_ENOTFOUND, without filling error: no such device, or it has no secret. Else the errors of the store, the key file and the
 * vault. The caller wipes what he got. */
int ota_keyring_find(struct ota_keyring *keyring, const struct ota_identity *identity, int64_t boot_ms,
		     char ret_secret[OTA_SECRET_MAX + 1], struct ota_error *error);

#endif
