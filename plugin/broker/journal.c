#include "plugin/broker/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "plugin/broker/segment.h"

enum { UUID_TEXT = 40 };

/* A segment the reader is done with, waiting for the commit that covers it. */
struct finished {
	uint64_t first, last;
	struct finished *next;
};

struct ota_journal {
	int directory;
	int lock; /* two brokers with the same default directory would write over each other */
	char uuid[UUID_TEXT];
	uint64_t segment_bytes;
	uint64_t segments_max;
	_Atomic uint64_t segments;
	int64_t last_heard_ms;
	size_t torn;

	struct {
		int fd; /* -1: the next append begins a segment */
		uint64_t offset;
		uint64_t next;
		struct ota_bytes buffer;
	} writer;

	struct {
		int fd; /* -1: the next read opens a segment */
		uint64_t first, offset, next;
		struct finished *finished, **finished_tail;
	} reader;
};

static void segment_unlink(struct ota_journal *journal, uint64_t first)
{
	char name[OTA_SEGMENT_NAME_SIZE];
	ota_segment_name(name, first);
	unlinkat(journal->directory, name, 0);
}

/* --- open --- */

struct segment_list {
	uint64_t *firsts;
	size_t count, capacity;
};

static void segment_list_cleanup(struct segment_list *list)
{
	free(list->firsts);
}

static int segment_list_add(struct segment_list *list, uint64_t first)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 32;
		uint64_t *firsts = reallocarray(list->firsts, capacity, sizeof(*firsts));
		if (!firsts)
			return OTA_ENOMEM;
		list->firsts = firsts;
		list->capacity = capacity;
	}
	list->firsts[list->count++] = first;
	return 0;
}

static int sequence_compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return (a > b) - (a < b);
}

static int segment_list_fill(struct segment_list *list, const char *path, struct ota_error *error)
{
	DIR *directory = opendir(path);
	int code = 0;
	if (!directory)
		return ota_fail_errno(error, "cannot read %s", path);
	for (struct dirent *entry; code == 0 && (entry = readdir(directory));) {
		uint64_t first;
		if (ota_segment_name_parse(entry->d_name, &first))
			code = segment_list_add(list, first);
	}
	closedir(directory);
	if (code != 0)
		return ota_fail(error, code, "no memory to list %s", path);
	if (list->count > 0)
		qsort(list->firsts, list->count, sizeof(list->firsts[0]), sequence_compare);
	return 0;
}

static int segment_cut(struct ota_journal *journal, const char *name, size_t end, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = openat(journal->directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || ftruncate(fd, (off_t)end) != 0)
		return ota_fail_errno(error, "cannot cut %s", name);
	return 0;
}

struct opening {
	const struct ota_journal_options *options;
	struct ota_bytes file; /* of the segment looked at */
	uint64_t expected;     /* 0: the first segment says */
};

static int segment_follows(const struct opening *opening, const struct ota_segment_content *content, uint64_t named,
			   struct ota_error *error)
{
	if (content->first != named)
		return ota_fail(error, OTA_ECORRUPT, "carries another name than the sequence it begins with");
	uint64_t least = opening->expected == 0 ? opening->options->applied + 1 : opening->expected;
	bool gap = opening->expected == 0 ? content->first > least : content->first != least;
	if (gap && !(opening->expected == 0 && opening->options->gap_explained))
		return ota_fail(
			error, OTA_ECORRUPT,
			"begins at %llu, but %llu should come next: reports between are missing, or an older store was restored",
			(unsigned long long)content->first, (unsigned long long)least);
	return 0;
}

static void reader_begin(struct ota_journal *journal, const struct ota_segment_content *content, uint64_t applied)
{
	if (journal->reader.first != 0)
		return;
	journal->reader.first = content->first;
	journal->reader.offset = content->unapplied;
	journal->reader.next = content->first > applied ? content->first : applied + 1;
}

static int segment_load(struct ota_journal *journal, struct opening *opening, const char *name,
			struct ota_segment_content *ret_content, struct ota_error *error)
{
	char path[4096];
	if (!ota_file_join(path, sizeof(path), opening->options->directory, name))
		return ota_fail(error, OTA_ELIMIT, "its path is too long");
	ota_bytes_clear(&opening->file);
	int code = ota_file_read(path, journal->segment_bytes + OTA_JOURNAL_SEGMENT_BYTES, &opening->file, error);
	struct ota_span file = {.data = opening->file.data, .size = opening->file.size};
	return code != 0 ? code
			 : ota_segment_scan(file, opening->options->store_uuid, opening->options->applied, ret_content, error);
}

