/* Going back: the package that a batch's devices ran before it, and the batch that brings them there. */
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "plugin/fleet/context.h"

/* How many tasks are asked what their devices ran before: some 10 ms. How many answers are told. */
enum { ORIGINS_LOOKED_AT = 10000, ORIGINS_TOLD = 5 };

static int origins_refuse(const struct ota_batch *batch, const struct ota_task_origin *rows, size_t count,
			  struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};

	if (!count)
		return ota_fail_at(error, OTA_ECONFLICT, "version",
				   "no device of batch %lld has its version and told what it ran before: say which version by"
				   " \"version\"",
				   (long long)batch->id);
	for (size_t i = 0; i < count; i++)
		ota_bytes_format(&text, "%s%s (%lld)", i ? ", " : "", rows[i].version, (long long)rows[i].count);
	return ota_fail_at(error, OTA_ECONFLICT, "version",
			   "the devices of batch %lld ran several versions before: %s; say which by \"version\"",
			   (long long)batch->id, text.data ? text.data : "");
}

int ota_engine_package_before(struct ota_engine *engine, const struct ota_batch *batch, struct ota_package *ret_package,
			      struct ota_error *error)
{
	struct ota_store *store = engine->options.store;
	struct ota_task_origin rows[ORIGINS_TOLD];
	size_t count = 0;
	int failed = ota_task_list_origins(store, batch->id, ORIGINS_LOOKED_AT, rows, ORIGINS_TOLD, &count, error);

	if (failed)
		return failed;
	if (count != 1)
		return origins_refuse(batch, rows, count, error);
	failed = ota_package_find(store, batch->product_key, batch->module, rows[0].version, ret_package, error);
	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, OTA_ECONFLICT, "version",
				   "the devices of batch %lld ran %s before, which is no package of module %s: add it first",
				   (long long)batch->id, rows[0].version, batch->module);
	return failed;
}

int ota_engine_strategy_back(const struct ota_batch *batch, struct ota_strategy *ret_strategy, struct ota_error *error)
{
	struct ota_strategy strategy;
	int failed = ota_strategy_parse_text(batch->strategy, &strategy, error);

	if (failed)
		return ota_error_prefix(error, OTA_ECORRUPT, "strategy of batch %lld", (long long)batch->id);
	strategy.stage_count = 0;
	strategy.rate.from = 0;
	strategy.start_at_ms = strategy.end_at_ms = 0;
	strategy.confirm = strategy.auto_rollback = false;
	*ret_strategy = strategy;
	return 0;
}

int ota_engine_batch_fill(struct ota_engine *engine, const struct ota_package *package, const struct ota_strategy *strategy,
			  struct ota_instant now, struct ota_batch *batch, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	int failed = ota_strategy_print(strategy, &text);

	if (failed)
		return failed;
	batch->rev = 1;
	batch->state = OTA_BATCH_PLANNED;
	batch->package_id = package->id;
	batch->created_ms = now.wall_ms;
	int64_t start_ms = strategy->start_at_ms ? strategy->start_at_ms : now.wall_ms;
	batch->ends_ms = strategy->end_at_ms ? strategy->end_at_ms : start_ms + strategy->end_after_ms;
	ota_text_cut(batch->product_key, sizeof(batch->product_key), package->product_key);
	ota_text_cut(batch->module, sizeof(batch->module), package->module);
	ota_text_cut(batch->version, sizeof(batch->version), package->version);
	ota_text_cut(batch->reason, sizeof(batch->reason), "the targets are being prepared");
	ota_text_cut(batch->strategy, sizeof(batch->strategy), text.data);
	batch->id = ota_store_new_id(engine->options.store, error);
	return batch->id ? 0 : OTA_EIO;
}

static int back_insert(struct ota_engine *engine, const struct ota_batch *batch, const struct ota_package *package,
		       struct ota_instant at, struct ota_error *error)
{
	struct ota_batch back = { .kind = OTA_BATCH_STATIC, .skip_conflicts = true, .source_batch = batch->id };
	const struct ota_source source = { .state = OTA_SOURCE_INSTALLED };
	struct ota_strategy strategy;
	char detail[2 * OTA_LABEL_MAX];
	int failed = ota_engine_strategy_back(batch, &strategy, error);

	if (!failed)
		failed = ota_engine_batch_fill(engine, package, &strategy, at, &back, error);
	if (failed)
		return failed;
	ota_source_print(&source, back.source_state);
	back.total = batch->total;
	snprintf(back.name, sizeof(back.name), "rollback of batch %lld", (long long)batch->id);
	ota_text_cut(back.created_by, sizeof(back.created_by), "server");
	failed = ota_batch_insert(engine->options.store, &back, error);
	if (!failed)
		failed = ota_note_batch(engine, &back, at, "batch_created", back.name, error);
	snprintf(detail, sizeof(detail), "batch %lld takes its devices back to %s", (long long)back.id, package->version);
	return failed ? failed : ota_note_batch(engine, batch, at, "batch_rolled_back", detail, error);
}

int ota_campaign_roll_back(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant at,
			   struct ota_error *error)
{
	struct ota_error why = {0};
	struct ota_package package;
	int failed = ota_engine_package_before(engine, batch, &package, &why);

	if (!failed && package.yanked)
		failed = ota_fail(&why, OTA_ECONFLICT, "package %lld (%s), which its devices ran before, is yanked",
				  (long long)package.id, package.version);
	if (failed == OTA_ECONFLICT)
		return ota_note_batch(engine, batch, at, "rollback_refused", why.text, error);
	if (failed && error)
		*error = why;
	ota_engine_look(engine);
	return failed ? failed : back_insert(engine, batch, &package, at, error);
}
