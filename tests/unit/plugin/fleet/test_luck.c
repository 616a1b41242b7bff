/* Bad luck: clocks that step, a server that is away for long, messages that come twice, late, or to the wrong door. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

/* d0 downloads, d1 was pushed, d2 waits for a connection, d3 was delivered, d4 was pushed and left. */
static void a_batch_under_way(void)
{
	fleet_open(&fleet, 5);
	for (int device = 0; device < 5; device++) {
		if (device == 2)
			continue;
		fleet_connect(&fleet, device);
		fleet_inform(&fleet, device, "1.0.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_batch(&fleet, "static", ",\"strategy\":{\"abortSample\":0}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_progress(&fleet, 0, 30);
	fleet_progress(&fleet, 3, 100);
	fleet_disconnect(&fleet, 4);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(luck, .init = a_batch_under_way, .fini = close_fleet);

static void expect_tasks(const char *d0, const char *d1, const char *d2, const char *d3, const char *d4)
{
	const char *wanted[] = {d0, d1, d2, d3, d4};

	for (int device = 0; device < 5; device++)
		cr_assert_str_eq(fleet_task(&fleet, device), wanted[device], "d%d: %s", device, fleet_task(&fleet, device));
}

static void expect_all_as_before(void)
{
	expect_tasks("upgrading", "pushed", "pending/offline", "upgrading", "pushed");
}

/* Every device goes on where it was and ends on the new version. */
static void all_succeed(void)
{
	for (int device = 0; device < 5; device++) {
		if (!fleet.connection_of[device])
			fleet_connect(&fleet, device);
		if (device != 3)
			fleet_inform(&fleet, device, "1.0.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	for (int device = 0; device < 5; device++) {
		fleet_progress(&fleet, device, 100);
		fleet_disconnect(&fleet, device);
		fleet_connect(&fleet, device);
		fleet_inform(&fleet, device, "2.0.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	for (int device = 0; device < 5; device++)
		cr_assert_str_eq(fleet_task(&fleet, device), "succeeded/version_reported", "d%d: %s", device,
				 fleet_task(&fleet, device));
}

/* --- clocks --- */

static void clock_steps(int64_t by_ms)
{
	fleet.now.wall_ms += by_ms;
	fleet_advance(&fleet, 5 * OTA_MINUTE_MS);
	expect_all_as_before();
	fleet.now.wall_ms -= by_ms;
	fleet_advance(&fleet, 4 * OTA_MINUTE_MS);
	expect_all_as_before();
	all_succeed();
}

Test(luck, a_clock_a_second_fast_moves_nothing)
{
	clock_steps(OTA_SECOND_MS);
}

Test(luck, a_clock_a_second_slow_moves_nothing)
{
	clock_steps(-OTA_SECOND_MS);
}

Test(luck, a_clock_a_day_fast_moves_nothing)
{
	clock_steps(OTA_DAY_MS);
}

Test(luck, a_clock_a_day_slow_moves_nothing)
{
	clock_steps(-OTA_DAY_MS);
}

Test(luck, a_clock_in_1970_moves_nothing)
{
	clock_steps(-fleet.now.wall_ms);
}

Test(luck, a_clock_in_2038_moves_nothing)
{
	clock_steps(((int64_t)INT32_MAX + 1) * OTA_SECOND_MS - fleet.now.wall_ms);
}

Test(luck, a_clock_that_stays_in_2038_ends_the_batch_after_an_hour)
{
	fleet.now.wall_ms = ((int64_t)INT32_MAX + 1) * OTA_SECOND_MS;
	fleet_progress(&fleet, 0, 40); /* the step is seen with whatever comes first */
	fleet_advance(&fleet, 50 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 2), "pending/offline");
	fleet_advance(&fleet, 15 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 2), "canceled/expired");
}

Test(luck, a_device_that_leaves_while_the_clock_is_wrong_keeps_its_time)
{
	fleet.now.wall_ms += 400 * (int64_t)OTA_DAY_MS;
	fleet_disconnect(&fleet, 1);
	fleet_advance(&fleet, OTA_MINUTE_MS);
	fleet.now.wall_ms -= 400 * (int64_t)OTA_DAY_MS;
	fleet_advance(&fleet, 2 * OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 1), "pushed");
}

Test(luck, no_batch_is_ordered_by_a_clock_that_was_never_set)
{
	fleet.now.wall_ms = 1000;
	cJSON *answer = fleet_ask(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\","
					  "\"kind\":\"verify\",\"targets\":{\"all\":true},\"onConflict\":\"skip\"}");
	const cJSON *error = cJSON_GetObjectItem(answer, "error");

	cr_assert_str_eq(cJSON_GetObjectItem(error, "code")->valuestring, "unavailable");
	cr_assert(strstr(cJSON_GetObjectItem(error, "message")->valuestring, "clock"));
	cJSON_Delete(answer);
}

/* --- a long absence --- */

Test(luck, eight_hours_without_a_broker_end_no_task_and_all_go_on)
{
	fleet_restart(&fleet, 8 * OTA_HOUR_MS);
	expect_all_as_before();
	fleet_advance(&fleet, 5 * OTA_MINUTE_MS);
	expect_all_as_before();
	all_succeed();
}

Test(luck, a_crash_every_minute_ends_no_task_and_all_go_on)
{
	for (int i = 0; i < 30; i++) {
		fleet_restart(&fleet, OTA_HOUR_MS);
		fleet_advance(&fleet, 10 * OTA_SECOND_MS);
	}
	expect_all_as_before();
	all_succeed();
}

/* --- messages --- */

static int64_t version_count(const char *version)
{
	cJSON *data = fleet_do(&fleet, "{\"command\":\"versionDistribution\",\"productKey\":\"PK\"}");
	const cJSON *row;
	int64_t count = 0;

	cJSON_ArrayForEach(row, cJSON_GetObjectItem(data, "versions"))
		if (!strcmp(cJSON_GetObjectItem(row, "version")->valuestring, version))
			count = cJSON_GetObjectItem(row, "count")->valueint;
	cJSON_Delete(data);
	return count;
}

Test(luck, every_report_five_times_is_the_same_as_once)
{
	for (int i = 0; i < 5; i++)
		fleet_progress(&fleet, 0, 60);
	for (int i = 0; i < 5; i++)
		fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	for (int i = 0; i < 5; i++)
		fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_eq(version_count("2.0.0"), 1);
	cr_assert_eq(version_count("1.0.0"), 3);
	for (int i = 0; i < 5; i++)
		fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_str_eq(fleet_mark(&fleet, 0), "");
}

Test(luck, a_report_about_a_task_that_ended_changes_nothing)
{
	static const int steps[] = {-4, -3, -2, -1, 0, 50, 100};

	fleet_progress(&fleet, 0, -4);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		fleet_progress(&fleet, 0, steps[i]);
		fleet_advance(&fleet, OTA_DAY_MS / 4);
	}
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1, "the one of the beginning");
}

Test(luck, a_report_that_names_a_batch_the_device_is_not_in_changes_nothing)
{
	char payload[128];

	for (int step = -4; step <= 100; step += 4) {
		snprintf(payload, sizeof(payload), "{\"id\":1,\"params\":{\"step\":%d,\"batch\":424242,\"attempt\":1}}", step);
		fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, payload);
		fleet_send(&fleet, 1, OTA_TOPIC_PROGRESS, payload);
	}
	expect_all_as_before();
	all_succeed();
}

