/*
 * Files: the one way to write something that must survive a crash, and bounded reads.
 */
#ifndef OTA_COMMON_FILE_H
#define OTA_COMMON_FILE_H

#include <sys/types.h>

#include "common/bytes.h"
#include "common/error.h"

/* Replaces path by data: temporary file in the same directory, write, fsync, rename, fsync of the directory. After a return of 0
 * a power cut leaves the new content, after any failure or crash the old one; a crash may also leave the temporary file,
 * "<path>." and six characters. mode is the permission of a new file, e.g. 0600. */
int ota_file_replace(const char *path, struct ota_span data, mode_t mode, struct ota_error *error);

/* The tail of that for a temporary file the caller wrote himself: fsync(fd), rename to `path`, fsync of the directory. The caller
 * closes fd. */
int ota_file_commit(int fd, const char *temporary, const char *path, struct ota_error *error);

/* Reads at most `limit` bytes; OTA_ELIMIT for a longer file, OTA_ENOTFOUND for none. Appends to out. */
int ota_file_read(const char *path, size_t limit, struct ota_bytes *out, struct ota_error *error);

/* The text of a file that holds a secret, at most size - 1 bytes. Only its owner may have rights on it, else OTA_EDENIED; a file
 * of root's may also be readable by its group, which root lets on purpose, and which is how a credential of systemd looks.
 * OTA_EINVALID: too long, or no text. The caller wipes what he got. */
int ota_file_read_secret(const char *path, char *ret_text, size_t size, struct ota_error *error);

/* Writes all or fails; retries EINTR and short writes. */
int ota_file_write_all(int fd, const void *data, size_t size, struct ota_error *error);

int ota_file_sync_directory(const char *path, struct ota_error *error);
/* mkdir -p with that mode for the directories it makes; an existing directory is fine. */
int ota_file_make_directories(const char *path, mode_t mode, struct ota_error *error);
/* "<directory>/<name>" into target; false when it does not fit. */
bool ota_file_join(char *target, size_t size, const char *directory, const char *name);

/* Takes an exclusive lock on directory/name and holds it with the returned descriptor until that is closed; the file is created
 * 0600 and holds our pid. OTA_ECONFLICT names the holder's pid. */
int ota_file_lock(const char *directory, const char *name, int *ret_fd, struct ota_error *error);

void ota_fd_cleanup(int *fd); /* closes if >= 0, keeps errno */
#define OTA_AUTO_CLOSE __attribute__((cleanup(ota_fd_cleanup)))

#endif
