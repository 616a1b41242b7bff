#include <stdlib.h>

#include "common/version.h"
#include "plugin/control/call.h"

/* Sentences of what needs somebody to act; none when all is well. */
static int alarms_answer(struct ota_call *call, struct ota_error *error)
{
	const struct ota_control_options *options = &call->control->options;
	OTA_AUTO_FREE struct ota_findings *findings = calloc(1, sizeof(*findings));

	if (!findings)
		return ota_fail(error, OTA_ENOMEM, "no memory");
	if (options->alarms)
		options->alarms(options->alarms_context, findings);
	ota_answer_findings(call->out, "alarms", findings);
	return 0;
}

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
	if (!failed)
		failed = alarms_answer(call, error);
	ota_answer_close(call->out, '}');
	return failed;
}
