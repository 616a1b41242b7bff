#include "plugin/store/flow.h"

#include "plugin/store/handle.h"

static const struct ota_field fields[] = {
	OTA_FIELD(INTEGER, struct ota_flow, batch_id),
	OTA_FIELD(INTEGER, struct ota_flow, stage),
	OTA_FIELD(INTEGER, struct ota_flow, stage_at),
	OTA_FIELD(INTEGER, struct ota_flow, met_at),
	OTA_FIELD(INTEGER, struct ota_flow, ramp_at),
	OTA_FIELD(INTEGER, struct ota_flow, spent_at_us),
	OTA_FIELD(INTEGER, struct ota_flow, parked),
	OTA_FIELD(INTEGER, struct ota_flow, confirmed_to),
	OTA_FIELD(INTEGER, struct ota_flow, paused_at),
	OTA_FIELD(BOOL, struct ota_flow, watched),
};
static const struct ota_layout flow_layout = OTA_LAYOUT(fields, struct ota_flow);

int ota_flow_load(struct ota_store *store, int64_t batch_id, struct ota_flow *ret_flow, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_FLOW_FIND);
	ota_query_integer(&query, batch_id);
	*ret_flow = (struct ota_flow){0};
	int status = ota_query_find(&query, &flow_layout, ret_flow, error);
	ret_flow->batch_id = batch_id;
	return status == OTA_ENOTFOUND ? 0 : status;
}

int ota_flow_save(struct ota_store *store, const struct ota_flow *flow, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_FLOW_SAVE);
	ota_row_bind(&flow_layout, flow, &query);
	int status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_flow_insert_opening(struct ota_store *store, int64_t batch_id, const struct ota_stage_opening *opening,
			    struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_FLOW_INSERT_OPENING);
	ota_query_integer(&query, batch_id);
	ota_query_integer(&query, opening->stage);
	ota_query_integer(&query, opening->opened_ms);
	return ota_query_run_one(&query, error, "stage %lld of batch %lld was opened before", (long long)opening->stage,
				 (long long)batch_id);
}

int ota_flow_list_openings(struct ota_store *store, int64_t batch_id, struct ota_stage_opening *rows, size_t capacity,
			   size_t *ret_count, struct ota_error *error)
{
	static const struct ota_field opening_fields[] = {
		OTA_FIELD(INTEGER, struct ota_stage_opening, stage),
		OTA_FIELD(INTEGER, struct ota_stage_opening, opened_ms),
	};
	const struct ota_layout layout = OTA_LAYOUT(opening_fields, struct ota_stage_opening);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_FLOW_LIST_OPENINGS);
	ota_query_integer(&query, batch_id);
	return ota_query_list(&query, &layout, (struct ota_page){rows, capacity, ret_count}, error);
}

/* A row of one column: its layout has the size of the column's own type. */
struct id_row {
	int64_t id;
};

int ota_flow_list_watched(struct ota_store *store, int64_t after, int64_t *ids, size_t capacity, size_t *ret_count,
			  struct ota_error *error)
{
	static const struct ota_field id_fields[] = {OTA_FIELD(INTEGER, struct id_row, id)};
	const struct ota_layout layout = OTA_LAYOUT(id_fields, struct id_row);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_FLOW_LIST_WATCHED);
	ota_query_integer(&query, after);
	return ota_query_list(&query, &layout, (struct ota_page){ids, capacity, ret_count}, error);
}
