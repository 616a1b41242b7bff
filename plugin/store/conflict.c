/* Which devices a new batch would find at work for another one: asked before tasks are made. */
#include "plugin/store/handle.h"
#include "plugin/store/task.h"

struct name_row {
	char name[OTA_DEVICE_NAME_MAX + 1];
};

/* The batch leads where its list is walked, and comes last where it only takes its own tasks out. */
static void scope_bind(const struct ota_conflict_scope *scope, bool all_devices, struct ota_query *query)
{
	if (!all_devices)
		ota_query_integer(query, scope->batch_id);
	ota_query_text(query, scope->product_key);
	ota_query_text(query, scope->module);
	if (all_devices)
		ota_query_integer(query, scope->batch_id);
}

static int conflict_count(struct ota_store *store, const struct ota_conflict_scope *scope, bool all_devices, int64_t *ret_count,
			  struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, all_devices ? OTA_SQL_CONFLICT_COUNT_ALL : OTA_SQL_CONFLICT_COUNT_TARGETS);
	scope_bind(scope, all_devices, &query);
	return ota_query_find_integer(&query, ret_count, error);
}

static int conflict_names(struct ota_store *store, const struct ota_conflict_scope *scope, struct ota_page page,
			  struct ota_error *error)
{
	static const struct ota_field name_fields[] = {OTA_FIELD(TEXT, struct name_row, name)};
	const struct ota_layout layout = OTA_LAYOUT(name_fields, struct name_row);
	struct ota_query query;

	ota_query_start(&query, store->db, scope->all_devices ? OTA_SQL_CONFLICT_NAMES_ALL : OTA_SQL_CONFLICT_NAMES_TARGETS);
	scope_bind(scope, scope->all_devices, &query);
	return ota_query_list(&query, &layout, page, error);
}

int ota_task_count_conflicts(struct ota_store *store, const struct ota_conflict_scope *scope, int64_t *ret_count,
			     char (*ret_names)[OTA_DEVICE_NAME_MAX + 1], size_t capacity, size_t *ret_named,
			     struct ota_error *error)
{
	int64_t count = 0;
	int status = conflict_count(store, scope, true, &count, error);

	/* The kept counts answer for the product at once; only if it is at work at all, the list is walked, name by name. */
	if (status == 0 && count > 0 && !scope->all_devices)
		status = conflict_count(store, scope, false, &count, error);
	if (status < 0)
		return status;
	*ret_count = count;
	*ret_named = 0;
	if (count == 0 || capacity == 0)
		return 0;
	return conflict_names(store, scope, (struct ota_page){ret_names, capacity, ret_named}, error);
}

int ota_batch_find_preparing(struct ota_store *store, const struct ota_conflict_scope *scope, int64_t *ret_batch_id,
			     struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_BATCH_FIND_PREPARING);
	ota_query_integer(&query, scope->batch_id);
	ota_query_text(&query, scope->product_key);
	ota_query_text(&query, scope->module);
	ota_query_integer(&query, scope->all_devices);
	return ota_query_find_integer(&query, ret_batch_id, error);
}
