#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/signature.h"
#include "tests/unit/support/scratch.h"

static const char sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char newer[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char older[] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
static const struct ota_identity device = {"a1B2c3D4e5F", "sensor-01"};

static char directory[SCRATCH_SIZE], path[SCRATCH_SIZE];
static struct ota_url_keys keys;
static struct ota_error error;

static void keys_write(const char *text, mode_t mode)
{
	scratch_write(directory, "keys", text);
	cr_assert_eq(chmod(path, mode), 0);
}

static void setup(void)
{
	char text[200];
	scratch_make(directory);
	scratch_path(path, directory, "keys");
	snprintf(text, sizeof(text), "%s\n%s\n", newer, older);
	keys_write(text, 0600);
	keys = (struct ota_url_keys){0};
	cr_assert_eq(ota_url_keys_read(path, &keys, &error), 0, "%s", error.text);
}

static void teardown(void)
{
	scratch_remove(directory);
}

TestSuite(signature, .init = setup, .fini = teardown);

/* Cuts a signed URL into what a gateway sees. */
static struct ota_url_query query_of(const char *url)
{
	struct ota_url_query query = {0};
	const char *start = strstr(url, "/dl/"), *mark = strchr(url, '?');
	struct ota_span *const parts[] = {&query.e, &query.d, &query.k, &query.s};
	query.path = (struct ota_span){start, (size_t)(mark - start)};
	for (size_t i = 0; i < 4; i++) {
		const char *value = strchr(mark, '=') + 1;
		*parts[i] = (struct ota_span){value, strcspn(value, "&")};
		mark = value;
	}
	return query;
}

static const char *sign(const char *base, const struct ota_identity *identity)
{
	static char url[OTA_URL_MAX + 1];
	cr_assert_eq(ota_url_sign(&keys, base, sha256, identity, 2000000000, url, &error), 0, "%s", error.text);
	return url;
}

Test(signature, a_url_has_the_documented_form)
{
	cr_expect_str_eq(
		sign("https://h.example/ota/", &device),
		"https://h.example/ota/dl/"
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad?e=2000000000&d=d7fec714d8999a9d&k=630dcd29"
		"&s=2AykmWa3yBXgTzu5JLbbzxEk4KOyeBpj9eH0FBT3egg");
}

Test(signature, what_was_signed_is_verified_and_claims_what_it_says)
{
	struct ota_url_claim claim = {0};
	struct ota_url_query query = query_of(sign("http://127.0.0.1:8080", &device));
	cr_assert_eq(ota_url_verify(&keys, &query, 1999999999, &claim, &error), 0, "%s", error.text);
	cr_expect_str_eq(claim.sha256, sha256);
	cr_expect_eq(claim.device, ota_identity_hash(&device));
	cr_expect_eq(claim.expires_s, 2000000000);
	query = query_of(sign("http://127.0.0.1:8080", NULL));
	cr_assert_eq(ota_url_verify(&keys, &query, 0, &claim, NULL), 0);
	cr_expect_eq(claim.device, 0, "an operator");
}

Test(signature, a_url_ends_when_it_says)
{
	struct ota_url_claim claim = {.expires_s = 5};
	struct ota_url_query query = query_of(sign("http://h.example", NULL));
	cr_expect_eq(ota_url_verify(&keys, &query, 1999999999, &claim, &error), 0);
	claim.expires_s = 5;
	cr_expect_eq(ota_url_verify(&keys, &query, 2000000000, &claim, &error), OTA_EDENIED);
	cr_expect_not_null(strstr(error.text, "expired"));
	cr_expect_eq(claim.expires_s, 5, "a refused URL claims nothing");
}

Test(signature, no_changed_byte_passes)
{
	char url[OTA_URL_MAX + 1];
	struct ota_url_claim claim;
	snprintf(url, sizeof(url), "%s", sign("http://h.example", &device));
	size_t start = strlen("http://h.example");
	for (size_t i = start + strlen("/dl/"); url[i]; i++) {
		char kept = url[i];
		if (strchr("?&=", kept) || url[i + 1] == '=')
			continue; /* names and separators are the gateway's to read */
		url[i] = kept == '0' ? '1' : '0';
		struct ota_url_query query = query_of(url);
		cr_expect_eq(ota_url_verify(&keys, &query, 0, &claim, NULL), OTA_EDENIED, "byte %zu", i);
		url[i] = kept;
	}
	struct ota_url_query query = query_of(url);
	cr_expect_eq(ota_url_verify(&keys, &query, 0, &claim, NULL), 0);
	query.s.size--;
	cr_expect_eq(ota_url_verify(&keys, &query, 0, &claim, NULL), OTA_EDENIED);
	cr_expect_eq(ota_url_verify(&keys, &(struct ota_url_query){0}, 0, &claim, NULL), OTA_EDENIED);
}

Test(signature, the_borders_between_values_are_signed_too)
{
	struct ota_url_claim claim;
	struct ota_url_query query = query_of(sign("http://h.example", &device));
	query.e.size++; /* "2000000000&" */
	cr_expect_eq(ota_url_verify(&keys, &query, 0, &claim, NULL), OTA_EDENIED);
}

Test(signature, an_older_key_still_verifies_and_a_removed_one_does_not)
{
	struct ota_url_keys old = {.count = 1}, other = {.count = 1};
	struct ota_url_claim claim;
	char url[OTA_URL_MAX + 1];
	old.keys[0] = keys.keys[1];
	other.keys[0] = keys.keys[0];
	cr_assert_eq(ota_url_sign(&old, "http://h.example", sha256, NULL, 10, url, NULL), 0);
	struct ota_url_query query = query_of(url);
	cr_expect_eq(ota_url_verify(&keys, &query, 9, &claim, NULL), 0);
	cr_expect_eq(ota_url_verify(&other, &query, 9, &claim, NULL), OTA_EDENIED);
}

Test(signature, the_longest_base_fits_and_one_byte_more_is_refused_by_number)
{
	char base[128] = "https://", url[OTA_URL_MAX + 1];
	memset(base + 8, 'b', sizeof(base) - 9);
	base[98] = '\0';
	cr_assert_eq(ota_url_sign(&keys, base, sha256, &device, INT64_C(9999999999), url, &error), 0, "%s", error.text);
	cr_expect_eq(strlen(url), OTA_URL_MAX);
	base[98] = 'b';
	base[99] = '\0';
	cr_expect_eq(ota_url_sign(&keys, base, sha256, &device, 1, url, &error), OTA_ELIMIT);
	cr_expect_not_null(strstr(error.text, "at most 98"), "%s", error.text);
}

Test(signature, bases_digests_and_times_are_checked)
{
	char url[OTA_URL_MAX + 1];
	cr_expect_eq(ota_url_sign(&keys, "ftp://h.example", sha256, NULL, 1, url, NULL), OTA_EINVALID);
	cr_expect_eq(ota_url_sign(&keys, "", sha256, NULL, 1, url, NULL), OTA_EINVALID);
	cr_expect_eq(ota_url_sign(&keys, "http://h.example", "BA", NULL, 1, url, NULL), OTA_EINVALID);
	cr_expect_eq(ota_url_sign(&keys, "http://h.example", sha256, NULL, -1, url, NULL), OTA_EINVALID);
	cr_expect_eq(ota_url_sign(&keys, "http://h.example", sha256, NULL, INT64_C(10000000000), url, NULL), OTA_EINVALID);
	cr_expect_eq(ota_url_sign(&(struct ota_url_keys){0}, "http://h.example", sha256, NULL, 1, url, NULL), OTA_EIO);
}

Test(signature, a_key_file_is_its_owner_s_alone)
{
	struct ota_url_keys read = {.count = 9};
	char text[80];
	snprintf(text, sizeof(text), "%s\n", newer);
	static const mode_t loose[] = {0640, 0604, 0660, 0644, 0610};
	for (size_t i = 0; i < sizeof(loose) / sizeof(loose[0]); i++) {
		keys_write(text, loose[i]);
		cr_expect_eq(ota_url_keys_read(path, &read, &error), OTA_EDENIED, "%o", (unsigned)loose[i]);
		cr_expect_not_null(strstr(error.text, "chmod 600"));
		cr_expect_eq(ota_url_keys_open(path, &read, &error), OTA_EDENIED, "open does not replace a loose file");
	}
	cr_expect_eq(read.count, 9);
	keys_write(text, 0400);
	cr_expect_eq(ota_url_keys_read(path, &read, &error), 0);
	cr_expect_eq(read.count, 1);
	cr_expect_str_eq(read.keys[0].id, "630dcd29");
}

Test(signature, a_damaged_key_file_is_refused)
{
	struct ota_url_keys read;
	char text[300];
	keys_write("", 0600);
	cr_expect_eq(ota_url_keys_read(path, &read, &error), OTA_EINVALID);
	keys_write("0001\n", 0600);
	cr_expect_eq(ota_url_keys_read(path, &read, &error), OTA_EINVALID);
	snprintf(text, sizeof(text), "%s\n%s\n%s\n", newer, older, newer);
	keys_write(text, 0600);
	cr_expect_eq(ota_url_keys_read(path, &read, &error), OTA_ELIMIT, "one key too many");
	snprintf(text, sizeof(text), "%s", newer);
	keys_write(text, 0600);
	cr_expect_eq(ota_url_keys_read(path, &read, &error), 0, "the last line needs no newline");
}

Test(signature, a_missing_key_file_is_made_once)
{
	struct ota_url_keys first = {0}, second = {0};
	struct stat status;
	scratch_path(path, directory, "fresh");
	cr_expect_eq(ota_url_keys_read(path, &first, &error), OTA_ENOTFOUND);
	cr_assert_eq(ota_url_keys_open(path, &first, &error), 0, "%s", error.text);
	cr_assert_eq(ota_url_keys_open(path, &second, &error), 0);
	cr_expect_eq(first.count, 1);
	cr_expect_arr_eq(first.keys[0].secret, second.keys[0].secret, OTA_URL_KEY_SIZE);
	cr_expect(stat(path, &status) == 0 && (status.st_mode & 07777) == 0600);
	cr_expect_eq(ota_url_keys_open("/nonexistent/keys", &first, &error), OTA_ENOTFOUND);
}
