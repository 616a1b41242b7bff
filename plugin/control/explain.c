/* Why a device has not got what it was meant to get. */
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/topic.h"
#include "plugin/control/call.h"

enum { TASKS_EXPLAINED = 16 }; /* as many modules as a device may have unfinished */

static int task_explain(struct ota_call *call, const struct ota_task *task, struct ota_explanation *ret_explanation,
			struct ota_error *error)
{
	int failed = ota_engine_explain_task(call->control->options.engine, task, call->now, ret_explanation, error);

	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_integer(call->out, "task", task->id);
	ota_answer_integer(call->out, "batch", task->batch_id);
	ota_answer_text(call->out, "module", task->module);
	ota_answer_text(call->out, "version", task->version);
	ota_answer_text(call->out, "state", ota_task_state_word(task->state));
	ota_answer_text_if(call->out, "reason", ota_reason_word(ret_explanation->reason));
	ota_answer_text_if(call->out, "cause", ota_cause_word(task->cause));
	ota_answer_text_if(call->out, "mark", ota_mark_word(task->mark));
	ota_answer_text(call->out, "text", ret_explanation->text);
	ota_answer_integer_if(call->out, "opensAt", ret_explanation->opens_ms);
	ota_answer_close(call->out, '}');
	return 0;
}

/* Of a device as such, before any batch is asked; "" when nothing is wrong with it. */
static const char *device_say(const struct ota_device *device)
{
	if (device->disabled)
		return "the device is disabled: no batch takes it, and it may not connect, until an operator enables it";
	if (device->barred)
		return "the device is barred, deliveries changed nothing again and again: no batch takes it until it is unbarred";
	return "";
}

/* The unfinished tasks; else the last one there was. */
static int tasks_load(struct ota_call *call, const struct ota_device *device, struct ota_task *rows, size_t *ret_count,
		      struct ota_error *error)
{
	int failed = ota_task_list_unfinished(call->store, device->id, rows, TASKS_EXPLAINED, ret_count, error);

	return failed || *ret_count ? failed : ota_task_list_of_device(call->store, device->id, rows, 1, ret_count, error);
}

static void summary_print(char *text, size_t size, const struct ota_device *device, const struct ota_task *task,
			  const struct ota_explanation *explanation)
{
	const char *own = device_say(device);

	if (*own)
		ota_text_cut(text, size, own);
	else if (!task)
		ota_text_cut(text, size, "no batch was ever for this device");
	else if (ota_task_state_is_final(task->state))
		snprintf(text, size, "nothing is to be done; the last task, of batch %lld to %s, %s", (long long)task->batch_id,
			 task->version, explanation->text);
	else
		ota_text_cut(text, size, explanation->text);
}

static int device_explain(struct ota_call *call, const struct ota_device *device, struct ota_error *error)
{
	struct ota_task rows[TASKS_EXPLAINED];
	struct ota_explanation explanation, first = {0};
	char text[OTA_EXPLANATION_MAX + 128];
	size_t count = 0;
	int failed = tasks_load(call, device, rows, &count, error);

	ota_answer_bool(call->out, "registered", true);
	ota_answer_bool(call->out, "online",
			!device->disabled && ota_engine_is_online(call->control->options.engine, &device->identity));
	if (device->barred)
		ota_answer_bool(call->out, "barred", true);
	if (device->disabled)
		ota_answer_bool(call->out, "disabled", true);
	ota_answer_open(call->out, "tasks", '[');
	for (size_t i = 0; !failed && i < count; i++) {
		failed = task_explain(call, &rows[i], &explanation, error);
		first = i ? first : explanation;
	}
	ota_answer_close(call->out, ']');
	summary_print(text, sizeof(text), device, count ? &rows[0] : NULL, &first);
	ota_answer_text(call->out, "text", text);
	ota_answer_integer_if(call->out, "opensAt", first.opens_ms);
	return failed;
}

static void stranger_explain(struct ota_call *call, const struct ota_product *product)
{
	ota_answer_bool(call->out, "registered", false);
	ota_answer_bool(call->out, "online", false);
	ota_answer_open(call->out, "tasks", '[');
	ota_answer_close(call->out, ']');
	ota_answer_text(call->out, "text",
			product->open_registration
				? "the device is not registered: it will be when it first reports its version"
				: "the device is not registered, and its product refuses unknown devices: register it first");
}

int ota_handle_explain_device(struct ota_call *call, struct ota_error *error)
{
	struct ota_product product;
	struct ota_identity identity;
	struct ota_device device;
	char name[OTA_DEVICE_NAME_MAX + 1];
	int failed = ota_call_product(call, &product, error);

	if (failed)
		return failed;
	ota_call_text(call, "deviceName", "", name, sizeof(name));
	ota_identity_make(ota_span_from_text(product.product_key), ota_span_from_text(name), &identity);
	failed = ota_device_find(call->store, &identity, &device, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_text(call->out, "productKey", product.product_key);
	ota_answer_text(call->out, "deviceName", name);
	if (failed)
		stranger_explain(call, &product);
	failed = failed ? 0 : device_explain(call, &device, error);
	ota_answer_close(call->out, '}');
	return failed;
}
