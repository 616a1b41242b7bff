/* The table of statements: what every one must be, and how it is executed. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "fixture.h"
#include "plugin/store/group.h"
#include "plugin/store/order.h"
#include "plugin/store/schema.h"
#include "plugin/store/statement.h"

TestSuite(statement, .init = fixture_open, .fini = fixture_close);

/* $1 stands before $2 before $3 the first time each is met: SQLite numbers by the order of the text, PostgreSQL by the number. */
static void parameters_in_order(const struct ota_statement *statement)
{
	long highest = 0;

	for (const char *at = strchr(statement->sql, '$'); at; at = strchr(at + 1, '$')) {
		long number = strtol(at + 1, NULL, 10);

		cr_expect(number >= 1 && number <= highest + 1, "%s: $%ld comes after $%ld", statement->name, number, highest);
		if (number > highest)
			highest = number;
	}
}

Test(statement, parameters_are_numbered_in_the_order_of_the_text)
{
	for (int i = 0; i < OTA_SQL_STATEMENTS; i++)
		parameters_in_order(ota_statement((enum ota_sql)i));
}

Test(statement, every_row_of_the_table_is_filled_and_named_once)
{
	for (int i = 0; i < OTA_SQL_STATEMENTS; i++) {
		const struct ota_statement *statement = ota_statement((enum ota_sql)i);

		cr_assert(statement->name && statement->sql, "row %d is empty", i);
		for (int j = 0; j < i; j++)
			cr_expect_str_neq(statement->name, ota_statement((enum ota_sql)j)->name);
	}
}

Test(statement, none_uses_a_word_of_one_database_only)
{
	static const char *const foreign[] = {
		"INSERT OR", "REPLACE INTO", "IFNULL", "strftime", "datetime(", "json_",  "rowid",      "AUTOINCREMENT", "GLOB",
		"printf(",   "unixepoch",    "::",     "ILIKE",    "?",         "PRAGMA", "INDEXED BY", "total(",        "\""};

	for (int i = 0; i < OTA_SQL_STATEMENTS; i++)
		for (size_t word = 0; word < sizeof(foreign) / sizeof(foreign[0]); word++)
			cr_expect(!strcasestr(ota_statement((enum ota_sql)i)->sql, foreign[word]), "%s uses %s",
				  ota_statement((enum ota_sql)i)->name, foreign[word]);
}

static sqlite3 *database_open(void)
{
	char path[SCRATCH_SIZE];
	sqlite3 *database = NULL;

	scratch_path(path, fixture.directory, "ota.db");
	cr_assert_eq(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	return database;
}

/* Checks one line of a plan. A scan through an index in its order is as bad here as one of the table: each reads all rows. */
static void plan_line_check(const struct ota_statement *statement, const char *detail)
{
	if (statement->heat == OTA_SQL_COLD)
		return;
	cr_expect(!strncmp(detail, "SEARCH", 6) || !strncmp(detail, "USE TEMP", 8) || strstr(detail, "SCAN 1 CONSTANT ROW") ||
			  strstr(detail, "LIST SUBQUERY") ||
			  strstr(detail, "USING INDEX batch_open") || strstr(detail, "USING COVERING INDEX batch_open"),
		  "%s: %s", statement->name, detail);
	if (statement->heat == OTA_SQL_HOT)
		cr_expect(!strstr(detail, "TEMP B-TREE"), "%s sorts: %s", statement->name, detail);
}

static void plan_check(sqlite3 *database, const struct ota_statement *statement)
{
	char sql[4096];
	sqlite3_stmt *plan = NULL;

	snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", statement->sql);
	cr_assert_eq(sqlite3_prepare_v2(database, sql, -1, &plan, NULL), SQLITE_OK, "%s: %s", statement->name,
		     sqlite3_errmsg(database));
	while (sqlite3_step(plan) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(plan, 3);

		if (getenv("OTA_SHOW_PLANS"))
			fprintf(stderr, "%-24s %s\n", statement->name, detail);
		plan_line_check(statement, detail);
	}
	sqlite3_finalize(plan);
}

Test(statement, hot_statements_reach_their_rows_by_key)
{
	sqlite3 *database = database_open();

	for (int i = 0; i < OTA_SQL_STATEMENTS; i++)
		plan_check(database, ota_statement((enum ota_sql)i));
	sqlite3_close(database);
}

/* With the statistics of a large fleet the planner must not find a worse way; the store itself never runs ANALYZE. */
Test(statement, plans_hold_for_a_database_that_was_analyzed)
{
	sqlite3 *database = NULL;

	MUST(ota_store_commit(fixture.store, &fixture.error));
	sql_execute("ANALYZE");
	sql_execute("INSERT INTO sqlite_stat1 VALUES ('task', 'task_unfinished', '1000000 1 1'), ('task', 'task_batch', '9000000 "
		    "90000 1'),"
		    " ('device', 'device_identity', '1000000 100000 1'), ('batch', 'batch_open', '5')");
	database = database_open();
	for (int i = 0; i < OTA_SQL_STATEMENTS; i++)
		plan_check(database, ota_statement((enum ota_sql)i));
	sqlite3_close(database);
}

/* SQLite uses a partial index only when the statement repeats its condition; a different spelling would silently read the table.
 */
Test(statement, the_index_of_unfinished_tasks_is_used)
{
	static const enum ota_sql users[] = {OTA_SQL_TASK_FIND_UNFINISHED, OTA_SQL_TASK_FIND_ACTIVE,
					     OTA_SQL_TASK_LIST_UNFINISHED};
	sqlite3 *database = database_open();

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		char sql[4096];
		sqlite3_stmt *plan = NULL;

		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", ota_statement(users[i])->sql);
		cr_assert_eq(sqlite3_prepare_v2(database, sql, -1, &plan, NULL), SQLITE_OK);
		cr_assert_eq(sqlite3_step(plan), SQLITE_ROW);
		cr_expect(strstr((const char *)sqlite3_column_text(plan, 3), "task_unfinished"), "%s: %s",
			  ota_statement(users[i])->name, sqlite3_column_text(plan, 3));
		sqlite3_finalize(plan);
	}
	sqlite3_close(database);
}

