/* What the engine does with what devices do: DESIGN.md sections 5 and 6, event by event. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void one_device(void)
{
	fleet_open(&fleet, 1);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(engine, .init = one_device, .fini = close_fleet);

static void device_up(int device, const char *version)
{
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, version);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void upgrade_until_delivered(void)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 0);
	fleet_progress(&fleet, 0, 100);
}

Test(engine, a_whole_upgrade_ends_succeeded_by_the_version_report)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");

	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_progress(&fleet, 0, 23);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_progress(&fleet, 0, 100);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, OTA_MINUTE_MS);
	device_up(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "completed");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
}

/* C 4.x with a package of several files: a zero as each download begins, then one hundred for all of them. */
Test(engine, zeros_and_one_hundred_are_a_whole_delivery)
{
	static const int steps[] = {0, 0, 0, 100};

	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		fleet_progress(&fleet, 0, steps[i]);
		cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	}
	fleet_disconnect(&fleet, 0);
	device_up(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
}

Test(engine, a_device_that_is_away_gets_its_push_after_it_connected_and_settled)
{
	fleet_batch(&fleet, "static", "");
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/offline");
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 1 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/settling");
	fleet_advance(&fleet, 2 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
}

Test(engine, the_last_of_two_quick_informs_counts)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "app-1.0.0-20180101.1000");
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
}

Test(engine, a_device_that_just_booted_the_target_is_not_pushed_again)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_pushes(&fleet, 0);
	fleet_progress(&fleet, 0, 5);
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS);
	fleet_disconnect(&fleet, 0);
	device_up(0, "2.0.0");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
}

Test(engine, a_silent_reconnect_in_the_middle_of_a_download_is_pushed_again)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 40);
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	fleet_progress(&fleet, 0, 0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
}

Test(engine, repeats_are_at_least_a_minute_apart)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	for (int i = 0; i < 5; i++) {
		fleet_inform(&fleet, 0, "1.0.0");
		fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	}
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	fleet_advance(&fleet, OTA_MINUTE_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
}

Test(engine, a_push_nobody_answers_is_tried_three_times_and_then_fails)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_advance(&fleet, OTA_HOUR_MS + OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
	fleet_advance(&fleet, 11 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_advance(&fleet, 3 * OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/push_timeout");
}

Test(engine, the_push_timer_stands_still_while_the_device_is_away)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_advance(&fleet, 50 * OTA_MINUTE_MS);
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, OTA_DAY_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 5 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_advance(&fleet, 6 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
}

Test(engine, a_failed_download_is_retried_after_a_pause_and_a_failed_burn_is_not)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 10);
	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
	fleet_pushes(&fleet, 0);
	fleet_advance(&fleet, 11 * OTA_MINUTE_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	fleet_progress(&fleet, 0, 10);
	fleet_progress(&fleet, 0, -4);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
}

Test(engine, a_negative_right_after_a_retrys_push_belongs_to_the_attempt_before)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, -2);
	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
	for (int i = 0; i < 700 && strcmp(fleet_task(&fleet, 0), "pushed"); i++)
		fleet_advance(&fleet, OTA_SECOND_MS);
	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_advance(&fleet, 11 * OTA_SECOND_MS);
	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
}