/* Takes a checked segment into account, or away when nothing in it is to be applied. */
static int segment_adopt(struct ota_journal *journal, struct opening *opening, const struct ota_segment_content *content,
			 struct ota_error *error)
{
	uint64_t applied = opening->options->applied;
	char name[OTA_SEGMENT_NAME_SIZE];
	ota_segment_name(name, content->first);
	opening->expected = content->next;
	if (content->next > journal->writer.next)
		journal->writer.next = content->next;
	if (content->last_heard_ms > journal->last_heard_ms)
		journal->last_heard_ms = content->last_heard_ms;
	journal->torn += content->torn;
	if (content->next == content->first || content->next <= applied + 1) {
		segment_unlink(journal, content->first);
		return 0;
	}
	reader_begin(journal, content, applied);
	atomic_fetch_add(&journal->segments, 1);
	return content->torn > 0 ? segment_cut(journal, name, content->end, error) : 0;
}

static int segments_adopt(struct ota_journal *journal, const struct ota_journal_options *options, struct ota_error *error)
{
	__attribute__((cleanup(segment_list_cleanup))) struct segment_list list = {0};
	struct opening opening = {.options = options};
	struct ota_segment_content content;
	int code = segment_list_fill(&list, options->directory, error);
	for (size_t i = 0; code == 0 && i < list.count; i++) {
		char name[OTA_SEGMENT_NAME_SIZE];
		ota_segment_name(name, list.firsts[i]);
		code = segment_load(journal, &opening, name, &content, error);
		if (code == 0)
			code = segment_follows(&opening, &content, list.firsts[i], error);
		if (code == 0 && content.torn > 0 && i + 1 < list.count)
			code = ota_fail(error, OTA_ECORRUPT, "ends in a broken record although another segment follows");
		if (code == 0)
			code = segment_adopt(journal, &opening, &content, error);
		if (code != 0)
			code = ota_error_prefix(error, code, "%s", name);
	}
	ota_bytes_free(&opening.file);
	return code;
}

/* Tells the way out of a journal that cannot be used. */
static int explain(int code, struct ota_error *error)
{
	if (code == OTA_ECORRUPT && error) {
		struct ota_error cause = *error;
		ota_fail(error, code, "%s; to start without the reports in it, move the journal's files to another place",
			 cause.text);
	}
	return ota_error_prefix(error, code, "journal");
}

static void journal_init(struct ota_journal *journal, const struct ota_journal_options *options)
{
	journal->directory = journal->lock = -1;
	journal->writer.fd = journal->reader.fd = -1;
	journal->reader.finished_tail = &journal->reader.finished;
	journal->segment_bytes = options->segment_bytes ? options->segment_bytes : OTA_JOURNAL_SEGMENT_BYTES;
	journal->segments_max = options->limit_bytes / journal->segment_bytes;
	if (journal->segments_max < 2)
		journal->segments_max = 2;
	journal->writer.next = options->applied + 1;
	snprintf(journal->uuid, sizeof(journal->uuid), "%s", options->store_uuid);
}

static int directory_take(struct ota_journal *journal, const char *path, struct ota_error *error)
{
	int code = ota_file_make_directories(path, 0700, error);
	if (code == 0)
		code = ota_file_lock(path, "lock", &journal->lock, error);
	if (code != 0)
		return code;
	journal->directory = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return journal->directory < 0 ? ota_fail_errno(error, "cannot open %s", path) : 0;
}

int ota_journal_open(const struct ota_journal_options *options, struct ota_journal **ret_journal, struct ota_error *error)
{
	struct ota_journal *journal = calloc(1, sizeof(*journal));
	if (!journal)
		return ota_fail(error, OTA_ENOMEM, "no memory for the journal");
	journal_init(journal, options);
	int code = directory_take(journal, options->directory, error);
	if (code == 0)
		code = segments_adopt(journal, options, error);
	if (code != 0) {
		ota_journal_free(journal);
		return explain(code, error);
	}
	if (journal->reader.first == 0)
		journal->reader.next = journal->writer.next;
	*ret_journal = journal;
	return 0;
}

