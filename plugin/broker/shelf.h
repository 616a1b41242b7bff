/*
 * Shelf: the packages that blocks are read from, the last used few of them open.
 *
 * A package's file is written once and named by its digest, so that what was opened stays what it is. Thread rule: one thread
 * at a time.
 */
#ifndef OTA_PLUGIN_BROKER_SHELF_H
#define OTA_PLUGIN_BROKER_SHELF_H

#include "common/bytes.h"
#include "plugin/store/stream.h"

/* Devices that fetch at a time fetch one of few packages; each costs the broker a file descriptor. */
enum { OTA_SHELF_FILES = 16 };

struct ota_shelf;

struct ota_shelf *ota_shelf_new(const char *package_dir); /* borrowed; NULL without memory */
struct ota_shelf *ota_shelf_free(struct ota_shelf *shelf); /* returns NULL */

/* Appends `size` bytes of the stream's package, which has them, to out. OTA_ECORRUPT: the file is missing or has another
 * size, with a sentence that says what to do. OTA_EIO, OTA_ENOMEM: may pass. */
struct ota_shelf_range {
	uint64_t offset;
	uint32_t size;
};
int ota_shelf_read(struct ota_shelf *shelf, const struct ota_stream *stream, struct ota_shelf_range range, struct ota_bytes *out,
		   struct ota_error *error);

#endif
