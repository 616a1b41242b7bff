/* Commands one by one: what each refuses, keeps and tells; and the rules of batches that only a command shows. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/credential.h"
#include "common/text.h"
#include "common/time.h"
#include "plugin/store/operator.h"
#include "plugin/store/package.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void some_devices(void)
{
	fleet_open(&fleet, 3);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(orders, .init = some_devices, .fini = close_fleet);

static void device_up(int device, const char *version)
{
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, version);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static const char *error_code(cJSON *response)
{
	static char said[32];
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	snprintf(said, sizeof(said), "%s", error ? cJSON_GetObjectItem(error, "code")->valuestring : "none");
	cJSON_Delete(response);
	return said;
}

/* A member of an answer, as text; "" when it is absent. */
static const char *member_of(cJSON *data, const char *key)
{
	static char said[128];
	const cJSON *member = cJSON_GetObjectItem(data, key);

	if (cJSON_IsNumber(member))
		snprintf(said, sizeof(said), "%.0f", member->valuedouble);
	else
		snprintf(said, sizeof(said), "%s", member ? member->valuestring : "");
	cJSON_Delete(data);
	return said;
}

static int items_of(cJSON *page)
{
	int count = cJSON_GetArraySize(cJSON_GetObjectItem(page, "items"));

	cJSON_Delete(page);
	return count;
}

static const char *verification(void)
{
	return member_of(fleet_do(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}"),
			 "verification");
}

static void batch_cancel(int64_t batch, const char *members)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld%s}", (long long)batch, members));
	fleet_advance(&fleet, OTA_SECOND_MS);
}

Test(orders, revocation_takes_downloads_under_way_as_well_and_is_not_weakened_by_a_later_withdrawal)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 30);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)batch));
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/revoked");
}

Test(orders, a_canceled_batch_is_left_alone_once_its_tasks_are)
{
	int64_t batch = fleet_batch(&fleet, "static", "");
	char rev[32];

	batch_cancel(batch, "");
	snprintf(rev, sizeof(rev), "%s",
		 member_of(fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch), "rev"));
	fleet_advance(&fleet, OTA_MINUTE_MS);
	cr_assert_str_eq(member_of(fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch), "rev"), rev);
	cr_assert_str_neq(member_of(fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch), "endedAt"),
			  "");
}

Test(orders, a_batch_canceled_while_it_is_prepared_makes_no_more_tasks)
{
	cJSON *batch = fleet_do(&fleet,
				"{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\","
				"\"targets\":{\"all\":true}}");
	int64_t id = (int64_t)cJSON_GetObjectItem(batch, "id")->valuedouble;
	bool more;

	cJSON_Delete(batch);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 2, &more, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	cr_assert_str_eq(fleet_batch_state(&fleet, id), "planned");
	cr_assert_str_eq(fleet_task(&fleet, 1), "pending/paused");
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"pauseBatch\",\"batch\":%lld}", (long long)id)), "conflict");
	batch_cancel(id, "");
	fleet_restart(&fleet, OTA_SECOND_MS);
	fleet_advance(&fleet, OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/withdrawn");
	cr_assert_str_eq(fleet_task(&fleet, 1), "canceled/withdrawn");
	cr_assert_str_eq(fleet_task(&fleet, 2), "none");
	cr_assert_str_eq(verification(), "unverified");
}

Test(orders, a_canceled_verification_proves_nothing_and_takes_no_proof_away)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d0\"]}");
	cr_assert_str_eq(verification(), "verifying");
	batch_cancel(batch, ",\"level\":\"revoke\"");
	cr_assert_str_eq(verification(), "unverified");
	fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d0\"]}");
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(verification(), "verified");
	batch_cancel(fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d1\"]}"), "");
	cr_assert_str_eq(verification(), "verified");
}

