/* Dynamic batches: who joins, who does not, how often, and how they end. */
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

static void boot(int device, const char *version)
{
	fleet_progress(&fleet, device, 100);
	fleet_disconnect(&fleet, device);
	device_up(device, version);
}

static void package_add(const char *version)
{
	cJSON_Delete(fleet_do(&fleet,
			      "{\"command\":\"addPackage\",\"productKey\":\"PK\",\"version\":\"%s\",\"size\":1000,"
			      "\"url\":\"https://h.example/%s\",\"md5\":\"0123456789abcdef0123456789abcdef\",\"sha256\":"
			      "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}",
			      version, version));
}

/* d0 and d1 run the target of the tests, d2 and d3 never said what they run. */
static void four_devices(void)
{
	fleet_open(&fleet, 4);
	device_up(0, "2.0.0");
	device_up(1, "2.0.0");
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(dynamic, .init = four_devices, .fini = close_fleet);

static int64_t batch_of(const char *version, const char *where, const char *more)
{
	cJSON *row = fleet_do(&fleet,
			      "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"%s\",\"kind\":\"dynamic\","
			      "\"targets\":{\"where\":\"%s\"},\"override\":true,\"reason\":\"x\"%s}",
			      version, where, more);
	int64_t id = (int64_t)cJSON_GetObjectItem(row, "id")->valuedouble;

	cJSON_Delete(row);
	fleet_advance(&fleet, OTA_SECOND_MS);
	return id;
}

static int count_of(int64_t batch, const char *state)
{
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);
	int count = cJSON_GetObjectItem(cJSON_GetObjectItem(row, "counts"), state)->valueint;

	cJSON_Delete(row);
	return count;
}

static int total_of(int64_t batch)
{
	int total = 0;

	for (const char *const *state =
		     (const char *const[]){ "pending", "pushed", "upgrading", "succeeded", "failed", "canceled", NULL };
	     *state; state++)
		total += count_of(batch, *state);
	return total;
}

Test(dynamic, it_never_ends_by_itself_and_takes_who_is_registered_later)
{
	int64_t batch = fleet_batch(&fleet, "dynamic", "");

	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	cr_assert_eq(total_of(batch), 2);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"registerDevices\",\"productKey\":\"PK\",\"names\":[\"d7\"]}"));
	cr_assert_eq(total_of(batch), 3);
	device_up(7, "1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 7), "pushed");
	boot(7, "2.0.0");
	device_up(2, "2.0.0");
	device_up(3, "2.0.0");
	cr_assert_eq(count_of(batch, "succeeded"), 3);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
}

Test(dynamic, a_device_that_falls_back_is_taken_again)
{
	int64_t batch = batch_of("2.0.0", "name = d0", "");

	cr_assert_eq(total_of(batch), 0);
	fleet_disconnect(&fleet, 0);
	device_up(0, "1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	boot(0, "2.0.0");
	fleet_restart(&fleet, OTA_SECOND_MS);
	device_up(0, "1.5.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	cr_assert_eq(total_of(batch), 2);
}

Test(dynamic, a_device_that_failed_is_not_taken_again_while_nothing_has_changed)
{
	int64_t batch = batch_of("2.0.0", "name = d2", "");

	device_up(2, "1.0.0");
	fleet_progress(&fleet, 2, -4);
	cr_assert_str_eq(fleet_task(&fleet, 2), "failed/burn_failed");
	fleet_disconnect(&fleet, 2);
	fleet_connect(&fleet, 2);
	fleet_inform_as(&fleet, 2, "{\"version\":\"1.0.0\",\"bootId\":\"another\"}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(total_of(batch), 1);
	fleet_inform(&fleet, 2, "1.0.1");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(total_of(batch), 2);
}

Test(dynamic, nobody_is_taken_more_than_ten_times)
{
	int64_t batch = batch_of("2.0.0", "name = d0", "");

	for (int i = 0; i < 12; i++) {
		fleet_disconnect(&fleet, 0);
		device_up(0, "1.0.0");
		fleet_disconnect(&fleet, 0);
		device_up(0, "2.0.0");
	}
	cr_assert_eq(total_of(batch), 10);
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"batch\":%lld,\"event\":\"joined\"}", (long long)batch);
	const cJSON *last = cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0);
	cr_assert(strstr(cJSON_GetObjectItem(last, "detail")->valuestring, "matched ten times"));
	cJSON_Delete(page);
}

Test(dynamic, a_tag_a_group_and_a_second_chance_bring_devices_in)
{
	int64_t tagged = batch_of("2.0.0", "tag.ring = early", "");

	device_up(2, "1.0.0");
	cr_assert_eq(total_of(tagged), 0);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"tagDevices\",\"productKey\":\"PK\",\"names\":[\"d2\"],"
				      "\"set\":{\"ring\":\"early\"}}"));
	cr_assert_str_eq(fleet_task(&fleet, 2), "pushed");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"addToGroup\",\"productKey\":\"PK\",\"group\":\"lab\",\"names\":[\"d0\"]}"));
	int64_t grouped = batch_of("2.0.0", "group = lab", "");
	device_up(3, "1.0.0");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"disableDevice\",\"productKey\":\"PK\",\"deviceName\":\"d3\"}"));
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"addToGroup\",\"productKey\":\"PK\",\"group\":\"lab\",\"names\":[\"d3\"]}"));
	cr_assert_eq(total_of(grouped), 0, "it is shut out");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"enableDevice\",\"productKey\":\"PK\",\"deviceName\":\"d3\"}"));
	cr_assert_eq(total_of(grouped), 1);
}

