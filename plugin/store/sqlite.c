/* The embedded back-end of db.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/backup.h"
#include "common/file.h"
#include "plugin/store/db.h"

/* Somebody else's database is refused before it is touched. */
#define TEXT_OF(number) TEXT_OF_WORD(number)
#define TEXT_OF_WORD(word) #word

struct ota_db {
	sqlite3 *handle;
	sqlite3_stmt *statements[OTA_SQL_STATEMENTS];
	sqlite3_stmt *transactions[OTA_TRANSACTION_VERBS];
	int page_bytes;
	int log_pages; /* of the write-ahead log, as the last commit left it */
	int copied_pages;
	const atomic_bool *stop; /* NULL = nobody asks to */
};

static const char *const transaction_sql[OTA_TRANSACTION_VERBS] = {
	[OTA_TRANSACTION_BEGIN] = "BEGIN IMMEDIATE", [OTA_TRANSACTION_COMMIT] = "COMMIT",
	[OTA_TRANSACTION_ROLLBACK] = "ROLLBACK",     [OTA_TRANSACTION_SAVEPOINT] = "SAVEPOINT event",
	[OTA_TRANSACTION_RELEASE] = "RELEASE event", [OTA_TRANSACTION_ROLLBACK_TO] = "ROLLBACK TO event",
};

/* Small pages, as updates of rows far apart fill the log by whole pages. To be said before the first page is written. */
static const char creating_sql[] = "PRAGMA page_size = 4096; PRAGMA application_id = " TEXT_OF(OTA_STORE_APPLICATION_ID);

/*
 * No automatic checkpoints: the worker makes them when it is idle; the size limit gives the log's space back after a rush.
 * With NORMAL a commit survives the crash of the process at once, and a power cut from the next checkpoint on.
 */
static const char *const opening_sql[] = {
	"PRAGMA journal_mode = WAL",   "PRAGMA synchronous = NORMAL",          "PRAGMA foreign_keys = ON",
	"PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON",          "PRAGMA temp_store = MEMORY",
	"PRAGMA cache_size = -49152",  "PRAGMA journal_size_limit = 67108864",
};

/* Whoever stands beside reads each page once. */
static const char beside_sql[] = "PRAGMA cache_size = -4096";

