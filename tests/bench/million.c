/*
 * What million.py needs done a million times, and no Python does fast enough. The broker that owns the store must not run.
 *
 *     bench-million fill DIRECTORY PRODUCT COUNT    registers devices fleet-0000000 ..., each with what it runs
 *     bench-million bare DIRECTORY BATCH ROWS       inserts a task for each of them, ROWS in a transaction, and nothing else
 *
 * The bare insert is what creating a batch is measured against: the same rows into the same table with its indexes, in the same
 * order, with the store's own settings and the count of the batch kept in each transaction, by SQLite alone. It binds what
 * changes from row to row only, reads nothing and decides nothing. It prints "<seconds> <seconds> <rows> <bytes>": the inserts
 * alone; copying the log between them, which the keeper does beside the worker; how much the database has grown.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/text.h"
#include "plugin/store/device.h"
#include "plugin/store/keeper.h"

enum {
	FILL_ROWS = 5000,   /* a transaction */
	VERSIONS = 50,      /* that the fleet runs, evenly */
	COLUMNS_MAX = 64,   /* of the table of tasks */
	BUCKETS = 1000000,
};

#define TARGET "2.0.0" /* one in VERSIONS runs it already */

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "bench-million: %s\n", what);
	exit(1);
}

static void must(int status, const struct ota_error *error)
{
	if (status != 0)
		die(error->text);
}

/* --- fill --- */

static void version_of(int64_t number, char version[OTA_VERSION_MAX + 1])
{
	if (number % VERSIONS == 0)
		snprintf(version, OTA_VERSION_MAX + 1, TARGET);
	else
		snprintf(version, OTA_VERSION_MAX + 1, "1.%d.0", (int)(number % VERSIONS));
}

static void device_put(struct ota_store *store, const char *product_key, int64_t number)
{
	struct ota_error error = {0};
	struct ota_device device = {.created_ms = 1, .last_seen_ms = 1};
	struct ota_device_module module = {.version_ms = 1};
	char name[OTA_DEVICE_NAME_MAX + 1];

	snprintf(name, sizeof(name), "fleet-%07" PRId64, number);
	ota_identity_make(ota_span_from_text(product_key), ota_span_from_text(name), &device.identity);
	device.bucket = (int64_t)(ota_identity_hash(&device.identity) % BUCKETS);
	device.id = ota_store_new_id(store, &error);
	must(device.id ? ota_device_insert(store, &device, &error) : OTA_EIO, &error);
	module.device_id = device.id;
	ota_text_cut(module.module, sizeof(module.module), "default");
	version_of(number, module.version);
	must(ota_device_module_save(store, product_key, &module, &error), &error);
}

static void fill(const char *directory, const char *product_key, int64_t count)
{
	struct ota_error error = {0};
	struct ota_store *store = NULL;

	must(ota_store_open(directory, &store, &error), &error);
	for (int64_t number = 0; number < count;) {
		must(ota_store_begin(store, &error), &error);
		for (int i = 0; i < FILL_ROWS && number < count; i++)
			device_put(store, product_key, number++);
		must(ota_store_commit(store, &error), &error);
		if (ota_store_log_bytes(store) > OTA_KEEPER_LOG_BYTES)
			must(ota_store_checkpoint(store, &error), &error);
	}
	must(ota_store_checkpoint(store, &error), &error);
	ota_store_free(store);
}

/* --- bare --- */

struct bare {
	sqlite3 *database;
	sqlite3_stmt *insert, *count;
	int id, device, from; /* parameters */
	int pages;            /* of the log */
	double copying;       /* seconds */
};

static void sql_must(struct bare *bare, int result)
{
	if (result != SQLITE_OK && result != SQLITE_ROW && result != SQLITE_DONE)
		die(sqlite3_errmsg(bare->database));
}

