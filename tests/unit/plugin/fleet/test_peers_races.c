/* The races that other update servers lose, each under its name, with what becomes of it here. Their outcomes were read in their
 * sources and manuals: hawkBit, AWS IoT Jobs, Mender, Aliyun, Azure Device Update, NervesHub, ThingsBoard. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void two_devices(void)
{
	fleet_open(&fleet, 2);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(peers_races, .init = two_devices, .fini = close_fleet);

static void device_up(int device, const char *version)
{
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, version);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void reboot(int device, const char *version)
{
	fleet_disconnect(&fleet, device);
	device_up(device, version);
}

static void cancel(int64_t batch, const char *level)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"%s\"}", (long long)batch, level));
	fleet_advance(&fleet, OTA_SECOND_MS);
}

/* Device 0 with the package offered and the download begun. */
static int64_t downloading(const char *members)
{
	device_up(0, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", members);
	fleet_progress(&fleet, 0, 30);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_pushes(&fleet, 0);
	return batch;
}

static const char *version_of(int device)
{
	static char version[OTA_VERSION_MAX + 1];
	cJSON *shown = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d%d\"}", device);
	const cJSON *module = cJSON_GetArrayItem(cJSON_GetObjectItem(shown, "modules"), 0);
	snprintf(version, sizeof(version), "%s", cJSON_GetObjectItem(module, "version")->valuestring);
	cJSON_Delete(shown);
	return version;
}

/* {"states", "causes"}: a kept count of a batch. */
static int count_of(int64_t batch, const char *table, const char *word)
{
	cJSON *shown = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);
	const cJSON *count = cJSON_GetObjectItem(cJSON_GetObjectItem(shown, table), word);
	int value = count ? count->valueint : 0;
	cJSON_Delete(shown);
	return value;
}

/* --- hawkBit --- */

/* There: success wins, but a device that stays silent keeps the action "canceling" for ever. */
Test(peers_races, hawkbit_soft_cancel_against_success_the_success_stands)
{
	int64_t batch = downloading("");
	cancel(batch, "withdraw");
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading", "what has begun runs on");
	fleet_progress(&fleet, 0, 100);
	reboot(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "canceled");
}

