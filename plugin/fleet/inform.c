/* A device tells its version. It counts after a quiet time: SDK 3.x informs twice, first with a foreign version (aliyun-ota.md
 * 0.9). */
#include <string.h>

#include "common/message.h"
#include "common/text.h"
#include "plugin/fleet/context.h"

enum { FORMER_TARGET_MS = 7 * OTA_DAY_MS };

static int device_update(struct ota_engine *engine, struct ota_device *device, const struct ota_inform *inform,
			 struct ota_error *error)
{
	if (device->caps == inform->caps && !strcmp(device->agent, inform->agent))
		return 0;
	device->caps = inform->caps;
	ota_text_cut(device->agent, sizeof(device->agent), inform->agent);
	return ota_device_save(engine->options.store, device, error);
}

/* What the store holds of the module, or a fresh row while the device has room for one more. */
static int module_of(struct ota_engine *engine, const struct ota_device *device, const char *module,
		     struct ota_device_module *ret_row, struct ota_error *error)
{
	struct ota_device_module rows[OTA_DEVICE_MODULES_MAX];
	size_t count;
	int failed = ota_device_module_find(engine->options.store, device->id, module, ret_row, error);

	if (failed != OTA_ENOTFOUND)
		return failed;
	failed = ota_device_module_list(engine->options.store, device->id, rows, OTA_DEVICE_MODULES_MAX, &count, error);
	if (failed)
		return failed;
	if (count == OTA_DEVICE_MODULES_MAX)
		return ota_fail(error, OTA_EINVALID, "module: the device has %d modules already", OTA_DEVICE_MODULES_MAX);
	*ret_row = (struct ota_device_module){ .device_id = device->id };
	ota_text_cut(ret_row->module, sizeof(ret_row->module), module);
	return 0;
}

/* True when the store already holds all this inform says: a re-inform of an unchanged version writes nothing. */
static int inform_is_old_news(struct ota_engine *engine, const struct ota_device_module *row, const struct ota_inform *inform,
			      bool *ret_old, struct ota_error *error)
{
	struct ota_task task;

	*ret_old = false;
	if (row->candidate_due || strcmp(row->version, inform->version) != 0 || strcmp(row->boot_id, inform->boot_id) != 0)
		return 0;
	int failed = ota_task_find_unfinished(engine->options.store, row->device_id, row->module, &task, error);
	*ret_old = failed == OTA_ENOTFOUND;
	return failed == OTA_ENOTFOUND ? 0 : failed;
}

int ota_inform_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error)
{
	struct ota_inform inform;
	struct ota_device device;
	struct ota_device_module row;
	bool old;
	int failed = ota_inform_parse(event->payload, &inform, error);

	if (failed)
		return ota_unreadable(error, failed, "inform");
	ota_complaint_mended(engine, event, "inform", inform.mended);
	failed = ota_device_of(engine, event, &device, error);
	if (!failed)
		failed = device_update(engine, &device, &inform, error);
	if (!failed)
		failed = module_of(engine, &device, inform.module, &row, error);
	if (!failed)
		failed = inform_is_old_news(engine, &row, &inform, &old, error);
	if (failed || old)
		return failed;

	ota_text_cut(row.candidate, sizeof(row.candidate), inform.version);
	ota_text_cut(row.boot_id, sizeof(row.boot_id), inform.boot_id);
	row.candidate_wall_ms = event->at.wall_ms;
	row.candidate_due = event->at.heard_ms + engine->options.settle_ms;
	return ota_device_module_save(engine->options.store, event->identity.product_key, &row, error);
}

static enum ota_task_event inform_event(const struct ota_task *task, const char *version)
{
	if (!strcmp(version, task->version))
		return OTA_EVENT_INFORM_TARGET;
	if (!*task->from_version || !strcmp(version, task->from_version))
		return OTA_EVENT_INFORM_SOURCE;
	return OTA_EVENT_INFORM_OTHER;
}