static void sql_run(struct bare *bare, const char *sql)
{
	sql_must(bare, sqlite3_exec(bare->database, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *sql_prepare(struct bare *bare, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	sql_must(bare, sqlite3_prepare_v3(bare->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
	return statement;
}

static int64_t sql_integer(struct bare *bare, const char *sql)
{
	sqlite3_stmt *statement = sql_prepare(bare, sql);
	int64_t value = 0;

	sql_must(bare, sqlite3_step(statement));
	value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

static int log_grown(void *context, sqlite3 *database, const char *name, int pages)
{
	(void)database;
	(void)name;
	((struct bare *)context)->pages = pages;
	return SQLITE_OK;
}

static void bare_open(struct bare *bare, const char *directory)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/" OTA_STORE_FILE, directory);
	if (sqlite3_open_v2(path, &bare->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		die(path);
	sql_run(bare, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
		      " PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
		      " PRAGMA cache_size = -49152; PRAGMA journal_size_limit = 67108864");
	sqlite3_wal_hook(bare->database, log_grown, bare);
}

/* What all tasks of a batch have in common is bound here, once. */
static void constant_bind(struct bare *bare, int parameter, const char *column, const char *type)
{
	static const struct {
		const char *column, *text;
	} texts[] = {{"module", "default"}, {"version", TARGET}, {"state", "pending"}};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(column, texts[i].column)) {
			sql_must(bare, sqlite3_bind_text(bare->insert, parameter, texts[i].text, -1, SQLITE_STATIC));
			return;
		}
	if (!strcmp(column, "created_ms") || !strcmp(column, "updated_ms"))
		sql_must(bare, sqlite3_bind_int64(bare->insert, parameter, 1795207318913));
	else if (!strcmp(column, "step"))
		sql_must(bare, sqlite3_bind_int64(bare->insert, parameter, -1000));
	else if (!strcmp(type, "TEXT"))
		sql_must(bare, sqlite3_bind_text(bare->insert, parameter, "", 0, SQLITE_STATIC));
	else
		sql_must(bare, sqlite3_bind_int64(bare->insert, parameter, 0));
}

static void insert_prepare(struct bare *bare)
{
	char sql[1024] = "INSERT INTO task VALUES (?";
	size_t size = strlen(sql);
	int64_t columns = sql_integer(bare, "SELECT COUNT(*) FROM pragma_table_info('task')");

	if (columns > COLUMNS_MAX)
		die("more columns than expected");
	for (int64_t i = 1; i < columns; i++)
		size += (size_t)snprintf(sql + size, sizeof(sql) - size, ", ?");
	snprintf(sql + size, sizeof(sql) - size, ")");
	bare->insert = sql_prepare(bare, sql);
}

static void columns_bind(struct bare *bare, int64_t batch)
{
	sqlite3_stmt *columns = sql_prepare(bare, "SELECT cid + 1, name, type FROM pragma_table_info('task')");
	int64_t package = 0;
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT package_id FROM batch WHERE id = %" PRId64, batch);
	package = sql_integer(bare, sql);
	while (sqlite3_step(columns) == SQLITE_ROW) {
		int parameter = sqlite3_column_int(columns, 0);
		const char *name = (const char *)sqlite3_column_text(columns, 1);

		constant_bind(bare, parameter, name, (const char *)sqlite3_column_text(columns, 2));
		if (!strcmp(name, "id"))
			bare->id = parameter;
		if (!strcmp(name, "device_id"))
			bare->device = parameter;
		if (!strcmp(name, "from_version"))
			bare->from = parameter;
		if (!strcmp(name, "batch_id"))
			sql_must(bare, sqlite3_bind_int64(bare->insert, parameter, batch));
		if (!strcmp(name, "package_id"))
			sql_must(bare, sqlite3_bind_int64(bare->insert, parameter, package));
	}
	sqlite3_finalize(columns);
}

static void task_put(struct bare *bare, int64_t id, int64_t device, int64_t number)
{
	char version[OTA_VERSION_MAX + 1];

	version_of(number, version);
	sqlite3_bind_int64(bare->insert, bare->id, id);
	sqlite3_bind_int64(bare->insert, bare->device, device);
	sqlite3_bind_text(bare->insert, bare->from, version, -1, SQLITE_STATIC);
	sql_must(bare, sqlite3_step(bare->insert));
	sqlite3_reset(bare->insert);
}

static void transaction_end(struct bare *bare, int64_t rows)
{
	sqlite3_bind_int64(bare->count, 1, rows);
	sql_must(bare, sqlite3_step(bare->count));
	sqlite3_reset(bare->count);
	sql_run(bare, "COMMIT");
	if ((uint64_t)bare->pages * 4096 < OTA_KEEPER_LOG_BYTES)
		return;
	double begun = now_s();
	sql_must(bare, sqlite3_wal_checkpoint_v2(bare->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
	bare->copying += now_s() - begun;
	bare->pages = 0;
}

/* The devices' numbers in the order of their names; [0] is how many. */
static int64_t *devices_load(struct bare *bare)
{
	int64_t count = sql_integer(bare, "SELECT COUNT(*) FROM device"), *devices = calloc((size_t)count + 1, sizeof(*devices));
	sqlite3_stmt *list = sql_prepare(bare, "SELECT id FROM device WHERE device_name LIKE 'fleet-%' ORDER BY device_name");

	if (!devices)
		die("no memory");
	while (sqlite3_step(list) == SQLITE_ROW)
		devices[++devices[0]] = sqlite3_column_int64(list, 0);
	sqlite3_finalize(list);
	return devices;
}

static void tasks_put(struct bare *bare, const int64_t *devices, int64_t rows)
{
	int64_t next = sql_integer(bare, "SELECT next_value FROM lease WHERE name = 'id'"), done = 0;

	sql_run(bare, "BEGIN IMMEDIATE");
	for (int64_t number = 0; number < devices[0]; number++) {
		if (number % VERSIONS == 0)
			continue;
		task_put(bare, next++, devices[number + 1], number);
		if (++done < rows)
			continue;
		transaction_end(bare, done);
		sql_run(bare, "BEGIN IMMEDIATE");
		done = 0;
	}
	transaction_end(bare, done);
}

static void insert_bare(const char *directory, int64_t batch, int64_t rows)
{
	struct bare bare = {0};
	char sql[256];
	double begun = 0;

	bare_open(&bare, directory);
	snprintf(sql, sizeof(sql), "UPDATE batch_count SET n = n + ?1 WHERE batch_id = %" PRId64 " AND state = 'pending'", batch);
	bare.count = sql_prepare(&bare, sql);
	insert_prepare(&bare);
	columns_bind(&bare, batch);
	int64_t *devices = devices_load(&bare), pages = sql_integer(&bare, "PRAGMA page_count");
	begun = now_s();
	tasks_put(&bare, devices, rows);
	double seconds = now_s() - begun;
	int64_t tasks = sql_integer(&bare, "SELECT SUM(n) FROM batch_count");
	pages = sql_integer(&bare, "PRAGMA page_count") - pages;
	printf("%.3f %.3f %" PRId64 " %" PRId64 "\n", seconds - bare.copying, bare.copying, tasks, pages * 4096);
	free(devices);
	sqlite3_finalize(bare.insert);
	sqlite3_finalize(bare.count);
	sqlite3_close(bare.database);
}

int main(int argc, char **argv)
{
	int64_t one = 0, two = 0;

	if (argc == 5 && !strcmp(argv[1], "fill") && ota_text_parse_i64(ota_span_from_text(argv[4]), &two))
		fill(argv[2], argv[3], two);
	else if (argc == 5 && !strcmp(argv[1], "bare") && ota_text_parse_i64(ota_span_from_text(argv[3]), &one) &&
		 ota_text_parse_i64(ota_span_from_text(argv[4]), &two))
		insert_bare(argv[2], one, two);
	else
		die("usage: bench-million fill DIRECTORY PRODUCT COUNT | bare DIRECTORY BATCH ROWS");
	return 0;
}
