/* Backup and restore: whole or not at all, wherever a crash cuts them. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "fixture.h"
#include "plugin/store/handle.h"
#include "plugin/store/restore.h"
#include "tests/unit/support/kill_steps.h"

enum { STEPS_MAX = 2000, NOW_MS = 1795188000 };

static char backups[SCRATCH_SIZE], url_key[SCRATCH_SIZE], secret_key[SCRATCH_SIZE];
static struct ota_key_file keys[2];

/* In memory where there is some: each of the many runs below syncs as a server does. */
static void open_all(void)
{
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	fixture_open();
	scratch_path(backups, fixture.directory, "backups");
	scratch_path(url_key, fixture.directory, "url.key");
	scratch_path(secret_key, fixture.directory, "secret.key");
	keys[0] = (struct ota_key_file){"url.key", url_key, false};
	keys[1] = (struct ota_key_file){"secret.key", secret_key, true};
}

TestSuite(backup, .init = open_all, .fini = fixture_close);

static bool beat(void *context, int percent)
{
	(void)context;
	return percent >= 0;
}

static bool beat_no_more(void *context, int percent)
{
	(void)context;
	return percent < 75;
}

static int backup_make(struct ota_store *store, const struct ota_backup_options *given, struct ota_backup *ret_backup)
{
	static const struct ota_pulse pulse = {beat, NULL};
	struct ota_backup_options options = *given;
	char path[SCRATCH_SIZE];
	struct ota_db *db = NULL;
	int status = 0;

	(void)store;
	scratch_path(path, fixture.directory, OTA_STORE_FILE);
	options.directory = backups;
	options.keys = keys;
	options.key_count = 2;
	options.now_ms = given->now_ms ? given->now_ms : NOW_MS;
	options.name = given->name ? given->name : "";
	options.pulse = given->pulse ? given->pulse : &pulse;
	status = ota_db_open_beside(path, &db, &fixture.error);
	if (status == 0)
		status = ota_backup_make(db, &options, ret_backup, &fixture.error);
	ota_db_free(db);
	return status;
}

static void commit(void)
{
	MUST(ota_store_commit(fixture.store, &fixture.error));
}

static struct ota_backup backup_now(void)
{
	struct ota_backup backup;

	MUST(backup_make(fixture.store, &(struct ota_backup_options){0}, &backup));
	return backup;
}

static int entries(const char *directory)
{
	DIR *opened = opendir(directory);
	int count = 0;

	for (struct dirent *entry; opened && (entry = readdir(opened));)
		count += entry->d_name[0] != '.';
	if (opened)
		closedir(opened);
	return count;
}

static void copy_file(const char *from, const char *directory, const char *name)
{
	OTA_AUTO_BYTES struct ota_bytes content = {0};
	char path[SCRATCH_SIZE];

	scratch_path(path, directory, name);
	cr_assert_eq(ota_file_read(from, 1 << 24, &content, NULL), 0, "%s", from);
	cr_assert_eq(ota_file_replace(path, (struct ota_span){content.data, content.size}, 0600, NULL), 0);
}

static void restore_put(const char *backup)
{
	copy_file(backup, fixture.directory, "restore.db");
}

static bool product_exists(struct ota_store *store, const char *product_key)
{
	struct ota_product product;

	return ota_product_find(store, product_key, &product, NULL) == 0;
}

/* What a server does at its start. */
static int serve(void)
{
	const struct ota_restore_options options = {.now_ms = 5, .keys = keys, .key_count = 2};
	bool restored = false;
	int status = fixture_start();

	if (status == 0)
		status = ota_restore_finish(fixture.store, &options, &restored, &fixture.error);
	return status;
}

