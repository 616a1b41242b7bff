#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/text.h"

void ota_fd_cleanup(int *fd)
{
	if (*fd < 0)
		return;
	/* Runs behind the return expression, which may just have been built from errno. */
	int number = errno;
	close(*fd);
	errno = number;
}

bool ota_file_join(char *target, size_t size, const char *directory, const char *name)
{
	int length = snprintf(target, size, "%s/%s", directory, name);
	return length >= 0 && (size_t)length < size;
}

int ota_file_write_all(int fd, const void *data, size_t size, struct ota_error *error)
{
	const char *next = data;
	while (size > 0) {
		ssize_t written = write(fd, next, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return ota_fail_errno(error, "cannot write");
		next += written;
		size -= (size_t)written;
	}
	return 0;
}

/* The file that is judged is the file that is read: one descriptor for both. */
int ota_file_read_secret(const char *path, char *ret_text, size_t size, struct ota_error *error)
{
	struct stat status;
	OTA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return ota_fail_errno(error, "cannot open %s", path);
	mode_t forbidden = status.st_uid == 0 && geteuid() != 0 ? S_IWGRP | S_IXGRP | S_IRWXO : S_IRWXG | S_IRWXO;
	if (status.st_mode & forbidden)
		return ota_fail(error, OTA_EDENIED, "%s: has mode %03o; it must be its owner's alone (chmod 600)", path,
				(unsigned)(status.st_mode & 0777));
	ssize_t length = read(fd, ret_text, size);
	if (length < 0)
		return ota_fail_errno(error, "cannot read %s", path);
	if ((size_t)length == size || memchr(ret_text, '\0', (size_t)length)) {
		explicit_bzero(ret_text, size);
		return ota_fail(error, OTA_EINVALID, "%s: is longer than %zu bytes or no text", path, size - 1);
	}
	ret_text[length] = '\0';
	return 0;
}

int ota_file_sync_directory(const char *path, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ota_fail_errno(error, "cannot open directory %s", path);
	if (fsync(fd) < 0)
		return ota_fail_errno(error, "cannot sync directory %s", path);
	return 0;
}

/* "a/b" is in "a", "/b" in "/", "b" in ".". */
static bool path_directory(char target[PATH_MAX], const char *path)
{
	const char *slash = strrchr(path, '/');
	struct ota_span directory = {.data = path, .size = slash ? (size_t)(slash - path) : 0};
	if (!slash)
		directory = ota_span_from_text(".");
	else if (directory.size == 0)
		directory = ota_span_from_text("/");
	return ota_text_copy(target, PATH_MAX, directory);
}

int ota_file_commit(int fd, const char *temporary, const char *path, struct ota_error *error)
{
	char directory[PATH_MAX];
	if (!path_directory(directory, path))
		return ota_fail(error, OTA_ELIMIT, "the path %s is too long", path);
	/* The bytes before the name: else a crash could leave the name on an empty file. */
	if (fsync(fd) < 0)
		return ota_fail_errno(error, "cannot sync %s", temporary);
	/* One step: a crash leaves the old file or the new one, never none. */
	if (rename(temporary, path) < 0)
		return ota_fail_errno(error, "cannot rename %s to %s", temporary, path);
	/* The name itself: else a power cut after our return could bring the old file back. */
	return ota_file_sync_directory(directory, error);
}

static int temporary_fill(int fd, const char *temporary, struct ota_span data, mode_t mode, struct ota_error *error)
{
	/* Not through open(): the umask would take bits off. */
	if (fchmod(fd, mode) < 0)
		return ota_fail_errno(error, "cannot set the mode of %s", temporary);
	int code = ota_file_write_all(fd, data.data, data.size, error);
	return code < 0 ? ota_error_prefix(error, code, "%s", temporary) : 0;
}

int ota_file_replace(const char *path, struct ota_span data, mode_t mode, struct ota_error *error)
{
	char temporary[PATH_MAX];
	int length = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	if (length < 0 || (size_t)length >= sizeof(temporary))
		return ota_fail(error, OTA_ELIMIT, "the path %s is too long", path);
	/* In the same directory, so that the rename below stays within one file system. */
	OTA_AUTO_CLOSE int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return ota_fail_errno(error, "cannot create %s", temporary);
	int code = temporary_fill(fd, temporary, data, mode, error);
	if (code == 0)
		code = ota_file_commit(fd, temporary, path, error);
	if (code < 0)
		unlink(temporary); /* already gone if the rename was done: then ENOENT, which is what we want */
	return code;
}

static int fd_read(int fd, const char *path, size_t limit, struct ota_bytes *out, struct ota_error *error)
{
	char piece[4096];
	size_t total = 0;
	for (;;) {
		ssize_t size = read(fd, piece, sizeof(piece));
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return ota_fail_errno(error, "cannot read %s", path);
		if (size == 0)
			return out->failed ? ota_fail(error, OTA_ENOMEM, "out of memory for %s", path) : 0;
		total += (size_t)size;
		if (total > limit)
			return ota_fail(error, OTA_ELIMIT, "%s is larger than %zu bytes", path, limit);
		ota_bytes_append(out, piece, (size_t)size);
	}
}

int ota_file_read(const char *path, size_t limit, struct ota_bytes *out, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ota_fail_errno(error, "cannot open %s", path);
	/* A failed read must not leave half a file in the caller's buffer. */
	size_t before = out->size;
	int code = fd_read(fd, path, limit, out, error);
	if (code < 0 && out->data) {
		out->size = before;
		out->data[before] = '\0';
	}
	return code;
}

static int directory_make(const char *path, mode_t mode, struct ota_error *error)
{
	struct stat status;
	if (mkdir(path, mode) == 0)
		return 0;
	/* Somebody else may make it at the same moment: what counts is that it is there. */
	if (errno != EEXIST)
		return ota_fail_errno(error, "cannot make directory %s", path);
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return 0;
	return ota_fail(error, OTA_ECONFLICT, "%s exists and is not a directory", path);
}

int ota_file_make_directories(const char *path, mode_t mode, struct ota_error *error)
{
	char part[PATH_MAX];
	if (!ota_text_copy(part, sizeof(part), ota_span_from_text(path)))
		return ota_fail(error, OTA_ELIMIT, "the path %s is too long", path);
	for (char *slash = strchr(part + (part[0] == '/'), '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int code = directory_make(part, mode, error);
		if (code < 0)
			return code;
		*slash = '/';
	}
	return directory_make(part, mode, error);
}

/* The pid a holder wrote; "another process" when it cannot be read. */
static void lock_holder(int fd, char *target, size_t size)
{
	char text[24];
	int64_t pid;
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	struct ota_span digits = {.data = text, .size = length > 0 ? (size_t)length : 0};
	while (digits.size > 0 && digits.data[digits.size - 1] == '\n')
		digits.size--;
	if (ota_text_parse_i64(digits, &pid))
		snprintf(target, size, "process %lld", (long long)pid);
	else
		snprintf(target, size, "another process");
}

static int lock_sign(int fd, const char *path, struct ota_error *error)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld\n", (long long)getpid());
	/* Else the digits of a longer pid of an earlier holder would stay behind ours. */
	if (ftruncate(fd, 0) < 0)
		return ota_fail_errno(error, "cannot empty %s", path);
	int code = ota_file_write_all(fd, text, strlen(text), error);
	return code < 0 ? ota_error_prefix(error, code, "%s", path) : 0;
}

int ota_file_lock(const char *directory, const char *name, int *ret_fd, struct ota_error *error)
{
	char path[PATH_MAX], holder[48];
	if (!ota_file_join(path, sizeof(path), directory, name))
		return ota_fail(error, OTA_ELIMIT, "the path %s/%s is too long", directory, name);
	OTA_AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return ota_fail_errno(error, "cannot open %s", path);
	/* flock, not fcntl: it belongs to this open file, so that a second instance within this process is refused too. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return ota_fail_errno(error, "cannot lock %s", path);
		lock_holder(fd, holder, sizeof(holder));
		return ota_fail(error, OTA_ECONFLICT, "%s is in use by %s", directory, holder);
	}
	int code = lock_sign(fd, path, error);
	if (code < 0)
		return code;
	*ret_fd = fd;
	fd = -1;
	return 0;
}
