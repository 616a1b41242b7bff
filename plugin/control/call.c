#include "plugin/control/call.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/topic.h"

/* A page stops growing here, so that one answer of a whole request stays under OTA_PAYLOAD_MAX. The largest item is a package,
 * about 7 KiB. */
enum { PAGE_BYTES_MAX = OTA_PAYLOAD_MAX - 12 * 1024 };

int64_t ota_call_integer(const struct ota_call *call, const char *key, int64_t standard)
{
	int64_t value = standard;

	ota_json_integer(call->at, key, -OTA_INTEGER_MAX, OTA_INTEGER_MAX, &value, NULL);
	return value;
}

bool ota_call_bool(const struct ota_call *call, const char *key)
{
	bool value = false;

	ota_json_bool(call->at, key, &value, NULL);
	return value;
}

void ota_call_text(const struct ota_call *call, const char *key, const char *standard, char *target, size_t size)
{
	ota_text_cut(target, size, standard);
	ota_json_text(call->at, key, target, size, NULL);
}

int ota_call_act(const struct ota_call *call, struct ota_error *error)
{
	if (call->undo)
		return ota_fail_at(error, OTA_EINVALID, "dryRun",
				   "%s begins work that cannot be taken back: it has no dry run", call->command->name);
	return call->judged ? 0 : ota_call_rev_refuse(call, error);
}

int ota_call_rev_refuse(const struct ota_call *call, struct ota_error *error)
{
	if (!ota_json_member(call->at.object, "ifRev"))
		return 0;
	return ota_fail_at(error, OTA_EINVALID, "ifRev", "%s names nothing that has a rev", call->command->name);
}

int ota_call_rev(struct ota_call *call, const char *noun, int64_t rev, struct ota_error *error)
{
	int64_t wanted = ota_call_integer(call, "ifRev", rev);

	call->judged = true;
	if (wanted == rev)
		return 0;
	return ota_fail_at(error, OTA_ECONFLICT, "ifRev",
			   "the %s has rev %lld now, not %lld: look at it again before you change it", noun,
			   (long long)rev, (long long)wanted);
}

int ota_call_product(struct ota_call *call, struct ota_product *ret_product, struct ota_error *error)
{
	char key[OTA_PRODUCT_KEY_MAX + 1];

	ota_call_text(call, "productKey", "", key, sizeof(key));
	int failed = ota_product_find(call->store, key, ret_product, error);
	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "productKey", "product %s does not exist", key);
	return failed ? failed : ota_call_rev(call, "product", ret_product->rev, error);
}

int ota_call_device(struct ota_call *call, struct ota_device *ret_device, struct ota_error *error)
{
	char key[OTA_PRODUCT_KEY_MAX + 1], name[OTA_DEVICE_NAME_MAX + 1];
	struct ota_identity identity;

	ota_call_text(call, "productKey", "", key, sizeof(key));
	ota_call_text(call, "deviceName", "", name, sizeof(name));
	if (!ota_identity_make(ota_span_from_text(key), ota_span_from_text(name), &identity))
		return ota_fail_at(error, OTA_EINVALID, "productKey",
				   "a device's name alone is not enough: name its product, too");
	int failed = ota_device_find(call->store, &identity, ret_device, error);
	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "deviceName", "device %s of product %s is not registered", name, key);
	return failed ? failed : ota_call_rev(call, "device", ret_device->rev, error);
}

static int package_by_name(struct ota_call *call, struct ota_package *ret_package, struct ota_error *error)
{
	char key[OTA_PRODUCT_KEY_MAX + 1], module[OTA_MODULE_MAX + 1], version[OTA_VERSION_MAX + 1];
	struct ota_product product;

	ota_call_text(call, "productKey", "", key, sizeof(key));
	ota_call_text(call, "module", OTA_MODULE_DEFAULT, module, sizeof(module));
	ota_call_text(call, "version", "", version, sizeof(version));
	int failed = ota_package_find(call->store, key, module, version, ret_package, error);
	if (failed == OTA_ENOTFOUND && ota_product_find(call->store, key, &product, error) == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "productKey", "product %s does not exist", key);
	return failed == OTA_ENOTFOUND
		       ? ota_fail_at(error, failed, "version", "product %s has no package %s of module %s", key, version, module)
		       : failed;
}

int ota_call_package(struct ota_call *call, struct ota_package *ret_package, struct ota_error *error)
{
	int64_t id = ota_call_integer(call, "package", 0);
	int failed = id ? ota_package_load(call->store, id, ret_package, error) : package_by_name(call, ret_package, error);

	if (id && failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "package", "package %lld does not exist", (long long)id);
	return failed ? failed : ota_call_rev(call, "package", ret_package->rev, error);
}

