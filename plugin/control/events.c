/* The event log: searched backwards, followed forwards. */
#include <stdio.h>
#include <stdlib.h>

#include "plugin/control/call.h"

/* What the filter points to. */
struct search {
	struct ota_event_filter filter;
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	char actor[OTA_LABEL_MAX + 1];
	char event[OTA_EVENT_WORD_MAX + 1];
};

static int device_read(struct ota_call *call, struct search *search, struct ota_error *error)
{
	struct ota_device device;

	if (!ota_json_member(call->at.object, "deviceName"))
		return 0;
	int failed = ota_call_device(call, &device, error);
	if (!failed)
		search->filter.device_id = device.id;
	return failed;
}

/* A task's events are among its device's, which an index finds. */
static int task_read(struct ota_call *call, struct search *search, struct ota_error *error)
{
	struct ota_task task;
	int64_t id = ota_call_integer(call, "task", 0);
	int failed = id ? ota_task_load(call->store, id, &task, error) : 0;

	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "task", "task %lld does not exist", (long long)id);
	if (!failed && id && !search->filter.device_id)
		search->filter.device_id = task.device_id;
	search->filter.task_id = id;
	return failed;
}

static int search_read(struct ota_call *call, struct search *search, struct ota_error *error)
{
	struct ota_event_filter *filter = &search->filter;

	ota_call_text(call, "productKey", "", search->product_key, sizeof(search->product_key));
	ota_call_text(call, "actor", "", search->actor, sizeof(search->actor));
	ota_call_text(call, "event", "", search->event, sizeof(search->event));
	*filter = (struct ota_event_filter){
		.product_key = search->product_key,
		.actor = search->actor,
		.event = search->event,
		.batch_id = ota_call_integer(call, "batch", 0),
		.since_ms = ota_call_integer(call, "since", 0),
		.until_ms = ota_call_integer(call, "until", 0),
		.rising = ota_json_member(call->at.object, "above") != NULL,
		.above = ota_call_integer(call, "above", 0),
	};
	int failed = ota_call_after_id(call, &filter->before, error);
	if (!failed)
		failed = device_read(call, search, error);
	return failed ? failed : task_read(call, search, error);
}

/* Backwards `next` opens the next page. Both ways `last` is what to give as `above` to hear what comes after this answer. */
static void page_close(struct ota_call *call, const struct ota_event_page *page, size_t shown, int64_t last)
{
	int64_t reached = shown < page->count && shown ? page->rows[shown - 1].id : page->last;
	bool rising = ota_json_member(call->at.object, "above") != NULL;
	int64_t above = ota_call_integer(call, "above", 0);
	char next[32];

	ota_answer_close(call->out, ']');
	snprintf(next, sizeof(next), "%lld", (long long)reached);
	ota_answer_text_if(call->out, "next", !rising && (page->more || shown < page->count) ? next : "");
	ota_answer_integer(call->out, "last", !rising ? last : reached > above ? reached : above);
	ota_answer_close(call->out, '}');
}

int ota_handle_list_events(struct ota_call *call, struct ota_error *error)
{
	struct search search;
	struct ota_event_page page = { .capacity = ota_call_limit(call) };
	OTA_AUTO_FREE struct ota_event *rows = calloc(page.capacity, sizeof(*rows));
	int64_t newest = 0;
	size_t shown = 0;
	int failed = rows ? search_read(call, &search, error) : OTA_ENOMEM;

	page.rows = rows;
	if (!failed)
		failed = ota_event_list(call->store, &search.filter, &page, error);
	if (!failed)
		failed = ota_event_newest(call->store, &newest, error);
	if (failed)
		return failed;
	ota_page_open(call);
	while (shown < page.count && ota_page_has_room(call))
		ota_answer_event(call->out, &page.rows[shown++]);
	page_close(call, &page, shown, newest);
	return 0;
}
