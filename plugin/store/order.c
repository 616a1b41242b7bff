#include "plugin/store/order.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/store/group.h"
#include "plugin/store/handle.h"
#include "plugin/store/prospect_row.h"

/* Parameters of one statement; SQLite takes 32766, PostgreSQL 65535. */
enum { PARAMETERS_MAX = 30000, VERSIONS_PAGE = 500, GROUPS_PAGE = 50 };

/* --- parameters --- */

static void parameter_add(struct ota_order *order, struct ota_order_parameter parameter)
{
	if (order->count == PARAMETERS_MAX) {
		order->too_many = true;
		return;
	}
	if (order->count == order->capacity) {
		size_t capacity = order->capacity ? 2 * order->capacity : 64;
		struct ota_order_parameter *grown = reallocarray(order->parameters, capacity, sizeof(*grown));
		if (!grown) {
			order->failed = true;
			return;
		}
		order->parameters = grown;
		order->capacity = capacity;
	}
	order->parameters[order->count++] = parameter;
	ota_bytes_format(&order->sql, "$%zu", order->count);
}

static void put(struct ota_order *order, const char *sql)
{
	ota_bytes_text(&order->sql, sql);
}

static void put_text(struct ota_order *order, struct ota_span text)
{
	struct ota_order_parameter parameter = {.is_text = true, .offset = order->texts.size};
	ota_bytes_append(&order->texts, text.data, text.size);
	ota_bytes_u8(&order->texts, '\0');
	parameter_add(order, parameter);
}

static void put_number(struct ota_order *order, int64_t number)
{
	parameter_add(order, (struct ota_order_parameter){.number = number});
}

/* --- tests --- */

/* What stands around the values of a test; the column they are compared with. */
static const struct test_rule {
	const char *head;  /* before the key */
	const char *body;  /* behind it */
	const char *column, *tail;
} test_rules[OTA_TARGET_FIELDS] = {
	[OTA_TARGET_NAME] = {"", "(", "d.device_name", ")"},
	[OTA_TARGET_PRODUCT] = {"", "(", "d.product_key", ")"},
	[OTA_TARGET_GROUP] = {"", "EXISTS (SELECT 1 FROM group_member q WHERE q.device_id = d.id AND q.group_id IN (", "", "))"},
	[OTA_TARGET_MODULE] = {"", "EXISTS (SELECT 1 FROM device_module m WHERE m.device_id = d.id AND (", "m.module", "))"},
	[OTA_TARGET_VERSION] = {"EXISTS (SELECT 1 FROM device_module m WHERE m.device_id = d.id AND m.module = ", " AND (",
				"m.version", "))"},
	[OTA_TARGET_TAG] = {"EXISTS (SELECT 1 FROM device_tag g WHERE g.device_id = d.id AND g.tag = ", " AND (", "g.value",
			    "))"},
	[OTA_TARGET_PERCENT] = {"", "(", "d.bucket", ")"},
	[OTA_TARGET_SEEN] = {"", "(", "d.last_seen_ms", ")"},
};

static int64_t characters(struct ota_span text)
{
	int64_t count = 0;
	for (size_t i = 0; i < text.size; i++)
		count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
	return count;
}

static void value_put(struct ota_order *order, const char *column, const struct ota_target_value *value)
{
	if (!value->prefix) {
		ota_bytes_format(&order->sql, "%s = ", column);
		put_text(order, value->text);
		return;
	}
	/* The number stands in the text: PostgreSQL would take the parameter for an integer of 32 bits, which no other is. */
	ota_bytes_format(&order->sql, "substr(%s, 1, %lld) = ", column, (long long)characters(value->text));
	put_text(order, value->text);
}

static void values_put(struct ota_order *order, const char *column, const struct ota_target *target,
		       const struct ota_target_test *test)
{
	for (size_t i = 0; i < test->count; i++) {
		put(order, i ? " OR " : "");
		value_put(order, column, &target->values[test->first + i]);
	}
}

/* The versions of the product's devices that pass: what the test means now, in words the database can look up. */
static int versions_put(struct ota_order *order, struct ota_store *store, const struct ota_target_scope *scope,
			const struct ota_target_test *test, struct ota_error *error)
{
	char module[OTA_MODULE_MAX + 1], after[OTA_VERSION_MAX + 1] = "";
	OTA_AUTO_FREE struct ota_version_count *rows = calloc(VERSIONS_PAGE, sizeof(*rows));
	size_t count = VERSIONS_PAGE, passed = 0;
	int failed = rows ? 0 : OTA_ENOMEM;

	if (test->key.size == 0)
		ota_text_cut(module, sizeof(module), scope->module);
	else if (!ota_text_copy(module, sizeof(module), test->key))
		count = 0; /* no module has so long a name */
	put(order, "m.version IN (");
	while (!failed && count == VERSIONS_PAGE) {
		const struct ota_version_filter next = {scope->product_key, module, after};

		failed = ota_version_list(store, &next, rows, VERSIONS_PAGE, &count, error);
		for (size_t i = 0; !failed && i < count; i++) {
			struct ota_span version = ota_span_from_text(rows[i].version);
			if (!ota_target_test_text(scope->target, test, version))
				continue;
			put(order, passed++ ? ", " : "");
			put_text(order, version);
		}
		if (!failed && count > 0)
			ota_text_cut(after, sizeof(after), rows[count - 1].version);
	}
	put(order, passed ? ")" : "NULL)");
	return failed;
}

