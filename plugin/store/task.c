#include "plugin/store/task.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "plugin/store/ask.h"
#include "plugin/store/handle.h"
#include "plugin/store/words.h"

/* The first field that changes after the insert, and the first behind those that indexes are on (state, due_at, ask_until) and
 * what goes with them. */
enum { TASK_SAVED = 9, TASK_SAVED_PROGRESS = 13 };

static const struct ota_field fields[] = {
	OTA_FIELD(INTEGER, struct ota_task, id),
	OTA_FIELD(INTEGER, struct ota_task, rev),
	OTA_FIELD(INTEGER, struct ota_task, batch_id),
	OTA_FIELD(INTEGER, struct ota_task, device_id),
	OTA_FIELD(TEXT, struct ota_task, module),
	OTA_FIELD(INTEGER, struct ota_task, package_id),
	OTA_FIELD(TEXT, struct ota_task, version),
	OTA_FIELD(INTEGER, struct ota_task, created_ms),
	OTA_FIELD(INTEGER, struct ota_task, stage),
	OTA_FIELD_OF(struct ota_task, state, ota_words_task_state),
	OTA_FIELD(INTEGER, struct ota_task, due_at),
	OTA_FIELD_OF(struct ota_task, ask, ota_words_ask),
	OTA_FIELD(INTEGER, struct ota_task, ask_until),
	OTA_FIELD(TEXT, struct ota_task, from_version),
	OTA_FIELD_OF(struct ota_task, reason, ota_words_reason),
	OTA_FIELD_OF(struct ota_task, cause, ota_words_cause),
	OTA_FIELD_OF(struct ota_task, mark, ota_words_mark),
	OTA_FIELD_OF(struct ota_task, phase, ota_words_phase),
	OTA_FIELD(INTEGER, struct ota_task, attempt),
	OTA_FIELD(NUMBER, struct ota_task, step),
	OTA_FIELD(TEXT, struct ota_task, desc),
	OTA_FIELD(TEXT, struct ota_task, boot_id),
	OTA_FIELD(INTEGER, struct ota_task, updated_ms),
	OTA_FIELD(INTEGER, struct ota_task, pushes),
	OTA_FIELD(INTEGER, struct ota_task, last_push_at),
	OTA_FIELD(BOOL, struct ota_task, answered),
	OTA_FIELD(INTEGER, struct ota_task, repush_at),
	OTA_FIELD(INTEGER, struct ota_task, deadline_at),
	OTA_FIELD(INTEGER, struct ota_task, deadline_left_ms),
	OTA_FIELD(BOOL, struct ota_task, confirmed),
	OTA_FIELD(BOOL, struct ota_task, parked),
};
static const struct ota_layout task_layout = OTA_LAYOUT(fields, struct ota_task);
static const struct ota_layout task_saved = OTA_LAYOUT_FROM(fields, TASK_SAVED, struct ota_task);
static const struct ota_layout task_saved_progress = OTA_LAYOUT_FROM(fields, TASK_SAVED_PROGRESS, struct ota_task);

/* A pending task keeps why its last attempt failed; it counts under that cause only once it is final. */
static enum ota_cause counted_cause(const struct ota_task *task)
{
	return ota_task_state_is_final(task->state) ? task->cause : OTA_CAUSE_NONE;
}

static int task_count(struct ota_store *store, const struct ota_task *task, int64_t change, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_COUNT);
	ota_query_integer(&query, task->batch_id);
	ota_query_integer(&query, task->stage);
	ota_query_text(&query, ota_task_state_word(task->state));
	ota_query_text(&query, ota_cause_word(counted_cause(task)));
	ota_query_integer(&query, change);
	status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_task_add(struct ota_store *store, const struct ota_task *task, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_INSERT);
	ota_row_bind(&task_layout, task, &query);
	return ota_query_run_one(&query, error, "device %lld has an unfinished task of module %s", (long long)task->device_id,
				 task->module);
}

int ota_task_insert(struct ota_store *store, const struct ota_task *task, struct ota_error *error)
{
	int status = ota_task_add(store, task, error);

	return status < 0 ? status : task_count(store, task, 1, error);
}

int ota_task_load(struct ota_store *store, int64_t id, struct ota_task *ret_task, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_LOAD);
	ota_query_integer(&query, id);
	return ota_query_find(&query, &task_layout, ret_task, error);
}

