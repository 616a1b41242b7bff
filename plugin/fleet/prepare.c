/* Preparing a batch: each of its targets becomes a task or an exclusion, in bounded chunks that the store remembers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/fleet/context.h"
#include "plugin/store/target.h"

/* What the targets of a chunk became, counted in the batch at the chunk's end. */
struct tally {
	int64_t pending[OTA_STAGES_MAX + 1]; /* by stage; the last is of those that no stage names */
	int64_t excluded[OTA_EXCLUDED_BARRED + 1];
};

/* One target becomes a task or an exclusion. */
struct target {
	struct ota_engine *engine;
	const struct ota_batch *batch;
	const struct ota_prospect *prospect;
	struct ota_instant at;
	struct ota_stage_places places;
	struct ota_source source; /* of a batch whose devices are those of another one */
	/* Of a batch whose devices an expression or another batch says: nobody could look for conflicts before. */
	bool expressed;
	char conflict[OTA_DEVICE_NAME_MAX + 1]; /* the device that ends it, "" = none */
	struct tally tally;
};

static int target_exclude(struct target *target, enum ota_exclusion why)
{
	target->tally.excluded[why]++;
	return 0;
}

static int target_insert(struct target *target, struct ota_error *error)
{
	struct ota_task task = {
		.batch_id = target->batch->id,
		.device_id = target->prospect->device.id,
		.package_id = target->batch->package_id,
		.stage = ota_stage_place_take(&target->places, &target->prospect->device),
		.state = OTA_TASK_PENDING,
		.step = OTA_NO_STEP,
		.created_ms = target->at.wall_ms,
		.updated_ms = target->at.wall_ms,
	};

	ota_text_cut(task.module, sizeof(task.module), target->batch->module);
	ota_text_cut(task.version, sizeof(task.version), target->batch->version);
	ota_text_cut(task.from_version, sizeof(task.from_version), target->prospect->version);
	task.id = ota_store_new_id(target->engine->options.store, error);
	if (!task.id)
		return OTA_EIO;
	target->tally.pending[task.stage]++;
	return ota_task_add(target->engine->options.store, &task, error);
}

static bool task_is_active(const struct ota_task *task)
{
	return task->state == OTA_TASK_PUSHED || task->state == OTA_TASK_UPGRADING;
}

/* Whether the batch may take a device from the one that has a task for it. */
static bool target_takes(const struct target *target, const struct ota_task *old)
{
	const struct ota_batch *batch = target->batch;

	return batch->supersedes ||
	       (old->batch_id == batch->source_batch && ota_source_displaces(&target->source, old->state));
}

/* The old task ends, with all that its end means to its own batch. *ret_held: it may not be taken, and goes on. *ret_sent: its
 * device has the order still, and may carry it out. */
static int target_displace(struct target *target, bool *ret_held, bool *ret_sent, struct ota_error *error)
{
	const struct ota_prospect *prospect = target->prospect;
	struct ota_report report = { .step = OTA_NO_STEP };
	char by[64];
	struct ota_task old;
	struct ota_work work;

	*ret_held = prospect->unfinished > 0;
	*ret_sent = false;
	if (!*ret_held || (!target->batch->supersedes && !target->batch->source_batch))
		return 0;
	int failed = ota_task_load(target->engine->options.store, prospect->unfinished, &old, error);
	if (failed || !target_takes(target, &old))
		return failed;
	*ret_held = false;
	*ret_sent = task_is_active(&old);
	snprintf(by, sizeof(by), "batch %lld takes the device", (long long)target->batch->id);
	report.desc = by;
	failed = ota_work_load(target->engine, &prospect->device, &old, target->at, &work, error);
	return failed ? failed : ota_transition(&work, OTA_EVENT_SUPERSEDE, NULL, &report, error);
}