/* What a file from outside could bring along and we never use. */
static const struct {
	int option;
	int value;
} opening_config[] = {
	{SQLITE_DBCONFIG_DEFENSIVE, 1},
	{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
	{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
	{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
	{SQLITE_DBCONFIG_DQS_DML, 0},
	{SQLITE_DBCONFIG_DQS_DDL, 0},
	{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
};

/* Between two looks whether to stop: virtual instructions, and pages of a copy. */
enum { WATCH_STEPS = 100000, COPY_PAGES = 512 };

/* The store is ours alone; whoever else holds it (an operator's shell in a transaction) gets this long before we give up. */
enum { BUSY_TIMEOUT_MS = 200 };

static bool errno_is_full(int number)
{
	return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

static int code_of(const struct ota_db *db, int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return OTA_ELIMIT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return OTA_EUNAVAILABLE;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return OTA_ECORRUPT;
	case SQLITE_CONSTRAINT:
		return OTA_ECONFLICT;
	case SQLITE_NOMEM:
		return OTA_ENOMEM;
	case SQLITE_INTERRUPT:
		return OTA_ECANCELED;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		/* SQLite says FULL only where write() did; a log or an index of it that cannot grow is the same to us. */
		return db->handle && errno_is_full(sqlite3_system_errno(db->handle)) ? OTA_ELIMIT : OTA_EIO;
	default:
		return OTA_EIO;
	}
}

/* SQLite's words, and behind "disk I/O error" those of the system, which say what to do about it. */
static int db_fail(const struct ota_db *db, int result, const char *what, struct ota_error *error)
{
	int code = code_of(db, result);
	int number = db->handle && (result & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db->handle) : 0;
	const char *words = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(result);

	if (number != 0)
		return ota_fail(error, code, "store: %s: %s: %s", what, words, strerrordesc_np(number));
	return ota_fail(error, code, "store: %s: %s", what, words);
}

/* SQLite would create the file readable for everybody; its log takes over the mode of the file. */
static int file_secure(const char *path, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return ota_fail_errno(error, "store: open %s", path);
	if (!S_ISREG(status.st_mode))
		return ota_fail(error, OTA_ECORRUPT, "store: %s is not a file", path);
	if ((status.st_mode & 077) && fchmod(fd, 0600) < 0)
		return ota_fail_errno(error, "store: %s is readable for others, and that cannot be changed", path);
	return 0;
}

int ota_db_execute(struct ota_db *db, const char *sql, struct ota_error *error)
{
	int result = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return result == SQLITE_OK ? 0 : db_fail(db, result, "execute", error);
}

static int integer_load(struct ota_db *db, const char *sql, int64_t *ret_value, struct ota_error *error)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return result == SQLITE_ROW ? 0 : db_fail(db, result, "open", error);
}

/* Ours, or empty and then made ours. */
static int application_claim(struct ota_db *db, struct ota_error *error)
{
	int64_t application = 0;
	int64_t tables = 0;
	int status = integer_load(db, "PRAGMA application_id", &application, error);

	if (status == 0)
		status = integer_load(db, "SELECT COUNT(*) FROM sqlite_schema", &tables, error);
	if (status < 0)
		return status;
	if (application == OTA_STORE_APPLICATION_ID)
		return 0;
	if (application != 0 || tables != 0)
		return ota_fail(error, OTA_ECORRUPT, "store: the file is a database of another program");
	return ota_db_execute(db, creating_sql, error);
}

/* Called after every commit; taking this hook also turns automatic checkpoints off. */
static int log_grown(void *context, sqlite3 *handle, const char *name, int pages)
{
	struct ota_db *db = context;

	(void)handle;
	(void)name;
	db->log_pages = pages;
	return SQLITE_OK;
}

static int db_configure(struct ota_db *db, struct ota_error *error)
{
	int64_t page_bytes = 0;
	int status = 0;

	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	for (size_t i = 0; i < sizeof(opening_config) / sizeof(opening_config[0]); i++)
		(void)sqlite3_db_config(db->handle, opening_config[i].option, opening_config[i].value, NULL);
	status = application_claim(db, error);
	for (size_t i = 0; status == 0 && i < sizeof(opening_sql) / sizeof(opening_sql[0]); i++)
		status = ota_db_execute(db, opening_sql[i], error);
	if (status == 0)
		status = integer_load(db, "PRAGMA page_size", &page_bytes, error);
	if (status < 0)
		return status;
	db->page_bytes = (int)page_bytes;
	sqlite3_wal_hook(db->handle, log_grown, db);
	return 0;
}

static int transactions_prepare(struct ota_db *db, struct ota_error *error)
{
	for (int i = 0; i < OTA_TRANSACTION_VERBS; i++) {
		int result = sqlite3_prepare_v3(db->handle, transaction_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
						&db->transactions[i], NULL);

		if (result != SQLITE_OK)
			return db_fail(db, result, transaction_sql[i], error);
	}
	return 0;
}

static int db_connect(const char *path, struct ota_db **ret_db, struct ota_error *error)
{
	struct ota_db *db = calloc(1, sizeof(*db));
	int result = SQLITE_OK;
	int status = 0;

	if (!db)
		return ota_fail(error, OTA_ENOMEM, "store: no memory");
	result = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (result != SQLITE_OK)
		status = db_fail(db, result, "open", error);
	if (status == 0)
		status = db_configure(db, error);
	if (status == 0)
		status = transactions_prepare(db, error);
	if (status < 0) {
		ota_db_free(db);
		return status;
	}
	*ret_db = db;
	return 0;
}

int ota_db_open(const char *path, struct ota_db **ret_db, struct ota_error *error)
{
	int status = file_secure(path, error);

	return status < 0 ? status : db_connect(path, ret_db, error);
}

/* Nothing of ours may open the file and close it again: that would drop the locks the first connection holds on it, as POSIX has
 * it. SQLite knows of both connections and waits with closing. */
int ota_db_open_beside(const char *path, struct ota_db **ret_db, struct ota_error *error)
{
	int status = db_connect(path, ret_db, error);

	return status == 0 ? ota_db_execute(*ret_db, beside_sql, error) : status;
}

static int watch_look(void *context)
{
	return atomic_load((const atomic_bool *)context);
}

void ota_db_watch(struct ota_db *db, const atomic_bool *stop)
{
	db->stop = stop;
	sqlite3_progress_handler(db->handle, WATCH_STEPS, watch_look, (void *)(uintptr_t)stop);
}

struct ota_db *ota_db_free(struct ota_db *db)
{
	if (!db)
		return NULL;
	for (int i = 0; i < OTA_SQL_STATEMENTS; i++)
		sqlite3_finalize(db->statements[i]);
	for (int i = 0; i < OTA_TRANSACTION_VERBS; i++)
		sqlite3_finalize(db->transactions[i]);
	sqlite3_close(db->handle);
	free(db);
	return NULL;
}

enum ota_dialect ota_db_dialect(const struct ota_db *db)
{
	(void)db;
	return OTA_DIALECT_SQLITE;
}

/* Prepared when first needed, because the schema's own version is read before the other tables exist. */
static int statement_prepare(struct ota_db *db, enum ota_sql sql)
{
	if (db->statements[sql])
		return SQLITE_OK;
	return sqlite3_prepare_v3(db->handle, ota_statement(sql)->sql, -1, SQLITE_PREPARE_PERSISTENT, &db->statements[sql], NULL);
}

int ota_db_prepare_all(struct ota_db *db, struct ota_error *error)
{
	for (int i = 0; i < OTA_SQL_STATEMENTS; i++) {
		int result = statement_prepare(db, (enum ota_sql)i);

		if (result == SQLITE_ERROR)
			return ota_fail(error, OTA_ECORRUPT, "store: %s: %s", ota_statement((enum ota_sql)i)->name,
					sqlite3_errmsg(db->handle));
		if (result != SQLITE_OK)
			return db_fail(db, result, ota_statement((enum ota_sql)i)->name, error);
	}
	return 0;
}

static int transaction_run(struct ota_db *db, enum ota_transaction verb, struct ota_error *error)
{
	sqlite3_stmt *statement = db->transactions[verb];
	int result = sqlite3_step(statement);
	int status = result == SQLITE_DONE ? 0 : db_fail(db, result, transaction_sql[verb], error);

	sqlite3_reset(statement);
	return status;
}

int ota_db_transact(struct ota_db *db, enum ota_transaction verb, struct ota_error *error)
{
	int status = 0;

	if (verb == OTA_TRANSACTION_ROLLBACK && !ota_db_is_in_transaction(db))
		return 0;
	status = transaction_run(db, verb, error);
	if (status == 0 && verb == OTA_TRANSACTION_ROLLBACK_TO)
		status = transaction_run(db, OTA_TRANSACTION_RELEASE, error);
	return status;
}

bool ota_db_is_in_transaction(const struct ota_db *db)
{
	return !sqlite3_get_autocommit(db->handle);
}

int ota_db_checkpoint(struct ota_db *db, struct ota_error *error)
{
	int pages = 0;
	int copied = 0;
	int result = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);

	if (result != SQLITE_OK)
		return db_fail(db, result, "checkpoint", error);
	/* A log that was copied whole is written from its start again. */
	db->log_pages = pages - copied;
	db->copied_pages = copied > 0 ? copied : 0;
	return 0;
}

uint64_t ota_db_copied_bytes(const struct ota_db *db)
{
	return (uint64_t)db->copied_pages * (uint64_t)db->page_bytes;
}

uint64_t ota_db_log_bytes(const struct ota_db *db)
{
	return (uint64_t)db->log_pages * (uint64_t)db->page_bytes;
}

int ota_db_set_cache(struct ota_db *db, uint64_t bytes, struct ota_error *error)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA cache_size = -%" PRIu64, bytes / 1024);
	return ota_db_execute(db, sql, error);
}

int ota_db_size(struct ota_db *db, uint64_t *ret_bytes, struct ota_error *error)
{
	int64_t pages = 0;
	int status = integer_load(db, "PRAGMA page_count", &pages, error);

	if (status == 0)
		*ret_bytes = (uint64_t)pages * (uint64_t)db->page_bytes;
	return status;
}

/* --- copy --- */

static int copy_run(struct ota_db *db, sqlite3_backup *backup, const struct ota_db_progress *progress)
{
	int result = SQLITE_OK;

	while (result == SQLITE_OK) {
		int left, whole;

		if (db->stop && atomic_load(db->stop))
			return SQLITE_INTERRUPT;
		result = sqlite3_backup_step(backup, COPY_PAGES);
		left = sqlite3_backup_remaining(backup);
		whole = sqlite3_backup_pagecount(backup);
		progress->tell(progress->context, (uint64_t)(whole - left), (uint64_t)whole);
	}
	return result;
}

static int copy_into(struct ota_db *db, sqlite3 *target, const struct ota_db_progress *progress, struct ota_error *error)
{
	sqlite3_backup *backup = sqlite3_backup_init(target, "main", db->handle, "main");
	int result = backup ? copy_run(db, backup, progress) : sqlite3_errcode(target);
	int finished = sqlite3_backup_finish(backup);
	struct ota_db other = {.handle = target};

	if (result == SQLITE_INTERRUPT)
		return ota_fail(error, OTA_ECANCELED, "store: the copy was stopped");
	if (result == SQLITE_DONE)
		result = finished;
	return result == SQLITE_OK ? 0 : db_fail(&other, result, "copy", error);
}

/* One transaction holds the moment: without it, a write by another connection would begin the copy anew. */
static int copy_moment(struct ota_db *db, sqlite3 *target, const struct ota_db_progress *progress, struct ota_error *error)
{
	int64_t tables = 0;
	int status = ota_db_execute(db, "BEGIN", error);

	if (status < 0)
		return status;
	status = integer_load(db, "SELECT COUNT(*) FROM sqlite_schema", &tables, error);
	if (status == 0)
		status = copy_into(db, target, progress, error);
	(void)ota_db_transact(db, OTA_TRANSACTION_ROLLBACK, NULL);
	return status;
}

int ota_db_copy(struct ota_db *db, const char *path, const struct ota_db_progress *progress, struct ota_error *error)
{
	sqlite3 *target = NULL;
	int result = SQLITE_OK;
	int status = file_secure(path, error);

	if (status < 0)
		return status;
	result = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	/* The caller syncs the whole at its end, or throws it away. */
	if (result == SQLITE_OK)
		result = sqlite3_exec(target, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", NULL, NULL, NULL);
	if (result == SQLITE_OK)
		status = copy_moment(db, target, progress, error);
	else
		status = db_fail(&(struct ota_db){.handle = target}, result, "copy", error);
	sqlite3_close(target);
	return status;
}

/* --- examine --- */

/* One row of integrity_check may hold many lines, the first of which says only where. Returns how many were told. */
static int lines_tell(const struct ota_db_complaints *complaints, const char *words, int limit)
{
	int told = 0;

	while (*words && told < limit) {
		size_t size = strcspn(words, "\n");
		char text[128];

		snprintf(text, sizeof(text), "%.*s", (int)size, words);
		if (strcmp(text, "ok") != 0 && strncmp(text, "*** in database", 15) != 0) {
			complaints->tell(complaints->context, text);
			told++;
		}
		words += size + (words[size] == '\n');
	}
	return told;
}

/* integrity_check says "ok" in one row, or a complaint in each; foreign_key_check names table, row and who lacks it. */
static int complaints_run(struct ota_db *db, const char *sql, const struct ota_db_complaints *complaints,
			  struct ota_error *error)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);

	for (int told = 0; result == SQLITE_OK || (result == SQLITE_ROW && told < complaints->limit);) {
		char text[128];
		const char *words = "";

		result = sqlite3_step(statement);
		if (result != SQLITE_ROW)
			break;
		words = (const char *)sqlite3_column_text(statement, 0);
		if (sqlite3_column_count(statement) > 1) {
			snprintf(text, sizeof(text), "row %lld of %s refers to a row of %s that does not exist",
				 (long long)sqlite3_column_int64(statement, 1), words ? words : "a table",
				 sqlite3_column_text(statement, 2));
			words = text;
		}
		told += lines_tell(complaints, words ? words : "", complaints->limit - told);
	}
	sqlite3_finalize(statement);
	return result == SQLITE_DONE || result == SQLITE_ROW ? 0 : db_fail(db, result, "examine", error);
}

