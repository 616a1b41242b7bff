/* Yank: a package is taken back for good. Its batches end here; their tasks end in the engine's walk, chunk by chunk, as after
 * any cancel. */
#include <stdio.h>
#include <stdlib.h>

#include "common/text.h"
#include "plugin/control/call.h"
#include "plugin/rules/batch.h"

/* What a package is used for, and what is done with each of its batches. */
struct yank {
	struct ota_call *call;
	const struct ota_package *package;
	int (*each)(struct yank *yank, struct ota_batch *batch, struct ota_error *error);
	int64_t batches; /* that have not ended */
	int64_t tasks;   /* unfinished */
};

static int batches_walk(struct yank *yank, struct ota_error *error)
{
	enum { PAGE = 32 };
	OTA_AUTO_FREE struct ota_batch *rows = calloc(PAGE, sizeof(*rows));
	size_t count = PAGE;
	int64_t after = 0;
	int failed = rows ? 0 : OTA_ENOMEM;

	while (!failed && count == PAGE) {
		failed = ota_batch_list_of_package(yank->call->store, yank->package->id, after, rows, PAGE, &count, error);
		for (size_t i = 0; !failed && i < count; i++) {
			failed = yank->each(yank, &rows[i], error);
			after = rows[i].id;
		}
	}
	return failed;
}

static int batch_count(struct yank *yank, struct ota_batch *batch, struct ota_error *error)
{
	struct ota_batch_counts counts;
	int failed = ota_batch_load_counts(yank->call->store, batch->id, &counts, error);

	if (failed)
		return failed;
	yank->batches += batch->state != OTA_BATCH_CANCELED;
	yank->tasks += counts.states[OTA_TASK_PENDING] + counts.states[OTA_TASK_PUSHED] + counts.states[OTA_TASK_UPGRADING];
	return 0;
}

static int batch_end(struct yank *yank, struct ota_batch *batch, struct ota_error *error)
{
	struct ota_call *call = yank->call;
	char reason[2 * OTA_REASON_MAX];

	snprintf(reason, sizeof(reason), "package yanked by %s%s%s", call->operator.name, *call->reason ? ": " : "",
		 call->reason);
	ota_text_cut(batch->reason, sizeof(batch->reason), reason);
	batch->state = ota_batch_decide(batch->state, OTA_BATCH_EVENT_CANCEL)->to;
	batch->canceling = true;
	batch->cancel_level = OTA_CANCEL_REVOKES;
	const struct ota_call_subject subject = { batch->product_key, batch };
	int failed = ota_batch_save(call->store, batch, error);
	return failed ? failed : ota_call_note(call, subject, "batch_canceled", "package yanked", error);
}

static int yank_allow(const struct yank *yank, struct ota_error *error)
{
	const struct ota_package *package = yank->package;

	if (package->yanked)
		return ota_fail_at(error, OTA_ECONFLICT, "package", "package %lld (%s) is yanked already", (long long)package->id,
				   package->version);
	if ((yank->batches || yank->tasks) && !ota_call_bool(yank->call, "force"))
		return ota_fail_at(error, OTA_ECONFLICT, "force",
				   "package %lld (%s) is in use (unfinished tasks %lld, open batches %lld); "
				   "force true cancels them",
				   (long long)package->id, package->version, (long long)yank->tasks, (long long)yank->batches);
	return 0;
}

int ota_handle_yank_package(struct ota_call *call, struct ota_error *error)
{
	struct ota_package package;
	struct yank yank = { .call = call, .package = &package, .each = batch_count };
	char detail[OTA_EVENT_DETAIL_MAX];
	int failed = ota_call_package(call, &package, error);

	if (!failed)
		failed = batches_walk(&yank, error);
	if (!failed)
		failed = yank_allow(&yank, error);
	if (failed)
		return failed;
	package.yanked = true;
	failed = ota_package_save(call->store, &package, error);
	yank.each = batch_end;
	if (!failed)
		failed = batches_walk(&yank, error);
	ota_engine_look(call->control->options.engine);
	snprintf(detail, sizeof(detail), "%s of module %s, unfinished tasks %lld, open batches %lld", package.version,
		 package.module, (long long)yank.tasks, (long long)yank.batches);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){ package.product_key }, "package_yanked", detail, error);
	return failed ? failed : ota_call_answer_package(call, &package, error);
}
