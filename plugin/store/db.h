/*
 * Db: one connection to the database and the statements on it, the same for every back-end. For the store's own files; sqlite.c
 * is the only one that sees a database's own interface.
 *
 * A query is a statement of statement.h at work: start, bind the parameters in order, then run, find or list, which also end it.
 * A failure while binding is kept and told by the call that ends the query, so that nothing has to be checked in between.
 */
#ifndef OTA_PLUGIN_STORE_DB_H
#define OTA_PLUGIN_STORE_DB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"
#include "plugin/store/row.h"
#include "plugin/store/statement.h"

struct ota_db;

/* The spelling of SQL where databases differ (schema.h). */
enum ota_dialect {
	OTA_DIALECT_SQLITE,
	OTA_DIALECT_POSTGRES,
};

/* Opens or creates the file, readable by its owner alone. Errors: OTA_ECORRUPT for what is no database of ours, OTA_EIO,
 * OTA_ELIMIT, OTA_EUNAVAILABLE. */
int ota_db_open(const char *path, struct ota_db **ret_db, struct ota_error *error);
/* A second connection to a file that this process has open, for another thread. */
int ota_db_open_beside(const char *path, struct ota_db **ret_db, struct ota_error *error);
/* From now on a statement or copy of this connection that runs long ends with OTA_ECANCELED once *stop is true; any thread sets
 * it. */
void ota_db_watch(struct ota_db *db, const atomic_bool *stop);
/* Rolls back what is open and closes. Returns NULL. */
struct ota_db *ota_db_free(struct ota_db *db);
enum ota_dialect ota_db_dialect(const struct ota_db *db);

/* Prepares every statement, so that a schema they do not fit is found at start (OTA_ECORRUPT) and never in work. */
int ota_db_prepare_all(struct ota_db *db, struct ota_error *error);
/* One statement without parameters or results, of a migration. */
int ota_db_execute(struct ota_db *db, const char *sql, struct ota_error *error);

enum ota_transaction {
	OTA_TRANSACTION_BEGIN, /* takes the right to write at once, so that it is never refused half-way */
	OTA_TRANSACTION_COMMIT,
	OTA_TRANSACTION_ROLLBACK,
	OTA_TRANSACTION_SAVEPOINT,
	OTA_TRANSACTION_RELEASE,
	OTA_TRANSACTION_ROLLBACK_TO, /* and forgets the savepoint */
	OTA_TRANSACTION_VERBS,
};
int ota_db_transact(struct ota_db *db, enum ota_transaction verb, struct ota_error *error);
/* False as well after the database rolled back by itself (full disk, I/O error). */
bool ota_db_is_in_transaction(const struct ota_db *db);

/* Copies what can be copied of the log without waiting for anybody. */
int ota_db_checkpoint(struct ota_db *db, struct ota_error *error);
/* What the last checkpoint of this connection copied, of the whole log as it was then. */
uint64_t ota_db_copied_bytes(const struct ota_db *db);
/* The log as the last commit of this connection left it: without what a checkpoint of this connection copied, with what others
 * did. */
uint64_t ota_db_log_bytes(const struct ota_db *db);
/* How much of the database this connection may keep in memory. */
int ota_db_set_cache(struct ota_db *db, uint64_t bytes, struct ota_error *error);
/* The database without its log. */
int ota_db_size(struct ota_db *db, uint64_t *ret_bytes, struct ota_error *error);

/* Called now and then during a copy. */
struct ota_db_progress {
	void (*tell)(void *context, uint64_t done, uint64_t whole);
	void *context;
};
/* Copies the database as it stands at this moment into a new file, 0600, while others read and write. The file is not synced yet;
 * it is the caller's to remove after a failure. */
int ota_db_copy(struct ota_db *db, const char *path, const struct ota_db_progress *progress, struct ota_error *error);

/* Looks for damage and for rows that refer to none. Tells each complaint, at most `limit`, in the database's words. */
struct ota_db_complaints {
	void (*tell)(void *context, const char *complaint);
	void *context;
	int limit;
};
int ota_db_examine(struct ota_db *db, const struct ota_db_complaints *complaints, struct ota_error *error);

struct ota_query {
	struct ota_db *db;
	enum ota_sql sql;
	const char *own; /* the name of a statement that is this query's alone, NULL = sql's */
	void *handle; /* the back-end's */
	int bound;
	int failed; /* the back-end's code of the first failure, 0 = none */
};

void ota_query_start(struct ota_query *query, struct ota_db *db, enum ota_sql sql);
/* Of a statement that was put together for this one query, and is forgotten with its end. name is for errors; both are
 * borrowed. */
void ota_query_start_text(struct ota_query *query, struct ota_db *db, const char *name, const char *sql);
void ota_query_integer(struct ota_query *query, int64_t value);
void ota_query_text(struct ota_query *query, const char *text); /* borrowed until the query ends */

/* 1: a row stands ready; 0: no further row; negative: an error. Only after 1 may columns be read. */
int ota_query_step(struct ota_query *query, struct ota_error *error);
int64_t ota_query_column_integer(struct ota_query *query, int column);
struct ota_span ota_query_column_text(struct ota_query *query, int column); /* valid until the next step or the end */
const char *ota_query_column_name(struct ota_query *query, int column);
const char *ota_query_name(const struct ota_query *query);
/* How many rows the last write on this connection changed. */
int64_t ota_query_changed(const struct ota_query *query);
void ota_query_end(struct ota_query *query);

/* Whole queries. Each ends the query. */

/* A write. Returns how many rows it changed, or a negative code. */
int ota_query_run(struct ota_query *query, struct ota_error *error);
/* A write that must change exactly one row: OTA_ECONFLICT with that sentence if it changed none. */
int ota_query_run_one(struct ota_query *query, struct ota_error *error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* One row; OTA_ENOTFOUND, without filling error, if there is none. row is untouched on failure. */
int ota_query_find(struct ota_query *query, const struct ota_layout *layout, void *row, struct ota_error *error);
/* The integer in the first column of the first row; OTA_ENOTFOUND as above. */
int ota_query_find_integer(struct ota_query *query, int64_t *ret_value, struct ota_error *error);
/* Up to `capacity` rows into an array. The last parameter of such a statement is its LIMIT and is bound here. */
struct ota_page {
	void *rows;
	size_t capacity;
	size_t *ret_count;
};
int ota_query_list(struct ota_query *query, const struct ota_layout *layout, struct ota_page page, struct ota_error *error);

#endif
