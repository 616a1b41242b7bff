#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/topic.h"
#include "plugin/control/call.h"
#include "plugin/store/device_secret.h"

enum { DEVICE_TASKS_SHOWN = 20, DEVICE_MODULES_SHOWN = 64, DEVICES_SCANNED_MAX = 10000 };

int ota_call_register(struct ota_call *call, const char *product_key, const char *name, struct ota_device *ret_device,
		      bool *ret_new, struct ota_error *error)
{
	struct ota_device device = { .created_ms = call->now.wall_ms, .rev = 1 };

	ota_identity_make(ota_span_from_text(product_key), ota_span_from_text(name), &device.identity);
	int failed = ota_device_find(call->store, &device.identity, ret_device, error);
	*ret_new = failed == OTA_ENOTFOUND;
	if (failed != OTA_ENOTFOUND)
		return failed;
	device.bucket = (int64_t)(ota_identity_hash(&device.identity) % 1000000);
	device.id = ota_store_new_id(call->store, error);
	*ret_device = device;
	return device.id ? ota_device_insert(call->store, &device, error) : OTA_EIO;
}

/* A device that was there before keeps the secret it has: it may be in use. */
static int device_add(struct ota_call *call, const char *product_key, const char *name, bool *ret_new, struct ota_error *error)
{
	struct ota_device device;
	int failed = ota_call_register(call, product_key, name, &device, ret_new, error);

	if (!failed && *ret_new)
		failed = ota_engine_wake_device(call->control->options.engine, &device, call->now, error);
	if (failed || !*ret_new || !ota_call_bool(call, "secrets"))
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_text(call->out, "deviceName", name);
	failed = ota_call_secret_give(call, &device, error);
	ota_answer_close(call->out, '}');
	return failed;
}

static int devices_add_all(struct ota_call *call, const char *product_key, int64_t *ret_registered, int64_t *ret_already,
			   struct ota_error *error)
{
	const cJSON *names = NULL, *name;
	int failed = 0;

	ota_json_array(call->at, "names", &names, NULL);
	cJSON_ArrayForEach(name, names)
	{
		bool is_new = false;

		if (!failed)
			failed = device_add(call, product_key, name->valuestring, &is_new, error);
		*ret_registered += is_new;
		*ret_already += !is_new;
	}
	return failed;
}

int ota_handle_register_devices(struct ota_call *call, struct ota_error *error)
{
	struct ota_product product;
	int64_t registered = 0, already = 0;
	bool secrets = ota_call_bool(call, "secrets");
	char detail[96];
	int failed = ota_call_product(call, &product, error);

	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	if (secrets)
		ota_answer_open(call->out, "devices", '[');
	failed = devices_add_all(call, product.product_key, &registered, &already, error);
	if (secrets)
		ota_answer_close(call->out, ']');
	snprintf(detail, sizeof(detail), "%lld new%s, %lld known before", (long long)registered, secrets ? " with secrets" : "",
		 (long long)already);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){product.product_key}, "devices_registered", detail, error);
	if (failed)
		return failed;
	ota_answer_integer(call->out, "registered", registered);
	ota_answer_integer(call->out, "already", already);
	ota_answer_close(call->out, '}');
	return 0;
}

/* A disabled one is on its way out, though the broker may not have told its end yet. */
static bool device_is_online(const struct ota_call *call, const struct ota_device *device)
{
	return !device->disabled && ota_engine_is_online(call->control->options.engine, &device->identity);
}

static int device_open(struct ota_call *call, const struct ota_device *device, struct ota_error *error)
{
	struct ota_device_module modules[DEVICE_MODULES_SHOWN];
	struct ota_device_tag tags[OTA_DEVICE_TAGS_MAX];
	struct ota_device_secret secret;
	struct ota_answer_device row = { .device = device, .modules = modules, .tags = tags };
	int failed = ota_device_module_list(call->store, device->id, modules, DEVICE_MODULES_SHOWN, &row.module_count, error);

	if (!failed)
		failed = ota_device_tag_list(call->store, device->id, tags, OTA_DEVICE_TAGS_MAX, &row.tag_count, error);
	if (!failed)
		failed = ota_device_secret_find(call->store, device->id, &secret, error);
	row.has_secret = !failed;
	failed = failed == OTA_ENOTFOUND ? 0 : failed;
	row.online = device_is_online(call, device);
	row.last_seen_ms = row.online ? call->now.wall_ms : device->last_seen_ms;
	if (!failed)
		ota_answer_device_open(call->out, NULL, &row);
	return failed;
}

static int device_answer(struct ota_call *call, const struct ota_device *device, struct ota_error *error)
{
	struct ota_task tasks[DEVICE_TASKS_SHOWN];
	size_t count = 0;
	int failed = device_open(call, device, error);

	if (!failed)
		failed = ota_task_list_of_device(call->store, device->id, tasks, DEVICE_TASKS_SHOWN, &count, error);
	ota_answer_open(call->out, "tasks", '[');
	for (size_t i = 0; !failed && i < count; i++) {
		failed = ota_call_task_open(call, &tasks[i], &device->identity, error);
		if (!failed && ota_page_has_room(call)) /* the oldest of twenty stay short where each was tried often */
			failed = ota_call_attempts(call, tasks[i].id, error);
		ota_answer_close(call->out, '}');
	}
	ota_answer_close(call->out, ']');
	ota_answer_close(call->out, '}');
	return failed;
}

