/*
 * The work of a login: counted where it is done, so that no way through it is shorter than another. The program's own digests,
 * EVP_DecryptInit_ex() and sqlite3_step() stand before the libraries'.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/time.h"
#include "plugin/access/proof.h"
#include "plugin/store/device.h"
#include "plugin/store/device_secret.h"
#include "plugin/store/product.h"
#include "tests/unit/support/scratch.h"

static struct work {
	int signatures, openings, found, missed;
} work;

/* A function pointer out of what dlsym() gives; a cast would not be C. */
#define FIND(target, name)                                                \
	do {                                                              \
		void *found_ = dlsym(RTLD_NEXT, name);                    \
		memcpy(&(target), &found_, sizeof(target));               \
	} while (0)

static const EVP_MD *digest_of(const char *name)
{
	const EVP_MD *(*real)(void);

	FIND(real, name);
	work.signatures++;
	return real();
}

/* Each signature asks for its digest, once. */
const EVP_MD *EVP_md5(void)
{
	return digest_of("EVP_md5");
}

const EVP_MD *EVP_sha1(void)
{
	return digest_of("EVP_sha1");
}

const EVP_MD *EVP_sha256(void)
{
	return digest_of("EVP_sha256");
}

int EVP_DecryptInit_ex(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, ENGINE *engine, const unsigned char *key,
		       const unsigned char *nonce)
{
	int (*real)(EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *, const unsigned char *);

	FIND(real, "EVP_DecryptInit_ex");
	work.openings++;
	return real(context, cipher, engine, key, nonce);
}

int sqlite3_step(sqlite3_stmt *statement)
{
	int (*real)(sqlite3_stmt *);

	FIND(real, "sqlite3_step");
	int result = real(statement);
	work.found += result == SQLITE_ROW;
	work.missed += result == SQLITE_DONE;
	return result;
}

#define SECRET "0123456789abcdef0123456789abcdef"
#define RIGHT "5936e05cca8b2065a9329282a4f06ccd941c73f8e91f7c7e2ab86479528b2273"
#define WRONG "0000000000000000000000000000000000000000000000000000000000000000"
#define ID "a1B2c3D4e5F.sensor-01|timestamp=2524608000000,signmethod=hmacsha256|"

static char directory[SCRATCH_SIZE], key_file[SCRATCH_SIZE];
static struct ota_store *store;
static struct ota_keyring *keyring;
static struct ota_error error;

static void must(int code)
{
	cr_assert_eq(code, 0, "%s", error.text);
}

static struct ota_identity identity_of(const char *name)
{
	struct ota_identity identity;

	ota_identity_make(ota_span_from_text("a1B2c3D4e5F"), ota_span_from_text(name), &identity);
	return identity;
}

static int64_t device_insert(const char *name)
{
	struct ota_device device = {.identity = identity_of(name), .rev = 1, .created_ms = 1};

	device.id = ota_store_new_id(store, &error);
	must(ota_device_insert(store, &device, &error));
	return device.id;
}

static void secret_insert(int64_t device_id, const char *name)
{
	struct ota_device_secret row = {.device_id = device_id, .at_ms = 1};
	struct ota_vault *vault = NULL;
	const struct ota_identity identity = identity_of(name);

	must(ota_vault_open(key_file, true, &vault, &error));
	must(ota_vault_seal(vault, &identity, SECRET, row.sealed, &error));
	must(ota_device_secret_save(store, &row, &error));
	ota_vault_free(vault);
}

/* sensor-01 has a secret, bare-01 has none, nobody else is known. */
static void fleet_make(void)
{
	struct ota_product product = {.product_key = "a1B2c3D4e5F", .rev = 1, .created_ms = 1};

	scratch_make(directory);
	scratch_path(key_file, directory, "secret.key");
	must(ota_store_open(directory, &store, &error));
	must(ota_keyring_open(directory, key_file, &keyring, &error));
	must(ota_store_begin(store, &error));
	must(ota_product_insert(store, &product, &error));
	secret_insert(device_insert("sensor-01"), "sensor-01");
	device_insert("bare-01");
	must(ota_store_commit(store, &error));
}

