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
#include "plugin/store/device.h"

enum { OTA_TARGET_WINDOW = 10000 }; /* devices looked at in one call: some 10 ms */

struct ota_target_scope {
	const struct ota_target *target;
	const char *product_key;
	const char *module; /* of "version" without a module */
	int64_t wall_ms;    /* "seen" counts back from here */
	/* Whoever is online is seen now, which the store does not know; NULL = nobody is. */
	bool (*is_online)(const void *context, const struct ota_identity *identity);
	const void *context;
};

/* Where a walk over a product stands. Begin with zeros. */
struct ota_target_walk {
	char after[OTA_DEVICE_NAME_MAX + 1]; /* names up to here were looked at */
	bool done;                           /* there are no more */
};

/* The next matches, at most `capacity`, in ascending order of their names; maybe none, although the walk is not done. */
int ota_target_next(struct ota_store *store, const struct ota_target_scope *scope, struct ota_target_walk *walk,
		    struct ota_device *rows, size_t capacity, size_t *ret_count, struct ota_error *error);

#endif
