#include "plugin/store/target.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/store/handle.h"
#include "plugin/store/prospect_row.h"

/* Parameters of one statement; SQLite takes 32766, PostgreSQL 65535. */
enum { PARAMETERS_MAX = 30000, VERSIONS_PAGE = 500 };

struct parameter {
	bool is_text;
	int64_t number;
	size_t offset; /* of a text with its NUL, in texts */
};

struct order {
	struct ota_bytes sql, texts;
	struct parameter *parameters;
	size_t count, capacity;
	bool failed; /* no memory */
	bool too_many;
	bool online; /* what is put now is for devices that are online */
};

static void order_free(struct order *order)
{
	ota_bytes_free(&order->sql);
	ota_bytes_free(&order->texts);
	free(order->parameters);
}

/* --- parameters --- */

static void parameter_add(struct order *order, struct parameter parameter)
{
	if (order->count == PARAMETERS_MAX) {
		order->too_many = true;
		return;
	}
	if (order->count == order->capacity) {
		size_t capacity = order->capacity ? 2 * order->capacity : 64;
		struct parameter *grown = reallocarray(order->parameters, capacity, sizeof(*grown));
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

static void put(struct order *order, const char *sql)
{
	ota_bytes_text(&order->sql, sql);
}

static void put_text(struct order *order, struct ota_span text)
{
	struct parameter parameter = {.is_text = true, .offset = order->texts.size};
	ota_bytes_append(&order->texts, text.data, text.size);
	ota_bytes_u8(&order->texts, '\0');
	parameter_add(order, parameter);
}

static void put_number(struct order *order, int64_t number)
{
	parameter_add(order, (struct parameter){.number = number});
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

static void value_put(struct order *order, const char *column, const struct ota_target_value *value)
{
	if (!value->prefix) {
		ota_bytes_format(&order->sql, "%s = ", column);
		put_text(order, value->text);
		return;
	}
	ota_bytes_format(&order->sql, "substr(%s, 1, ", column);
	put_number(order, characters(value->text));
	put(order, ") = ");
	put_text(order, value->text);
}

static void values_put(struct order *order, const char *column, const struct ota_target *target,
		       const struct ota_target_test *test)
{
	for (size_t i = 0; i < test->count; i++) {
		put(order, i ? " OR " : "");
		value_put(order, column, &target->values[test->first + i]);
	}
}

/* The versions of the product's devices that pass: what the test means now, in words the database can look up. */
static int versions_put(struct order *order, struct ota_store *store, const struct ota_target_scope *scope,
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

static void number_put(struct order *order, const struct ota_target_scope *scope, const struct ota_target_test *test)
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

static int test_put(struct order *order, struct ota_store *store, const struct ota_target_scope *scope,
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
	else if (test->field == OTA_TARGET_PERCENT || test->field == OTA_TARGET_SEEN)
		number_put(order, scope, test);
	else
		values_put(order, rule->column, scope->target, test);
	put(order, rule->tail);
	return failed;
}

static int node_put(struct order *order, struct ota_store *store, const struct ota_target_scope *scope, size_t index,
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

/* --- the walk --- */

struct name_row {
	char name[OTA_DEVICE_NAME_MAX + 1];
};

/* The last name of the next window; OTA_ENOTFOUND when the product ends in it. */
static int window_end(struct ota_store *store, const struct ota_target_scope *scope, const char *after, struct name_row *ret_row,
		      struct ota_error *error)
{
	static const struct ota_field fields[] = {OTA_FIELD(TEXT, struct name_row, name)};
	const struct ota_layout layout = OTA_LAYOUT(fields, struct name_row);
	struct ota_query query;

	ota_query_start(&query, store->db, OTA_SQL_DEVICE_NAME_BEHIND);
	ota_query_text(&query, scope->product_key);
	ota_query_text(&query, after);
	ota_query_integer(&query, OTA_TARGET_WINDOW - 1);
	return ota_query_find(&query, &layout, ret_row, error);
}

static bool names_seen(const struct ota_target *target)
{
	for (size_t i = 0; i < target->node_count; i++)
		if (target->nodes[i].kind == OTA_TARGET_TEST && target->nodes[i].test.field == OTA_TARGET_SEEN)
			return true;
	return false;
}

/* The expression, or twice: as it is for devices that are away and for those that are online. */
static int expression_put(struct order *order, struct ota_store *store, const struct ota_target_scope *scope, const char *between,
			  struct ota_error *error)
{
	int failed = node_put(order, store, scope, scope->target->root, error);

	if (failed || !names_seen(scope->target))
		return failed;
	put(order, between);
	order->online = true;
	failed = node_put(order, store, scope, scope->target->root, error);
	order->online = false;
	return failed;
}

/* Which devices of the product are looked at. */
struct part {
	const char *after, *until; /* names; until NULL = to the end */
	int64_t buckets;           /* those below; 0 = any, by name */
	int64_t limit;
};

static void part_put(struct order *order, const struct ota_target_scope *scope, const struct part *part)
{
	/* Written so that a sample is found by its buckets, not by walking the product. */
	put(order, part->buckets ? "d.product_key || '' = " : "d.product_key = ");
	put_text(order, ota_span_from_text(scope->product_key));
	if (part->buckets) {
		put(order, " AND d.bucket < ");
		put_number(order, part->buckets);
		return;
	}
	put(order, " AND d.device_name > ");
	put_text(order, ota_span_from_text(part->after));
	if (part->until) {
		put(order, " AND d.device_name <= ");
		put_text(order, ota_span_from_text(part->until));
	}
}

/* What is read of each device; where its name stands in it, and, if the expression asks when it was seen, whether it is meant
 * while it is away and behind that while it is online. */
struct reading {
	const char *columns;
	int name, meant;
	bool prospects; /* with what they run and their unfinished task */
};

static const struct reading reading_prospects = {OTA_PROSPECT_COLUMNS("d.device_name"), 3, 13, true};
static const struct reading reading_names = {"d.device_name", 0, 1, false};

static void reading_put(struct order *order, const struct ota_target_scope *scope, const struct reading *reading)
{
	struct ota_span module = ota_span_from_text(scope->module);

	put(order, " FROM device d");
	if (!reading->prospects)
		return;
	put(order, OTA_PROSPECT_RUNS);
	put_text(order, module);
	put(order, OTA_PROSPECT_UNFINISHED);
	put_text(order, module);
}

static int order_make(struct order *order, struct ota_store *store, const struct ota_target_scope *scope, const struct part *part,
		      const struct reading *reading, struct ota_error *error)
{
	int failed = 0;

	ota_bytes_format(&order->sql, "SELECT %s", reading->columns);
	if (names_seen(scope->target)) {
		put(order, ", CASE WHEN ");
		failed = expression_put(order, store, scope, " THEN 1 ELSE 0 END, CASE WHEN ", error);
		put(order, " THEN 1 ELSE 0 END");
	}
	reading_put(order, scope, reading);
	put(order, " WHERE ");
	part_put(order, scope, part);
	put(order, " AND (");
	if (!failed)
		failed = expression_put(order, store, scope, " OR ", error);
	put(order, part->buckets ? ")" : ") ORDER BY d.device_name");
	put(order, " LIMIT ");
	put_number(order, part->limit);
	if (!failed && order->too_many)
		return ota_fail(error, OTA_ELIMIT, "more than %d versions pass the expression: narrow its ranges",
				PARAMETERS_MAX);
	if (!failed && (order->failed || order->sql.failed || order->texts.failed))
		return ota_fail(error, OTA_ENOMEM, "no memory for an expression");
	return failed;
}

static void order_start(const struct order *order, struct ota_store *store, struct ota_query *query)
{
	ota_query_start_text(query, store->db, "target", order->sql.data);
	for (size_t i = 0; i < order->count; i++) {
		if (order->parameters[i].is_text)
			ota_query_text(query, order->texts.data + order->parameters[i].offset);
		else
			ota_query_integer(query, order->parameters[i].number);
	}
}

static bool row_is_meant(const struct ota_target_scope *scope, const struct reading *reading, struct ota_query *query)
{
	struct ota_identity identity;
	int away = reading->meant, online = away + 1;

	if (!names_seen(scope->target))
		return true;
	if (!scope->is_online)
		return ota_query_column_integer(query, away) == 1;
	ota_identity_make(ota_span_from_text(scope->product_key), ota_query_column_text(query, reading->name), &identity);
	return ota_query_column_integer(query, scope->is_online(scope->context, &identity) ? online : away) == 1;
}

/* Reads those that are meant, until there are `capacity` of them. */
static int prospects_load(const struct order *order, struct ota_store *store, const struct ota_target_scope *scope,
			  struct ota_page page, struct ota_error *error)
{
	struct ota_prospect *rows = page.rows;
	struct ota_query query;
	size_t count = 0;
	int status = 0;

	order_start(order, store, &query);
	while (count < page.capacity && (status = ota_query_step(&query, error)) > 0) {
		if (!row_is_meant(scope, &reading_prospects, &query))
			continue;
		memset(&rows[count], 0, sizeof(rows[count]));
		status = ota_row_read(&ota_prospect_layout, &query, &rows[count], error);
		if (status < 0)
			break;
		count++;
	}
	ota_query_end(&query);
	*page.ret_count = count;
	return status < 0 ? status : 0;
}

int ota_target_next(struct ota_store *store, const struct ota_target_scope *scope, struct ota_target_walk *walk,
		    struct ota_prospect *rows, size_t capacity, size_t *ret_count, struct ota_error *error)
{
	struct name_row end = {""};
	struct order order = {0};
	int failed = window_end(store, scope, walk->after, &end, error);
	bool last = failed == OTA_ENOTFOUND;
	const struct part part = {.after = walk->after, .until = last ? NULL : end.name, .limit = OTA_TARGET_WINDOW};

	*ret_count = 0;
	if (!failed || last)
		failed = order_make(&order, store, scope, &part, &reading_prospects, error);
	if (!failed)
		failed = prospects_load(&order, store, scope, (struct ota_page){rows, capacity, ret_count}, error);
	order_free(&order);
	if (failed)
		return failed;
	bool full = *ret_count == capacity;
	walk->done = last && !full;
	if (!walk->done)
		ota_text_cut(walk->after, sizeof(walk->after), full ? rows[capacity - 1].device.identity.device_name : end.name);
	return 0;
}

static int meant_count(const struct order *order, struct ota_store *store, const struct ota_target_scope *scope,
		       int64_t *ret_count, struct ota_error *error)
{
	struct ota_query query;
	int status = 0;

	order_start(order, store, &query);
	while ((status = ota_query_step(&query, error)) > 0)
		*ret_count += row_is_meant(scope, &reading_names, &query);
	ota_query_end(&query);
	return status < 0 ? status : 0;
}

int ota_target_count(struct ota_store *store, const struct ota_target_scope *scope, int64_t devices,
		     struct ota_target_tally *ret_tally, struct ota_error *error)
{
	enum { BUCKETS = 1000000, SLACK = 2 }; /* a sample comes out a little larger or smaller than it was meant */
	bool estimated = devices > OTA_TARGET_SAMPLE;
	int64_t buckets = estimated ? (int64_t)OTA_TARGET_SAMPLE * BUCKETS / devices : BUCKETS;
	const struct part part = {.after = "", .buckets = estimated ? buckets : 0, .limit = (int64_t)OTA_TARGET_SAMPLE * SLACK};
	struct order order = {0};
	int failed = order_make(&order, store, scope, &part, &reading_names, error);

	*ret_tally = (struct ota_target_tally){.estimated = estimated};
	if (!failed)
		failed = meant_count(&order, store, scope, &ret_tally->count, error);
	order_free(&order);
	ret_tally->count = ret_tally->count * BUCKETS / buckets;
	return failed;
}
