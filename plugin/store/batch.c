#include "plugin/store/batch.h"

#include <string.h>

#include "plugin/store/handle.h"
#include "plugin/store/words.h"

enum { BATCH_SAVED = 16 }; /* the first field that changes after the insert */

static const struct ota_field fields[] = {
	OTA_FIELD(INTEGER, struct ota_batch, id),
	OTA_FIELD(INTEGER, struct ota_batch, rev),
	OTA_FIELD(TEXT, struct ota_batch, product_key),
	OTA_FIELD(INTEGER, struct ota_batch, package_id),
	OTA_FIELD(TEXT, struct ota_batch, module),
	OTA_FIELD(TEXT, struct ota_batch, version),
	OTA_FIELD(TEXT, struct ota_batch, name),
	OTA_FIELD_OF(struct ota_batch, kind, ota_words_batch_kind),
	OTA_FIELD(BOOL, struct ota_batch, all_devices),
	OTA_FIELD(BOOL, struct ota_batch, skip_conflicts),
	OTA_FIELD(BOOL, struct ota_batch, supersedes),
	OTA_FIELD(INTEGER, struct ota_batch, source_batch),
	OTA_FIELD(TEXT, struct ota_batch, source_state),
	OTA_FIELD(TEXT, struct ota_batch, tags),
	OTA_FIELD(INTEGER, struct ota_batch, created_ms),
	OTA_FIELD(TEXT, struct ota_batch, created_by),
	OTA_FIELD(TEXT, struct ota_batch, strategy),
	OTA_FIELD_OF(struct ota_batch, state, ota_words_batch_state),
	OTA_FIELD(TEXT, struct ota_batch, reason),
	OTA_FIELD(INTEGER, struct ota_batch, total),
	OTA_FIELD(BOOL, struct ota_batch, prepared),
	OTA_FIELD(TEXT, struct ota_batch, prepare_after),
	OTA_FIELD(BOOL, struct ota_batch, canceling),
	OTA_FIELD_OF(struct ota_batch, cancel_level, ota_words_cancel_level),
	OTA_FIELD(INTEGER, struct ota_batch, cancel_after),
	OTA_FIELD(INTEGER, struct ota_batch, started_ms),
	OTA_FIELD(INTEGER, struct ota_batch, ended_ms),
	OTA_FIELD(INTEGER, struct ota_batch, ends_ms),
};
static const struct ota_layout batch_layout = OTA_LAYOUT(fields, struct ota_batch);
static const struct ota_layout batch_saved = OTA_LAYOUT_FROM(fields, BATCH_SAVED, struct ota_batch);

int ota_batch_insert(struct ota_store *store, const struct ota_batch *batch, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_INSERT);
	ota_row_bind(&batch_layout, batch, &query);
	return ota_query_run_one(&query, error, "batch %lld exists", (long long)batch->id);
}

int ota_batch_load(struct ota_store *store, int64_t id, struct ota_batch *ret_batch, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_LOAD);
	ota_query_integer(&query, id);
	return ota_query_find(&query, &batch_layout, ret_batch, error);
}

int ota_batch_save(struct ota_store *store, struct ota_batch *batch, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_SAVE);
	ota_row_bind(&batch_saved, batch, &query);
	ota_query_integer(&query, batch->id);
	ota_query_integer(&query, batch->rev);
	status = ota_query_run_one(&query, error, "batch %lld was changed meanwhile", (long long)batch->id);
	if (status == 0)
		batch->rev++;
	return status;
}

