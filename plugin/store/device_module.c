#include <string.h>

#include "plugin/store/device.h"
#include "plugin/store/handle.h"

/* The first field that changes after the insert (the version, which an index is on), and the first behind it. */
enum { MODULE_SAVED = 2, MODULE_SAVED_CANDIDATE = 3 };

static const struct ota_field fields[] = {
	OTA_FIELD(INTEGER, struct ota_device_module, device_id),
	OTA_FIELD(TEXT, struct ota_device_module, module),
	OTA_FIELD(TEXT, struct ota_device_module, version),
	OTA_FIELD(INTEGER, struct ota_device_module, version_ms),
	OTA_FIELD(TEXT, struct ota_device_module, boot_id),
	OTA_FIELD(TEXT, struct ota_device_module, candidate),
	OTA_FIELD(INTEGER, struct ota_device_module, candidate_wall_ms),
	OTA_FIELD(INTEGER, struct ota_device_module, candidate_due),
	OTA_FIELD(INTEGER, struct ota_device_module, loop_count),
	OTA_FIELD(INTEGER, struct ota_device_module, loop_since),
};
static const struct ota_layout module_layout = OTA_LAYOUT(fields, struct ota_device_module);
static const struct ota_layout module_saved = OTA_LAYOUT_FROM(fields, MODULE_SAVED, struct ota_device_module);
static const struct ota_layout module_saved_candidate = OTA_LAYOUT_FROM(fields, MODULE_SAVED_CANDIDATE, struct ota_device_module);

int ota_device_module_find(struct ota_store *store, int64_t device_id, const char *module, struct ota_device_module *ret_row,
			   struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_MODULE_FIND);
	ota_query_integer(&query, device_id);
	ota_query_text(&query, module);
	return ota_query_find(&query, &module_layout, ret_row, error);
}

/* The version as stored: "" for a row that is not there yet, as for one whose inform has not settled. */
static int version_find(struct ota_store *store, const struct ota_device_module *row, struct ota_version_count *ret_stored,
			struct ota_error *error)
{
	static const struct ota_field version_field[] = {OTA_FIELD(TEXT, struct ota_version_count, version)};
	const struct ota_layout layout = OTA_LAYOUT(version_field, struct ota_version_count);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_MODULE_FIND_VERSION);
	ota_query_integer(&query, row->device_id);
	ota_query_text(&query, row->module);
	return ota_query_find(&query, &layout, ret_stored, error);
}

static int version_count(struct ota_store *store, const char *product_key, const char *module,
			 const struct ota_version_count *change, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	if (change->version[0] == '\0')
		return 0;
	ota_query_start(&query, store->db, OTA_SQL_VERSION_COUNT);
	ota_query_text(&query, product_key);
	ota_query_text(&query, module);
	ota_query_text(&query, change->version);
	ota_query_integer(&query, change->count);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

/* A version that nobody runs any more leaves no row: a device may tell thousands of versions in its life. */
static int version_leave(struct ota_store *store, const char *product_key, const char *module, struct ota_version_count *left,
			 struct ota_error *error)
{
	struct ota_query query;

	left->count = -1;
	int status = version_count(store, product_key, module, left, error);
	if (status < 0 || left->version[0] == '\0')
		return status;
	ota_query_start(&query, store->db, OTA_SQL_VERSION_DROP);
	ota_query_text(&query, product_key);
	ota_query_text(&query, module);
	ota_query_text(&query, left->version);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

static int module_insert(struct ota_store *store, const struct ota_device_module *row, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_MODULE_INSERT);
	ota_row_bind(&module_layout, row, &query);
	ota_query_integer(&query, row->device_id);
	return ota_query_run_one(&query, error, "device %lld does not exist", (long long)row->device_id);
}

static int module_update(struct ota_store *store, const struct ota_device_module *row, bool moved, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, moved ? OTA_SQL_MODULE_SAVE : OTA_SQL_MODULE_SAVE_CANDIDATE);
	ota_row_bind(moved ? &module_saved : &module_saved_candidate, row, &query);
	ota_query_integer(&query, row->device_id);
	ota_query_text(&query, row->module);
	return ota_query_run_one(&query, error, "device %lld has no module %s", (long long)row->device_id, row->module);
}

int ota_device_module_save(struct ota_store *store, const char *product_key, const struct ota_device_module *row,
			   struct ota_error *error)
{
	struct ota_version_count left = {.version = ""};
	struct ota_version_count joined = {.count = 1};
	int found = version_find(store, row, &left, error);
	bool moved = strcmp(left.version, row->version) != 0;
	int status = found;

	if (found == 0)
		status = module_update(store, row, moved, error);
	else if (found == OTA_ENOTFOUND)
		status = module_insert(store, row, error);
	if (status < 0 || !moved)
		return status;
	memcpy(joined.version, row->version, sizeof(joined.version));
	status = version_leave(store, product_key, row->module, &left, error);
	return status < 0 ? status : version_count(store, product_key, row->module, &joined, error);
}

int ota_device_module_list(struct ota_store *store, int64_t device_id, struct ota_device_module *rows, size_t capacity,
			   size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_MODULE_LIST);
	ota_query_integer(&query, device_id);
	return ota_query_list(&query, &module_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_device_module_due(struct ota_store *store, int64_t heard_ms, struct ota_device_module *rows, size_t capacity,
			  size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_MODULE_DUE);
	ota_query_integer(&query, heard_ms);
	return ota_query_list(&query, &module_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_device_module_next_due(struct ota_store *store, int64_t *ret_heard_ms, struct ota_error *error)
{
	struct ota_query query;
	int64_t due = INT64_MAX;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_MODULE_NEXT_DUE);
	status = ota_query_find_integer(&query, &due, error);
	if (status < 0 && status != OTA_ENOTFOUND)
		return status;
	*ret_heard_ms = due;
	return 0;
}

static const struct ota_field count_fields[] = {
	OTA_FIELD(TEXT, struct ota_version_count, version),
	OTA_FIELD(INTEGER, struct ota_version_count, count),
};
static const struct ota_layout count_layout = OTA_LAYOUT(count_fields, struct ota_version_count);

int ota_version_distribution(struct ota_store *store, const char *product_key, const char *module, struct ota_version_count *rows,
			     size_t capacity, size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_VERSION_LIST);
	ota_query_text(&query, product_key);
	ota_query_text(&query, module);
	return ota_query_list(&query, &count_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_version_list(struct ota_store *store, const struct ota_version_filter *filter, struct ota_version_count *rows,
		     size_t capacity, size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_VERSION_LIST_NAMES);
	ota_query_text(&query, filter->product_key);
	ota_query_text(&query, filter->module);
	ota_query_text(&query, filter->after);
	return ota_query_list(&query, &count_layout, (struct ota_page){rows, capacity, ret_count}, error);
}