Test(orders, a_verification_holds_for_the_bytes_it_was_made_with)
{
	struct ota_package package;

	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_package_find(fleet.store, "PK", "default", "2.0.0", &package, NULL), 0);
	package.verification = OTA_VERIFIED;
	memset(package.verified_sha256, 'a', OTA_SHA256_HEX);
	cr_assert_eq(ota_package_save(fleet.store, &package, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	cr_assert_str_eq(
		error_code(fleet_ask(
			&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"static\","
				"\"targets\":{\"all\":true}}")),
		"conflict");
}

Test(orders, a_yanked_package_goes_nowhere)
{
	struct ota_package package;

	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_package_find(fleet.store, "PK", "default", "2.0.0", &package, NULL), 0);
	package.yanked = true;
	cr_assert_eq(ota_package_save(fleet.store, &package, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	cr_assert_str_eq(
		error_code(fleet_ask(
			&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\","
				"\"targets\":{\"all\":true}}")),
		"conflict");
}

Test(orders, an_override_needs_a_reason)
{
	const char *order =
		"{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"static\",\"override\":true,"
		"\"targets\":{\"all\":true}";

	cr_assert_str_eq(error_code(fleet_ask(&fleet, "%s}", order)), "invalid");
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "%s,\"reason\":\"fire\"}", order)), "none");
}

Test(orders, the_total_of_a_prepared_batch_counts_who_joined_meanwhile)
{
	cJSON *batch = fleet_do(&fleet,
				"{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\","
				"\"targets\":{\"all\":true}}");
	int64_t id = (int64_t)cJSON_GetObjectItem(batch, "id")->valuedouble;

	cJSON_Delete(batch);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"registerDevices\",\"productKey\":\"PK\",\"names\":[\"d9\"]}"));
	fleet_advance(&fleet, 1);
	cr_assert_str_eq(member_of(fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)id), "total"), "4");
}

Test(orders, a_batch_for_no_device_is_completed_at_once)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"createProduct\",\"productKey\":\"P2\"}"));
	int64_t batch = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"nobody\"]}");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "completed");
}

Test(orders, a_dry_run_is_not_kept_under_its_request_id)
{
	const char *order =
		"{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\","
		"\"requestId\":\"r\","
		"\"targets\":{\"all\":true}";

	cJSON_Delete(fleet_do(&fleet, "%s,\"dryRun\":true}", order));
	cr_assert_str_eq(member_of(fleet_do(&fleet, "%s}", order), "state"), "planned");
}

Test(orders, a_dry_run_under_the_id_of_what_was_done_tells_what_was_done)
{
	const char *order = "{\"command\":\"addPackage\",\"productKey\":\"PK\",\"version\":\"2.1.0\",\"requestId\":\"r\"";
	cJSON *known = fleet_do(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");
	cJSON *dry = fleet_do(&fleet, "%s,\"dryRun\":true}", order);

	cr_assert_null(cJSON_GetObjectItem(dry, "id"));
	cJSON_Delete(dry);
	cJSON *done = fleet_do(&fleet, "%s,\"size\":%d,\"sha256\":\"%s\",\"md5\":\"%s\"}", order,
			       cJSON_GetObjectItem(known, "size")->valueint, cJSON_GetObjectItem(known, "sha256")->valuestring,
			       cJSON_GetObjectItem(known, "md5")->valuestring);
	cJSON *again = fleet_do(&fleet, "%s,\"dryRun\":true}", order);
	cr_assert(cJSON_Compare(done, again, true));
	cJSON_Delete(known);
	cJSON_Delete(done);
	cJSON_Delete(again);
}

static void operator_add(const char *name, int64_t expires_ms, char *ret_token)
{
	struct ota_operator operator = { .role = "operator", .expires_ms = expires_ms };

	ota_text_cut(operator.name, sizeof(operator.name), name);
	cr_assert_eq(ota_token_new(ret_token), 0);
	ota_token_hash(ota_span_from_text(ret_token), operator.token_hash);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_operator_insert(fleet.store, &operator, NULL), 0);
	ota_store_commit(fleet.store, NULL);
}

Test(orders, a_request_id_belongs_to_its_token)
{
	const char *order = "{\"command\":\"createProduct\",\"productKey\":\"P2\",\"requestId\":\"r\"}";
	char token[OTA_TOKEN_SIZE + 1];

	cJSON_Delete(fleet_do(&fleet, "%s", order));
	operator_add("bob", 0, token);
	ota_text_cut(fleet.token, sizeof(fleet.token), token);
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "%s", order)), "conflict");
}

Test(orders, a_token_ends_in_the_moment_it_expires)
{
	char token[OTA_TOKEN_SIZE + 1];

	operator_add("bob", fleet.now.wall_ms + 1, token);
	ota_text_cut(fleet.token, sizeof(fleet.token), token);
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"getServer\"}")), "none");
	fleet.now.wall_ms++;
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"getServer\"}")), "denied");
}

