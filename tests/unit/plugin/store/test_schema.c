/* Migrations: whole steps or nothing, forwards only. Steps beyond the released ones are the test's own, given to
 * ota_schema_migrate() directly. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "plugin/store/db.h"
#include "plugin/store/schema.h"

static struct ota_db *db;

static void database_open(void)
{
	char path[SCRATCH_SIZE];

	scratch_make(fixture.directory);
	scratch_path(path, fixture.directory, "ota.db");
	MUST(ota_db_open(path, &db, &fixture.error));
}

static void database_reopen(void)
{
	char path[SCRATCH_SIZE];

	db = ota_db_free(db);
	scratch_path(path, fixture.directory, "ota.db");
	MUST(ota_db_open(path, &db, &fixture.error));
}

static void database_close(void)
{
	db = ota_db_free(db);
	scratch_remove(fixture.directory);
}

TestSuite(schema, .init = database_open, .fini = database_close);

/* A next step that changes a table with rows, makes a new one and fills it. */
static const char *const next_statements[] = {
	"ALTER TABLE product ADD COLUMN owner {text} DEFAULT 'nobody'",
	"CREATE TABLE account (name {text} PRIMARY KEY, since_ms {int}) {keyed}",
	"INSERT INTO account (name, since_ms) SELECT owner, MIN(created_ms) FROM product GROUP BY owner",
	"CREATE INDEX product_owner ON product (owner)",
	NULL,
};
enum { NEXT_STATEMENTS = 4, STEPS_MAX = 8 };

static struct ota_schema_step steps[STEPS_MAX];

/* The released schema and one step more. */
static struct ota_schema schema_with(const char *const *statements)
{
	const struct ota_schema *own = ota_schema();

	cr_assert_lt(own->count, (size_t)STEPS_MAX);
	memcpy(steps, own->steps, own->count * sizeof(steps[0]));
	steps[own->count].statements = statements;
	return (struct ota_schema){steps, own->count + 1};
}

static int64_t version_of(void)
{
	return sql_integer("SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'schema'");
}

static int64_t table_exists(const char *name)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM sqlite_schema WHERE name = '%s'", name);
	return sql_integer(sql);
}

static void error_names(const char *what, int version)
{
	char expected[64];

	snprintf(expected, sizeof(expected), "%s %d", what, version);
	cr_expect(strstr(fixture.error.text, expected), "%s: not in \"%s\"", expected, fixture.error.text);
}

static void product_insert(void)
{
	MUST(ota_db_execute(db,
			    "INSERT INTO product (product_key, rev, name, open_registration, sign, created_ms, devices)"
			    " VALUES ('pk', 1, 'n', 0, 'auto', 77, 0)",
			    &fixture.error));
}

Test(schema, a_new_database_gets_every_step)
{
	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	cr_expect_eq(version_of(), OTA_STORE_SCHEMA);
	MUST(ota_db_prepare_all(db, &fixture.error));
	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	cr_expect_eq(version_of(), OTA_STORE_SCHEMA, "nothing is left to do");
}

Test(schema, a_next_step_keeps_the_rows)
{
	struct ota_schema next = schema_with(next_statements);

	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	product_insert();
	MUST(ota_schema_migrate(db, &next, &fixture.error));
	cr_expect_eq(version_of(), OTA_STORE_SCHEMA + 1);
	cr_expect_eq(sql_integer("SELECT since_ms FROM account WHERE name = 'nobody'"), 77);
	MUST(ota_db_prepare_all(db, &fixture.error));
}

Test(schema, several_steps_run_in_one_start)
{
	struct ota_schema next = schema_with(next_statements);

	MUST(ota_schema_migrate(db, &next, &fixture.error));
	cr_expect_eq(version_of(), OTA_STORE_SCHEMA + 1);
}

Test(schema, one_from_the_future_is_refused_and_left)
{
	struct ota_schema next = schema_with(next_statements);

	MUST(ota_schema_migrate(db, &next, &fixture.error));
	MUST_FAIL(OTA_EVERSION, ota_schema_migrate(db, ota_schema(), &fixture.error));
	error_names("schema", OTA_STORE_SCHEMA + 1);
	cr_expect_eq(version_of(), OTA_STORE_SCHEMA + 1);
	cr_expect_not(ota_db_is_in_transaction(db));
}

Test(schema, the_store_refuses_one_from_the_future)
{
	struct ota_schema next = schema_with(next_statements);
	struct ota_store *store = NULL;

	MUST(ota_schema_migrate(db, &next, &fixture.error));
	db = ota_db_free(db);
	MUST_FAIL(OTA_EVERSION, ota_store_open(fixture.directory, &store, &fixture.error));
	cr_expect_null(store);
}

