/* A device asks for work: the old pull on /ota/device/request, the new one on thing/ota/firmware/get. */
#include "common/message.h"
#include "plugin/fleet/context.h"

int ota_pull_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error)
{
	bool is_get = event->topic == OTA_TOPIC_FIRMWARE_GET;
	char topic[OTA_TOPIC_SIZE];
	struct ota_pull pull;
	struct ota_device device;
	struct ota_task task;
	struct ota_work work = { .engine = engine, .at = event->at };
	int failed = ota_pull_parse(event->payload, &pull, error);

	if (failed)
		return ota_unreadable(error, failed, "pull");
	ota_complaint_mended(engine, event, "pull", pull.mended);
	failed = ota_device_of(engine, event, &device, error);
	if (failed)
		return failed;
	failed = ota_task_find_unfinished(engine->options.store, device.id, pull.module, &task, error);
	bool nothing = failed == OTA_ENOTFOUND;
	if (!failed)
		failed = ota_work_load(engine, &device, &task, event->at, &work, error);
	if (failed && !nothing)
		return failed;

	ota_topic_print(topic, is_get ? OTA_TOPIC_FIRMWARE_GET_REPLY : OTA_TOPIC_REQUEST, &event->identity);
	work.asker = event->connection;
	work.answer_topic = topic;
	work.answer_id = is_get ? pull.id : NULL;
	if (nothing)
		return ota_push_answer_nothing(&work, error);
	return ota_transition(&work, OTA_EVENT_PULL, NULL, NULL, error);
}
