#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "plugin/broker/segment.h"
#include "tests/unit/plugin/broker/reports.h"
#include "tests/unit/support/scratch.h"

static char directory[SCRATCH_SIZE];

static void setup(void)
{
	scratch_make(directory);
}

static void teardown(void)
{
	scratch_remove(directory);
}

TestSuite(journal, .init = setup, .fini = teardown);

static struct ota_journal *open_expected(uint64_t applied)
{
	struct ota_journal *journal = NULL;
	struct ota_error error = {0};
	cr_assert_eq(reports_open(directory, applied, &journal, &error), 0, "%s", error.text);
	return journal;
}

/* The sentence of an open that must be refused. */
static struct ota_error open_refused(uint64_t applied)
{
	struct ota_journal *journal = NULL;
	struct ota_error error = {0};
	cr_assert_neq(reports_open(directory, applied, &journal, &error), 0);
	return error;
}

static size_t segments_present(void)
{
	size_t count = 0;
	uint64_t first;
	DIR *listing = opendir(directory);
	for (struct dirent *entry; (entry = readdir(listing));)
		count += ota_segment_name_parse(entry->d_name, &first);
	closedir(listing);
	return count;
}

static void segment_path(char path[SCRATCH_SIZE], uint64_t first)
{
	char name[OTA_SEGMENT_NAME_SIZE];
	ota_segment_name(name, first);
	scratch_path(path, directory, name);
}

static struct ota_bytes file_read(const char *path)
{
	struct ota_bytes bytes = {0};
	cr_assert_eq(ota_file_read(path, 1 << 20, &bytes, NULL), 0);
	return bytes;
}

static void file_write(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert_eq(ota_file_write_all(fd, data, size, NULL), 0);
	close(fd);
}

/* Whether a sequence could be replayed: the newest segment that begins at or before it holds it. */
static bool is_on_disk(uint64_t sequence)
{
	char path[SCRATCH_SIZE];
	struct ota_segment_content content = {0};
	uint64_t first = sequence + 1;
	do
		segment_path(path, --first);
	while (first > 0 && access(path, F_OK) != 0);
	if (first == 0)
		return false;
	struct ota_bytes file = file_read(path);
	int code = ota_segment_scan((struct ota_span){file.data, file.size}, REPORTS_UUID, 0, &content, NULL);
	ota_bytes_free(&file);
	return code == 0 && content.next > sequence;
}

Test(journal, a_directory_has_one_owner)
{
	struct ota_journal *journal = open_expected(0);
	struct ota_error error = open_refused(0);
	cr_expect_eq(error.code, OTA_ECONFLICT);
	cr_expect(strstr(error.text, "in use by"), "%s", error.text);
	ota_journal_free(journal);
	ota_journal_free(open_expected(0));
}

Test(journal, gives_back_in_order_what_was_appended)
{
	struct ota_journal *journal = open_expected(0);
	reports_append(journal, 1, 200);
	reports_expect(journal, 1, 200);
	cr_expect_eq(ota_journal_last(journal), 200);
	cr_expect_gt(segments_present(), 3, "the test must cross segments");
	ota_journal_free(journal);
}

Test(journal, reading_follows_the_writing)
{
	struct ota_journal *journal = open_expected(0);
	for (uint64_t number = 1; number <= 100; number++) {
		reports_append(journal, number, number);
		reports_expect(journal, number, number);
	}
	ota_journal_free(journal);
}

Test(journal, after_a_restart_only_what_was_not_applied_comes_back)
{
	for (uint64_t applied = 0; applied <= 60; applied++) {
		struct ota_journal *journal = open_expected(0);
		reports_append(journal, 1, 60);
		ota_journal_free(journal);
		journal = open_expected(applied);
		cr_expect_eq(ota_journal_last(journal), 60);
		reports_expect(journal, applied + 1, 60);
		reports_append(journal, 61, 70);
		reports_expect(journal, 61, 70);
		ota_journal_free(journal);
		scratch_remove(directory);
		scratch_make(directory);
	}
}

Test(journal, remembers_when_its_last_record_was_heard)
{
	struct ota_journal *journal = open_expected(0);
	cr_expect_eq(ota_journal_last_heard_ms(journal), 0);
	reports_append(journal, 1, 42);
	ota_journal_free(journal);
	journal = open_expected(42);
	cr_expect_eq(ota_journal_last_heard_ms(journal), 1000 + 420);
	ota_journal_free(journal);
}

Test(journal, an_empty_directory_goes_on_where_the_store_stands)
{
	struct ota_journal *journal = open_expected(1000);
	reports_append(journal, 1001, 1003);
	reports_expect(journal, 1001, 1003);
	ota_journal_free(journal);
}