Test(orders, an_answer_is_kept_for_seven_days)
{
	const char *order = "{\"command\":\"createProduct\",\"productKey\":\"P2\",\"requestId\":\"r\"}";

	cJSON_Delete(fleet_do(&fleet, "%s", order));
	fleet.now.wall_ms += 7 * (int64_t)OTA_DAY_MS;
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"createProduct\",\"productKey\":\"P3\",\"requestId\":\"s\"}"));
	cJSON_Delete(fleet_do(&fleet, "%s", order));
	fleet.now.wall_ms += 1;
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"createProduct\",\"productKey\":\"P4\",\"requestId\":\"t\"}"));
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "%s", order)), "conflict");
}

Test(orders, a_package_whose_stored_file_has_another_size_is_refused)
{
	cJSON *package = fleet_do(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");

	cr_assert_str_eq(
		error_code(fleet_ask(
			&fleet,
			"{\"command\":\"addPackage\",\"productKey\":\"PK\",\"version\":\"3\",\"size\":%d,\"sha256\":\"%s\","
			"\"md5\":\"%s\"}",
			cJSON_GetObjectItem(package, "size")->valueint + 1, cJSON_GetObjectItem(package, "sha256")->valuestring,
			cJSON_GetObjectItem(package, "md5")->valuestring)),
		"invalid");
	cJSON_Delete(package);
}

Test(orders, lists_show_what_their_filters_say)
{
	device_up(0, "1.0.0");
	device_up(1, "1.0.0");
	fleet_disconnect(&fleet, 1);
	int64_t batch = fleet_batch(&fleet, "static", "");

	cr_assert_eq(items_of(fleet_do(&fleet, "{\"command\":\"listDevices\",\"productKey\":\"PK\",\"online\":true}")), 1);
	cr_assert_eq(items_of(fleet_do(&fleet, "{\"command\":\"listDevices\",\"productKey\":\"PK\",\"online\":false}")), 2);
	cr_assert_eq(items_of(fleet_do(&fleet, "{\"command\":\"listDevices\",\"productKey\":\"PK\",\"version\":\"1.0.0\"}")), 2);
	cr_assert_eq(
		items_of(fleet_do(&fleet, "{\"command\":\"listTasks\",\"batch\":%lld,\"state\":\"pending\"}", (long long)batch)),
		2);
	cr_assert_eq(items_of(fleet_do(&fleet, "{\"command\":\"listTasks\",\"batch\":%lld}", (long long)batch)), 3);
	cr_assert_eq(items_of(fleet_do(&fleet, "{\"command\":\"listBatches\",\"state\":\"running\"}")), 1);
	cr_assert_eq(items_of(fleet_do(&fleet, "{\"command\":\"listBatches\",\"state\":\"paused\"}")), 0);
	cr_assert_str_eq(error_code(fleet_ask(&fleet, "{\"command\":\"listDevices\",\"productKey\":\"PK\",\"module\":\"mcu\"}")),
			 "invalid");
	cr_assert_str_eq(member_of(fleet_do(&fleet, "{\"command\":\"versionDistribution\",\"productKey\":\"PK\"}"), "unknown"),
			 "1");
}

Test(orders, an_attempt_tells_when_and_why_it_ended)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d0\"]}");
	fleet_progress(&fleet, 0, 10);
	fleet_progress(&fleet, 0, -2);
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listTasks\",\"batch\":%lld}", (long long)batch);
	cJSON *task = cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0);
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getTask\",\"task\":%.0f}", cJSON_GetObjectItem(task, "id")->valuedouble);
	const cJSON *attempt = cJSON_GetArrayItem(cJSON_GetObjectItem(row, "attempts"), 0);

	cr_assert_str_eq(cJSON_GetObjectItem(attempt, "cause")->valuestring, "download_failed");
	cr_assert_str_eq(cJSON_GetObjectItem(attempt, "desc")->valuestring, "said");
	cr_assert(cJSON_GetObjectItem(attempt, "pushedAt") && cJSON_GetObjectItem(attempt, "startedAt") &&
		  cJSON_GetObjectItem(attempt, "endedAt"));
	cJSON_Delete(page);
	cJSON_Delete(row);
}
