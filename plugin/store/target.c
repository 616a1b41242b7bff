#include "plugin/store/target.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/store/group.h"
#include "plugin/store/handle.h"
#include "plugin/store/order.h"

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

struct match_row {
	int64_t id;
	char name[OTA_DEVICE_NAME_MAX + 1];
	bool away, online; /* whether it is meant if it is */
	int64_t fate;
};

static bool match_is_meant(const struct ota_target_scope *scope, const struct match_row *match)
{
	struct ota_identity identity;

	if (!ota_order_asks_seen(scope->target) || !scope->is_online)
		return match->away;
	ota_identity_make(ota_span_from_text(scope->product_key), ota_span_from_text(match->name), &identity);
	return scope->is_online(scope->context, &identity) ? match->online : match->away;
}

static int part_run(struct ota_store *store, const struct ota_target_scope *scope, const struct ota_order_part *part,
		    struct ota_page page, struct ota_error *error)
{
	static const struct ota_field fields[] = {
		OTA_FIELD(INTEGER, struct match_row, id),
		OTA_FIELD(TEXT, struct match_row, name),
		OTA_FIELD(BOOL, struct match_row, away),
		OTA_FIELD(BOOL, struct match_row, online),
		OTA_FIELD(INTEGER, struct match_row, fate),
	};
	const struct ota_layout layout = OTA_LAYOUT(fields, struct match_row);
	struct ota_order order = {0};
	struct ota_query query;
	int failed = ota_order_make(&order, store, scope, part, error);

	if (!failed) {
		ota_order_start(&order, store, &query);
		failed = ota_query_list(&query, &layout, page, error);
	}
	ota_order_free(&order);
	return failed;
}

/* Loads those that are meant; *ret_count of rows. */
static int matches_load(struct ota_store *store, const struct ota_target_scope *scope, struct ota_page matches,
			struct ota_device *rows, struct ota_error *error)
{
	const struct match_row *match = matches.rows;
	size_t count = *matches.ret_count;

	*matches.ret_count = 0;
	for (size_t i = 0; i < count; i++, match++) {
		if (!match_is_meant(scope, match))
			continue;
		int failed = ota_device_load(store, match->id, &rows[(*matches.ret_count)++], error);
		if (failed)
			return failed;
	}
	return 0;
}

static int window_walk(struct ota_store *store, const struct ota_target_scope *scope, struct ota_target_walk *walk,
		       struct ota_page page, struct ota_error *error)
{
	struct ota_group_member end = {""};
	struct ota_group lead;
	int failed = lead_find(store, scope, &lead, error);

	walk->done = failed == OTA_ENOTFOUND;
	if (failed)
		return walk->done ? 0 : failed;
	failed = window_end(store, scope, &lead, walk->after, &end, error);
	bool last = failed == OTA_ENOTFOUND;
	const struct ota_order_part part = {.group = lead.id, .after = walk->after, .until = last ? NULL : end.device_name};
	if (!failed || last)
		failed = part_run(store, scope, &part, page, error);
	if (failed)
		return failed;
	const struct match_row *matches = page.rows;
	bool full = *page.ret_count == page.capacity;
	walk->done = last && !full;
	if (!walk->done)
		ota_text_cut(walk->after, sizeof(walk->after), full ? matches[page.capacity - 1].name : end.device_name);
	return 0;
}

int ota_target_next(struct ota_store *store, const struct ota_target_scope *scope, struct ota_target_walk *walk,
		    struct ota_device *rows, size_t capacity, size_t *ret_count, struct ota_error *error)
{
	OTA_AUTO_FREE struct match_row *matches = calloc(capacity, sizeof(*matches));
	const struct ota_page page = {matches, capacity, ret_count};

	*ret_count = 0;
	int failed = matches ? window_walk(store, scope, walk, page, error) : OTA_ENOMEM;
	return failed ? failed : matches_load(store, scope, page, rows, error);
}

/* Of a sample, each stands for `whole` / `part` of them. */
static void tally_make(const struct ota_target_scope *scope, struct ota_page matches, int64_t whole, int64_t part,
		       struct ota_target_tally *tally)
{
	const struct match_row *match = matches.rows;

	for (size_t i = 0; i < *matches.ret_count; i++, match++) {
		if (!match_is_meant(scope, match) || match->fate < 0 || match->fate >= OTA_TARGET_FATES)
			continue;
		tally->fates[match->fate]++;
		if (match->fate == OTA_TARGET_FATE_CONFLICT && tally->named < OTA_TARGET_CONFLICTS_NAMED)
			ota_text_cut(tally->conflicts[tally->named++], sizeof(tally->conflicts[0]), match->name);
	}
	for (size_t i = 0; i < OTA_TARGET_FATES; i++) {
		tally->fates[i] = tally->fates[i] * whole / part;
		tally->count += tally->fates[i];
	}
}

int ota_target_count(struct ota_store *store, const struct ota_target_scope *scope, int64_t devices,
		     struct ota_target_tally *ret_tally, struct ota_error *error)
{
	enum { BUCKETS = 1000000, SLACK = 2 }; /* a sample comes out a little larger or smaller than it was meant */
	size_t capacity = (size_t)OTA_TARGET_SAMPLE * SLACK, count = 0;
	OTA_AUTO_FREE struct match_row *matches = calloc(capacity, sizeof(*matches));
	const struct ota_page page = {matches, capacity, &count};
	struct ota_group lead;
	int failed = matches ? lead_find(store, scope, &lead, error) : OTA_ENOMEM;

	*ret_tally = (struct ota_target_tally){.count = 0};
	if (failed)
		return failed == OTA_ENOTFOUND ? 0 : failed;
	bool led = lead.id && lead.members <= OTA_TARGET_SAMPLE;
	bool estimated = !led && devices > OTA_TARGET_SAMPLE;
	int64_t buckets = estimated ? (int64_t)OTA_TARGET_SAMPLE * BUCKETS / devices : BUCKETS;
	const struct ota_order_part part = {
		.group = led ? lead.id : 0, .after = "", .buckets = estimated ? buckets : 0};
	failed = part_run(store, scope, &part, page, error);
	if (failed)
		return failed;
	ret_tally->estimated = estimated;
	tally_make(scope, page, BUCKETS, buckets, ret_tally);
	return 0;
}