static void serve_well(void)
{
	cr_assert_eq(serve(), 0, "%s", fixture.error.text);
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

Test(backup, holds_what_was_committed_and_its_digest)
{
	struct ota_backup backup;
	struct ota_digest_result digests;
	struct stat file;

	insert_product("pk");
	commit();
	backup = backup_now();
	cr_assert_eq(stat(backup.path, &file), 0);
	cr_expect_eq(file.st_mode & 0777, 0600);
	cr_assert_eq(ota_digest_of_file(backup.path, &digests, NULL), 0);
	cr_expect_str_eq(digests.sha256, backup.sha256);
	cr_expect_eq(digests.size, backup.bytes);
	cr_expect_eq(entries(backups), 1);
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

Test(backup, does_not_hold_what_is_not_committed)
{
	struct ota_backup backup = {{0}};

	insert_product("pk");
	commit();
	MUST(ota_store_begin(fixture.store, &fixture.error));
	insert_product("later");
	backup = backup_now();
	fixture_stop();
	restore_put(backup.path);
	serve_well();
	cr_expect(product_exists(fixture.store, "pk"));
	cr_expect(!product_exists(fixture.store, "later"));
}

Test(backup, keeps_as_many_as_were_asked_for_and_those_with_a_name)
{
	struct ota_backup backup;

	commit();
	MUST(backup_make(fixture.store, &(struct ota_backup_options){.name = "kept"}, &backup));
	for (int i = 1; i <= 4; i++)
		MUST(backup_make(fixture.store, &(struct ota_backup_options){.now_ms = NOW_MS + i * 1000, .keep = 2}, &backup));
	cr_expect_eq(backup.removed, 1);
	cr_expect_eq(entries(backups), 3);
	cr_expect_eq(access(backup.path, F_OK), 0);
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

Test(backup, that_is_stopped_leaves_nothing)
{
	static const struct ota_pulse pulse = {beat_no_more, NULL};
	struct ota_backup backup;

	commit();
	MUST_FAIL(OTA_ECANCELED, backup_make(fixture.store, &(struct ota_backup_options){.pulse = &pulse}, &backup));
	cr_expect_eq(entries(backups), 0);
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

static int backup_run(void)
{
	struct ota_backup backup;
	int status = fixture_start();

	if (status == 0)
		status = backup_make(fixture.store, &(struct ota_backup_options){.now_ms = NOW_MS + 1}, &backup);
	return status;
}

/* Every backup that has a name is whole; an earlier one stays; the next backup clears what the crash left. */
Test(backup, a_crash_at_any_step_leaves_whole_backups_only, .timeout = 120)
{
	struct ota_backup first, last;
	enum kill_steps_end end = KILL_STEPS_KILLED;
	int step = 0;

	insert_product("pk");
	commit();
	first = backup_now();
	fixture_stop();
	for (step = 1; end == KILL_STEPS_KILLED && step < STEPS_MAX; step++) {
		end = kill_at_step(backup_run, step);
		cr_assert_eq(access(first.path, F_OK), 0);
	}
	if (end == KILL_STEPS_REFUSED)
		fixture_skip("tracing a child", 1);
	cr_assert_eq(end, KILL_STEPS_DONE, "step %d", step);
	cr_expect_gt(step, 20);
	MUST(fixture_start());
	MUST(backup_make(fixture.store, &(struct ota_backup_options){.now_ms = NOW_MS + 2}, &last));
	cr_expect_eq(entries(backups), 3, "%d entries", entries(backups));
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

/* --- restore --- */

static int64_t new_id(void)
{
	int64_t id = ota_store_new_id(fixture.store, &fixture.error);

	cr_assert_gt(id, 0);
	return id;
}

Test(backup, restored_ids_go_on_beyond_those_given_since)
{
	struct ota_backup backup;
	int64_t last = 0;

	commit();
	backup = backup_now();
	MUST(ota_store_begin(fixture.store, &fixture.error));
	for (int i = 0; i < 5000; i++)
		last = new_id();
	insert_product("after");
	commit();
	fixture_stop();
	restore_put(backup.path);
	serve_well();
	cr_expect(!product_exists(fixture.store, "after"));
	cr_expect_gt(new_id(), last + OTA_RESTORE_IDS - 1000);
}

static void old_keep(const char *kept)
{
	char path[SCRATCH_SIZE];

	scratch_path(path, fixture.directory, "ota.db");
	copy_file(path, kept, "ota.db");
	scratch_path(path, fixture.directory, "ota.db-wal");
	copy_file(path, kept, "ota.db-wal");
}

/* The lost store's log is whole: played into the restored one, it would bring back what came after. */
Test(backup, is_restored_where_the_store_is_lost_and_ids_go_far_beyond)
{
	struct ota_backup backup;
	char kept[SCRATCH_SIZE], log[SCRATCH_SIZE];
	int64_t last = new_id();

	insert_product("pk");
	commit();
	backup = backup_now();
	MUST(ota_store_checkpoint(fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
	insert_product("after");
	commit();
	scratch_make(kept);
	old_keep(kept);
	fixture_stop();
	scratch_path(log, kept, "ota.db-wal");
	copy_file(log, fixture.directory, "ota.db-wal");
	scratch_remove(kept);
	scratch_write(fixture.directory, OTA_STORE_FILE, "this was a store, before the disk died");
	restore_put(backup.path);
	serve_well();
	cr_expect(product_exists(fixture.store, "pk"));
	cr_expect(!product_exists(fixture.store, "after"));
	cr_expect_gt(new_id(), last + OTA_RESTORE_IDS);
}

static void expect_text(const char *path, const char *text)
{
	OTA_AUTO_BYTES struct ota_bytes content = {0};

	cr_assert_eq(ota_file_read(path, 4096, &content, NULL), 0, "%s", path);
	cr_expect_str_eq(content.data, text);
}

Test(backup, brings_the_keys_that_are_missing_and_the_one_that_must_fit)
{
	struct ota_backup backup;

	commit();
	scratch_write(fixture.directory, "url.key", "url then");
	scratch_write(fixture.directory, "secret.key", "secret then");
	backup = backup_now();
	fixture_stop();
	scratch_write(fixture.directory, "url.key", "url now");
	scratch_write(fixture.directory, "secret.key", "secret now");
	restore_put(backup.path);
	serve_well();
	expect_text(url_key, "url now");
	expect_text(secret_key, "secret then");
	fixture_stop();
	cr_assert_eq(unlink(url_key), 0);
	restore_put(backup.path);
	serve_well();
	expect_text(url_key, "url then");
	cr_expect_eq(sql_integer("SELECT COUNT(*) FROM meta WHERE name LIKE 'file %'"), 0);
}

static void expect_refused(const char *words)
{
	cr_assert_lt(serve(), 0);
	cr_expect_not_null(strstr(fixture.error.text, words), "%s", fixture.error.text);
	cr_expect_not_null(strstr(fixture.error.text, "remove it to start with the present store"), "%s", fixture.error.text);
}

/* The present store stays, and serves once restore.db is gone. */
Test(backup, that_cannot_serve_is_refused_and_changes_nothing)
{
	struct ota_backup backup;
	char restore[SCRATCH_SIZE];

	insert_product("pk");
	commit();
	backup = backup_now();
	fixture_stop();
	scratch_path(restore, fixture.directory, "restore.db");
	scratch_write(fixture.directory, "restore.db", "no backup");
	expect_refused("is no database");
	restore_put(backup.path);
	cr_assert_eq(truncate(restore, (off_t)backup.bytes / 2), 0);
	expect_refused("is cut off");
	cr_assert_eq(unlink(restore), 0);
	serve_well();
	cr_expect(product_exists(fixture.store, "pk"));
}

Test(backup, with_a_flipped_page_is_refused)
{
	struct ota_backup backup;
	char restore[SCRATCH_SIZE];

	insert_world();
	for (int i = 0; i < 200; i++)
		insert_device("pk", ((char[]){(char)('a' + i / 16), (char)('a' + i % 16), '\0'}));
	commit();
	backup = backup_now();
	fixture_stop();
	restore_put(backup.path);
	scratch_path(restore, fixture.directory, "restore.db");
	FILE *file = fopen(restore, "r+");
	cr_assert_not_null(file);
	for (uint64_t page = 2; page < backup.bytes / 4096; page++) {
		fseek(file, (long)(page * 4096 + 5), SEEK_SET);
		fputc(0xff, file);
	}
	fclose(file);
	expect_refused("is damaged");
	cr_assert_eq(unlink(restore), 0);
	serve_well();
}

Test(backup, of_a_newer_schema_is_refused)
{
	struct ota_backup backup;

	commit();
	sql_execute("UPDATE meta SET value = '99' WHERE name = 'schema'");
	backup = backup_now();
	sql_execute("UPDATE meta SET value = '2' WHERE name = 'schema'");
	fixture_stop();
	restore_put(backup.path);
	expect_refused("newer version");
}

/* --- a crash during a restore --- */

static int serve_run(void)
{
	return serve();
}

static void directory_clear(void)
{
	DIR *directory = opendir(fixture.directory);

	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		char path[SCRATCH_SIZE + 256];

		snprintf(path, sizeof(path), "%s/%s", fixture.directory, entry->d_name);
		if (entry->d_type == DT_REG)
			unlink(path);
	}
	closedir(directory);
}

/* Before each crash: a store whose last commits stand in its log alone, as after a crash of the server, and a backup. */
static void state_make(const char *kept, const char *backup)
{
	char path[SCRATCH_SIZE];

	directory_clear();
	scratch_path(path, kept, "ota.db");
	copy_file(path, fixture.directory, "ota.db");
	scratch_path(path, kept, "ota.db-wal");
	copy_file(path, fixture.directory, "ota.db-wal");
	restore_put(backup);
}

/* Whoever takes restore.db away after the crash has the store as it was, or the restored one. */
static void expect_old_or_new(int step)
{
	char restore[SCRATCH_SIZE];
	bool pending = false;

	scratch_path(restore, fixture.directory, "restore.db");
	pending = access(restore, F_OK) == 0;
	unlink(restore);
	scratch_path(restore, fixture.directory, "restore.db-wal");
	unlink(restore);
	serve_well();
	cr_expect(product_exists(fixture.store, "pk"), "step %d", step);
	cr_expect_eq(product_exists(fixture.store, "after"), pending, "step %d", step);
	fixture_stop();
}

static void expect_new(int step)
{
	serve_well();
	cr_expect(product_exists(fixture.store, "pk"), "step %d", step);
	cr_expect(!product_exists(fixture.store, "after"), "step %d", step);
	cr_expect_gt(new_id(), OTA_RESTORE_IDS, "step %d", step);
	cr_expect_eq(sql_integer("SELECT COUNT(*) FROM event WHERE event = 'store_restored'"), 1, "step %d", step);
	fixture_stop();
}

Test(backup, a_crash_at_any_step_of_a_restore_leaves_the_old_or_the_new_store, .timeout = 120)
{
	struct ota_backup backup;
	char kept[SCRATCH_SIZE];
	enum kill_steps_end end = KILL_STEPS_KILLED;
	int step = 0;

	scratch_make(kept);
	insert_product("pk");
	commit();
	backup = backup_now();
	MUST(ota_store_begin(fixture.store, &fixture.error));
	insert_product("after");
	commit();
	old_keep(kept);
	fixture_stop();
	for (step = 1; end == KILL_STEPS_KILLED && step < STEPS_MAX; step++) {
		state_make(kept, backup.path);
		end = kill_at_step(serve_run, step);
		if (end == KILL_STEPS_REFUSED) {
			scratch_remove(kept);
			fixture_skip("tracing a child", 1);
		}
		if (step % 2)
			expect_new(step);
		else
			expect_old_or_new(step);
	}
	scratch_remove(kept);
	cr_assert_eq(end, KILL_STEPS_DONE, "step %d", step);
	cr_expect_gt(step, 30);
	MUST(fixture_start());
}
