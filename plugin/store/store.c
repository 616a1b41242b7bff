#include "plugin/store/store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/text.h"
#include "plugin/store/handle.h"
#include "plugin/store/restore.h"
#include "plugin/store/schema.h"

/* Ids taken from the row at once. A crash loses at most this many numbers, of 2^53. */
enum { LEASE_IDS = 1000 };

/* A random UUID, version 4 of RFC 9562. */
static int uuid_make(char target[OTA_STORE_UUID_SIZE], struct ota_error *error)
{
	unsigned char bytes[16];
	char hex[33];
	int status = ota_random(bytes, sizeof(bytes));

	if (status < 0)
		return ota_fail(error, status, "store: no random bytes for the store's name");
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	ota_text_hex(hex, bytes, sizeof(bytes));
	for (size_t from = 0, to = 0; from < 32; from++) {
		if (from == 8 || from == 12 || from == 16 || from == 20)
			target[to++] = '-';
		target[to++] = hex[from];
	}
	target[OTA_STORE_UUID_SIZE - 1] = '\0';
	return 0;
}

static const struct ota_field uuid_fields[] = {
	OTA_FIELD(TEXT, struct ota_store, uuid),
};

static int uuid_load(struct ota_store *store, struct ota_error *error)
{
	const struct ota_layout layout = OTA_LAYOUT(uuid_fields, struct ota_store);
	struct ota_store found;
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_META_FIND);
	ota_query_text(&query, "uuid");
	status = ota_query_find(&query, &layout, &found, error);
	if (status == 0)
		memcpy(store->uuid, found.uuid, sizeof(store->uuid));
	return status;
}

/* The store's name is made once, with the database; a store that has one is only read. */
static int uuid_open(struct ota_store *store, struct ota_error *error)
{
	struct ota_query query;
	char uuid[OTA_STORE_UUID_SIZE];
	int status = uuid_load(store, error);

	if (status != OTA_ENOTFOUND)
		return status;
	status = uuid_make(uuid, error);
	if (status < 0)
		return status;
	ota_query_start(&query, store->db, OTA_SQL_META_INSERT);
	ota_query_text(&query, "uuid");
	ota_query_text(&query, uuid);
	status = ota_query_run(&query, error);
	return status < 0 ? status : uuid_load(store, error);
}

