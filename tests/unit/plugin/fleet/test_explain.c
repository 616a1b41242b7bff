/* explainDevice: each gate has its sentence with its figures, and says when it opens. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void five_devices(void)
{
	fleet_open(&fleet, 5);
	fleet.now.wall_ms = 1700006400000; /* 2023-11-15T00:00Z */
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(explain, .init = five_devices, .fini = close_fleet);

static void up(int first, int behind)
{
	for (int i = first; i < behind; i++) {
		fleet_connect(&fleet, i);
		fleet_inform(&fleet, i, "1.0.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static int64_t batch_of(const char *strategy)
{
	char members[512];

	snprintf(members, sizeof(members), ",\"strategy\":{%s}", strategy);
	return fleet_batch(&fleet, "static", members);
}

static struct {
	char text[1024], reason[32];
	double opens_ms;
} told;

static void ask(const char *name)
{
	cJSON *answer = fleet_do(&fleet, "{\"command\":\"explainDevice\",\"productKey\":\"PK\",\"deviceName\":\"%s\"}", name);
	const cJSON *opens = cJSON_GetObjectItem(answer, "opensAt");
	const cJSON *reason = cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "tasks"), 0), "reason");

	snprintf(told.text, sizeof(told.text), "%s", cJSON_GetObjectItem(answer, "text")->valuestring);
	snprintf(told.reason, sizeof(told.reason), "%s", reason ? reason->valuestring : "");
	told.opens_ms = opens ? opens->valuedouble : 0;
	cJSON_Delete(answer);
}

static void expect(const char *name, const char *reason, const char *text)
{
	ask(name);
	cr_expect_str_eq(told.reason, reason, "%s: %s", told.reason, told.text);
	cr_expect(strstr(told.text, text), "%s\n  lacks: %s", told.text, text);
}

static void order(const char *command, const char *members)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"%s\"%s}", command, members));
}

Test(explain, who_is_away_was_seen_when)
{
	batch_of("");
	expect("d0", "offline", "never seen");
	up(1, 2);
	fleet_disconnect(&fleet, 1);
	fleet_advance(&fleet, OTA_HOUR_MS);
	expect("d1", "", "it left with the offer and holds no place any more; given up at ");
}

Test(explain, who_is_offline_says_since_when)
{
	up(0, 1);
	fleet_disconnect(&fleet, 0);
	batch_of("");
	expect("d0", "offline", "the device is offline, last seen 2023-11-15T00:00:03Z");
}

Test(explain, a_window_says_whose_it_is_and_when_it_opens)
{
	order("tagDevices", ",\"productKey\":\"PK\",\"names\":[\"d1\"],\"set\":{\"tz\":\"Mars/Olympus\"}");
	up(0, 2);
	batch_of("\"window\":{\"from\":\"22:00\",\"to\":\"06:00\",\"zone\":\"Asia/Tokyo\",\"zoneTag\":\"tz\"}");
	expect("d0", "window", "window 22:00-06:00 Asia/Tokyo is closed, opens 2023-11-15T13:00:00Z (in ");
	cr_expect_eq(told.opens_ms, 1700006400000.0 + 13 * OTA_HOUR_MS);
	expect("d1", "window", "the device's tag tz says Mars/Olympus, which is no time zone here");
	fleet_advance(&fleet, (int64_t)told.opens_ms - fleet.now.wall_ms);
	expect("d0", "", "pushed 1 times in attempt 1, no answer yet; given up at 2023-11-15T14:00:00Z");
}

Test(explain, places_and_rate_have_their_figures)
{
	up(0, 5);
	int64_t batch = batch_of("\"maxInFlight\":2");
	expect("d4", "in_flight", "in flight 2 of 2");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	batch_of("\"rate\":{\"perMinute\":50,\"from\":10,\"factor\":2,\"every\":\"10m\"}");
	expect("d4", "rate", "rate: 10 a minute now, growing to 50, the next release is due in 6s");
	cr_expect_eq(told.opens_ms, (double)fleet.now.wall_ms + 6 * OTA_SECOND_MS);
}

Test(explain, a_stage_says_what_it_waits_for)
{
	up(0, 5);
	batch_of("\"stages\":[{\"count\":1}]");
	expect("d4", "stage", "stage 2 of 2 is not open: stage 1 is, ");
	expect("d4", "stage", "0 of 1");
}

