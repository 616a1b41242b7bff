/* Batches: preparing, verification, pause, resume, cancel, abort, end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void twenty_devices(void)
{
	fleet_open(&fleet, 20);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(campaign, .init = twenty_devices, .fini = close_fleet);

static void all_up(const char *version)
{
	for (int i = 0; i < 20; i++) {
		fleet_connect(&fleet, i);
		fleet_inform(&fleet, i, version);
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void upgrade(int device)
{
	fleet_progress(&fleet, device, 100);
	fleet_disconnect(&fleet, device);
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static const char *error_of(cJSON *response)
{
	static char said[512];
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	snprintf(said, sizeof(said), "%s: %s", error ? cJSON_GetObjectItem(error, "code")->valuestring : "",
		 error ? cJSON_GetObjectItem(error, "message")->valuestring : "");
	cJSON_Delete(response);
	return said;
}

static cJSON *ask_static(void)
{
	return fleet_ask(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"static\","
				 "\"targets\":{\"all\":true}}");
}

Test(campaign, an_unverified_package_is_refused_for_a_mass_batch_and_a_verified_one_is_not)
{
	all_up("1.0.0");
	cr_assert(strstr(error_of(ask_static()), "conflict: package"));
	int64_t verify = fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d0\"]}");
	cr_assert(strstr(error_of(ask_static()), "not verified"));
	upgrade(0);
	cr_assert_str_eq(fleet_batch_state(&fleet, verify), "completed");
	cr_assert_str_eq(error_of(ask_static()), ": ");
}

Test(campaign, a_failed_verification_is_told_and_refused)
{
	all_up("1.0.0");
	fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d0\",\"d1\"]}");
	upgrade(0);
	fleet_progress(&fleet, 1, -4);
	cr_assert(strstr(error_of(ask_static()), "failed its verification"));
}

Test(campaign, a_verify_batch_on_devices_that_have_it_already_proves_nothing)
{
	all_up("2.0.0");
	int64_t verify = fleet_batch(&fleet, "verify", "");
	cr_assert_str_eq(fleet_batch_state(&fleet, verify), "completed");
	cr_assert(strstr(error_of(ask_static()), "not verified"));
}

Test(campaign, pause_holds_back_and_resume_goes_on)
{
	int64_t batch = fleet_batch(&fleet, "static", "");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"pauseBatch\",\"batch\":%lld,\"reason\":\"lunch\"}", (long long)batch));
	all_up("1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 3), "pending/paused");
	cr_assert_eq(fleet_pushes(&fleet, 3), 0);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"resumeBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(fleet_pushes(&fleet, i), 1);
}

Test(campaign, withdrawal_leaves_what_was_sent_and_revocation_takes_it)
{
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	int64_t batch = fleet_batch(&fleet, "static", "");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	cr_assert_str_eq(fleet_task(&fleet, 1), "canceled/withdrawn");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/revoked");
	upgrade(0);
	cr_assert_str_eq(fleet_mark(&fleet, 0), "installed_anyway");
}

Test(campaign, a_withdrawn_download_runs_on_to_its_end)
{
	all_up("1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	upgrade(4);
	cr_assert_str_eq(fleet_task(&fleet, 4), "succeeded/version_reported");
}

Test(campaign, too_many_failures_pause_the_batch_with_the_figures_in_its_reason)
{
	all_up("1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");

	for (int i = 0; i < 8; i++)
		upgrade(i);
	fleet_progress(&fleet, 8, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	fleet_progress(&fleet, 9, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);
	cr_assert_str_eq(cJSON_GetObjectItem(row, "reason")->valuestring,
			 "the abort rule fired: 2 of 10 finished tasks failed, more than 10 % of at least 10");
	cJSON_Delete(row);
}

Test(campaign, an_unfinished_task_of_another_batch_is_a_conflict_that_names_its_devices)
{
	fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d3\",\"d7\"]}");
	cJSON *response = fleet_ask(
		&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\","
			"\"targets\":{\"names\":[\"d3\",\"d4\"]}}");
	const char *said = error_of(response);
	cr_assert(strstr(said, "conflict: 1 of the devices"), "%s", said);
	cr_assert(strstr(said, "(d3)"), "%s", said);
}

Test(campaign, skipping_conflicts_leaves_them_out_and_counts_them)
{
	fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d3\",\"d7\"]}");
	int64_t batch = fleet_batch(&fleet, "static",
				    ",\"onConflict\":\"skip\",\"targets\":{\"names\":[\"d3\",\"d4\",\"nobody\"]}");
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);
	cJSON *excluded = cJSON_GetObjectItem(row, "excluded");

	cr_assert_eq(cJSON_GetObjectItem(excluded, "conflict")->valueint, 1);
	cr_assert_eq(cJSON_GetObjectItem(excluded, "unknown_device")->valueint, 1);
	cr_assert_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(row, "counts"), "pending")->valueint, 1);
	cr_assert_eq(cJSON_GetObjectItem(row, "total")->valueint, 3);
	cJSON_Delete(row);
}

Test(campaign, a_dry_run_tells_all_and_moves_nothing)
{
	all_up("1.0.0");
	fleet_inform(&fleet, 5, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d3\"]}");
	cJSON *plan = fleet_do(&fleet,
			       "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\","
			       "\"targets\":{\"all\":true},\"dryRun\":true}");

	cr_assert_eq(cJSON_GetObjectItem(plan, "matches")->valueint, 18);
	cr_assert_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(plan, "excluded"), "already_at_target")->valueint, 1);
	cr_assert_str_eq(cJSON_GetArrayItem(cJSON_GetObjectItem(plan, "conflicts"), 0)->valuestring, "d3");
	cJSON_Delete(plan);
	cJSON *batches = fleet_do(&fleet, "{\"command\":\"listBatches\"}");
	cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(batches, "items")), 1);
	cJSON_Delete(batches);
}

/* The longest expression, and the deepest. */
Test(campaign, a_dry_run_takes_every_expression_that_a_batch_takes)
{
	static const char deepest[] = "((((((((((((((((((((((((((((((((name = d*))))))))))))))))))))))))))))))))";
	char longest[OTA_TARGET_TEXT_MAX + 1];

	snprintf(longest, sizeof(longest), "name = d* or name = %0*d", OTA_TARGET_TEXT_MAX - 20, 0);
	all_up("1.0.0");
	fleet_inform(&fleet, 5, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	for (const char *const *where = (const char *const[]){ longest, deepest, NULL }; *where; where++) {
		cJSON *plan = fleet_do(&fleet,
				       "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\","
				       "\"kind\":\"verify\",\"targets\":{\"where\":\"%s\"},\"dryRun\":true}", *where);
		cr_expect_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(plan, "excluded"), "already_at_target")->valueint, 1);
		cJSON_Delete(plan);
	}
}

