/* A full disk and a kill: never an acknowledged commit lost, and the store works again when there is room. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "fixture.h"

TestSuite(disk, .init = fixture_open, .fini = fixture_close);

/* Events until something fails. Returns the code; *ret_committed counts what was acknowledged. A commit that failed has left no
 * transaction. */
static int fill_up(struct ota_store *store, int *ret_committed)
{
	struct ota_error error = {0};
	struct ota_event event = {.event = "test"};
	int status = 0;

	memset(event.detail, 'x', sizeof(event.detail) - 1);
	while (status == 0) {
		status = ota_store_begin(store, &error);
		event.id = status == 0 ? ota_store_new_id(store, &error) : 0;
		if (status == 0 && event.id == 0)
			status = error.code;
		if (status == 0)
			status = ota_event_insert(store, &event, &error);
		if (status < 0)
			ota_store_rollback(store);
		else
			status = ota_store_commit(store, &error);
		*ret_committed += status == 0;
	}
	return error.text[0] ? status : OTA_ECANCELED;
}

static int64_t events_count(struct ota_store *store)
{
	static struct ota_event rows[500];
	struct ota_event_filter filter = {0};
	struct ota_event_page page = {.rows = rows, .capacity = 500};
	int64_t seen = 0;

	do {
		if (ota_event_list(store, &filter, &page, NULL) < 0)
			return -1;
		seen += (int64_t)page.count;
		filter.before = page.last;
	} while (page.more);
	return seen;
}

static int files_limit(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

	return setrlimit(RLIMIT_FSIZE, &limit);
}

static int events_commit(struct ota_store *store, int count)
{
	struct ota_event event = {.event = "test"};
	int status = ota_store_begin(store, NULL);

	for (int i = 0; i < count && status == 0; i++) {
		event.id = ota_store_new_id(store, NULL);
		status = ota_event_insert(store, &event, NULL);
	}
	return status == 0 ? ota_store_commit(store, NULL) : status;
}

/* In a child, because the limit is the process's: fills up, then has room again. */
static int limited_run(void)
{
	struct ota_store *store = NULL;
	int committed = 0, code = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (files_limit(512 * 1024) < 0 || ota_store_open(fixture.directory, &store, NULL) < 0)
		return 1;
	code = fill_up(store, &committed);
	if (code != OTA_ELIMIT && code != OTA_EIO)
		return 2;
	if (files_limit(RLIM_INFINITY) < 0)
		return 3;
	if (ota_store_begin(store, NULL) < 0 || events_count(store) != committed || committed == 0)
		return 4;
	ota_store_rollback(store);
	if (events_commit(store, 10) < 0)
		return 5;
	ota_store_free(store);
	return 0;
}

Test(disk, a_file_size_limit_is_survived)
{
	fixture_stop();
	cr_expect_eq(in_child(limited_run), 0);
	MUST(fixture_start());
}

/* Ids are leased inside a transaction whose commit fails: they are in the row again, and may not be given out from memory. */
static int refused_commit_run(void)
{
	struct ota_store *store = NULL;

	signal(SIGXFSZ, SIG_IGN);
	if (ota_store_open(fixture.directory, &store, NULL) < 0 || ota_store_begin(store, NULL) < 0)
		return 1;
	while (ota_store_new_id(store, NULL) % 1000 != 0)
		;
	if (ota_store_commit(store, NULL) < 0 || files_limit(4096) < 0)
		return 2;
	if (events_commit(store, 1) >= 0)
		return 3;
	if (files_limit(RLIM_INFINITY) < 0 || events_commit(store, 10) < 0)
		return 4;
	store = ota_store_free(store);
	if (ota_store_open(fixture.directory, &store, NULL) < 0 || events_commit(store, 10) < 0)
		return 5;
	store = ota_store_free(store);
	return 0;
}

Test(disk, a_commit_that_failed_has_rolled_back_and_returned_its_ids)
{
	fixture_stop();
	cr_expect_eq(in_child(refused_commit_run), 0);
}

struct full_disk {
	int opened, code, committed;
	int64_t found, found_again;
	int begun, used;
	char text[OTA_ERROR_TEXT_MAX];
};

/* The disk is filled by the store, then gets room; the same store, and one opened anew, hold what was acknowledged. */
static struct full_disk full_disk_run(const char *directory)
{
	struct full_disk result = {0};
	struct ota_store *store = NULL;

	result.opened = ota_store_open(directory, &store, NULL);
	if (result.opened < 0)
		return result;
	result.code = fill_up(store, &result.committed);
	mount("tmpfs", directory, "tmpfs", MS_REMOUNT, "size=16m");
	result.begun = ota_store_begin(store, NULL);
	result.found = events_count(store);
	ota_store_rollback(store);
	result.used = fill_up(store, &(int){0});
	store = ota_store_free(store);
	mount("tmpfs", directory, "tmpfs", MS_REMOUNT, "size=64m");
	if (ota_store_open(directory, &store, NULL) == 0) {
		(void)ota_store_begin(store, NULL);
		result.found_again = events_count(store);
	}
	ota_store_free(store);
	return result;
}