static void group_put(struct ota_order *order, const struct ota_group *group, size_t *passed)
{
	put(order, (*passed)++ ? ", " : "");
	put_number(order, group->id);
}

/* The groups whose names begin so. */
static int groups_put_beginning(struct ota_order *order, struct ota_store *store, const char *product_key, struct ota_span begin,
				size_t *passed, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_group *rows = calloc(GROUPS_PAGE, sizeof(*rows));
	char after[OTA_GROUP_NAME_MAX + 1] = "";
	size_t count = GROUPS_PAGE;
	int failed = rows ? 0 : OTA_ENOMEM;

	while (!failed && count == GROUPS_PAGE) {
		failed = ota_group_list(store, product_key, after, rows, GROUPS_PAGE, &count, error);
		for (size_t i = 0; !failed && i < count; i++) {
			if (strlen(rows[i].name) >= begin.size && !memcmp(rows[i].name, begin.data, begin.size))
				group_put(order, &rows[i], passed);
		}
		if (!failed && count > 0)
			ota_text_cut(after, sizeof(after), rows[count - 1].name);
	}
	return failed;
}

/* The groups of the product that pass, by their ids. */
static int groups_put(struct ota_order *order, struct ota_store *store, const struct ota_target_scope *scope,
		      const struct ota_target_test *test, struct ota_error *error)
{
	size_t passed = 0;
	int failed = 0;

	for (size_t i = 0; !failed && i < test->count; i++) {
		const struct ota_target_value *value = &scope->target->values[test->first + i];
		char name[OTA_GROUP_NAME_MAX + 1];
		struct ota_group group;

		if (value->prefix) {
			failed = groups_put_beginning(order, store, scope->product_key, value->text, &passed, error);
			continue;
		}
		if (!ota_text_copy(name, sizeof(name), value->text))
			continue; /* no group has so long a name */
		failed = ota_group_find(store, scope->product_key, name, &group, error);
		if (!failed)
			group_put(order, &group, &passed);
		failed = failed == OTA_ENOTFOUND ? 0 : failed;
	}
	put(order, passed ? "" : "NULL");
	return failed;
}

static const char *const signs[] = {
	[OTA_TARGET_EQUAL] = " = ",
	[OTA_TARGET_LESS] = " < ",
	[OTA_TARGET_LESS_OR_EQUAL] = " <= ",
	[OTA_TARGET_GREATER] = " > ",
	[OTA_TARGET_GREATER_OR_EQUAL] = " >= ",
};

/* "seen < 7d" is later than 7 days ago: time runs the other way. */
static enum ota_target_compare mirrored(enum ota_target_compare compare)
{
	static const enum ota_target_compare mirror[] = {
		[OTA_TARGET_EQUAL] = OTA_TARGET_EQUAL,
		[OTA_TARGET_LESS] = OTA_TARGET_GREATER,
		[OTA_TARGET_LESS_OR_EQUAL] = OTA_TARGET_GREATER_OR_EQUAL,
		[OTA_TARGET_GREATER] = OTA_TARGET_LESS,
		[OTA_TARGET_GREATER_OR_EQUAL] = OTA_TARGET_LESS_OR_EQUAL,
	};
	return mirror[compare];
}

static void number_put(struct ota_order *order, const struct ota_target_scope *scope, const struct ota_target_test *test)
{
	bool seen = test->field == OTA_TARGET_SEEN;
	int64_t number = scope->target->values[test->first].number;

	if (seen && order->online) {
		put(order, ota_target_test_number(scope->target, test, 0) ? "1 = 1" : "1 = 0");
		return;
	}
	put(order, test_rules[test->field].column);
	put(order, signs[seen ? mirrored(test->compare) : test->compare]);
	put_number(order, seen ? scope->wall_ms - number : number);
}

static int test_put(struct ota_order *order, struct ota_store *store, const struct ota_target_scope *scope,
		    const struct ota_target_test *test, struct ota_error *error)
{
	const struct test_rule *rule = &test_rules[test->field];
	int failed = 0;

	put(order, rule->head);
	if (*rule->head)
		put_text(order, test->key.size > 0 ? test->key : ota_span_from_text(scope->module));
	put(order, rule->body);
	if (test->field == OTA_TARGET_VERSION)
		failed = versions_put(order, store, scope, test, error);
	else if (test->field == OTA_TARGET_GROUP)
		failed = groups_put(order, store, scope, test, error);
	else if (test->field == OTA_TARGET_PERCENT || test->field == OTA_TARGET_SEEN)
		number_put(order, scope, test);
	else
		values_put(order, rule->column, scope->target, test);
	put(order, rule->tail);
	return failed;
}

