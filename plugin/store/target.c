#include "plugin/store/target.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/store/group.h"
#include "plugin/store/handle.h"
#include "plugin/store/order.h"
#include "plugin/store/prospect_row.h"

/* The group whose members are walked in place of the product, if the expression has one: id 0 = it has none. OTA_ENOTFOUND: it
 * names one that does not exist, so nobody is meant. */
static int lead_find(struct ota_store *store, const struct ota_target_scope *scope, struct ota_group *ret_group,
		     struct ota_error *error)
{
	const struct ota_target_value *lead = ota_target_lead(scope->target);
	char name[OTA_GROUP_NAME_MAX + 1];

	*ret_group = (struct ota_group){.id = 0};
	if (!lead)
		return 0;
	if (!ota_text_copy(name, sizeof(name), lead->text))
		return OTA_ENOTFOUND;
	return ota_group_find(store, scope->product_key, name, ret_group, error);
}

/* The last name of the next window; OTA_ENOTFOUND when what is walked ends in it. */
static int window_end(struct ota_store *store, const struct ota_target_scope *scope, const struct ota_group *lead,
		      const char *after, struct ota_group_member *ret_end, struct ota_error *error)
{
	static const struct ota_field fields[] = {OTA_FIELD(TEXT, struct ota_group_member, device_name)};
	const struct ota_layout layout = OTA_LAYOUT(fields, struct ota_group_member);
	struct ota_query query;

	if (lead->id)
		return ota_group_skip_members(store, lead, after, OTA_TARGET_WINDOW, ret_end, error);
	ota_query_start(&query, store->db, OTA_SQL_DEVICE_NAME_BEHIND);
	ota_query_text(&query, scope->product_key);
	ota_query_text(&query, after);
	ota_query_integer(&query, OTA_TARGET_WINDOW - 1);
	return ota_query_find(&query, &layout, ret_end, error);
}

static bool row_is_meant(const struct ota_target_scope *scope, const struct ota_prospect *row, struct ota_query *query)
{
	bool online;

	if (!ota_order_asks_seen(scope->target))
		return true;
	online = scope->is_online && scope->is_online(scope->context, &row->device.identity);
	return ota_query_column_integer(query, online ? OTA_ORDER_ONLINE : OTA_ORDER_AWAY) == 1;
}

/* Gives each of those that are meant to somebody, until he has enough. */
typedef bool take(void *context, const struct ota_prospect *prospect);

static int rows_take(struct ota_query *query, const struct ota_target_scope *scope, take *give, void *context,
		     struct ota_error *error)
{
	struct ota_prospect row;
	bool enough = false;
	int status = 0;

	while (!enough && (status = ota_query_step(query, error)) > 0) {
		memset(&row, 0, sizeof(row));
		status = ota_row_read(&ota_prospect_layout, query, &row, error);
		if (status < 0)
			break;
		if (row_is_meant(scope, &row, query))
			enough = !give(context, &row);
	}
	return status < 0 ? status : 0;
}

/* Who takes what is meant. */
struct taker {
	take *give;
	void *context;
};

static int part_run(struct ota_store *store, const struct ota_target_scope *scope, const struct ota_order_part *part,
		    struct taker taker, struct ota_error *error)
{
	struct ota_order order = {0};
	struct ota_query query;
	int failed = ota_order_make(&order, store, scope, part, error);

	if (!failed) {
		ota_order_start(&order, store, &query);
		failed = rows_take(&query, scope, taker.give, taker.context, error);
		ota_query_end(&query);
	}
	ota_order_free(&order);
	return failed;
}

/* --- the walk --- */

struct list {
	struct ota_prospect *rows;
	size_t capacity, count;
};

static bool list_take(void *context, const struct ota_prospect *prospect)
{
	struct list *list = context;

	list->rows[list->count++] = *prospect;
	return list->count < list->capacity;
}

static int window_walk(struct ota_store *store, const struct ota_target_scope *scope, struct ota_target_walk *walk,
		       struct list *list, struct ota_error *error)
{
	struct ota_group_member end = {""};
	struct ota_group lead;
	int failed = lead_find(store, scope, &lead, error);

