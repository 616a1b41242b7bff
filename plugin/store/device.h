/* Devices and what their modules run. The version inventory always follows the device. See store.h for threads, transactions,
 * errors. */
#ifndef OTA_PLUGIN_STORE_DEVICE_H
#define OTA_PLUGIN_STORE_DEVICE_H

#include "common/topic.h"
#include "plugin/store/store.h"

struct ota_device {
	int64_t id;
	struct ota_identity identity;
	int64_t bucket; /* ota_identity_hash() modulo 1 000 000: percentages and stages select by it */
	int64_t created_ms;
	int64_t last_seen_ms;
	unsigned caps; /* enum ota_caps */
	char agent[OTA_AGENT_MAX + 1];
	bool barred;   /* after a loop: no updates */
	bool disabled; /* shut out by an operator: no connection */
	int64_t rev;
};

struct ota_device_module {
	int64_t device_id;
	char module[OTA_MODULE_MAX + 1];
	char version[OTA_VERSION_MAX + 1];   /* "" until an inform has settled */
	int64_t version_ms;                  /* wall: when it settled */
	char boot_id[OTA_BOOT_ID_MAX + 1];   /* of the last inform, "" if the device names none */
	char candidate[OTA_VERSION_MAX + 1]; /* an inform that has not settled yet, "" = none */
	int64_t candidate_wall_ms;           /* when it was received */
	int64_t candidate_due;               /* heard_ms at which it settles, 0 = none */
	int64_t told_at;                     /* heard: when what has just settled was told. In memory alone */
	int64_t loop_count;                  /* deliveries without a version change in the window */
	int64_t loop_since;                  /* heard_ms of the first one */
};

/* Inserts the row and counts it in its product. OTA_ECONFLICT if the identity exists. */
int ota_device_insert(struct ota_store *store, const struct ota_device *device, struct ota_error *error);
int ota_device_find(struct ota_store *store, const struct ota_identity *identity, struct ota_device *ret_device,
		    struct ota_error *error);
int ota_device_load(struct ota_store *store, int64_t id, struct ota_device *ret_device, struct ota_error *error);
/* Saves caps, agent, barred, disabled, last_seen under rev; device->rev is raised. */
int ota_device_save(struct ota_store *store, struct ota_device *device, struct ota_error *error);
int ota_device_save_last_seen(struct ota_store *store, int64_t id, int64_t last_seen_ms, struct ota_error *error);
struct ota_device_filter {
	const char *product_key;
	const char *module;  /* with a version: devices whose module runs that version */
	const char *version; /* "" = any */
	const char *after;   /* names behind this; "" = from the start */
	const char *tag;     /* where no version is given: devices that have this tag with that value; NULL or "" = any */
	const char *value;
	bool disabled; /* where neither version nor tag is given: only those shut out */
};
/* Ascending names. */
int ota_device_list(struct ota_store *store, const struct ota_device_filter *filter, struct ota_device *rows, size_t capacity,
		    size_t *ret_count, struct ota_error *error);

/* Those shut out, of all products, in the order of their identities, behind `after`; "" in both names = from the start. */
int ota_device_list_disabled(struct ota_store *store, const struct ota_identity *after, struct ota_device *rows, size_t capacity,
			     size_t *ret_count, struct ota_error *error);
/* Devices of any product whose bucket it is, ascending ids after `after`. */
int ota_device_list_bucket(struct ota_store *store, int64_t bucket, int64_t after, struct ota_device *rows, size_t capacity,
			   size_t *ret_count, struct ota_error *error);

/* OTA_ENOTFOUND when the device never spoke of that module. */
int ota_device_module_find(struct ota_store *store, int64_t device_id, const char *module, struct ota_device_module *ret_row,
			   struct ota_error *error);
/* Inserts or replaces, and keeps the distribution's counts when version differs from the stored one. */
int ota_device_module_save(struct ota_store *store, const char *product_key, const struct ota_device_module *row,
			   struct ota_error *error);
int ota_device_module_list(struct ota_store *store, int64_t device_id, struct ota_device_module *rows, size_t capacity,
			   size_t *ret_count, struct ota_error *error);
/* Modules whose candidate is due at or before `heard_ms`, oldest first. */
int ota_device_module_due(struct ota_store *store, int64_t heard_ms, struct ota_device_module *rows, size_t capacity,
			  size_t *ret_count, struct ota_error *error);
/* heard_ms of the earliest candidate; INT64_MAX when there is none. */
int ota_device_module_next_due(struct ota_store *store, int64_t *ret_heard_ms, struct ota_error *error);

struct ota_version_count {
	char version[OTA_VERSION_MAX + 1];
	int64_t count;
};
/* Kept counts, most first. */
int ota_version_distribution(struct ota_store *store, const char *product_key, const char *module, struct ota_version_count *rows,
			     size_t capacity, size_t *ret_count, struct ota_error *error);

struct ota_version_filter {
	const char *product_key;
	const char *module;
	const char *after; /* versions behind this; "" = from the start */
};
/* Every version that some device runs, ascending as text. */
int ota_version_list(struct ota_store *store, const struct ota_version_filter *filter, struct ota_version_count *rows,
		     size_t capacity, size_t *ret_count, struct ota_error *error);

#endif
