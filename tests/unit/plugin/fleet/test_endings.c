/* How things end: tasks of devices that never return, successes that do not last, batches that go on after a pause. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void thirty_devices(void)
{
	fleet_open(&fleet, 30);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(endings, .init = thirty_devices, .fini = close_fleet);

static void device_up(int device, const char *version)
{
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, version);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void upgrade(int device)
{
	fleet_progress(&fleet, device, 100);
	fleet_disconnect(&fleet, device);
	device_up(device, "2.0.0");
}

static int64_t batch_of_one(const char *more)
{
	char members[256];

	snprintf(members, sizeof(members), ",\"targets\":{\"names\":[\"d0\"]}%s", more);
	return fleet_batch(&fleet, "static", members);
}

static const char *reason_of(int64_t batch)
{
	static char said[256];
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);

	snprintf(said, sizeof(said), "%s", cJSON_GetObjectItem(row, "reason")->valuestring);
	cJSON_Delete(row);
	return said;
}

/* --- devices that never return --- */

Test(endings, a_device_that_leaves_with_an_offer_and_never_returns_is_lost_at_the_end_of_its_batch)
{
	device_up(0, "1.0.0");
	int64_t batch = batch_of_one(",\"strategy\":{\"endAfter\":\"12h\"}");

	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 11 * OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_advance(&fleet, OTA_HOUR_MS + OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/lost");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "completed");
	device_up(0, "2.0.0");
	cr_assert_str_eq(fleet_mark(&fleet, 0), "recovered");
}

Test(endings, a_device_that_vanished_while_the_server_was_down_is_lost_as_well)
{
	device_up(0, "1.0.0");
	batch_of_one(",\"strategy\":{\"endAfter\":\"12h\"}");
	fleet_restart(&fleet, OTA_SECOND_MS);
	fleet_advance(&fleet, 13 * OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/lost");
}

Test(endings, an_offer_of_a_withdrawn_batch_ends_too_when_its_device_vanished)
{
	device_up(0, "1.0.0");
	int64_t batch = batch_of_one(",\"strategy\":{\"endAfter\":\"12h\"}");

	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 13 * OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/lost");
}

Test(endings, whoever_returns_before_the_end_has_what_was_left_of_his_push_time)
{
	device_up(0, "1.0.0");
	batch_of_one(",\"strategy\":{\"endAfter\":\"12h\",\"retries\":0}");
	fleet_advance(&fleet, 30 * OTA_MINUTE_MS);
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 10 * OTA_HOUR_MS);
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 28 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_advance(&fleet, 3 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/push_timeout");
}

Test(endings, who_returns_in_the_very_moment_of_the_end_is_not_lost)
{
	device_up(0, "1.0.0");
	batch_of_one(",\"strategy\":{\"endAfter\":\"12h\"}");
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 12 * OTA_HOUR_MS - 5 * OTA_SECOND_MS);
	while (!strcmp(fleet_task(&fleet, 0), "pushed")) {
		fleet_connect(&fleet, 0);
		fleet_advance(&fleet, OTA_SECOND_MS);
		if (fleet.now.wall_ms > 1700000000000 + 12 * OTA_HOUR_MS + 10 * OTA_SECOND_MS)
			break;
	}
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
}

Test(endings, a_device_that_leaves_after_the_end_still_has_a_whole_push_timeout)
{
	device_up(0, "1.0.0");
	batch_of_one(",\"strategy\":{\"endAfter\":\"1m\"}");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 59 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/lost");
}

Test(endings, a_wrong_wall_clock_makes_nobody_wait_for_decades)
{
	device_up(0, "1.0.0");
	batch_of_one(",\"strategy\":{\"endAfter\":\"12h\"}");
	fleet.now.wall_ms = 86400000; /* 1970 */
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 13 * OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/lost");
}

/* --- a planned repeat --- */

Test(endings, a_repeat_planned_at_a_reconnect_is_dropped_once_progress_shows_that_the_download_goes_on)
{
	device_up(0, "1.0.0");
	batch_of_one("");
	fleet_progress(&fleet, 0, 10);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 5 * OTA_SECOND_MS);
	fleet_pushes(&fleet, 0);
	fleet_progress(&fleet, 0, 40);
	fleet_advance(&fleet, 5 * OTA_MINUTE_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_advance(&fleet, OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry", "the upgrade timer was lost with it");
}

/* --- what comes after a success --- */

static void foreign_version(const char *version, const char *mark)
{
	device_up(0, "1.0.0");
	batch_of_one("");
	upgrade(0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	fleet_disconnect(&fleet, 0);
	device_up(0, version);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_str_eq(fleet_mark(&fleet, 0), mark);
}

Test(endings, a_version_we_know_nothing_of_is_not_called_a_regression)
{
	foreign_version("2.1.0-hotfix", "");
}

static void package_add(const char *version)
{
	cJSON *packages = fleet_do(&fleet, "{\"command\":\"listPackages\"}");
	const cJSON *known = cJSON_GetArrayItem(cJSON_GetObjectItem(packages, "items"), 0);

	cJSON_Delete(fleet_do(&fleet,
			      "{\"command\":\"addPackage\",\"productKey\":\"PK\",\"version\":\"%s\",\"size\":%d,"
			      "\"sha256\":\"%s\",\"md5\":\"%s\"}",
			      version, cJSON_GetObjectItem(known, "size")->valueint,
			      cJSON_GetObjectItem(known, "sha256")->valuestring, cJSON_GetObjectItem(known, "md5")->valuestring));
	cJSON_Delete(packages);
}

Test(endings, the_version_of_a_package_that_came_later_is_not_a_regression)
{
	package_add("2.1.0");
	foreign_version("2.1.0", "");
}

/* 2.0.0 stands for the older package, 2.1.0 was rolled out. */
Test(endings, the_version_of_a_package_that_was_there_before_is_a_regression)
{
	package_add("2.1.0");
	device_up(0, "1.0.0");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.1.0\","
				      "\"kind\":\"static\",\"override\":true,\"reason\":\"test\","
				      "\"targets\":{\"names\":[\"d0\"]}}"));
	fleet_advance(&fleet, OTA_SECOND_MS);
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	device_up(0, "2.1.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	device_up(0, "2.0.0");
	cr_assert_str_eq(fleet_mark(&fleet, 0), "regressed");
}

/* --- a batch that was resumed --- */

Test(endings, the_abort_rule_counts_from_the_last_resume)
{
	for (int i = 0; i < 30; i++)
		device_up(i, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	for (int i = 0; i < 8; i++)
		upgrade(i);
	fleet_progress(&fleet, 8, -4);
	fleet_progress(&fleet, 9, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"resumeBatch\",\"batch\":%lld}", (long long)batch));
	upgrade(10);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running", "what was resumed paused again at a success: %s",
			 reason_of(batch));
	for (int i = 11; i < 19; i++)
		upgrade(i);
	fleet_progress(&fleet, 19, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	fleet_progress(&fleet, 20, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cr_assert_str_eq(reason_of(batch), "the abort rule fired: 2 of 11 finished tasks failed since it was resumed,"
					   " more than 10 % of at least 10");
}

/* --- two batches at once --- */

static const char *create_and_say(const char *targets, const char *more)
{
	static char said[512];
	cJSON *response = fleet_ask(&fleet,
				    "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\","
				    "\"kind\":\"static\",\"override\":true,\"reason\":\"test\",\"targets\":%s%s}",
				    targets, more);
	const cJSON *message = cJSON_GetObjectItem(cJSON_GetObjectItem(response, "error"), "message");

	snprintf(said, sizeof(said), "%s", message ? message->valuestring : "");
	cJSON_Delete(response);
	return said;
}

Test(endings, a_batch_for_devices_of_one_that_is_still_being_prepared_is_refused)
{
	cr_assert_str_eq(create_and_say("{\"names\":[\"d1\",\"d2\"]}", ""), "");
	cr_assert(strstr(create_and_say("{\"all\":true}", ""), "is still being prepared"));
	cr_assert(strstr(create_and_say("{\"names\":[\"d2\",\"d3\"]}", ""), "is still being prepared"));
	cr_assert_str_eq(create_and_say("{\"names\":[\"d4\"]}", ""), "", "nobody else is taken");
	cr_assert_str_eq(create_and_say("{\"all\":true}", ",\"onConflict\":\"skip\""), "");
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert(strstr(create_and_say("{\"names\":[\"d2\"]}", ""), "have an unfinished task"));
}

/* What holds a push holds the one that draws a report, too; the timer runs once more all the same. */
Test(reboot, no_report_is_drawn_by_a_push_while_the_batch_is_paused)
{
	fleet_open(&fleet, 1);
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	int64_t batch = fleet_batch(&fleet, "static", ",\"strategy\":{\"retries\":0}");
	fleet_progress(&fleet, 0, 100);
	fleet_pushes(&fleet, 0);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"pauseBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, 11 * OTA_MINUTE_MS);
	cr_expect_eq(fleet_pushes(&fleet, 0), 0);
	cr_expect_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS);
	cr_expect_str_eq(fleet_task(&fleet, 0), "failed/lost");
	fleet_close(&fleet);
}

/* It has just returned and is about to say what it runs. */
Test(reboot, no_report_is_drawn_by_a_push_before_a_connection_has_settled)
{
	fleet_open(&fleet, 1);
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 100);
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS - OTA_SECOND_MS);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_expect_eq(fleet_pushes(&fleet, 0), 0);
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_expect_eq(fleet_pushes(&fleet, 0), 0);
	cr_expect_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	fleet_close(&fleet);
}

/* Between the delivery and the report the wall clock is set back: the report is the later one all the same. */
Test(reboot, a_step_back_of_the_wall_clock_hides_no_boot_into_the_old_version)
{
	fleet_open(&fleet, 1);
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_batch(&fleet, "static", ",\"strategy\":{\"retries\":0}");
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	fleet.now.wall_ms -= OTA_MINUTE_MS;
	fleet_advance(&fleet, 10 * OTA_SECOND_MS);
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_expect_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
	fleet_close(&fleet);
}