Test(journal, a_segment_goes_only_when_a_commit_covers_it)
{
	struct ota_journal *journal = open_expected(0);
	reports_append(journal, 1, 100);
	size_t all = segments_present();
	reports_expect(journal, 1, 100);
	cr_expect_eq(segments_present(), all, "read is not applied");
	for (uint64_t applied = 0; applied < 100; applied++) {
		ota_journal_release(journal, applied);
		cr_assert(is_on_disk(applied + 1), "record %llu", (unsigned long long)applied + 1);
	}
	ota_journal_release(journal, 100);
	cr_expect_eq(segments_present(), 1, "the one that is written to stays");
	cr_expect_eq(ota_journal_bytes(journal), 4096);
	ota_journal_free(journal);
}

Test(journal, a_segment_goes_with_the_very_commit_that_covers_its_last_record)
{
	struct ota_journal *journal = open_expected(0);
	char path[SCRATCH_SIZE];
	uint64_t second = 2;
	reports_append(journal, 1, 100);
	reports_expect(journal, 1, 100);
	for (segment_path(path, second); access(path, F_OK) != 0; segment_path(path, ++second))
		;
	segment_path(path, 1);
	ota_journal_release(journal, second - 2);
	cr_expect_eq(access(path, F_OK), 0);
	ota_journal_release(journal, second - 1);
	cr_expect_neq(access(path, F_OK), 0);
	ota_journal_free(journal);
}

Test(journal, the_cap_refuses_and_space_comes_back_with_a_commit)
{
	struct ota_journal_options options = {
		.directory = directory, .store_uuid = REPORTS_UUID, .limit_bytes = 3 * 4096, .segment_bytes = 4096};
	struct ota_journal *journal = NULL;
	struct ota_error error = {0};
	uint64_t fitted = 0;
	cr_assert_eq(ota_journal_open(&options, &journal, &error), 0);
	for (int code = 0; code == 0;) {
		struct ota_record record = report_make(fitted + 1);
		code = ota_journal_append(journal, &record, &error);
		fitted += code == 0;
	}
	cr_expect_eq(error.code, OTA_ELIMIT);
	cr_expect_eq(ota_journal_bytes(journal), options.limit_bytes);
	cr_expect_eq(segments_present(), 3);
	reports_expect(journal, 1, fitted);
	ota_journal_release(journal, fitted);
	reports_append(journal, fitted + 1, fitted + 5);
	reports_expect(journal, fitted + 1, fitted + 5);
	ota_journal_free(journal);
}

Test(journal, an_append_that_no_crash_let_end_is_cut_at_every_byte)
{
	struct ota_journal *journal = open_expected(0);
	char path[SCRATCH_SIZE];
	reports_append(journal, 1, 5);
	ota_journal_free(journal);
	segment_path(path, 1);
	struct ota_bytes whole = file_read(path);
	struct ota_segment_content content;
	cr_assert_eq(ota_segment_scan((struct ota_span){whole.data, whole.size}, REPORTS_UUID, 0, &content, NULL), 0);
	struct ota_bytes record = {0};
	struct ota_record sixth = report_make(6);
	sixth.sequence = 6;
	cr_assert(ota_record_write(&sixth, &record));
	for (size_t torn = 0; torn < record.size; torn++) {
		struct ota_bytes file = {0};
		ota_bytes_append(&file, whole.data, whole.size);
		memcpy(file.data + content.end, record.data, torn);
		file_write(path, file.data, file.size);
		journal = open_expected(0);
		cr_assert_eq(ota_journal_last(journal), 5, "%zu bytes of the sixth", torn);
		reports_append(journal, 6, 8);
		ota_journal_free(journal);
		journal = open_expected(2);
		reports_expect(journal, 3, 8);
		ota_journal_free(journal);
		ota_bytes_free(&file);
		scratch_remove(directory);
		scratch_make(directory);
		segment_path(path, 1);
	}
	ota_bytes_free(&record);
	ota_bytes_free(&whole);
}

/* Every bit of a segment with three records: either the journal is refused, or nothing that was acknowledged is missing but the
 * last record, whose damage looks like the torn end of a crash. */
