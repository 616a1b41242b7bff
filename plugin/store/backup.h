/*
 * Backup: the store as it stood at one moment, in one file that can serve by itself, made while the broker works.
 *
 * The file is a database like ota.db, 0600, and carries two things the database lacks: when it was made, and the keys without
 * which it would be of no use (the URL key; the key that devices' secrets are stored under). Package files are not in it: they
 * are files already, named by their digest; copy their directory by any means.
 *
 * It gets its name only when it is whole and on the disk: a crash leaves "<name>.part", which the next backup removes.
 */
#ifndef OTA_PLUGIN_STORE_BACKUP_H
#define OTA_PLUGIN_STORE_BACKUP_H

#include <limits.h>

#include "common/limits.h"
#include "plugin/store/db.h"
#include "plugin/store/pulse.h"

enum { OTA_KEY_FILES_MAX = 2, OTA_KEY_FILE_BYTES_MAX = 4096 };
#define OTA_BACKUP_RESERVE_BYTES ((uint64_t)16 * 1024 * 1024) /* what a backup leaves free for those who work meanwhile */

/* Files beside the store that belong to it. */
struct ota_key_file {
	const char *name; /* in the backup: "url.key" */
	const char *path; /* where it is; it may be missing */
	/* True: what is in the store can be read with this key only, so a restore puts it in place of one that differs. False:
	 * any will do, so a restore only makes it when there is none. */
	bool bound;
};

struct ota_backup_options {
	const char *directory; /* made when absent; for backups of this store alone */
	const char *name;      /* "" or a word behind the time: such a backup is kept until somebody removes it */
	int keep;              /* 0 = all; else how many without a name to keep, this one among them */
	int64_t now_ms;
	const struct ota_key_file *keys;
	size_t key_count;
	const struct ota_pulse *pulse;
};

struct ota_backup {
	char path[PATH_MAX];
	uint64_t bytes;
	char sha256[OTA_SHA256_HEX + 1];
	int removed; /* older ones */
};

/* db: a connection beside the store's. OTA_ELIMIT when the disk has no room, before anything is written; OTA_ECORRUPT when the
 * store is damaged, and so would be its copy: older backups are left alone then. */
int ota_backup_make(struct ota_db *db, const struct ota_backup_options *options, struct ota_backup *ret_backup,
		    struct ota_error *error);

/* The row of a backup that holds a key file, "file <name>". */
#define OTA_BACKUP_KEY_ROW "file "
/* The row that says when it was made. */
#define OTA_BACKUP_TIME_ROW "backup_ms"

#endif
