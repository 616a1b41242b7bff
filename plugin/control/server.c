/* What the server is and how it does: what `otactl server status` and the gateway's /metrics show. */
#include <stdlib.h>

#include "common/version.h"
#include "plugin/control/call.h"

static void watch_answer(struct ota_bytes *out, const char *key, const struct ota_stopwatch *watch)
{
	struct ota_stopwatch_reading reading;

	ota_stopwatch_read(watch, &reading);
	ota_answer_open(out, key, '{');
	ota_answer_integer(out, "count", (int64_t)reading.count);
	ota_answer_integer(out, "totalUs", (int64_t)reading.total_us);
	ota_answer_integer(out, "maxUs", (int64_t)reading.max_us);
	ota_answer_integer(out, "p99Us", (int64_t)ota_stopwatch_within_us(&reading, 99));
	ota_answer_open(out, "buckets", '[');
	for (size_t i = 0; i < OTA_STOPWATCH_BUCKETS; i++)
		ota_answer_integer(out, NULL, (int64_t)reading.buckets[i]);
	ota_answer_close(out, ']');
	ota_answer_close(out, '}');
}

static void watches_answer(struct ota_bytes *out, const struct ota_control_figures *figures)
{
	ota_answer_open(out, "boundsUs", '[');
	for (size_t i = 0; i < OTA_STOPWATCH_BOUNDS; i++)
		ota_answer_integer(out, NULL, (int64_t)ota_stopwatch_bound_us(i));
	ota_answer_close(out, ']');
	if (figures->commit)
		watch_answer(out, "commit", figures->commit);
	ota_answer_open(out, "callbacks", '{');
	for (size_t i = 0; i < figures->callback_count; i++)
		watch_answer(out, figures->callback_names[i], &figures->callbacks[i]);
	ota_answer_close(out, '}');
}

static void metrics_answer(struct ota_bytes *out, const struct ota_control_figures *figures)
{
	ota_answer_open(out, "metrics", '{');
	ota_answer_integer(out, "events", (int64_t)figures->events);
	ota_answer_integer(out, "storeFailures", (int64_t)figures->store_failures);
	ota_answer_integer(out, "coalesced", (int64_t)figures->coalesced);
	ota_answer_integer(out, "setAside", (int64_t)figures->set_aside);
	ota_answer_integer(out, "droppedReports", (int64_t)figures->dropped_reports);
	ota_answer_integer(out, "droppedPulls", (int64_t)figures->dropped_pulls);
	ota_answer_integer(out, "unsent", (int64_t)figures->unsent);
	watches_answer(out, figures);
	ota_answer_close(out, '}');
}

struct counts {
	int64_t products, tasks[OTA_TASK_STATES], batches[OTA_BATCH_STATES];
};

static int counts_load(struct ota_store *store, struct counts *counts, struct ota_error *error)
{
	int failed = ota_product_count(store, &counts->products, error);

	if (!failed)
		failed = ota_task_count_states(store, counts->tasks, error);
	return failed ? failed : ota_batch_count_open(store, counts->batches, error);
}

static void counts_answer(struct ota_bytes *out, const struct counts *counts)
{
	ota_answer_integer(out, "products", counts->products);
	ota_answer_open(out, "tasks", '{');
	for (enum ota_task_state state = OTA_TASK_PENDING; state < OTA_TASK_STATES; state++)
		ota_answer_integer(out, ota_task_state_word(state), counts->tasks[state]);
	ota_answer_close(out, '}');
	ota_answer_open(out, "batches", '{');
	for (enum ota_batch_state state = OTA_BATCH_PLANNED; state <= OTA_BATCH_PAUSED; state++)
		ota_answer_integer(out, ota_batch_state_word(state), counts->batches[state]);
	ota_answer_close(out, '}');
}

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
	struct counts counts = {0};
	int failed = counts_load(call->store, &counts, error);

	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_text(call->out, "version", OTA_SOFTWARE_VERSION);
	ota_answer_integer(call->out, "nodeId", OTA_NODE_ID);
	ota_answer_text(call->out, "storeId", ota_store_uuid(call->store));
	ota_answer_integer(call->out, "startedAt", options->started_ms);
	ota_answer_integer(call->out, "time", call->now.wall_ms);
	ota_answer_integer(call->out, "devicesOnline", ota_engine_online(options->engine));
	ota_answer_integer(call->out, "queueDepth", figures.queue_depth);
	ota_answer_integer(call->out, "journalBytes", figures.journal_bytes);
	ota_answer_integer(call->out, "journalLimitBytes", figures.journal_limit_bytes);
	counts_answer(call->out, &counts);
	metrics_answer(call->out, &figures);
	failed = alarms_answer(call, error);
	ota_answer_close(call->out, '}');
	return failed;
}
