/* Preparing a batch: each of its targets becomes a task or an exclusion, in bounded chunks that the store remembers. */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/fleet/context.h"
#include "plugin/store/target.h"

/* One target becomes a task or an exclusion. */
struct target {
	struct ota_engine *engine;
	const struct ota_batch *batch;
	const struct ota_device *device; /* NULL: no such device */
	struct ota_instant at;
	struct ota_stage_places places;
	/* Of a batch whose devices an expression says: nobody could look for conflicts before. */
	bool expressed;
	char conflict[OTA_DEVICE_NAME_MAX + 1]; /* the device that ends it, "" = none */
};

static int target_exclude(struct target *target, enum ota_exclusion why, struct ota_error *error)
{
	return ota_batch_add_excluded(target->engine->options.store, target->batch->id, why, 1, error);
}

static int target_insert(struct target *target, const char *from_version, struct ota_error *error)
{
	struct ota_task task = {
		.batch_id = target->batch->id,
		.device_id = target->device->id,
		.package_id = target->batch->package_id,
		.stage = ota_stage_place_take(&target->places, target->device),
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

static int target_prepare(struct target *target, struct ota_error *error)
{
	struct ota_store *store = target->engine->options.store;
	struct ota_device_module module = {0};
	struct ota_task task;

	if (!target->device)
		return target_exclude(target, OTA_EXCLUDED_UNKNOWN, error);
	if (target->device->barred || target->device->disabled)
		return target_exclude(target, OTA_EXCLUDED_BARRED, error);
	int failed = ota_device_module_find(store, target->device->id, target->batch->module, &module, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	if (!failed && !strcmp(module.version, target->batch->version))
		return target_exclude(target, OTA_EXCLUDED_AT_TARGET, error);
	failed = ota_task_find_unfinished(store, target->device->id, target->batch->module, &task, error);
	if (!failed && target->expressed && !target->batch->skip_conflicts) {
		ota_text_cut(target->conflict, sizeof(target->conflict), target->device->identity.device_name);
		return 0;
	}
	if (!failed)
		return target_exclude(target, OTA_EXCLUDED_CONFLICT, error);
	return failed == OTA_ENOTFOUND ? target_insert(target, module.version, error) : failed;
}

/* A part of the targets: at most `budget` of them. */
struct chunk {
	size_t budget;
	size_t count;
	bool last;
};

static int chunk_of_product(struct target *target, struct ota_batch *batch, struct chunk *chunk, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_device *rows = calloc(chunk->budget, sizeof(*rows));

	if (!rows)
		return OTA_ENOMEM;
	const struct ota_device_filter next = { batch->product_key, "", "", batch->prepare_after };
	int failed = ota_device_list(target->engine->options.store, &next, rows, chunk->budget, &chunk->count, error);
	for (size_t i = 0; !failed && i < chunk->count; i++) {
		target->device = &rows[i];
		failed = target_prepare(target, error);
	}
	chunk->last = chunk->count < chunk->budget;
	if (!failed && chunk->count)
		ota_text_cut(batch->prepare_after, sizeof(batch->prepare_after), rows[chunk->count - 1].identity.device_name);
	return failed;
}

static bool presence_has(const void *presence, const struct ota_identity *identity)
{
	return ota_presence_find(presence, identity) != NULL;
}

/* What "seen" counts back from is when the batch was made, so that every chunk means the same. */
static int chunk_of_expression(struct target *target, struct ota_batch *batch, const struct ota_batch_where *where,
			       struct chunk *chunk, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_device *rows = calloc(chunk->budget, sizeof(*rows));
	OTA_AUTO_FREE struct ota_target *meant = malloc(sizeof(*meant));
	const struct ota_target_scope scope = { meant,
						batch->product_key,
						batch->module,
						batch->created_ms,
						presence_has,
						target->engine->presence };
	struct ota_target_walk walk = {0};

	if (!rows || !meant)
		return OTA_ENOMEM;
	int failed = ota_target_parse(ota_span_from_text(where->expression), meant, error);
	if (failed)
		return ota_error_recode(error, OTA_ECORRUPT); /* it was understood when the batch was made */
	ota_text_cut(walk.after, sizeof(walk.after), batch->prepare_after);
	failed = ota_target_next(target->engine->options.store, &scope, &walk, rows, chunk->budget, &chunk->count, error);
	/* More versions came since than it can mean: no trouble of the store's, for which all others would wait. */
	if (failed == OTA_ELIMIT)
		return ota_error_recode(error, OTA_ECORRUPT);
	target->expressed = true;
	for (size_t i = 0; !failed && !*target->conflict && i < chunk->count; i++) {
		target->device = &rows[i];
		failed = target_prepare(target, error);
	}
	chunk->last = walk.done;
	ota_text_cut(batch->prepare_after, sizeof(batch->prepare_after), walk.after);
	return failed;
}

static int chunk_of_list(struct target *target, struct ota_batch *batch, struct chunk *chunk, struct ota_error *error)
{
	struct ota_store *store = target->engine->options.store;
	OTA_AUTO_FREE char(*names)[OTA_DEVICE_NAME_MAX + 1] = calloc(chunk->budget, sizeof(*names));

	if (!names)
		return OTA_ENOMEM;
	int failed = ota_batch_list_targets(store, batch->id, batch->prepare_after, names, chunk->budget, &chunk->count, error);
	for (size_t i = 0; !failed && i < chunk->count; i++) {
		struct ota_identity identity;
		struct ota_device device;

		ota_identity_make(ota_span_from_text(batch->product_key), ota_span_from_text(names[i]), &identity);
		failed = ota_device_find(store, &identity, &device, error);
		target->device = failed ? NULL : &device;
		if (!failed || failed == OTA_ENOTFOUND)
			failed = target_prepare(target, error);
	}
	chunk->last = chunk->count < chunk->budget;
	if (!failed && chunk->count)
		ota_text_cut(batch->prepare_after, sizeof(batch->prepare_after), names[chunk->count - 1]);
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

static int chunk_prepare(struct target *target, struct ota_batch *batch, struct chunk *chunk, struct ota_error *error)
{
	struct ota_batch_where where;

	if (!batch->all_devices)
		return chunk_of_list(target, batch, chunk, error);
	int failed = ota_batch_find_where(target->engine->options.store, batch->id, &where, error);
	if (failed == OTA_ENOTFOUND)
		return chunk_of_product(target, batch, chunk, error);
	return failed ? failed : chunk_of_expression(target, batch, &where, chunk, error);
}

/* Nothing was sent yet: what has its task already is withdrawn. */
static int conflict_end(struct target *target, struct ota_batch *batch, struct ota_error *error)
{
	const struct ota_batch_rule *rule = ota_batch_decide(batch->state, OTA_BATCH_EVENT_CONFLICT);
	OTA_AUTO_BYTES struct ota_bytes reason = {0};

	ota_bytes_format(&reason, "%s: %s; onConflict skip leaves such devices out", rule->text, target->conflict);
	batch->canceling = true;
	return reason.failed ? OTA_ENOMEM : ota_campaign_move(target->engine, batch, rule, reason.data, target->at, error);
}

static int prepared_end(struct target *target, struct ota_batch *batch, struct ota_error *error)
{
	struct ota_engine *engine = target->engine;

	batch->prepared = true;
	int failed = total_correct(engine, batch, error);
	if (!failed)
		failed = ota_flow_begin(engine, batch, target->at, error);
	if (!failed)
		failed = ota_campaign_scan(engine, batch->id);
	return failed ? failed : ota_campaign_follow(engine, batch->id, target->at, error);
}

int ota_campaign_prepare(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant at, size_t budget,
			 size_t *ret_count, struct ota_error *error)
{
	struct target target = { .engine = engine, .batch = batch, .at = at };
	struct chunk chunk = { .budget = budget };
	int failed = ota_stage_places_load(engine, batch, &target.places, error);

	if (!failed)
		failed = chunk_prepare(&target, batch, &chunk, error);
	if (failed)
		return failed;
	*ret_count = chunk.last || chunk.count ? chunk.count : 1; /* it looked at many of whom none was meant */
	if (*target.conflict)
		return conflict_end(&target, batch, error);
	return chunk.last ? prepared_end(&target, batch, error) : ota_batch_save(engine->options.store, batch, error);
}