static int target_prepare(struct target *target, struct ota_error *error)
{
	const struct ota_prospect *prospect = target->prospect;
	bool held, sent;

	if (!prospect->device.id)
		return target_exclude(target, OTA_EXCLUDED_UNKNOWN);
	if (prospect->device.barred || prospect->device.disabled)
		return target_exclude(target, OTA_EXCLUDED_BARRED);
	int failed = target_displace(target, &held, &sent, error);
	if (failed)
		return failed;
	if (!strcmp(prospect->version, target->batch->version) && !sent)
		return target_exclude(target, OTA_EXCLUDED_AT_TARGET);
	if (held && target->expressed && !target->batch->skip_conflicts) {
		ota_text_cut(target->conflict, sizeof(target->conflict), prospect->device.identity.device_name);
		return 0;
	}
	if (held)
		return target_exclude(target, OTA_EXCLUDED_CONFLICT);
	return target_insert(target, error);
}

static int tally_count(const struct target *target, struct ota_error *error)
{
	struct ota_store *store = target->engine->options.store;
	const struct tally *tally = &target->tally;
	int64_t batch = target->batch->id;
	int failed = 0;

	for (int64_t stage = 0; !failed && stage <= OTA_STAGES_MAX; stage++)
		if (tally->pending[stage])
			failed = ota_batch_add_pending(store, batch, stage, tally->pending[stage], error);
	for (int why = 0; !failed && why <= OTA_EXCLUDED_BARRED; why++)
		if (tally->excluded[why])
			failed = ota_batch_add_excluded(store, batch, (enum ota_exclusion)why, tally->excluded[why], error);
	return failed;
}

/* A part of the targets, read together: at most `budget` of them. */
struct chunk {
	size_t budget;
	size_t count;
	struct ota_prospect *rows;
	char after[OTA_DEVICE_NAME_MAX + 1]; /* names, or tasks of the source, up to here were looked at */
	bool last;
};

static void chunk_end(struct chunk *chunk)
{
	chunk->last = chunk->count < chunk->budget;
	if (chunk->count)
		ota_text_cut(chunk->after, sizeof(chunk->after), chunk->rows[chunk->count - 1].device.identity.device_name);
}

static int chunk_of_product(struct target *target, struct chunk *chunk, struct ota_error *error)
{
	const struct ota_prospect_filter next = { target->batch->product_key, target->batch->module, chunk->after };
	int failed = ota_prospect_list(target->engine->options.store, &next, chunk->rows, chunk->budget, &chunk->count, error);

	chunk_end(chunk);
	return failed;
}

static int chunk_of_list(struct target *target, struct chunk *chunk, struct ota_error *error)
{
	const struct ota_prospect_filter next = { target->batch->product_key, target->batch->module, chunk->after };
	int failed = ota_prospect_list_named(target->engine->options.store, target->batch->id, &next, chunk->rows, chunk->budget,
					     &chunk->count, error);

	chunk_end(chunk);
	return failed;
}

bool ota_campaign_is_online(const void *presence, const struct ota_identity *identity)
{
	return ota_presence_find(presence, identity) != NULL;
}

/* What "seen" counts back from is when the batch was made, so that every chunk means the same. */
static int chunk_of_expression(struct target *target, const struct ota_batch_where *where, struct chunk *chunk,
			       struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_target *meant = malloc(sizeof(*meant));
	const struct ota_target_scope scope = { meant,
						target->batch->product_key,
						target->batch->module,
						target->batch->created_ms,
						ota_campaign_is_online,
						target->engine->presence };
	struct ota_target_walk walk = {0};

	if (!meant)
		return OTA_ENOMEM;
	int failed = ota_target_parse(ota_span_from_text(where->expression), meant, error);
	if (failed)
		return ota_error_recode(error, OTA_ECORRUPT); /* it was understood when the batch was made */
	ota_text_cut(walk.after, sizeof(walk.after), chunk->after);
	failed = ota_target_next(target->engine->options.store, &scope, &walk, chunk->rows, chunk->budget, &chunk->count, error);
	/* More versions came since than it can mean: no trouble of the store's, for which all others would wait. */
	if (failed == OTA_ELIMIT)
		return ota_error_recode(error, OTA_ECORRUPT);
	target->expressed = true;
	chunk->last = walk.done;
	ota_text_cut(chunk->after, sizeof(chunk->after), walk.after);
	return failed;
}

