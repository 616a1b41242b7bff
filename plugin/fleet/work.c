#include <string.h>

#include "common/text.h"
#include "plugin/fleet/context.h"
#include "plugin/store/device_tag.h"

int ota_work_load(struct ota_engine *engine, const struct ota_device *device, const struct ota_task *task, struct ota_instant at,
		  struct ota_work *ret_work, struct ota_error *error)
{
	struct ota_work work = { .engine = engine, .at = at, .device = *device, .task = *task, .before = *task };
	int failed = ota_batch_load(engine->options.store, task->batch_id, &work.batch, error);

	if (failed == OTA_ENOTFOUND)
		return ota_fail(error, OTA_ECORRUPT, "task %lld belongs to batch %lld, which does not exist", (long long)task->id,
				(long long)task->batch_id);
	if (failed)
		return failed;
	failed = ota_strategies_read(&engine->strategies, work.batch.strategy, &work.strategy, error);
	if (failed)
		return ota_error_prefix(error, OTA_ECORRUPT, "strategy of batch %lld", (long long)work.batch.id);
	failed = ota_flow_load(engine->options.store, work.batch.id, &work.flow, error);
	if (!failed)
		*ret_work = work;
	return failed;
}

bool ota_work_online(const struct ota_work *work)
{
	return ota_presence_find(work->engine->presence, &work->device.identity) != NULL;
}

/* Settled: the connection is, and no inform of the module waits for its quiet time. */
static int work_settled(const struct ota_work *work, struct ota_gate_facts *facts, struct ota_error *error)
{
	const struct ota_connection *connection = ota_presence_find(work->engine->presence, &work->device.identity);
	struct ota_device_module module;

	facts->settled = connection && connection->settled;
	if (!facts->settled)
		return 0;
	int failed = ota_device_module_find(work->engine->options.store, work->device.id, work->task.module, &module, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	facts->settled = failed == OTA_ENOTFOUND || !module.candidate_due;
	facts->at_target = !failed && !strcmp(module.version, work->task.version);
	return 0;
}

static int work_other_active(const struct ota_work *work, bool *ret_other, struct ota_error *error)
{
	struct ota_task active;
	int failed = ota_task_find_active(work->engine->options.store, work->device.id, &active, error);

	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	*ret_other = !failed && active.id != work->task.id;
	return 0;
}

/* What was sent before a withdrawal runs on to its end; what is being revoked, or whose package was yanked, does not, also
 * before the walk through the batch has come to it. */
static bool batch_runs_on(const struct ota_batch *batch)
{
	return batch->state == OTA_BATCH_CANCELED && !(batch->canceling && batch->cancel_level == OTA_CANCEL_REVOKES);
}

static int zone_of_tag(const struct ota_work *work, char value[OTA_DEVICE_TAG_VALUE_MAX + 1], struct ota_error *error)
{
	struct ota_device_tag tags[OTA_DEVICE_TAGS_MAX];
	size_t count = 0;
	int failed = 0;

	value[0] = '\0';
	if (*work->strategy.window.zone_tag)
		failed = ota_device_tag_list(work->engine->options.store, work->device.id, tags, OTA_DEVICE_TAGS_MAX, &count,
					     error);
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(tags[i].tag, work->strategy.window.zone_tag))
			ota_text_cut(value, OTA_DEVICE_TAG_VALUE_MAX + 1, tags[i].value);
	}
	return failed;
}

int ota_work_zone(const struct ota_work *work, struct ota_work_zone *ret_zone, struct ota_error *error)
{
	struct ota_zones *zones = &work->engine->zones;
	struct ota_work_zone zone = {0};
	char value[OTA_DEVICE_TAG_VALUE_MAX + 1];
	int failed = zone_of_tag(work, value, error);

	if (failed)
		return failed;
	zone.known = *value && ota_zones_find(zones, value, &zone.local);
	if (zone.known) {
		ota_text_cut(zone.name, sizeof(zone.name), value);
	} else {
		ota_text_cut(zone.unknown_tag, sizeof(zone.unknown_tag), value);
		ota_text_cut(zone.name, sizeof(zone.name), *work->strategy.window.zone ? work->strategy.window.zone : "UTC");
		zone.known = ota_zones_find(zones, zone.name, &zone.local);
	}
	*ret_zone = zone;
	return 0;
}

static int work_window(const struct ota_work *work, struct ota_gate_facts *facts, struct ota_error *error)
{
	struct ota_work_zone zone;

	if (!ota_window_is_given(&work->strategy.window))
		return 0;
	int failed = ota_work_zone(work, &zone, error);
	facts->window_closed =
		!failed && !(zone.known && ota_window_is_open(&work->strategy.window, zone.local, work->at.wall_ms));
	return failed;
}

/* What only a release takes. */
static int work_paced(const struct ota_work *work, struct ota_gate_facts *facts, struct ota_error *error)
{
	struct ota_pace_state pace;

	if (!work->strategy.rate.per_minute && !work->strategy.max_in_flight)
		return 0;
	int failed = ota_release_look(work->engine, work->batch.id, &work->strategy, work->at, &pace, error);
	facts->no_place = !failed && !pace.place_free;
	facts->rate_spent = !failed && pace.due_us > work->at.heard_ms * 1000;
	return failed;
}

int ota_work_gate(struct ota_work *work, bool repeat, enum ota_reason *ret_reason, struct ota_error *error)
{
	struct ota_gate_facts facts = {
		.batch_running = work->batch.state == OTA_BATCH_RUNNING || (repeat && batch_runs_on(&work->batch)),
		.device_disabled = work->device.disabled,
		.device_barred = work->device.barred,
		.before_start = !work->batch.started_ms,
		.unconfirmed = work->strategy.confirm && !work->task.confirmed && work->task.id > work->flow.confirmed_to,
		.stage_closed = work->task.stage > work->flow.stage,
		.retry_pausing = work->task.state == OTA_TASK_PENDING && work->task.deadline_at > work->at.heard_ms,
		.online = ota_work_online(work),
		.unasked = work->strategy.pull_only && !work->asker,
		.repeat = repeat,
	};
	int failed = work_settled(work, &facts, error);

	if (!failed)
		failed = work_window(work, &facts, error);
	if (!failed && !repeat)
		failed = work_other_active(work, &facts.other_active, error);
	if (!failed && !repeat)
		failed = work_paced(work, &facts, error);
	if (failed)
		return failed;
	*ret_reason = ota_gate_closed(&facts);
	return 0;
}
