#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/access/vault.h"
#include "tests/unit/support/scratch.h"

static char directory[SCRATCH_SIZE], key_file[SCRATCH_SIZE];
static struct ota_vault *vault;
static const struct ota_identity one = { .product_key = "pk", .device_name = "d1" };
static const struct ota_identity other = { .product_key = "pk", .device_name = "d2" };

static void vault_make(void)
{
	struct ota_error error = { 0 };

	scratch_make(directory);
	scratch_path(key_file, directory, "secret.key");
	cr_assert_eq(ota_vault_open(key_file, true, &vault, &error), 0, "%s", error.text);
}

static void vault_end(void)
{
	vault = ota_vault_free(vault);
	scratch_remove(directory);
}

TestSuite(vault, .init = vault_make, .fini = vault_end);

static int seal(const struct ota_identity *identity, const char *secret, char sealed[OTA_SEALED_SIZE])
{
	struct ota_error error = { 0 };
	int code = ota_vault_seal(vault, identity, secret, sealed, &error);

	cr_expect(!*secret || !strstr(error.text, secret));
	return code;
}

static int open_secret(const struct ota_identity *identity, const char *sealed, char secret[OTA_SECRET_MAX + 1])
{
	return ota_vault_open_secret(vault, identity, sealed, secret, NULL);
}

Test(vault, what_was_sealed_opens_for_its_device_and_no_other)
{
	char sealed[OTA_SEALED_SIZE], again[OTA_SEALED_SIZE], secret[OTA_SECRET_MAX + 1] = "untouched";

	cr_assert_eq(seal(&one, "0123456789abcdef0123456789abcdef", sealed), 0);
	cr_expect_null(strstr(sealed, "0123456789"));
	cr_assert_eq(seal(&one, "0123456789abcdef0123456789abcdef", again), 0);
	cr_expect_str_neq(sealed, again, "each has a nonce of its own");
	cr_expect_eq(open_secret(&other, sealed, secret), OTA_EVERIFY);
	cr_expect_str_eq(secret, "untouched");
	cr_assert_eq(open_secret(&one, sealed, secret), 0);
	cr_expect_str_eq(secret, "0123456789abcdef0123456789abcdef");
}

Test(vault, a_secret_has_1_to_64_bytes)
{
	char sealed[OTA_SEALED_SIZE], secret[OTA_SECRET_MAX + 1], longest[OTA_SECRET_MAX + 2];

	memset(longest, 's', sizeof(longest));
	longest[OTA_SECRET_MAX + 1] = '\0';
	cr_expect_eq(seal(&one, longest, sealed), OTA_EINVALID);
	cr_expect_eq(seal(&one, "", sealed), OTA_EINVALID);
	longest[OTA_SECRET_MAX] = '\0';
	cr_assert_eq(seal(&one, longest, sealed), 0);
	cr_expect_eq(strlen(sealed) + 1, OTA_SEALED_SIZE, "the longest fills its room");
	cr_assert_eq(open_secret(&one, sealed, secret), 0);
	cr_expect_str_eq(secret, longest);
}

Test(vault, each_changed_character_is_found)
{
	char sealed[OTA_SEALED_SIZE], bent[OTA_SEALED_SIZE], secret[OTA_SECRET_MAX + 1];

	cr_assert_eq(seal(&one, "secret", sealed), 0);
	for (size_t i = 0; sealed[i]; i++) {
		memcpy(bent, sealed, sizeof(bent));
		bent[i] = bent[i] == 'A' ? 'B' : 'A';
		cr_expect_eq(open_secret(&one, bent, secret), OTA_EVERIFY, "character %zu", i);
		memcpy(bent, sealed, sizeof(bent));
		bent[i] = '\0';
		cr_expect_eq(open_secret(&one, bent, secret), OTA_EVERIFY, "cut to %zu", i);
	}
}

Test(vault, keys_are_rotated_by_a_new_first_line)
{
	char sealed[OTA_SEALED_SIZE], newer[OTA_SEALED_SIZE], secret[OTA_SECRET_MAX + 1], text[256], old[80];
	FILE *file = fopen(key_file, "r");

	cr_assert_eq(seal(&one, "secret", sealed), 0);
	cr_assert_not_null(fgets(old, sizeof(old), file));
	(void)fclose(file);
	snprintf(text, sizeof(text), "%064d\n%s", 7, old);
	scratch_write(directory, "secret.key", text);
	cr_assert_eq(chmod(key_file, 0600), 0);
	vault = ota_vault_free(vault);
	cr_assert_eq(ota_vault_open(key_file, false, &vault, NULL), 0);
	cr_expect_eq(open_secret(&one, sealed, secret), 0);
	cr_assert_eq(seal(&one, "secret", newer), 0);
	cr_expect(strncmp(sealed, newer, OTA_VAULT_KEY_ID) != 0, "the first key seals");
	snprintf(text, sizeof(text), "%064d\n", 7);
	scratch_write(directory, "secret.key", text);
	vault = ota_vault_free(vault);
	cr_assert_eq(ota_vault_open(key_file, false, &vault, NULL), 0);
	cr_expect_eq(open_secret(&one, sealed, secret), OTA_EVERIFY, "its key is gone");
	cr_expect_eq(open_secret(&one, newer, secret), 0);
}

Test(vault, a_missing_key_file_is_not_replaced_while_secrets_hang_on_it)
{
	struct ota_vault *second = NULL;
	struct ota_error error = { 0 };

	cr_assert_eq(unlink(key_file), 0);
	cr_expect_eq(ota_vault_open(key_file, false, &second, &error), OTA_EIO);
	cr_expect(strstr(error.text, "back from a backup"));
	cr_expect_null(second);
	cr_expect_neq(access(key_file, F_OK), 0, "none was made");
}

Test(vault, the_key_file_is_its_owners_alone)
{
	struct ota_vault *second = NULL;
	struct stat status;

	cr_assert_eq(stat(key_file, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);
	cr_assert_eq(chmod(key_file, 0640), 0);
	cr_expect_eq(ota_vault_open(key_file, true, &second, NULL), OTA_EDENIED);
}
