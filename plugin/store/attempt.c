#include "plugin/store/handle.h"
#include "plugin/store/task.h"
#include "plugin/store/words.h"

static const struct ota_field fields[] = {
	OTA_FIELD(INTEGER, struct ota_attempt, task_id),
	OTA_FIELD(INTEGER, struct ota_attempt, attempt),
	OTA_FIELD(INTEGER, struct ota_attempt, pushed_ms),
	OTA_FIELD(INTEGER, struct ota_attempt, started_ms),
	OTA_FIELD(INTEGER, struct ota_attempt, delivered_ms),
	OTA_FIELD(INTEGER, struct ota_attempt, ended_ms),
	OTA_FIELD_OF(struct ota_attempt, cause, ota_words_cause),
	OTA_FIELD(TEXT, struct ota_attempt, desc),
};
static const struct ota_layout attempt_layout = OTA_LAYOUT(fields, struct ota_attempt);

int ota_attempt_save(struct ota_store *store, const struct ota_attempt *attempt, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_ATTEMPT_SAVE);
	ota_row_bind(&attempt_layout, attempt, &query);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_attempt_find(struct ota_store *store, int64_t task_id, int64_t number, struct ota_attempt *ret_attempt,
		     struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_ATTEMPT_FIND);
	ota_query_integer(&query, task_id);
	ota_query_integer(&query, number);
	return ota_query_find(&query, &attempt_layout, ret_attempt, error);
}

int ota_attempt_list(struct ota_store *store, int64_t task_id, struct ota_attempt *rows, size_t capacity, size_t *ret_count,
		     struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_ATTEMPT_LIST);
	ota_query_integer(&query, task_id);
	return ota_query_list(&query, &attempt_layout, (struct ota_page){rows, capacity, ret_count}, error);
}