int ota_db_examine(struct ota_db *db, const struct ota_db_complaints *complaints, struct ota_error *error)
{
	int status = complaints_run(db, "PRAGMA integrity_check", complaints, error);

	return status == 0 ? complaints_run(db, "PRAGMA foreign_key_check", complaints, error) : status;
}

void ota_query_start(struct ota_query *query, struct ota_db *db, enum ota_sql sql)
{
	*query = (struct ota_query){.db = db, .sql = sql};
	query->failed = statement_prepare(db, sql);
	query->handle = db->statements[sql];
}

void ota_query_start_text(struct ota_query *query, struct ota_db *db, const char *name, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	*query = (struct ota_query){.db = db, .own = name};
	query->failed = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
	query->handle = statement;
}

void ota_query_integer(struct ota_query *query, int64_t value)
{
	query->bound++;
	if (query->failed == SQLITE_OK)
		query->failed = sqlite3_bind_int64(query->handle, query->bound, value);
}

void ota_query_text(struct ota_query *query, const char *text)
{
	query->bound++;
	if (query->failed == SQLITE_OK)
		query->failed = sqlite3_bind_text(query->handle, query->bound, text, -1, SQLITE_STATIC);
}

int ota_query_step(struct ota_query *query, struct ota_error *error)
{
	int result = query->failed;

	if (result == SQLITE_OK) {
		assert(query->bound == sqlite3_bind_parameter_count(query->handle));
		result = sqlite3_step(query->handle);
	}
	if (result == SQLITE_ROW)
		return 1;
	return result == SQLITE_DONE ? 0 : db_fail(query->db, result, ota_query_name(query), error);
}

int64_t ota_query_column_integer(struct ota_query *query, int column)
{
	return sqlite3_column_int64(query->handle, column);
}

struct ota_span ota_query_column_text(struct ota_query *query, int column)
{
	const char *text = (const char *)sqlite3_column_text(query->handle, column);

	return (struct ota_span){text, text ? (size_t)sqlite3_column_bytes(query->handle, column) : 0};
}

const char *ota_query_column_name(struct ota_query *query, int column)
{
	return sqlite3_column_name(query->handle, column);
}

int64_t ota_query_changed(const struct ota_query *query)
{
	return sqlite3_changes64(query->db->handle);
}

/* What is bound was borrowed: the statement forgets it, whatever became of the query. */
void ota_query_end(struct ota_query *query)
{
	if (!query->handle)
		return;
	if (query->own) {
		sqlite3_finalize(query->handle);
		query->handle = NULL;
		return;
	}
	sqlite3_reset(query->handle);
	sqlite3_clear_bindings(query->handle);
}