Test(journal, a_flipped_bit_is_refused_or_cuts_the_last_record_alone)
{
	struct ota_journal *journal = open_expected(0);
	char path[SCRATCH_SIZE];
	reports_append(journal, 1, 3);
	ota_journal_free(journal);
	segment_path(path, 1);
	struct ota_bytes whole = file_read(path);
	struct ota_segment_content content;
	struct ota_span file = {whole.data, whole.size};
	cr_assert_eq(ota_segment_scan(file, REPORTS_UUID, 2, &content, NULL), 0);
	size_t last_begins = content.unapplied, end = content.end;
	for (size_t bit = 0; bit < end * 8; bit++) {
		whole.data[bit / 8] ^= (char)(1 << bit % 8);
		int code = ota_segment_scan(file, REPORTS_UUID, 0, &content, NULL);
		bool in_padding = bit / 8 >= 60 && bit / 8 < OTA_SEGMENT_HEADER;
		if (in_padding)
			cr_expect_eq(code, 0);
		else if (bit / 8 < last_begins)
			cr_expect_neq(code, 0, "bit %zu of byte %zu", bit % 8, bit / 8);
		else
			cr_expect(code == 0 && content.next == 3 && content.torn > 0, "bit %zu of byte %zu", bit % 8, bit / 8);
		whole.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	ota_bytes_free(&whole);
}

static void expect_refused(uint64_t applied, const char *words)
{
	struct ota_error error = open_refused(applied);
	cr_expect_eq(error.code, OTA_ECORRUPT);
	cr_expect(strstr(error.text, words), "\"%s\" does not say \"%s\"", error.text, words);
	cr_expect(strstr(error.text, "move the journal's files"), "\"%s\" does not say what to do", error.text);
}

Test(journal, another_stores_reports_stop_the_start)
{
	struct ota_journal_options options = {.directory = directory,
					      .store_uuid = "ffffffff-ffff-ffff-ffff-ffffffffffff",
					      .limit_bytes = 1 << 20,
					      .segment_bytes = 4096};
	struct ota_journal *journal = NULL;
	cr_assert_eq(ota_journal_open(&options, &journal, NULL), 0);
	reports_append(journal, 1, 1);
	ota_journal_free(journal);
	expect_refused(0, "belongs to another store");
}

Test(journal, a_gap_to_the_store_stops_the_start)
{
	struct ota_journal *journal = open_expected(10);
	reports_append(journal, 11, 12);
	ota_journal_free(journal);
	expect_refused(9, "begins at 11, but 10 should come next");
	journal = open_expected(10);
	reports_expect(journal, 11, 12);
	ota_journal_free(journal);
}

Test(journal, a_missing_segment_stops_the_start)
{
	struct ota_journal *journal = open_expected(0);
	uint64_t firsts[3] = {0}, found = 0;
	char path[SCRATCH_SIZE];
	reports_append(journal, 1, 100);
	ota_journal_free(journal);
	for (uint64_t number = 1; number <= 100 && found < 3; number++) {
		segment_path(path, number);
		if (access(path, F_OK) == 0)
			firsts[found++] = number;
	}
	segment_path(path, firsts[1]);
	unlink(path);
	expect_refused(0, "should come next");
	expect_refused(firsts[1] - 1, "should come next");
	journal = open_expected(firsts[2] - 1);
	ota_journal_free(journal);
}

/* A segment with one record of a given sequence behind those it may have. */
static void put_record(uint64_t first, size_t offset, uint64_t sequence)
{
	struct ota_bytes bytes = {0};
	struct ota_record record = report_make(sequence);
	char path[SCRATCH_SIZE];
	record.sequence = sequence;
	cr_assert(ota_record_write(&record, &bytes));
	segment_path(path, first);
	int fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, bytes.data, bytes.size, (off_t)offset), (ssize_t)bytes.size);
	close(fd);
	ota_bytes_free(&bytes);
}

static struct ota_segment_content content_of(uint64_t first, uint64_t applied)
{
	char path[SCRATCH_SIZE];
	struct ota_segment_content content = {0};
	segment_path(path, first);
	struct ota_bytes file = file_read(path);
	cr_assert_eq(ota_segment_scan((struct ota_span){file.data, file.size}, REPORTS_UUID, applied, &content, NULL), 0);
	ota_bytes_free(&file);
	return content;
}

Test(journal, a_sequence_that_jumps_within_a_segment_stops_the_start)
{
	struct ota_journal *journal = open_expected(0);
	reports_append(journal, 1, 2);
	ota_journal_free(journal);
	put_record(1, content_of(1, 0).end, 4);
	expect_refused(0, "record 4 where 3 should be");
}

Test(journal, a_segment_that_repeats_sequences_stops_the_start)
{
	struct ota_journal *journal = open_expected(0);
	int directory_fd = open(directory, O_RDONLY | O_DIRECTORY), fd;
	reports_append(journal, 1, 3);
	ota_journal_free(journal);
	cr_assert_eq(ota_segment_create(directory_fd, 2, REPORTS_UUID, 4096, &fd, NULL), 0);
	put_record(2, OTA_SEGMENT_HEADER, 2);
	expect_refused(0, "begins at 2, but 4 should come next");
	close(fd);
	close(directory_fd);
}

