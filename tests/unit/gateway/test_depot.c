#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/depot.h"
#include "tests/unit/support/scratch.h"

#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_MD5 "900150983cd24fb0d6963f7d28e17f72"

static char directory[SCRATCH_SIZE];
static struct ota_depot *depot;

static void begin(void)
{
	struct ota_error error = { 0 };

	scratch_make(directory);
	cr_assert_eq(ota_depot_open(directory, &depot, &error), 0, "%s", error.text);
}

static void end(void)
{
	depot = ota_depot_free(depot);
	scratch_remove(directory);
}

TestSuite(depot, .init = begin, .fini = end);

/* Entries but for the lock and the dots. */
static int entries(void)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(stream)))
		count += entry->d_name[0] != '.' || strncmp(entry->d_name, ".upload-", 8) == 0;
	(void)closedir(stream);
	return count;
}

static struct ota_deposit *deposit_of(const char *text, uint64_t announced)
{
	struct ota_deposit *deposit = NULL;
	struct ota_error error = { 0 };

	cr_assert_eq(ota_deposit_begin(depot, announced, &deposit, &error), 0, "%s", error.text);
	cr_assert_eq(ota_deposit_write(deposit, ota_span_from_text(text), &error), 0, "%s", error.text);
	return deposit;
}

Test(depot, a_deposit_gets_its_digest_as_name)
{
	struct ota_deposit *deposit = deposit_of("abc", 3);
	struct ota_digest_result result;
	uint64_t size = 0;
	char text[4] = "";
	int fd = -1;

	cr_assert_eq(ota_deposit_commit(deposit, ABC_SHA256, &result, NULL), 0);
	cr_expect_null(ota_deposit_free(deposit));
	cr_expect_str_eq(result.sha256, ABC_SHA256);
	cr_expect_str_eq(result.md5, ABC_MD5);
	cr_expect_eq(entries(), 1);
	cr_assert_eq(ota_depot_fetch(depot, ABC_SHA256, &fd, &size, NULL), 0);
	cr_expect(size == 3 && read(fd, text, 3) == 3);
	cr_expect_str_eq(text, "abc");
	(void)close(fd);
}

Test(depot, an_abandoned_deposit_leaves_nothing)
{
	struct ota_deposit *deposit = deposit_of("ab", 3);

	cr_expect_eq(entries(), 1);
	(void)ota_deposit_free(deposit);
	cr_expect_eq(entries(), 0);
}

Test(depot, too_few_too_many_and_wrong_bytes_are_refused)
{
	struct ota_digest_result result;
	struct ota_deposit *deposit = deposit_of("ab", 3);

	cr_expect_eq(ota_deposit_commit(deposit, NULL, &result, NULL), OTA_EINVALID);
	cr_expect_eq(ota_deposit_write(deposit, ota_span_from_text("cd"), NULL), OTA_ELIMIT);
	(void)ota_deposit_free(deposit);
	deposit = deposit_of("abd", 3);
	cr_expect_eq(ota_deposit_commit(deposit, ABC_SHA256, &result, NULL), OTA_EVERIFY);
	(void)ota_deposit_free(deposit);
	cr_expect_eq(entries(), 0);
}

Test(depot, the_next_start_sweeps_what_a_crash_left)
{
	char path[SCRATCH_SIZE + 32];
	FILE *left;

	(void)snprintf(path, sizeof(path), "%s/.upload-abcdef", directory);
	left = fopen(path, "w");
	cr_assert_not_null(left);
	(void)fclose(left);
	depot = ota_depot_free(depot);
	cr_assert_eq(ota_depot_open(directory, &depot, NULL), 0);
	cr_expect_eq(entries(), 0);
}

Test(depot, the_directory_has_one_holder)
{
	struct ota_depot *second = NULL;

	cr_expect_eq(ota_depot_open(directory, &second, NULL), OTA_ECONFLICT);
	cr_expect_null(second);
}

Test(depot, an_unknown_package_is_not_found)
{
	uint64_t size;
	int fd;

	cr_expect_eq(ota_depot_fetch(depot, ABC_SHA256, &fd, &size, NULL), OTA_ENOTFOUND);
}
