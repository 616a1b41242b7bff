#include "plugin/access/keyring.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/time.h"
#include "plugin/store/device_secret.h"

struct ota_keyring {
	struct ota_reader *reader;
	struct ota_vault *vault;     /* NULL: there was no key file yet */
	int64_t keys_read_ms;        /* boot_ms when the vault was read, 0 = never */
	char decoy[OTA_SEALED_SIZE]; /* nobody's secret, with the vault */
	struct ota_identity witness; /* a device that has a secret: the last one that logged in */
	char key_file[PATH_MAX];
};

/* No device: a name has at least one character. */
static const struct ota_identity nobody;
static const char nobodys_secret[] = "00000000000000000000000000000000";

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
	/* Whatever it is, it is no absence of the device. */
	if (ota_vault_open(keyring->key_file, false, &vault, error) < 0)
		return ota_error_recode(error, OTA_EIO);
	if (ota_vault_seal(vault, &nobody, nobodys_secret, keyring->decoy, error) < 0) {
		ota_vault_free(vault);
		return OTA_EIO;
	}
	ota_vault_free(keyring->vault);
	keyring->vault = vault;
	keyring->keys_read_ms = boot_ms;
	return 0;
}

/* What was sealed with a key that came later than the last look at the file. */
static int opened_anew(struct ota_keyring *keyring, const struct ota_identity *identity, const char *sealed, int64_t boot_ms,
		       char ret_secret[OTA_SECRET_MAX + 1], struct ota_error *error)
{
	int code = keys_read(keyring, boot_ms, error);

	return code == 0 ? ota_vault_open_secret(keyring->vault, identity, sealed, ret_secret, error) : code;
}

/* Each login finds one row and misses one, whoever it names. */
static int row_read(struct ota_keyring *keyring, const struct ota_identity *identity, struct ota_device_secret *ret_row,
		    struct ota_error *error)
{
	struct ota_device_secret other;
	int found = ota_device_secret_read(keyring->reader, identity, ret_row, error);

	(void)ota_device_secret_read(keyring->reader, found == 0 ? &nobody : &keyring->witness, &other, NULL);
	if (found == 0)
		keyring->witness = *identity;
	return found;
}

/* As long as for a secret that is there. */
static int found_none(const struct ota_keyring *keyring)
{
	char secret[OTA_SECRET_MAX + 1];

	if (keyring->vault)
		(void)ota_vault_open_secret(keyring->vault, &nobody, keyring->decoy, secret, NULL);
	explicit_bzero(secret, sizeof(secret));
	return OTA_ENOTFOUND;
}

int ota_keyring_find(struct ota_keyring *keyring, const struct ota_identity *identity, int64_t boot_ms,
		     char ret_secret[OTA_SECRET_MAX + 1], struct ota_error *error)
{
	struct ota_device_secret row;
	int found = row_read(keyring, identity, &row, error);
	int code = found < 0 && found != OTA_ENOTFOUND ? found : 0;

	/* Whoever asks: else the first known device would be told by the reading. */
	if (code == 0 && !keyring->vault)
		code = keys_read(keyring, boot_ms, found == 0 ? error : NULL);
	if (found == OTA_ENOTFOUND)
		return found_none(keyring);
	if (code < 0)
		return code;
	if (ota_vault_open_secret(keyring->vault, identity, row.sealed, ret_secret, error) == 0)
		return 0;
	return opened_anew(keyring, identity, row.sealed, boot_ms, ret_secret, error);
}