const char *ota_store_advice(int code)
{
	static const struct {
		int code;
		const char *advice;
	} rows[] = {
		{OTA_ELIMIT, "make room on its disk"},
		{OTA_EUNAVAILABLE, "end the other program that holds the database"},
		{OTA_EIO, "look at its disk, and at whether the broker's user may write there"},
		{OTA_ECORRUPT, "restore a backup with otactl server restore, and restart the broker"},
		{OTA_EVERSION, "or restore a backup from before with otactl server restore"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return rows[i].advice;
	return "look at the broker's log";
}

/* A store whose file is gone must not begin anew as if nothing had been: its devices, tasks and tokens would be gone in silence.
 * The admin's token is written after the first tables are on the disk. */
static int lost_check(const char *directory, const char *path, struct ota_error *error)
{
	char token[PATH_MAX], log[PATH_MAX];
	struct stat file;
	bool empty = stat(path, &file) < 0 || file.st_size == 0;

	if (!empty || !ota_file_join(token, sizeof(token), directory, "admin.token") || access(token, F_OK) < 0)
		return 0;
	if (ota_file_join(log, sizeof(log), directory, OTA_STORE_FILE "-wal") && stat(log, &file) == 0 && file.st_size > 0)
		return 0;
	return ota_fail(error, OTA_ECORRUPT,
			"%s is missing, but admin.token shows that a store was here: is its disk mounted? To begin anew remove "
			"admin.token", path);
}

static int store_prepare(struct ota_store *store, struct ota_error *error)
{
	int status = ota_schema_migrate(store->db, ota_schema(), error);

	if (status == 0)
		status = ota_db_prepare_all(store->db, error);
	if (status == 0)
		status = uuid_open(store, error);
	/* A store has its tables and its name on the disk before anything depends on them, a power cut or not. */
	if (status == 0 && ota_db_log_bytes(store->db) > 0)
		status = ota_db_checkpoint(store->db, error);
	return status;
}

/* What can be done about a failure ends the sentence. */
static int store_load(struct ota_store *store, const char *directory, const char *path, struct ota_error *error)
{
	struct ota_error cause = {0};
	int status = lost_check(directory, path, &cause);

	if (status == 0)
		status = ota_db_open(path, &store->db, &cause);
	if (status == 0)
		status = store_prepare(store, &cause);
	return status < 0 ? ota_fail(error, status, "%.280s; %s", cause.text, ota_store_advice(status)) : 0;
}

static int store_take(struct ota_store *store, const char *directory, struct ota_error *error)
{
	char path[PATH_MAX];
	int status = 0;

	if (!ota_file_join(path, sizeof(path), directory, OTA_STORE_FILE))
		return ota_fail(error, OTA_ELIMIT, "store: the directory's name is longer than %d bytes", PATH_MAX - 16);
	status = ota_file_make_directories(directory, 0700, error);
	if (status == 0)
		status = ota_file_lock(directory, "lock", &store->lock, error);
	if (status == 0)
		status = ota_restore_take(directory, error);
	return status == 0 ? store_load(store, directory, path, error) : status;
}

int ota_store_open(const char *directory, struct ota_store **ret_store, struct ota_error *error)
{
	struct ota_store *store = calloc(1, sizeof(*store));
	int status = 0;

	if (!store)
		return ota_fail(error, OTA_ENOMEM, "store: no memory");
	store->lock = -1;
	status = store_take(store, directory, error);
	if (status < 0) {
		ota_store_free(store);
		return ota_error_prefix(error, status, "open store %s", directory);
	}
	*ret_store = store;
	return 0;
}

struct ota_store *ota_store_free(struct ota_store *store)
{
	if (!store)
		return NULL;
	ota_db_free(store->db);
	/* Last: until the database is closed nobody else may open it. */
	ota_fd_cleanup(&store->lock);
	free(store);
	return NULL;
}

/* Ids that were leased by what is rolled back are in the row again, for anybody. */
static void lease_settle(struct ota_store *store, enum ota_lease_level undone)
{
	if (store->lease_level >= undone) {
		store->next_id = 0;
		store->lease_end = 0;
		store->lease_level = OTA_LEASE_KEPT;
	}
}

int ota_store_begin(struct ota_store *store, struct ota_error *error)
{
	store->in_savepoint = false;
	return ota_db_transact(store->db, OTA_TRANSACTION_BEGIN, error);
}

int ota_store_commit(struct ota_store *store, struct ota_error *error)
{
	int status = ota_db_transact(store->db, OTA_TRANSACTION_COMMIT, error);

	if (status < 0) {
		ota_store_rollback(store);
		return status;
	}
	store->lease_level = OTA_LEASE_KEPT;
	store->in_savepoint = false;
	return 0;
}

void ota_store_rollback(struct ota_store *store)
{
	/* Nothing is left to tell if this fails: the transaction ends with the connection at the latest. */
	(void)ota_db_transact(store->db, OTA_TRANSACTION_ROLLBACK, NULL);
	lease_settle(store, OTA_LEASE_TRANSACTION);
	store->in_savepoint = false;
}

int ota_store_savepoint(struct ota_store *store, struct ota_error *error)
{
	int status = ota_db_transact(store->db, OTA_TRANSACTION_SAVEPOINT, error);

	store->in_savepoint = status == 0;
	return status;
}

int ota_store_release(struct ota_store *store, struct ota_error *error)
{
	int status = ota_db_transact(store->db, OTA_TRANSACTION_RELEASE, error);

	if (status < 0)
		return status;
	if (store->lease_level == OTA_LEASE_SAVEPOINT)
		store->lease_level = OTA_LEASE_TRANSACTION;
	store->in_savepoint = false;
	return 0;
}

void ota_store_rollback_to(struct ota_store *store)
{
	/* After an error by which the database rolled back all, the savepoint is gone as well; commit tells it. */
	(void)ota_db_transact(store->db, OTA_TRANSACTION_ROLLBACK_TO, NULL);
	lease_settle(store, OTA_LEASE_SAVEPOINT);
	store->in_savepoint = false;
}

int ota_store_checkpoint(struct ota_store *store, struct ota_error *error)
{
	return ota_db_checkpoint(store->db, error);
}

int ota_store_set_cache(struct ota_store *store, uint64_t bytes, struct ota_error *error)
{
	return ota_db_set_cache(store->db, bytes, error);
}

uint64_t ota_store_log_bytes(const struct ota_store *store)
{
	return ota_db_log_bytes(store->db);
}

const char *ota_store_uuid(const struct ota_store *store)
{
	return store->uuid;
}

int64_t ota_store_below(int64_t before)
{
	return before > 0 ? before : INT64_MAX;
}

static int lease_take(struct ota_store *store, struct ota_error *error)
{
	struct ota_query query;
	int64_t end = 0;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_LEASE_TAKE);
	ota_query_integer(&query, LEASE_IDS);
	ota_query_text(&query, "id");
	status = ota_query_find_integer(&query, &end, error);
	if (status == OTA_ENOTFOUND || (status == 0 && (end <= LEASE_IDS || end > OTA_INTEGER_MAX)))
		return ota_fail(error, OTA_ECORRUPT, "store: the row that ids are leased from is damaged");
	if (status < 0)
		return status;
	store->next_id = end - LEASE_IDS;
	store->lease_end = end;
	store->lease_level = store->in_savepoint ? OTA_LEASE_SAVEPOINT : OTA_LEASE_TRANSACTION;
	return 0;
}

int64_t ota_store_new_id(struct ota_store *store, struct ota_error *error)
{
	if (store->next_id == store->lease_end && lease_take(store, error) < 0)
		return 0;
	return store->next_id++;
}

int ota_store_load_node(struct ota_store *store, int64_t node, uint64_t *ret_applied, int64_t *ret_heard_ms,
			struct ota_error *error)
{
	struct node_row {
		uint64_t applied;
		int64_t heard_ms;
	} row = {0};
	static const struct ota_field fields[] = {
		OTA_FIELD(INTEGER, struct node_row, applied),
		OTA_FIELD(INTEGER, struct node_row, heard_ms),
	};
	const struct ota_layout layout = OTA_LAYOUT(fields, struct node_row);
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_NODE_FIND);
	ota_query_integer(&query, node);
	status = ota_query_find(&query, &layout, &row, error);
	if (status < 0 && status != OTA_ENOTFOUND)
		return status;
	*ret_applied = row.applied;
	*ret_heard_ms = row.heard_ms;
	return 0;
}