/* One that is put together for a target: it reads its rows by key, sorts nothing, and begins where its part says. */
static void order_check(sqlite3 *database, const char *expression, const struct ota_order_part *part, const char *lead)
{
	static struct ota_target target;
	const struct ota_target_scope scope = {.target = &target, .product_key = "pk", .module = "default", .wall_ms = 1};
	struct ota_order order = {0};
	OTA_AUTO_BYTES struct ota_bytes sql = {0};
	sqlite3_stmt *plan = NULL;

	MUST(ota_target_parse(ota_span_from_text(expression), &target, &fixture.error));
	MUST(ota_order_make(&order, fixture.store, &scope, part, &fixture.error));
	ota_bytes_format(&sql, "EXPLAIN QUERY PLAN %s", order.sql.data);
	cr_assert_eq(sqlite3_prepare_v2(database, sql.data, -1, &plan, NULL), SQLITE_OK, "%s", sqlite3_errmsg(database));
	for (int line = 0; sqlite3_step(plan) == SQLITE_ROW; line++) {
		const char *detail = (const char *)sqlite3_column_text(plan, 3);

		cr_expect(!strstr(detail, "SCAN") && !strstr(detail, "TEMP B-TREE"), "%s: %s", expression, detail);
		cr_expect(line > 0 || strstr(detail, lead), "%s begins with %s", expression, detail);
	}
	sqlite3_finalize(plan);
	ota_order_free(&order);
}

Test(statement, what_a_target_becomes_reaches_its_rows_by_key)
{
	static const char *const expressions[] = {"group = lab", "not group in (lab, l*)", "tag.region = eu and version < 2",
						  "seen < 1h or group != lab", "module = m* and percent < 10"};
	static const struct {
		struct ota_order_part part;
		const char *lead;
	} parts[] = {
		{{.after = "a", .until = "b", .limit = 10}, "device_identity"},
		{{.after = "", .limit = 10}, "device_identity"},
		{{.after = "", .buckets = 20000, .limit = 10}, "device_bucket"},
		{{.group = 1, .after = "a", .until = "b", .limit = 10}, "SEARCH l USING PRIMARY KEY"},
	};
	struct ota_group lab = {.id = fixture_id(), .rev = 1, .product_key = "pk", .name = "lab"};
	sqlite3 *database = NULL;

	insert_product("pk");
	MUST(ota_group_insert(fixture.store, &lab, &fixture.error));
	database = database_open();
	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
		for (size_t at = 0; at < sizeof(parts) / sizeof(parts[0]); at++)
			order_check(database, expressions[i], &parts[at].part, parts[at].lead);
	sqlite3_close(database);
}