struct ota_journal *ota_journal_free(struct ota_journal *journal)
{
	if (!journal)
		return NULL;
	while (journal->reader.finished) {
		struct finished *next = journal->reader.finished->next;
		free(journal->reader.finished);
		journal->reader.finished = next;
	}
	ota_fd_cleanup(&journal->writer.fd);
	ota_fd_cleanup(&journal->reader.fd);
	ota_fd_cleanup(&journal->directory);
	ota_fd_cleanup(&journal->lock);
	ota_bytes_free(&journal->writer.buffer);
	free(journal);
	return NULL;
}

uint64_t ota_journal_first(const struct ota_journal *journal)
{
	return journal->reader.next;
}

uint64_t ota_journal_last(const struct ota_journal *journal)
{
	return journal->writer.next - 1;
}

int64_t ota_journal_last_heard_ms(const struct ota_journal *journal)
{
	return journal->last_heard_ms;
}

size_t ota_journal_torn_bytes(const struct ota_journal *journal)
{
	return journal->torn;
}

uint64_t ota_journal_bytes(const struct ota_journal *journal)
{
	return atomic_load_explicit(&journal->segments, memory_order_relaxed) * journal->segment_bytes;
}

/* --- append: the broker's thread --- */

static int writer_begin_segment(struct ota_journal *journal, struct ota_error *error)
{
	if (atomic_load(&journal->segments) >= journal->segments_max)
		return ota_fail(error, OTA_ELIMIT, "the journal is full: the store does not keep up");
	ota_fd_cleanup(&journal->writer.fd);
	journal->writer.fd = -1;
	int code = ota_segment_create(journal->directory, journal->writer.next, journal->uuid, journal->segment_bytes,
				      &journal->writer.fd, error);
	if (code != 0)
		return code;
	atomic_fetch_add(&journal->segments, 1);
	journal->writer.offset = OTA_SEGMENT_HEADER;
	return 0;
}

static int writer_put(struct ota_journal *journal, struct ota_error *error)
{
	struct ota_bytes *buffer = &journal->writer.buffer;
	bool fits = journal->writer.fd >= 0 && journal->writer.offset + buffer->size <= journal->segment_bytes;
	int code = fits ? 0 : writer_begin_segment(journal, error);
	if (code != 0)
		return code;
	ssize_t written = pwrite(journal->writer.fd, buffer->data, buffer->size, (off_t)journal->writer.offset);
	if (written < 0)
		return ota_fail_errno(error, "cannot write to the journal");
	/* The offset stays: the next append writes over the piece. */
	if ((size_t)written != buffer->size)
		return ota_fail(error, OTA_EIO, "cannot write to the journal: a short write");
	return 0;
}

int ota_journal_append(struct ota_journal *journal, struct ota_record *record, struct ota_error *error)
{
	record->sequence = journal->writer.next;
	ota_bytes_clear(&journal->writer.buffer);
	if (!ota_record_write(record, &journal->writer.buffer)) {
		ota_bytes_free(&journal->writer.buffer);
		return ota_fail(error, OTA_EINVALID, "the report cannot stand in the journal");
	}
	int code = writer_put(journal, error);
	if (code != 0)
		return code;
	journal->writer.offset += journal->writer.buffer.size;
	journal->writer.next++;
	return 0;
}

/* --- read and release: the worker's thread --- */