Test(engine, a_device_that_comes_back_with_the_old_version_after_a_delivery_rolled_back)
{
	upgrade_until_delivered();
	fleet_disconnect(&fleet, 0);
	device_up(0, "1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
}

Test(engine, an_inform_of_the_same_boot_after_a_delivery_is_no_rollback)
{
	fleet_connect(&fleet, 0);
	fleet_inform_as(&fleet, 0, "{\"version\":\"1.0.0\",\"caps\":[],\"bootId\":\"b1\"}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 100);
	fleet_inform_as(&fleet, 0, "{\"version\":\"1.0.0\",\"caps\":[],\"bootId\":\"b1\"}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_inform_as(&fleet, 0, "{\"version\":\"1.0.0\",\"caps\":[],\"bootId\":\"b2\"}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
}

Test(engine, a_device_that_never_comes_back_after_a_delivery_is_lost_and_recovers_by_a_mark)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", ",\"strategy\":{\"retries\":0}");
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 11 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/lost");
	device_up(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/lost");
	cr_assert_str_eq(fleet_mark(&fleet, 0), "recovered");
}

Test(engine, a_device_online_at_the_reboot_timer_is_asked_once_by_a_push)
{
	upgrade_until_delivered();
	fleet_pushes(&fleet, 0);
	fleet_advance(&fleet, 9 * OTA_MINUTE_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
}

Test(engine, a_foreign_version_in_the_middle_of_an_upgrade_fails_it)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 10);
	fleet_inform(&fleet, 0, "9.9.9");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/wrong_version");
}

Test(engine, soak_waits_before_it_says_succeeded_and_a_fall_back_meanwhile_fails)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", ",\"strategy\":{\"soak\":\"5m\"}");
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	device_up(0, "2.0.0");
	fleet_advance(&fleet, 4 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
}

Test(engine, a_later_older_version_marks_a_success_as_regressed)
{
	upgrade_until_delivered();
	fleet_disconnect(&fleet, 0);
	device_up(0, "2.0.0");
	fleet_disconnect(&fleet, 0);
	device_up(0, "1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_str_eq(fleet_mark(&fleet, 0), "regressed");
}

Test(engine, eight_hours_of_downtime_make_no_timer_run_out)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 10);
	fleet_restart(&fleet, 8 * OTA_HOUR_MS);
	fleet_advance(&fleet, 30 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_advance(&fleet, 31 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
}

Test(engine, in_the_first_two_minutes_after_a_start_no_timer_ends_a_task)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 10);
	fleet_advance(&fleet, 59 * OTA_MINUTE_MS);
	fleet.grace_ms = 0; /* the default, 120 s */
	fleet_restart(&fleet, OTA_SECOND_MS);
	fleet_advance(&fleet, 110 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_advance(&fleet, 15 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
}

Test(engine, six_deliveries_without_a_change_bar_the_device_until_an_operator_lifts_it)
{
	device_up(0, "1.0.0");
	for (int i = 0; i < 6; i++) {
		cr_assert_neq(strcmp(fleet_task(&fleet, 0), "failed/loop"), 0);
		fleet_batch(&fleet, "static", "");
		fleet_progress(&fleet, 0, 100);
		fleet_disconnect(&fleet, 0);
		device_up(0, "1.0.0");
	}
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/loop");
	int64_t batch = fleet_batch(&fleet, "static", "");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "completed");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"unbarDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}"));
	fleet_batch(&fleet, "static", "");
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
}

Test(engine, a_report_that_names_another_attempt_is_not_applied)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	char payload[128];

	snprintf(payload, sizeof(payload), "{\"id\":1,\"params\":{\"step\":-4,\"batch\":%lld,\"attempt\":7}}", (long long)batch);
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, payload);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	snprintf(payload, sizeof(payload), "{\"id\":1,\"params\":{\"step\":-4,\"batch\":%lld,\"attempt\":1}}", (long long)batch);
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, payload);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
}

Test(engine, a_pull_is_answered_with_the_push_and_counts_as_one)
{
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_send(&fleet, 0, OTA_TOPIC_FIRMWARE_GET, "{\"id\":\"7\",\"params\":{}}");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	const struct ota_outgoing *none = &fleet.outbox.items[fleet.outbox.count - 1];
	cr_assert_str_eq(none->payload, "{\"id\":\"7\",\"code\":200,\"data\":{}}");
}

Test(engine, garbage_is_refused_and_changes_nothing)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, "{\"id\":1,\"params\":{\"step\":\"101\"}}");
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, "{\"id\":1,\"params\":{}}");
	fleet_send(&fleet, 0, OTA_TOPIC_INFORM, "not json");
	fleet_send(&fleet, 0, OTA_TOPIC_INFORM, "");
	fleet_send(&fleet, 0, OTA_TOPIC_INFORM, "[[[[[[[[[[[[");
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, "{\"a\":[[[[[[[[[[[[]]]]]]]]]]]]}");
	fleet_send(&fleet, 0, OTA_TOPIC_REQUEST,
		   "{\"id\":1111111111111111111111111111111111111111111111111111111111111111111111}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
}

Test(engine, a_connect_that_settles_while_an_inform_does_sends_nothing)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 40);
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 1500);
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
}

Test(engine, a_negative_right_after_a_retrys_push_is_noted_though_the_attempt_before_had_got_on)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", ",\"strategy\":{\"retryPause\":\"1s\"}");
	fleet_progress(&fleet, 0, 10);
	fleet_progress(&fleet, 0, -2);
	fleet_advance(&fleet, 2 * OTA_SECOND_MS);
	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
}

Test(engine, a_negative_in_a_first_attempt_counts_at_once_and_so_does_one_that_names_its_attempt)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", ",\"strategy\":{\"retryPause\":\"1s\"}");
	char payload[128];

	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
	fleet_advance(&fleet, 2 * OTA_SECOND_MS);
	snprintf(payload, sizeof(payload), "{\"id\":1,\"params\":{\"step\":-4,\"batch\":%lld,\"attempt\":2}}", (long long)batch);
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, payload);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
}

Test(engine, only_a_device_that_announced_our_dialect_is_told_batch_and_attempt)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	cr_assert_null(strstr(fleet.outbox.items[fleet.outbox.count - 1].payload, "_ota"));
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	fleet_inform_as(&fleet, 0, "{\"version\":\"1.0.0\",\"caps\":[]}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_batch(&fleet, "static", "");
	cr_assert(strstr(fleet.outbox.items[fleet.outbox.count - 1].payload, "_ota"));
}

