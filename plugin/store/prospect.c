#include "plugin/store/prospect.h"

#include "plugin/store/handle.h"
#include "plugin/store/prospect_row.h"
#include "plugin/store/words.h"

/* The same in a prospect and in what holds one. */
#define PROSPECT_FIELDS(type, at)                                                                                               \
	OTA_FIELD(INTEGER, type, at device.id), OTA_FIELD(INTEGER, type, at device.rev),                                        \
		OTA_FIELD(TEXT, type, at device.identity.product_key), OTA_FIELD(TEXT, type, at device.identity.device_name),   \
		OTA_FIELD(INTEGER, type, at device.bucket), OTA_FIELD(INTEGER, type, at device.created_ms),                     \
		OTA_FIELD(INTEGER, type, at device.last_seen_ms), OTA_FIELD(NUMBER, type, at device.caps),                      \
		OTA_FIELD(TEXT, type, at device.agent), OTA_FIELD(BOOL, type, at device.barred),                                \
		OTA_FIELD(BOOL, type, at device.disabled), OTA_FIELD(TEXT, type, at version),                                   \
		OTA_FIELD(INTEGER, type, at unfinished)

#define AT_START
static const struct ota_field prospect_fields[] = {PROSPECT_FIELDS(struct ota_prospect, AT_START)};
const struct ota_layout ota_prospect_layout = OTA_LAYOUT(prospect_fields, struct ota_prospect);

int ota_prospect_find(struct ota_store *store, int64_t device_id, const char *module, struct ota_prospect *ret_prospect,
		      struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PROSPECT_FIND);
	ota_query_text(&query, module);
	ota_query_integer(&query, device_id);
	return ota_query_find(&query, &ota_prospect_layout, ret_prospect, error);
}

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

int ota_prospect_list_of_batch(struct ota_store *store, const struct ota_prospect_scope *scope, struct ota_prospect_task *rows,
			       size_t capacity, size_t *ret_count, struct ota_error *error)
{
	static const struct ota_field fields[] = {
		PROSPECT_FIELDS(struct ota_prospect_task, prospect.),
		OTA_FIELD(INTEGER, struct ota_prospect_task, id),
		OTA_FIELD_OF(struct ota_prospect_task, state, ota_words_task_state),
		OTA_FIELD_OF(struct ota_prospect_task, cause, ota_words_cause),
		OTA_FIELD_OF(struct ota_prospect_task, mark, ota_words_mark),
		OTA_FIELD(TEXT, struct ota_prospect_task, version),
	};
	const struct ota_layout layout = OTA_LAYOUT(fields, struct ota_prospect_task);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_PROSPECT_LIST_OF_BATCH);
	ota_query_text(&query, scope->module);
	ota_query_integer(&query, scope->batch_id);
	ota_query_integer(&query, scope->after);
	return ota_query_list(&query, &layout, (struct ota_page){rows, capacity, ret_count}, error);
}