Test(schema, a_version_that_is_no_number_is_corrupt)
{
	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	MUST(ota_db_execute(db, "UPDATE meta SET value = 'one' WHERE name = 'schema'", &fixture.error));
	MUST_FAIL(OTA_ECORRUPT, ota_schema_migrate(db, ota_schema(), &fixture.error));
	MUST(ota_db_execute(db, "UPDATE meta SET value = '-1' WHERE name = 'schema'", &fixture.error));
	MUST_FAIL(OTA_EVERSION, ota_schema_migrate(db, ota_schema(), &fixture.error));
}

/* The step stops before its statement number `at`, once for every statement; the store must be at the old version, whole, and
 * then finish the step. */
static void stopped_step(int at)
{
	const char *statements[NEXT_STATEMENTS + 2] = {NULL};
	struct ota_schema next;

	memcpy(statements, next_statements, (size_t)at * sizeof(statements[0]));
	statements[at] = "INSERT INTO nowhere VALUES (1)";
	next = schema_with(statements);
	cr_expect_lt(ota_schema_migrate(db, &next, &fixture.error), 0);
	error_names("schema step", OTA_STORE_SCHEMA + 1);
	cr_expect_not(ota_db_is_in_transaction(db));
	cr_expect_eq(version_of(), OTA_STORE_SCHEMA, "stopped at %d", at);
	cr_expect_eq(table_exists("account"), 0, "stopped at %d", at);
	database_reopen();
	cr_expect_eq(version_of(), OTA_STORE_SCHEMA);
}

Test(schema, a_step_that_fails_anywhere_leaves_the_old_version)
{
	struct ota_schema next;

	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	product_insert();
	for (int at = 0; at <= NEXT_STATEMENTS; at++)
		stopped_step(at);
	next = schema_with(next_statements);
	MUST(ota_schema_migrate(db, &next, &fixture.error));
	cr_expect_eq(sql_integer("SELECT COUNT(*) FROM account"), 1);
}

/* A child runs the first statements of a step as the migration would and is killed there; small caches push its pages into the
 * log before the end. */
static void killed_step(const char *const *statements, int at)
{
	pid_t child = 0;
	int status = 0;

	db = ota_db_free(db);
	child = fork();
	if (child == 0) {
		database_reopen();
		(void)ota_db_execute(db, "PRAGMA cache_size = 1", NULL);
		(void)ota_db_transact(db, OTA_TRANSACTION_BEGIN, NULL);
		for (int i = 0; i < at; i++) {
			struct ota_bytes sql = {0};

			ota_schema_print(statements[i], ota_db_dialect(db), &sql);
			if (ota_db_execute(db, sql.data, NULL) < 0)
				_exit(1);
		}
		kill(getpid(), SIGKILL);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status), "the child left by itself: %d", status);
	database_reopen();
}

Test(schema, a_step_killed_at_any_statement_leaves_the_old_version)
{
	struct ota_schema next = schema_with(next_statements);

	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	product_insert();
	for (int at = 0; at <= NEXT_STATEMENTS; at++) {
		killed_step(next_statements, at);
		cr_expect_eq(version_of(), OTA_STORE_SCHEMA, "killed at %d", at);
		cr_expect_eq(table_exists("account"), 0, "killed at %d", at);
	}
	MUST(ota_schema_migrate(db, &next, &fixture.error));
	cr_expect_eq(version_of(), OTA_STORE_SCHEMA + 1);
}

Test(schema, the_first_step_killed_at_any_statement_starts_again)
{
	const char *const *statements = ota_schema()->steps[0].statements;
	int count = 0;

	while (statements[count])
		count++;
	MUST(ota_db_execute(
		db, "CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT",
		&fixture.error));
	for (int at = 0; at <= count; at += 3) {
		killed_step(statements, at);
		cr_expect_eq(table_exists("lease"), 0, "killed at %d", at);
	}
	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	MUST(ota_db_prepare_all(db, &fixture.error));
}

/* A store of an older release, with a row in it. */
static void database_of_version(size_t version)
{
	struct ota_schema old = {ota_schema()->steps, version};

	MUST(ota_schema_migrate(db, &old, &fixture.error));
	product_insert();
	MUST(ota_db_execute(db,
			    "INSERT INTO operator (token_hash, name, role, created_ms, expires_ms)"
			    " VALUES ('hash', 'admin', 'admin', 5, 0)",
			    &fixture.error));
}

Test(schema, a_store_of_version_1_killed_at_any_statement_of_step_2_is_brought_up_whole)
{
	const char *const *statements = ota_schema()->steps[1].statements;
	int count = 0;

	while (statements[count])
		count++;
	database_of_version(1);
	for (int at = 0; at <= count; at++) {
		killed_step(statements, at);
		cr_expect_eq(version_of(), 1, "killed at %d", at);
		cr_expect_eq(table_exists("event_at"), 0, "killed at %d", at);
	}
	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	cr_expect_eq(version_of(), OTA_STORE_SCHEMA);
	MUST(ota_db_prepare_all(db, &fixture.error));
	cr_expect_eq(sql_integer("SELECT created_ms FROM product WHERE product_key = 'pk'"), 77);
	cr_expect_eq(sql_integer("SELECT last_used_ms FROM operator WHERE name = 'admin' AND created_by = ''"), 0);
}