int ota_call_answer_package(const struct ota_call *call, const struct ota_package *package, struct ota_error *error)
{
	struct ota_package_files files;
	int failed = ota_package_files(call->store, package, &files, error);

	if (!failed)
		ota_answer_package(call->out, NULL, package, &files);
	return failed;
}

int ota_call_keep_tags(const cJSON *tags, char target[OTA_EXT_DATA_SIZE])
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};

	target[0] = '\0';
	if (!tags || !tags->child)
		return 0;
	int failed = ota_json_write(tags, &text);
	if (!failed && !ota_text_copy(target, OTA_EXT_DATA_SIZE, (struct ota_span){ text.data, text.size }))
		failed = OTA_ELIMIT;
	return failed;
}

int ota_call_batch(struct ota_call *call, struct ota_batch *ret_batch, struct ota_error *error)
{
	int64_t id = ota_call_integer(call, "batch", 0);
	int failed = ota_batch_load(call->store, id, ret_batch, error);

	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "batch", "batch %lld does not exist", (long long)id);
	return failed ? failed : ota_call_rev(call, "batch", ret_batch->rev, error);
}

size_t ota_call_limit(const struct ota_call *call)
{
	return (size_t)ota_call_integer(call, "limit", OTA_PAGE_DEFAULT);
}

int ota_call_after_id(const struct ota_call *call, int64_t *ret_after, struct ota_error *error)
{
	char text[32];

	*ret_after = 0;
	ota_call_text(call, "after", "", text, sizeof(text));
	if (!ota_json_member(call->at.object, "after"))
		return 0;
	if (!ota_text_parse_i64(ota_span_from_text(text), ret_after) || *ret_after < 1)
		return ota_fail_at(error, OTA_EINVALID, "after", "after must be the next of the page before");
	return 0;
}

void ota_page_open(struct ota_call *call)
{
	ota_answer_open(call->out, NULL, '{');
	ota_answer_open(call->out, "items", '[');
}

bool ota_page_has_room(const struct ota_call *call)
{
	return call->out->size < PAGE_BYTES_MAX;
}

void ota_page_close_text(struct ota_call *call, const char *next)
{
	ota_answer_close(call->out, ']');
	if (next)
		ota_answer_text(call->out, "next", next);
	ota_answer_close(call->out, '}');
}

void ota_page_close_id(struct ota_call *call, int64_t next)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)next);
	ota_page_close_text(call, next ? text : NULL);
}

int ota_call_note(struct ota_call *call, struct ota_call_subject subject, const char *event, const char *detail,
		  struct ota_error *error)
{
	struct ota_event row = {
		.at_ms = call->now.wall_ms,
		.batch_id = subject.batch ? subject.batch->id : 0,
		.device_id = subject.device ? subject.device->id : 0,
	};
	char text[OTA_EVENT_DETAIL_MAX + OTA_REASON_MAX];

	snprintf(text, sizeof(text), "%s%s%s", detail, *detail && *call->reason ? ": " : "", call->reason);
	ota_text_cut(row.detail, sizeof(row.detail), text);
	ota_text_cut(row.product_key, sizeof(row.product_key), subject.product_key);
	ota_text_cut(row.device_name, sizeof(row.device_name), subject.device ? subject.device->identity.device_name : "");
	ota_text_cut(row.event, sizeof(row.event), event);
	ota_text_cut(row.actor, sizeof(row.actor), call->operator.name);
	return ota_engine_note(call->control->options.engine, &row, error);
}

int ota_call_batch_open(struct ota_call *call, const struct ota_batch *batch, const char *key, struct ota_error *error)
{
	struct ota_batch_counts counts;
	struct ota_batch_where where = {""};
	int failed = ota_batch_load_counts(call->store, batch->id, &counts, error);

	if (!failed)
		failed = ota_ask_load_counts(call->store, batch->id, &counts.asks, error);
	if (!failed)
		failed = ota_batch_find_where(call->store, batch->id, &where, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	ota_answer_batch_open(call->out, key, batch, &counts, where.expression);
	return ota_call_stage_short(call, batch, error);
}

int ota_call_batch_answer(struct ota_call *call, const struct ota_batch *batch, const char *key, struct ota_error *error)
{
	int failed = ota_call_batch_open(call, batch, key, error);

	if (!failed)
		ota_answer_close(call->out, '}');
	return failed;
}

int ota_call_task_open(struct ota_call *call, const struct ota_task *task, const struct ota_identity *identity,
		       struct ota_error *error)
{
	struct ota_answer_task row = { .task = task, .identity = identity };
	int failed = ota_engine_explain(call->control->options.engine, task, call->now, &row.reason, error);

	if (failed)
		return failed;
	if (task->deadline_at)
		row.due_ms = call->now.wall_ms + task->deadline_at - call->now.heard_ms;
	ota_answer_task_open(call->out, NULL, &row);
	return 0;
}
