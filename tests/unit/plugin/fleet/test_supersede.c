/* A batch that takes devices over from other batches: what becomes of the old work, and of an old order that arrives late. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void device_up(int device, const char *version)
{
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, version);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void package_add(const char *version)
{
	cJSON_Delete(fleet_do(&fleet,
			      "{\"command\":\"addPackage\",\"productKey\":\"PK\",\"version\":\"%s\",\"size\":1000,"
			      "\"url\":\"https://h.example/%s\",\"md5\":\"0123456789abcdef0123456789abcdef\",\"sha256\":"
			      "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}",
			      version, version));
}

/* Four devices on 1.0.0; d3 is away. */
static void four_devices(void)
{
	fleet_open(&fleet, 4);
	package_add("2.1.0");
	package_add("1.0.0");
	for (int i = 0; i < 4; i++)
		device_up(i, "1.0.0");
	fleet_disconnect(&fleet, 3);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(supersede, .init = four_devices, .fini = close_fleet);

static cJSON *take_over_ask(const char *version, const char *more)
{
	return fleet_ask(&fleet,
			 "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"%s\",\"kind\":\"static\",\"targets\":"
			 "{\"all\":true},\"onConflict\":\"supersede\",\"override\":true,\"reason\":\"x\"%s}",
			 version, more);
}

static int64_t take_over(const char *version)
{
	cJSON *response = take_over_ask(version, "");
	const cJSON *data = cJSON_GetObjectItem(response, "data");

	cr_assert_not_null(data);
	int64_t id = (int64_t)cJSON_GetObjectItem(data, "id")->valuedouble;
	cJSON_Delete(response);
	fleet_advance(&fleet, OTA_SECOND_MS);
	return id;
}

static int count_of(int64_t batch, const char *member, const char *word)
{
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);
	const cJSON *item = cJSON_GetObjectItem(cJSON_GetObjectItem(row, member), word);
	int count = item ? item->valueint : 0;

	cJSON_Delete(row);
	return count;
}

Test(supersede, old_work_ends_and_new_work_begins_in_the_same_moment)
{
	int64_t old = fleet_batch(&fleet, "static", "");

	fleet_progress(&fleet, 1, 40);
	fleet_pushes(&fleet, 1);
	int64_t fresh = take_over("2.1.0");
	cr_assert_eq(count_of(old, "causes", "superseded"), 4);
	cr_assert_str_eq(fleet_batch_state(&fleet, old), "completed");
	cr_assert_eq(count_of(fresh, "counts", "pushed"), 3);
	cr_assert_eq(count_of(fresh, "counts", "pending"), 1);
	cr_assert_eq(count_of(fresh, "excluded", "conflict"), 0);
	cr_assert_eq(fleet_pushes(&fleet, 1), 1);
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"batch\":%lld,\"event\":\"canceled\"}", (long long)old);
	char by[64];
	snprintf(by, sizeof(by), "batch %lld takes the device", (long long)fresh);
	const cJSON *event = cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0);
	cr_assert(strstr(cJSON_GetObjectItem(event, "detail")->valuestring, by));
	cJSON_Delete(page);
}

Test(supersede, an_old_order_that_is_carried_out_late_is_no_failure_of_the_new_one)
{
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 100);
	int64_t fresh = take_over("2.1.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_disconnect(&fleet, 0);
	device_up(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed", "the new order stands");
	fleet_pushes(&fleet, 0);
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert(fleet_pushes(&fleet, 0) >= 1, "and is offered again");
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	device_up(0, "2.1.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_eq(count_of(fresh, "counts", "failed"), 0);
}

Test(supersede, the_last_cry_of_the_old_attempt_does_not_fail_the_new_one)
{
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 40);
	take_over("2.1.0");
	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
}

Test(supersede, a_device_that_runs_the_new_target_waits_while_the_old_order_may_arrive)
{
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 40);
	fleet_pushes(&fleet, 0);
	int64_t fresh = take_over("1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/at_target");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	cr_assert_eq(count_of(fresh, "excluded", "already_at_target"), 1, "d3 was never sent the old order");
	cr_assert_str_eq(fleet_task(&fleet, 3), "canceled/superseded");
	fleet_disconnect(&fleet, 0);
	device_up(0, "1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/already_at_target");
	fleet_disconnect(&fleet, 1);
	device_up(1, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 1), "pushed");
}

Test(supersede, who_is_barred_is_left_out_with_his_work)
{
	int64_t old = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d3\"]}");

	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"disableDevice\",\"productKey\":\"PK\",\"deviceName\":\"d3\"}"));
	int64_t fresh = take_over("2.1.0");
	cr_assert_eq(count_of(fresh, "excluded", "barred"), 1);
	cr_assert_eq(count_of(old, "counts", "pending"), 1);
}

Test(supersede, a_batch_that_is_still_being_prepared_is_waited_for)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\","
				      "\"kind\":\"verify\",\"targets\":{\"all\":true}}"));
	cJSON *response = take_over_ask("2.1.0", "");
	cr_assert(strstr(cJSON_GetObjectItem(cJSON_GetObjectItem(response, "error"), "message")->valuestring,
			 "is still being prepared"));
	cJSON_Delete(response);
}

Test(supersede, the_plan_counts_whom_it_takes_and_takes_nobody)
{
	int64_t old = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d1\",\"d3\"]}");
	cJSON *response = take_over_ask("2.1.0", ",\"dryRun\":true");
	const cJSON *plan = cJSON_GetObjectItem(response, "data");

	cr_assert_eq(cJSON_GetObjectItem(plan, "supersedes")->valueint, 2);
	cr_assert_eq(cJSON_GetObjectItem(plan, "matches")->valueint, 4);
	cr_assert_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(plan, "excluded"), "conflict")->valueint, 0);
	cJSON_Delete(response);
	cr_assert_eq(count_of(old, "causes", "superseded"), 0);
}

/* Between two chunks every device has one unfinished task: the old one, or the new one. */
Test(supersede, a_kill_between_two_chunks_leaves_every_device_with_one_task)
{
	bool more;

	fleet_close(&fleet);
	fleet_open(&fleet, 250);
	package_add("2.1.0");
	int64_t old = fleet_batch(&fleet, "static", "");
	cJSON *response = take_over_ask("2.1.0", "");
	int64_t fresh = (int64_t)cJSON_GetObjectItem(cJSON_GetObjectItem(response, "data"), "id")->valuedouble;
	cJSON_Delete(response);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 100, &more, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 100, &more, NULL), 0);
	ota_store_rollback(fleet.store);
	cr_assert_eq(count_of(old, "causes", "superseded"), 100);
	cr_assert_eq(count_of(fresh, "counts", "pending"), 100);
	fleet_restart(&fleet, OTA_SECOND_MS);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_eq(count_of(old, "causes", "superseded"), 250);
	cr_assert_eq(count_of(fresh, "counts", "pending"), 250);
	cr_assert_str_eq(fleet_batch_state(&fleet, old), "completed");
}
