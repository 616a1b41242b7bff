#include <stdlib.h>

#include "plugin/control/call.h"

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
