#include "plugin/store/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/backup.h"
#include "common/file.h"
#include "common/text.h"
#include "common/time.h"
#include "plugin/store/event.h"
#include "plugin/store/handle.h"
#include "plugin/store/meta.h"

/* Rows of meta that a backup brings along from restore.db into the store: what is still to be done there. */
#define ROW_ASIDE "restore_aside"     /* what the database before is called now */
#define ROW_NEXT_ID "restore_next_id" /* the next id of the database before, 0 = it could not be read */
#define ROW_GAP "restore_gap"

enum { ASIDE_SIZE = 48 };

struct places {
	const char *directory;
	char restore[PATH_MAX], store[PATH_MAX];
};

static bool path_beside(char target[PATH_MAX], const char *path, const char *suffix)
{
	int length = snprintf(target, PATH_MAX, "%s%s", path, suffix);

	return length > 0 && length < PATH_MAX;
}

static bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* --- before it takes the place --- */

static void complaint_count(void *context, const char *text)
{
	struct ota_error *error = context;

	if (error->code == 0)
		(void)ota_fail(error, OTA_ECORRUPT, "is damaged: %s", text);
}

/* In the words of whoever has to find another backup. */
static int restore_judge(struct ota_db *db, struct ota_error *error)
{
	struct ota_error complaint = {0};
	const struct ota_db_complaints complaints = {complaint_count, &complaint, 1};
	int64_t schema = 0;
	int status = ota_db_examine(db, &complaints, error);

	if (status == 0)
		status = ota_meta_find_integer(db, "schema", &schema, error);
	if (complaint.code != 0)
		return ota_fail(error, OTA_ECORRUPT, "%s", complaint.text);
	if (status == OTA_ENOTFOUND)
		return ota_fail(error, OTA_ECORRUPT, "holds no store");
	if (status == 0 && schema > OTA_STORE_SCHEMA)
		return ota_fail(error, OTA_EVERSION,
				"was made by a newer version of this software (schema %lld, this one knows %d)",
				(long long)schema, OTA_STORE_SCHEMA);
	return status;
}

/* Ids of the database before, and its log copied into it, so that it can be set aside as one file. One that cannot even be opened
 * is set aside as it is. */
static int64_t present_next_id(const char *path)
{
	struct ota_db *db = NULL;
	struct ota_query query;
	int64_t next_id = 0;

	if (!file_exists(path) || ota_db_open(path, &db, NULL) < 0)
		return 0;
	ota_query_start(&query, db, OTA_SQL_LEASE_FIND);
	ota_query_text(&query, "id");
	(void)ota_query_find_integer(&query, &next_id, NULL);
	ota_db_free(db);
	return next_id;
}

static int restore_stamp(struct ota_db *db, int64_t next_id, struct ota_error *error)
{
	char time[OTA_TIME_SIZE], aside[ASIDE_SIZE];
	int status = ota_db_transact(db, OTA_TRANSACTION_BEGIN, error);

	ota_time_print(time, ota_wall_ms());
	snprintf(aside, sizeof(aside), "before-%s.db", time);
	if (status == 0)
		status = ota_meta_save(db, ROW_ASIDE, aside, error);
	if (status == 0)
		status = ota_meta_save_integer(db, ROW_NEXT_ID, next_id, error);
	return status == 0 ? ota_db_transact(db, OTA_TRANSACTION_COMMIT, error) : status;
}

static int aside_load(struct ota_db *db, char aside[ASIDE_SIZE], struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	int status = ota_meta_find(db, ROW_ASIDE, &text, error);

	if (status == 0 && (!text.data || !ota_text_copy(aside, ASIDE_SIZE, (struct ota_span){text.data, text.size})))
		return ota_fail(error, OTA_ECORRUPT, "holds a name that is too long");
	return status;
}

/* Looks restore.db through and writes into it what follows from its being restored, unless an earlier start did. */
static int restore_prepare(const struct places *places, char aside[ASIDE_SIZE], struct ota_error *error)
{
	struct ota_db *db = NULL;
	int64_t next_id = present_next_id(places->store);
	int status = ota_db_open(places->restore, &db, error);

	if (status == 0)
		status = restore_judge(db, error);
	if (status == 0)
		status = aside_load(db, aside, error);
	if (status == OTA_ENOTFOUND) {
		status = restore_stamp(db, next_id, error);
		if (status == 0)
			status = aside_load(db, aside, error);
	}
	ota_db_free(db);
	return status;
}

/* --- the step --- */