/* What is final stays so, whatever the caller holds in its hand. */
static int mark_save(struct ota_store *store, const struct ota_task *before, const struct ota_task *task, struct ota_error *error)
{
	struct ota_query query;

	if (task->state != before->state || task->cause != before->cause)
		return ota_fail(error, OTA_ECONFLICT, "task %lld is %s, which is final", (long long)task->id,
				ota_task_state_word(before->state));
	ota_query_start(&query, store->db, OTA_SQL_TASK_SAVE_MARK);
	ota_query_text(&query, ota_mark_word(task->mark));
	ota_query_integer(&query, task->updated_ms);
	ota_query_integer(&query, task->id);
	ota_query_integer(&query, task->rev);
	return ota_query_run_one(&query, error, "task %lld was changed meanwhile", (long long)task->id);
}

static int progress_save(struct ota_store *store, const struct ota_task *before, const struct ota_task *task,
			 struct ota_error *error)
{
	struct ota_query query;
	bool indexed = task->state != before->state || task->due_at != before->due_at || task->ask != before->ask ||
		       task->ask_until != before->ask_until;

	ota_query_start(&query, store->db, indexed ? OTA_SQL_TASK_SAVE : OTA_SQL_TASK_SAVE_PROGRESS);
	ota_row_bind(indexed ? &task_saved : &task_saved_progress, task, &query);
	ota_query_integer(&query, task->id);
	ota_query_integer(&query, task->rev);
	return ota_query_run_one(&query, error, "task %lld was changed meanwhile", (long long)task->id);
}

static int task_recount(struct ota_store *store, const struct ota_task *before, const struct ota_task *task,
			struct ota_error *error)
{
	int status = 0;

	if (before->ask != task->ask)
		status = ota_ask_recount(store, before, task, error);
	if (status < 0 || before->state == task->state)
		return status;
	status = task_count(store, before, -1, error);
	return status < 0 ? status : task_count(store, task, 1, error);
}

int ota_task_save(struct ota_store *store, const struct ota_task *before, struct ota_task *task, struct ota_error *error)
{
	bool is_final = ota_task_state_is_final(before->state);
	int status = is_final ? mark_save(store, before, task, error) : progress_save(store, before, task, error);

	if (status == 0)
		status = task_recount(store, before, task, error);
	if (status == 0)
		task->rev++;
	return status;
}

int ota_task_find_unfinished(struct ota_store *store, int64_t device_id, const char *module, struct ota_task *ret_task,
			     struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_FIND_UNFINISHED);
	ota_query_integer(&query, device_id);
	ota_query_text(&query, module);
	return ota_query_find(&query, &task_layout, ret_task, error);
}

int ota_task_count_visits(struct ota_store *store, int64_t device_id, int64_t batch_id, struct ota_task_visits *ret_visits,
			  struct ota_error *error)
{
	static const struct ota_field visit_fields[] = {
		OTA_FIELD(INTEGER, struct ota_task_visits, count),
		OTA_FIELD(INTEGER, struct ota_task_visits, newest),
	};
	const struct ota_layout layout = OTA_LAYOUT(visit_fields, struct ota_task_visits);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_COUNT_IN_BATCH);
	ota_query_integer(&query, device_id);
	ota_query_integer(&query, batch_id);
	return ota_query_find(&query, &layout, ret_visits, error);
}

int ota_task_list_origins(struct ota_store *store, int64_t batch_id, int64_t looked_at, struct ota_task_origin *rows,
			  size_t capacity, size_t *ret_count, struct ota_error *error)
{
	static const struct ota_field origin_fields[] = {
		OTA_FIELD(TEXT, struct ota_task_origin, version),
		OTA_FIELD(INTEGER, struct ota_task_origin, count),
	};
	const struct ota_layout layout = OTA_LAYOUT(origin_fields, struct ota_task_origin);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_LIST_ORIGINS);
	ota_query_integer(&query, batch_id);
	ota_query_integer(&query, looked_at);
	return ota_query_list(&query, &layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_task_find_active(struct ota_store *store, int64_t device_id, struct ota_task *ret_task, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_FIND_ACTIVE);
	ota_query_integer(&query, device_id);
	return ota_query_find(&query, &task_layout, ret_task, error);
}

int ota_task_find_latest(struct ota_store *store, int64_t device_id, const char *module, struct ota_task *ret_task,
			 struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_FIND_LATEST);
	ota_query_integer(&query, device_id);
	ota_query_text(&query, module);
	return ota_query_find(&query, &task_layout, ret_task, error);
}

