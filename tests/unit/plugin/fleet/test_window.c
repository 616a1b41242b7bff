/* The window of a batch: nothing is sent outside it, and what waits goes out when it opens. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "plugin/fleet/zone.h"
#include "tests/unit/plugin/fleet/fixture.h"

#define DAY_MS ((int64_t)OTA_DAY_MS)
#define NIGHT ((int64_t)1700006400000) /* 2023-11-15T00:00Z: the fixture's clock stands a little before it */

static struct fleet fleet;

static void ten_devices(void)
{
	fleet_open(&fleet, 10);
	fleet.now.wall_ms = NIGHT;
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(window, .init = ten_devices, .fini = close_fleet);

static void up(int first, int behind)
{
	for (int i = first; i < behind; i++) {
		fleet_connect(&fleet, i);
		fleet_inform(&fleet, i, "1.0.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static int64_t batch_of(const char *window)
{
	char members[512];

	snprintf(members, sizeof(members), ",\"strategy\":{\"window\":{%s}}", window);
	return fleet_batch(&fleet, "static", members);
}

static int pushed(void)
{
	int count = 0;

	for (int i = 0; i < 10; i++)
		count += fleet_pushes(&fleet, i);
	return count;
}

static void advance_to(int64_t wall_ms)
{
	fleet_advance(&fleet, wall_ms - fleet.now.wall_ms);
}

static void tag(int device, const char *zone)
{
	cJSON_Delete(fleet_do(&fleet,
			      "{\"command\":\"tagDevices\",\"productKey\":\"PK\",\"names\":[\"d%d\"],\"set\":{\"tz\":\"%s\"}}",
			      device, zone));
}

Test(window, what_waits_goes_out_the_moment_it_opens)
{
	up(0, 9);
	batch_of("\"from\":\"22:00\",\"to\":\"06:00\",\"zone\":\"Asia/Tokyo\""); /* it is 09:00 there */
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/window");
	advance_to(NIGHT + 13 * OTA_HOUR_MS - 1);
	cr_assert_eq(pushed(), 0);
	fleet_advance(&fleet, 1);
	cr_assert_eq(pushed(), 9);
	up(9, 10);
	cr_assert_eq(pushed(), 1, "who connects while it is open");
}

Test(window, a_push_is_not_repeated_while_it_is_closed)
{
	batch_of("\"from\":\"23:00\",\"to\":\"01:00\"");
	up(0, 1);
	cr_assert_eq(pushed(), 1);
	advance_to(NIGHT + OTA_HOUR_MS);
	fleet_progress(&fleet, 0, 10);
	fleet_disconnect(&fleet, 0);
	up(0, 1);
	cr_assert_eq(pushed(), 0);
	fleet_advance(&fleet, 20 * OTA_MINUTE_MS);
	cr_assert_eq(pushed(), 0);
}

Test(window, an_interrupted_download_goes_on_when_it_opens)
{
	fleet_batch(&fleet, "static",
		    ",\"strategy\":{\"window\":{\"from\":\"23:00\",\"to\":\"01:00\"},\"upgradeTimeout\":\"2d\"}");
	up(0, 1);
	pushed();
	fleet_progress(&fleet, 0, 10);
	advance_to(NIGHT + 2 * OTA_HOUR_MS);
	fleet_disconnect(&fleet, 0);
	up(0, 1);
	cr_assert_eq(pushed(), 0);
	advance_to(NIGHT + 23 * OTA_HOUR_MS - 1);
	cr_assert_eq(pushed(), 0);
	fleet_advance(&fleet, 1);
	cr_assert_eq(pushed(), 1);
}

Test(window, no_push_draws_a_report_while_it_is_closed)
{
	batch_of("\"from\":\"23:00\",\"to\":\"01:00\"");
	up(0, 1);
	pushed();
	advance_to(NIGHT + OTA_HOUR_MS - OTA_MINUTE_MS);
	fleet_progress(&fleet, 0, 100);
	fleet_advance(&fleet, 15 * OTA_MINUTE_MS);
	cr_assert_eq(pushed(), 0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
}

Test(window, a_device_that_asks_outside_it_gets_nothing)
{
	batch_of("\"from\":\"10:00\",\"to\":\"11:00\"");
	up(0, 1);
	fleet_send(&fleet, 0, OTA_TOPIC_FIRMWARE_GET, "{\"id\":\"7\",\"params\":{\"module\":\"default\"}}");
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/window");
}

Test(window, each_device_has_its_own_day_and_falls_back_to_that_of_the_batch)
{
	tag(0, "Asia/Tokyo");       /* 09:00 */
	tag(1, "America/New_York"); /* 19:00 the day before */
	tag(2, "Mars/Olympus");
	up(0, 4);
	batch_of("\"from\":\"20:00\",\"to\":\"21:00\",\"zone\":\"Europe/London\",\"zoneTag\":\"tz\"");
	cr_assert_eq(pushed(), 0);
	advance_to(NIGHT + OTA_HOUR_MS);
	cr_assert_eq(fleet_pushes(&fleet, 1), 1);
	cr_assert_eq(pushed(), 0);
	advance_to(NIGHT + 11 * OTA_HOUR_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	cr_assert_eq(pushed(), 0);
	advance_to(NIGHT + 20 * OTA_HOUR_MS);
	cr_assert_eq(pushed(), 2);
}

Test(window, a_window_and_a_rate_hold_together)
{
	up(0, 10);
	fleet_batch(&fleet, "static",
		    ",\"strategy\":{\"window\":{\"from\":\"01:00\",\"to\":\"02:00\"},\"rate\":{\"perMinute\":6}}");
	advance_to(NIGHT + OTA_HOUR_MS);
	cr_assert_eq(pushed(), 1);
	fleet_advance(&fleet, 20 * OTA_SECOND_MS);
	cr_assert_eq(pushed(), 2);
}

Test(window, a_step_of_the_clock_into_it_opens_it_and_one_out_of_it_closes_it)
{
	up(0, 10);
	batch_of("\"from\":\"01:00\",\"to\":\"02:00\"");
	advance_to(NIGHT + 30 * OTA_MINUTE_MS);
	fleet.now.wall_ms = NIGHT + 5 * OTA_HOUR_MS; /* past it */
	fleet_advance(&fleet, OTA_MINUTE_MS);
	cr_assert_eq(pushed(), 0);
	fleet.now.wall_ms = NIGHT + OTA_HOUR_MS + 5 * OTA_MINUTE_MS; /* back into it */
	fleet_advance(&fleet, 2 * OTA_SECOND_MS);
	cr_assert_eq(pushed(), 10);
}

Test(window, a_restart_and_a_pause_keep_it)
{
	int64_t batch = batch_of("\"from\":\"01:00\",\"to\":\"02:00\"");

	fleet_restart(&fleet, 30 * OTA_MINUTE_MS);
	up(0, 10);
	cr_assert_eq(pushed(), 0);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"pauseBatch\",\"batch\":%lld}", (long long)batch));
	advance_to(NIGHT + OTA_HOUR_MS + OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/paused");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"resumeBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_eq(pushed(), 10);
}

Test(window, a_zone_that_does_not_exist_is_refused_when_the_batch_is_made)
{
	static const char *const bad[] = { "Europe/Berlim", "../../../etc/passwd", "/etc/localtime", "+02:00", "CET-1,M3.5.0" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cJSON *answer = fleet_ask(&fleet,
					  "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\","
					  "\"kind\":\"verify\",\"targets\":{\"all\":true},\"strategy\":{\"window\":"
					  "{\"from\":\"01:00\",\"to\":\"02:00\",\"zone\":\"%s\"}}}", bad[i]);
		const cJSON *error = cJSON_GetObjectItem(answer, "error");

		cr_assert(error, "%s", bad[i]);
		cr_expect_str_eq(cJSON_GetObjectItem(error, "path")->valuestring, "strategy.window.zone");
		cr_expect_not_null(strstr(cJSON_GetObjectItem(error, "message")->valuestring, bad[i]));
		cJSON_Delete(answer);
	}
}

Test(zone, berlin_sets_its_clocks_twice_a_year)
{
	struct ota_zones zones = {0};
	struct ota_local berlin;

	cr_assert(ota_zones_find(&zones, "Europe/Berlin", &berlin));
	cr_assert_eq(berlin.ahead_ms(berlin.zone, 1774745999999), OTA_HOUR_MS);
	cr_assert_eq(berlin.ahead_ms(berlin.zone, 1774746000000), 2 * OTA_HOUR_MS);
	cr_assert_eq(berlin.ahead_ms(berlin.zone, 1792889999999), 2 * OTA_HOUR_MS);
	cr_assert_eq(berlin.ahead_ms(berlin.zone, 1792890000000), OTA_HOUR_MS);
	cr_assert_eq(berlin.ahead_ms(berlin.zone, 4102444800000), OTA_HOUR_MS, "years ahead, by the rule at the end of its file");
	ota_zones_end(&zones);
}

Test(zone, every_hour_of_the_world_has_its_zone)
{
	struct ota_zones zones = {0};
	struct ota_local local;
	char name[32];

	for (int i = -14; i <= 12; i++) {
		snprintf(name, sizeof(name), "Etc/GMT%+d", i);
		cr_assert(ota_zones_find(&zones, i ? name : "Etc/GMT", &local), "%s", name);
		cr_assert_eq(local.ahead_ms(local.zone, 0), -(int64_t)i * OTA_HOUR_MS);
	}
	cr_assert(!ota_zones_find(&zones, "Etc/GMT+99", &local));
	cr_assert(ota_zones_find(&zones, "", &local));
	ota_zones_end(&zones);
}