Test(disk, a_full_disk_is_a_limit_and_is_survived)
{
	char directory[SCRATCH_SIZE];
	struct full_disk result;

	fixture_stop();
	scratch_path(directory, fixture.directory, "disk");
	cr_assert_eq(mkdir(directory, 0700), 0);
	if (mount("tmpfs", directory, "tmpfs", 0, "size=2m") < 0)
		fixture_skip("mounting a tmpfs needs root", errno);
	result = full_disk_run(directory);
	umount2(directory, MNT_DETACH);
	cr_assert_eq(result.opened, 0);
	cr_expect_eq(result.code, OTA_ELIMIT, "%d", result.code);
	cr_expect_gt(result.committed, 10);
	cr_expect_eq(result.begun, 0);
	cr_expect_eq(result.found, result.committed);
	cr_expect_eq(result.used, OTA_ELIMIT, "full once more: %d", result.used);
	cr_expect_gt(result.found_again, result.committed);
}

/* Nothing can be written, not even the log's index: the sentence must name the disk, and the start must work when there is room.
 */
static int open_on_full_disk(const char *directory, char *text, int *ret_again)
{
	static const char block[4096];
	struct ota_store *store = NULL;
	struct ota_error error = {0};
	char path[SCRATCH_SIZE + 8];
	int status = ota_store_open(directory, &store, &error);

	store = ota_store_free(store);
	if (status < 0)
		return status;
	snprintf(path, sizeof(path), "%s/filler", directory);
	OTA_AUTO_CLOSE int filler = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(filler, block, sizeof(block)) == (ssize_t)sizeof(block))
		;
	status = ota_store_open(directory, &store, &error);
	snprintf(text, OTA_ERROR_TEXT_MAX, "%s", error.text);
	unlink(path);
	if (ftruncate(filler, 0) == 0)
		*ret_again = ota_store_open(directory, &store, &error);
	ota_store_free(store);
	return status;
}

Test(disk, a_start_on_a_full_disk_says_so)
{
	char directory[SCRATCH_SIZE], text[OTA_ERROR_TEXT_MAX] = "";
	int status = 0, again = 0;

	fixture_stop();
	scratch_path(directory, fixture.directory, "disk");
	cr_assert_eq(mkdir(directory, 0700), 0);
	if (mount("tmpfs", directory, "tmpfs", 0, "size=2m") < 0)
		fixture_skip("mounting a tmpfs needs root", errno);
	status = open_on_full_disk(directory, text, &again);
	umount2(directory, MNT_DETACH);
	cr_expect_eq(status, OTA_ELIMIT, "%d: %s", status, text);
	cr_expect(strstr(text, "No space left on device"), "%s", text);
	cr_expect_eq(again, 0);
}

/* ---- kills ---- */

/* The child commits and tells each commit to its parent through a pipe, like a PUBACK; its parent kills it in the middle. */
static void commit_and_tell(int pipe_out)
{
	struct ota_store *store = NULL;
	struct ota_event event = {.event = "test"};

	if (ota_store_open(fixture.directory, &store, NULL) < 0)
		_exit(1);
	for (;;) {
		if (ota_store_begin(store, NULL) < 0)
			_exit(2);
		for (int i = 0; i < 20; i++) {
			event.id = ota_store_new_id(store, NULL);
			if (event.id == 0 || ota_event_insert(store, &event, NULL) < 0)
				_exit(3);
		}
		if (event.id % 3 == 0 && ota_store_save_node(store, 1, (uint64_t)event.id, 0, NULL) < 0)
			_exit(4);
		if (ota_store_commit(store, NULL) < 0)
			_exit(5);
		if (write(pipe_out, &event.id, sizeof(event.id)) != sizeof(event.id))
			_exit(6);
		if (event.id % 7 == 0 && ota_store_checkpoint(store, NULL) < 0)
			_exit(7);
	}
}

/* Returns the last id the child acknowledged before it was killed after `commits` of them. */
static int64_t kill_after(int commits)
{
	int ends[2], status = 0;
	int64_t id = 0, next = 0;
	pid_t child;

	cr_assert_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		commit_and_tell(ends[1]);
	}
	close(ends[1]);
	for (int i = 0; i < commits && read(ends[0], &next, sizeof(next)) == sizeof(next); i++)
		id = next;
	kill(child, SIGKILL);
	while (read(ends[0], &next, sizeof(next)) == sizeof(next))
		id = next;
	close(ends[0]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status), "the child left by itself: %d", WEXITSTATUS(status));
	return id;
}

Test(disk, acknowledged_commits_survive_a_kill)
{
	fixture_stop();
	for (int round = 1; round <= 12; round++) {
		int64_t acknowledged = kill_after(round * 5), newest = 0;

		cr_assert_gt(acknowledged, 0);
		MUST(fixture_start());
		MUST(ota_store_begin(fixture.store, &fixture.error));
		MUST(ota_event_newest(fixture.store, &newest, &fixture.error));
		cr_expect_geq(newest, acknowledged, "round %d", round);
		cr_expect_eq(events_count(fixture.store) % 20, 0, "a commit is there whole or not at all");
		fixture_stop();
		cr_expect_eq(sql_integer("SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
	}
}