static int node_put(struct ota_order *order, struct ota_store *store, const struct ota_target_scope *scope, size_t index,
		    struct ota_error *error)
{
	const struct ota_target_node *node = &scope->target->nodes[index];

	if (node->kind == OTA_TARGET_TEST)
		return test_put(order, store, scope, &node->test, error);
	put(order, node->kind == OTA_TARGET_NOT ? "NOT (" : "(");
	int failed = node_put(order, store, scope, node->left, error);
	if (!failed && node->kind != OTA_TARGET_NOT) {
		put(order, node->kind == OTA_TARGET_AND ? " AND " : " OR ");
		failed = node_put(order, store, scope, node->right, error);
	}
	put(order, ")");
	return failed;
}

bool ota_order_asks_seen(const struct ota_target *target)
{
	for (size_t i = 0; i < target->node_count; i++)
		if (target->nodes[i].kind == OTA_TARGET_TEST && target->nodes[i].test.field == OTA_TARGET_SEEN)
			return true;
	return false;
}

/* The expression, or twice: as it is for devices that are away and for those that are online. */
static int expression_put(struct ota_order *order, struct ota_store *store, const struct ota_target_scope *scope,
			  const char *between, struct ota_error *error)
{
	int failed = node_put(order, store, scope, scope->target->root, error);

	if (failed || !ota_order_asks_seen(scope->target))
		return failed;
	put(order, between);
	order->online = true;
	failed = node_put(order, store, scope, scope->target->root, error);
	order->online = false;
	return failed;
}

static void names_put(struct ota_order *order, const char *column, const struct ota_order_part *part)
{
	ota_bytes_format(&order->sql, " AND %s %s ", column, part->only ? "=" : ">");
	put_text(order, ota_span_from_text(part->only ? part->only : part->after));
	if (!part->until)
		return;
	ota_bytes_format(&order->sql, " AND %s <= ", column);
	put_text(order, ota_span_from_text(part->until));
}

static void from_put(struct ota_order *order, const struct ota_target_scope *scope, const struct ota_order_part *part)
{
	struct ota_span module = ota_span_from_text(scope->module);

	put(order, part->group ? " FROM group_member l CROSS JOIN device d" : " FROM device d");
	put(order, OTA_PROSPECT_RUNS);
	put_text(order, module);
	put(order, OTA_PROSPECT_UNFINISHED);
	put_text(order, module);
}

/* Written so that a sample is found by its buckets, a group by its members, and neither by walking the product. */
static void part_put(struct ota_order *order, const struct ota_target_scope *scope, const struct ota_order_part *part)
{
	if (part->group) {
		put(order, " WHERE d.id = l.device_id AND l.group_id = ");
		put_number(order, part->group);
		names_put(order, "l.device_name", part);
		return;
	}
	put(order, part->buckets ? " WHERE d.product_key || '' = " : " WHERE d.product_key = ");
	put_text(order, ota_span_from_text(scope->product_key));
	if (!part->buckets) {
		names_put(order, "d.device_name", part);
		return;
	}
	put(order, " AND d.bucket < ");
	put_number(order, part->buckets);
}

int ota_order_make(struct ota_order *order, struct ota_store *store, const struct ota_target_scope *scope,
		   const struct ota_order_part *part, struct ota_error *error)
{
	int failed = 0;

	put(order, "SELECT " OTA_PROSPECT_COLUMNS("d.device_name"));
	if (ota_order_asks_seen(scope->target)) {
		put(order, ", CASE WHEN ");
		failed = expression_put(order, store, scope, " THEN 1 ELSE 0 END, CASE WHEN ", error);
		put(order, " THEN 1 ELSE 0 END");
	}
	from_put(order, scope, part);
	part_put(order, scope, part);
	put(order, " AND (");
	if (!failed)
		failed = expression_put(order, store, scope, " OR ", error);
	put(order, ")");
	if (!part->buckets)
		put(order, part->group ? " ORDER BY l.device_name" : " ORDER BY d.device_name");
	put(order, " LIMIT ");
	put_number(order, part->limit);
	if (!failed && order->too_many)
		return ota_fail(error, OTA_ELIMIT, "more than %d versions and groups pass the expression: narrow its ranges",
				PARAMETERS_MAX);
	if (!failed && (order->failed || order->sql.failed || order->texts.failed))
		return ota_fail(error, OTA_ENOMEM, "no memory for an expression");
	return failed;
}

void ota_order_free(struct ota_order *order)
{
	ota_bytes_free(&order->sql);
	ota_bytes_free(&order->texts);
	free(order->parameters);
}

void ota_order_start(const struct ota_order *order, struct ota_store *store, struct ota_query *query)
{
	ota_query_start_text(query, store->db, "target", order->sql.data);
	for (size_t i = 0; i < order->count; i++) {
		if (order->parameters[i].is_text)
			ota_query_text(query, order->texts.data + order->parameters[i].offset);
		else
			ota_query_integer(query, order->parameters[i].number);
	}
}
