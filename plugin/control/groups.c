/* Groups of devices: who is in them, and who may not go yet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/topic.h"
#include "plugin/control/call.h"
#include "plugin/store/group.h"

enum { UNKNOWN_NAMED = 20, WHERES_CHUNK = 16 };

static void group_open(struct ota_call *call, const struct ota_group *group)
{
	ota_answer_open(call->out, NULL, '{');
	ota_answer_text(call->out, "productKey", group->product_key);
	ota_answer_text(call->out, "group", group->name);
	ota_answer_integer(call->out, "members", group->members);
}

static void group_answer(struct ota_call *call, const struct ota_group *group)
{
	group_open(call, group);
	ota_answer_integer(call->out, "createdAt", group->created_ms);
	ota_answer_text(call->out, "createdBy", group->created_by);
	ota_answer_integer(call->out, "rev", group->rev);
	ota_answer_close(call->out, '}');
}

/* The product is only where the group is: ifRev means the group. */
static int product_check(struct ota_call *call, char key[OTA_PRODUCT_KEY_MAX + 1], struct ota_error *error)
{
	struct ota_product product;

	ota_call_text(call, "productKey", "", key, OTA_PRODUCT_KEY_MAX + 1);
	int failed = ota_product_find(call->store, key, &product, error);
	return failed == OTA_ENOTFOUND ? ota_fail_at(error, failed, "productKey", "product %s does not exist", key) : failed;
}

static int group_find(struct ota_call *call, struct ota_group *ret_group, struct ota_error *error)
{
	char name[OTA_GROUP_NAME_MAX + 1], key[OTA_PRODUCT_KEY_MAX + 1];
	int failed = product_check(call, key, error);

	if (failed)
		return failed;
	ota_call_text(call, "group", "", name, sizeof(name));
	failed = ota_group_find(call->store, key, name, ret_group, error);
	if (failed == OTA_ENOTFOUND)
		return ota_fail_at(error, failed, "group", "product %s has no group %s", key, name);
	return failed ? failed : ota_call_rev(call, "group", ret_group->rev, error);
}

static int group_note(struct ota_call *call, const struct ota_group *group, const char *event, const char *detail,
		      struct ota_error *error)
{
	char text[OTA_GROUP_NAME_MAX + 128];

	snprintf(text, sizeof(text), "%s%s%s", group->name, *detail ? ": " : "", detail);
	return ota_call_note(call, (struct ota_call_subject){ group->product_key }, event, text, error);
}

/* The first command that names a group makes it. */
static int group_find_or_make(struct ota_call *call, struct ota_group *ret_group, struct ota_error *error)
{
	struct ota_group group = { .rev = 1, .created_ms = call->now.wall_ms };
	int failed = product_check(call, group.product_key, error);

	if (failed)
		return failed;
	ota_call_text(call, "group", "", group.name, sizeof(group.name));
	failed = ota_group_find(call->store, group.product_key, group.name, ret_group, error);
	if (!failed)
		return ota_call_rev(call, "group", ret_group->rev, error);
	if (failed != OTA_ENOTFOUND)
		return failed;
	ota_text_cut(group.created_by, sizeof(group.created_by), call->operator.name);
	group.id = ota_store_new_id(call->store, error);
	failed = group.id ? ota_group_insert(call->store, &group, error) : OTA_EIO;
	*ret_group = group;
	return failed ? failed : group_note(call, ret_group, "group_created", "", error);
}

/* What a list of names came to. */
struct sums {
	int64_t changed, unchanged, unknown;
	const char *names[UNKNOWN_NAMED]; /* of the unknown, the first ones; borrowed */
};

static int member_change(struct ota_call *call, const struct ota_group *group, const char *name, bool add, struct sums *sums,
			 struct ota_error *error)
{
	struct ota_identity identity;
	struct ota_device device;
	bool changed = false;

	ota_identity_make(ota_span_from_text(group->product_key), ota_span_from_text(name), &identity);
	int failed = ota_device_find(call->store, &identity, &device, error);
	if (failed == OTA_ENOTFOUND) {
		if (sums->unknown < UNKNOWN_NAMED)
			sums->names[sums->unknown] = name;
		sums->unknown++;
		return 0;
	}
	if (!failed)
		failed = add ? ota_group_add_member(call->store, group, &device, &changed, error)
			     : ota_group_remove_member(call->store, group, name, &changed, error);
	if (!failed && changed)
		failed = ota_engine_wake_device(call->control->options.engine, &device, call->now, error);
	sums->changed += changed;
	sums->unchanged += !changed;
	return failed;
}

static int members_change(struct ota_call *call, struct ota_group *group, bool add, struct sums *sums, struct ota_error *error)
{
	const cJSON *names = NULL, *name;
	int failed = 0;

	ota_json_array(call->at, "names", &names, NULL);
	cJSON_ArrayForEach(name, names)
	{
		if (!failed)
			failed = member_change(call, group, name->valuestring, add, sums, error);
	}
	if (failed || !sums->changed)
		return failed;
	return ota_group_count(call->store, group, add ? sums->changed : -sums->changed, error);
}

/* Words for the two ways members change. */
struct change {
	const char *event, *changed, *unchanged;
};

