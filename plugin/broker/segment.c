#include "plugin/broker/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "common/file.h"
#include "common/text.h"
#include "plugin/broker/record.h"

#define SEGMENT_MAGIC "OTAJRNL1"
#define SEGMENT_PREFIX "journal-"
#define SEGMENT_TEMPORARY "segment.new"

enum { UUID_SIZE = 36, HEADER_CHECKED = 8 + 4 + 8 + UUID_SIZE };

void ota_segment_name(char target[OTA_SEGMENT_NAME_SIZE], uint64_t first)
{
	snprintf(target, OTA_SEGMENT_NAME_SIZE, SEGMENT_PREFIX "%016llx", (unsigned long long)first);
}

bool ota_segment_name_parse(const char *name, uint64_t *ret_first)
{
	unsigned char digits[8];
	size_t prefix = strlen(SEGMENT_PREFIX);
	if (strncmp(name, SEGMENT_PREFIX, prefix) != 0 ||
	    !ota_text_unhex(ota_span_from_text(name + prefix), digits, sizeof(digits)))
		return false;
	*ret_first = 0;
	for (size_t i = 0; i < sizeof(digits); i++)
		*ret_first = *ret_first << 8 | digits[i];
	return true;
}

static uint32_t header_crc(const void *data)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, HEADER_CHECKED);
}

static int header_write(int fd, uint64_t first, const char *store_uuid, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes header = {0};
	if (strlen(store_uuid) != UUID_SIZE)
		return ota_fail(error, OTA_EINVALID, "the store's uuid is not %d characters long", UUID_SIZE);
	ota_bytes_text(&header, SEGMENT_MAGIC);
	ota_bytes_u32(&header, OTA_SEGMENT_VERSION);
	ota_bytes_u64(&header, first);
	ota_bytes_append(&header, store_uuid, UUID_SIZE);
	if (header.failed)
		return ota_fail(error, OTA_ENOMEM, "no memory for a journal header");
	ota_bytes_u32(&header, header_crc(header.data));
	return header.failed ? ota_fail(error, OTA_ENOMEM, "no memory for a journal header")
			     : ota_file_write_all(fd, header.data, header.size, error);
}

static int segment_fill(int fd, uint64_t first, const char *store_uuid, uint64_t size, struct ota_error *error)
{
	int code = posix_fallocate(fd, 0, (off_t)size);
	if (code != 0) {
		errno = code;
		return ota_fail_errno(error, "cannot reserve %llu bytes for the journal", (unsigned long long)size);
	}
	return header_write(fd, first, store_uuid, error);
}

int ota_segment_create(int directory_fd, uint64_t first, const char *store_uuid, uint64_t size, int *ret_fd,
		       struct ota_error *error)
{
	char name[OTA_SEGMENT_NAME_SIZE];
	ota_segment_name(name, first);
	OTA_AUTO_CLOSE int fd = openat(directory_fd, SEGMENT_TEMPORARY, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
				       0600);
	if (fd < 0)
		return ota_fail_errno(error, "cannot create a journal segment");
	int code = segment_fill(fd, first, store_uuid, size, error);
	if (code == 0 && renameat(directory_fd, SEGMENT_TEMPORARY, directory_fd, name) != 0)
		code = ota_fail_errno(error, "cannot name a journal segment");
	if (code != 0) {
		unlinkat(directory_fd, SEGMENT_TEMPORARY, 0);
		return code;
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int header_check(struct ota_span file, const char *store_uuid, uint64_t *ret_first, struct ota_error *error)
{
	struct ota_cursor cursor = {.data = (const unsigned char *)file.data, .size = file.size};
	struct ota_span magic = ota_cursor_span(&cursor, strlen(SEGMENT_MAGIC));
	uint32_t version = ota_cursor_u32(&cursor);
	*ret_first = ota_cursor_u64(&cursor);
	struct ota_span uuid = ota_cursor_span(&cursor, UUID_SIZE);
	uint32_t crc = ota_cursor_u32(&cursor);
	if (cursor.failed || file.size < OTA_SEGMENT_HEADER || !ota_span_equals(magic, SEGMENT_MAGIC))
		return ota_fail(error, OTA_ECORRUPT, "is no journal segment");
	if (version > OTA_SEGMENT_VERSION)
		return ota_fail(error, OTA_EVERSION, "was written by a newer version of this plugin (format %u)", version);
	if (crc != header_crc(file.data))
		return ota_fail(error, OTA_ECORRUPT, "has a damaged header");
	if (!ota_span_equals(uuid, store_uuid))
		return ota_fail(error, OTA_ECORRUPT, "belongs to another store (%.*s, not %s)", UUID_SIZE, uuid.data, store_uuid);
	return 0;
}

/* The record at an offset; false when there is no whole good one. */
static bool record_at(struct ota_span file, size_t offset, struct ota_record *ret_record, size_t *ret_size)
{
	size_t body_size;
	uint32_t crc;
	if (file.size - offset < OTA_RECORD_HEAD ||
	    !ota_record_read_head((const unsigned char *)file.data + offset, &body_size, &crc) ||
	    file.size - offset - OTA_RECORD_HEAD < body_size)
		return false;
	struct ota_span body = {.data = file.data + offset + OTA_RECORD_HEAD, .size = body_size};
	*ret_size = OTA_RECORD_HEAD + body_size;
	return ota_record_read_body(body, crc, ret_record);
}

/* How far the bytes that are not zero reach. */
static size_t written_end(struct ota_span file, size_t offset)
{
	size_t end = file.size;
	while (end > offset && file.data[end - 1] == '\0')
		end--;
	return end;
}

/* A broken record hides how long it is, so every place behind it is tried. */
static bool good_record_follows(struct ota_span file, size_t offset, uint64_t above)
{
	struct ota_record record;
	size_t size;
	for (size_t end = written_end(file, offset); offset < end; offset++)
		if (record_at(file, offset, &record, &size) && record.sequence >= above)
			return true;
	return false;
}

static void content_add(struct ota_segment_content *content, const struct ota_record *record, size_t size, uint64_t applied)
{
	content->end += size;
	content->next = record->sequence + 1;
	content->last_heard_ms = record->at.heard_ms;
	if (record->sequence <= applied)
		content->unapplied = content->end;
}

int ota_segment_scan(struct ota_span file, const char *store_uuid, uint64_t applied, struct ota_segment_content *ret_content,
		     struct ota_error *error)
{
	struct ota_segment_content content = {.end = OTA_SEGMENT_HEADER, .unapplied = OTA_SEGMENT_HEADER};
	struct ota_record record;
	size_t size;
	int code = header_check(file, store_uuid, &content.first, error);
	if (code != 0)
		return code;
	content.next = content.first;
	while (record_at(file, content.end, &record, &size)) {
		if (record.sequence != content.next)
			return ota_fail(error, OTA_ECORRUPT, "has record %llu where %llu should be",
					(unsigned long long)record.sequence, (unsigned long long)content.next);
		content_add(&content, &record, size, applied);
	}
	if (good_record_follows(file, content.end, content.next))
		return ota_fail(error, OTA_ECORRUPT, "is damaged at byte %zu, before good records", content.end);
	content.torn = written_end(file, content.end) - content.end;
	*ret_content = content;
	return 0;
}
