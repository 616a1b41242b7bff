#include "plugin/store/device.h"

#include <string.h>

#include "plugin/store/handle.h"

enum { DEVICE_SAVED = 6 }; /* the first field that changes after the insert */

static const struct ota_field device_fields[] = {
	OTA_FIELD(INTEGER, struct ota_device, id),
	OTA_FIELD(INTEGER, struct ota_device, rev),
	OTA_FIELD(TEXT, struct ota_device, identity.product_key),
	OTA_FIELD(TEXT, struct ota_device, identity.device_name),
	OTA_FIELD(INTEGER, struct ota_device, bucket),
	OTA_FIELD(INTEGER, struct ota_device, created_ms),
	OTA_FIELD(INTEGER, struct ota_device, last_seen_ms),
	OTA_FIELD(NUMBER, struct ota_device, caps),
	OTA_FIELD(TEXT, struct ota_device, agent),
	OTA_FIELD(BOOL, struct ota_device, barred),
	OTA_FIELD(BOOL, struct ota_device, disabled),
};
static const struct ota_layout device_layout = OTA_LAYOUT(device_fields, struct ota_device);
static const struct ota_layout device_saved = OTA_LAYOUT_FROM(device_fields, DEVICE_SAVED, struct ota_device);

static int product_count_device(struct ota_store *store, const char *product_key, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PRODUCT_COUNT_DEVICE);
	ota_query_text(&query, product_key);
	return ota_query_run_one(&query, error, "product %s does not exist", product_key);
}

int ota_device_insert(struct ota_store *store, const struct ota_device *device, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_DEVICE_INSERT);
	ota_row_bind(&device_layout, device, &query);
	status = ota_query_run_one(&query, error, "device %s of product %s exists", device->identity.device_name,
				   device->identity.product_key);
	return status < 0 ? status : product_count_device(store, device->identity.product_key, error);
}

int ota_device_find(struct ota_store *store, const struct ota_identity *identity, struct ota_device *ret_device,
		    struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_DEVICE_FIND);
	ota_query_text(&query, identity->product_key);
	ota_query_text(&query, identity->device_name);
	return ota_query_find(&query, &device_layout, ret_device, error);
}

int ota_device_load(struct ota_store *store, int64_t id, struct ota_device *ret_device, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_DEVICE_LOAD);
	ota_query_integer(&query, id);
	return ota_query_find(&query, &device_layout, ret_device, error);
}

int ota_device_save(struct ota_store *store, struct ota_device *device, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_DEVICE_SAVE);
	ota_row_bind(&device_saved, device, &query);
	ota_query_integer(&query, device->id);
	ota_query_integer(&query, device->rev);
	status = ota_query_run_one(&query, error, "device %lld was changed meanwhile", (long long)device->id);
	if (status == 0)
		device->rev++;
	return status;
}

int ota_device_save_last_seen(struct ota_store *store, int64_t id, int64_t last_seen_ms, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_DEVICE_SAVE_LAST_SEEN);
	ota_query_integer(&query, last_seen_ms);
	ota_query_integer(&query, id);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

static enum ota_sql list_statement(const struct ota_device_filter *filter)
{
	if (filter->version[0] != '\0')
		return OTA_SQL_DEVICE_LIST_RUNNING;
	if (filter->tag && filter->tag[0] != '\0')
		return OTA_SQL_DEVICE_LIST_TAGGED;
	return filter->disabled ? OTA_SQL_DEVICE_LIST_DISABLED : OTA_SQL_DEVICE_LIST;
}

int ota_device_list(struct ota_store *store, const struct ota_device_filter *filter, struct ota_device *rows, size_t capacity,
		    size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;
	enum ota_sql statement = list_statement(filter);
	bool by_version = statement == OTA_SQL_DEVICE_LIST_RUNNING;

	ota_query_start(&query, store->db, statement);
	ota_query_text(&query, filter->product_key);
	if (by_version || statement == OTA_SQL_DEVICE_LIST_TAGGED) {
		ota_query_text(&query, by_version ? filter->module : filter->tag);
		ota_query_text(&query, by_version ? filter->version : filter->value);
	}
	ota_query_text(&query, filter->after);
	return ota_query_list(&query, &device_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_device_list_disabled(struct ota_store *store, const struct ota_identity *after, struct ota_device *rows, size_t capacity,
			     size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_DEVICE_LIST_DISABLED_ALL);
	ota_query_text(&query, after->product_key);
	ota_query_text(&query, after->device_name);
	return ota_query_list(&query, &device_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_device_list_bucket(struct ota_store *store, int64_t bucket, int64_t after, struct ota_device *rows, size_t capacity,
			   size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_DEVICE_LIST_BUCKET);
	ota_query_integer(&query, bucket);
	ota_query_integer(&query, after);
	return ota_query_list(&query, &device_layout, (struct ota_page){rows, capacity, ret_count}, error);
}
