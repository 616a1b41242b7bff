#include "plugin/store/event.h"

#include <string.h>

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

static bool is_text(const char *text)
{
	return text && *text;
}

/* The narrowest index leads; what it does not know of is judged row by row. */
static void filter_start(const struct ota_event_filter *filter, struct ota_db *db, struct ota_query *query)
{
	if (filter->rising) {
		ota_query_start(query, db, OTA_SQL_EVENT_LIST_ABOVE);
	} else if (filter->device_id > 0) {
		ota_query_start(query, db, OTA_SQL_EVENT_LIST_OF_DEVICE);
		ota_query_integer(query, filter->device_id);
	} else if (filter->batch_id > 0) {
		ota_query_start(query, db, OTA_SQL_EVENT_LIST_OF_BATCH);
		ota_query_integer(query, filter->batch_id);
	} else if (is_text(filter->product_key)) {
		ota_query_start(query, db, OTA_SQL_EVENT_LIST_OF_PRODUCT);
		ota_query_text(query, filter->product_key);
	} else {
		ota_query_start(query, db, OTA_SQL_EVENT_LIST);
	}
}

static bool text_passes(const char *wanted, const char *text)
{
	return !is_text(wanted) || strcmp(wanted, text) == 0;
}

static bool number_passes(int64_t wanted, int64_t number)
{
	return wanted == 0 || wanted == number;
}

static bool filter_passes(const struct ota_event_filter *filter, const struct ota_event *event)
{
	return text_passes(filter->product_key, event->product_key) && text_passes(filter->actor, event->actor) &&
	       text_passes(filter->event, event->event) && number_passes(filter->device_id, event->device_id) &&
	       number_passes(filter->batch_id, event->batch_id) && number_passes(filter->task_id, event->task_id) &&
	       event->at_ms >= filter->since_ms && (filter->until_ms == 0 || event->at_ms <= filter->until_ms);
}

/* Ids rise with time but for steps of the clock, so that a time is a place in the log: that of its first, or last, event. */
static int place_find(struct ota_store *store, enum ota_sql sql, int64_t at_ms, int64_t *ret_id, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, sql);
	ota_query_integer(&query, at_ms);
	return ota_query_find_integer(&query, ret_id, error);
}

/* The ids between which it is worth to look. OTA_ENOTFOUND: nowhere. */
static int filter_bound(struct ota_store *store, const struct ota_event_filter *filter, int64_t *ret_low, int64_t *ret_high,
			struct ota_error *error)
{
	int failed = 0;

	*ret_low = 1;
	*ret_high = INT64_MAX;
	if (filter->since_ms > 0)
		failed = place_find(store, OTA_SQL_EVENT_FIRST_SINCE, filter->since_ms, ret_low, error);
	if (!failed && filter->until_ms > 0)
		failed = place_find(store, OTA_SQL_EVENT_LAST_UNTIL, filter->until_ms, ret_high, error);
	return failed;
}

/* Looks at one row after the other; what passes is kept. 0, or a negative code. */
static int rows_look(struct ota_query *query, const struct ota_event_filter *filter, int64_t low, struct ota_event_page *page,
		     struct ota_error *error)
{
	struct ota_event event;
	int looked = 0;

	for (;;) {
		int status = ota_query_step(query, error);

		page->more = status > 0 && (page->count == page->capacity || looked++ == OTA_EVENT_LOOK_MAX);
		if (status <= 0 || page->more)
			return status < 0 ? status : 0;
		status = ota_row_read(&event_layout, query, &event, error);
		if (status < 0)
			return status;
		if (!filter->rising && event.id < low)
			return 0;
		page->last = event.id;
		if (filter_passes(filter, &event))
			page->rows[page->count++] = event;
	}
}

int ota_event_list(struct ota_store *store, const struct ota_event_filter *filter, struct ota_event_page *page,
		   struct ota_error *error)
{
	struct ota_query query;
	int64_t low, high, before = ota_store_below(filter->before);

	page->count = 0;
	page->last = 0;
	page->more = false;
	int failed = filter_bound(store, filter, &low, &high, error);
	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	if (high < before)
		before = high + 1;
	filter_start(filter, store->db, &query);
	if (filter->rising)
		ota_query_integer(&query, filter->above < low - 1 ? low - 1 : filter->above);
	else
		ota_query_integer(&query, before);
	ota_query_integer(&query, OTA_EVENT_LOOK_MAX + 1);
	failed = rows_look(&query, filter, low, page, error);
	ota_query_end(&query);
	return failed;
}

int ota_event_newest(struct ota_store *store, int64_t *ret_id, struct ota_error *error)
{
	struct ota_query query;

	*ret_id = 0;
	ota_query_start(&query, store->db, OTA_SQL_EVENT_NEWEST);
	int failed = ota_query_find_integer(&query, ret_id, error);
	return failed == OTA_ENOTFOUND ? 0 : failed;
}

int ota_event_prune(struct ota_store *store, int64_t before_ms, int64_t limit, int64_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_EVENT_PRUNE);
	ota_query_integer(&query, before_ms);
	ota_query_integer(&query, limit);
	int changed = ota_query_run(&query, error);
	*ret_count = changed > 0 ? changed : 0;
	return changed < 0 ? changed : 0;
}