/* A log that belongs to the database before would be played into the new one. It goes aside with its database. */
static int log_set_aside(const struct places *places, const char *aside, struct ota_error *error)
{
	char log[PATH_MAX], target[PATH_MAX];

	if (!path_beside(log, places->store, "-wal") || !path_beside(target, aside, "-wal"))
		return ota_fail(error, OTA_ELIMIT, "the directory's name is too long");
	if (rename(log, target) < 0 && errno != ENOENT)
		return ota_fail_errno(error, "cannot rename %s", log);
	if (path_beside(log, places->store, "-shm"))
		unlink(log);
	return 0;
}

static int present_set_aside(const struct places *places, const char *name, struct ota_error *error)
{
	char aside[PATH_MAX];

	if (!ota_file_join(aside, sizeof(aside), places->directory, name))
		return ota_fail(error, OTA_ELIMIT, "the directory's name is too long");
	/* A second name, not another one: there is always an ota.db. EEXIST: an earlier start came so far. */
	if (file_exists(places->store) && link(places->store, aside) < 0 && errno != EEXIST)
		return ota_fail_errno(error, "cannot keep the database before as %s", aside);
	return log_set_aside(places, aside, error);
}

static int restore_place(const struct places *places, struct ota_error *error)
{
	char log[PATH_MAX];

	/* Closing merged the log; one that is left could not be merged, and without it the stamp is missing. */
	if (!path_beside(log, places->restore, "-wal") || file_exists(log))
		return ota_fail(error, OTA_ELIMIT, "%s could not be completed: make room on its disk", places->restore);
	/* The names set aside have to be there before the old one leads to the new database. */
	if (ota_file_sync_directory(places->directory, error) < 0)
		return OTA_EIO;
	if (rename(places->restore, places->store) < 0)
		return ota_fail_errno(error, "cannot rename %s to %s", places->restore, places->store);
	return ota_file_sync_directory(places->directory, error);
}

static int restore_try(const struct places *places, struct ota_error *error)
{
	char aside[ASIDE_SIZE];
	int status = ota_backup_check_file(places->restore, error);

	if (status == 0) {
		status = restore_prepare(places, aside, error);
		if (status < 0)
			return ota_error_prefix(error, status, "%s", places->restore);
	}
	if (status == 0)
		status = present_set_aside(places, aside, error);
	return status == 0 ? restore_place(places, error) : status;
}

int ota_restore_take(const char *directory, struct ota_error *error)
{
	struct places places = {.directory = directory};
	struct ota_error cause = {0};
	int status = 0;

	if (!ota_file_join(places.restore, sizeof(places.restore), directory, OTA_RESTORE_FILE) ||
	    !ota_file_join(places.store, sizeof(places.store), directory, OTA_STORE_FILE))
		return ota_fail(error, OTA_ELIMIT, "the store directory's name is too long");
	if (!file_exists(places.restore))
		return 0;
	status = restore_try(&places, &cause);
	if (status == OTA_ECORRUPT || status == OTA_EVERSION)
		return ota_fail(error, status,
				"%s; put another backup in its place with otactl server restore, or remove it to start with the "
				"present store",
				cause.text);
	if (status < 0 && error)
		*error = cause;
	return status < 0 ? ota_error_prefix(error, status, "restore") : 0;
}

/* --- in the restored store --- */

static int key_place(const struct ota_key_file *key, struct ota_span content, const char *aside, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes present = {0};
	char before[PATH_MAX];
	int status = ota_file_read(key->path, OTA_KEY_FILE_BYTES_MAX, &present, NULL);
	bool same = status == 0 && present.size == content.size &&
		    !memcmp(present.data ? present.data : "", content.data, content.size);

	if (same || (status == 0 && !key->bound))
		return 0;
	if (status != OTA_ENOTFOUND) {
		if (!path_beside(before, key->path, ".") || strlen(before) + strlen(aside) >= sizeof(before))
			return ota_fail(error, OTA_ELIMIT, "the path %s is too long", key->path);
		memcpy(before + strlen(before), aside, strlen(aside) + 1);
		if (link(key->path, before) < 0 && errno != EEXIST)
			return ota_fail_errno(error, "cannot keep the key before as %s", before);
	}
	return ota_file_replace(key->path, content, 0600, error);
}

