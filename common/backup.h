/*
 * Backup files, as far as a program knows them that has no database: by their head. The server makes and takes them over
 * (plugin/store/backup.h, restore.h), otactl puts them where the server looks.
 */
#ifndef OTA_COMMON_BACKUP_H
#define OTA_COMMON_BACKUP_H

#include "common/bytes.h"
#include "common/error.h"

/* In a store's directory: taken over by the server at its next start. */
#define OTA_RESTORE_FILE "restore.db"
/* "OTA" and a generation, in the head of every store and backup. */
#define OTA_STORE_APPLICATION_ID 1330921777

enum { OTA_BACKUP_HEAD_BYTES = 100 };

/* The first bytes of a file that is size_bytes long. OTA_ECORRUPT with a sentence: no store of ours, or a part is missing. */
int ota_backup_check_head(struct ota_span head, uint64_t size_bytes, struct ota_error *error);
/* The same for a file. */
int ota_backup_check_file(const char *path, struct ota_error *error);

#endif
