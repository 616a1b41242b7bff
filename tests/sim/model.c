#include "tests/sim/model.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

int model_module(const char *name)
{
	return !strcmp(name, device_modules[1]);
}

struct model_batch *model_batch(struct model *model, int64_t id)
{
	for (size_t i = 0; i < model->batch_count; i++) {
		if (model->batches[i].id == id)
			return &model->batches[i];
	}
	return NULL;
}

static const char *text_of(const cJSON *params, const char *key, const char *otherwise)
{
	const cJSON *member = cJSON_GetObjectItem(params, key);

	return cJSON_IsString(member) ? member->valuestring : otherwise;
}

void model_hear(struct world *world, const struct item *item)
{
	struct model_device *device = &world->model.devices[item->device];
	cJSON *tree = cJSON_Parse(item->text);
	const cJSON *params = cJSON_GetObjectItem(tree, "params");

	if (item->topic == OTA_TOPIC_INFORM) {
		int module = model_module(text_of(params, "module", "default"));

		snprintf(device->said[module].version, sizeof(device->said[module].version), "%s",
			 text_of(params, "version", ""));
		device->said[module].at = item->at.heard_ms;
	}
	cJSON_Delete(tree);
}

static void progress_take(struct model_device *device, const struct item *item)
{
	cJSON *tree = cJSON_Parse(item->text);
	const cJSON *params = cJSON_GetObjectItem(tree, "params");
	long step = strtol(text_of(params, "step", "0"), NULL, 10);
	const char *cancel = text_of(params, "cancel", "");

	if (!strcmp(cancel, "accepted"))
		device->agreed_at = item->at.heard_ms;
	else if (step >= -4 && step < 0)
		device->negative_at[-step] = item->at.heard_ms;
	else
		device->report_at = item->at.heard_ms;
	cJSON_Delete(tree);
}

static void batch_made(struct world *world, const struct item *item, int64_t id)
{
	struct model *model = &world->model;

	if (model->batch_count == SEEN_BATCHES_MAX)
		world_give_up("the model", "too many batches");
	model->batches[model->batch_count++] =
		(struct model_batch){ .id = id, .order = item->order, .created_ms = item->at.wall_ms };
}

/* What the abort rule had seen when the batch was resumed. */
static void batch_resumed(struct world *world, struct model_batch *batch)
{
	batch->paused = false;
	batch->failed_before = batch->blamed_before = batch->reported_before = 0;
	batch->ramp_at = 0;
	for (size_t i = 0; i < world->view.now.task_count; i++) {
		const struct seen_task *task = &world->view.now.tasks[i];

		if (task->batch != batch->id)
			continue;
		batch->failed_before += task->state == SEEN_FAILED;
		batch->blamed_before += task->state == SEEN_FAILED && plan_counts_for_abort(&batch->order.plan, task->cause);
		batch->reported_before += !strcmp(task->cause, "version_reported") && task->state == SEEN_SUCCEEDED;
	}
}

static void batch_order_take(struct world *world, const struct item *item)
{
	struct model_batch *batch = model_batch(&world->model, item->order.batch);
	const struct order *order = &item->order;

	if (!batch)
		return;
	if (order->kind == ORDER_RESUME)
		batch_resumed(world, batch);
	batch->paused |= order->kind == ORDER_PAUSE;
	batch->may_stage += order->kind == ORDER_ADVANCE;
	if (order->kind == ORDER_CANCEL) {
		batch->withdrawn = true;
		batch->revoked |= !strcmp(order->level, "revoke");
		batch->asked |= !strcmp(order->level, "ask");
	}
}

static void order_take(struct world *world, const struct item *item)
{
	const cJSON *data = cJSON_GetObjectItem(item->answer, "data");

	if (!data || item->order.is_dry)
		return;
	if (item->order.kind == ORDER_CREATE)
		batch_made(world, item, (int64_t)cJSON_GetObjectItem(data, "id")->valuedouble);
	if (item->order.kind == ORDER_DISABLE)
		world->model.devices[item->order.device].shut_out = true;
	if (item->order.kind == ORDER_ENABLE)
		world->model.devices[item->order.device].shut_out = false;
	batch_order_take(world, item);
}

static void item_take(struct world *world, const struct item *item)
{
	struct model_device *device = &world->model.devices[item->device];

	if (item->kind == ITEM_CONNECTED) {
		device->connection = item->connection;
		device->connected_at = item->at.heard_ms;
	} else if (item->kind == ITEM_GONE) {
		if (device->connection == item->connection)
			device->connection = 0;
	} else if (item->kind == ITEM_REPORT && item->topic == OTA_TOPIC_PROGRESS) {
		progress_take(device, item);
	} else if (item->kind == ITEM_ORDER) {
		order_take(world, item);
	}
}

void model_take(struct world *world, const struct work *work)
{
	for (int i = 0; i < SEEN_DEVICES_MAX; i++)
		world->model.devices[i].was_connection = world->model.devices[i].connection;
	for (size_t i = 0; work->items && i < work->count; i++)
		item_take(world, &work->items[i]);
}

void model_server_died(struct model *model)
{
	for (int i = 0; i < SEEN_DEVICES_MAX; i++)
		model->devices[i].connection = model->devices[i].was_connection = 0;
}