Test(luck, a_report_about_a_module_nobody_updates_changes_nothing)
{
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, "{\"id\":1,\"params\":{\"step\":\"-4\",\"module\":\"modem\"}}");
	fleet_inform_as(&fleet, 0, "{\"version\":\"2.0.0\",\"module\":\"modem\"}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	expect_all_as_before();
}

Test(luck, a_message_on_a_topic_of_the_server_changes_nothing)
{
	fleet_send(&fleet, 0, OTA_TOPIC_UPGRADE, "{\"id\":1,\"params\":{\"version\":\"2.0.0\",\"step\":\"-4\"}}");
	fleet_send(&fleet, 0, OTA_TOPIC_CANCEL, "{\"id\":1,\"params\":{\"batch\":1,\"attempt\":1}}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	expect_all_as_before();
}

Test(luck, a_stranger_is_refused_and_leaves_no_trace)
{
	fleet_connect(&fleet, 77);
	fleet_inform(&fleet, 77, "2.0.0");
	fleet_progress(&fleet, 77, 100);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(version_count("2.0.0"), 0);
	expect_all_as_before();
}

Test(luck, an_inform_a_week_late_is_the_version_all_the_same)
{
	fleet_disconnect(&fleet, 1);
	fleet_advance(&fleet, 7 * (int64_t)OTA_DAY_MS);
	fleet_connect(&fleet, 1);
	fleet_inform(&fleet, 1, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 1), "succeeded/version_reported");
}