Test(peers_races, hawkbit_soft_cancel_of_a_silent_device_ends_by_its_timer)
{
	cancel(downloading(""), "withdraw");
	fleet_advance(&fleet, 61 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/upgrade_timeout");
}

/* There: the device is shown with the version it had, although it installed the new one. */
Test(peers_races, hawkbit_force_quit_against_success_the_inventory_follows_the_device)
{
	cancel(downloading(""), "revoke");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/revoked");
	reboot(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/revoked", "a final state never changes");
	cr_assert_str_eq(fleet_mark(&fleet, 0), "installed_anyway");
	cr_assert_str_eq(version_of(0), "2.0.0");
}

Test(peers_races, hawkbit_reconnect_in_the_middle_the_same_attempt_is_offered_again)
{
	downloading("");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	reboot(0, "1.0.0");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_progress(&fleet, 0, 100);
	reboot(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
}

Test(peers_races, hawkbit_a_doubled_final_report_changes_nothing)
{
	int64_t batch = downloading(",\"strategy\":{\"retries\":0}");
	fleet_progress(&fleet, 0, -4);
	fleet_progress(&fleet, 0, -4);
	fleet_progress(&fleet, 0, -1);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
	cr_assert_eq(count_of(batch, "counts", "failed"), 1);
	cr_assert_eq(count_of(batch, "causes", "burn_failed"), 1);
}

/* There: progress that comes after the end is stored over AMQP. Mender: "downloading" after "success" opens the row again. */
Test(peers_races, hawkbit_and_mender_late_progress_opens_no_task_again)
{
	downloading(",\"strategy\":{\"retries\":0}");
	fleet_progress(&fleet, 0, -4);
	fleet_progress(&fleet, 0, 50);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
	reboot(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
	cr_assert_str_eq(version_of(0), "2.0.0");
}

Test(peers_races, hawkbit_a_report_about_an_older_batch_does_not_count_for_the_newer)
{
	int64_t older = downloading("");
	char params[128];
	cancel(older, "revoke");
	fleet_batch(&fleet, "static", ",\"strategy\":{\"retries\":0}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	snprintf(params, sizeof(params), "{\"id\":1,\"params\":{\"step\":-4,\"desc\":\"\",\"batch\":%lld,\"attempt\":1}}",
		 (long long)older);
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, params);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
}

/* There: compared with what was ordered last, so a group can be called successful before anybody installed anything. */
Test(peers_races, hawkbit_a_device_at_the_target_counts_as_no_success_of_the_batch)
{
	device_up(0, "2.0.0");
	int64_t batch = fleet_batch(&fleet, "verify", "");
	cr_assert_eq(count_of(batch, "excluded", "already_at_target"), 1);
	cr_assert_eq(count_of(batch, "counts", "succeeded"), 0);
}

/* There, and in ThingsBoard: the one started later silently takes the device. */
Test(peers_races, hawkbit_and_thingsboard_a_second_batch_is_refused_with_the_names_in_its_way)
{
	downloading("");
	cJSON *answer = fleet_ask(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\","
					  "\"kind\":\"static\",\"override\":true,\"reason\":\"x\",\"targets\":{\"all\":true}}");
	const char *message = cJSON_GetObjectItem(cJSON_GetObjectItem(answer, "error"), "message")->valuestring;
	cr_assert(strstr(message, "d0"), "%s", message);
	cJSON_Delete(answer);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading", "the first one's work goes on");
}

/* There: reported before the reboot it stays a success, and a fallback afterwards is never seen. */
Test(peers_races, hawkbit_the_last_step_is_no_success_before_the_new_version_speaks)
{
	downloading(",\"strategy\":{\"retries\":0}");
	fleet_progress(&fleet, 0, 100);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	reboot(0, "1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/rolled_back");
}

Test(peers_races, hawkbit_a_fallback_after_a_success_is_a_mark)
{
	downloading("");
	fleet_progress(&fleet, 0, 100);
	reboot(0, "2.0.0");
	reboot(0, "1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_str_eq(fleet_mark(&fleet, 0), "regressed");
	cr_assert_str_eq(version_of(0), "1.0.0");
}

/* There: the error empties what was known of the device. */
Test(peers_races, hawkbit_after_an_error_the_device_still_has_its_version)
{
	downloading(",\"strategy\":{\"retries\":0}");
	fleet_progress(&fleet, 0, -1);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/upgrade_failed");
	cr_assert_str_eq(version_of(0), "1.0.0");
}

/* --- to ask, which only hawkBit can --- */

/* Device 0 is our agent and in the middle of its download; it heard nothing else yet. */
static int64_t agent_downloading(void)
{
	fleet_connect(&fleet, 0);
	fleet_inform_as(&fleet, 0, "{\"version\":\"1.0.0\",\"caps\":[\"cancel\"]}");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	int64_t batch = fleet_batch(&fleet, "static", "");
	fleet_progress(&fleet, 0, 30);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_pushes(&fleet, 0);
	return batch;
}

static int64_t asked(void)
{
	int64_t batch = agent_downloading();
	cancel(batch, "ask");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1, "the question");
	return batch;
}

static void answer(int64_t batch, const char *word)
{
	static const char form[] = "{\"id\":1,\"params\":{\"step\":30,\"desc\":\"\",\"batch\":%lld,\"attempt\":1,"
				   "\"cancel\":\"%s\"}}";
	char report[160];
	snprintf(report, sizeof(report), form, (long long)batch, word);
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, report);
}

/* What the log says last of the batch itself. */
static const char *told(int64_t batch)
{
	static char text[OTA_EVENT_DETAIL_MAX + 40];
	cJSON *events = fleet_do(&fleet, "{\"command\":\"listEvents\",\"batch\":%lld}", (long long)batch);
	const cJSON *event;
	*text = 0;
	cJSON_ArrayForEach(event, cJSON_GetObjectItem(events, "items"))
	{
		if (!*text && !cJSON_GetObjectItem(event, "task"))
			snprintf(text, sizeof(text), "%s: %s", cJSON_GetObjectItem(event, "event")->valuestring,
				 cJSON_GetObjectItem(event, "detail")->valuestring);
	}
	cJSON_Delete(events);
	return text;
}

Test(peers_races, hawkbit_cancel_accepted_ends_the_task_and_what_waits_is_withdrawn)
{
	int64_t batch = asked();
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading", "until it says so");
	cr_assert_str_eq(fleet_task(&fleet, 1), "canceled/withdrawn");
	cr_assert_eq(count_of(batch, "asked", "waiting"), 1);
	answer(batch, "accepted");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/asked");
	cr_assert_eq(count_of(batch, "asked", "agreed"), 1);
	cr_assert_eq(count_of(batch, "asked", "waiting"), 0);
	cr_assert_str_eq(told(batch), "batch_answered: asked 1: agreed 1, refused 0, no answer 0");
	fleet_advance(&fleet, 2 * OTA_HOUR_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 0, "and it is left alone");
}

/* There, over AMQP: stays "canceling" for ever. */
Test(peers_races, hawkbit_cancel_rejected_the_task_goes_on_to_its_success)
{
	int64_t batch = asked();
	answer(batch, "refused");
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	cr_assert_str_eq(told(batch), "batch_answered: asked 1: agreed 0, refused 1, no answer 0");
	fleet_progress(&fleet, 0, 100);
	reboot(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_eq(count_of(batch, "asked", "refused"), 1);
}

/* There: waits for ever. */
Test(peers_races, hawkbit_a_device_that_does_not_answer_goes_on_after_a_minute)
{
	int64_t batch = asked();
	fleet_advance(&fleet, 57 * OTA_SECOND_MS);
	cr_assert_eq(count_of(batch, "asked", "waiting"), 1);
	fleet_advance(&fleet, 5 * OTA_SECOND_MS);
	cr_assert_eq(count_of(batch, "asked", "no_answer"), 1);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	cr_assert_str_eq(told(batch), "batch_answered: asked 1: agreed 0, refused 0, no answer 1");
	fleet_advance(&fleet, 60 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/upgrade_timeout", "its own timers were not touched");
}

Test(peers_races, hawkbit_an_agreement_that_comes_late_is_one)
{
	int64_t batch = asked();
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	answer(batch, "accepted");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/asked");
	cr_assert_eq(count_of(batch, "asked", "no_answer"), 0);
	cr_assert_eq(count_of(batch, "asked", "agreed"), 1);
}

Test(peers_races, hawkbit_ask_against_success_the_success_wins)
{
	int64_t batch = asked();
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	answer(batch, "accepted");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	cr_assert_eq(count_of(batch, "asked", "overtaken"), 1);
	cr_assert_str_eq(told(batch), "batch_answered: asked 1: agreed 0, refused 0, no answer 0, ended before an answer 1");
}

Test(peers_races, hawkbit_asked_twice_a_waiting_device_hears_it_once_a_refusing_one_again)
{
	int64_t batch = asked();
	cancel(batch, "ask");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0, "its minute is not over");
	answer(batch, "refused");
	cancel(batch, "ask");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	cr_assert_eq(count_of(batch, "asked", "waiting"), 1);
	cr_assert_eq(count_of(batch, "asked", "refused"), 0);
	cr_assert_eq(count_of(batch, "asked", "devices"), 1, "devices, not questions");
	answer(batch, "accepted");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/asked");
}

Test(peers_races, hawkbit_asked_then_revoked_it_is_revoked_whatever_it_says)
{
	int64_t batch = asked();
	cancel(batch, "revoke");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/revoked");
	answer(batch, "accepted");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/revoked");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_eq(count_of(batch, "asked", "overtaken"), 1);
	cr_assert_eq(count_of(batch, "asked", "no_answer"), 0);
}

Test(peers_races, hawkbit_a_device_that_comes_back_while_it_is_asked_hears_the_question_and_no_offer)
{
	int64_t batch = agent_downloading();
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS); /* past the pause between two pushes */
	fleet_disconnect(&fleet, 0);
	cancel(batch, "ask");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	fleet_connect(&fleet, 0);
	fleet_inform_as(&fleet, 0, "{\"version\":\"1.0.0\",\"caps\":[\"cancel\"]}");
	fleet_advance(&fleet, 4 * OTA_SECOND_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	answer(batch, "accepted");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/asked");
	fleet_advance(&fleet, 2 * OTA_HOUR_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
}

Test(peers_races, hawkbit_a_device_that_refused_is_offered_again_what_it_lost_meanwhile)
{
	int64_t batch = agent_downloading();
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cancel(batch, "ask");
	fleet_pushes(&fleet, 0);
	reboot(0, "1.0.0");
	fleet_pushes(&fleet, 0);
	answer(batch, "refused");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1, "it runs on as if nobody had asked");
}

Test(peers_races, hawkbit_reports_after_an_agreement_move_nothing_the_version_is_a_mark)
{
	int64_t batch = asked();
	answer(batch, "accepted");
	fleet_progress(&fleet, 0, 60);
	fleet_progress(&fleet, 0, -4);
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/asked");
	reboot(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/asked");
	cr_assert_str_eq(fleet_mark(&fleet, 0), "installed_anyway");
}

Test(peers_races, hawkbit_who_never_said_that_he_can_be_asked_goes_on_and_is_told_of)
{
	int64_t batch = downloading("");
	cancel(batch, "ask");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0, "nothing it could not read");
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	cr_assert_eq(count_of(batch, "asked", "unable"), 1);
	cr_assert_eq(count_of(batch, "asked", "devices"), 0);
	cr_assert_str_eq(told(batch), "batch_asked: asked 0; 1 did not announce that they can be asked and go on: use revoke");
}

Test(peers_races, hawkbit_an_agreement_nobody_asked_for_moves_nothing)
{
	int64_t batch = agent_downloading();
	answer(batch, "accepted");
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
}

/* The question survives the server: who comes back hears it, who does not has not answered. */
Test(peers_races, hawkbit_a_restart_of_the_server_forgets_no_question)
{
	int64_t batch = asked();
	fleet_restart(&fleet, 10 * OTA_MINUTE_MS);
	cr_assert_eq(count_of(batch, "asked", "waiting"), 1, "nobody could have heard it meanwhile");
	fleet_connect(&fleet, 0);
	fleet_inform_as(&fleet, 0, "{\"version\":\"1.0.0\",\"caps\":[\"cancel\"]}");
	fleet_advance(&fleet, 4 * OTA_SECOND_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	answer(batch, "accepted");
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/asked");
}

/* --- AWS IoT Jobs --- */

Test(peers_races, aws_a_cancel_without_force_leaves_what_has_begun_and_takes_what_waits)
{
	int64_t batch = downloading("");
	cancel(batch, "withdraw");
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	cr_assert_str_eq(fleet_task(&fleet, 1), "canceled/withdrawn");
}

/* There: final, and the truth is refused for ever. */
Test(peers_races, aws_a_success_after_the_timeout_is_a_mark)
{
	downloading(",\"strategy\":{\"retries\":0}");
	fleet_advance(&fleet, 61 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/upgrade_timeout");
	reboot(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/upgrade_timeout");
	cr_assert_str_eq(fleet_mark(&fleet, 0), "recovered");
}

Test(peers_races, aws_a_report_of_the_attempt_before_does_not_end_this_one)
{
	char report[128];
	int64_t batch = downloading(",\"strategy\":{\"retries\":1,\"retryPause\":\"1s\"}");
	fleet_progress(&fleet, 0, -2);
	fleet_advance(&fleet, 15 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	snprintf(report, sizeof(report), "{\"id\":1,\"params\":{\"step\":-2,\"desc\":\"\",\"batch\":%lld,\"attempt\":1}}",
		 (long long)batch);
	fleet_send(&fleet, 0, OTA_TOPIC_PROGRESS, report);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
}

/* There: a lost answer leaves the device waiting with no timeout of anybody. */
Test(peers_races, aws_an_offer_that_was_lost_is_made_again)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0); /* says nothing, as the C SDKs do */
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_geq(fleet_pushes(&fleet, 0), 1);
}

/* --- Mender --- */

/* There: the check reads first and writes without the state it saw, so a success that races an abort can win or lose. */
Test(peers_races, mender_a_success_that_comes_right_after_an_abort_does_not_undo_it)
{
	int64_t batch = downloading("");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)batch));
	fleet_inform(&fleet, 0, "2.0.0"); /* received before anybody walked the batch's tasks */
	fleet_advance(&fleet, 5 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/revoked");
	cr_assert_eq(count_of(batch, "counts", "succeeded") + count_of(batch, "counts", "canceled"), 2, "one final state each");
}

Test(peers_races, mender_the_same_step_again_is_no_news)
{
	int64_t batch = downloading("");
	for (int i = 0; i < 5; i++)
		fleet_progress(&fleet, 0, 30);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	cr_assert_eq(count_of(batch, "counts", "upgrading"), 1);
}

/* There: no timeout at all, a device that vanishes is "downloading" for good. */
Test(peers_races, mender_a_device_that_vanishes_in_the_middle_is_not_downloading_for_ever)
{
	downloading(",\"strategy\":{\"retries\":0}");
	fleet_disconnect(&fleet, 0);
	fleet_advance(&fleet, 61 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/upgrade_timeout");
}

/* --- Aliyun --- */

Test(peers_races, aliyun_the_timeout_counts_from_the_first_report_whatever_is_offered_again)
{
	downloading(",\"strategy\":{\"retries\":0}");
	for (int i = 0; i < 5; i++) {
		fleet_advance(&fleet, 10 * OTA_MINUTE_MS);
		fleet_disconnect(&fleet, 0);
		fleet_connect(&fleet, 0);
	}
	fleet_advance(&fleet, 9 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "failed/upgrade_timeout");
}

/* There: the source version while in progress fails the task, also of a device that only lost its power during the download. */
Test(peers_races, aliyun_a_device_that_restarts_during_the_download_has_not_failed)
{
	downloading(",\"strategy\":{\"retries\":0}");
	reboot(0, "1.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "upgrading");
}

/* There: SDK 3.x informs a foreign version first, which fails every device that reboots. */
Test(peers_races, aliyun_the_sdks_first_inform_is_not_taken_for_the_device_s_own)
{
	downloading(",\"strategy\":{\"retries\":0}");
	fleet_progress(&fleet, 0, 100);
	fleet_disconnect(&fleet, 0);
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "app-1.0.0-20180101.1000");
	fleet_advance(&fleet, OTA_SECOND_MS);
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
}

/* --- Azure Device Update, NervesHub, ThingsBoard --- */

/* There: shown as in progress again after it had succeeded. */
Test(peers_races, azure_a_success_does_not_flap)
{
	downloading("");
	fleet_progress(&fleet, 0, 100);
	reboot(0, "2.0.0");
	fleet_progress(&fleet, 0, 40);
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
	fleet_pushes(&fleet, 0);
	fleet_advance(&fleet, 2 * OTA_HOUR_MS);
	cr_assert_eq(fleet_pushes(&fleet, 0), 0, "and nothing is offered again");
}

/* There: "stuck at INITIATED", since nobody reconciles what the device never told. */
Test(peers_races, thingsboard_a_device_that_updates_without_a_word_has_succeeded_by_its_version)
{
	device_up(0, "1.0.0");
	fleet_batch(&fleet, "static", "");
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	reboot(0, "2.0.0");
	cr_assert_str_eq(fleet_task(&fleet, 0), "succeeded/version_reported");
}

/* There: released meanwhile, delivered all the same. */
Test(peers_races, nerveshub_a_package_taken_back_before_the_device_came_is_not_offered)
{
	device_up(0, "1.0.0");
	fleet_disconnect(&fleet, 0);
	fleet_batch(&fleet, "static", "");
	cJSON_Delete(
		fleet_do(&fleet, "{\"command\":\"yankPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"force\":true}"));
	device_up(0, "1.0.0");
	cr_assert_eq(fleet_pushes(&fleet, 0), 0);
	cr_assert_str_eq(fleet_task(&fleet, 0), "canceled/package_yanked");
}
