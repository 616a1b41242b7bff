#include "common/backup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"

/* The head of an SQLite database, "The Database Header" of its file format: numbers are big-endian. */
#define HEAD_MAGIC "SQLite format 3"
enum { HEAD_PAGE_SIZE = 16, HEAD_CHANGES = 24, HEAD_PAGES = 28, HEAD_APPLICATION = 68, HEAD_PAGES_VALID = 92 };

static uint32_t head_number(struct ota_span head, size_t offset)
{
	const unsigned char *at = (const unsigned char *)head.data + offset;

	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* 0 stands where 65536 does not fit; the count of pages holds only if it was written with the last change. */
static uint64_t head_size(struct ota_span head)
{
	uint64_t page = head_number(head, HEAD_PAGE_SIZE) >> 16;

	if (head_number(head, HEAD_CHANGES) != head_number(head, HEAD_PAGES_VALID))
		return 0;
	return (page == 1 ? 65536 : page) * head_number(head, HEAD_PAGES);
}

int ota_backup_check_head(struct ota_span head, uint64_t size_bytes, struct ota_error *error)
{
	if (head.size < OTA_BACKUP_HEAD_BYTES || memcmp(head.data, HEAD_MAGIC, sizeof(HEAD_MAGIC)) != 0)
		return ota_fail(error, OTA_ECORRUPT, "is no database");
	if (head_number(head, HEAD_APPLICATION) != OTA_STORE_APPLICATION_ID)
		return ota_fail(error, OTA_ECORRUPT, "is a database of another program");
	if (head_size(head) > size_bytes)
		return ota_fail(error, OTA_ECORRUPT, "is cut off: it has %llu of %llu bytes", (unsigned long long)size_bytes,
				(unsigned long long)head_size(head));
	return 0;
}

int ota_backup_check_file(const char *path, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[OTA_BACKUP_HEAD_BYTES];
	struct stat file;
	ssize_t size = 0;
	int code = 0;

	if (fd < 0 || fstat(fd, &file) < 0)
		return ota_fail_errno(error, "cannot open %s", path);
	if (!S_ISREG(file.st_mode))
		return ota_fail(error, OTA_EINVALID, "%s is not a file", path);
	size = pread(fd, head, sizeof(head), 0);
	if (size < 0)
		return ota_fail_errno(error, "cannot read %s", path);
	code = ota_backup_check_head((struct ota_span){head, (size_t)size}, (uint64_t)file.st_size, error);
	if (code < 0 && error) {
		struct ota_error cause = *error;

		return ota_fail(error, code, "%s %s", path, cause.text);
	}
	return code;
}
