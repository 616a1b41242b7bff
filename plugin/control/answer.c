#include "plugin/control/answer.h"

#include <string.h>

#include "common/json.h"
#include "common/message.h"

static void answer_key(struct ota_bytes *out, const char *key)
{
	char last = out->size ? out->data[out->size - 1] : '{';

	if (last != '{' && last != '[' && last != ':')
		ota_bytes_text(out, ",");
	if (key) {
		ota_json_quote(out, key);
		ota_bytes_text(out, ":");
	}
}

void ota_answer_open(struct ota_bytes *out, const char *key, char bracket)
{
	answer_key(out, key);
	ota_bytes_append(out, &bracket, 1);
}

void ota_answer_close(struct ota_bytes *out, char bracket)
{
	ota_bytes_append(out, &bracket, 1);
}

void ota_answer_text(struct ota_bytes *out, const char *key, const char *value)
{
	answer_key(out, key);
	ota_json_quote(out, value);
}

void ota_answer_integer(struct ota_bytes *out, const char *key, int64_t value)
{
	answer_key(out, key);
	ota_bytes_format(out, "%lld", (long long)value);
}

void ota_answer_bool(struct ota_bytes *out, const char *key, bool value)
{
	answer_key(out, key);
	ota_bytes_text(out, value ? "true" : "false");
}

void ota_answer_raw(struct ota_bytes *out, const char *key, const char *json)
{
	answer_key(out, key);
	ota_bytes_text(out, json);
}

void ota_answer_text_if(struct ota_bytes *out, const char *key, const char *value)
{
	if (*value)
		ota_answer_text(out, key, value);
}

void ota_answer_integer_if(struct ota_bytes *out, const char *key, int64_t value)
{
	if (value)
		ota_answer_integer(out, key, value);
}

static const char *sign_word(enum ota_product_sign sign)
{
	switch (sign) {
	case OTA_PRODUCT_SIGN_MD5:
		return "md5";
	case OTA_PRODUCT_SIGN_SHA256:
		return "sha256";
	case OTA_PRODUCT_SIGN_AUTO:
	default:
		return "auto";
	}
}

void ota_answer_product(struct ota_bytes *out, const char *key, const struct ota_product *product)
{
	ota_answer_open(out, key, '{');
	ota_answer_text(out, "productKey", product->product_key);
	ota_answer_text(out, "name", product->name);
	ota_answer_text(out, "registration", product->open_registration ? "open" : "listed");
	ota_answer_text(out, "signMethod", sign_word(product->sign));
	ota_answer_text(out, "delivery", product->delivery == OTA_DELIVERY_MQTT ? "mqtt" : "http");
	ota_answer_integer(out, "devices", product->devices);
	ota_answer_integer(out, "createdAt", product->created_ms);
	ota_answer_integer(out, "rev", product->rev);
	ota_answer_close(out, '}');
}

static void answer_module(struct ota_bytes *out, const struct ota_device_module *module)
{
	ota_answer_open(out, NULL, '{');
	ota_answer_text(out, "module", module->module);
	ota_answer_text(out, "version", module->version);
	ota_answer_integer(out, "reportedAt", module->version_ms);
	ota_answer_close(out, '}');
}

static void answer_tags(struct ota_bytes *out, const struct ota_answer_device *row)
{
	if (!row->tag_count)
		return;
	ota_answer_open(out, "tags", '{');
	for (size_t i = 0; i < row->tag_count; i++)
		ota_answer_text(out, row->tags[i].tag, row->tags[i].value);
	ota_answer_close(out, '}');
}

void ota_answer_device_open(struct ota_bytes *out, const char *key, const struct ota_answer_device *row)
{
	const struct ota_device *device = row->device;

	ota_answer_open(out, key, '{');
	ota_answer_text(out, "productKey", device->identity.product_key);
	ota_answer_text(out, "deviceName", device->identity.device_name);
	ota_answer_bool(out, "online", row->online);
	ota_answer_integer(out, "registeredAt", device->created_ms);
	ota_answer_integer(out, "rev", device->rev);
	ota_answer_integer_if(out, "lastSeenAt", row->last_seen_ms);
	ota_answer_text_if(out, "agent", device->agent);
	if (device->caps & OTA_CAP_ANNOUNCED) {
		ota_answer_open(out, "caps", '[');
		if (device->caps & OTA_CAP_CANCEL)
			ota_answer_text(out, NULL, "cancel");
		if (device->caps & OTA_CAP_MQTT)
			ota_answer_text(out, NULL, "mqtt");
		ota_answer_close(out, ']');
	}
	if (device->barred)
		ota_answer_bool(out, "barred", true);
	if (device->disabled)
		ota_answer_bool(out, "disabled", true);
	if (row->has_secret)
		ota_answer_bool(out, "hasSecret", true);
	answer_tags(out, row);
	ota_answer_open(out, "modules", '[');
	for (size_t i = 0; i < row->module_count; i++) {
		if (*row->modules[i].version)
			answer_module(out, &row->modules[i]);
	}
	ota_answer_close(out, ']');
}

