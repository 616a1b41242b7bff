#include "plugin/broker/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/text.h"

struct ota_shelf {
	const char *package_dir;
	uint64_t turn; /* counts the reads */
	struct shelf_file {
		char sha256[OTA_SHA256_HEX + 1]; /* "" = a free place */
		uint64_t used;                   /* the turn of the last read */
		int fd;
	} files[OTA_SHELF_FILES];
};

struct ota_shelf *ota_shelf_new(const char *package_dir)
{
	struct ota_shelf *shelf = calloc(1, sizeof(*shelf));
	if (shelf)
		shelf->package_dir = package_dir;
	return shelf;
}

static void place_clear(struct shelf_file *place)
{
	if (place->sha256[0] != '\0')
		close(place->fd);
	*place = (struct shelf_file){0};
}

struct ota_shelf *ota_shelf_free(struct ota_shelf *shelf)
{
	for (size_t i = 0; shelf && i < OTA_SHELF_FILES; i++)
		place_clear(&shelf->files[i]);
	free(shelf);
	return NULL;
}

/* Whatever it is, it is no fault of the device that asks. */
static int io_fail(struct ota_error *error, const char *what)
{
	ota_fail_errno(error, "%s", what);
	return ota_error_recode(error, OTA_EIO);
}

static int size_check(int fd, const char *path, uint64_t expected, struct ota_error *error)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return io_fail(error, path);
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != expected)
		return ota_fail(error, OTA_ECORRUPT, "%s has %lld bytes, the package has %llu: put the right file in its place",
				path, (long long)status.st_size, (unsigned long long)expected);
	return 0;
}

/* What can be mended by an operator alone is told apart from what may pass by itself (no descriptor left, a disk that sulks). */
static int file_open(const struct ota_shelf *shelf, const struct ota_stream *stream, int *ret_fd, struct ota_error *error)
{
	char path[PATH_MAX];
	OTA_AUTO_CLOSE int fd = -1;
	if (!ota_file_join(path, sizeof(path), shelf->package_dir, stream->sha256))
		return ota_fail(error, OTA_EIO, "ota_package_dir is too long");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == EACCES))
		return ota_fail(error, OTA_ECORRUPT, "%s: %s: put the package's file there, readable by the broker", path,
				strerrordesc_np(errno));
	if (fd < 0)
		return io_fail(error, path);
	int code = size_check(fd, path, stream->size, error);
	if (code != 0)
		return code;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* The place of the file, or the one that was not used for longest. */
static struct shelf_file *place_find(struct ota_shelf *shelf, const char *sha256)
{
	struct shelf_file *oldest = &shelf->files[0];
	for (size_t i = 0; i < OTA_SHELF_FILES; i++) {
		if (strcmp(shelf->files[i].sha256, sha256) == 0)
			return &shelf->files[i];
		if (shelf->files[i].used < oldest->used)
			oldest = &shelf->files[i];
	}
	return oldest;
}

static int range_read(int fd, struct ota_shelf_range range, char *target, struct ota_error *error)
{
	uint32_t done = 0;
	while (done < range.size) {
		ssize_t got = pread(fd, target + done, range.size - done, (off_t)(range.offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return io_fail(error, "read a package");
		if (got == 0)
			return ota_fail(error, OTA_ECORRUPT, "a package became shorter while devices fetch it");
		done += (uint32_t)got;
	}
	return 0;
}

int ota_shelf_read(struct ota_shelf *shelf, const struct ota_stream *stream, struct ota_shelf_range range, struct ota_bytes *out,
		   struct ota_error *error)
{
	struct shelf_file *place = place_find(shelf, stream->sha256);
	OTA_AUTO_FREE char *block = malloc(range.size);
	int code = block ? 0 : ota_fail(error, OTA_ENOMEM, "no memory for a block");
	if (code == 0 && strcmp(place->sha256, stream->sha256) != 0) {
		place_clear(place);
		code = file_open(shelf, stream, &place->fd, error);
		if (code == 0)
			ota_text_cut(place->sha256, sizeof(place->sha256), stream->sha256);
	}
	if (code == 0)
		code = range_read(place->fd, range, block, error);
	if (code != 0)
		return code;
	place->used = ++shelf->turn;
	ota_bytes_append(out, block, range.size);
	return out->failed ? ota_fail(error, OTA_ENOMEM, "no memory for a block") : 0;
}
