#include "gateway/depot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"

#define TEMPORARY ".upload-"

/* Pages are handed to the disk every so often, so that the fsync at the end of a large upload is short. */
enum { WRITE_BACK_BYTES = 8 * 1024 * 1024 };

struct ota_depot {
	char directory[PATH_MAX];
	int lock_fd;
};

struct ota_deposit {
	const struct ota_depot *depot;
	char path[PATH_MAX];
	int fd;
	uint64_t announced;
	uint64_t written;
	uint64_t handed; /* to the disk */
	struct ota_digest *digest;
	bool committed;
};

static int sweep(const char *directory, struct ota_error *error)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;

	if (!stream)
		return ota_fail_errno(error, "package_dir %s", directory);
	while ((entry = readdir(stream))) {
		if (strncmp(entry->d_name, TEMPORARY, sizeof(TEMPORARY) - 1) == 0)
			(void)unlinkat(dirfd(stream), entry->d_name, 0);
	}
	(void)closedir(stream);
	return 0;
}

int ota_depot_open(const char *directory, struct ota_depot **ret_depot, struct ota_error *error)
{
	struct ota_depot *depot = calloc(1, sizeof(*depot));
	int code;

	if (!depot)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	depot->lock_fd = -1;
	(void)snprintf(depot->directory, sizeof(depot->directory), "%s", directory);
	code = ota_file_make_directories(directory, 0755, error);
	if (code == 0)
		code = ota_file_lock(directory, ".gateway.lock", &depot->lock_fd, error);
	if (code == 0)
		code = sweep(directory, error);
	if (code < 0) {
		(void)ota_depot_free(depot);
		return code;
	}
	*ret_depot = depot;
	return 0;
}

struct ota_depot *ota_depot_free(struct ota_depot *depot)
{
	if (depot) {
		ota_fd_cleanup(&depot->lock_fd);
		free(depot);
	}
	return NULL;
}

/* Not every file system can reserve; where it cannot, a full disk shows at the first write. */
static int reserve(int fd, uint64_t size, struct ota_error *error)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	return ota_fail_errno(error, "no room for %llu bytes in the package directory", (unsigned long long)size);
}

static int open_temporary(struct ota_deposit *deposit, struct ota_error *error)
{
	if (!ota_file_join(deposit->path, sizeof(deposit->path), deposit->depot->directory, TEMPORARY "XXXXXX"))
		return ota_fail(error, OTA_ELIMIT, "package_dir is too long");
	deposit->fd = mkostemp(deposit->path, O_CLOEXEC);
	if (deposit->fd < 0) {
		deposit->path[0] = '\0';
		return ota_fail_errno(error, "a temporary file in the package directory");
	}
	/* mkostemp makes 0600; the plugin and web servers beside us read packages under other users. */
	if (fchmod(deposit->fd, 0644) != 0)
		return ota_fail_errno(error, "mode of a temporary file in the package directory");
	return reserve(deposit->fd, deposit->announced, error);
}

int ota_deposit_begin(struct ota_depot *depot, uint64_t size, struct ota_deposit **ret_deposit, struct ota_error *error)
{
	struct ota_deposit *deposit = calloc(1, sizeof(*deposit));
	int code;

	if (!deposit)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	*deposit = (struct ota_deposit){ .depot = depot, .fd = -1, .announced = size, .digest = ota_digest_new() };
	code = deposit->digest ? open_temporary(deposit, error) : ota_fail(error, OTA_ENOMEM, "out of memory");
	if (code < 0) {
		(void)ota_deposit_free(deposit);
		return code;
	}
	*ret_deposit = deposit;
	return 0;
}

static void hand_to_disk(struct ota_deposit *deposit)
{
	if (deposit->written - deposit->handed < WRITE_BACK_BYTES)
		return;
	(void)sync_file_range(deposit->fd, (off_t)deposit->handed, (off_t)(deposit->written - deposit->handed),
			      SYNC_FILE_RANGE_WRITE);
	deposit->handed = deposit->written;
}

int ota_deposit_write(struct ota_deposit *deposit, struct ota_span data, struct ota_error *error)
{
	int code;

	if (data.size > deposit->announced - deposit->written)
		return ota_fail(error, OTA_ELIMIT, "the body has more than the announced %llu bytes",
				(unsigned long long)deposit->announced);
	code = ota_digest_update(deposit->digest, data.data, data.size);
	if (code < 0)
		return ota_fail(error, code, "the digest of the upload cannot be computed");
	code = ota_file_write_all(deposit->fd, data.data, data.size, error);
	if (code < 0)
		return ota_error_prefix(error, code, "package directory");
	deposit->written += data.size;
	hand_to_disk(deposit);
	return 0;
}

int ota_deposit_commit(struct ota_deposit *deposit, const char *expected_sha256, struct ota_digest_result *ret_result,
		       struct ota_error *error)
{
	struct ota_digest_result result;
	char path[PATH_MAX];
	int code;

	if (deposit->written != deposit->announced)
		return ota_fail(error, OTA_EINVALID, "the body has %llu of %llu announced bytes",
				(unsigned long long)deposit->written, (unsigned long long)deposit->announced);
	code = ota_digest_finish(deposit->digest, &result);
	if (code < 0)
		return ota_fail(error, code, "the digest of the upload cannot be computed");
	if (expected_sha256 && strcmp(expected_sha256, result.sha256) != 0)
		return ota_fail_at(error, OTA_EVERIFY, "sha256", "the body has SHA-256 %s, not the given one", result.sha256);
	if (!ota_file_join(path, sizeof(path), deposit->depot->directory, result.sha256))
		return ota_fail(error, OTA_ELIMIT, "package_dir is too long");
	code = ota_file_commit(deposit->fd, deposit->path, path, error);
	if (code < 0)
		return ota_error_prefix(error, code, "package directory");
	deposit->committed = true;
	*ret_result = result;
	return 0;
}

struct ota_deposit *ota_deposit_free(struct ota_deposit *deposit)
{
	if (deposit) {
		if (!deposit->committed && deposit->path[0])
			(void)unlink(deposit->path);
		ota_fd_cleanup(&deposit->fd);
		(void)ota_digest_free(deposit->digest);
		free(deposit);
	}
	return NULL;
}

int ota_depot_fetch(const struct ota_depot *depot, const char *sha256, int *ret_fd, uint64_t *ret_size, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = -1;
	char path[PATH_MAX];
	struct stat status;

	if (!ota_file_join(path, sizeof(path), depot->directory, sha256))
		return ota_fail(error, OTA_ELIMIT, "package_dir is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return ota_fail(error, OTA_ENOTFOUND, "there is no package with this SHA-256");
	if (fd < 0 || fstat(fd, &status) != 0)
		return ota_fail_errno(error, "package file");
	if (!S_ISREG(status.st_mode))
		return ota_fail(error, OTA_EIO, "the package file is not a regular file");
	*ret_size = (uint64_t)status.st_size;
	*ret_fd = fd;
	fd = -1;
	return 0;
}