Test(campaign, the_end_of_a_batch_gives_up_what_is_still_pending)
{
	int64_t batch = fleet_batch(&fleet, "static", ",\"strategy\":{\"endAfter\":\"1h\"}");

	fleet_advance(&fleet, 59 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/offline");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/expired");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "completed");
}

Test(campaign, a_crash_while_a_batch_is_prepared_is_continued_where_it_stopped)
{
	fleet_close(&fleet);
	fleet_open(&fleet, 900);
	cJSON *batch = fleet_do(&fleet,
				"{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\","
				"\"targets\":{\"all\":true}}");
	int64_t id = (int64_t)cJSON_GetObjectItem(batch, "id")->valuedouble;
	bool more;

	cJSON_Delete(batch);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 100, &more, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 100, &more, NULL), 0);
	ota_store_rollback(fleet.store);
	cr_assert_str_eq(fleet_batch_state(&fleet, id), "planned");
	fleet_restart(&fleet, OTA_SECOND_MS);
	fleet_advance(&fleet, OTA_SECOND_MS);
	batch = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)id);
	cr_assert_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(batch, "counts"), "pending")->valueint, 900);
	cr_assert_str_eq(cJSON_GetObjectItem(batch, "state")->valuestring, "running");
	cJSON_Delete(batch);
}

enum { MANY = 150 };

/* Serial numbers in versions, written past the engine, so that no turn is between what stands around it. */
static void versions_write(const char *format)
{
	char name[32];

	cr_assert_eq(ota_store_begin(fleet.store, NULL), 0);
	for (int i = 0; i < MANY; i++) {
		struct ota_device_module row = { .module = OTA_MODULE_DEFAULT };
		struct ota_identity identity = { .product_key = "PK" };
		struct ota_device device;

		snprintf(name, sizeof(name), "d%d", i);
		memcpy(identity.device_name, name, sizeof(name));
		cr_assert_eq(ota_device_find(fleet.store, &identity, &device, NULL), 0);
		ota_device_module_find(fleet.store, device.id, OTA_MODULE_DEFAULT, &row, NULL);
		row.device_id = device.id;
		snprintf(row.version, sizeof(row.version), format, i);
		cr_assert_eq(ota_device_module_save(fleet.store, "PK", &row, NULL), 0);
	}
	cr_assert_eq(ota_store_commit(fleet.store, NULL), 0);
}

/* Each version is a parameter for each of its tests; more than 30000 are too many. */
static cJSON *batch_of_ranges(void)
{
	OTA_AUTO_BYTES struct ota_bytes where = { 0 };

	ota_bytes_text(&where, "seen < 9d");
	for (int i = 0; i < 60; i++)
		ota_bytes_text(&where, " and version > 0");
	return fleet_ask(&fleet,
			 "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\","
			 "\"targets\":{\"where\":\"%s\"}}", where.data);
}

Test(campaign, an_expression_that_means_too_many_versions_is_refused_when_the_batch_is_made)
{
	fleet_close(&fleet);
	fleet_open(&fleet, MANY);
	versions_write("1.0.%d");
	cJSON *answer = batch_of_ranges();
	const cJSON *refusal = cJSON_GetObjectItem(answer, "error");
	cr_assert_not_null(refusal);
	cr_expect_not_null(strstr(cJSON_GetObjectItem(refusal, "message")->valuestring, "narrow its ranges"));
	cr_expect_str_eq(cJSON_GetObjectItem(refusal, "path")->valuestring, "targets.where");
	cJSON_Delete(answer);
}

Test(campaign, an_expression_that_came_to_mean_too_many_versions_stops_its_batch_alone)
{
	fleet_close(&fleet);
	fleet_open(&fleet, MANY);
	versions_write("1.0.0");
	cJSON *answer = batch_of_ranges();
	cr_assert_null(cJSON_GetObjectItem(answer, "error"));
	cJSON_Delete(answer);
	versions_write("1.0.%d");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS); /* fails the test when a turn fails */
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.1.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}
