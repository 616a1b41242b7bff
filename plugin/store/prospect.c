#include "plugin/store/prospect.h"

#include "plugin/store/handle.h"
#include "plugin/store/prospect_row.h"

static const struct ota_field prospect_fields[] = {
	OTA_FIELD(INTEGER, struct ota_prospect, device.id),
	OTA_FIELD(INTEGER, struct ota_prospect, device.rev),
	OTA_FIELD(TEXT, struct ota_prospect, device.identity.product_key),
	OTA_FIELD(TEXT, struct ota_prospect, device.identity.device_name),
	OTA_FIELD(INTEGER, struct ota_prospect, device.bucket),
	OTA_FIELD(INTEGER, struct ota_prospect, device.created_ms),
	OTA_FIELD(INTEGER, struct ota_prospect, device.last_seen_ms),
	OTA_FIELD(NUMBER, struct ota_prospect, device.caps),
	OTA_FIELD(TEXT, struct ota_prospect, device.agent),
	OTA_FIELD(BOOL, struct ota_prospect, device.barred),
	OTA_FIELD(BOOL, struct ota_prospect, device.disabled),
	OTA_FIELD(TEXT, struct ota_prospect, version),
	OTA_FIELD(INTEGER, struct ota_prospect, unfinished),
};
const struct ota_layout ota_prospect_layout = OTA_LAYOUT(prospect_fields, struct ota_prospect);

int ota_prospect_list(struct ota_store *store, const struct ota_prospect_filter *filter, struct ota_prospect *rows,
		      size_t capacity, size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PROSPECT_LIST);
	ota_query_text(&query, filter->module);
	ota_query_text(&query, filter->product_key);
	ota_query_text(&query, filter->after);
	return ota_query_list(&query, &ota_prospect_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_prospect_list_named(struct ota_store *store, int64_t batch_id, const struct ota_prospect_filter *filter,
			    struct ota_prospect *rows, size_t capacity, size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PROSPECT_LIST_NAMED);
	ota_query_text(&query, filter->product_key);
	ota_query_text(&query, filter->module);
	ota_query_integer(&query, batch_id);
	ota_query_text(&query, filter->after);
	return ota_query_list(&query, &ota_prospect_layout, (struct ota_page){rows, capacity, ret_count}, error);
}
