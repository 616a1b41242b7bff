#include "plugin/broker/bulletin.h"

#include "plugin/access/rights.h"
#include "plugin/control/answer.h"
#include "plugin/fleet/outbox.h"

int ota_bulletin_post(void *outbox, const struct ota_event *event)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	ota_answer_event(&text, event);
	if (text.failed)
		return OTA_ENOMEM;
	return ota_outbox_add(outbox, OTA_EVERYBODY, OTA_CONTROL_EVENTS_TOPIC, (struct ota_span){text.data, text.size}, 0);
}