int ota_task_list_unfinished(struct ota_store *store, int64_t device_id, struct ota_task *rows, size_t capacity,
			     size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_LIST_UNFINISHED);
	ota_query_integer(&query, device_id);
	return ota_query_list(&query, &task_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_task_due(struct ota_store *store, int64_t heard_ms, struct ota_task *rows, size_t capacity, size_t *ret_count,
		 struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_DUE);
	ota_query_integer(&query, heard_ms);
	return ota_query_list(&query, &task_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_task_unanswered(struct ota_store *store, int64_t heard_ms, struct ota_task *rows, size_t capacity, size_t *ret_count,
			struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_UNANSWERED);
	ota_query_integer(&query, heard_ms);
	return ota_query_list(&query, &task_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

static int task_next(struct ota_store *store, enum ota_sql sql, int64_t *ret_heard_ms, struct ota_error *error)
{
	struct ota_query query;

	*ret_heard_ms = INT64_MAX;
	ota_query_start(&query, store->db, sql);
	int status = ota_query_find_integer(&query, ret_heard_ms, error);
	return status == OTA_ENOTFOUND ? 0 : status;
}

int ota_task_next_due(struct ota_store *store, int64_t *ret_heard_ms, struct ota_error *error)
{
	int64_t due, answer;
	int status = task_next(store, OTA_SQL_TASK_NEXT_DUE, &due, error);

	if (status == 0)
		status = task_next(store, OTA_SQL_TASK_NEXT_UNANSWERED, &answer, error);
	if (status == 0)
		*ret_heard_ms = due < answer ? due : answer;
	return status;
}

int ota_task_list(struct ota_store *store, const struct ota_task_filter *filter, struct ota_task *rows, size_t capacity,
		  size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;
	bool by_state = filter->state >= 0;

	ota_query_start(&query, store->db, by_state ? OTA_SQL_TASK_LIST_IN_STATE : OTA_SQL_TASK_LIST);
	ota_query_integer(&query, filter->batch_id);
	if (by_state)
		ota_query_text(&query, ota_task_state_word((enum ota_task_state)filter->state));
	ota_query_integer(&query, filter->after);
	return ota_query_list(&query, &task_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

/* Two lists in ascending ids become one, as far as it goes: from the back, so that no row is written over that is needed. */
static size_t tasks_merge(struct ota_page page, const struct ota_task *others, size_t other_count)
{
	struct ota_task *rows = page.rows;
	size_t count = *page.ret_count, all = count + other_count;

	for (size_t place = all; place-- > 0;) {
		bool is_other = other_count && (!count || others[other_count - 1].id > rows[count - 1].id);
		const struct ota_task *last = is_other ? &others[--other_count] : &rows[--count];

		if (place < page.capacity && &rows[place] != last)
			rows[place] = *last;
	}
	return all < page.capacity ? all : page.capacity;
}

int ota_task_list_active(struct ota_store *store, int64_t batch_id, int64_t after, struct ota_task *rows, size_t capacity,
			 size_t *ret_count, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_task *upgrading = calloc(capacity, sizeof(*upgrading));
	struct ota_task_filter filter = {batch_id, OTA_TASK_PUSHED, after};
	size_t count = 0;

	if (!upgrading)
		return ota_fail(error, OTA_ENOMEM, "out of memory for a batch's tasks");
	int status = ota_task_list(store, &filter, rows, capacity, ret_count, error);
	filter.state = OTA_TASK_UPGRADING;
	if (status == 0)
		status = ota_task_list(store, &filter, upgrading, capacity, &count, error);
	if (status == 0)
		*ret_count = tasks_merge((struct ota_page){rows, capacity, ret_count}, upgrading, count);
	return status;
}

int ota_task_list_of_device(struct ota_store *store, int64_t device_id, struct ota_task *rows, size_t capacity, size_t *ret_count,
			    struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_TASK_LIST_OF_DEVICE);
	ota_query_integer(&query, device_id);
	return ota_query_list(&query, &task_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

struct state_row {
	enum ota_task_state state;
	int64_t n;
};

int ota_task_count_states(struct ota_store *store, int64_t counts[OTA_TASK_STATES], struct ota_error *error)
{
	static const struct ota_field state_fields[] = {
		OTA_FIELD_OF(struct state_row, state, ota_words_task_state),
		OTA_FIELD(INTEGER, struct state_row, n),
	};
	const struct ota_layout layout = OTA_LAYOUT(state_fields, struct state_row);
	struct state_row rows[OTA_TASK_STATES];
	struct ota_query query;
	size_t count = 0;
	int status = 0;

	ota_query_start(&query, store->db, OTA_SQL_TASK_COUNT_STATES);
	status = ota_query_list(&query, &layout, (struct ota_page){rows, OTA_TASK_STATES, &count}, error);
	if (status < 0)
		return status;
	memset(counts, 0, OTA_TASK_STATES * sizeof(counts[0]));
	for (size_t i = 0; i < count; i++)
		counts[rows[i].state] = rows[i].n;
	return 0;
}