/* Those of the other batch's tasks that are meant, by the ids of the tasks. */
static int chunk_of_source(struct target *target, struct chunk *chunk, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_prospect_task *rows = calloc(chunk->budget, sizeof(*rows));
	const struct ota_batch *batch = target->batch;
	int64_t after = 0;
	size_t count = 0;

	if (!rows)
		return OTA_ENOMEM;
	ota_text_parse_i64(ota_span_from_text(chunk->after), &after);
	int failed = ota_source_parse(batch->source_state, &target->source, error);
	if (failed)
		return ota_error_recode(error, OTA_ECORRUPT);
	const struct ota_prospect_scope next = { batch->source_batch, batch->module, after };
	failed = ota_prospect_list_of_batch(target->engine->options.store, &next, rows, chunk->budget, &count, error);
	target->expressed = true;
	chunk->last = count < chunk->budget;
	for (size_t i = 0; !failed && i < count; i++) {
		const struct ota_prospect_task *row = &rows[i];
		bool runs_it = !strcmp(row->prospect.version, row->version);

		snprintf(chunk->after, sizeof(chunk->after), "%lld", (long long)row->id);
		if (ota_source_takes(&target->source,
				     &(struct ota_source_task){ row->state, row->cause, row->mark, runs_it }))
			chunk->rows[chunk->count++] = row->prospect;
	}
	return failed;
}

static int chunk_load(struct target *target, struct chunk *chunk, struct ota_error *error)
{
	struct ota_batch_where where;

	if (target->batch->source_batch)
		return chunk_of_source(target, chunk, error);
	if (!target->batch->all_devices)
		return chunk_of_list(target, chunk, error);
	int failed = ota_batch_find_where(target->engine->options.store, target->batch->id, &where, error);
	if (failed == OTA_ENOTFOUND)
		return chunk_of_product(target, chunk, error);
	return failed ? failed : chunk_of_expression(target, &where, chunk, error);
}

static int chunk_prepare(struct target *target, const struct chunk *chunk, struct ota_error *error)
{
	int failed = 0;

	for (size_t i = 0; !failed && !*target->conflict && i < chunk->count; i++) {
		target->prospect = &chunk->rows[i];
		failed = target_prepare(target, error);
	}
	return failed ? failed : tally_count(target, error);
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

/* Nothing was sent yet: what has its task already is withdrawn. */
static int conflict_end(struct target *target, struct ota_batch *batch, struct ota_error *error)
{
	const struct ota_batch_rule *rule = ota_batch_decide(batch->state, OTA_BATCH_EVENT_CONFLICT);
	OTA_AUTO_BYTES struct ota_bytes reason = {0};

	ota_bytes_format(&reason, "%s: %s; onConflict skip leaves such devices out, supersede takes them over", rule->text,
			 target->conflict);
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
	OTA_AUTO_FREE struct ota_prospect *rows = calloc(budget, sizeof(*rows));
	struct target target = { .engine = engine, .batch = batch, .at = at };
	struct chunk chunk = { .budget = budget, .rows = rows };

	if (!rows)
		return OTA_ENOMEM;
	ota_text_cut(chunk.after, sizeof(chunk.after), batch->prepare_after);
	int failed = ota_stage_places_load(engine, batch, &target.places, error);
	if (!failed)
		failed = chunk_load(&target, &chunk, error);
	if (!failed)
		failed = chunk_prepare(&target, &chunk, error);
	if (failed)
		return failed;
	ota_text_cut(batch->prepare_after, sizeof(batch->prepare_after), chunk.after);
	*ret_count = chunk.last || chunk.count ? chunk.count : 1; /* it looked at many of whom none was meant */
	if (*target.conflict)
		return conflict_end(&target, batch, error);
	return chunk.last ? prepared_end(&target, batch, error) : ota_batch_save(engine->options.store, batch, error);
}

int ota_campaign_take(struct ota_engine *engine, const struct ota_batch *batch, const struct ota_prospect *prospect,
		      struct ota_instant at, struct ota_error *error)
{
	struct target target = { .engine = engine, .batch = batch, .prospect = prospect, .at = at };
	bool held, sent;
	int failed = ota_stage_places_load(engine, batch, &target.places, error);

	if (!failed)
		failed = target_displace(&target, &held, &sent, error);
	if (!failed)
		failed = target_insert(&target, error);
	return failed ? failed : tally_count(&target, error);
}
