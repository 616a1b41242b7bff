/* Batches made from another one: its failures again, the same once more, and the way back, by hand and by itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void package_add(const char *version)
{
	cJSON_Delete(fleet_do(&fleet,
			      "{\"command\":\"addPackage\",\"productKey\":\"PK\",\"version\":\"%s\","
			      "\"url\":\"https://h.example/%s\",\"size\":1000,"
			      "\"md5\":\"0123456789abcdef0123456789abcdef\",\"sha256\":"
			      "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}",
			      version, version));
}

static void device_up(int device, const char *version)
{
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, version);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

/* Thirty devices on 1.9.0, which is a package that no verify batch proved. */
static void thirty_devices(void)
{
	fleet_open(&fleet, 30);
	package_add("1.9.0");
	for (int i = 0; i < 30; i++) {
		fleet_connect(&fleet, i);
		fleet_inform(&fleet, i, "1.9.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(successors, .init = thirty_devices, .fini = close_fleet);

static void boot(int device, const char *version)
{
	fleet_progress(&fleet, device, 100);
	fleet_disconnect(&fleet, device);
	device_up(device, version);
}

static int64_t id_of(cJSON *batch)
{
	int64_t id = (int64_t)cJSON_GetObjectItem(batch, "id")->valuedouble;

	cJSON_Delete(batch);
	fleet_advance(&fleet, OTA_SECOND_MS);
	return id;
}

static const char *refusal_of(cJSON *response)
{
	static char said[512];
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	cr_assert_not_null(error);
	snprintf(said, sizeof(said), "%s", cJSON_GetObjectItem(error, "message")->valuestring);
	cJSON_Delete(response);
	return said;
}

/* "1 2 pending": the batch of a device's newest task counted by hand is too much to read; its counts say as much. */
static int count_of(int64_t batch, const char *state)
{
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);
	int count = cJSON_GetObjectItem(cJSON_GetObjectItem(row, "counts"), state)->valueint;

	cJSON_Delete(row);
	return count;
}

/* Of ten: six get it, two fail to burn, one fails to verify, one stays away. */
static int64_t half_broken_batch(const char *strategy)
{
	char members[512];

	fleet_disconnect(&fleet, 9);
	snprintf(members, sizeof(members),
		 ",\"targets\":{\"where\":\"name = d0 or name = d1 or name = d2 or name = d3 or name = d4 or name = d5"
		 " or name = d6 or name = d7 or name = d8 or name = d9\"},\"strategy\":{\"retries\":0%s}",
		 strategy);
	int64_t batch = fleet_batch(&fleet, "static", members);
	for (int i = 0; i < 6; i++)
		boot(i, "2.0.0");
	fleet_progress(&fleet, 6, -4);
	fleet_progress(&fleet, 7, -4);
	fleet_progress(&fleet, 8, -3);
	return batch;
}

Test(successors, a_retry_is_a_batch_of_those_that_failed)
{
	int64_t batch = half_broken_batch("");
	int64_t again = id_of(fleet_do(&fleet, "{\"command\":\"retryBatch\",\"batch\":%lld,\"override\":true,\"reason\":\"x\"}",
				       (long long)batch));

	cr_assert_eq(count_of(again, "pushed"), 3);
	cr_assert_str_eq(fleet_task(&fleet, 6), "pushed");
	cr_assert_str_eq(fleet_task(&fleet, 9), "pending/offline", "of the batch before, as it was");
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)again);
	char name[64];
	snprintf(name, sizeof(name), "retry of batch %lld", (long long)batch);
	cr_assert_str_eq(cJSON_GetObjectItem(row, "name")->valuestring, name);
	cr_assert_eq(cJSON_GetObjectItem(row, "total")->valueint, 3);
	cr_assert_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(row, "strategy"), "retries")->valueint, 0);
	cJSON_Delete(row);
}

Test(successors, a_retry_may_name_what_they_failed_of)
{
	int64_t batch = half_broken_batch("");
	int64_t again = id_of(fleet_do(&fleet,
				       "{\"command\":\"retryBatch\",\"batch\":%lld,\"causes\":[\"verify_failed\"],"
				       "\"strategy\":{\"retries\":5},\"override\":true,\"reason\":\"x\"}",
				       (long long)batch));

	cr_assert_eq(count_of(again, "pushed"), 1);
	cr_assert_str_eq(fleet_task(&fleet, 8), "pushed");
	cr_assert_str_eq(fleet_task(&fleet, 6), "failed/burn_failed");
}

Test(successors, a_retry_needs_a_verified_package_like_any_batch)
{
	cr_assert(strstr(refusal_of(fleet_ask(&fleet, "{\"command\":\"retryBatch\",\"batch\":%lld}",
					      (long long)half_broken_batch(""))),
			 "not verified"));
}