int ota_handle_get_device(struct ota_call *call, struct ota_error *error)
{
	struct ota_device device;
	int failed = ota_call_device(call, &device, error);

	return failed ? failed : device_answer(call, &device, error);
}

/* With all its deliveries: else the first that changes nothing would bar it again. */
static int bar_lift(struct ota_call *call, struct ota_device *device, struct ota_error *error)
{
	struct ota_device_module modules[DEVICE_MODULES_SHOWN];
	size_t count = 0;
	int failed = ota_device_module_list(call->store, device->id, modules, DEVICE_MODULES_SHOWN, &count, error);

	for (size_t i = 0; !failed && i < count; i++) {
		modules[i].loop_count = 0;
		failed = ota_device_module_save(call->store, device->identity.product_key, &modules[i], error);
	}
	device->barred = false;
	return failed ? failed : ota_device_save(call->store, device, error);
}

int ota_handle_unbar_device(struct ota_call *call, struct ota_error *error)
{
	struct ota_device device;
	int failed = ota_call_device(call, &device, error);

	if (failed)
		return failed;
	if (!device.barred)
		return ota_fail_at(error, OTA_ECONFLICT, "deviceName", "device %s is not barred", device.identity.device_name);
	failed = bar_lift(call, &device, error);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){device.identity.product_key, .device = &device},
				       "device_unbarred", "", error);
	if (!failed)
		failed = ota_engine_wake_device(call->control->options.engine, &device, call->now, error);
	return failed ? failed : device_answer(call, &device, error);
}

static int disabled_set(struct ota_call *call, bool disabled, struct ota_error *error)
{
	struct ota_engine *engine = call->control->options.engine;
	struct ota_device device;
	int failed = ota_call_device(call, &device, error);

	if (failed)
		return failed;
	if (device.disabled == disabled)
		return ota_fail_at(error, OTA_ECONFLICT, "deviceName", disabled ? "device %s is disabled already"
										: "device %s is not disabled",
				   device.identity.device_name);
	device.disabled = disabled;
	failed = ota_device_save(call->store, &device, error);
	if (!failed)
		failed = ota_call_note(call, (struct ota_call_subject){device.identity.product_key, .device = &device},
				       disabled ? "device_disabled" : "device_enabled", "", error);
	if (!failed)
		failed = disabled ? ota_engine_shut_out(engine, &device, error) : ota_engine_let_in(engine, &device, error);
	if (!failed && !disabled)
		failed = ota_engine_wake_device(engine, &device, call->now, error);
	return failed ? failed : device_answer(call, &device, error);
}

int ota_handle_disable_device(struct ota_call *call, struct ota_error *error)
{
	return disabled_set(call, true, error);
}

int ota_handle_enable_device(struct ota_call *call, struct ota_error *error)
{
	return disabled_set(call, false, error);
}

struct device_filter {
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	char module[OTA_MODULE_MAX + 1];
	char version[OTA_VERSION_MAX + 1];
	char after[OTA_DEVICE_NAME_MAX + 1];
	char tag[OTA_DEVICE_TAG_KEY_MAX + 1]; /* "" = any */
	char value[OTA_DEVICE_TAG_VALUE_MAX + 1];
	bool by_online, online;
	bool by_disabled, disabled;
	struct ota_target *target; /* NULL = any */
};

static int device_matches(const struct ota_call *call, const struct device_filter *filter, const struct ota_device *device,
			  bool *ret_matches, struct ota_error *error)
{
	struct ota_device_tag tags[OTA_DEVICE_TAGS_MAX];
	size_t count = 0;
	bool online = device_is_online(call, device);

	*ret_matches = (!filter->by_online || online == filter->online) &&
		       (!filter->by_disabled || device->disabled == filter->disabled);
	if (!*ret_matches || !*filter->tag)
		return 0;
	int failed = ota_device_tag_list(call->store, device->id, tags, OTA_DEVICE_TAGS_MAX, &count, error);
	*ret_matches = false;
	for (size_t i = 0; i < count; i++)
		*ret_matches |= !strcmp(tags[i].tag, filter->tag) && !strcmp(tags[i].value, filter->value);
	return failed;
}

enum { DEVICES_CHUNK = 100 };

/* The next that an expression means. */
static int devices_load_meant(struct ota_call *call, const struct device_filter *filter, struct ota_device *rows,
			      size_t *ret_count, struct ota_target_walk *walk, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_prospect *prospects = calloc(DEVICES_CHUNK, sizeof(*prospects));
	const struct ota_target_scope scope = ota_call_scope(call, filter->target, filter->product_key, OTA_MODULE_DEFAULT);

	if (!prospects)
		return OTA_ENOMEM;
	int failed = ota_target_next(call->store, &scope, walk, prospects, DEVICES_CHUNK, ret_count, error);
	for (size_t i = 0; i < *ret_count; i++)
		rows[i] = prospects[i].device;
	return failed;
}