Test(explain, a_start_a_word_and_a_question_are_told)
{
	up(0, 5);
	fleet_batch(&fleet, "static",
		    ",\"targets\":{\"names\":[\"d0\"]},\"strategy\":{\"startAt\":1700010000000}");
	expect("d0", "scheduled", "begins at 2023-11-15T01:00:00Z");
	cr_expect_eq(told.opens_ms, 1700010000000.0);
	fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d1\"]},\"strategy\":{\"confirm\":true}");
	expect("d1", "confirm", "otactl batch confirm ");
	fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d2\"]},\"strategy\":{\"pullOnly\":true}");
	expect("d2", "pull", "gets it when it asks");
}

Test(explain, a_retry_says_which_attempt_and_when)
{
	up(0, 1);
	batch_of("\"retryPause\":\"5m\"");
	fleet_progress(&fleet, 0, 3);
	expect("d0", "", "it is at step 3 of attempt 1; it must report 2.0.0 before ");
	fleet_progress(&fleet, 0, -2);
	expect("d0", "retry", "attempt 1 of 3 failed (download_failed), the next one begins at 2023-11-15T00:05:");
}

Test(explain, a_pause_gives_its_reason)
{
	up(0, 1);
	int64_t batch = batch_of("\"rate\":{\"perMinute\":1}");

	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"pauseBatch\",\"batch\":%lld,\"reason\":\"lunch\"}", (long long)batch));
	expect("d1", "paused", "is paused: paused by admin: lunch");
	expect("d0", "", "nothing is sent again meanwhile: batch ");
}

Test(explain, a_device_that_settles_is_waited_for)
{
	batch_of("");
	fleet_connect(&fleet, 0);
	expect("d0", "settling", "may say more");
	cr_expect_eq(told.opens_ms, (double)fleet.now.wall_ms + 2 * OTA_SECOND_MS);
}

Test(explain, a_delivery_and_an_end_are_told)
{
	up(0, 2);
	batch_of("\"retries\":0");
	fleet_progress(&fleet, 0, 100);
	expect("d0", "", "it has the whole package; it must report 2.0.0 before ");
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_progress(&fleet, 1, -4);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	expect("d0", "", "nothing is to be done; the last task, of batch ");
	expect("d0", "", "to 2.0.0, succeeded: the device reported the version");
	expect("d1", "", "failed: the device said that burning failed (-4)");
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	expect("d0", "", "; later it reported an older version");
}

Test(explain, devices_no_batch_takes_are_told_apart)
{
	expect("d0", "", "no batch was ever for this device");
	expect("stranger", "", "not registered, and its product refuses unknown devices");
	order("disableDevice", ",\"productKey\":\"PK\",\"deviceName\":\"d0\"");
	expect("d0", "", "the device is disabled");
	order("updateProduct", ",\"productKey\":\"PK\",\"registration\":\"open\"");
	expect("stranger", "", "it will be when it first reports");
	cJSON *answer = fleet_ask(&fleet, "{\"command\":\"explainDevice\",\"productKey\":\"NO\",\"deviceName\":\"d0\"}");
	cr_expect_str_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(answer, "error"), "code")->valuestring, "not_found");
	cJSON_Delete(answer);
}

Test(explain, one_module_at_a_time)
{
	up(0, 1);
	cJSON *package = fleet_do(&fleet, "{\"command\":\"listPackages\"}");
	const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(package, "items"), 0);
	char members[512];

	snprintf(members, sizeof(members),
		 ",\"productKey\":\"PK\",\"version\":\"9\",\"module\":\"mcu\",\"size\":%d,\"sha256\":\"%s\",\"md5\":\"%s\"",
		 cJSON_GetObjectItem(row, "size")->valueint, cJSON_GetObjectItem(row, "sha256")->valuestring,
		 cJSON_GetObjectItem(row, "md5")->valuestring);
	order("addPackage", members);
	cJSON_Delete(package);
	batch_of("");
	order("createBatch",
	      ",\"productKey\":\"PK\",\"version\":\"9\",\"module\":\"mcu\",\"kind\":\"verify\",\"targets\":{\"all\":true}");
	fleet_advance(&fleet, OTA_SECOND_MS);
	cJSON *answer = fleet_do(&fleet, "{\"command\":\"explainDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}");
	const cJSON *second = cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "tasks"), 1);
	cr_assert(second);
	cr_expect_str_eq(cJSON_GetObjectItem(second, "reason")->valuestring, "other_module");
	cr_expect(strstr(cJSON_GetObjectItem(second, "text")->valuestring, "brings module default to 2.0.0 first"));
	cJSON_Delete(answer);
}