void ota_answer_measures(struct ota_bytes *out, const struct ota_artifact *artifact)
{
	ota_answer_integer_if(out, "size", (int64_t)artifact->size);
	ota_answer_text_if(out, "sha256", artifact->sha256);
	ota_answer_text_if(out, "md5", artifact->md5);
}

static void answer_files(struct ota_bytes *out, const struct ota_package_files *files)
{
	ota_answer_integer_if(out, "size", (int64_t)ota_package_size(files));
	ota_answer_open(out, "files", '[');
	for (size_t i = 0; i < files->count; i++) {
		ota_answer_open(out, NULL, '{');
		ota_answer_text(out, "name", files->items[i].file_name);
		ota_answer_measures(out, &files->items[i]);
		ota_answer_close(out, '}');
	}
	ota_answer_close(out, ']');
}

void ota_answer_package(struct ota_bytes *out, const char *key, const struct ota_package *package,
			const struct ota_package_files *files)
{
	ota_answer_open(out, key, '{');
	ota_answer_integer_if(out, "id", package->id);
	ota_answer_text(out, "productKey", package->product_key);
	ota_answer_text(out, "module", package->module);
	ota_answer_text(out, "version", package->version);
	if (*package->full.file_name)
		answer_files(out, files);
	else
		ota_answer_measures(out, &package->full);
	ota_answer_text_if(out, "url", package->full.url);
	ota_answer_text(out, "status", package->yanked ? "yanked" : "active");
	ota_answer_text(out, "verification", ota_verification_word(package->verification));
	ota_answer_text_if(out, "notes", package->notes);
	if (*package->ext_data)
		ota_answer_raw(out, "extData", package->ext_data);
	ota_answer_integer(out, "createdAt", package->created_ms);
	ota_answer_text(out, "createdBy", package->created_by);
	ota_answer_integer(out, "rev", package->rev);
	ota_answer_close(out, '}');
}

static void answer_counts(struct ota_bytes *out, const struct ota_batch_counts *counts)
{
	ota_answer_open(out, "excluded", '{');
	ota_answer_integer_if(out, "already_at_target", counts->excluded_at_target);
	ota_answer_integer_if(out, "conflict", counts->excluded_conflict);
	ota_answer_integer_if(out, "unknown_device", counts->excluded_unknown);
	ota_answer_integer_if(out, "barred", counts->excluded_barred);
	ota_answer_close(out, '}');
	ota_answer_open(out, "counts", '{');
	for (enum ota_task_state state = OTA_TASK_PENDING; state < OTA_TASK_STATES; state++)
		ota_answer_integer(out, ota_task_state_word(state), counts->states[state]);
	ota_answer_close(out, '}');
	ota_answer_open(out, "causes", '{');
	for (enum ota_cause cause = OTA_CAUSE_NONE + 1; cause < OTA_CAUSES; cause++)
		ota_answer_integer_if(out, ota_cause_word(cause), counts->causes[cause]);
	ota_answer_close(out, '}');
}

/* What became of asking; nothing if nobody was to be asked. */
static void answer_asks(struct ota_bytes *out, const struct ota_ask_counts *asks)
{
	int64_t asked = 0;

	for (enum ota_ask ask = OTA_ASK_WAITING; ask < OTA_ASK_UNABLE; ask++)
		asked += asks->n[ask];
	if (!asked && !asks->n[OTA_ASK_UNABLE])
		return;
	ota_answer_open(out, "asked", '{');
	ota_answer_integer(out, "devices", asked);
	for (enum ota_ask ask = OTA_ASK_WAITING; ask < OTA_ASKS; ask++)
		ota_answer_integer_if(out, ota_ask_word(ask), asks->n[ask]);
	ota_answer_close(out, '}');
}

static const char *batch_outcome(const struct ota_batch *batch, const struct ota_batch_counts *counts)
{
	if (batch->state == OTA_BATCH_CANCELED)
		return "canceled";
	if (batch->state != OTA_BATCH_COMPLETED)
		return "";
	return counts->states[OTA_TASK_FAILED] ? "failed" : "succeeded";
}

