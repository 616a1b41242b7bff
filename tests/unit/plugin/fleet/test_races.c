/* Things that happen at nearly the same time: a reconnect and a report, an inform and a delivery, one module's work and
 * another's. */
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

TestSuite(races, .init = one_device, .fini = close_fleet);

static void device_up(int device, const char *version)
{
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, version);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void inform_of_boot(const char *version, const char *boot)
{
	char params[128];

	snprintf(params, sizeof(params), "{\"version\":\"%s\",\"caps\":[],\"bootId\":\"%s\"}", version, boot);
	fleet_inform_as(&fleet, 0, params);
}

/* One more package out of the same bytes. */
static void package_add(const char *module, const char *version)
{
	cJSON *package = fleet_do(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");

	cJSON_Delete(
		fleet_do(&fleet,
			 "{\"command\":\"addPackage\",\"productKey\":\"PK\",\"module\":\"%s\",\"version\":\"%s\",\"size\":%d,"
			 "\"sha256\":\"%s\",\"md5\":\"%s\"}",
			 module, version, cJSON_GetObjectItem(package, "size")->valueint,
			 cJSON_GetObjectItem(package, "sha256")->valuestring, cJSON_GetObjectItem(package, "md5")->valuestring));
	cJSON_Delete(package);
}

static int64_t batch_of(const char *module, const char *version, const char *members)
{
	cJSON *batch = fleet_do(
		&fleet,
		"{\"command\":\"createBatch\",\"productKey\":\"PK\",\"module\":\"%s\",\"version\":\"%s\",\"kind\":\"static\","
		"\"override\":true,\"reason\":\"test\",\"targets\":{\"all\":true}%s}",
		module, version, members);
	int64_t id = (int64_t)cJSON_GetObjectItem(batch, "id")->valuedouble;

	cJSON_Delete(batch);
	fleet_advance(&fleet, 1);
	return id;
}

/* State and cause of the only task of a batch. */
static const char *task_of(int64_t batch)
{
	static char said[64];
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listTasks\",\"batch\":%lld}", (long long)batch);
	const cJSON *task = cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0);
	const cJSON *cause = cJSON_GetObjectItem(task, "cause");

	snprintf(said, sizeof(said), "%s%s%s", cJSON_GetObjectItem(task, "state")->valuestring, cause ? "/" : "",
		 cause ? cause->valuestring : "");
	cJSON_Delete(page);
	return said;
}

Test(races, what_was_left_of_the_push_timer_does_not_become_the_upgrade_timer)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_advance(&fleet, 59 * OTA_MINUTE_MS);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	fleet_progress(&fleet, 0, 5); /* before the connect has settled */
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_advance(&fleet, 51 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
}

Test(races, what_was_left_of_the_push_timer_does_not_become_the_reboot_timer)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", ",\"strategy\":{\"retries\":0}");
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	fleet_progress(&fleet, 0, 100);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 11 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/lost");
}

Test(races, an_inform_received_before_the_delivery_and_settled_after_it_is_no_rollback)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 90);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, OTA_SECOND_MS);
	fleet_progress(&fleet, 0, 100);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
}

Test(races, a_device_that_restarted_in_the_middle_of_a_download_did_not_roll_back_when_it_reconnects_after_it)
{
	fleet_connect(&fleet, 0);
	inform_of_boot("1.0.0", "b1");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 30);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	inform_of_boot("1.0.0", "b2");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	inform_of_boot("1.0.0", "b2");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	inform_of_boot("1.0.0", "b3");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
}

Test(races, a_new_batch_for_another_module_does_not_push_a_running_download_again)
{
	package_add("mcu", "2.0.0");
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 10);
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS);
	fleet_pushes(&fleet, 0);
	int64_t other = batch_of("mcu", "2.0.0", "");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/other_module");
	fleet_progress(&fleet, 0, 100);
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	cr_assert_str_eq(task_of(other), "pushed");
}

Test(races, a_device_barred_by_a_loop_gets_no_push_for_another_module)
{
	package_add("mcu", "2.0.0");
	device_up(0, "1.0.0");
	for (int i = 0; i < 6; i++) {
		fleet_batch(&fleet, "static", "");
		fleet_progress(&fleet, 0, 100);
		fleet_disconnect(&fleet, 0);
		int64_t other = i < 5 ? 0 : batch_of("mcu", "2.0.0", "");
		fleet_connect(&fleet, 0);
		fleet_advance(&fleet, 3 * OTA_SECOND_MS); /* settled before it tells its version */
		fleet_pushes(&fleet, 0);
		fleet_inform(&fleet, 0, "1.0.0");
		fleet_advance(&fleet, 3 * OTA_SECOND_MS);
		if (other)
			cr_assert_str_eq(task_of(other), "pending");
	}
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/barred");
}

Test(races, a_lifted_bar_gives_the_device_all_its_deliveries_back)
{
	device_up(0, "1.0.0");
	for (int i = 0; i < 7; i++) {
		if (i == 6)
			cJSON_Delete(
				fleet_do(&fleet, "{\"command\":\"unbarDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}"));
		fleet_batch(&fleet, "static", "");
		fleet_progress(&fleet, 0, 100);
		fleet_disconnect(&fleet, 0);
		device_up(0, "1.0.0");
		if (i == 5)
			cr_assert_str_eq(fleet_task(&fleet, 0), "failed/loop");
	}
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
}