Test(engine, a_pull_is_answered_to_the_connection_that_asked)
{
	fleet_connect(&fleet, 0);
	uint64_t first = fleet.connection_of[0];
	fleet_connect(&fleet, 0);
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet.connection_of[0] = first;
	fleet_send(&fleet, 0, OTA_TOPIC_REQUEST, "{\"id\":1,\"params\":{}}");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
}

Test(engine, a_device_that_left_while_the_server_was_down_has_the_whole_push_time_when_it_returns)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_restart(&fleet, OTA_SECOND_MS);
	fleet_advance(&fleet, 2 * OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 59 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
}

Test(engine, a_device_that_leaves_in_the_moment_its_push_time_is_over_has_used_it_up)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet.now.heard_ms += OTA_HOUR_MS;
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, OTA_HOUR_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
}

Test(engine, what_fails_after_its_batch_was_canceled_is_not_tried_again_and_what_fails_while_it_is_paused_is)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/download_failed");
	batch = fleet_batch(&fleet, "static", "");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"pauseBatch\",\"batch\":%lld}", (long long)batch));
	fleet_progress(&fleet, 0, -2);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/paused");
}

static int device_items(const char *name, const char *list)
{
	cJSON *response = fleet_ask(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"%s\"}", name);
	const cJSON *data = cJSON_GetObjectItem(response, "data");
	int count = data ? cJSON_GetArraySize(cJSON_GetObjectItem(data, list)) : -1;

	cJSON_Delete(response);
	return count;
}

Test(engine, a_device_has_room_for_sixteen_modules)
{
	fleet_connect(&fleet, 0);
	for (int i = 0; i < 17; i++) {
		char params[128];

		snprintf(params, sizeof(params), "{\"version\":\"1\",\"module\":\"m%d\"}", i);
		fleet_inform_as(&fleet, 0, params);
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(device_items("d0", "modules"), 16);
}

Test(engine, an_unknown_device_is_registered_by_its_inform_only_where_the_product_is_open)
{
	fleet_connect(&fleet, 5);
	fleet_inform(&fleet, 5, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(device_items("d5", "modules"), -1);
}

Test(engine, a_report_that_names_another_batch_is_not_applied)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	char payload[128];

	snprintf(payload, sizeof(payload), "{\"id\":1,\"params\":{\"step\":-4,\"batch\":%lld,\"attempt\":1}}",
		 (long long)batch + 1);
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, payload);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
}

Test(engine, steps_go_forward_within_an_attempt_until_a_push_starts_it_over)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	for (int i = 0; i < 2; i++) {
		fleet_progress(&fleet, 0, 60);
		fleet_progress(&fleet, 0, 20);
		cJSON *row = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}");
		const cJSON *task = cJSON_GetArrayItem(cJSON_GetObjectItem(row, "tasks"), 0);
		cr_assert_eq(cJSON_GetObjectItem(task, "step")->valueint, 60);
		cJSON_Delete(row);
		fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
		fleet_disconnect(&fleet, 0);
		device_up(0, "1.0.0");
		fleet_progress(&fleet, 0, 1);
	}
}

Test(engine, the_old_pull_is_answered_with_a_push_on_its_own_topic_and_with_silence_when_there_is_nothing)
{
	device_up(0, "1.0.0");
	fleet_send(&fleet, 0, OTA_TOPIC_REQUEST, "{\"id\":1,\"params\":{}}");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	fleet_batch(&fleet, "static", "");
	fleet_send(&fleet, 0, OTA_TOPIC_REQUEST, "{\"id\":1,\"params\":{}}");
	cr_assert_eq(fleet_pushes(&fleet, 0), 2);
	const struct ota_outgoing *answer = &fleet.outbox.items[fleet.outbox.count - 1];
	cr_assert_str_eq(answer->topic, "/ota/device/request/PK/d0");
	cr_assert(strstr(answer->payload, "{\"code\":\"1000\"") == answer->payload, "%s", answer->payload);
}

Test(engine, a_timer_that_ran_out_while_the_server_was_down_does_not_keep_it_busy_until_it_may_speak)
{
	int64_t next;

	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 10);
	fleet_advance(&fleet, 59 * OTA_MINUTE_MS);
	fleet.grace_ms = 0; /* the default, 120 s */
	fleet_restart(&fleet, OTA_SECOND_MS);
	int64_t started = fleet.now.heard_ms;
	fleet_advance(&fleet, 100 * OTA_SECOND_MS);
	fleet.now.heard_ms = started + 110 * OTA_SECOND_MS;
	ota_store_begin(fleet.store, NULL);
	bool more;
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 50, &more, NULL), 0);
	cr_assert_eq(ota_engine_next_due(fleet.engine, &next, NULL), 0);
	ota_store_commit(fleet.store, NULL);
	cr_assert_gt(next, fleet.now.heard_ms);
}
