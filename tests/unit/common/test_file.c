#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/file.h"
#include "tests/unit/support/scratch.h"

/*
 * The program's own fsync() and rename() stand before libc's, so that their order can be read and each can be made to fail.
 * F = fsync of a file, D = fsync of a directory, R = rename.
 */
static char steps[32];
static char failing_step;
static ino_t synced_directory; /* the last one */

static int step(char name)
{
	size_t used = strlen(steps);
	if (used + 1 < sizeof(steps)) {
		steps[used] = name;
		steps[used + 1] = '\0';
	}
	if (name != failing_step)
		return 0;
	errno = EIO;
	return -1;
}

int fsync(int fd)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -1;
	if (S_ISDIR(status.st_mode))
		synced_directory = status.st_ino;
	return step(S_ISDIR(status.st_mode) ? 'D' : 'F') < 0 ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	return step('R') < 0 ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static char directory[SCRATCH_SIZE], path[SCRATCH_SIZE];

static void setup(void)
{
	scratch_make(directory);
	scratch_path(path, directory, "f");
	steps[0] = '\0';
	failing_step = 0;
	synced_directory = 0;
}

static void teardown(void)
{
	failing_step = 0;
	scratch_remove(directory);
}

TestSuite(file, .init = setup, .fini = teardown);

static struct ota_span span(const char *text)
{
	return ota_span_from_text(text);
}

static void expect_content(const char *text)
{
	struct ota_bytes out = {0};
	cr_expect_eq(ota_file_read(path, 1000, &out, NULL), 0);
	cr_expect_str_eq(out.data, text);
	ota_bytes_free(&out);
}

static void expect_synced(const char *name)
{
	struct stat status;
	cr_assert_eq(stat(name, &status), 0);
	cr_expect_eq(synced_directory, status.st_ino, "the directory of the file is the one to sync");
}

static unsigned entries(void)
{
	unsigned count = 0;
	DIR *stream = opendir(directory);
	cr_assert_not_null(stream);
	while (readdir(stream))
		count++;
	closedir(stream);
	return count - 2;
}

Test(file, replace_writes_then_syncs_then_renames_then_syncs_the_directory)
{
	cr_assert_eq(ota_file_replace(path, span("one"), 0600, NULL), 0);
	expect_content("one");
	cr_expect_str_eq(steps, "FRD");
	expect_synced(directory);
	cr_expect_eq(entries(), 1, "no temporary file stays");
}

Test(file, replace_sets_the_mode_whatever_the_umask)
{
	struct stat status;
	mode_t before = umask(077);
	cr_assert_eq(ota_file_replace(path, span("x"), 0644, NULL), 0);
	umask(before);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0644);
}

Test(file, a_failing_step_leaves_the_old_content_and_no_litter)
{
	cr_assert_eq(ota_file_replace(path, span("old"), 0600, NULL), 0);
	for (const char *each = "FR"; *each; each++) {
		struct ota_error error;
		failing_step = *each;
		cr_expect_eq(ota_file_replace(path, span("new"), 0600, &error), OTA_EIO, "step %c", *each);
		cr_expect_not_null(strstr(error.text, "Input/output error"), "%s", error.text);
		expect_content("old");
		cr_expect_eq(entries(), 1, "step %c", *each);
	}
	failing_step = 'D';
	cr_expect_eq(ota_file_replace(path, span("new"), 0600, NULL), OTA_EIO, "an unsynced directory is no success");
	cr_expect_eq(entries(), 1);
}

Test(file, replace_names_a_missing_directory)
{
	struct ota_error error;
	cr_expect_eq(ota_file_replace("/nonexistent/x", span(""), 0600, &error), OTA_ENOTFOUND);
	cr_expect_not_null(strstr(error.text, "/nonexistent/x"));
	cr_expect_eq(ota_file_replace(directory, span(""), 0600, &error), OTA_EIO, "a directory is not replaced");
}

Test(file, replace_works_beside_the_current_directory)
{
	char before[SCRATCH_SIZE];
	cr_assert_not_null(getcwd(before, sizeof(before)));
	cr_assert_eq(chdir(directory), 0);
	int code = ota_file_replace("f", span("here"), 0600, NULL);
	cr_assert_eq(chdir(before), 0);
	cr_expect_eq(code, 0);
	expect_content("here");
	expect_synced(directory);
}

