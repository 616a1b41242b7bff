/* Asking devices to give up what was sent to them: only who announced that it understands is asked, and has a minute to answer.
 * Whoever refuses or says nothing goes on as if nobody had asked. */
#include <stdlib.h>

#include "common/bytes.h"
#include "common/limits.h"
#include "common/message.h"
#include "plugin/fleet/context.h"

int ota_ask_send(const struct ota_work *work, struct ota_error *error)
{
	const struct ota_connection *connection = ota_presence_find(work->engine->presence, &work->device.identity);
	OTA_AUTO_BYTES struct ota_bytes payload = {0};
	char topic[OTA_TOPIC_SIZE];

	/* One that connects within its time is asked as soon as it has settled. */
	if (!connection || !connection->settled)
		return 0;
	if (ota_cancel_print(work->at.wall_ms, work->task.batch_id, work->task.attempt, &payload))
		return ota_fail(error, OTA_ENOMEM, "out of memory for a cancel");
	ota_topic_print(topic, OTA_TOPIC_CANCEL, &work->device.identity);
	return ota_outbox_add(work->engine->options.outbox, connection->number, topic,
			      (struct ota_span){ payload.data, payload.size }, OTA_ASK_MS / OTA_SECOND_MS);
}

static enum ota_ask ask_after(const struct ota_task *task, const struct ota_task_rule *rule)
{
	if (rule->effects & OTA_EFFECT_ASK)
		return OTA_ASK_WAITING;
	if (rule->effects & OTA_EFFECT_ASK_UNABLE)
		return OTA_ASK_UNABLE;
	if (rule->effects & OTA_EFFECT_ASK_REFUSED)
		return OTA_ASK_REFUSED;
	if (rule->effects & OTA_EFFECT_ASK_NO_ANSWER)
		return OTA_ASK_NO_ANSWER;
	if (task->state == OTA_TASK_CANCELED && task->cause == OTA_CAUSE_ASKED)
		return OTA_ASK_AGREED;
	return task->ask == OTA_ASK_WAITING && ota_task_state_is_final(task->state) ? OTA_ASK_OVERTAKEN : task->ask;
}

void ota_ask_become(struct ota_work *work, const struct ota_task_rule *rule)
{
	struct ota_task *task = &work->task;

	task->ask = ask_after(task, rule);
	if (rule->effects & OTA_EFFECT_ASK)
		task->ask_until = work->at.heard_ms + OTA_ASK_MS;
	if (task->ask != OTA_ASK_WAITING)
		task->ask_until = 0;
}

int ota_ask_clock(struct ota_engine *engine, const struct ota_task *task, struct ota_instant at, struct ota_error *error)
{
	struct ota_device device;
	struct ota_work work;
	int failed = ota_device_load(engine->options.store, task->device_id, &device, error);

	if (!failed)
		failed = ota_work_load(engine, &device, task, at, &work, error);
	return failed ? failed : ota_transition(&work, OTA_EVENT_ASK_UNANSWERED, NULL, NULL, error);
}

/* --- a batch's --- */

static int task_ask(struct ota_engine *engine, const struct ota_task *task, struct ota_instant at, struct ota_error *error)
{
	struct ota_device device;
	struct ota_work work;
	int failed = ota_device_load(engine->options.store, task->device_id, &device, error);

	if (!failed)
		failed = ota_work_load(engine, &device, task, at, &work, error);
	return failed ? failed : ota_transition(&work, OTA_EVENT_ASK, NULL, NULL, error);
}

int ota_ask_walk(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant at, size_t budget, size_t *ret_count,
		 struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_task *rows = calloc(budget, sizeof(*rows));

	if (!rows)
		return OTA_ENOMEM;
	int failed = ota_task_list_active(engine->options.store, batch->id, batch->cancel_after, rows, budget, ret_count, error);
	for (size_t i = 0; !failed && i < *ret_count; i++)
		failed = task_ask(engine, &rows[i], at, error);
	if (failed || !*ret_count)
		return failed;
	batch->cancel_after = rows[*ret_count - 1].id;
	return ota_batch_save(engine->options.store, batch, error);
}

static int64_t asked_of(const struct ota_ask_counts *counts)
{
	int64_t sum = 0;

	for (int ask = OTA_ASK_WAITING; ask < OTA_ASK_UNABLE; ask++)
		sum += counts->n[ask];
	return sum;
}

/* "asked 40: agreed 31, refused 5, no answer 4" */
static int answers_tell(struct ota_engine *engine, const struct ota_batch *batch, const struct ota_ask_counts *counts,
			struct ota_instant at, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};

	ota_bytes_format(&text, "asked %lld: agreed %lld, refused %lld, no answer %lld", (long long)asked_of(counts),
			 (long long)counts->n[OTA_ASK_AGREED], (long long)counts->n[OTA_ASK_REFUSED],
			 (long long)counts->n[OTA_ASK_NO_ANSWER]);
	if (counts->n[OTA_ASK_OVERTAKEN])
		ota_bytes_format(&text, ", ended before an answer %lld", (long long)counts->n[OTA_ASK_OVERTAKEN]);
	return text.failed ? OTA_ENOMEM : ota_note_batch(engine, batch, at, "batch_answered", text.data, error);
}

int ota_ask_end_walk(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant at, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_ask_counts counts;
	int failed = ota_ask_load_counts(engine->options.store, batch->id, &counts, error);

	if (failed)
		return failed;
	int64_t asked = asked_of(&counts), unable = counts.n[OTA_ASK_UNABLE];
	ota_bytes_format(&text, "asked %lld", (long long)asked);
	if (unable)
		ota_bytes_format(&text, "; %lld did not announce that they can be asked and go on: use revoke",
				 (long long)unable);
	if (text.failed)
		return OTA_ENOMEM;
	failed = ota_note_batch(engine, batch, at, "batch_asked", text.data, error);
	if (!failed && asked && !counts.n[OTA_ASK_WAITING])
		failed = answers_tell(engine, batch, &counts, at, error);
	return failed;
}

int ota_ask_spread(struct ota_work *work, struct ota_error *error)
{
	struct ota_ask_counts counts;

	/* While the walk goes on, more are asked; its end tells then. */
	if (work->before.ask != OTA_ASK_WAITING || work->batch.canceling)
		return 0;
	int failed = ota_ask_load_counts(work->engine->options.store, work->batch.id, &counts, error);
	if (failed || counts.n[OTA_ASK_WAITING])
		return failed;
	return answers_tell(work->engine, &work->batch, &counts, work->at, error);
}
