/* What a bad disk, a full one, a second holder and a kill do to the store: a sentence, never a crash, never an acknowledged
 * commit lost. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/file.h"
#include "fixture.h"

TestSuite(damage, .init = fixture_open, .fini = fixture_close);

static void path_of(char target[SCRATCH_SIZE], const char *name)
{
	scratch_path(target, fixture.directory, name);
}

/* ---- the lock ---- */

Test(damage, a_second_holder_in_this_process_is_refused)
{
	struct ota_store *second = NULL;
	char pid[32];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	MUST_FAIL(OTA_ECONFLICT, ota_store_open(fixture.directory, &second, &fixture.error));
	cr_expect(strstr(fixture.error.text, pid), "%s", fixture.error.text);
	cr_expect_null(second);
}

static int refused_naming_the_parent(void)
{
	struct ota_store *second = NULL;
	struct ota_error error = {0};
	char pid[32];

	snprintf(pid, sizeof(pid), "%d", (int)getppid());
	if (ota_store_open(fixture.directory, &second, &error) != OTA_ECONFLICT)
		return 1;
	return strstr(error.text, pid) ? 0 : 2;
}

Test(damage, a_second_process_is_refused_and_told_who_holds)
{
	cr_expect_eq(in_child(refused_naming_the_parent), 0);
	fixture_stop();
	MUST(fixture_start());
}

