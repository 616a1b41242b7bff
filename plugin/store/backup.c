#include "plugin/store/backup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/text.h"
#include "common/time.h"
#include "plugin/store/meta.h"

#define BACKUP_PREFIX "ota-"
#define BACKUP_SUFFIX ".db"
#define BACKUP_PART ".db.part"

/* "20261120T103942.123Z" */
enum { STAMP_SIZE = 21 };

/* How far a backup is after each of its steps; the copy takes the time. */
enum { PERCENT_COPY = 70, PERCENT_EXAMINE = 75, PERCENT_DIGEST = 90 };

/* --- names --- */

static void stamp_print(char target[STAMP_SIZE], int64_t wall_ms)
{
	char text[OTA_TIME_SIZE];
	size_t size = 0;

	ota_time_print(text, wall_ms);
	for (const char *at = text; *at && size < STAMP_SIZE - 1; at++)
		if (*at != '-' && *at != ':')
			target[size++] = *at;
	target[size] = '\0';
}

static bool name_ends(const char *name, const char *suffix)
{
	size_t size = strlen(name), tail = strlen(suffix);

	return size > tail && !strcmp(name + size - tail, suffix);
}

/* Of a backup without a name of its own: the time alone. Their names sort by their time. */
static int entry_is_nameless(const struct dirent *entry)
{
	return !strncmp(entry->d_name, BACKUP_PREFIX, strlen(BACKUP_PREFIX)) && name_ends(entry->d_name, BACKUP_SUFFIX) &&
	       strlen(entry->d_name) == strlen(BACKUP_PREFIX) + STAMP_SIZE - 1 + strlen(BACKUP_SUFFIX);
}

static int entry_is_part(const struct dirent *entry)
{
	return !strncmp(entry->d_name, BACKUP_PREFIX, strlen(BACKUP_PREFIX)) && strstr(entry->d_name, BACKUP_PART) != NULL;
}

static int path_make(const struct ota_backup_options *options, char target[PATH_MAX], struct ota_error *error)
{
	char stamp[STAMP_SIZE], name[STAMP_SIZE + OTA_BACKUP_NAME_MAX + 16];

	stamp_print(stamp, options->now_ms);
	snprintf(name, sizeof(name), BACKUP_PREFIX "%s%s%.*s" BACKUP_SUFFIX, stamp, options->name[0] ? "-" : "",
		 OTA_BACKUP_NAME_MAX, options->name);
	if (!ota_file_join(target, PATH_MAX - 16, options->directory, name))
		return ota_fail(error, OTA_ELIMIT, "the backup directory's name is too long");
	return 0;
}

/* --- the directory --- */

/* Removes all but the last `spare` of those entries. Returns how many; what cannot be removed is left for the operator to see. */
static int entries_remove(const char *directory, int (*choose)(const struct dirent *), int spare)
{
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, choose, alphasort), removed = 0;

	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		if (i < count - spare && ota_file_join(path, sizeof(path), directory, entries[i]->d_name))
			removed += unlink(path) == 0;
		free(entries[i]);
	}
	free(entries);
	return removed;
}

static int room_check(struct ota_db *db, const char *directory, struct ota_error *error)
{
	struct statvfs place;
	uint64_t needed = 0, room = 0;
	int status = ota_db_size(db, &needed, error);

	if (status < 0)
		return status;
	if (statvfs(directory, &place) < 0)
		return ota_fail_errno(error, "cannot look at %s", directory);
	needed += OTA_BACKUP_RESERVE_BYTES;
	room = (uint64_t)place.f_bavail * place.f_frsize;
	if (room >= needed)
		return 0;
	return ota_fail(error, OTA_ELIMIT,
			"a backup needs %llu MiB of free space and %s has %llu MiB: make room, or set ota_backup_dir to another "
			"disk",
			(unsigned long long)(needed >> 20) + 1, directory, (unsigned long long)(room >> 20));
}

/* --- what goes into the file --- */

struct copying {
	const struct ota_pulse *pulse;
};

static void copy_tell(void *context, uint64_t done, uint64_t whole)
{
	const struct copying *copying = context;

	(void)ota_pulse_beat(copying->pulse, whole > 0 ? (int)(done * PERCENT_COPY / whole) : 0);
}

