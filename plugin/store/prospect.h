/*
 * Prospect: a device that a batch may take, with what decides whether it does: what its module runs and whether it has a task
 * already. Read together, because a batch reads a million of them. See store.h for threads, transactions and errors.
 */
#ifndef OTA_PLUGIN_STORE_PROSPECT_H
#define OTA_PLUGIN_STORE_PROSPECT_H

#include "plugin/rules/source.h"
#include "plugin/store/device.h"

struct ota_prospect {
	struct ota_device device;           /* id 0: no such device, only its identity's name is known */
	char version[OTA_VERSION_MAX + 1]; /* what the module runs, "" = it never said */
	int64_t unfinished;                 /* the unfinished task of the module, 0 = none */
};

/* Whose they are: those of a product, or of a batch's list of names. */
struct ota_prospect_filter {
	const char *product_key;
	const char *module;
	const char *after; /* names behind this; "" = from the start */
};

int ota_prospect_find(struct ota_store *store, int64_t device_id, const char *module, struct ota_prospect *ret_prospect,
		      struct ota_error *error);
/* Ascending names. */
int ota_prospect_list(struct ota_store *store, const struct ota_prospect_filter *filter, struct ota_prospect *rows,
		      size_t capacity, size_t *ret_count, struct ota_error *error);
/* Those a batch lists by name, known or not. */
int ota_prospect_list_named(struct ota_store *store, int64_t batch_id, const struct ota_prospect_filter *filter,
			    struct ota_prospect *rows, size_t capacity, size_t *ret_count, struct ota_error *error);
/* The device of a task of a batch, if it is its newest there. */
struct ota_prospect_task {
	struct ota_prospect prospect;
	int64_t id;
	enum ota_task_state state;
	enum ota_cause cause;
	enum ota_mark mark;
	char version[OTA_VERSION_MAX + 1]; /* the task's target */
};

struct ota_prospect_scope {
	int64_t batch_id;
	const char *module; /* of the prospects */
	int64_t after;      /* ids of tasks above this, ascending */
};
int ota_prospect_list_of_batch(struct ota_store *store, const struct ota_prospect_scope *scope, struct ota_prospect_task *rows,
			       size_t capacity, size_t *ret_count, struct ota_error *error);

#endif
