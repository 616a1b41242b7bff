#include "fixture.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture fixture;

void fixture_open(void)
{
	scratch_make(fixture.directory);
	MUST(ota_store_open(fixture.directory, &fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

void fixture_close(void)
{
	fixture.store = ota_store_free(fixture.store);
	scratch_remove(fixture.directory);
}

void fixture_reopen(void)
{
	MUST(ota_store_commit(fixture.store, &fixture.error));
	fixture.store = ota_store_free(fixture.store);
	MUST(ota_store_open(fixture.directory, &fixture.store, &fixture.error));
	MUST(ota_store_begin(fixture.store, &fixture.error));
}

void fixture_stop(void)
{
	if (fixture.store)
		ota_store_rollback(fixture.store);
	fixture.store = ota_store_free(fixture.store);
}

int fixture_start(void)
{
	fixture.error = (struct ota_error){0};
	return ota_store_open(fixture.directory, &fixture.store, &fixture.error);
}

void fixture_skip(const char *need, int cause)
{
	fixture_close(); /* Criterion runs no hook after a skip */
	cr_skip_test("%s: %s", need, strerror(cause));
}

int in_child(int (*run)(void))
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(run());
	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int64_t fixture_id(void)
{
	int64_t id = ota_store_new_id(fixture.store, &fixture.error);

	cr_assert_gt(id, 0, "%s", fixture.error.text);
	return id;
}

#define TEXT(field, ...) snprintf(field, sizeof(field), __VA_ARGS__)

struct ota_product sample_product(const char *product_key)
{
	struct ota_product row;

	memset(&row, 0, sizeof(row));
	TEXT(row.product_key, "%s", product_key);
	TEXT(row.name, "Product %s", product_key);
	row.open_registration = true;
	row.sign = OTA_PRODUCT_SIGN_SHA256;
	row.delivery = OTA_DELIVERY_MQTT;
	row.created_ms = 101;
	row.rev = 102;
	return row;
}

struct ota_device sample_device(const char *product_key, const char *device_name)
{
	struct ota_device row;

	memset(&row, 0, sizeof(row));
	row.id = fixture_id();
	TEXT(row.identity.product_key, "%s", product_key);
	TEXT(row.identity.device_name, "%s", device_name);
	row.bucket = 201;
	row.created_ms = 202;
	row.last_seen_ms = 203;
	row.caps = 3;
	TEXT(row.agent, "agent 2.0.4");
	row.barred = true;
	row.disabled = true;
	row.rev = 205;
	return row;
}

struct ota_device_module sample_module(int64_t device_id, const char *module)
{
	struct ota_device_module row;

	memset(&row, 0, sizeof(row));
	row.device_id = device_id;
	TEXT(row.module, "%s", module);
	TEXT(row.version, "1.0");
	row.version_ms = 301;
	TEXT(row.boot_id, "boot 3.0.2");
	TEXT(row.candidate, "1.1");
	row.candidate_wall_ms = 303;
	row.candidate_due = 304;
	row.loop_count = 305;
	row.loop_since = 306;
	return row;
}

struct ota_package sample_package(const char *product_key, const char *version)
{
	struct ota_package row;

	memset(&row, 0, sizeof(row));
	row.id = fixture_id();
	row.full.id = fixture_id();
	TEXT(row.product_key, "%s", product_key);
	TEXT(row.module, "default");
	TEXT(row.version, "%s", version);
	row.yanked = true;
	row.verification = OTA_VERIFYING;
	TEXT(row.verified_sha256, "%064d", 401);
	TEXT(row.notes, "notes 4.0.2");
	TEXT(row.ext_data, "{\"tag\":\"403\"}");
	row.created_ms = 404;
	TEXT(row.created_by, "operator 405");
	row.rev = 406;
	row.full.size = 4294967295;
	TEXT(row.full.sha256, "%064d", 407);
	TEXT(row.full.md5, "%032d", 408);
	return row;
}

struct ota_batch sample_batch(const struct ota_package *package)
{
	struct ota_batch row;

	memset(&row, 0, sizeof(row));
	row.id = fixture_id();
	row.rev = 501;
	memcpy(row.product_key, package->product_key, sizeof(row.product_key));
	row.package_id = package->id;
	memcpy(row.module, package->module, sizeof(row.module));
	memcpy(row.version, package->version, sizeof(row.version));
	TEXT(row.name, "name 502");
	row.kind = OTA_BATCH_DYNAMIC;
	row.state = OTA_BATCH_RUNNING;
	TEXT(row.reason, "reason 503");
	row.all_devices = true;
	TEXT(row.strategy, "{\"rate\":504}");
	TEXT(row.tags, "{\"tag\":\"504\"}");
	row.total = 505;
	row.prepared = true;
	TEXT(row.prepare_after, "device-506");
	row.created_ms = 507;
	row.started_ms = 508;
	row.ended_ms = 509;
	row.ends_ms = 510;
	TEXT(row.created_by, "operator 511");
	return row;
}

struct ota_task sample_task(const struct ota_batch *batch, int64_t device_id)
{
	struct ota_task row;

	memset(&row, 0, sizeof(row));
	row.id = fixture_id();
	row.rev = 601;
	row.batch_id = batch->id;
	row.device_id = device_id;
	memcpy(row.module, batch->module, sizeof(row.module));
	row.package_id = batch->package_id;
	TEXT(row.from_version, "1.6.2");
	memcpy(row.version, batch->version, sizeof(row.version));
	row.state = OTA_TASK_PENDING;
	row.reason = OTA_REASON_STAGE;
	row.cause = OTA_CAUSE_DOWNLOAD_FAILED;
	row.mark = OTA_MARK_RECOVERED;
	row.phase = OTA_PHASE_SOAKING;
	row.attempt = 603;
	row.step = -1000;
	TEXT(row.desc, "desc 605");
	TEXT(row.boot_id, "boot 606");
	row.created_ms = 607;
	row.updated_ms = 608;
	row.pushes = 609;
	row.last_push_at = 610;
	row.answered = true;
	row.repush_at = 611;
	row.deadline_at = 612;
	row.deadline_left_ms = 613;
	row.due_at = 614;
	return row;
}

void insert_product(const char *product_key)
{
	struct ota_product row = sample_product(product_key);

	MUST(ota_product_insert(fixture.store, &row, &fixture.error));
}

int64_t insert_device(const char *product_key, const char *device_name)
{
	struct ota_device row = sample_device(product_key, device_name);

	MUST(ota_device_insert(fixture.store, &row, &fixture.error));
	return row.id;
}

int package_put(const struct ota_package *row)
{
	return ota_package_insert(fixture.store, row, &(struct ota_package_files){1, {row->full}}, &fixture.error);
}

struct ota_package insert_package(const char *product_key, const char *version)
{
	struct ota_package row = sample_package(product_key, version);

	MUST(package_put(&row));
	return row;
}

struct ota_batch insert_batch(const struct ota_package *package)
{
	struct ota_batch row = sample_batch(package);

	MUST(ota_batch_insert(fixture.store, &row, &fixture.error));
	return row;
}

struct ota_task insert_task(const struct ota_batch *batch, int64_t device_id)
{
	struct ota_task row = sample_task(batch, device_id);

	MUST(ota_task_insert(fixture.store, &row, &fixture.error));
	return row;
}

struct ota_batch insert_world(void)
{
	struct ota_package package;

	insert_product("pk");
	package = insert_package("pk", "2.0");
	return insert_batch(&package);
}

static sqlite3 *database_open(void)
{
	char path[SCRATCH_SIZE];
	sqlite3 *database = NULL;

	scratch_path(path, fixture.directory, "ota.db");
	cr_assert_eq(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(database, 1000);
	return database;
}

int64_t sql_integer(const char *sql)
{
	sqlite3 *database = database_open();
	sqlite3_stmt *statement = NULL;
	int64_t value = 0;

	cr_assert_eq(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(database));
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "%s: %s", sql, sqlite3_errmsg(database));
	value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(database);
	return value;
}

void sql_execute(const char *sql)
{
	sqlite3 *database = database_open();

	cr_assert_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(database));
	sqlite3_close(database);
}
