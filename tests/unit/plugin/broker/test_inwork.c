#include <criterion/criterion.h>
#include <unistd.h>

#include "common/file.h"
#include "plugin/broker/inwork.h"
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

TestSuite(inwork, .init = setup, .fini = teardown);

static struct ota_inwork start(uint64_t applied)
{
	struct ota_inwork inwork;
	struct ota_error error = {0};
	cr_assert_eq(ota_inwork_open(&inwork, directory, applied, &error), 0, "%s", error.text);
	return inwork;
}

/* One run of the worker that dies with these in work. */
static void crash(uint64_t applied, uint64_t first, uint64_t last)
{
	struct ota_inwork inwork = start(applied);
	ota_inwork_begin(&inwork, first, last);
	ota_inwork_close(&inwork);
}

static void expect_start(uint64_t applied, uint64_t suspect_last, uint64_t culprit)
{
	struct ota_inwork inwork = start(applied);
	cr_expect_eq(inwork.suspect_last, suspect_last);
	cr_expect_eq(inwork.culprit, culprit);
	ota_inwork_close(&inwork);
}

Test(inwork, a_first_start_suspects_nothing)
{
	expect_start(0, 0, 0);
	expect_start(100, 0, 0);
}

Test(inwork, a_clean_stop_suspects_nothing)
{
	struct ota_inwork inwork = start(10);
	ota_inwork_begin(&inwork, 11, 20);
	ota_inwork_end(&inwork);
	ota_inwork_close(&inwork);
	expect_start(10, 0, 0);
}

Test(inwork, what_was_in_work_at_a_crash_is_applied_one_by_one)
{
	crash(10, 11, 20);
	expect_start(10, 20, 0);
}

Test(inwork, a_commit_before_the_crash_clears_them)
{
	crash(10, 11, 20);
	expect_start(20, 0, 0);
}

Test(inwork, alone_in_work_at_three_crashes_is_the_culprit)
{
	crash(10, 11, 20);
	crash(13, 14, 14);
	crash(13, 14, 14);
	crash(13, 14, 14);
	expect_start(13, 20, 14);
}

Test(inwork, alone_in_work_at_two_crashes_is_no_culprit_yet)
{
	crash(10, 11, 20);
	crash(13, 14, 14);
	crash(13, 14, 14);
	expect_start(13, 20, 0);
}

Test(inwork, one_that_came_alone_is_the_culprit_at_its_third_crash)
{
	crash(10, 11, 11);
	crash(10, 11, 11);
	crash(10, 11, 11);
	expect_start(10, 11, 11);
}

Test(inwork, another_record_between_two_crashes_begins_the_count_anew)
{
	crash(10, 11, 11);
	crash(10, 11, 11);
	crash(11, 12, 12);
	expect_start(11, 12, 0);
}

Test(inwork, those_behind_the_culprit_stay_suspect)
{
	crash(10, 11, 20);
	for (int i = 0; i < OTA_INWORK_CRASHES; i++)
		crash(13, 14, 14);
	struct ota_inwork inwork = start(13);
	cr_assert_eq(inwork.culprit, 14);
	ota_inwork_begin(&inwork, 15, 15);
	ota_inwork_end(&inwork);
	ota_inwork_close(&inwork);
	expect_start(15, 20, 0);
}

Test(inwork, a_broken_marker_counts_as_nothing)
{
	crash(10, 11, 20);
	scratch_write(directory, "in-work", "garbage that is long enough to be read as a marker");
	expect_start(10, 0, 0);
}

Test(inwork, what_is_set_aside_can_be_read_again)
{
	struct ota_bytes bytes = {0};
	char path[SCRATCH_SIZE];
	cr_assert_eq(ota_quarantine_write(directory, 14, ota_span_from_text("the record"), NULL), 0);
	scratch_path(path, directory, "quarantine-14");
	cr_assert_eq(ota_file_read(path, 100, &bytes, NULL), 0);
	cr_expect_str_eq(bytes.data, "the record");
	ota_bytes_free(&bytes);
}
