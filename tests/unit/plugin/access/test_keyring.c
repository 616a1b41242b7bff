/* What the broker's thread reads of the secrets that the worker's thread stores. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/time.h"
#include "plugin/access/keyring.h"
#include "plugin/store/device.h"
#include "plugin/store/device_secret.h"
#include "plugin/store/product.h"
#include "tests/unit/support/scratch.h"

static char directory[SCRATCH_SIZE], key_file[SCRATCH_SIZE];
static struct ota_store *store;
static struct ota_vault *vault;
static struct ota_keyring *keyring;
static struct ota_error error;
static struct ota_device device;
static const struct ota_identity known = { .product_key = "pk", .device_name = "d1" };
static const struct ota_identity other = { .product_key = "pk", .device_name = "d2" };

enum { NOW = 5 * OTA_SECOND_MS };

static void must(int code)
{
	cr_assert_eq(code, 0, "%s", error.text);
}

static void keyring_make(void)
{
	struct ota_product product = { .product_key = "pk", .rev = 1, .created_ms = 1 };

	scratch_make(directory);
	scratch_path(key_file, directory, "secret.key");
	must(ota_store_open(directory, &store, &error));
	must(ota_keyring_open(directory, key_file, &keyring, &error));
	must(ota_store_begin(store, &error));
	must(ota_product_insert(store, &product, &error));
	device = (struct ota_device){ .identity = known, .rev = 1, .created_ms = 1 };
	device.id = ota_store_new_id(store, &error);
	must(ota_device_insert(store, &device, &error));
	must(ota_store_commit(store, &error));
}

static void keyring_end(void)
{
	keyring = ota_keyring_free(keyring);
	vault = ota_vault_free(vault);
	store = ota_store_free(store);
	scratch_remove(directory);
}

TestSuite(keyring, .init = keyring_make, .fini = keyring_end);

/* As an import does, in an open transaction. */
static void secret_save(const char *secret)
{
	struct ota_device_secret row = { .device_id = device.id, .at_ms = 1 };

	if (!vault)
		must(ota_vault_open(key_file, true, &vault, &error));
	must(ota_vault_seal(vault, &known, secret, row.sealed, &error));
	must(ota_store_begin(store, &error));
	must(ota_device_secret_save(store, &row, &error));
}

static int find(const struct ota_identity *identity, int64_t boot_ms, const char *expected)
{
	char secret[OTA_SECRET_MAX + 1] = "untouched";
	int code = ota_keyring_find(keyring, identity, boot_ms, secret, &error);

	cr_expect_str_eq(secret, code == 0 ? expected : "untouched");
	return code;
}

Test(keyring, a_secret_is_found_once_it_was_committed)
{
	cr_expect_eq(find(&known, NOW, ""), OTA_ENOTFOUND);
	secret_save("first");
	cr_expect_eq(find(&known, NOW, ""), OTA_ENOTFOUND, "the transaction is open");
	must(ota_store_commit(store, &error));
	cr_expect_eq(find(&known, NOW, "first"), 0, "%s", error.text);
	cr_expect_eq(find(&other, NOW, ""), OTA_ENOTFOUND);
}

Test(keyring, a_secret_is_found_while_the_store_writes)
{
	secret_save("first");
	must(ota_store_commit(store, &error));
	secret_save("second");
	cr_expect_eq(find(&known, NOW, "first"), 0, "%s", error.text);
	must(ota_store_commit(store, &error));
	cr_expect_eq(find(&known, NOW, "second"), 0, "%s", error.text);
}

Test(keyring, a_key_file_that_is_gone_is_no_missing_device)
{
	secret_save("first");
	must(ota_store_commit(store, &error));
	cr_assert_eq(unlink(key_file), 0);
	cr_expect_eq(find(&known, NOW, ""), OTA_EIO);
	cr_expect(strstr(error.text, "the key of the secrets in the store is gone"), "%s", error.text);
}

/* A rotation puts a new key in front; the keyring learns of it when it meets what was sealed with it, at most once a second. */
Test(keyring, a_rotated_key_is_read_again_but_not_at_every_login)
{
	secret_save("first");
	must(ota_store_commit(store, &error));
	cr_expect_eq(find(&known, NOW, "first"), 0);
	cr_assert_eq(unlink(key_file), 0);
	vault = ota_vault_free(vault);
	secret_save("second"); /* with a key of its own */
	must(ota_store_commit(store, &error));
	cr_expect_neq(find(&known, NOW + OTA_SECOND_MS - 1, ""), 0);
	cr_expect_eq(find(&known, NOW + OTA_SECOND_MS, "second"), 0, "%s", error.text);
}