Test(journal, the_reader_takes_no_record_for_another)
{
	struct ota_journal *journal = open_expected(0);
	struct ota_bytes storage = {0};
	struct ota_record record;
	reports_append(journal, 1, 2);
	reports_expect(journal, 1, 1);
	put_record(1, content_of(1, 1).unapplied, 9);
	cr_expect_eq(ota_journal_read(journal, &storage, &record, NULL), OTA_ECORRUPT);
	ota_bytes_free(&storage);
	ota_journal_free(journal);
}

Test(journal, what_is_no_segment_stops_the_start)
{
	char path[SCRATCH_SIZE];
	segment_path(path, 1);
	file_write(path, "something else", 14);
	expect_refused(0, "is no journal segment");
	file_write(path, "", 0);
	expect_refused(0, "is no journal segment");
}

Test(journal, a_newer_format_is_told_from_damage)
{
	struct ota_journal *journal = open_expected(0);
	char path[SCRATCH_SIZE];
	reports_append(journal, 1, 1);
	ota_journal_free(journal);
	segment_path(path, 1);
	struct ota_bytes file = file_read(path);
	file.data[8] = 2;
	file_write(path, file.data, file.size);
	ota_bytes_free(&file);
	cr_expect_eq(open_refused(0).code, OTA_EVERSION);
}

Test(journal, files_of_others_are_left_alone)
{
	struct ota_journal *journal;
	char path[SCRATCH_SIZE];
	scratch_write(directory, "journal-note", "x");
	scratch_write(directory, "quarantine-7", "x");
	journal = open_expected(0);
	reports_append(journal, 1, 1);
	ota_journal_free(journal);
	scratch_path(path, directory, "quarantine-7");
	cr_expect_eq(access(path, F_OK), 0);
}

Test(journal, a_record_damaged_under_the_reader_is_never_passed_over)
{
	struct ota_journal *journal = open_expected(0);
	struct ota_bytes storage = {0};
	struct ota_record record;
	struct ota_error error = {0};
	char path[SCRATCH_SIZE];
	reports_append(journal, 1, 3);
	reports_expect(journal, 1, 1);
	segment_path(path, 1);
	struct ota_bytes file = file_read(path);
	struct ota_segment_content content;
	ota_segment_scan((struct ota_span){file.data, file.size}, REPORTS_UUID, 1, &content, NULL);
	int fd = open(path, O_WRONLY);
	cr_assert_eq(pwrite(fd, "\0\0\0\0", 4, (off_t)content.unapplied), 4);
	for (int times = 0; times < 3; times++)
		cr_expect_neq(ota_journal_read(journal, &storage, &record, &error), 0);
	ota_journal_release(journal, 1);
	cr_expect_eq(segments_present(), 1, "what could not be read is not thrown away");
	cr_assert_eq(pwrite(fd, file.data + content.unapplied, 4, (off_t)content.unapplied), 4);
	reports_expect(journal, 2, 3);
	close(fd);
	ota_bytes_free(&file);
	ota_bytes_free(&storage);
	ota_journal_free(journal);
}

/* --- a writer that is killed in the middle --- */

static _Noreturn void writer_run(int told)
{
	struct ota_journal *journal = NULL;
	if (reports_open(directory, 0, &journal, NULL) != 0)
		_exit(1);
	for (uint64_t number = 1;; number++) {
		struct ota_record record = report_make(number);
		if (ota_journal_append(journal, &record, NULL) != 0 || write(told, &number, sizeof(number)) != sizeof(number))
			pause(); /* full: wait for the kill */
	}
}

/* What was told, the writer had appended before. */
static uint64_t last_told(int told)
{
	uint64_t number, last = 0;
	while (read(told, &number, sizeof(number)) == sizeof(number))
		last = number;
	return last;
}

static void kill_once(unsigned pause_us)
{
	int ends[2];
	cr_assert_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		writer_run(ends[1]);
	}
	close(ends[1]);
	uint64_t number;
	cr_assert_eq(read(ends[0], &number, sizeof(number)), (ssize_t)sizeof(number), "the writer began");
	usleep(pause_us); /* the moment of the kill, not a wait for something */
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	uint64_t last = last_told(ends[0]);
	close(ends[0]);
	struct ota_journal *journal = open_expected(0);
	cr_expect_geq(ota_journal_last(journal), last == 0 ? number : last);
	reports_expect(journal, 1, ota_journal_last(journal));
	ota_journal_free(journal);
}

Test(journal, every_record_whose_append_returned_survives_a_kill)
{
	for (unsigned times = 0; times < 40; times++) {
		kill_once(times * 37 % 500);
		scratch_remove(directory);
		scratch_make(directory);
	}
}
