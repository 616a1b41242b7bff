/* The secrets by which devices prove who they are, sealed (plugin/access/vault.h). See store.h for threads, transactions and
 * errors. */
#ifndef OTA_PLUGIN_STORE_DEVICE_SECRET_H
#define OTA_PLUGIN_STORE_DEVICE_SECRET_H

#include "common/topic.h"
#include "plugin/store/reader.h"
#include "plugin/store/store.h"

enum { OTA_SEALED_MAX = 255 }; /* of a sealed secret; plugin/access/vault.h makes it */
struct ota_device_secret {
	int64_t device_id;
	char sealed[OTA_SEALED_MAX + 1];
	int64_t at_ms; /* wall: when it came */
};
int ota_device_secret_save(struct ota_store *store, const struct ota_device_secret *secret, struct ota_error *error);
int ota_device_secret_find(struct ota_store *store, int64_t device_id, struct ota_device_secret *ret_secret,
			   struct ota_error *error);
/* Whether any device has one. */
int ota_device_secret_any(struct ota_store *store, bool *ret_any, struct ota_error *error);
/* By name, on the reader's thread. OTA_ENOTFOUND, without filling error: no such device, or it has no secret. */
int ota_device_secret_read(struct ota_reader *reader, const struct ota_identity *identity, struct ota_device_secret *ret_secret,
			   struct ota_error *error);

#endif
