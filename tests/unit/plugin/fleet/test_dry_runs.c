/* dryRun and ifRev of every command that changes something, by the recipes of test_commands.c. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/command.h"
#include "common/file.h"
#include "tests/unit/plugin/fleet/recipes.h"

static void row_dump(sqlite3_stmt *rows, struct ota_bytes *out)
{
	for (int i = 0; i < sqlite3_column_count(rows); i++) {
		const unsigned char *text = sqlite3_column_text(rows, i);

		ota_bytes_format(out, "|%s", text ? (const char *)text : "NULL");
	}
	ota_bytes_text(out, "\n");
}

static void table_dump(sqlite3 *db, const char *table, struct ota_bytes *out)
{
	char sql[128];
	sqlite3_stmt *rows;

	snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", table);
	cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK);
	ota_bytes_format(out, "%s\n", table);
	while (sqlite3_step(rows) == SQLITE_ROW)
		row_dump(rows, out);
	sqlite3_finalize(rows);
}

/* Every row of every table. */
static void store_dump(const struct fleet *fleet, struct ota_bytes *out)
{
	char path[4096];
	sqlite3 *db;
	sqlite3_stmt *tables;

	cr_assert(ota_file_join(path, sizeof(path), fleet->directory, OTA_STORE_FILE));
	cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name", -1, &tables, NULL),
		     SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW)
		table_dump(db, (const char *)sqlite3_column_text(tables, 0), out);
	sqlite3_finalize(tables);
	sqlite3_close(db);
}

static bool has_key_file(const struct fleet *fleet)
{
	OTA_AUTO_BYTES struct ota_bytes key = {0};
	char path[4096];

	cr_assert(ota_file_join(path, sizeof(path), fleet->directory, "secret.key"));
	return ota_file_read(path, 4096, &key, NULL) == 0;
}

static const char *message_of(const cJSON *response)
{
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	return error ? cJSON_GetObjectItem(error, "message")->valuestring : "";
}

static bool begins_a_job(const struct ota_command *command)
{
	return strcmp(command->name, "backupServer") == 0 || strcmp(command->name, "checkServer") == 0;
}

static void answer_check(const struct ota_command *command, const cJSON *response)
{
	const cJSON *data = cJSON_GetObjectItem(response, "data");
	OTA_AUTO_FREE char *text = data ? cJSON_PrintUnformatted(data) : NULL;

	if (begins_a_job(command)) {
		cr_expect(strstr(message_of(response), "it has no dry run"), "%s: %s", command->name, message_of(response));
		return;
	}
	cr_expect(cJSON_IsTrue(cJSON_GetObjectItem(data, "dryRun")), "%s: %s", command->name, text ? text : message_of(response));
	cr_expect(!text || (!strstr(text, "deviceSecret") && !strstr(text, "\"token\"")), "%s shows a secret", command->name);
}

static void dry_run_check(const struct ota_command *command)
{
	OTA_AUTO_BYTES struct ota_bytes before = {0}, after = {0};
	const struct recipe *recipe = recipe_of(command);

	recipes_open();
	recipe_prepare(recipe);
	bool had_key = has_key_file(&recipes_fleet);
	size_t sent = recipes_fleet.outbox.count;
	char line[OTA_LOG_LINE_MAX];
	snprintf(line, sizeof(line), "%s", recipes_fleet.logged.text);
	store_dump(&recipes_fleet, &before);
	cJSON *response = recipe_ask(recipe, recipes_fleet.token, ",\"dryRun\":true,\"requestId\":\"r1\"");
	answer_check(command, response);
	cJSON_Delete(response);
	store_dump(&recipes_fleet, &after);
	cr_expect_str_eq(after.data, before.data, "%s changes the store", command->name);
	cr_expect_eq(recipes_fleet.outbox.count, sent, "%s sends something", command->name);
	cr_expect_str_eq(recipes_fleet.logged.text, line, "%s is told in the log", command->name);
	cr_expect_eq(has_key_file(&recipes_fleet), had_key, "%s makes a key", command->name);

	response = recipe_ask(recipe, recipes_fleet.token, ",\"requestId\":\"r1\"");
	const cJSON *data = cJSON_GetObjectItem(response, "data");
	cr_expect(data && !cJSON_GetObjectItem(data, "dryRun"), "%s: the request id of a dry run was remembered", command->name);
	cJSON_Delete(response);
	recipes_close();
}

Test(dry_runs, no_command_changes_the_store_or_sends_or_logs_or_shows_a_secret)
{
	for (size_t i = 0; i < ota_command_count(); i++)
		if (ota_command_at(i)->mutating && ota_command_at(i)->role > OTA_ROLE_NONE)
			dry_run_check(ota_command_at(i));
}

/* An object has had its rev before: whoever saw an older one is told, and nothing happens. */
static void stale_rev_check(const struct ota_command *command)
{
	OTA_AUTO_BYTES struct ota_bytes before = {0}, after = {0};
	const struct recipe *recipe = recipe_of(command);

	recipes_open();
	recipe_prepare(recipe);
	store_dump(&recipes_fleet, &before);
	cJSON *response = recipe_ask(recipe, recipes_fleet.token, ",\"ifRev\":4711");
	const cJSON *path = cJSON_GetObjectItem(cJSON_GetObjectItem(response, "error"), "path");
	cr_expect(path && strcmp(path->valuestring, "ifRev") == 0, "%s takes any rev", command->name);
	cr_expect(strstr(message_of(response), "now, not 4711") || strstr(message_of(response), "names nothing that has a rev"),
		  "%s: %s", command->name, message_of(response));
	cJSON_Delete(response);
	store_dump(&recipes_fleet, &after);
	cr_expect_str_eq(after.data, before.data, "%s changes the store", command->name);
	recipes_close();
}

Test(dry_runs, no_command_is_carried_out_upon_an_object_that_was_changed)
{
	for (size_t i = 0; i < ota_command_count(); i++)
		if (ota_command_at(i)->mutating && ota_command_at(i)->role > OTA_ROLE_NONE)
			stale_rev_check(ota_command_at(i));
}

Test(dry_runs, a_rev_that_was_shown_is_good_until_the_object_changes)
{
	static const struct {
		const char *look, *change;
	} rows[] = {
		{ "{\"command\":\"getProduct\",\"productKey\":\"PK\"}",
		  "{\"command\":\"updateProduct\",\"productKey\":\"PK\",\"delivery\":\"mqtt\",\"ifRev\":%.0f}" },
		{ "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}",
		  "{\"command\":\"disableDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\",\"ifRev\":%.0f}" },
		{ "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}",
		  "{\"command\":\"yankPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"ifRev\":%.0f}" },
	};
	struct fleet *fleet = &recipes_fleet;

	fleet_open(fleet, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *seen = fleet_do(fleet, "%s", rows[i].look);
		char change[256];

		cr_assert(cJSON_GetObjectItem(seen, "rev"), "%s", rows[i].look);
		snprintf(change, sizeof(change), rows[i].change, cJSON_GetObjectItem(seen, "rev")->valuedouble);
		cJSON_Delete(fleet_do(fleet, "%s", change));
		cJSON *again = fleet_ask(fleet, "%s", change);
		cr_expect(strstr(message_of(again), "look at it again"), "%s: %s", change, message_of(again));
		cJSON_Delete(again);
		cJSON_Delete(seen);
	}
	fleet_close(fleet);
}