int ota_batch_list(struct ota_store *store, const struct ota_batch_filter *filter, struct ota_batch *rows, size_t capacity,
		   size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_LIST);
	ota_query_integer(&query, ota_store_below(filter->before));
	ota_query_text(&query, filter->product_key);
	ota_query_text(&query, filter->state < 0 ? "" : ota_batch_state_word((enum ota_batch_state)filter->state));
	return ota_query_list(&query, &batch_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_batch_list_of_package(struct ota_store *store, int64_t package_id, int64_t after, struct ota_batch *rows, size_t capacity,
			      size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_LIST_OF_PACKAGE);
	ota_query_integer(&query, package_id);
	ota_query_integer(&query, after);
	return ota_query_list(&query, &batch_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_batch_list_dynamic(struct ota_store *store, const char *product_key, const char *module, struct ota_batch *rows,
			   size_t capacity, size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_LIST_DYNAMIC);
	ota_query_text(&query, product_key);
	ota_query_text(&query, module);
	return ota_query_list(&query, &batch_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

/* A row of one column: its layout has the size of the column's own type. */
struct id_row {
	int64_t id;
};

int ota_batch_list_working(struct ota_store *store, int64_t wall_ms, int64_t after, int64_t *ids, size_t capacity,
			   size_t *ret_count, struct ota_error *error)
{
	static const struct ota_field id_fields[] = {OTA_FIELD(INTEGER, struct id_row, id)};
	const struct ota_layout layout = OTA_LAYOUT(id_fields, struct id_row);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_LIST_WORKING);
	ota_query_integer(&query, after);
	ota_query_integer(&query, wall_ms);
	return ota_query_list(&query, &layout, (struct ota_page){ids, capacity, ret_count}, error);
}

struct state_row {
	enum ota_batch_state state;
	int64_t n;
};

int ota_batch_count_open(struct ota_store *store, int64_t counts[OTA_BATCH_STATES], struct ota_error *error)
{
	static const struct ota_field state_fields[] = {
		OTA_FIELD_OF(struct state_row, state, ota_words_batch_state),
		OTA_FIELD(INTEGER, struct state_row, n),
	};
	const struct ota_layout layout = OTA_LAYOUT(state_fields, struct state_row);
	struct state_row rows[OTA_BATCH_STATES];
	struct ota_query query;
	size_t count = 0;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_COUNT_OPEN);
	int status = ota_query_list(&query, &layout, (struct ota_page){rows, OTA_BATCH_STATES, &count}, error);
	if (status < 0)
		return status;
	memset(counts, 0, OTA_BATCH_STATES * sizeof(counts[0]));
	for (size_t i = 0; i < count; i++)
		counts[rows[i].state] = rows[i].n;
	return 0;
}

struct count_row {
	enum ota_task_state state;
	enum ota_cause cause;
	int64_t n, resumed;
};

/* stage < 0: of all of them. */
static int counts_of_tasks(struct ota_store *store, int64_t id, int64_t stage, struct ota_batch_counts *counts,
			   struct ota_error *error)
{
	static const struct ota_field count_fields[] = {
		OTA_FIELD_OF(struct count_row, state, ota_words_task_state),
		OTA_FIELD_OF(struct count_row, cause, ota_words_cause),
		OTA_FIELD(INTEGER, struct count_row, n),
		OTA_FIELD(INTEGER, struct count_row, resumed),
	};
	const struct ota_layout layout = OTA_LAYOUT(count_fields, struct count_row);
	struct count_row rows[OTA_TASK_STATES * OTA_CAUSES];
	struct ota_query query;
	size_t count = 0;
	int status = 0;

	ota_query_start(&query, store->db, stage < 0 ? OTA_SQL_BATCH_LIST_COUNTS : OTA_SQL_BATCH_LIST_STAGE_COUNTS);
	ota_query_integer(&query, id);
	if (stage >= 0)
		ota_query_integer(&query, stage);
	status = ota_query_list(&query, &layout, (struct ota_page){rows, sizeof(rows) / sizeof(rows[0]), &count}, error);
	for (size_t i = 0; status == 0 && i < count; i++) {
		counts->states[rows[i].state] += rows[i].n;
		if (!ota_task_state_is_final(rows[i].state))
			continue;
		counts->causes[rows[i].cause] += rows[i].n;
		counts->resumed[rows[i].cause] += rows[i].resumed;
	}
	return status;
}

struct exclusion_row {
	enum ota_exclusion why;
	int64_t n;
};

static int64_t *exclusion_count(struct ota_batch_counts *counts, enum ota_exclusion why)
{
	switch (why) {
	case OTA_EXCLUDED_AT_TARGET:
		return &counts->excluded_at_target;
	case OTA_EXCLUDED_CONFLICT:
		return &counts->excluded_conflict;
	case OTA_EXCLUDED_UNKNOWN:
		return &counts->excluded_unknown;
	case OTA_EXCLUDED_BARRED:
		break;
	}
	return &counts->excluded_barred;
}

static int counts_of_exclusions(struct ota_store *store, int64_t id, struct ota_batch_counts *counts, struct ota_error *error)
{
	static const struct ota_field exclusion_fields[] = {
		OTA_FIELD_OF(struct exclusion_row, why, ota_words_exclusion),
		OTA_FIELD(INTEGER, struct exclusion_row, n),
	};
	const struct ota_layout layout = OTA_LAYOUT(exclusion_fields, struct exclusion_row);
	struct exclusion_row rows[OTA_EXCLUDED_BARRED + 1];
	struct ota_query query;
	size_t count = 0;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_LIST_EXCLUSIONS);
	ota_query_integer(&query, id);
	status = ota_query_list(&query, &layout, (struct ota_page){rows, sizeof(rows) / sizeof(rows[0]), &count}, error);
	for (size_t i = 0; status == 0 && i < count; i++)
		*exclusion_count(counts, rows[i].why) += rows[i].n;
	return status;
}

