#include "plugin/store/group.h"

#include "plugin/store/handle.h"

static const struct ota_field group_fields[] = {
	OTA_FIELD(INTEGER, struct ota_group, id),
	OTA_FIELD(INTEGER, struct ota_group, rev),
	OTA_FIELD(TEXT, struct ota_group, product_key),
	OTA_FIELD(TEXT, struct ota_group, name),
	OTA_FIELD(INTEGER, struct ota_group, created_ms),
	OTA_FIELD(TEXT, struct ota_group, created_by),
	OTA_FIELD(INTEGER, struct ota_group, members),
};
static const struct ota_layout group_layout = OTA_LAYOUT(group_fields, struct ota_group);

static const struct ota_field name_fields[] = {OTA_FIELD(TEXT, struct ota_group_name, text)};
static const struct ota_layout name_layout = OTA_LAYOUT(name_fields, struct ota_group_name);

static const struct ota_field member_fields[] = {OTA_FIELD(TEXT, struct ota_group_member, device_name)};
static const struct ota_layout member_layout = OTA_LAYOUT(member_fields, struct ota_group_member);

int ota_group_insert(struct ota_store *store, const struct ota_group *group, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_GROUP_INSERT);
	ota_row_bind(&group_layout, group, &query);
	return ota_query_run_one(&query, error, "group %s of product %s exists", group->name, group->product_key);
}

int ota_group_find(struct ota_store *store, const char *product_key, const char *name, struct ota_group *ret_group,
		   struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_GROUP_FIND);
	ota_query_text(&query, product_key);
	ota_query_text(&query, name);
	return ota_query_find(&query, &group_layout, ret_group, error);
}

int ota_group_list(struct ota_store *store, const char *product_key, const char *after, struct ota_group *rows, size_t capacity,
		   size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_GROUP_LIST);
	ota_query_text(&query, product_key);
	ota_query_text(&query, after);
	return ota_query_list(&query, &group_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_group_count(struct ota_store *store, struct ota_group *group, int64_t more, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_GROUP_COUNT);
	ota_query_integer(&query, more);
	ota_query_integer(&query, group->id);
	ota_query_integer(&query, group->rev);
	int failed = ota_query_run_one(&query, error, "group %s was changed meanwhile", group->name);
	if (failed)
		return failed;
	group->members += more;
	group->rev++;
	return 0;
}

int ota_group_delete(struct ota_store *store, const struct ota_group *group, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_GROUP_DELETE);
	ota_query_integer(&query, group->id);
	ota_query_integer(&query, group->rev);
	return ota_query_run_one(&query, error, "group %s was changed meanwhile", group->name);
}

static int group_forget(struct ota_store *store, int64_t id, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_GROUP_FORGET);
	ota_query_integer(&query, id);
	int status = ota_query_run(&query, error);
	return status < 0 ? status : 0;
}

int ota_group_purge(struct ota_store *store, int64_t limit, struct ota_error *error)
{
	struct ota_query query;
	int64_t id = 0;

	ota_query_start(&query, store->db, OTA_SQL_GROUP_FIND_GONE);
	int failed = ota_query_find_integer(&query, &id, error);
	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	ota_query_start(&query, store->db, OTA_SQL_MEMBER_PURGE);
	ota_query_integer(&query, id);
	ota_query_integer(&query, limit);
	int removed = ota_query_run(&query, error);
	if (removed < 0 || removed == limit)
		return removed < 0 ? removed : 0;
	return group_forget(store, id, error);
}

int ota_group_list_of_device(struct ota_store *store, int64_t device_id, struct ota_group_name *rows, size_t capacity,
			     size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_GROUP_LIST_OF_DEVICE);
	ota_query_integer(&query, device_id);
	return ota_query_list(&query, &name_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

/* A write whose count of changed rows is the answer. */
static int run_changed(struct ota_query *query, bool *ret_changed, struct ota_error *error)
{
	int status = ota_query_run(query, error);

	*ret_changed = status > 0;
	return status < 0 ? status : 0;
}

int ota_group_add_member(struct ota_store *store, const struct ota_group *group, const struct ota_device *device,
			 bool *ret_changed, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_MEMBER_INSERT);
	ota_query_integer(&query, group->id);
	ota_query_text(&query, device->identity.device_name);
	ota_query_integer(&query, device->id);
	return run_changed(&query, ret_changed, error);
}

int ota_group_remove_member(struct ota_store *store, const struct ota_group *group, const char *device_name, bool *ret_changed,
			    struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_MEMBER_REMOVE);
	ota_query_integer(&query, group->id);
	ota_query_text(&query, device_name);
	return run_changed(&query, ret_changed, error);
}

int ota_group_list_members(struct ota_store *store, const struct ota_group *group, const char *after,
			   struct ota_group_member *rows, size_t capacity, size_t *ret_count, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_MEMBER_LIST);
	ota_query_integer(&query, group->id);
	ota_query_text(&query, after);
	return ota_query_list(&query, &member_layout, (struct ota_page){rows, capacity, ret_count}, error);
}

int ota_group_skip_members(struct ota_store *store, const struct ota_group *group, const char *after, int64_t count,
			   struct ota_group_member *ret_member, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_MEMBER_NAME_BEHIND);
	ota_query_integer(&query, group->id);
	ota_query_text(&query, after);
	ota_query_integer(&query, count - 1);
	return ota_query_find(&query, &member_layout, ret_member, error);
}
