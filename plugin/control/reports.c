#include <stdlib.h>

#include "common/version.h"
#include "plugin/control/call.h"

int ota_handle_get_server(struct ota_call *call, struct ota_error *error)
{
	const struct ota_control_options *options = &call->control->options;
	struct ota_control_figures figures = options->figures ? options->figures(options->figures_context)
							      : (struct ota_control_figures){0};
	int64_t products = 0, counts[OTA_TASK_STATES] = {0};
	int failed = ota_product_count(call->store, &products, error);

	if (!failed)
		failed = ota_task_count_open(call->store, counts, error);
	ota_answer_open(call->out, NULL, '{');
	ota_answer_text(call->out, "version", OTA_SOFTWARE_VERSION);
	ota_answer_integer(call->out, "nodeId", OTA_NODE_ID);
	ota_answer_text(call->out, "storeId", ota_store_uuid(call->store));
	ota_answer_integer(call->out, "startedAt", options->started_ms);
	ota_answer_integer(call->out, "time", call->now.wall_ms);
	ota_answer_integer(call->out, "devicesOnline", ota_engine_online(options->engine));
	ota_answer_integer(call->out, "products", products);
	ota_answer_integer(call->out, "queueDepth", figures.queue_depth);
	ota_answer_integer(call->out, "journalBytes", figures.journal_bytes);
	ota_answer_open(call->out, "tasks", '{');
	for (enum ota_task_state state = OTA_TASK_PENDING; state <= OTA_TASK_UPGRADING; state++)
		ota_answer_integer(call->out, ota_task_state_word(state), counts[state]);
	ota_answer_close(call->out, '}');
	ota_answer_close(call->out, '}');
	return failed;
}

int ota_handle_list_events(struct ota_call *call, struct ota_error *error)
{
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	struct ota_event_filter filter = { .batch_id = ota_call_integer(call, "batch", 0), .product_key = product_key };
	size_t limit = ota_call_limit(call), count = 0, i = 0;
	OTA_AUTO_FREE struct ota_event *rows = calloc(limit, sizeof(*rows));
	struct ota_device device;
	int failed = rows ? ota_call_after_id(call, &filter.before, error) : OTA_ENOMEM;

	ota_call_text(call, "productKey", "", product_key, sizeof(product_key));
	if (!failed && ota_json_member(call->at.object, "deviceName")) {
		failed = ota_call_device(call, &device, error);
		filter.device_id = device.id;
	}
	if (!failed)
		failed = ota_event_list(call->store, &filter, rows, limit, &count, error);
	if (failed)
		return failed;
	ota_page_open(call);
	for (; i < count && ota_page_has_room(call); i++)
		ota_answer_event(call->out, &rows[i]);
	ota_page_close_id(call, i && (i < count || count == limit) ? rows[i - 1].id : 0);
	return 0;
}