int ota_order_taken_back(struct ota_engine *engine, const struct ota_task *task, const char *version, struct ota_instant at,
			 bool *ret_former, struct ota_error *error)
{
	struct ota_task rows[8];
	size_t count;
	int failed = ota_task_list_of_device(engine->options.store, task->device_id, rows, 8, &count, error);

	*ret_former = false;
	for (size_t i = 0; !failed && i < count; i++) {
		const struct ota_task *row = &rows[i];
		bool taken_back = row->cause == OTA_CAUSE_REVOKED || row->cause == OTA_CAUSE_SUPERSEDED;

		if (taken_back && !strcmp(row->module, task->module) && (!version || !strcmp(row->version, version)) &&
		    at.wall_ms - row->updated_ms < FORMER_TARGET_MS)
			*ret_former = true;
	}
	return failed;
}

/* Versions have no order, but a device's own history and the order in which packages came have one. */
static int version_is_older(const struct ota_work *work, const char *version, bool *ret_older, struct ota_error *error)
{
	struct ota_store *store = work->engine->options.store;
	struct ota_package package;
	struct ota_task rows[8];
	size_t count;
	int failed = ota_task_list_of_device(store, work->device.id, rows, 8, &count, error);

	*ret_older = false;
	if (failed)
		return failed;
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(rows[i].module, work->task.module) && !strcmp(rows[i].from_version, version))
			*ret_older = true;
	}
	failed = ota_package_find(store, work->device.identity.product_key, work->task.module, version, &package, error);
	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	*ret_older |= package.id < work->task.package_id;
	return 0;
}

static bool task_is_delivered(const struct ota_task *task)
{
	return task->phase == OTA_PHASE_DELIVERED || task->phase == OTA_PHASE_DRAWN;
}

/* The device has not restarted since the delivery: it says so, or the inform was under way before the delivery and only settled
 * after it. By heard time: a step of the wall clock makes nothing earlier than it was. */
static bool is_same_boot(const struct ota_work *work, const struct ota_device_module *row)
{
	if (*row->boot_id && !strcmp(work->task.boot_id, row->boot_id))
		return true;
	return work->task.phase == OTA_PHASE_DELIVERED &&
	       row->told_at < work->task.deadline_at - work->strategy.reboot_timeout_ms;
}

/* Counts deliveries that changed nothing; true when they have become a loop. */
static bool loop_counts(struct ota_device_module *row, const struct ota_task *task, const struct ota_task_facts *facts,
			struct ota_instant at)
{
	if (!task_is_delivered(task) || facts->same_boot)
		return false;
	if (!row->loop_count || at.heard_ms - row->loop_since > OTA_DAY_MS) {
		row->loop_count = 0;
		row->loop_since = at.heard_ms;
	}
	return ++row->loop_count >= OTA_LOOP_MAX;
}

/* An attempt starts from wherever the device is, in whichever boot, until the package is on it. */
static void source_follow(struct ota_task *task, const struct ota_device_module *row, enum ota_task_event event,
			  const struct ota_task_facts *facts)
{
	bool came_late = event == OTA_EVENT_INFORM_OTHER && facts->former_target;

	if (event == OTA_EVENT_INFORM_TARGET || ota_task_state_is_final(task->state))
		return;
	if (task->state == OTA_TASK_PENDING || !*task->from_version || came_late)
		ota_text_cut(task->from_version, sizeof(task->from_version), row->version);
	if (task->phase == OTA_PHASE_NONE || facts->same_boot || came_late)
		ota_text_cut(task->boot_id, sizeof(task->boot_id), row->boot_id);
}