Test(schema, what_had_ended_when_a_batch_of_version_3_was_resumed_is_known_by_its_causes)
{
	static const char *const rows[] = {
		"INSERT INTO package (id, rev, product_key, module, version, notes, ext_data, created_ms, created_by, yanked,"
		" verification, verified_sha256) VALUES (2, 1, 'pk', 'default', '2', '', '', 1, '', 0, 'verified', '')",
		"INSERT INTO batch (id, rev, product_key, package_id, module, version, name, kind, all_devices, skip_conflicts,"
		" strategy, created_ms, created_by, state, reason, total, prepared, prepare_after, canceling, cancel_revokes,"
		" started_ms, ended_ms, ends_ms, resumed_failed, resumed_reported) VALUES (7, 1, 'pk', 2, 'default', '2', '',"
		" 'static', 1, 0, '', 1, '', 'running', '', 30, 1, '', 0, 0, 1, 0, 9, 5, 8)",
		"INSERT INTO batch_count (batch_id, state, cause, n) VALUES (7, 'failed', 'burn_failed', 3),"
		" (7, 'failed', 'lost', 4), (7, 'failed', 'loop', 0), (7, 'succeeded', 'version_reported', 10),"
		" (7, 'succeeded', 'already_at_target', 2), (7, 'pending', '', 11)",
	};
	const struct ota_schema old = {ota_schema()->steps, 3};

	MUST(ota_schema_migrate(db, &old, &fixture.error));
	product_insert();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		MUST(ota_db_execute(db, rows[i], &fixture.error));
	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	cr_expect_eq(sql_integer("SELECT resumed FROM batch_count WHERE cause = 'burn_failed'"), 3);
	cr_expect_eq(sql_integer("SELECT resumed FROM batch_count WHERE cause = 'lost'"), 2);
	cr_expect_eq(sql_integer("SELECT resumed FROM batch_count WHERE cause = 'version_reported'"), 8);
	cr_expect_eq(sql_integer("SELECT SUM(resumed) FROM batch_count"), 13);
	cr_expect_eq(sql_integer("SELECT SUM(n) FROM batch_count"), 30);
}

Test(schema, a_missing_table_is_told_at_start)
{
	struct ota_store *store = NULL;

	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	MUST(ota_db_execute(db, "DROP TABLE event", &fixture.error));
	db = ota_db_free(db);
	MUST_FAIL(OTA_ECORRUPT, ota_store_open(fixture.directory, &store, &fixture.error));
	cr_expect(strstr(fixture.error.text, "event"), "%s", fixture.error.text);
}

Test(schema, another_programs_database_is_refused_and_left)
{
	struct ota_store *store = NULL;
	char path[SCRATCH_SIZE];

	db = ota_db_free(db);
	scratch_path(path, fixture.directory, "ota.db");
	cr_assert_eq(unlink(path), 0);
	scratch_write(fixture.directory, "ota.db", "");
	sql_execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (7)");
	MUST_FAIL(OTA_ECORRUPT, ota_store_open(fixture.directory, &store, &fixture.error));
	cr_expect(strstr(fixture.error.text, "another program"), "%s", fixture.error.text);
	cr_expect_eq(sql_integer("SELECT x FROM theirs"), 7);
	cr_expect_eq(table_exists("meta"), 0);
	cr_expect_eq(sql_integer("PRAGMA application_id"), 0);
}

/* What the file says is not believed: PRAGMAs of defence are on for the connection. */
Test(schema, a_file_brings_no_code_along)
{
	MUST(ota_schema_migrate(db, ota_schema(), &fixture.error));
	cr_expect_lt(ota_db_execute(db, "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = ''", NULL), 0);
	cr_expect_eq(
		ota_db_execute(db, "CREATE TRIGGER t AFTER INSERT ON product BEGIN DELETE FROM product; END", &fixture.error), 0);
	product_insert();
	cr_expect_eq(sql_integer("SELECT COUNT(*) FROM product"), 1, "triggers are off");
}

Test(schema, prints_in_the_words_of_both_databases)
{
	static const char source[] = "CREATE TABLE x (a {id}, b {int}, c {flag}, d {text}) {keyed}";
	OTA_AUTO_BYTES struct ota_bytes sqlite = {0}, postgres = {0};

	ota_schema_print(source, OTA_DIALECT_SQLITE, &sqlite);
	ota_schema_print(source, OTA_DIALECT_POSTGRES, &postgres);
	cr_expect_str_eq(sqlite.data, "CREATE TABLE x (a INTEGER PRIMARY KEY, b INTEGER NOT NULL, c INTEGER NOT NULL, d TEXT NOT "
				      "NULL) WITHOUT ROWID, STRICT");
	cr_expect_str_eq(
		postgres.data,
		"CREATE TABLE x (a BIGINT PRIMARY KEY, b BIGINT NOT NULL, c SMALLINT NOT NULL, d TEXT COLLATE \"C\" NOT NULL) ");
}
