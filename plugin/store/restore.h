/*
 * Restore: a backup takes the place of the store, at the start of the server, under the store's lock.
 *
 * <directory>/restore.db is looked through, then put in the place of ota.db in one step; the database before stays as
 * before-<time>.db. Whenever the process dies, the next start finds either the store as it was, and restore.db beside it, or the
 * restored one. What has to be done in the restored store is written into it before it takes the place.
 *
 * What follows from having been restored, and is done once:
 *  - no id is given out again that the server gave after the backup was made: the ids go on far beyond;
 *  - the keys of the backup are put where they are missing or, if the store depends on them, where they differ;
 *  - the journal may lack reports between the backup and its own first one: they were applied to the database before.
 */
#ifndef OTA_PLUGIN_STORE_RESTORE_H
#define OTA_PLUGIN_STORE_RESTORE_H

#include "plugin/store/backup.h"
#include "plugin/store/store.h"

/* How far ids go on beyond the highest that is known to have been given. */
enum { OTA_RESTORE_IDS = 1000000 };

/* Before the database is opened, under the lock. Fine if there is nothing to restore. OTA_ECORRUPT, OTA_EVERSION: restore.db
 * cannot serve; nothing was changed, and the sentence says what to do. For store.c. */
int ota_restore_take(const char *directory, struct ota_error *error);

struct ota_restore_options {
	int64_t now_ms;
	const struct ota_key_file *keys;
	size_t key_count;
};
/* Once the store is open: completes a restore, in a transaction of its own. *ret_restored tells whether there was one. */
int ota_restore_finish(struct ota_store *store, const struct ota_restore_options *options, bool *ret_restored,
		       struct ota_error *error);

/* Whether the journal may lack reports after the last applied one. Inside a transaction, as the next. */
int ota_restore_explains_gap(struct ota_store *store, bool *ret_explains, struct ota_error *error);
/* From now on it may not. */
int ota_restore_forget_gap(struct ota_store *store, struct ota_error *error);

#endif
