/* The request envelope, roles, repeats, pages. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/command.h"
#include "common/credential.h"
#include "common/text.h"
#include "plugin/store/operator.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void some_devices(void)
{
	fleet_open(&fleet, 250);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(control, .init = some_devices, .fini = close_fleet);

static const char *error_code(cJSON *response)
{
	static char said[32];
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	snprintf(said, sizeof(said), "%s", error ? cJSON_GetObjectItem(error, "code")->valuestring : "none");
	cJSON_Delete(response);
	return said;
}

Test(control, every_command_of_the_table_has_its_handler)
{
	for (size_t i = 0; i < ota_command_count(); i++) {
		/* Whatever it answers, it does not abort for want of a handler. */
		cJSON_Delete(fleet_ask(&fleet, "{\"command\":\"%s\",\"productKey\":\"PK\",\"batch\":1,\"task\":1,\"package\":1}",
				       ota_command_at(i)->name));
	}
}

Test(control, a_repeated_request_id_is_not_executed_twice_and_answers_the_same)
{
	const char *command = "{\"command\":\"createProduct\",\"productKey\":\"P2\",\"requestId\":\"r1\"}";
	cJSON *first = fleet_do(&fleet, "%s", command), *second = fleet_do(&fleet, "%s", command);

	cr_assert(cJSON_Compare(first, second, true));
	cJSON_Delete(first);
	cJSON_Delete(second);
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"createProduct\",\"productKey\":\"P2\"}")), "conflict");
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"pauseBatch\",\"batch\":1,\"requestId\":\"r1\"}")),
			 "conflict");
}

Test(control, an_unknown_token_is_denied_and_so_is_a_role_too_low)
{
	char token[OTA_TOKEN_SIZE], keep[64];
	struct ota_operator viewer = { .name = "eve", .role = "viewer" };

	memcpy(keep, fleet.token, sizeof(keep));
	cr_assert_eq(ota_token_new(token), 0);
	ota_text_cut(fleet.token, sizeof(fleet.token), token);
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"listProducts\"}")), "denied");
	ota_token_hash(ota_span_from_text(token), viewer.token_hash);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_operator_insert(fleet.store, &viewer, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"listProducts\"}")), "none");
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"createProduct\",\"productKey\":\"P3\"}")), "denied");
	memcpy(fleet.token, keep, sizeof(keep));
}

Test(control, a_failed_command_leaves_nothing_behind)
{
	cr_assert_str_eq(
		error_code(fleet_ask(&fleet, "{\"command\":\"registerDevices\",\"productKey\":\"NONE\",\"names\":[\"x\"]}")),
		"not_found");
	cr_assert_str_eq(error_code(fleet_ask(&fleet,
					      "{\"command\":\"addPackage\",\"productKey\":\"PK\",\"version\":\"3\",\"size\":1,"
					      "\"sha256\":\"%064d\",\"md5\":\"%032d\"}",
					      0, 0)),
			 "not_found");
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"3\"}")),
			 "not_found");
}

Test(control, pages_of_a_list_show_every_row_once)
{
	char after[128] = "";
	int seen = 0, pages = 0;

	for (; pages < 20; pages++) {
		cJSON *page = fleet_do(&fleet, "{\"command\":\"listDevices\",\"productKey\":\"PK\",\"limit\":40%s%s%s}",
				       *after ? ",\"after\":\"" : "", after, *after ? "\"" : "");
		const cJSON *next = cJSON_GetObjectItem(page, "next");

		seen += cJSON_GetArraySize(cJSON_GetObjectItem(page, "items"));
		snprintf(after, sizeof(after), "%s", next ? next->valuestring : "");
		cJSON_Delete(page);
		if (!*after)
			break;
	}
	cr_assert_eq(seen, 250);
	cr_assert_eq(pages, 6);
}

/* The strategy's numbers stand in the table of commands and in the rules: what the first lets pass, the second must take. */
Test(control, a_strategy_is_taken_at_its_limits_and_refused_one_past_them)
{
	static const struct {
		const char *member, *at, *past;
	} limits[] = {
		{ "pushTimeout", "\"30d\"", "\"2592001s\"" },   { "pushTimeout", "\"1s\"", "\"0s\"" },
		{ "upgradeTimeout", "\"7d\"", "\"604801s\"" },  { "upgradeTimeout", "\"1s\"", "\"0s\"" },
		{ "rebootTimeout", "\"7d\"", "\"604801s\"" },   { "rebootTimeout", "\"1s\"", "\"0s\"" },
		{ "soak", "\"30d\"", "\"2592001s\"" },          { "retryPause", "\"7d\"", "\"604801s\"" },
		{ "endAfter", "\"365d\"", "\"31536001s\"" },    { "endAfter", "\"1s\"", "\"0s\"" },
		{ "retries", "10", "11" },                      { "abortPercent", "100", "101" },
		{ "abortSample", "1000000", "1000001" },        { "retries", "0", "-1" },
	};
	const char *order =
		"{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\",\"dryRun\":true,"
		"\"targets\":{\"all\":true},\"strategy\":{\"";

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		cr_assert_str_eq(error_code(fleet_ask(&fleet, "%s%s\":%s}}", order, limits[i].member, limits[i].at)), "none",
				 "%s", limits[i].member);
		cr_assert_str_eq(error_code(fleet_ask(&fleet, "%s%s\":%s}}", order, limits[i].member, limits[i].past)), "invalid",
				 "%s", limits[i].member);
	}
}

Test(control, a_request_that_is_no_request_gets_a_sentence)
{
	static const char *const bad[] = {"",
					  "[]",
					  "{",
					  "{\"commands\":[]}",
					  "{\"commands\":{}}",
					  "{\"commands\":[1]}",
					  "{\"command\":[]}",
					  "{\"commands\":[{\"command\":\"getserver\"}]}",
					  "{\"commands\":[{\"command\":\"getServer\",\"x\":1}]}"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		OTA_AUTO_BYTES struct ota_bytes answer = {0};

		ota_store_begin(fleet.store, NULL);
		cr_assert_eq(ota_control_handle(fleet.control, ota_span_from_text(bad[i]), "test", fleet.now, &answer, NULL), 0);
		ota_store_commit(fleet.store, NULL);
		cJSON *tree = cJSON_Parse(answer.data);
		cr_assert(tree, "%s -> %s", bad[i], answer.data);
		const cJSON *error = cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(tree, "responses"), 0), "error");
		cr_assert(error, "%s -> %s", bad[i], answer.data);
		cr_assert_str_eq(cJSON_GetObjectItem(error, "code")->valuestring, "invalid");
		cJSON_Delete(tree);
	}
}
