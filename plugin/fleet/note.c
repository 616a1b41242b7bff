/* The log operators read: a row in the store and a line in the broker's log, from one place. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "plugin/fleet/context.h"

/* What somebody should look at, unless an operator did it himself. Everything else is how a healthy fleet sounds. */
static enum ota_log_level event_level(const struct ota_event *event)
{
	static const char *const warnings[] = {"failed", "retry", "regressed", "batch_paused", "batch_rolled_back",
					       "rollback_refused"};

	for (size_t i = 0; !*event->actor && i < sizeof(warnings) / sizeof(warnings[0]); i++) {
		if (!strcmp(event->event, warnings[i]))
			return OTA_LOG_WARNING;
	}
	return strcmp(event->event, "noted") ? OTA_LOG_INFO : OTA_LOG_DEBUG;
}

int ota_engine_note(struct ota_engine *engine, struct ota_event *event, struct ota_error *error)
{
	struct ota_log_line line;

	if (engine->rehearsing)
		return 0;
	event->id = ota_store_new_id(engine->options.store, error);
	if (!event->id)
		return OTA_EIO;
	ota_log_begin(&line, event_level(event), event->event);
	ota_log_identity(&line, event->product_key, event->device_id ? event->device_name : "");
	if (event->batch_id)
		ota_log_integer(&line, "batch", event->batch_id);
	if (event->task_id)
		ota_log_integer(&line, "task", event->task_id);
	if (event->attempt)
		ota_log_integer(&line, "attempt", event->attempt);
	if (*event->actor)
		ota_log_text(&line, "actor", event->actor);
	ota_log_text(&line, "detail", event->detail);
	ota_log_end(engine->options.log, &line);
	if (*event->actor)
		engine->look_at = 0; /* an operator changed something: the next turn looks at the batches, not the next second */
	int failed = ota_event_insert(engine->options.store, event, error);
	if (!failed && engine->options.noted && engine->options.noted(engine->options.noted_context, event))
		failed = ota_fail(error, OTA_ENOMEM, "no memory to publish an event");
	return failed;
}

int ota_note(const struct ota_work *work, const char *event, struct ota_error *error, const char *format, ...)
{
	struct ota_event row = {
		.at_ms = work->at.wall_ms,
		.device_id = work->device.id,
		.batch_id = work->task.batch_id,
		.task_id = work->task.id,
		.attempt = work->task.attempt,
	};
	char detail[2 * OTA_EVENT_DETAIL_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	ota_text_cut(row.product_key, sizeof(row.product_key), work->device.identity.product_key);
	ota_text_cut(row.device_name, sizeof(row.device_name), work->device.identity.device_name);
	ota_text_cut(row.event, sizeof(row.event), event);
	ota_text_cut(row.detail, sizeof(row.detail), detail);
	return ota_engine_note(work->engine, &row, error);
}

int ota_note_batch(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant at, const char *event,
		   const char *detail, struct ota_error *error)
{
	struct ota_event row = { .at_ms = at.wall_ms, .batch_id = batch->id };

	ota_text_cut(row.product_key, sizeof(row.product_key), batch->product_key);
	ota_text_cut(row.event, sizeof(row.event), event);
	ota_text_cut(row.detail, sizeof(row.detail), detail);
	return ota_engine_note(engine, &row, error);
}