static int key_save(struct ota_db *db, const struct ota_key_file *key, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes content = {0};
	char hex[2 * OTA_KEY_FILE_BYTES_MAX + 1], row[64];
	int status = ota_file_read(key->path, OTA_KEY_FILE_BYTES_MAX, &content, error);

	if (status == OTA_ENOTFOUND)
		return 0;
	if (status < 0)
		return status;
	ota_text_hex(hex, (const unsigned char *)(content.data ? content.data : ""), content.size);
	snprintf(row, sizeof(row), OTA_BACKUP_KEY_ROW "%s", key->name);
	status = ota_meta_save(db, row, hex, error);
	explicit_bzero(hex, sizeof(hex));
	if (content.data)
		explicit_bzero(content.data, content.size);
	return status;
}

static int extras_save(struct ota_db *db, const struct ota_backup_options *options, struct ota_error *error)
{
	int status = ota_db_transact(db, OTA_TRANSACTION_BEGIN, error);

	if (status == 0)
		status = ota_meta_save_integer(db, OTA_BACKUP_TIME_ROW, options->now_ms, error);
	for (size_t i = 0; status == 0 && i < options->key_count; i++)
		status = key_save(db, &options->keys[i], error);
	return status == 0 ? ota_db_transact(db, OTA_TRANSACTION_COMMIT, error) : status;
}

struct complaint {
	int count;
	char first[OTA_ERROR_TEXT_MAX / 2];
};

static void complaint_keep(void *context, const char *text)
{
	struct complaint *complaint = context;

	if (complaint->count++ == 0)
		snprintf(complaint->first, sizeof(complaint->first), "%s", text);
}

static int copy_examine(struct ota_db *db, struct ota_error *error)
{
	struct complaint complaint = {0};
	const struct ota_db_complaints complaints = {complaint_keep, &complaint, 1};
	int status = ota_db_examine(db, &complaints, error);

	if (status == 0 && complaint.count > 0)
		return ota_fail(error, OTA_ECORRUPT, "%s", complaint.first);
	return status;
}

/* The copy as a database of its own, until it is closed and one file again. */
static int copy_complete(const char *part, const struct ota_backup_options *options, struct ota_error *error)
{
	struct ota_db *db = NULL;
	int status = ota_db_open(part, &db, error);

	if (status == 0)
		status = extras_save(db, options, error);
	if (status == 0 && !ota_pulse_beat(options->pulse, PERCENT_EXAMINE))
		status = ota_fail(error, OTA_ECANCELED, "the backup was stopped");
	if (status == 0)
		status = copy_examine(db, error);
	ota_db_free(db);
	if (status == OTA_ECORRUPT)
		return ota_error_prefix(error, status,
					"the store is damaged, and its copy too: nothing was kept; restore an earlier backup");
	return status;
}

static int part_commit(const char *part, const struct ota_backup_options *options, struct ota_backup *backup,
		       struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct ota_digest_result digests;
	int status = fd < 0 ? ota_fail_errno(error, "cannot open %s", part) : ota_digest_of_fd(fd, &digests, error);

	if (status < 0)
		return status;
	if (!ota_pulse_beat(options->pulse, PERCENT_DIGEST))
		return ota_fail(error, OTA_ECANCELED, "the backup was stopped");
	status = ota_file_commit(fd, part, backup->path, error);
	if (status < 0)
		return status;
	backup->bytes = digests.size;
	memcpy(backup->sha256, digests.sha256, sizeof(backup->sha256));
	return 0;
}

int ota_backup_make(struct ota_db *db, const struct ota_backup_options *options, struct ota_backup *ret_backup,
		    struct ota_error *error)
{
	struct ota_backup backup = {0};
	struct copying copying = {options->pulse};
	const struct ota_db_progress progress = {copy_tell, &copying};
	char part[PATH_MAX + 8];
	int status = ota_file_make_directories(options->directory, 0700, error);

	if (status < 0)
		return status;
	/* What an earlier one left half-done when it was killed. */
	entries_remove(options->directory, entry_is_part, 0);
	status = path_make(options, backup.path, error);
	if (status == 0)
		status = room_check(db, options->directory, error);
	if (status < 0)
		return status;
	snprintf(part, sizeof(part), "%s.part", backup.path);
	status = ota_db_copy(db, part, &progress, error);
	if (status == 0)
		status = copy_complete(part, options, error);
	if (status == 0)
		status = part_commit(part, options, &backup, error);
	if (status < 0) {
		entries_remove(options->directory, entry_is_part, 0);
		return status;
	}
	if (options->keep > 0)
		backup.removed = entries_remove(options->directory, entry_is_nameless, options->keep);
	*ret_backup = backup;
	return 0;
}