void ota_answer_batch_open(struct ota_bytes *out, const char *key, const struct ota_batch *batch,
			   const struct ota_batch_counts *counts, const char *where)
{
	ota_answer_open(out, key, '{');
	ota_answer_integer(out, "id", batch->id);
	ota_answer_text_if(out, "name", batch->name);
	ota_answer_text(out, "productKey", batch->product_key);
	ota_answer_text(out, "module", batch->module);
	ota_answer_text(out, "version", batch->version);
	ota_answer_integer(out, "package", batch->package_id);
	ota_answer_text(out, "kind", ota_batch_kind_word(batch->kind));
	ota_answer_text_if(out, "where", where);
	ota_answer_text(out, "state", ota_batch_state_word(batch->state));
	ota_answer_text(out, "reason", batch->reason);
	ota_answer_integer(out, "createdAt", batch->created_ms);
	ota_answer_text(out, "createdBy", batch->created_by);
	ota_answer_integer_if(out, "startedAt", batch->started_ms);
	ota_answer_integer_if(out, "endedAt", batch->ended_ms);
	ota_answer_integer(out, "endsAt", batch->ends_ms);
	bool grows = batch->kind == OTA_BATCH_DYNAMIC && batch->prepared;
	ota_answer_integer(out, "total", grows ? ota_batch_counts_sum(counts) : batch->total);
	ota_answer_integer(out, "prepared", ota_batch_counts_sum(counts));
	answer_counts(out, counts);
	answer_asks(out, &counts->asks);
	ota_answer_raw(out, "strategy", batch->strategy);
	if (*batch->tags)
		ota_answer_raw(out, "tags", batch->tags);
	ota_answer_text_if(out, "outcome", batch_outcome(batch, counts));
	ota_answer_integer(out, "rev", batch->rev);
}

void ota_answer_task_open(struct ota_bytes *out, const char *key, const struct ota_answer_task *row)
{
	const struct ota_task *task = row->task;

	ota_answer_open(out, key, '{');
	ota_answer_integer(out, "id", task->id);
	ota_answer_integer(out, "batch", task->batch_id);
	ota_answer_text(out, "productKey", row->identity->product_key);
	ota_answer_text(out, "deviceName", row->identity->device_name);
	ota_answer_text(out, "module", task->module);
	ota_answer_text(out, "state", ota_task_state_word(task->state));
	ota_answer_text_if(out, "reason", ota_reason_word(row->reason));
	ota_answer_text_if(out, "cause", ota_cause_word(task->cause));
	ota_answer_text_if(out, "mark", ota_mark_word(task->mark));
	ota_answer_text_if(out, "ask", ota_ask_word(task->ask));
	if (task->step >= -4)
		ota_answer_integer(out, "step", task->step);
	ota_answer_text_if(out, "desc", task->desc);
	ota_answer_integer(out, "attempt", task->attempt);
	ota_answer_text_if(out, "fromVersion", task->from_version);
	ota_answer_text(out, "version", task->version);
	ota_answer_integer(out, "createdAt", task->created_ms);
	ota_answer_integer(out, "updatedAt", task->updated_ms);
	ota_answer_integer_if(out, "dueAt", row->due_ms);
}

void ota_answer_attempt(struct ota_bytes *out, const struct ota_attempt *attempt)
{
	ota_answer_open(out, NULL, '{');
	ota_answer_integer(out, "attempt", attempt->attempt);
	ota_answer_integer_if(out, "pushedAt", attempt->pushed_ms);
	ota_answer_integer_if(out, "startedAt", attempt->started_ms);
	ota_answer_integer_if(out, "deliveredAt", attempt->delivered_ms);
	ota_answer_integer_if(out, "fetchedAt", attempt->fetched_ms);
	ota_answer_integer_if(out, "endedAt", attempt->ended_ms);
	ota_answer_integer_if(out, "bytes", attempt->bytes);
	ota_answer_text_if(out, "cause", ota_cause_word(attempt->cause));
	ota_answer_text_if(out, "desc", attempt->desc);
	ota_answer_close(out, '}');
}

void ota_answer_event(struct ota_bytes *out, const struct ota_event *event)
{
	ota_answer_open(out, NULL, '{');
	ota_answer_integer(out, "id", event->id);
	ota_answer_integer(out, "at", event->at_ms);
	ota_answer_text_if(out, "productKey", event->product_key);
	ota_answer_text_if(out, "deviceName", event->device_name);
	ota_answer_integer_if(out, "batch", event->batch_id);
	ota_answer_integer_if(out, "task", event->task_id);
	ota_answer_text(out, "event", event->event);
	ota_answer_text(out, "detail", event->detail);
	ota_answer_text_if(out, "actor", event->actor);
	ota_answer_close(out, '}');
}

void ota_answer_operator_open(struct ota_bytes *out, const struct ota_operator *operator)
{
	ota_answer_open(out, NULL, '{');
	ota_answer_text(out, "name", operator->name);
	ota_answer_text(out, "role", operator->role);
	ota_answer_integer(out, "createdAt", operator->created_ms);
	ota_answer_text_if(out, "createdBy", operator->created_by);
	ota_answer_integer_if(out, "expiresAt", operator->expires_ms);
	ota_answer_integer_if(out, "lastUsedAt", operator->last_used_ms);
}

void ota_answer_findings(struct ota_bytes *out, const char *key, const struct ota_findings *findings)
{
	ota_answer_open(out, key, '[');
	for (size_t i = 0; i < findings->count; i++) {
		ota_answer_open(out, NULL, '{');
		ota_answer_text(out, "level", ota_finding_level_word(findings->rows[i].level));
		ota_answer_text(out, "part", findings->rows[i].part);
		ota_answer_text(out, "text", findings->rows[i].text);
		ota_answer_close(out, '}');
	}
	ota_answer_close(out, ']');
}
