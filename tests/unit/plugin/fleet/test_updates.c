/* updateBatch and confirmTasks: what changes while a batch runs, and an operator's word for a device. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void ten_devices(void)
{
	fleet_open(&fleet, 10);
	for (int i = 0; i < 10; i++) {
		fleet_connect(&fleet, i);
		fleet_inform(&fleet, i, "1.0.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(updates, .init = ten_devices, .fini = close_fleet);
TestSuite(confirm, .init = ten_devices, .fini = close_fleet);

static int64_t batch_of(const char *strategy)
{
	char members[512];

	snprintf(members, sizeof(members), ",\"strategy\":{%s}", strategy);
	return fleet_batch(&fleet, "static", members);
}

static int pushed(void)
{
	int count = 0;

	for (int i = 0; i < 10; i++)
		count += fleet_pushes(&fleet, i);
	return count;
}

static void change(int64_t batch, const char *strategy)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"updateBatch\",\"batch\":%lld,\"strategy\":{%s}}", (long long)batch,
			      strategy));
	fleet_advance(&fleet, 1);
}

static const char *refusal(int64_t batch, const char *strategy)
{
	static char said[512];
	cJSON *answer = fleet_ask(&fleet, "{\"command\":\"updateBatch\",\"batch\":%lld,\"strategy\":{%s}}", (long long)batch,
				  strategy);
	const cJSON *error = cJSON_GetObjectItem(answer, "error");

	cr_assert(error, "%s", strategy);
	const cJSON *path = cJSON_GetObjectItem(error, "path");
	snprintf(said, sizeof(said), "%s %s: %s", cJSON_GetObjectItem(error, "code")->valuestring, path ? path->valuestring : "",
		 cJSON_GetObjectItem(error, "message")->valuestring);
	cJSON_Delete(answer);
	return said;
}

Test(updates, places_and_rate_count_at_once)
{
	int64_t batch = batch_of("\"maxInFlight\":1,\"rate\":{\"perMinute\":1}");

	cr_assert_eq(pushed(), 1);
	change(batch, "\"maxInFlight\":3");
	cr_assert_eq(pushed(), 0, "the rate holds still");
	change(batch, "\"rate\":{\"perMinute\":600}");
	fleet_advance(&fleet, 200);
	cr_assert_eq(pushed(), 2);
	change(batch, "\"maxInFlight\":0,\"rate\":{\"perMinute\":0}");
	cr_assert_eq(pushed(), 7);
}

Test(updates, a_window_opens_and_closes_by_a_word)
{
	int64_t batch = batch_of("\"window\":{\"from\":\"01:00\",\"to\":\"02:00\",\"zone\":\"Asia/Tokyo\"}");

	cr_assert_eq(pushed(), 0);
	change(batch, "\"window\":{\"from\":\"00:00\",\"to\":\"00:00\"}");
	cr_assert_eq(pushed(), 10);
}

Test(updates, what_changed_stands_in_the_log_with_its_old_value)
{
	int64_t batch = batch_of("\"rate\":{\"perMinute\":50}");

	change(batch, "\"rate\":{\"perMinute\":1000},\"maxInFlight\":20,\"retryCauses\":[\"lost\"]");
	cJSON *log = fleet_do(&fleet, "{\"command\":\"listEvents\",\"batch\":%lld,\"event\":\"batch_changed\"}",
			      (long long)batch);
	const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(log, "items"), 0);
	const char *detail = cJSON_GetObjectItem(row, "detail")->valuestring;
	cr_expect_str_eq(detail, "rate.perMinute 50 -> 1000, maxInFlight 0 -> 20, retryCauses "
				 "[\"download_failed\",\"push_timeout\",\"upgrade_timeout\",\"lost\"] -> [\"lost\"]");
	cr_expect_str_eq(cJSON_GetObjectItem(row, "actor")->valuestring, "admin");
	cJSON_Delete(log);
}

Test(updates, an_abort_rule_that_is_made_sharper_is_asked_at_once)
{
	int64_t batch = batch_of("\"abortSample\":0");

	for (int i = 0; i < 3; i++)
		fleet_progress(&fleet, i, -4);
	change(batch, "\"abortCount\":5");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	change(batch, "\"abortCount\":3");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
}

Test(updates, an_end_moves_and_may_not_be_past)
{
	int64_t batch = batch_of("\"maxInFlight\":1");
	char end[64];

	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_expect(strstr(refusal(batch, "\"endAt\":1700000000001"), "invalid strategy.endAt: that end is past"));
	cr_expect(strstr(refusal(batch, "\"endAfter\":\"1m\""), "strategy.endAfter"));
	snprintf(end, sizeof(end), "\"endAt\":%lld", (long long)fleet.now.wall_ms + OTA_MINUTE_MS);
	change(batch, end);
	change(batch, "\"endAfter\":\"30m\"");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 9), "pending/in_flight");
	fleet_advance(&fleet, 30 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 9), "canceled/expired");
}

Test(updates, what_was_promised_stays)
{
	int64_t batch = batch_of("\"maxInFlight\":1");

	cr_expect_str_eq(refusal(batch, "\"stages\":[]"),
			 "conflict strategy.stages: stages cannot change once a batch is made: cancel it and make another one");
	cr_expect(strstr(refusal(batch, "\"confirm\":true"), "conflict strategy.confirm"));
	cr_expect(strstr(refusal(batch, "\"pullOnly\":true"), "conflict strategy.pullOnly"));
	cr_expect(strstr(refusal(batch, "\"startAt\":1"), "conflict strategy.startAt"));
	cr_expect(strstr(refusal(batch, ""), "invalid strategy: strategy must name"));
	cr_expect(strstr(refusal(batch, "\"window\":{\"from\":\"01:00\",\"to\":\"02:00\",\"zone\":\"X/Y\"}"),
			 "invalid strategy.window.zone: X/Y"));
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	cr_expect(strstr(refusal(batch, "\"maxInFlight\":3"), "is canceled: nothing in it changes any more"));
}

Test(updates, a_rehearsal_changes_nothing)
{
	int64_t batch = batch_of("\"maxInFlight\":1");

	pushed();
	cJSON_Delete(fleet_do(&fleet,
			      "{\"command\":\"updateBatch\",\"batch\":%lld,\"dryRun\":true,"
			      "\"strategy\":{\"maxInFlight\":5}}",
			      (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_eq(pushed(), 0);
}

static int confirmed(int64_t batch, const char *who)
{
	cJSON *answer = fleet_do(&fleet, "{\"command\":\"confirmTasks\",\"batch\":%lld,%s}", (long long)batch, who);
	int count = cJSON_GetObjectItem(answer, "confirmed")->valueint;

	cJSON_Delete(answer);
	fleet_advance(&fleet, 1);
	return count;
}

Test(confirm, each_device_waits_for_its_word)
{
	int64_t batch = batch_of("\"confirm\":true");

	cr_assert_eq(pushed(), 0);
	cr_assert_str_eq(fleet_task(&fleet, 3), "pending/confirm");
	cr_assert_eq(confirmed(batch, "\"names\":[\"d3\",\"d4\"]"), 2);
	cr_assert_eq(pushed(), 2);
	cr_assert_eq(confirmed(batch, "\"names\":[\"d3\"]"), 0, "the word was given");
	fleet_restart(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 3), "pushed");
	cr_assert_str_eq(fleet_task(&fleet, 5), "pending/confirm");
}

Test(confirm, a_word_for_all_is_for_those_there_are)
{
	int64_t batch = batch_of("\"confirm\":true,\"maxInFlight\":4");

	cr_assert_eq(confirmed(batch, "\"all\":true"), 10);
	cr_assert_eq(pushed(), 4);
	cr_assert_str_eq(fleet_task(&fleet, 9), "pending/in_flight");
}

Test(confirm, a_retry_needs_no_second_word)
{
	int64_t batch = batch_of("\"confirm\":true,\"retryPause\":\"0s\"");

	confirmed(batch, "\"names\":[\"d0\"]");
	pushed();
	fleet_progress(&fleet, 0, 1);
	fleet_progress(&fleet, 0, -2);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_eq(pushed(), 1);
}

Test(confirm, who_does_not_wait_is_named)
{
	int64_t batch = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d0\"]},\"strategy\":{\"confirm\":true}");
	cJSON *answer = fleet_do(&fleet, "{\"command\":\"confirmTasks\",\"batch\":%lld,\"names\":[\"d0\",\"d1\",\"ghost\"]}",
				 (long long)batch);

	cr_expect_eq(cJSON_GetObjectItem(answer, "confirmed")->valueint, 1);
	cr_expect_eq(cJSON_GetObjectItem(answer, "notWaiting")->valueint, 2);
	cr_expect_str_eq(cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "names"), 1)->valuestring, "ghost");
	cJSON_Delete(answer);
}

static const char *confirm_refusal(const char *members)
{
	static char said[512];
	cJSON *answer = fleet_ask(&fleet, "{\"command\":\"confirmTasks\",%s}", members);
	const cJSON *error = cJSON_GetObjectItem(answer, "error");

	snprintf(said, sizeof(said), "%s", error ? cJSON_GetObjectItem(error, "message")->valuestring : "");
	cJSON_Delete(answer);
	return said;
}

Test(confirm, a_word_nobody_asked_for_is_refused)
{
	char members[64];

	snprintf(members, sizeof(members), "\"batch\":%lld,\"all\":true", (long long)batch_of(""));
	cr_expect(strstr(confirm_refusal(members), "asks for no operator's word"));
	cr_expect(strstr(confirm_refusal("\"batch\":1"), "confirm either the devices in names"));
	cr_expect(strstr(confirm_refusal("\"batch\":1,\"all\":true,\"names\":[\"d0\"]"), "confirm either the devices in names"));
}

/* pullOnly: nothing goes by itself, not even again. */
TestSuite(pull_only, .init = ten_devices, .fini = close_fleet);

Test(pull_only, only_a_device_that_asks_is_answered)
{
	batch_of("\"pullOnly\":true");
	fleet_advance(&fleet, OTA_HOUR_MS);
	cr_assert_eq(pushed(), 0);
	fleet_send(&fleet, 2, OTA_TOPIC_FIRMWARE_GET, "{\"id\":\"7\",\"params\":{\"module\":\"default\"}}");
	cr_assert_eq(pushed(), 1);
	cr_assert_str_eq(fleet_task(&fleet, 2), "pushed");
	fleet_progress(&fleet, 2, 10);
	fleet_disconnect(&fleet, 2);
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	fleet_connect(&fleet, 2);
	fleet_inform(&fleet, 2, "1.0.0");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_eq(pushed(), 0, "an interrupted download is asked for again");
	fleet_send(&fleet, 2, OTA_TOPIC_FIRMWARE_GET, "{\"id\":\"8\",\"params\":{\"module\":\"default\"}}");
	cr_assert_eq(pushed(), 1);
}
