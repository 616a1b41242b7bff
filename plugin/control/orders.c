/* Orders: the createBatch that makes a batch once more, as a file holds it. */
#include <stdlib.h>
#include <string.h>

#include "common/topic.h"
#include "plugin/control/call.h"
#include "plugin/store/prospect.h"

static int names_answer(struct ota_call *call, const struct ota_batch *batch, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_prospect *rows = calloc(OTA_NAMES_MAX, sizeof(*rows));
	const struct ota_prospect_filter all = { batch->product_key, batch->module, "" };
	size_t count = 0;
	int failed = rows ? ota_prospect_list_named(call->store, batch->id, &all, rows, OTA_NAMES_MAX, &count, error)
			  : ota_fail(error, OTA_ENOMEM, "no memory for the names of a batch");

	ota_answer_open(call->out, "names", '[');
	for (size_t i = 0; i < count; i++)
		ota_answer_text(call->out, NULL, rows[i].device.identity.device_name);
	ota_answer_close(call->out, ']');
	return failed;
}

static int targets_answer(struct ota_call *call, const struct ota_batch *batch, struct ota_error *error)
{
	struct ota_batch_where where;
	int failed = 0;

	if (batch->source_batch)
		return ota_fail_at(error, OTA_ECONFLICT, "batch",
				   "batch %lld was made from the devices of batch %lld: such a batch is cloned, not exported",
				   (long long)batch->id, (long long)batch->source_batch);
	ota_answer_open(call->out, "targets", '{');
	if (!batch->all_devices) {
		failed = names_answer(call, batch, error);
	} else {
		failed = ota_batch_find_where(call->store, batch->id, &where, error);
		if (!failed)
			ota_answer_text(call->out, "where", where.expression);
		if (failed == OTA_ENOTFOUND)
			ota_answer_bool(call->out, "all", true);
		failed = failed == OTA_ENOTFOUND ? 0 : failed;
	}
	ota_answer_close(call->out, '}');
	return failed;
}

static int strategy_answer(struct ota_call *call, const struct ota_batch *batch, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_strategy strategy;
	int failed = ota_strategy_parse_text(batch->strategy, &strategy, error);

	if (failed)
		return failed;
	failed = ota_call_bool(call, "all") ? ota_strategy_print(&strategy, &text) : ota_strategy_print_said(&strategy, &text);
	if (!failed && strcmp(text.data, "{}") != 0)
		ota_answer_raw(call->out, "strategy", text.data);
	return failed;
}

static const char *conflict_word(const struct ota_batch *batch)
{
	return batch->supersedes ? "supersede" : batch->skip_conflicts ? "skip" : "";
}

int ota_handle_export_batch(struct ota_call *call, struct ota_error *error)
{
	struct ota_batch batch;
	struct ota_bytes *out = call->out;
	int failed = ota_call_batch(call, &batch, error);

	if (failed)
		return failed;
	ota_answer_open(out, NULL, '{');
	ota_answer_text_if(out, "name", batch.name);
	ota_answer_text(out, "productKey", batch.product_key);
	if (strcmp(batch.module, OTA_MODULE_DEFAULT) != 0 || ota_call_bool(call, "all"))
		ota_answer_text(out, "module", batch.module);
	ota_answer_text(out, "version", batch.version);
	ota_answer_text(out, "kind", ota_batch_kind_word(batch.kind));
	failed = targets_answer(call, &batch, error);
	if (!failed)
		failed = strategy_answer(call, &batch, error);
	if (*batch.tags)
		ota_answer_raw(out, "tags", batch.tags);
	ota_answer_text_if(out, "onConflict", conflict_word(&batch));
	ota_answer_close(out, '}');
	return failed;
}
