#include <stdlib.h>

#include "common/text.h"
#include "plugin/control/call.h"

static int task_open(struct ota_call *call, const struct ota_task *task, struct ota_error *error)
{
	struct ota_device device;
	int failed = ota_device_load(call->store, task->device_id, &device, error);

	return failed ? failed : ota_call_task_open(call, task, &device.identity, error);
}

int ota_handle_list_tasks(struct ota_call *call, struct ota_error *error)
{
	char word[16];
	enum ota_task_state state = OTA_TASK_STATES;
	struct ota_batch batch;
	size_t limit = ota_call_limit(call), count = 0, i = 0;
	OTA_AUTO_FREE struct ota_task *rows = calloc(limit, sizeof(*rows));
	int64_t after = 0;
	int failed = rows ? ota_call_batch(call, &batch, error) : OTA_ENOMEM;

	ota_call_text(call, "state", "", word, sizeof(word));
	bool by_state = ota_task_state_parse(word, &state);
	if (!failed)
		failed = ota_call_after_id(call, &after, error);
	if (!failed)
		failed = ota_task_list(call->store, &(struct ota_task_filter){batch.id, by_state ? (int)state : -1, after}, rows,
				       limit, &count, error);
	if (failed)
		return failed;
	ota_page_open(call);
	for (; !failed && i < count && ota_page_has_room(call); i++) {
		failed = task_open(call, &rows[i], error);
		ota_answer_close(call->out, '}');
	}
	ota_page_close_id(call, i && (i < count || count == limit) ? rows[i - 1].id : 0);
	return failed;
}

int ota_call_attempts(struct ota_call *call, int64_t task_id, struct ota_error *error)
{
	struct ota_attempt attempts[OTA_ATTEMPTS_SHOWN];
	size_t count = 0;
	int failed = ota_attempt_list(call->store, task_id, attempts, OTA_ATTEMPTS_SHOWN, &count, error);

	ota_answer_open(call->out, "attempts", '[');
	for (size_t i = 0; !failed && i < count; i++)
		ota_answer_attempt(call->out, &attempts[i]);
	ota_answer_close(call->out, ']');
	return failed;
}

int ota_handle_get_task(struct ota_call *call, struct ota_error *error)
{
	struct ota_task task;
	int64_t id = ota_call_integer(call, "task", 0);
	int failed = ota_task_load(call->store, id, &task, error);

	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "task", "task %lld does not exist", (long long)id);
	if (!failed)
		failed = task_open(call, &task, error);
	if (!failed)
		failed = ota_call_attempts(call, id, error);
	ota_answer_close(call->out, '}');
	return failed;
}
