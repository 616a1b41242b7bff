/*
 * Groups: lists of a product's devices that operators keep and batches name (`group = x` of rules/target.h). A group begins with
 * the first command that names it and stays, even empty, until it is deleted. See store.h for threads, transactions and errors.
 */
#ifndef OTA_PLUGIN_STORE_GROUP_H
#define OTA_PLUGIN_STORE_GROUP_H

#include "plugin/store/device.h"

struct ota_group {
	int64_t id;
	int64_t rev; /* raised with each change of its members */
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	char name[OTA_GROUP_NAME_MAX + 1]; /* unique in its product */
	int64_t created_ms;
	char created_by[OTA_LABEL_MAX + 1];
	int64_t members; /* kept, not counted */
};

/* OTA_ECONFLICT if the product has a group of that name. */
int ota_group_insert(struct ota_store *store, const struct ota_group *group, struct ota_error *error);
int ota_group_find(struct ota_store *store, const char *product_key, const char *name, struct ota_group *ret_group,
		   struct ota_error *error);
/* Of a product, ascending names after `after`. */
int ota_group_list(struct ota_store *store, const char *product_key, const char *after, struct ota_group *rows, size_t capacity,
		   size_t *ret_count, struct ota_error *error);

/* What a command did to the members, into the kept count. group->members and group->rev follow. */
int ota_group_count(struct ota_store *store, struct ota_group *group, int64_t more, struct ota_error *error);

/* From here on nobody finds the group, and its name is free. Its members go with ota_group_purge(). */
int ota_group_delete(struct ota_store *store, const struct ota_group *group, struct ota_error *error);
/* Removes members of deleted groups, at most `limit`. */
int ota_group_purge(struct ota_store *store, int64_t limit, struct ota_error *error);

struct ota_group_name {
	char text[OTA_GROUP_NAME_MAX + 1];
};
/* Those a device is in, ascending. */
int ota_group_list_of_device(struct ota_store *store, int64_t device_id, struct ota_group_name *rows, size_t capacity,
			     size_t *ret_count, struct ota_error *error);

struct ota_group_member {
	char device_name[OTA_DEVICE_NAME_MAX + 1];
};
/* Neither counts: who changed many counts once. *ret_changed: whether it was not a member before, or was one. */
int ota_group_add_member(struct ota_store *store, const struct ota_group *group, const struct ota_device *device,
			 bool *ret_changed, struct ota_error *error);
int ota_group_remove_member(struct ota_store *store, const struct ota_group *group, const char *device_name, bool *ret_changed,
			    struct ota_error *error);
/* Ascending names after `after`. */
int ota_group_list_members(struct ota_store *store, const struct ota_group *group, const char *after,
			   struct ota_group_member *rows, size_t capacity, size_t *ret_count, struct ota_error *error);
/* The name that many members behind `after`; OTA_ENOTFOUND when the group ends before. */
int ota_group_skip_members(struct ota_store *store, const struct ota_group *group, const char *after, int64_t count,
			   struct ota_group_member *ret_member, struct ota_error *error);

#endif
