/*
 * Depot: the directory of packages. Each file is named by its SHA-256 and written once; an unfinished upload lives as
 * `.upload-XXXXXX` and is removed with its handle, or by the next start. One gateway holds the directory, by a lock for life.
 *
 * A file that no package names (the broker refused the package after its bytes had come) stays: it is found again when the same
 * bytes come again, and removing it would race with exactly that.
 *
 * Thread rule: any thread; one upload handle belongs to one thread at a time. Writes block.
 */
#ifndef OTA_GATEWAY_DEPOT_H
#define OTA_GATEWAY_DEPOT_H

#include <stdint.h>

#include "common/bytes.h"
#include "common/digest.h"
#include "common/error.h"

struct ota_depot;
struct ota_deposit;

/* Makes the directory if there is none, locks it (OTA_ECONFLICT names the holder), sweeps what an earlier run left. */
int ota_depot_open(const char *directory, struct ota_depot **ret_depot, struct ota_error *error);
struct ota_depot *ota_depot_free(struct ota_depot *depot); /* returns NULL */

/* Reserves room for `size` bytes before any is taken: OTA_ELIMIT when the disk is full. */
int ota_deposit_begin(struct ota_depot *depot, uint64_t size, struct ota_deposit **ret_deposit, struct ota_error *error);
/* OTA_ELIMIT for more bytes than announced. */
int ota_deposit_write(struct ota_deposit *deposit, struct ota_span data, struct ota_error *error);
/* Checks the length and, when expected is not NULL, the SHA-256 (OTA_EVERIFY); makes the file durable under its name. Then
 * only free is allowed. */
int ota_deposit_commit(struct ota_deposit *deposit, const char *expected_sha256, struct ota_digest_result *ret_result,
		       struct ota_error *error);
/* Removes the temporary file unless it was committed. Returns NULL. */
struct ota_deposit *ota_deposit_free(struct ota_deposit *deposit);

/* A descriptor for reading (the caller closes it) and the size. OTA_ENOTFOUND. sha256 must be 64 lower-case hex digits: it
 * becomes a file name. */
int ota_depot_fetch(const struct ota_depot *depot, const char *sha256, int *ret_fd, uint64_t *ret_size, struct ota_error *error);

#endif
