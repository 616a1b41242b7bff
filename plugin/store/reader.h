/*
 * Reader: a connection of its own that only reads what was committed, for a thread that may not wait for the store's: the
 * broker's, when a device logs in.
 *
 * Readers of a write-ahead log wait for nobody and nobody waits for them. A row by key costs some microseconds while the pages
 * are in memory, and one read of the disk when they are not.
 *
 * Thread rule: opened after the store and closed before it; one thread at a time.
 */
#ifndef OTA_PLUGIN_STORE_READER_H
#define OTA_PLUGIN_STORE_READER_H

#include "common/error.h"

struct ota_reader;

/* Errors: those of opening a store. */
int ota_reader_open(const char *directory, struct ota_reader **ret_reader, struct ota_error *error);
struct ota_reader *ota_reader_free(struct ota_reader *reader); /* returns NULL */

#endif