/* The next devices behind filter->after. *walk says where the chunk after them begins, and whether there is one. */
static int devices_load(struct ota_call *call, const struct device_filter *filter, struct ota_device *rows, size_t *ret_count,
			struct ota_target_walk *walk, struct ota_error *error)
{
	const struct ota_device_filter next = { filter->product_key, filter->module, filter->version,
						filter->after,       filter->tag,    filter->value,
						filter->disabled };

	ota_text_cut(walk->after, sizeof(walk->after), filter->after);
	if (filter->target)
		return devices_load_meant(call, filter, rows, ret_count, walk, error);
	int failed = ota_device_list(call->store, &next, rows, DEVICES_CHUNK, ret_count, error);
	walk->done = *ret_count < DEVICES_CHUNK;
	if (!failed && *ret_count)
		ota_text_cut(walk->after, sizeof(walk->after), rows[*ret_count - 1].identity.device_name);
	return failed;
}

/* Adds matching devices until the page is full or there are no more; filter->after moves along. */
static int devices_add(struct ota_call *call, struct device_filter *filter, size_t limit, bool *ret_more, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_device *rows = calloc(DEVICES_CHUNK, sizeof(*rows));
	struct ota_target_walk walk = {0};
	size_t count = 0, added = 0;
	int failed = rows ? 0 : OTA_ENOMEM;

	for (size_t seen = 0; !failed && !walk.done && seen < DEVICES_SCANNED_MAX;) {
		failed = devices_load(call, filter, rows, &count, &walk, error);
		seen += filter->target ? OTA_TARGET_WINDOW : count;
		for (size_t i = 0; !failed && i < count; i++) {
			bool matches = false;

			*ret_more = added == limit || !ota_page_has_room(call);
			if (*ret_more)
				return 0;
			ota_text_cut(filter->after, sizeof(filter->after), rows[i].identity.device_name);
			failed = device_matches(call, filter, &rows[i], &matches, error);
			if (failed || !matches)
				continue;
			failed = device_open(call, &rows[i], error);
			ota_answer_close(call->out, '}');
			added++;
		}
		ota_text_cut(filter->after, sizeof(filter->after), walk.after);
	}
	*ret_more = !walk.done;
	return failed;
}

static void tag_split(const struct ota_call *call, struct device_filter *filter)
{
	char pair[OTA_DEVICE_TAG_KEY_MAX + OTA_DEVICE_TAG_VALUE_MAX + 2];

	ota_call_text(call, "tag", "", pair, sizeof(pair));
	size_t key = strcspn(pair, "=");
	if (!pair[key])
		return;
	pair[key] = '\0';
	ota_text_cut(filter->tag, sizeof(filter->tag), pair);
	ota_text_cut(filter->value, sizeof(filter->value), pair + key + 1);
}

/* *ret_target stays NULL where no expression is given. */
static int where_parse(struct ota_call *call, const char *product_key, struct ota_target **ret_target, struct ota_error *error)
{
	const cJSON *where = ota_json_member(call->at.object, "where");

	if (!where)
		return 0;
	if (ota_json_member(call->at.object, "version") || ota_json_member(call->at.object, "tag"))
		return ota_fail_at(error, OTA_EINVALID, "where", "where stands alone: write version and tag into the expression");
	int failed = ota_call_where(where, "where", ret_target, error);
	return failed ? failed : ota_call_where_groups(call, product_key, *ret_target, "where", error);
}

int ota_handle_list_devices(struct ota_call *call, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_target *target = NULL;
	struct ota_product product;
	struct device_filter filter = {0};
	bool more = false;
	int failed = ota_call_product(call, &product, error);

	if (failed)
		return failed;
	ota_text_cut(filter.product_key, sizeof(filter.product_key), product.product_key);
	ota_call_text(call, "version", "", filter.version, sizeof(filter.version));
	ota_call_text(call, "module", *filter.version ? OTA_MODULE_DEFAULT : "", filter.module, sizeof(filter.module));
	if (*filter.module && !*filter.version)
		return ota_fail_at(error, OTA_EINVALID, "module", "module goes with version");
	ota_call_text(call, "after", "", filter.after, sizeof(filter.after));
	tag_split(call, &filter);
	filter.by_online = ota_json_member(call->at.object, "online") != NULL;
	filter.online = ota_call_bool(call, "online");
	filter.by_disabled = ota_json_member(call->at.object, "disabled") != NULL;
	filter.disabled = ota_call_bool(call, "disabled");
	failed = where_parse(call, filter.product_key, &target, error);
	if (failed)
		return failed;
	filter.target = target;
	ota_page_open(call);
	failed = devices_add(call, &filter, ota_call_limit(call), &more, error);
	ota_page_close_text(call, more ? filter.after : NULL);
	return failed;
}