Test(damage, a_database_in_use_by_a_shell_is_unavailable)
{
	sqlite3 *shell = NULL;
	char path[SCRATCH_SIZE];

	MUST(ota_store_commit(fixture.store, &fixture.error));
	path_of(path, "ota.db");
	cr_assert_eq(sqlite3_open(path, &shell), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(shell, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	MUST_FAIL(OTA_EUNAVAILABLE, ota_store_begin(fixture.store, &fixture.error));
	cr_assert_eq(sqlite3_exec(shell, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(shell);
	MUST(ota_store_begin(fixture.store, &fixture.error));
	insert_product("pk");
	MUST(ota_store_commit(fixture.store, &fixture.error));
}

/* ---- files that cannot be written or read ---- */

static int refused_for_nobody(void)
{
	struct ota_store *store = NULL;
	struct ota_error error = {0};
	int status = 0;

	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 1;
	status = ota_store_open(fixture.directory, &store, &error);
	return status == OTA_EIO && error.text[0] ? 0 : 2;
}

Test(damage, a_store_of_somebody_else_is_refused)
{
	char path[SCRATCH_SIZE];

	if (getuid() != 0)
		fixture_skip("being somebody else needs root", EPERM);
	fixture_stop();
	cr_assert_eq(chmod(fixture.directory, 0755), 0);
	path_of(path, "lock");
	cr_assert_eq(chmod(path, 0666), 0);
	cr_expect_eq(in_child(refused_for_nobody), 0);
	MUST(fixture_start());
}

/* A file that turns read-only under way: the transaction fails in words, and the store works again when it is writable. */
Test(damage, a_file_system_turned_read_only_is_told)
{
	char source[SCRATCH_SIZE];

	fixture_stop();
	scratch_path(source, fixture.directory, "disk");
	cr_assert_eq(mkdir(source, 0700), 0);
	if (mount("tmpfs", source, "tmpfs", 0, "size=8m") < 0)
		fixture_skip("mounting a tmpfs needs root", errno);
	struct ota_store *store = NULL;
	int writable = ota_store_open(source, &store, &fixture.error);
	store = ota_store_free(store);
	int remounted = mount("tmpfs", source, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL);
	int readonly = ota_store_open(source, &store, &fixture.error);
	umount2(source, MNT_DETACH);
	cr_assert_eq(writable, 0);
	cr_assert_eq(remounted, 0);
	cr_expect_lt(readonly, 0);
	cr_expect(strstr(fixture.error.text, "Read-only file system"), "%s", fixture.error.text);
	cr_expect_null(store);
}

/* ---- damaged files ---- */

static void world_fill(int devices)
{
	struct ota_batch batch = insert_world();

	for (int i = 0; i < devices; i++) {
		char name[16];
		int64_t device;
		struct ota_device_module module;

		snprintf(name, sizeof(name), "d%04d", i);
		device = insert_device("pk", name);
		insert_task(&batch, device);
		module = sample_module(device, "default");
		MUST(ota_device_module_save(fixture.store, "pk", &module, &fixture.error));
	}
	MUST(ota_store_commit(fixture.store, &fixture.error));
}

/* Reads and writes what a broker would; any code will do as long as it is one of ours and an error has its sentence. */
static int use_store(struct ota_store *store)
{
	static struct ota_task tasks[64];
	static struct ota_device devices[64];
	struct ota_error error = {0};
	struct ota_product product = {.product_key = "new", .name = "n"};
	struct ota_batch_counts counts;
	size_t count = 0;
	int64_t after = 0;
	int status = ota_store_begin(store, &error);

	for (int page = 0; status == 0 && page < 8; page++) {
		status = ota_task_due(store, INT64_MAX, tasks, 64, &count, &error);
		if (status == 0)
			status = ota_task_list(store, &(struct ota_task_filter){3, -1, after}, tasks, 64, &count, &error);
		if (status == 0 && count > 0)
			after = tasks[count - 1].id;
		for (size_t i = 0; status == 0 && i < count; i++) {
			struct ota_task changed = tasks[i];

			changed.state = OTA_TASK_PUSHED;
			status = ota_task_save(store, &tasks[i], &changed, &error);
		}
	}
	if (status == 0)
		status = ota_device_list(store, &(struct ota_device_filter){"pk", "default", "1.0", ""}, devices, 64, &count,
					 &error);
	if (status == 0)
		status = ota_batch_load_counts(store, 3, &counts, &error);
	if (status == 0)
		status = ota_product_insert(store, &product, &error);
	if (status == 0)
		status = ota_store_commit(store, &error);
	ota_store_rollback(store);
	if (status < 0 && !error.text[0])
		return 1;
	return 0;
}

static int open_and_use(void)
{
	struct ota_store *store = NULL;
	struct ota_error error = {0};
	int status = ota_store_open(fixture.directory, &store, &error);
	int result = 0;

	if (status < 0)
		return error.text[0] ? 0 : 1;
	result = use_store(store);
	ota_store_free(store);
	return result;
}

static off_t file_size(const char *path)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0);
	return status.st_size;
}

Test(damage, a_truncated_file_gives_a_sentence)
{
	char path[SCRATCH_SIZE];
	off_t size;

	world_fill(200);
	fixture_stop();
	path_of(path, "ota.db");
	size = file_size(path);
	for (int eighth = 7; eighth > 0; eighth--) {
		cr_assert_eq(truncate(path, size * eighth / 8 / 4096 * 4096), 0);
		MUST_FAIL(OTA_ECORRUPT, fixture_start());
		cr_expect(strstr(fixture.error.text, "malformed"), "%s", fixture.error.text);
	}
	cr_assert_eq(truncate(path, 1000), 0);
	cr_expect_lt(fixture_start(), 0, "a torn first page");
	cr_expect(fixture.error.text[0]);
}

Test(damage, a_file_of_other_bytes_is_no_database)
{
	fixture_stop();
	scratch_write(fixture.directory, "ota.db",
		      "This is a text of somebody who mistook the file for his own, long enough to be read as a first page of a "
		      "database.");
	MUST_FAIL(OTA_ECORRUPT, fixture_start());
	cr_expect(strstr(fixture.error.text, "not a database"), "%s", fixture.error.text);
}

static void file_copy(const char *from, const char *to)
{
	OTA_AUTO_BYTES struct ota_bytes bytes = {0};

	MUST(ota_file_read(from, 1 << 26, &bytes, &fixture.error));
	MUST(ota_file_replace(to, (struct ota_span){bytes.data, bytes.size}, 0600, &fixture.error));
}

/* A page is overwritten with noise, or a few of its bytes are. */
static void page_damage(const char *path, unsigned *seed)
{
	unsigned char noise[4096];
	off_t pages = file_size(path) / 4096;
	off_t at = rand_r(seed) % pages * 4096;
	size_t size = rand_r(seed) % 2 ? sizeof(noise) : 16;
	OTA_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < size; i++)
		noise[i] = (unsigned char)rand_r(seed);
	if (size < sizeof(noise))
		at += rand_r(seed) % (4096 - (int)size);
	cr_assert_eq(pwrite(fd, noise, size, at), (ssize_t)size);
}

Test(damage, damaged_pages_never_crash, .timeout = 60)
{
	const char *given = getenv("OTA_SEED");
	const char *rounds = getenv("OTA_ROUNDS");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	char path[SCRATCH_SIZE], whole[SCRATCH_SIZE];

	fprintf(stderr, "# OTA_SEED=%u\n", seed);
	world_fill(100);
	fixture_stop();
	path_of(path, "ota.db");
	path_of(whole, "whole.db");
	file_copy(path, whole);
	for (long round = rounds ? strtol(rounds, NULL, 10) : 60; round > 0; round--) {
		unsigned state = seed + (unsigned)round;
		int outcome = 0;

		file_copy(whole, path);
		page_damage(path, &state);
		outcome = in_child(open_and_use);
		cr_assert_eq(outcome, 0, "seed %u, round %ld: %d", seed, round, outcome);
		path_of(whole, "ota.db-wal");
		unlink(whole);
		path_of(whole, "ota.db-shm");
		unlink(whole);
		path_of(whole, "whole.db");
	}
}

static sqlite3_int64 heap_bytes;

static int open_and_use_with_little_memory(void)
{
	sqlite3_hard_heap_limit64(heap_bytes);
	return open_and_use();
}

/* Every amount of memory from next to nothing to enough: SQLite's allocations fail one after another, each time in a sentence. */
Test(damage, lack_of_memory_is_told)
{
	world_fill(50);
	fixture_stop();
	for (heap_bytes = 8 * 1024; heap_bytes < 1024 * 1024; heap_bytes += heap_bytes / 16)
		cr_expect_eq(in_child(open_and_use_with_little_memory), 0, "with %lld bytes", (long long)heap_bytes);
	MUST(fixture_start());
}

/* A value that no field can hold is told with its column, and the caller's row stays as it was. */
static const struct {
	const char *damage;
	const char *column;
} damages[] = {
	{"UPDATE device SET agent = 'x'||(SELECT group_concat(sql) FROM sqlite_schema)", "agent"},
	{"UPDATE device SET agent = printf('%065d', 0)", "agent"}, /* one past the limit */
	{"UPDATE device SET barred = 2", "barred"},
	{"UPDATE device SET disabled = 2", "disabled"},
	{"UPDATE device SET caps = 99999999999", "caps"},
	{"UPDATE device SET device_name = 'a' || char(0) || 'b'", "device_name"},
};

Test(damage, a_value_out_of_its_kind_is_corrupt)
{
	struct ota_device device;
	int64_t id;

	insert_product("pk");
	id = insert_device("pk", "a");
	MUST(ota_store_commit(fixture.store, &fixture.error));
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		sql_execute("DELETE FROM device");
		sql_execute("INSERT INTO device SELECT 1, 1, 'pk', 'a', 1, 1, 1, 1, 'agent', 0, 0");
		sql_execute(damages[i].damage);
		MUST(ota_store_begin(fixture.store, &fixture.error));
		memset(&device, 7, sizeof(device));
		MUST_FAIL(OTA_ECORRUPT, ota_device_load(fixture.store, 1, &device, &fixture.error));
		cr_expect(strstr(fixture.error.text, damages[i].column), "%s", fixture.error.text);
		cr_expect_eq(device.id, 0x0707070707070707);
		ota_store_rollback(fixture.store);
	}
	(void)id;
}

Test(damage, an_unknown_word_is_corrupt)
{
	struct ota_batch batch = insert_world(), out;
	struct ota_batch rows[2];
	size_t count = 4711;

	MUST(ota_store_commit(fixture.store, &fixture.error));
	sql_execute("UPDATE batch SET state = 'sleeping'");
	MUST(ota_store_begin(fixture.store, &fixture.error));
	MUST_FAIL(OTA_ECORRUPT, ota_batch_load(fixture.store, batch.id, &out, &fixture.error));
	cr_expect_str_eq(fixture.error.text, "store: batch_load: column state holds no value of its kind");
	MUST_FAIL(OTA_ECORRUPT,
		  ota_batch_list(fixture.store, &(struct ota_batch_filter){"", -1, 0}, rows, 2, &count, &fixture.error));
	cr_expect_eq(count, 4711);
}