/* A device with an order of 1.5.0 taken back and one of 2.0.0 sent. */
static void order_taken_back(const char *strategy)
{
	package_add("default", "1.5.0");
	device_up(0, "1.0.0");
	int64_t first = batch_of("default", "1.5.0", "");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)first));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/revoked");
	fleet_batch(&fleet, "static", strategy);
	fleet_progress(&fleet, 0, 5);
}

Test(races, an_order_taken_back_that_arrived_late_is_the_new_start_of_the_attempt)
{
	order_taken_back("");
	fleet_inform(&fleet, 0, "1.5.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	device_up(0, "1.5.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
}

Test(races, a_delivery_that_turned_out_to_be_the_order_taken_back_starts_the_download_over)
{
	order_taken_back("");
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	device_up(0, "1.5.0");
	fleet_disconnect(&fleet, 0);
	device_up(0, "1.5.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_pushes(&fleet, 0);
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	fleet_advance(&fleet, 30 * OTA_MINUTE_MS); /* longer than the reboot timer */
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	device_up(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
}

Test(races, a_device_that_leaves_the_target_for_an_order_taken_back_while_it_soaks_did_not_succeed)
{
	order_taken_back(",\"strategy\":{\"soak\":\"5m\"}");
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_inform(&fleet, 0, "1.5.0");
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/wrong_version");
}

Test(races, an_order_taken_back_more_than_seven_days_ago_is_a_wrong_version)
{
	order_taken_back(",\"strategy\":{\"upgradeTimeout\":\"7d\"}");
	fleet_advance(&fleet, 6 * OTA_DAY_MS);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"getServer\"}"));
	fleet_advance(&fleet, OTA_DAY_MS - OTA_HOUR_MS);
	fleet.now.wall_ms += 2 * OTA_HOUR_MS;
	fleet_inform(&fleet, 0, "1.5.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/wrong_version");
}

Test(races, the_first_version_a_device_tells_after_its_push_is_where_the_attempt_started)
{
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_batch(&fleet, "static", "");
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_progress(&fleet, 0, 10);
	fleet_inform(&fleet, 0, "3.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/wrong_version");
}

Test(races, a_pending_task_is_not_given_up_before_the_server_has_listened_for_two_minutes)
{
	fleet_batch(&fleet, "static", ",\"strategy\":{\"endAfter\":\"1h\"}");
	fleet.grace_ms = 0; /* the default, 120 s */
	fleet_restart(&fleet, 2 * OTA_HOUR_MS);
	fleet_advance(&fleet, 110 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/offline");
	fleet_advance(&fleet, 15 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/expired");
}

Test(races, a_reconnect_while_a_connect_settles_starts_the_quiet_time_again)
{
	fleet_batch(&fleet, "static", "");
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 1500);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 1900);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/settling");
	fleet_advance(&fleet, 200);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
}

Test(races, the_end_of_a_replaced_connection_does_not_stop_the_push_timer_of_the_new_one)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	uint64_t old = fleet.connection_of[0];
	fleet_connect(&fleet, 0);
	uint64_t new = fleet.connection_of[0];
	fleet.connection_of[0] = old;
	fleet_disconnect(&fleet, 0);
	fleet.connection_of[0] = new;
	fleet_advance(&fleet, OTA_HOUR_MS + OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
}

Test(races, the_next_module_goes_out_as_soon_as_the_one_before_has_failed)
{
	package_add("mcu", "2.0.0");
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	int64_t other = batch_of("mcu", "2.0.0", "");
	fleet_pushes(&fleet, 0);
	fleet_progress(&fleet, 0, -4);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	cr_assert_str_eq(task_of(other), "pushed");
}

Test(races, an_order_taken_back_for_one_module_excuses_no_other)
{
	package_add("mcu", "1.5.0");
	device_up(0, "1.0.0");
	int64_t first = batch_of("mcu", "1.5.0", "");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)first));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(task_of(first), "canceled/revoked");
	fleet_batch(&fleet, "static", "");
	fleet_inform(&fleet, 0, "1.5.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/wrong_version");
}

static void deliver_for_nothing(int times)
{
	for (int i = 0; i < times; i++) {
		fleet_batch(&fleet, "static", "");
		fleet_progress(&fleet, 0, 100);
		fleet_disconnect(&fleet, 0);
		device_up(0, "1.0.0");
	}
}

Test(races, deliveries_count_for_a_loop_only_within_a_day)
{
	device_up(0, "1.0.0");
	deliver_for_nothing(5);
	fleet_advance(&fleet, OTA_DAY_MS);
	deliver_for_nothing(5);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
	deliver_for_nothing(1);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/loop");
}

Test(races, a_version_change_ends_the_count_of_a_loop)
{
	device_up(0, "1.0.0");
	deliver_for_nothing(5);
	fleet_inform(&fleet, 0, "3.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	deliver_for_nothing(5);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
}

Test(races, a_withdrawn_download_that_was_interrupted_is_pushed_again)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 30);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	fleet_pushes(&fleet, 0);
	fleet_disconnect(&fleet, 0);
	device_up(0, "1.0.0");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
}