static int members_answer(struct ota_call *call, const struct ota_group *group, const struct change *change,
			  const struct sums *sums, struct ota_error *error)
{
	char detail[128];

	group_open(call, group);
	ota_answer_integer(call->out, change->changed, sums->changed);
	ota_answer_integer(call->out, change->unchanged, sums->unchanged);
	ota_answer_integer(call->out, "unknown", sums->unknown);
	ota_answer_open(call->out, "unknownNames", '[');
	for (int64_t i = 0; i < sums->unknown && i < UNKNOWN_NAMED; i++)
		ota_answer_text(call->out, NULL, sums->names[i]);
	ota_answer_close(call->out, ']');
	ota_answer_close(call->out, '}');
	if (!sums->changed)
		return 0;
	snprintf(detail, sizeof(detail), "%lld %s, %lld %s, %lld unknown", (long long)sums->changed, change->changed,
		 (long long)sums->unchanged, change->unchanged, (long long)sums->unknown);
	return group_note(call, group, change->event, detail, error);
}

int ota_handle_add_to_group(struct ota_call *call, struct ota_error *error)
{
	static const struct change change = { "group_members_added", "added", "already" };
	struct ota_group group;
	struct sums sums = { 0 };
	int failed = group_find_or_make(call, &group, error);

	if (!failed)
		failed = members_change(call, &group, true, &sums, error);
	return failed ? failed : members_answer(call, &group, &change, &sums, error);
}

int ota_handle_remove_from_group(struct ota_call *call, struct ota_error *error)
{
	static const struct change change = { "group_members_removed", "removed", "absent" };
	struct ota_group group;
	struct sums sums = { 0 };
	int failed = group_find(call, &group, error);

	if (!failed)
		failed = members_change(call, &group, false, &sums, error);
	return failed ? failed : members_answer(call, &group, &change, &sums, error);
}

int ota_handle_get_group(struct ota_call *call, struct ota_error *error)
{
	struct ota_group group;
	int failed = group_find(call, &group, error);

	if (!failed)
		group_answer(call, &group);
	return failed;
}

int ota_handle_list_groups(struct ota_call *call, struct ota_error *error)
{
	char after[OTA_GROUP_NAME_MAX + 1];
	size_t limit = ota_call_limit(call), count = 0, i = 0;
	OTA_AUTO_FREE struct ota_group *rows = calloc(limit, sizeof(*rows));
	struct ota_product product;
	int failed = rows ? ota_call_product(call, &product, error) : OTA_ENOMEM;

	ota_call_text(call, "after", "", after, sizeof(after));
	if (!failed)
		failed = ota_group_list(call->store, product.product_key, after, rows, limit, &count, error);
	if (failed)
		return failed;
	ota_page_open(call);
	for (; i < count && ota_page_has_room(call); i++)
		group_answer(call, &rows[i]);
	ota_page_close_text(call, i && (i < count || count == limit) ? rows[i - 1].name : NULL);
	return 0;
}

int ota_handle_list_group_members(struct ota_call *call, struct ota_error *error)
{
	char after[OTA_DEVICE_NAME_MAX + 1];
	size_t limit = ota_call_limit(call), count = 0, i = 0;
	OTA_AUTO_FREE struct ota_group_member *rows = calloc(limit, sizeof(*rows));
	struct ota_group group;
	int failed = rows ? group_find(call, &group, error) : OTA_ENOMEM;

	ota_call_text(call, "after", "", after, sizeof(after));
	if (!failed)
		failed = ota_group_list_members(call->store, &group, after, rows, limit, &count, error);
	if (failed)
		return failed;
	ota_page_open(call);
	for (; i < count && ota_page_has_room(call); i++) {
		ota_answer_open(call->out, NULL, '{');
		ota_answer_text(call->out, "deviceName", rows[i].device_name);
		ota_answer_close(call->out, '}');
	}
	ota_page_close_text(call, i && (i < count || count == limit) ? rows[i - 1].device_name : NULL);
	return 0;
}

static bool where_names(const struct ota_batch_where *where, const char *group, struct ota_target *target)
{
	return !ota_target_parse(ota_span_from_text(where->expression), target, NULL) && ota_target_names_group(target, group);
}

/* A batch whose expression will still be asked would silently mean fewer devices, or, with `not`, more. */
static int users_refuse(struct ota_call *call, const struct ota_group *group, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_batch_open_where *rows = calloc(WHERES_CHUNK, sizeof(*rows));
	OTA_AUTO_FREE struct ota_target *target = malloc(sizeof(*target));
	size_t count = WHERES_CHUNK;
	int64_t after = 0;
	int failed = rows && target ? 0 : OTA_ENOMEM;

	while (!failed && count == WHERES_CHUNK) {
		failed = ota_batch_list_open_where(call->store, group->product_key, after, rows, WHERES_CHUNK, &count, error);
		for (size_t i = 0; !failed && i < count; i++) {
			after = rows[i].batch_id;
			if (where_names(&rows[i].where, group->name, target))
				return ota_fail_at(error, OTA_ECONFLICT, "group",
						   "batch %lld still takes its devices by group %s; cancel it first, or wait"
						   " until it is prepared",
						   (long long)after, group->name);
		}
	}
	return failed;
}

int ota_handle_delete_group(struct ota_call *call, struct ota_error *error)
{
	struct ota_group group;
	char detail[64];
	int failed = group_find(call, &group, error);

	if (!failed)
		failed = users_refuse(call, &group, error);
	if (!failed)
		failed = ota_group_delete(call->store, &group, error);
	if (failed)
		return failed;
	snprintf(detail, sizeof(detail), "it had %lld members", (long long)group.members);
	failed = group_note(call, &group, "group_deleted", detail, error);
	if (!failed)
		group_answer(call, &group);
	return failed;
}
