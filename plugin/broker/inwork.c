#include "plugin/broker/inwork.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <zlib.h>

#include "common/file.h"

enum { INWORK_CHECKED = 28, INWORK_SIZE = 32, PATH_SIZE = 4096 };

struct inwork_state {
	uint64_t first, last, suspect_last;
	uint32_t crashes;
};

static uint32_t state_crc(const void *data)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, INWORK_CHECKED);
}

static struct inwork_state state_read(int fd)
{
	unsigned char data[INWORK_SIZE];
	if (pread(fd, data, sizeof(data), 0) != (ssize_t)sizeof(data))
		return (struct inwork_state){0};
	struct ota_cursor cursor = {.data = data, .size = sizeof(data)};
	struct inwork_state state = {.first = ota_cursor_u64(&cursor)};
	state.last = ota_cursor_u64(&cursor);
	state.suspect_last = ota_cursor_u64(&cursor);
	state.crashes = ota_cursor_u32(&cursor);
	uint32_t crc = ota_cursor_u32(&cursor);
	return crc == state_crc(data) ? state : (struct inwork_state){0};
}

static void state_write(int fd, const struct inwork_state *state)
{
	OTA_AUTO_BYTES struct ota_bytes data = {0};
	ota_bytes_u64(&data, state->first);
	ota_bytes_u64(&data, state->last);
	ota_bytes_u64(&data, state->suspect_last);
	ota_bytes_u32(&data, state->crashes);
	if (data.failed)
		return;
	ota_bytes_u32(&data, state_crc(data.data));
	if (!data.failed && pwrite(fd, data.data, data.size, 0) < 0)
		return; /* the marker only helps to find a culprit */
}

int ota_inwork_open(struct ota_inwork *inwork, const char *directory, uint64_t applied, struct ota_error *error)
{
	char path[PATH_SIZE];
	*inwork = (struct ota_inwork){.fd = -1};
	if (!ota_file_join(path, sizeof(path), directory, "in-work"))
		return ota_fail(error, OTA_ELIMIT, "the journal's path is too long");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ota_fail_errno(error, "cannot open %s", path);
	inwork->fd = fd;
	struct inwork_state state = state_read(fd);
	bool crashed = state.last > applied && state.first <= state.last && state.first > 0;
	if (crashed && state.first == state.last) {
		inwork->blamed = state.first;
		inwork->blamed_crashes = state.crashes + 1;
	}
	if (inwork->blamed_crashes >= OTA_INWORK_CRASHES)
		inwork->culprit = inwork->blamed;
	if (crashed || state.suspect_last > applied)
		inwork->suspect_last = state.last > state.suspect_last ? state.last : state.suspect_last;
	ota_inwork_end(inwork);
	return 0;
}

void ota_inwork_close(struct ota_inwork *inwork)
{
	ota_fd_cleanup(&inwork->fd);
	inwork->fd = -1;
}

void ota_inwork_begin(struct ota_inwork *inwork, uint64_t first, uint64_t last)
{
	struct inwork_state state = {
		.first = first,
		.last = last,
		.suspect_last = inwork->suspect_last,
		.crashes = first == last && first == inwork->blamed ? inwork->blamed_crashes : 0,
	};
	state_write(inwork->fd, &state);
}

void ota_inwork_end(struct ota_inwork *inwork)
{
	struct inwork_state state = {.suspect_last = inwork->suspect_last};
	state_write(inwork->fd, &state);
}

int ota_quarantine_write(const char *directory, uint64_t sequence, struct ota_span record, struct ota_error *error)
{
	char name[48], path[PATH_SIZE];
	snprintf(name, sizeof(name), OTA_QUARANTINE_PREFIX "%llu", (unsigned long long)sequence);
	if (!ota_file_join(path, sizeof(path), directory, name))
		return ota_fail(error, OTA_ELIMIT, "the journal's path is too long");
	return ota_file_replace(path, record, 0600, error);
}