/* Aliyun's rule: the newest one wins; who stands at its target is not pulled back by the older one. */
Test(dynamic, of_two_the_newest_has_the_device_and_the_older_does_not_pull_it_back)
{
	package_add("2.1.0");
	int64_t older = batch_of("2.0.0", "name = d2", "");
	int64_t newer = batch_of("2.1.0", "name = d2", ",\"onConflict\":\"supersede\"");

	cr_assert_eq(count_of(older, "canceled"), 1);
	device_up(2, "1.0.0");
	boot(2, "2.1.0");
	cr_assert_eq(count_of(newer, "succeeded"), 1);
	cr_assert_eq(total_of(older), 1);
	fleet_disconnect(&fleet, 2);
	device_up(2, "1.0.0");
	cr_assert_eq(total_of(newer), 2);
	cr_assert_eq(total_of(older), 1);
}

Test(dynamic, unfinished_work_of_others_stays_until_it_is_done)
{
	package_add("2.1.0");
	device_up(2, "1.0.0");
	fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d2\"]}");
	int64_t batch = batch_of("2.1.0", "name = d2", ",\"onConflict\":\"skip\"");

	fleet_inform(&fleet, 2, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(total_of(batch), 0);
	boot(2, "2.0.0");
	cr_assert_eq(total_of(batch), 1);
	cr_assert_str_eq(fleet_task(&fleet, 2), "pushed");
}

Test(dynamic, at_its_end_what_waits_is_canceled_and_what_runs_is_waited_for)
{
	int64_t batch = batch_of("2.0.0", "name = d2 or name = d3",
				 ",\"strategy\":{\"endAfter\":\"1h\",\"upgradeTimeout\":\"5h\"}");

	device_up(2, "1.0.0");
	fleet_progress(&fleet, 2, 10);
	fleet_advance(&fleet, 61 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 3), "canceled/expired");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	fleet_disconnect(&fleet, 0);
	device_up(3, "1.0.0");
	cr_assert_eq(total_of(batch), 2, "nobody joins any more");
	boot(2, "2.0.0");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "completed");
}

Test(dynamic, an_idle_one_ends_by_its_date_also_after_a_restart)
{
	int64_t batch = batch_of("2.0.0", "name = d0", ",\"strategy\":{\"endAfter\":\"1h\"}");

	fleet_restart(&fleet, 2 * OTA_HOUR_MS);
	fleet_advance(&fleet, 2 * OTA_HOUR_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "completed");
}

Test(dynamic, a_list_of_names_does_not_grow)
{
	cJSON *response = fleet_ask(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":"
					    "\"dynamic\",\"targets\":{\"names\":[\"d1\"]},\"override\":true,\"reason\":\"x\"}");
	cr_assert(strstr(cJSON_GetObjectItem(cJSON_GetObjectItem(response, "error"), "message")->valuestring,
			 "takes devices as they come"));
	cJSON_Delete(response);
}

/* The walk of the preparation has not come to every device yet: who is behind it waits for the walk, who is before it joins. */
Test(dynamic, who_comes_while_it_is_prepared_is_taken_once)
{
	bool more;

	fleet_close(&fleet);
	fleet_open(&fleet, 250);
	cJSON *row = fleet_do(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\","
				      "\"kind\":\"dynamic\",\"targets\":{\"all\":true},\"override\":true,\"reason\":\"x\"}");
	int64_t batch = (int64_t)cJSON_GetObjectItem(row, "id")->valuedouble;
	cJSON_Delete(row);
	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 100, &more, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"registerDevices\",\"productKey\":\"PK\",\"names\":[\"a\",\"z\"]}"));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	cr_assert_eq(count_of(batch, "pending"), 252);
}
