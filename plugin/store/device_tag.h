/* What operators say of a device: its tags. See store.h for threads, transactions and errors. */
#ifndef OTA_PLUGIN_STORE_DEVICE_TAG_H
#define OTA_PLUGIN_STORE_DEVICE_TAG_H

#include "plugin/store/device.h"

struct ota_device_tag {
	int64_t device_id;
	char tag[OTA_DEVICE_TAG_KEY_MAX + 1];
	char value[OTA_DEVICE_TAG_VALUE_MAX + 1];
};

/* *ret_changed: whether the device had not that value of the tag before. */
int ota_device_tag_save(struct ota_store *store, const struct ota_device *device, const struct ota_device_tag *tag,
			bool *ret_changed, struct ota_error *error);
/* *ret_changed: whether the device had the tag. */
int ota_device_tag_remove(struct ota_store *store, int64_t device_id, const char *tag, bool *ret_changed,
			  struct ota_error *error);
/* Ascending names. */
int ota_device_tag_list(struct ota_store *store, int64_t device_id, struct ota_device_tag *rows, size_t capacity,
			size_t *ret_count, struct ota_error *error);

#endif