	walk->done = failed == OTA_ENOTFOUND;
	if (failed)
		return walk->done ? 0 : failed;
	failed = window_end(store, scope, &lead, walk->after, &end, error);
	bool last = failed == OTA_ENOTFOUND;
	const struct ota_order_part part = {
		.group = lead.id, .after = walk->after, .until = last ? NULL : end.device_name, .limit = OTA_TARGET_WINDOW};
	if (!failed || last)
		failed = part_run(store, scope, &part, (struct taker){list_take, list}, error);
	if (failed)
		return failed;
	bool full = list->count == list->capacity;
	walk->done = last && !full;
	if (!walk->done)
		ota_text_cut(walk->after, sizeof(walk->after),
			     full ? list->rows[list->count - 1].device.identity.device_name : end.device_name);
	return 0;
}

int ota_target_next(struct ota_store *store, const struct ota_target_scope *scope, struct ota_target_walk *walk,
		    struct ota_prospect *rows, size_t capacity, size_t *ret_count, struct ota_error *error)
{
	struct list list = {rows, capacity, 0};
	int failed = window_walk(store, scope, walk, &list, error);

	*ret_count = list.count;
	return failed;
}

int ota_target_means(struct ota_store *store, const struct ota_target_scope *scope, const char *device_name, bool *ret_means,
		     struct ota_error *error)
{
	const struct ota_order_part part = {.only = device_name, .limit = 1};
	struct ota_prospect row;
	struct list list = {&row, 1, 0};
	int failed = part_run(store, scope, &part, (struct taker){list_take, &list}, error);

	*ret_means = list.count > 0;
	return failed;
}

/* --- the count --- */

/* In the order of the preparation. */
static enum ota_target_fate fate_of(const struct ota_prospect *prospect, const char *version)
{
	if (!version)
		return OTA_TARGET_FATE_TASK;
	if (prospect->device.barred || prospect->device.disabled)
		return OTA_TARGET_FATE_BARRED;
	if (!strcmp(prospect->version, version))
		return OTA_TARGET_FATE_AT_TARGET;
	return prospect->unfinished ? OTA_TARGET_FATE_CONFLICT : OTA_TARGET_FATE_TASK;
}

struct counting {
	const char *version;
	struct ota_target_tally *tally;
};

static bool count_take(void *context, const struct ota_prospect *prospect)
{
	const struct counting *counting = context;
	struct ota_target_tally *tally = counting->tally;
	enum ota_target_fate fate = fate_of(prospect, counting->version);

	tally->fates[fate]++;
	if (fate == OTA_TARGET_FATE_CONFLICT && tally->named < OTA_TARGET_CONFLICTS_NAMED)
		ota_text_cut(tally->conflicts[tally->named++], sizeof(tally->conflicts[0]),
			     prospect->device.identity.device_name);
	return true;
}

int ota_target_count(struct ota_store *store, const struct ota_target_scope *scope, int64_t devices,
		     struct ota_target_tally *ret_tally, struct ota_error *error)
{
	enum { BUCKETS = 1000000, SLACK = 2 }; /* a sample comes out a little larger or smaller than it was meant */
	struct counting counting = {scope->version, ret_tally};
	struct ota_group lead;
	int failed = lead_find(store, scope, &lead, error);

	*ret_tally = (struct ota_target_tally){.count = 0};
	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	bool led = lead.id && lead.members <= OTA_TARGET_SAMPLE;
	bool estimated = !led && devices > OTA_TARGET_SAMPLE;
	int64_t buckets = estimated ? (int64_t)OTA_TARGET_SAMPLE * BUCKETS / devices : BUCKETS;
	const struct ota_order_part part = {.group = led ? lead.id : 0,
					    .after = "",
					    .buckets = estimated ? buckets : 0,
					    .limit = (int64_t)OTA_TARGET_SAMPLE * SLACK};
	failed = part_run(store, scope, &part, (struct taker){count_take, &counting}, error);
	ret_tally->estimated = estimated;
	for (size_t i = 0; i < OTA_TARGET_FATES; i++) {
		ret_tally->fates[i] = ret_tally->fates[i] * BUCKETS / buckets;
		ret_tally->count += ret_tally->fates[i];
	}
	return failed;
}
