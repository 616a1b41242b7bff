/*
 * Store: what must survive, and the transaction it changes in. SQLite behind one table of statements whose SQL PostgreSQL
 * prepares too.
 *
 * Thread rule: a store belongs to one thread at a time (opened by the broker's thread at start, then only the worker touches it).
 * Every function needs an open transaction unless it says otherwise. Errors: OTA_EIO (the database's own words), OTA_ELIMIT (disk
 * full), OTA_ECORRUPT, OTA_EUNAVAILABLE (locked by another process); finders return OTA_ENOTFOUND without filling error; inserts
 * of what exists and saves of what changed meanwhile return OTA_ECONFLICT.
 */
#ifndef OTA_PLUGIN_STORE_STORE_H
#define OTA_PLUGIN_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/limits.h"

struct ota_store;

#define OTA_STORE_FILE "ota.db" /* in the store's directory */

enum { OTA_STORE_SCHEMA = 4, OTA_STORE_UUID_SIZE = 37, OTA_NODE_ID = 1 };

/* Takes the lock <directory>/lock for life, takes over what is to be restored (restore.h), opens or creates <directory>/ota.db
 * and migrates it step by step. Errors: OTA_ECONFLICT the lock is held (names the pid), OTA_EVERSION the schema is newer than
 * OTA_STORE_SCHEMA, OTA_ECORRUPT. No transaction is open afterwards. */
int ota_store_open(const char *directory, struct ota_store **ret_store, struct ota_error *error);
/* What an operator can do about such an error of the store, as the end of a sentence. */
const char *ota_store_advice(int code);
/* Rolls back what is open, closes, releases the lock. Returns NULL. */
struct ota_store *ota_store_free(struct ota_store *store);

int ota_store_begin(struct ota_store *store, struct ota_error *error);
/* A commit that failed has rolled back. */
int ota_store_commit(struct ota_store *store, struct ota_error *error);
void ota_store_rollback(struct ota_store *store);
/* One level of savepoint inside the transaction. */
int ota_store_savepoint(struct ota_store *store, struct ota_error *error);
int ota_store_release(struct ota_store *store, struct ota_error *error);
void ota_store_rollback_to(struct ota_store *store);
/* Copies the write-ahead log back while nothing else is to do; no transaction may be open. */
int ota_store_checkpoint(struct ota_store *store, struct ota_error *error);
/* How much of the database is kept in memory unless told: with what a transaction of a million-row work needs besides, the broker
 * grows by less than 64 MiB. It grows to that as the store does, and no further. */
#define OTA_STORE_CACHE_BYTES ((uint64_t)48 * 1024 * 1024)
int ota_store_set_cache(struct ota_store *store, uint64_t bytes, struct ota_error *error);
/* The log as the last commit left it, in bytes; 0 after a checkpoint of this store that copied all of it. */
uint64_t ota_store_log_bytes(const struct ota_store *store);

/* Random, made with the database; journals carry it. */
const char *ota_store_uuid(const struct ota_store *store);
/* A fresh positive id, rising, unique among all rows; leased in blocks from a row so that several servers can share one store. 0
 * on error. */
int64_t ota_store_new_id(struct ota_store *store, struct ota_error *error);

/* The last journal sequence whose effects are in the store, and the sum of heard time (common/time.h), of a node. 0 at first. */
int ota_store_load_node(struct ota_store *store, int64_t node, uint64_t *ret_applied, int64_t *ret_heard_ms,
			struct ota_error *error);
int ota_store_save_node(struct ota_store *store, int64_t node, uint64_t applied, int64_t heard_ms, struct ota_error *error);

/* Answers kept so that a repeated request is not executed twice. key = "<token hash>:<request id>". answer is malloc'ed for the
 * caller. */
int ota_store_find_answer(struct ota_store *store, const char *key, char **ret_answer, struct ota_error *error);
int ota_store_insert_answer(struct ota_store *store, const char *key, const char *answer, int64_t at_ms, struct ota_error *error);
int ota_store_prune_answers(struct ota_store *store, int64_t before_ms, struct ota_error *error);

#endif