static int key_restore(struct ota_db *db, const struct ota_key_file *key, const char *aside, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes hex = {0};
	unsigned char content[OTA_KEY_FILE_BYTES_MAX];
	char row[64];
	int status = 0;

	snprintf(row, sizeof(row), OTA_BACKUP_KEY_ROW "%s", key->name);
	status = ota_meta_find(db, row, &hex, error);
	if (status < 0)
		return status == OTA_ENOTFOUND ? 0 : status;
	if (hex.size / 2 > sizeof(content) || !ota_text_unhex((struct ota_span){hex.data, hex.size}, content, hex.size / 2))
		return ota_fail(error, OTA_ECORRUPT, "the backup's %s is damaged", key->name);
	status = key_place(key, (struct ota_span){(const char *)content, hex.size / 2}, aside, error);
	explicit_bzero(content, sizeof(content));
	if (hex.data)
		explicit_bzero(hex.data, hex.size);
	return status == 0 ? ota_meta_remove(db, row, error) : status;
}

/* Far beyond what the backup knows of, and beyond what the database before gave. */
static int ids_raise(struct ota_store *store, struct ota_error *error)
{
	struct ota_query query;
	int64_t next_id = 0, before = 0;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_LEASE_FIND);
	ota_query_text(&query, "id");
	status = ota_query_find_integer(&query, &next_id, error);
	if (status == 0)
		status = ota_meta_find_integer(store->db, ROW_NEXT_ID, &before, error);
	if (status < 0)
		return status;
	ota_query_start(&query, store->db, OTA_SQL_LEASE_TAKE);
	ota_query_integer(&query, (before > next_id ? before - next_id : 0) + OTA_RESTORE_IDS);
	ota_query_text(&query, "id");
	return ota_query_find_integer(&query, &next_id, error);
}

static int restored_note(struct ota_store *store, const struct ota_restore_options *options, const char *aside,
			 struct ota_error *error)
{
	struct ota_event event = {.at_ms = options->now_ms, .event = "store_restored"};
	char made[OTA_TIME_SIZE] = "an unknown time";
	int64_t made_ms = 0;
	int status = ota_meta_find_integer(store->db, OTA_BACKUP_TIME_ROW, &made_ms, error);

	if (status < 0 && status != OTA_ENOTFOUND)
		return status;
	if (status == 0)
		ota_time_print(made, made_ms);
	snprintf(event.detail, sizeof(event.detail), "to the backup of %s; the database before is %s", made, aside);
	event.id = ota_store_new_id(store, error);
	return event.id == 0 ? OTA_EIO : ota_event_insert(store, &event, error);
}

static int rows_settle(struct ota_db *db, struct ota_error *error)
{
	static const char *const done[] = {ROW_ASIDE, ROW_NEXT_ID, OTA_BACKUP_TIME_ROW};
	int status = ota_meta_save(db, ROW_GAP, "1", error);

	for (size_t i = 0; status == 0 && i < sizeof(done) / sizeof(done[0]); i++)
		status = ota_meta_remove(db, done[i], error);
	return status;
}

static int finish_try(struct ota_store *store, const struct ota_restore_options *options, bool *ret_restored,
		      struct ota_error *error)
{
	char aside[ASIDE_SIZE];
	int status = aside_load(store->db, aside, error);

	*ret_restored = status == 0;
	if (status < 0)
		return status == OTA_ENOTFOUND ? 0 : status;
	for (size_t i = 0; status == 0 && i < options->key_count; i++)
		status = key_restore(store->db, &options->keys[i], aside, error);
	if (status == 0)
		status = ids_raise(store, error);
	if (status == 0)
		status = restored_note(store, options, aside, error);
	return status == 0 ? rows_settle(store->db, error) : status;
}

int ota_restore_finish(struct ota_store *store, const struct ota_restore_options *options, bool *ret_restored,
		       struct ota_error *error)
{
	int status = ota_store_begin(store, error);

	if (status == 0)
		status = finish_try(store, options, ret_restored, error);
	if (status == 0)
		status = ota_store_commit(store, error);
	if (status < 0) {
		ota_store_rollback(store);
		return ota_error_prefix(error, status, "restore");
	}
	return 0;
}

int ota_restore_explains_gap(struct ota_store *store, bool *ret_explains, struct ota_error *error)
{
	int64_t row = 0;
	int status = ota_meta_find_integer(store->db, ROW_GAP, &row, error);

	*ret_explains = status == 0;
	return status == OTA_ENOTFOUND ? 0 : status;
}

int ota_restore_forget_gap(struct ota_store *store, struct ota_error *error)
{
	return ota_meta_remove(store->db, ROW_GAP, error);
}
