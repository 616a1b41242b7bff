/* The abort rule of a batch: which threshold fires, at which failures, what it says, and what it does then. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void thirty_devices_on_an_old_version(void)
{
	fleet_open(&fleet, 30);
	for (int i = 0; i < 30; i++) {
		fleet_connect(&fleet, i);
		fleet_inform(&fleet, i, "1.0.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(aborts, .init = thirty_devices_on_an_old_version, .fini = close_fleet);

static int64_t batch_of(const char *strategy)
{
	char members[256];

	snprintf(members, sizeof(members), ",\"strategy\":{%s}", strategy);
	return fleet_batch(&fleet, "static", members);
}

static void upgrade(int device)
{
	fleet_progress(&fleet, device, 100);
	fleet_disconnect(&fleet, device);
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void boot_back(int device)
{
	fleet_progress(&fleet, device, 100);
	fleet_disconnect(&fleet, device);
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, "1.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static const char *reason_of(int64_t batch)
{
	static char said[256];
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);

	snprintf(said, sizeof(said), "%s", cJSON_GetObjectItem(row, "reason")->valuestring);
	cJSON_Delete(row);
	return said;
}

Test(aborts, so_many_failures_pause_the_batch_whatever_their_share)
{
	int64_t batch = batch_of("\"abortCount\":3");

	fleet_progress(&fleet, 0, -4);
	fleet_progress(&fleet, 1, -3);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	fleet_progress(&fleet, 2, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cr_assert_str_eq(reason_of(batch), "the abort rule fired: 3 tasks failed, the limit is 3 whatever their share");
}

Test(aborts, only_the_named_causes_count_and_are_named_in_the_sentence)
{
	int64_t batch = batch_of("\"abortCauses\":[\"burn_failed\",\"rolled_back\"]");

	for (int i = 0; i < 12; i++)
		fleet_progress(&fleet, i, -3);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	fleet_progress(&fleet, 12, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running", "one of thirteen is less than 10 %%");
	fleet_progress(&fleet, 13, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cr_assert_str_eq(reason_of(batch), "the abort rule fired: 2 of 14 finished tasks failed by burn_failed or rolled_back,"
					   " more than 10 % of at least 10");
}

Test(aborts, after_a_resume_the_causes_count_anew_as_well)
{
	int64_t batch = batch_of("\"abortCount\":2,\"abortCauses\":[\"burn_failed\"]");

	fleet_progress(&fleet, 0, -4);
	fleet_progress(&fleet, 1, -3);
	fleet_progress(&fleet, 2, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"resumeBatch\",\"batch\":%lld}", (long long)batch));
	fleet_restart(&fleet, OTA_SECOND_MS);
	for (int i = 3; i < 6; i++)
		fleet_connect(&fleet, i);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	fleet_progress(&fleet, 3, -3);
	fleet_progress(&fleet, 4, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running", "%s", reason_of(batch));
	fleet_advance(&fleet, OTA_MINUTE_MS);
	fleet_progress(&fleet, 5, 10);
	fleet_progress(&fleet, 5, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cr_assert_str_eq(reason_of(batch), "the abort rule fired: 2 tasks failed by burn_failed since it was resumed,"
					   " the limit is 2 whatever their share");
}

Test(aborts, a_batch_whose_rule_cancels_takes_back_what_was_not_sent_and_lets_the_rest_run_on)
{
	for (int i = 20; i < 30; i++)
		fleet_disconnect(&fleet, i);
	int64_t batch = batch_of("\"abortCount\":2,\"abortAction\":\"cancel\"");

	fleet_progress(&fleet, 0, -4);
	fleet_progress(&fleet, 1, -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "canceled");
	cr_assert_str_eq(reason_of(batch), "the abort rule fired: 2 tasks failed, the limit is 2 whatever their share");
	fleet_restart(&fleet, OTA_SECOND_MS);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 25), "canceled/withdrawn");
	cr_assert_str_eq(fleet_task(&fleet, 5), "pushed");
	fleet_connect(&fleet, 5);
	fleet_advance(&fleet, OTA_MINUTE_MS);
	upgrade(5);
	cr_assert_str_eq(fleet_task(&fleet, 5), "succeeded/version_reported");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "canceled");
}

Test(aborts, the_operators_log_says_which_threshold_fired)
{
	int64_t batch = batch_of("\"abortCount\":1");

	fleet_progress(&fleet, 0, -4);
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"batch\":%lld,\"event\":\"batch_paused\"}",
			       (long long)batch);
	const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0);

	cr_assert_not_null(row);
	cr_assert_str_eq(cJSON_GetObjectItem(row, "detail")->valuestring,
			 "the abort rule fired: 1 task failed, the limit is 1 whatever their share");
	cJSON_Delete(page);
}

Test(aborts, what_booted_back_is_tried_again_where_the_strategy_names_it)
{
	batch_of("\"retryCauses\":[\"rolled_back\"],\"retries\":1,\"retryPause\":\"1m\"");

	boot_back(0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pending/retry");
	fleet_pushes(&fleet, 0);
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	boot_back(0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back", "its one further attempt is spent");
	fleet_progress(&fleet, 1, -2);
	cr_assert_str_eq(fleet_task(&fleet, 1), "failed/download_failed", "what is not named is not tried again");
}

Test(aborts, a_failure_that_no_attempt_can_mend_cannot_be_named_for_retries)
{
	cJSON *response = fleet_ask(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":"
					    "\"verify\",\"targets\":{\"all\":true},\"strategy\":{\"retryCauses\":[\"loop\"]}}");
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	cr_assert_str_eq(cJSON_GetObjectItem(error, "path")->valuestring, "strategy.retryCauses");
	cr_assert(strstr(cJSON_GetObjectItem(error, "message")->valuestring, "rolled_back"));
	cJSON_Delete(response);
}
