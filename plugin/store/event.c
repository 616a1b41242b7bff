#include "plugin/store/event.h"

#include "plugin/store/handle.h"

enum { EVENT_OWN = 9 }; /* the columns of the row itself; behind them what a list finds out */

static const struct ota_field fields[] = {
	OTA_FIELD(INTEGER, struct ota_event, id),
	OTA_FIELD(INTEGER, struct ota_event, at_ms),
	OTA_FIELD(TEXT, struct ota_event, product_key),
	OTA_FIELD(INTEGER, struct ota_event, device_id),
	OTA_FIELD(INTEGER, struct ota_event, batch_id),
	OTA_FIELD(INTEGER, struct ota_event, task_id),
	OTA_FIELD(TEXT, struct ota_event, event),
	OTA_FIELD(TEXT, struct ota_event, detail),
	OTA_FIELD(TEXT, struct ota_event, actor),
	OTA_FIELD(TEXT, struct ota_event, device_name),
};
static const struct ota_layout event_layout = OTA_LAYOUT(fields, struct ota_event);
static const struct ota_layout event_own = {fields, EVENT_OWN, sizeof(struct ota_event)};

int ota_event_insert(struct ota_store *store, const struct ota_event *event, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_EVENT_INSERT);
	ota_row_bind(&event_own, event, &query);
	return ota_query_run_one(&query, error, "event %lld exists", (long long)event->id);
}

/* The narrowest index leads, the rest of the filter only checks the rows it finds. */
static void filter_start(const struct ota_event_filter *filter, struct ota_db *db, struct ota_query *query)
{
	if (filter->device_id > 0) {
		ota_query_start(query, db, OTA_SQL_EVENT_LIST_OF_DEVICE);
		ota_query_integer(query, filter->device_id);
		ota_query_integer(query, filter->batch_id);
		ota_query_text(query, filter->product_key);
	} else if (filter->batch_id > 0) {
		ota_query_start(query, db, OTA_SQL_EVENT_LIST_OF_BATCH);
		ota_query_integer(query, filter->batch_id);
		ota_query_text(query, filter->product_key);
	} else if (filter->product_key[0] != '\0') {
		ota_query_start(query, db, OTA_SQL_EVENT_LIST_OF_PRODUCT);
		ota_query_text(query, filter->product_key);
	} else {
		ota_query_start(query, db, OTA_SQL_EVENT_LIST);
	}
}

int ota_event_list(struct ota_store *store, const struct ota_event_filter *filter, struct ota_event *rows, size_t capacity,
		   size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	filter_start(filter, store->db, &query);
	ota_query_integer(&query, ota_store_below(filter->before));
	return ota_query_list(&query, &event_layout, (struct ota_page){rows, capacity, ret_count}, error);
}
