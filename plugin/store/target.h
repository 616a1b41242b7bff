/*
 * Target: the devices an expression means (rules/target.h), found by the database. See store.h for threads, transactions
 * and errors.
 *
 * The expression becomes one statement with bound parameters; version ranges are decided here over the product's distinct
 * versions. A call looks at a bounded window of the product, however few of it match: whoever wants all of them calls again, and
 * keeps no transaction longer than that.
 */
#ifndef OTA_PLUGIN_STORE_TARGET_H
#define OTA_PLUGIN_STORE_TARGET_H

#include "plugin/rules/target.h"
#include "plugin/store/prospect.h"

enum {
	OTA_TARGET_WINDOW = 10000, /* devices looked at in one call: some 10 ms */
	OTA_TARGET_SAMPLE = 8000, /* devices counted, some 50 ms; of a larger product a sample, wrong by 2 % of it at most */
};

struct ota_target_scope {
	const struct ota_target *target;
	const char *product_key;
	const char *module; /* of "version" without a module */
	int64_t wall_ms;    /* "seen" counts back from here */
	/* Whoever is online is seen now, which the store does not know; NULL = nobody is. */
	bool (*is_online)(const void *context, const struct ota_identity *identity);
	const void *context;
	/* Of a count: what a batch would bring, to tell what would come of each device; NULL = nobody asks. */
	const char *version;
};

/* Where a walk over a product stands. Begin with zeros. */
struct ota_target_walk {
	char after[OTA_DEVICE_NAME_MAX + 1]; /* names up to here were looked at */
	bool done;                           /* there are no more */
};

/* The next matches, at most `capacity`, in ascending order of their names; maybe none, although the walk is not done. */
int ota_target_next(struct ota_store *store, const struct ota_target_scope *scope, struct ota_target_walk *walk,
		    struct ota_prospect *rows, size_t capacity, size_t *ret_count, struct ota_error *error);

/* Whether it means this device: looks at no other one. */
int ota_target_means(struct ota_store *store, const struct ota_target_scope *scope, const char *device_name, bool *ret_means,
		     struct ota_error *error);

/* What would come of a device that is meant: its task, or why it is left out. */
enum ota_target_fate {
	OTA_TARGET_FATE_TASK,
	OTA_TARGET_FATE_BARRED,
	OTA_TARGET_FATE_AT_TARGET,
	OTA_TARGET_FATE_CONFLICT,
	OTA_TARGET_FATES,
};
enum { OTA_TARGET_CONFLICTS_NAMED = 20 };

/* How many are meant, of a product of so many devices: counted, also of a larger one where a group leads to them, or told from a
 * sample of them spread over the product. */
struct ota_target_tally {
	int64_t count;
	int64_t fates[OTA_TARGET_FATES]; /* their sum is count; without a version all are tasks */
	char conflicts[OTA_TARGET_CONFLICTS_NAMED][OTA_DEVICE_NAME_MAX + 1];
	size_t named; /* of them, the first ones */
	bool estimated;
};
int ota_target_count(struct ota_store *store, const struct ota_target_scope *scope, int64_t devices,
		     struct ota_target_tally *ret_tally, struct ota_error *error);

#endif