Test(file, read_takes_a_file_of_the_limit_and_none_past_it)
{
	struct ota_bytes out = {0};
	struct ota_error error;
	scratch_write(directory, "f", "12345");
	cr_expect_eq(ota_file_read(path, 5, &out, NULL), 0);
	cr_expect_eq(ota_file_read(path, 4, &out, &error), OTA_ELIMIT);
	cr_expect_not_null(strstr(error.text, "larger than 4 bytes"));
	cr_expect_str_eq(out.data, "12345", "what was appended before stays, nothing is added");
	cr_expect_eq(ota_file_read("/nonexistent", 4, &out, NULL), OTA_ENOTFOUND);
	cr_expect_eq(ota_file_read(directory, 4, &out, NULL), OTA_EIO);
	ota_bytes_free(&out);
}

Test(file, a_secret_is_read_only_from_a_file_of_its_owner_s_alone)
{
	char text[8] = "before";
	struct ota_error error = {0};

	scratch_write(directory, "f", "1234567");
	chmod(path, 0640);
	cr_expect_eq(ota_file_read_secret(path, text, sizeof(text), &error), OTA_EDENIED);
	cr_expect_not_null(strstr(error.text, "chmod 600"), "%s", error.text);
	cr_expect_str_eq(text, "before");
	chmod(path, 0400);
	cr_expect_eq(ota_file_read_secret(path, text, sizeof(text), &error), 0);
	cr_expect_str_eq(text, "1234567", "as many bytes as fit");
	chmod(path, 0600);
	scratch_write(directory, "f", "12345678");
	chmod(path, 0600);
	cr_expect_eq(ota_file_read_secret(path, text, sizeof(text), &error), OTA_EINVALID, "one past it");
	cr_expect_str_eq(text, "", "nothing of it is left");
}

Test(file, directories_are_made_to_the_depth)
{
	char deep[SCRATCH_SIZE], below[SCRATCH_SIZE];
	struct stat status;
	struct ota_error error;
	scratch_path(deep, directory, "a/b//c/");
	cr_expect_eq(ota_file_make_directories(deep, 0700, NULL), 0);
	cr_expect_eq(ota_file_make_directories(deep, 0700, NULL), 0, "what exists is fine");
	cr_expect(stat(deep, &status) == 0 && S_ISDIR(status.st_mode) && (status.st_mode & 0777) == 0700);
	scratch_write(directory, "f", "");
	cr_expect_eq(ota_file_make_directories(path, 0700, &error), OTA_ECONFLICT);
	cr_expect_not_null(strstr(error.text, "not a directory"));
	scratch_path(below, directory, "f/g");
	cr_expect_eq(ota_file_make_directories(below, 0700, NULL), OTA_ECONFLICT);
	cr_expect_eq(ota_file_make_directories("/", 0700, NULL), 0);
}

Test(file, join_fits_exactly)
{
	char target[6];
	cr_expect(ota_file_join(target, sizeof(target), "ab", "cd"));
	cr_expect_str_eq(target, "ab/cd");
	cr_expect_not(ota_file_join(target, sizeof(target), "ab", "cde"));
}

Test(file, a_lock_has_one_holder_even_within_a_process)
{
	struct ota_error error;
	int first = -1, second = -1;
	char expected[64];
	cr_assert_eq(ota_file_lock(directory, "lock", &first, NULL), 0);
	cr_expect_eq(ota_file_lock(directory, "lock", &second, &error), OTA_ECONFLICT);
	cr_expect_eq(second, -1);
	snprintf(expected, sizeof(expected), "is in use by process %ld", (long)getpid());
	cr_expect_not_null(strstr(error.text, expected), "%s", error.text);
	cr_expect_eq(fcntl(first, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "a child must not inherit the lock");
	close(first);
	cr_expect_eq(ota_file_lock(directory, "lock", &second, NULL), 0, "the lock goes with its descriptor");
	close(second);
}

Test(file, a_lock_file_is_private)
{
	struct stat status;
	int fd = -1;
	cr_assert_eq(ota_file_lock(directory, "f", &fd, NULL), 0);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0600);
	close(fd);
	cr_expect_eq(ota_file_lock("/nonexistent", "f", &fd, NULL), OTA_ENOTFOUND);
}

Test(file, a_longer_old_pid_leaves_no_digits)
{
	struct ota_error error;
	int first = -1, second = -1;
	char expected[64];
	scratch_write(directory, "lock", "4194304999\n");
	cr_assert_eq(ota_file_lock(directory, "lock", &first, NULL), 0);
	ota_file_lock(directory, "lock", &second, &error);
	snprintf(expected, sizeof(expected), "process %ld", (long)getpid());
	cr_expect_str_eq(strstr(error.text, "process"), expected);
	close(first);
}

Test(file, closing_by_cleanup_keeps_errno)
{
	int fd = -1;
	errno = 7;
	ota_fd_cleanup(&fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	errno = 9;
	ota_fd_cleanup(&fd);
	cr_expect_eq(errno, 9);
	cr_expect_eq(fcntl(fd, F_GETFD), -1);
}
