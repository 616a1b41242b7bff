#include "ctl/input.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/file.h"

static FILE *keep_input(struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = memfd_create("input", MFD_CLOEXEC);
	char buffer[16 * 1024];
	size_t got;
	FILE *kept = NULL;

	while (fd >= 0 && (got = fread(buffer, 1, sizeof(buffer), stdin)) > 0) {
		if (ota_file_write_all(fd, buffer, got, error) < 0)
			return NULL;
	}
	if (fd >= 0 && !ferror(stdin) && lseek(fd, 0, SEEK_SET) == 0)
		kept = fdopen(fd, "r");
	if (!kept)
		(void)ota_fail_errno(error, "standard input");
	else
		fd = -1;
	explicit_bzero(buffer, sizeof(buffer));
	return kept;
}

FILE *ota_input_open(const char *path, struct ota_error *error)
{
	FILE *stream;

	if (strcmp(path, "-") == 0)
		return keep_input(error);
	stream = fopen(path, "re");
	if (!stream)
		(void)ota_fail_errno(error, "%s", path);
	return stream;
}

const char *ota_input_name(const char *path)
{
	return strcmp(path, "-") == 0 ? "standard input" : path;
}