static int segment_open(const struct ota_journal *journal, uint64_t first, int *ret_fd, struct ota_error *error)
{
	char name[OTA_SEGMENT_NAME_SIZE];
	ota_segment_name(name, first);
	int fd = openat(journal->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return ota_fail_errno(error, "record %llu is not in the journal: %s", (unsigned long long)journal->reader.next,
				      name);
	*ret_fd = fd;
	return 0;
}

static int reader_begin_segment(struct ota_journal *journal, struct ota_error *error)
{
	bool adopted = journal->reader.first != 0; /* found at open: it begins in the middle */
	int code = segment_open(journal, adopted ? journal->reader.first : journal->reader.next, &journal->reader.fd, error);
	if (code != 0 || adopted)
		return code;
	journal->reader.first = journal->reader.next;
	journal->reader.offset = OTA_SEGMENT_HEADER;
	return 0;
}

/* Leaves a segment that is read to its end for the one named by the next sequence. If there is none, the end was no end: nothing
 * changes. */
static int reader_next_segment(struct ota_journal *journal, struct ota_error *error)
{
	int fd = -1;
	struct finished *finished = malloc(sizeof(*finished));
	int code = finished ? segment_open(journal, journal->reader.next, &fd, error)
			    : ota_fail(error, OTA_ENOMEM, "no memory to follow the journal");
	if (code != 0) {
		free(finished);
		return code;
	}
	*finished = (struct finished){.first = journal->reader.first, .last = journal->reader.next - 1};
	*journal->reader.finished_tail = finished;
	journal->reader.finished_tail = &finished->next;
	ota_fd_cleanup(&journal->reader.fd);
	journal->reader.fd = fd;
	journal->reader.first = journal->reader.next;
	journal->reader.offset = OTA_SEGMENT_HEADER;
	return 0;
}

/* 1 = a head was read, 0 = the written part ends here, or an error. */
static int reader_head(struct ota_journal *journal, size_t *ret_body_size, uint32_t *ret_crc, struct ota_error *error)
{
	unsigned char head[OTA_RECORD_HEAD];
	ssize_t got = pread(journal->reader.fd, head, sizeof(head), (off_t)journal->reader.offset);
	if (got < 0)
		return ota_fail_errno(error, "cannot read the journal");
	return got == (ssize_t)sizeof(head) && ota_record_read_head(head, ret_body_size, ret_crc) ? 1 : 0;
}

static int reader_body(struct ota_journal *journal, size_t body_size, struct ota_bytes *storage, struct ota_error *error)
{
	char *body = malloc(body_size);
	if (!body)
		return ota_fail(error, OTA_ENOMEM, "no memory to read the journal");
	ota_bytes_free(storage);
	*storage = (struct ota_bytes){.data = body, .size = body_size, .capacity = body_size};
	if (pread(journal->reader.fd, body, body_size, (off_t)journal->reader.offset + OTA_RECORD_HEAD) != (ssize_t)body_size)
		return ota_fail_errno(error, "cannot read the journal");
	return 0;
}

/* Finds the head of the next record, in this segment or at the start of the next one. */
static int reader_seek(struct ota_journal *journal, size_t *ret_body_size, uint32_t *ret_crc, struct ota_error *error)
{
	int code = journal->reader.fd < 0 ? reader_begin_segment(journal, error) : 0;
	if (code != 0)
		return code;
	int found = reader_head(journal, ret_body_size, ret_crc, error);
	if (found != 0)
		return found < 0 ? found : 0;
	code = reader_next_segment(journal, error);
	if (code != 0)
		return code;
	found = reader_head(journal, ret_body_size, ret_crc, error);
	if (found == 0)
		return ota_fail(error, OTA_ECORRUPT, "record %llu is not in the journal",
				(unsigned long long)journal->reader.next);
	return found < 0 ? found : 0;
}

int ota_journal_read(struct ota_journal *journal, struct ota_bytes *storage, struct ota_record *ret_record,
		     struct ota_error *error)
{
	struct ota_record record;
	size_t body_size;
	uint32_t crc;
	int code = reader_seek(journal, &body_size, &crc, error);
	if (code == 0)
		code = reader_body(journal, body_size, storage, error);
	if (code != 0)
		return code;
	struct ota_span body = {.data = storage->data, .size = body_size};
	if (!ota_record_read_body(body, crc, &record) || record.sequence != journal->reader.next)
		return ota_fail(error, OTA_ECORRUPT, "record %llu is damaged", (unsigned long long)journal->reader.next);
	journal->reader.offset += OTA_RECORD_HEAD + body_size;
	journal->reader.next++;
	*ret_record = record;
	return 0;
}

void ota_journal_release(struct ota_journal *journal, uint64_t applied)
{
	while (journal->reader.finished && journal->reader.finished->last <= applied) {
		struct finished *finished = journal->reader.finished;
		journal->reader.finished = finished->next;
		if (!journal->reader.finished)
			journal->reader.finished_tail = &journal->reader.finished;
		segment_unlink(journal, finished->first);
		atomic_fetch_sub(&journal->segments, 1);
		free(finished);
	}
}
