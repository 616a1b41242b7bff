#include "plugin/store/device_tag.h"

#include "plugin/store/handle.h"

static const struct ota_field tag_fields[] = {
	OTA_FIELD(INTEGER, struct ota_device_tag, device_id),
	OTA_FIELD(TEXT, struct ota_device_tag, tag),
	OTA_FIELD(TEXT, struct ota_device_tag, value),
};
static const struct ota_layout tag_layout = OTA_LAYOUT(tag_fields, struct ota_device_tag);

/* A write whose count of changed rows is the answer. */
static int run_changed(struct ota_query *query, bool *ret_changed, struct ota_error *error)
{
	int status = ota_query_run(query, error);

	*ret_changed = status > 0;
	return status < 0 ? status : 0;
}

int ota_device_tag_save(struct ota_store *store, const struct ota_device *device, const struct ota_device_tag *tag,
			bool *ret_changed, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TAG_SAVE);
	ota_row_bind(&tag_layout, tag, &query);
	ota_query_text(&query, device->identity.product_key);
	ota_query_text(&query, device->identity.device_name);
	return run_changed(&query, ret_changed, error);
}

int ota_device_tag_remove(struct ota_store *store, int64_t device_id, const char *tag, bool *ret_changed, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TAG_REMOVE);
	ota_query_integer(&query, device_id);
	ota_query_text(&query, tag);
	return run_changed(&query, ret_changed, error);
}

int ota_device_tag_list(struct ota_store *store, int64_t device_id, struct ota_device_tag *rows, size_t capacity,
			size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TAG_LIST);
	ota_query_integer(&query, device_id);
	return ota_query_list(&query, &tag_layout, (struct ota_page){rows, capacity, ret_count}, error);
}