int ota_batch_load_counts(struct ota_store *store, int64_t id, struct ota_batch_counts *ret_counts, struct ota_error *error)
{
	struct ota_batch_counts counts = {0};
	int status = counts_of_tasks(store, id, -1, &counts, error);

	if (status == 0)
		status = counts_of_exclusions(store, id, &counts, error);
	if (status == 0)
		*ret_counts = counts;
	return status;
}

int ota_batch_load_stage_counts(struct ota_store *store, int64_t id, int64_t stage, struct ota_batch_counts *ret_counts,
				struct ota_error *error)
{
	*ret_counts = (struct ota_batch_counts){0};
	return counts_of_tasks(store, id, stage, ret_counts, error);
}

int ota_batch_mark_resumed(struct ota_store *store, int64_t id, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_MARK_RESUMED);
	ota_query_integer(&query, id);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_batch_add_pending(struct ota_store *store, int64_t id, int64_t stage, int64_t count, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_COUNT);
	ota_query_integer(&query, id);
	ota_query_integer(&query, stage);
	ota_query_text(&query, ota_task_state_word(OTA_TASK_PENDING));
	ota_query_text(&query, ota_cause_word(OTA_CAUSE_NONE));
	ota_query_integer(&query, count);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_batch_count_active(struct ota_store *store, int64_t id, int64_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_COUNT_ACTIVE);
	ota_query_integer(&query, id);
	return ota_query_find_integer(&query, ret_count, error);
}

int ota_batch_add_excluded(struct ota_store *store, int64_t id, enum ota_exclusion why, int64_t count, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_EXCLUDE);
	ota_query_integer(&query, id);
	ota_query_text(&query, ota_words_exclusion.write((int)why));
	ota_query_integer(&query, count);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_batch_insert_where(struct ota_store *store, int64_t batch_id, const char *expression, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_WHERE_INSERT);
	ota_query_integer(&query, batch_id);
	ota_query_text(&query, expression);
	return ota_query_run_one(&query, error, "batch %lld has an expression", (long long)batch_id);
}

int ota_batch_find_where(struct ota_store *store, int64_t batch_id, struct ota_batch_where *ret_where, struct ota_error *error)
{
	static const struct ota_field where_fields[] = {OTA_FIELD(TEXT, struct ota_batch_where, expression)};
	const struct ota_layout layout = OTA_LAYOUT(where_fields, struct ota_batch_where);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_WHERE_FIND);
	ota_query_integer(&query, batch_id);
	return ota_query_find(&query, &layout, ret_where, error);
}

int ota_batch_list_open_where(struct ota_store *store, const char *product_key, int64_t after, struct ota_batch_open_where *rows,
			      size_t capacity, size_t *ret_count, struct ota_error *error)
{
	static const struct ota_field open_fields[] = {
		OTA_FIELD(INTEGER, struct ota_batch_open_where, batch_id),
		OTA_FIELD(TEXT, struct ota_batch_open_where, where.expression),
	};
	const struct ota_layout layout = OTA_LAYOUT(open_fields, struct ota_batch_open_where);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_WHERE_LIST_OPEN);
	ota_query_text(&query, product_key);
	ota_query_integer(&query, after);
	return ota_query_list(&query, &layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_batch_insert_target(struct ota_store *store, int64_t batch_id, const char *device_name, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_TARGET_INSERT);
	ota_query_integer(&query, batch_id);
	ota_query_text(&query, device_name);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}