Test(successors, a_device_that_has_other_work_by_now_is_left_out_of_a_retry)
{
	int64_t batch = half_broken_batch("");

	id_of(fleet_do(&fleet, "{\"command\":\"retryBatch\",\"batch\":%lld,\"override\":true,\"reason\":\"x\"}",
		       (long long)batch));
	int64_t again = id_of(fleet_do(&fleet, "{\"command\":\"retryBatch\",\"batch\":%lld,\"override\":true,\"reason\":\"x\"}",
				       (long long)batch));
	cr_assert_str_eq(fleet_batch_state(&fleet, again), "completed");
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)again);
	cr_assert_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(row, "excluded"), "conflict")->valueint, 3);
	cJSON_Delete(row);
}

Test(successors, a_clone_is_for_the_same_devices_and_takes_what_is_said_anew)
{
	int64_t batch = half_broken_batch(",\"abortCount\":7");

	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cJSON *row = fleet_do(&fleet,
			      "{\"command\":\"cloneBatch\",\"batch\":%lld,\"name\":\"again\",\"strategy\":{\"retries\":1},"
			      "\"override\":true,\"reason\":\"x\"}",
			      (long long)batch);

	cr_assert_str_eq(cJSON_GetObjectItem(row, "name")->valuestring, "again");
	cr_assert(strstr(cJSON_GetObjectItem(row, "where")->valuestring, "name = d9"));
	cr_assert_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(row, "strategy"), "retries")->valueint, 1);
	cr_assert_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(row, "strategy"), "abortCount")->valueint, 7);
	int64_t clone = id_of(row);
	row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)clone);
	cr_assert_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(row, "excluded"), "already_at_target")->valueint, 6);
	cJSON_Delete(row);
	cr_assert_eq(count_of(clone, "pushed"), 3);
}

Test(successors, a_clone_of_a_list_of_names_lists_them_and_may_bring_another_version)
{
	int64_t batch = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d1\",\"d2\",\"nobody\"]}");

	boot(1, "2.0.0");
	boot(2, "2.0.0");
	package_add("2.1.0");
	int64_t clone = id_of(fleet_do(&fleet,
				       "{\"command\":\"cloneBatch\",\"batch\":%lld,\"version\":\"2.1.0\",\"override\":true,"
				       "\"reason\":\"x\"}",
				       (long long)batch));
	cr_assert_eq(count_of(clone, "pushed"), 2);
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)clone);
	cr_assert_str_eq(cJSON_GetObjectItem(row, "version")->valuestring, "2.1.0");
	cr_assert_eq(cJSON_GetObjectItem(row, "total")->valueint, 3);
	cJSON_Delete(row);
}

Test(successors, a_rollback_brings_back_who_has_the_version_and_stops_the_batch_before)
{
	int64_t batch = half_broken_batch("");
	int64_t back = id_of(fleet_do(&fleet, "{\"command\":\"rollbackBatch\",\"batch\":%lld,\"reason\":\"it is bad\"}",
				      (long long)batch));

	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "canceled");
	cr_assert_str_eq(fleet_task(&fleet, 9), "canceled/withdrawn");
	cr_assert_eq(count_of(back, "pushed"), 6);
	cr_assert_eq(fleet_pushes(&fleet, 3) > 0, 1);
	for (int i = 0; i < 6; i++)
		boot(i, "1.9.0");
	cr_assert_str_eq(fleet_task(&fleet, 3), "succeeded/version_reported");
	cr_assert_str_eq(fleet_batch_state(&fleet, back), "completed");
}

/* The order was sent: it may be carried out still, or not. Either way the device is on the version before in the end. */
Test(successors, who_is_in_the_middle_of_it_is_taken_back_once_it_arrives)
{
	int64_t batch = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d0\",\"d1\",\"d2\"]}");

	boot(0, "2.0.0");
	fleet_progress(&fleet, 1, 40);
	fleet_progress(&fleet, 2, 40);
	int64_t back = id_of(fleet_do(&fleet, "{\"command\":\"rollbackBatch\",\"batch\":%lld}", (long long)batch));
	cr_assert_eq(count_of(batch, "canceled"), 2);
	cr_assert_eq(count_of(back, "pushed"), 1);
	cr_assert_eq(count_of(back, "pending"), 2);
	cr_assert_str_eq(fleet_task(&fleet, 1), "pending/at_target");
	fleet_restart(&fleet, OTA_MINUTE_MS);
	device_up(1, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 1), "pushed", "it carried the order out all the same");
	device_up(2, "1.9.0");
	cr_assert_str_eq(fleet_task(&fleet, 2), "succeeded/already_at_target", "it did not");
	boot(1, "1.9.0");
	cr_assert_str_eq(fleet_task(&fleet, 1), "succeeded/version_reported");
}

Test(successors, who_was_moved_on_by_a_later_batch_stays_where_it_is)
{
	int64_t batch = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d0\",\"d1\"]}");

	boot(0, "2.0.0");
	boot(1, "2.0.0");
	device_up(1, "2.5.0");
	int64_t back = id_of(fleet_do(&fleet, "{\"command\":\"rollbackBatch\",\"batch\":%lld}", (long long)batch));
	cr_assert_eq(count_of(back, "pushed"), 1);
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)back);
	cr_assert_eq(cJSON_GetObjectItem(row, "total")->valueint, 1);
	cJSON_Delete(row);
}

