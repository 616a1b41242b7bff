#include "plugin/access/keyring.h"

#include <limits.h>
#include <stdlib.h>

#include "common/time.h"
#include "plugin/store/device_secret.h"

struct ota_keyring {
	struct ota_reader *reader;
	struct ota_vault *vault; /* NULL: no secret was met yet */
	int64_t keys_read_ms;    /* boot_ms of the last look at the key file, 0 = none */
	char key_file[PATH_MAX];
};

int ota_keyring_open(const char *store_dir, const char *key_file, struct ota_keyring **ret_keyring, struct ota_error *error)
{
	struct ota_keyring *keyring = calloc(1, sizeof(*keyring));
	int code = keyring ? 0 : ota_fail(error, OTA_ENOMEM, "no memory for the keyring");

	if (code == 0 && !ota_text_copy(keyring->key_file, sizeof(keyring->key_file), ota_span_from_text(key_file)))
		code = ota_fail(error, OTA_ELIMIT, "the key file's name is too long");
	if (code == 0)
		code = ota_reader_open(store_dir, &keyring->reader, error);
	if (code < 0) {
		ota_keyring_free(keyring);
		return code;
	}
	*ret_keyring = keyring;
	return 0;
}

struct ota_keyring *ota_keyring_free(struct ota_keyring *keyring)
{
	if (!keyring)
		return NULL;
	ota_reader_free(keyring->reader);
	ota_vault_free(keyring->vault);
	free(keyring);
	return NULL;
}

/* The file may be new, or a key was put into it to replace another. */
static int keys_read(struct ota_keyring *keyring, int64_t boot_ms, struct ota_error *error)
{
	struct ota_vault *vault = NULL;

	if (keyring->keys_read_ms > 0 && boot_ms - keyring->keys_read_ms < OTA_SECOND_MS)
		return ota_fail(error, OTA_EUNAVAILABLE, "%s was read a moment ago", keyring->key_file);
	keyring->keys_read_ms = boot_ms;
	/* Whatever it is, it is no absence of the device. */
	if (ota_vault_open(keyring->key_file, false, &vault, error) < 0)
		return ota_error_recode(error, OTA_EIO);
	ota_vault_free(keyring->vault);
	keyring->vault = vault;
	return 0;
}

int ota_keyring_find(struct ota_keyring *keyring, const struct ota_identity *identity, int64_t boot_ms,
		     char ret_secret[OTA_SECRET_MAX + 1], struct ota_error *error)
{
	struct ota_device_secret row;
	int code = ota_device_secret_read(keyring->reader, identity, &row, error);

	if (code == 0 && !keyring->vault)
		code = keys_read(keyring, boot_ms, error);
	if (code < 0)
		return code;
	if (ota_vault_open_secret(keyring->vault, identity, row.sealed, ret_secret, error) == 0)
		return 0;
	code = keys_read(keyring, boot_ms, error);
	return code == 0 ? ota_vault_open_secret(keyring->vault, identity, row.sealed, ret_secret, error) : code;
}