static void fleet_end(void)
{
	keyring = ota_keyring_free(keyring);
	store = ota_store_free(store);
	scratch_remove(directory);
}

TestSuite(proof, .init = fleet_make, .fini = fleet_end);

/* clang-format off */
static const struct path {
	const char *name, *client_id, *password, *why;
} paths[] = {
	{"sensor-01", ID, RIGHT, ""},
	{"sensor-01", ID, WRONG, "password_wrong"},
	{"sensor-01", ID, "not hex", "password_wrong"},
	{"sensor-01", ID, "", "password_missing"},
	{"sensor-01", ID, NULL, "password_missing"},
	{"bare-01",   ID, RIGHT, "device_unknown"},
	{"bare-01",   ID, NULL, "password_missing"},
	{"stranger",  ID, RIGHT, "device_unknown"},
	{"stranger",  ID, "not hex", "device_unknown"},
	{"sensor-01", "x|timestamp=1|", WRONG, "sign_method_refused"},
	{"stranger",  "x|timestamp=1|", WRONG, "sign_method_refused"},
	{"sensor-01", "x|signmethod=hmacrot13|", WRONG, "sign_method_unknown"},
	{"stranger",  "x|signmethod=hmacrot13|", WRONG, "sign_method_unknown"},
	{"sensor-01", "x|timestamp=1,timestamp=1|", WRONG, "client_id_malformed"},
	{"stranger",  "x|timestamp=1,timestamp=1|", WRONG, "client_id_malformed"},
};
/* clang-format on */
enum { PATHS = sizeof(paths) / sizeof(paths[0]) };

static struct work work_of(const struct path *path, const struct ota_triple_policy *policy)
{
	const struct ota_identity identity = identity_of(path->name);
	const struct ota_triple_login login = {.identity = &identity, .client_id = path->client_id, .password = path->password};

	work = (struct work){0};
	cr_expect_str_eq(ota_proof_check(keyring, &login, policy, 5 * OTA_SECOND_MS, &error), path->why, "%s %s %s", path->name,
			 path->client_id, path->password);
	return work;
}

static void expect_same_work(const struct ota_triple_policy *policy, int signatures)
{
	work_of(&paths[0], policy); /* prepares the statement, reads the key file */
	struct work usual = work_of(&paths[0], policy);

	cr_expect_eq(usual.signatures, signatures);
	cr_expect_eq(usual.openings, 1);
	cr_expect_eq(usual.found, 1);
	cr_expect_eq(usual.missed, 1);
	for (size_t i = 0; i < PATHS; i++) {
		struct work done = work_of(&paths[i], policy);

		cr_expect_eq(done.signatures, usual.signatures, "%s: %d signatures", paths[i].why, done.signatures);
		cr_expect_eq(done.openings, usual.openings, "%s: %d secrets opened", paths[i].why, done.openings);
		cr_expect(done.found == usual.found && done.missed == usual.missed, "%s: %d rows found, %d missed", paths[i].why,
			  done.found, done.missed);
	}
}

Test(proof, every_login_costs_the_same_lookups_one_opening_and_one_signature)
{
	expect_same_work(&(struct ota_triple_policy){.region = ""}, 1);
}

Test(proof, with_a_region_every_login_costs_two_signatures)
{
	expect_same_work(&(struct ota_triple_policy){.region = "cn-shanghai"}, 2);
}

/* The server's own trouble is no absence of the device. */
Test(proof, a_secret_that_cannot_be_opened_is_told_as_such)
{
	const struct ota_identity identity = identity_of("sensor-01");
	const struct ota_triple_login login = {.identity = &identity, .client_id = ID, .password = RIGHT};

	cr_assert_eq(unlink(key_file), 0);
	cr_expect_str_eq(ota_proof_check(keyring, &login, &(struct ota_triple_policy){.region = ""}, 1, &error),
			 "secret_unreadable");
	cr_expect(strstr(error.text, "the key of the secrets in the store is gone"), "%s", error.text);
}