Test(successors, devices_of_several_versions_are_told_with_their_counts)
{
	for (int i = 0; i < 2; i++)
		device_up(i, "1.8.0");
	int64_t batch = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d0\",\"d1\",\"d2\",\"d3\",\"d4\"]}");

	for (int i = 0; i < 5; i++)
		boot(i, "2.0.0");
	cr_assert(strstr(refusal_of(fleet_ask(&fleet, "{\"command\":\"rollbackBatch\",\"batch\":%lld}", (long long)batch)),
			 "1.9.0 (3), 1.8.0 (2)"));
	cr_assert(strstr(refusal_of(fleet_ask(&fleet, "{\"command\":\"rollbackBatch\",\"batch\":%lld,\"version\":\"1.9.0\"}",
					      (long long)batch)),
			 "not verified"),
		  "two of them never ran it");
	int64_t back = id_of(fleet_do(&fleet,
				      "{\"command\":\"rollbackBatch\",\"batch\":%lld,\"version\":\"1.9.0\",\"override\":true,"
				      "\"reason\":\"they all can\"}",
				      (long long)batch));
	cr_assert_eq(count_of(back, "pushed"), 5);
}

Test(successors, a_yanked_package_before_is_refused_and_so_is_the_version_itself)
{
	int64_t batch = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d0\"]}");

	boot(0, "2.0.0");
	cr_assert(strstr(refusal_of(fleet_ask(&fleet, "{\"command\":\"rollbackBatch\",\"batch\":%lld,\"version\":\"2.0.0\"}",
					      (long long)batch)),
			 "is what batch"));
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"yankPackage\",\"productKey\":\"PK\",\"version\":\"1.9.0\"}"));
	cr_assert(strstr(refusal_of(fleet_ask(&fleet, "{\"command\":\"rollbackBatch\",\"batch\":%lld}", (long long)batch)),
			 "is yanked"));
}

Test(successors, a_dry_run_stops_nothing)
{
	int64_t batch = half_broken_batch("");

	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"rollbackBatch\",\"batch\":%lld,\"dryRun\":true}", (long long)batch));
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
}

Test(successors, a_batch_that_says_so_goes_back_by_itself_when_its_abort_rule_fires)
{
	int64_t batch = half_broken_batch(",\"abortCount\":3,\"autoRollback\":true");
	int64_t back = 0;

	fleet_restart(&fleet, OTA_SECOND_MS);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listBatches\"}");
	const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0);
	cr_assert_str_eq(cJSON_GetObjectItem(row, "version")->valuestring, "1.9.0");
	cr_assert_str_eq(cJSON_GetObjectItem(row, "createdBy")->valuestring, "server");
	cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(page, "items")), 2);
	back = (int64_t)cJSON_GetObjectItem(row, "id")->valuedouble;
	cJSON_Delete(page);
	cr_assert_eq(count_of(back, "pending"), 6);
	page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"batch\":%lld,\"event\":\"batch_rolled_back\"}", (long long)batch);
	cr_assert(strstr(cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0), "detail")->valuestring,
			 "takes its devices back to 1.9.0"));
	cJSON_Delete(page);
}

Test(successors, what_stands_in_the_way_of_an_automatic_rollback_is_told_and_the_batch_is_paused_all_the_same)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"yankPackage\",\"productKey\":\"PK\",\"version\":\"1.9.0\"}"));
	int64_t batch = half_broken_batch(",\"abortCount\":3,\"autoRollback\":true");

	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"batch\":%lld,\"event\":\"rollback_refused\"}",
			       (long long)batch);
	cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(page, "items")), 1);
	cJSON_Delete(page);
}

Test(successors, a_rollback_that_is_killed_between_two_chunks_goes_on_where_it_stopped)
{
	bool more;

	fleet_close(&fleet);
	fleet_open(&fleet, 300);
	package_add("1.9.0");
	for (int i = 0; i < 300; i++) {
		fleet_connect(&fleet, i);
		fleet_inform(&fleet, i, "1.9.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	int64_t batch = fleet_batch(&fleet, "static", "");
	fleet_advance(&fleet, OTA_SECOND_MS);
	boot(0, "2.0.0");
	cJSON *row = fleet_do(&fleet, "{\"command\":\"rollbackBatch\",\"batch\":%lld}", (long long)batch);
	int64_t back = (int64_t)cJSON_GetObjectItem(row, "id")->valuedouble;
	cJSON_Delete(row);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 100, &more, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 100, &more, NULL), 0);
	ota_store_rollback(fleet.store);
	cr_assert_str_eq(fleet_batch_state(&fleet, back), "planned");
	fleet_restart(&fleet, OTA_SECOND_MS);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, back), "running");
	cr_assert_eq(count_of(back, "pending"), 300);
	cr_assert_eq(count_of(batch, "canceled"), 299);
	cr_assert_eq(count_of(batch, "succeeded"), 1);
}
