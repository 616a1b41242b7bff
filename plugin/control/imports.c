/* What operators bring about devices: lists with tags and secrets, and tags alone. */
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "plugin/control/call.h"
#include "plugin/store/device_tag.h"

struct sums {
	int64_t registered, already, changed, secrets;
};

static int tag_count_check(const struct ota_call *call, const struct ota_device *device, struct ota_error *error)
{
	struct ota_device_tag rows[OTA_DEVICE_TAGS_MAX + 1];
	size_t count = 0;
	int failed = ota_device_tag_list(call->store, device->id, rows, OTA_DEVICE_TAGS_MAX + 1, &count, error);

	if (!failed && count > OTA_DEVICE_TAGS_MAX)
		return ota_fail(error, OTA_ELIMIT, "device %s would have more than %d tags", device->identity.device_name,
				OTA_DEVICE_TAGS_MAX);
	return failed;
}

/* *changed is raised, never lowered. */
static int tags_set(const struct ota_call *call, const struct ota_device *device, const cJSON *tags, bool *changed,
		    struct ota_error *error)
{
	const cJSON *tag;
	int failed = 0;

	cJSON_ArrayForEach(tag, tags)
	{
		struct ota_device_tag row = { .device_id = device->id };
		bool is_new = false;

		ota_text_cut(row.tag, sizeof(row.tag), tag->string);
		ota_text_cut(row.value, sizeof(row.value), tag->valuestring);
		if (!failed)
			failed = ota_device_tag_save(call->store, device, &row, &is_new, error);
		*changed |= is_new;
	}
	return failed || !*changed ? failed : tag_count_check(call, device, error);
}

static int tags_unset(const struct ota_call *call, const struct ota_device *device, const cJSON *keys, bool *changed,
		      struct ota_error *error)
{
	const cJSON *key;
	int failed = 0;

	cJSON_ArrayForEach(key, keys)
	{
		bool had = false;

		if (!failed)
			failed = ota_device_tag_remove(call->store, device->id, key->valuestring, &had, error);
		*changed |= had;
	}
	return failed;
}

static int device_import(struct ota_call *call, const char *product_key, const cJSON *object, struct sums *sums,
			 struct ota_error *error)
{
	const cJSON *secret = ota_json_member(object, "secret");
	struct ota_device device;
	bool is_new = false, tagged = false, keyed = false;
	const char *name = ota_json_member(object, "deviceName")->valuestring;
	int failed = ota_call_register(call, product_key, name, &device, &is_new, error);

	if (!failed)
		failed = tags_set(call, &device, ota_json_member(object, "tags"), &tagged, error);
	if (!failed && secret)
		failed = ota_call_secret_keep(call, &device, secret->valuestring, &keyed, error);
	if (!failed && (is_new || tagged))
		failed = ota_engine_wake_device(call->control->options.engine, &device, call->now, error);
	sums->registered += is_new;
	sums->changed += !is_new && (tagged || keyed);
	sums->already += !is_new && !tagged && !keyed;
	sums->secrets += keyed;
	return failed;
}

int ota_handle_import_devices(struct ota_call *call, struct ota_error *error)
{
	struct ota_product product;
	struct sums sums = { 0 };
	const cJSON *devices = NULL, *device;
	char detail[160];
	int failed = ota_call_product(call, &product, error);

	ota_json_array(call->at, "devices", &devices, NULL);
	cJSON_ArrayForEach(device, devices)
	{
		if (!failed)
			failed = device_import(call, product.product_key, device, &sums, error);
	}
	snprintf(detail, sizeof(detail), "%lld new, %lld changed, %lld as before; %lld secrets", (long long)sums.registered,
		 (long long)sums.changed, (long long)sums.already, (long long)sums.secrets);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){ product.product_key }, "devices_imported", detail, error);
	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_integer(call->out, "registered", sums.registered);
	ota_answer_integer(call->out, "already", sums.already);
	ota_answer_integer(call->out, "changed", sums.changed);
	ota_answer_close(call->out, '}');
	return 0;
}

struct tagging {
	const char *product_key;
	const cJSON *set, *unset;
};

static int device_tag(struct ota_call *call, const struct tagging *tagging, const char *name, bool *ret_changed,
		      struct ota_error *error)
{
	struct ota_identity identity;
	struct ota_device device;

	ota_identity_make(ota_span_from_text(tagging->product_key), ota_span_from_text(name), &identity);
	int failed = ota_device_find(call->store, &identity, &device, error);
	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "names", "device %s of product %s is not registered", name,
				   tagging->product_key);
	/* First what goes: a device with as many tags as it may have can change one for another. */
	if (!failed)
		failed = tags_unset(call, &device, tagging->unset, ret_changed, error);
	if (!failed)
		failed = tags_set(call, &device, tagging->set, ret_changed, error);
	return failed || !*ret_changed ? failed
				       : ota_engine_wake_device(call->control->options.engine, &device, call->now, error);
}

/* "site=lab, -old on 12 devices" */
static void tagging_print(const struct tagging *tagging, int64_t devices, struct ota_bytes *out)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, tagging->set)
		ota_bytes_format(out, "%s%s=%s", out->size ? ", " : "", item->string, item->valuestring);
	cJSON_ArrayForEach(item, tagging->unset)
		ota_bytes_format(out, "%s-%s", out->size ? ", " : "", item->valuestring);
	ota_bytes_format(out, " on %lld devices", (long long)devices);
}

int ota_handle_tag_devices(struct ota_call *call, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes detail = { 0 };
	struct ota_product product;
	struct tagging tagging = { .product_key = product.product_key };
	const cJSON *names = NULL, *name;
	int64_t changed = 0, already = 0;
	int failed = ota_call_product(call, &product, error);

	ota_json_array(call->at, "names", &names, NULL);
	tagging.set = ota_json_member(call->at.object, "set");
	tagging.unset = ota_json_member(call->at.object, "unset");
	cJSON_ArrayForEach(name, names)
	{
		bool is_changed = false;

		if (!failed)
			failed = device_tag(call, &tagging, name->valuestring, &is_changed, error);
		changed += is_changed;
		already += !is_changed;
	}
	tagging_print(&tagging, changed, &detail);
	if (!failed)
		failed = detail.failed ? OTA_ENOMEM
				       : ota_call_note(call, (struct ota_call_subject){ product.product_key }, "devices_tagged",
						       detail.data, error);
	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_integer(call->out, "changed", changed);
	ota_answer_integer(call->out, "already", already);
	ota_answer_close(call->out, '}');
	return 0;
}
