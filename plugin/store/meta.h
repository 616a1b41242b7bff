/*
 * Meta: the few facts about a database itself, by name. For the store's own files.
 */
#ifndef OTA_PLUGIN_STORE_META_H
#define OTA_PLUGIN_STORE_META_H

#include "plugin/store/db.h"

/* Appends the value. OTA_ENOTFOUND, without filling error, if there is none. */
int ota_meta_find(struct ota_db *db, const char *name, struct ota_bytes *out, struct ota_error *error);
int ota_meta_find_integer(struct ota_db *db, const char *name, int64_t *ret_value, struct ota_error *error);
int ota_meta_save(struct ota_db *db, const char *name, const char *value, struct ota_error *error);
int ota_meta_save_integer(struct ota_db *db, const char *name, int64_t value, struct ota_error *error);
int ota_meta_remove(struct ota_db *db, const char *name, struct ota_error *error); /* fine if there is none */

#endif