int ota_store_save_node(struct ota_store *store, int64_t node, uint64_t applied, int64_t heard_ms, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	if (applied > INT64_MAX)
		return ota_fail(error, OTA_ELIMIT, "store: journal sequence %llu is beyond 2^63-1", (unsigned long long)applied);
	ota_query_start(&query, store->db, OTA_SQL_NODE_SAVE);
	ota_query_integer(&query, node);
	ota_query_integer(&query, (int64_t)applied);
	ota_query_integer(&query, heard_ms);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_store_find_answer(struct ota_store *store, const char *key, char **ret_answer, struct ota_error *error)
{
	struct ota_query query;
	struct ota_span text;
	char *answer = NULL;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_ANSWER_FIND);
	ota_query_text(&query, key);
	status = ota_query_step(&query, error);
	if (status == 0)
		status = OTA_ENOTFOUND;
	if (status > 0) {
		text = ota_query_column_text(&query, 0);
		answer = text.data ? strndup(text.data, text.size) : NULL;
		status = answer ? 0 : ota_fail(error, OTA_ENOMEM, "store: no memory for an answer");
	}
	ota_query_end(&query);
	if (status == 0)
		*ret_answer = answer;
	return status;
}

int ota_store_insert_answer(struct ota_store *store, const char *key, const char *answer, int64_t at_ms, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_ANSWER_INSERT);
	ota_query_text(&query, key);
	ota_query_text(&query, answer);
	ota_query_integer(&query, at_ms);
	return ota_query_run_one(&query, error, "store: the request was answered before");
}

int ota_store_prune_answers(struct ota_store *store, int64_t before_ms, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_ANSWER_PRUNE);
	ota_query_integer(&query, before_ms);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}
