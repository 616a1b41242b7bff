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
	OTA_FIELD(INTEGER, struct ota_attempt, bytes),
	OTA_FIELD(INTEGER, struct ota_attempt, fetched_ms),
	OTA_FIELD(INTEGER, struct ota_attempt, fetched_files),
};
enum { ATTEMPT_SAVED = 8 }; /* fields of a save: those before what transfers count */
static const struct ota_layout attempt_layout = OTA_LAYOUT(fields, struct ota_attempt);
static const struct ota_layout attempt_saved = {fields, ATTEMPT_SAVED, sizeof(struct ota_attempt)};

int ota_attempt_save(struct ota_store *store, const struct ota_attempt *attempt, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_ATTEMPT_SAVE);
	ota_row_bind(&attempt_saved, attempt, &query);
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

int ota_attempt_add_transfer(struct ota_store *store, const struct ota_attempt_bytes *more, bool *ret_first,
			     struct ota_error *error)
{
	struct ota_attempt before;
	struct ota_query query;
	int status = ota_attempt_find(store, more->task_id, more->number, &before, error);

	if (status < 0)
		return status;
	int64_t all = (INT64_C(1) << more->file_count) - 1;
	int64_t files = before.fetched_files | (more->whole_ms > 0 ? INT64_C(1) << more->file : 0);
	*ret_first = before.fetched_ms == 0 && files == all;
	ota_query_start(&query, store->db, OTA_SQL_ATTEMPT_ADD_TRANSFER);
	ota_query_integer(&query, more->bytes);
	ota_query_integer(&query, *ret_first ? more->whole_ms : before.fetched_ms);
	ota_query_integer(&query, files);
	ota_query_integer(&query, more->task_id);
	ota_query_integer(&query, more->number);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}
