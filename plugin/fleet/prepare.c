/* Preparing a batch: each of its targets becomes a task or an exclusion, in bounded chunks that the store remembers. */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/fleet/context.h"

/* One target becomes a task or an exclusion. */
struct target {
	struct ota_engine *engine;
	const struct ota_batch *batch;
	const struct ota_device *device; /* NULL: no such device */
	struct ota_instant at;
};

static int target_exclude(const struct target *target, enum ota_exclusion why, struct ota_error *error)
{
	return ota_batch_add_excluded(target->engine->options.store, target->batch->id, why, 1, error);
}

static int target_insert(const struct target *target, const char *from_version, struct ota_error *error)
{
	struct ota_task task = {
		.batch_id = target->batch->id,
		.device_id = target->device->id,
		.package_id = target->batch->package_id,
		.state = OTA_TASK_PENDING,
		.step = OTA_NO_STEP,
		.created_ms = target->at.wall_ms,
		.updated_ms = target->at.wall_ms,
	};

	ota_text_cut(task.module, sizeof(task.module), target->batch->module);
	ota_text_cut(task.version, sizeof(task.version), target->batch->version);
	ota_text_cut(task.from_version, sizeof(task.from_version), from_version);
	task.id = ota_store_new_id(target->engine->options.store, error);
	return task.id ? ota_task_insert(target->engine->options.store, &task, error) : OTA_EIO;
}

static int target_prepare(const struct target *target, struct ota_error *error)
{
	struct ota_store *store = target->engine->options.store;
	struct ota_device_module module = {0};
	struct ota_task task;

	if (!target->device)
		return target_exclude(target, OTA_EXCLUDED_UNKNOWN, error);
	if (target->device->barred)
		return target_exclude(target, OTA_EXCLUDED_BARRED, error);
	int failed = ota_device_module_find(store, target->device->id, target->batch->module, &module, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	if (!failed && !strcmp(module.version, target->batch->version))
		return target_exclude(target, OTA_EXCLUDED_AT_TARGET, error);
	failed = ota_task_find_unfinished(store, target->device->id, target->batch->module, &task, error);
	if (!failed)
		return target_exclude(target, OTA_EXCLUDED_CONFLICT, error);
	return failed == OTA_ENOTFOUND ? target_insert(target, module.version, error) : failed;
}

static int chunk_of_product(struct target *target, struct ota_batch *batch, size_t budget, size_t *ret_count,
			    struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_device *rows = calloc(budget, sizeof(*rows));

	if (!rows)
		return OTA_ENOMEM;
	const struct ota_device_filter next = { batch->product_key, "", "", batch->prepare_after };
	int failed = ota_device_list(target->engine->options.store, &next, rows, budget, ret_count, error);
	for (size_t i = 0; !failed && i < *ret_count; i++) {
		target->device = &rows[i];
		failed = target_prepare(target, error);
	}
	if (!failed && *ret_count)
		ota_text_cut(batch->prepare_after, sizeof(batch->prepare_after), rows[*ret_count - 1].identity.device_name);
	return failed;
}

static int chunk_of_list(struct target *target, struct ota_batch *batch, size_t budget, size_t *ret_count,
			 struct ota_error *error)
{
	struct ota_store *store = target->engine->options.store;
	OTA_AUTO_FREE char(*names)[OTA_DEVICE_NAME_MAX + 1] = calloc(budget, sizeof(*names));

	if (!names)
		return OTA_ENOMEM;
	int failed = ota_batch_list_targets(store, batch->id, batch->prepare_after, names, budget, ret_count, error);
	for (size_t i = 0; !failed && i < *ret_count; i++) {
		struct ota_identity identity;
		struct ota_device device;

		ota_identity_make(ota_span_from_text(batch->product_key), ota_span_from_text(names[i]), &identity);
		failed = ota_device_find(store, &identity, &device, error);
		target->device = failed ? NULL : &device;
		if (!failed || failed == OTA_ENOTFOUND)
			failed = target_prepare(target, error);
	}
	if (!failed && *ret_count)
		ota_text_cut(batch->prepare_after, sizeof(batch->prepare_after), names[*ret_count - 1]);
	return failed;
}

/* The total was an estimate until now: devices came and went while the batch was prepared. */
static int total_correct(struct ota_engine *engine, struct ota_batch *batch, struct ota_error *error)
{
	struct ota_batch_counts counts;
	int failed = ota_batch_load_counts(engine->options.store, batch->id, &counts, error);

	if (!failed)
		batch->total = ota_batch_counts_sum(&counts);
	return failed;
}

int ota_campaign_prepare(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant at, size_t budget,
			 size_t *ret_count, struct ota_error *error)
{
	struct target target = { .engine = engine, .batch = batch, .at = at };
	int failed = batch->all_devices ? chunk_of_product(&target, batch, budget, ret_count, error)
					: chunk_of_list(&target, batch, budget, ret_count, error);

	if (failed)
		return failed;
	if (*ret_count == budget)
		return ota_batch_save(engine->options.store, batch, error);

	const struct ota_batch_rule *rule = ota_batch_decide(batch->state, OTA_BATCH_EVENT_PREPARED);
	batch->prepared = true;
	failed = total_correct(engine, batch, error);
	if (!failed)
		failed = ota_campaign_move(engine, batch, rule, rule->text, at, error);
	if (!failed)
		failed = ota_campaign_scan(engine, batch->id);
	return failed ? failed : ota_campaign_follow(engine, batch->id, at, error);
}