static int unfinished_follow(struct ota_work *work, struct ota_device_module *row, struct ota_error *error)
{
	enum ota_task_event event = inform_event(&work->task, row->version);
	struct ota_task_facts facts = { .still_matches = true, .same_boot = is_same_boot(work, row) };
	int failed = ota_order_taken_back(work->engine, &work->task, row->version, work->at, &facts.former_target, error);

	if (!failed && event == OTA_EVENT_INFORM_OTHER && work->task.state == OTA_TASK_SUCCEEDED)
		failed = version_is_older(work, row->version, &facts.older, error);
	if (failed)
		return failed;
	bool loop = event == OTA_EVENT_INFORM_SOURCE && loop_counts(row, &work->task, &facts, work->at);
	source_follow(&work->task, row, event, &facts);
	return ota_transition(work, loop ? OTA_EVENT_LOOP : event, &facts, NULL, error);
}

/* The task the version speaks about: the unfinished one, else the newest. */
static int task_of_module(struct ota_engine *engine, const struct ota_device_module *row, struct ota_task *ret_task,
			  struct ota_error *error)
{
	int failed = ota_task_find_unfinished(engine->options.store, row->device_id, row->module, ret_task, error);

	if (failed == OTA_ENOTFOUND)
		failed = ota_task_find_latest(engine->options.store, row->device_id, row->module, ret_task, error);
	return failed;
}

static int version_note(struct ota_engine *engine, const struct ota_device *device, const struct ota_device_module *row,
			const char *old, struct ota_instant at, struct ota_error *error)
{
	struct ota_work work = { .engine = engine, .at = at, .device = *device };

	return ota_note(&work, "version", error, "%s runs %s, before %s", row->module, row->version, *old ? old : "unknown");
}

/* The inventory follows the device, whatever becomes of its tasks. */
static int version_follow(struct ota_engine *engine, const struct ota_device *device, struct ota_device_module *row,
			  struct ota_instant at, struct ota_error *error)
{
	char old[OTA_VERSION_MAX + 1];
	bool changed = strcmp(row->version, row->candidate) != 0;

	ota_text_cut(old, sizeof(old), row->version);
	ota_text_cut(row->version, sizeof(row->version), row->candidate);
	row->version_ms = row->candidate_wall_ms;
	row->told_at = row->candidate_due - engine->options.settle_ms;
	row->candidate[0] = 0;
	row->candidate_due = 0;
	row->loop_count = changed ? 0 : row->loop_count;
	int failed = ota_device_module_save(engine->options.store, device->identity.product_key, row, error);
	return failed || !changed ? failed : version_note(engine, device, row, old, at, error);
}

/* The device may come out of it barred. */
static int task_follow(struct ota_engine *engine, struct ota_device *device, struct ota_device_module *row, struct ota_instant at,
		       struct ota_error *error)
{
	struct ota_task task;
	struct ota_work work;
	int64_t loops = row->loop_count;
	int failed = task_of_module(engine, row, &task, error);

	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	failed = ota_work_load(engine, device, &task, at, &work, error);
	if (!failed)
		failed = unfinished_follow(&work, row, error);
	if (!failed && row->loop_count != loops)
		failed = ota_device_module_save(engine->options.store, device->identity.product_key, row, error);
	if (!failed)
		*device = work.device;
	return failed;
}

int ota_inform_record(struct ota_engine *engine, const struct ota_device_module *before, struct ota_instant at,
		      struct ota_error *error)
{
	struct ota_device_module row = *before;
	struct ota_device device;
	int failed = ota_device_load(engine->options.store, row.device_id, &device, error);

	return failed ? failed : version_follow(engine, &device, &row, at, error);
}

int ota_inform_settle(struct ota_engine *engine, const struct ota_device_module *before, struct ota_instant at,
		      struct ota_error *error)
{
	struct ota_device_module row = *before;
	struct ota_device device;
	int failed = ota_device_load(engine->options.store, row.device_id, &device, error);

	if (!failed)
		failed = version_follow(engine, &device, &row, at, error);
	if (!failed)
		failed = task_follow(engine, &device, &row, at, error);
	if (!failed)
		failed = ota_campaign_join(engine, &device, row.module, at, error);
	return failed ? failed : ota_release_device(engine, &device, at, error);
}
