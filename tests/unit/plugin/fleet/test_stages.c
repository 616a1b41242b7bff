/* Stages: a part of the devices goes first, and what comes of it decides about the rest. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void twenty_devices(void)
{
	fleet_open(&fleet, 20);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(stages, .init = twenty_devices, .fini = close_fleet);

/* The first ones in the order of names. */
static const int first[] = { 0, 1, 10, 11, 12 };
#define CANARY ",\"strategy\":{\"retries\":0,\"pushTimeout\":\"30d\",\"stages\":[{\"count\":5%s}]}"

static void all_up(int devices, const char *version)
{
	for (int i = 0; i < devices; i++) {
		fleet_connect(&fleet, i);
		fleet_inform(&fleet, i, version);
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static void upgrade(int device)
{
	fleet_progress(&fleet, device, 100);
	fleet_disconnect(&fleet, device);
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, "2.0.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

static int64_t staged(const char *more)
{
	char members[1024];

	snprintf(members, sizeof(members), CANARY, more);
	return fleet_batch(&fleet, "static", members);
}

/* One member of getBatch, as text; of its stage number `stage` when that is not 0. Static storage. */
static const char *shown(int64_t batch, int stage, const char *member)
{
	static char text[512];
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);
	cJSON *place = stage ? cJSON_GetArrayItem(cJSON_GetObjectItem(row, "stages"), stage - 1) : row;
	cJSON *item = cJSON_GetObjectItem(place, member);
	char *printed = item && !cJSON_IsString(item) ? cJSON_PrintUnformatted(item) : NULL;

	snprintf(text, sizeof(text), "%s", printed ? printed : item ? item->valuestring : "none");
	cJSON_free(printed);
	cJSON_Delete(row);
	return text;
}

/* The newest event of a kind: its detail. Static storage. */
static const char *event_of(int64_t batch, const char *event)
{
	static char text[512];
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"batch\":%lld,\"event\":\"%s\"}", (long long)batch, event);
	const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0);

	snprintf(text, sizeof(text), "%s", row ? cJSON_GetObjectItem(row, "detail")->valuestring : "none");
	cJSON_Delete(page);
	return text;
}

static void command(const char *word, int64_t batch)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"%s\",\"batch\":%lld}", word, (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
}

static const char *refusal(const char *word, int64_t batch)
{
	static char said[512];
	cJSON *response = fleet_ask(&fleet, "{\"command\":\"%s\",\"batch\":%lld}", word, (long long)batch);
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	snprintf(said, sizeof(said), "%s", error ? cJSON_GetObjectItem(error, "message")->valuestring : "");
	cJSON_Delete(response);
	return said;
}

static int touched(int devices)
{
	int count = 0;

	for (int i = 0; i < devices; i++)
		count += strncmp(fleet_task(&fleet, i), "pending", 7) != 0;
	return count;
}

Test(stages, nobody_outside_the_open_stage_is_pushed_and_all_are_once_it_passed)
{
	all_up(20, "1.0.0");
	int64_t batch = staged("");

	cr_assert_eq(touched(20), 5);
	cr_assert_str_eq(fleet_task(&fleet, 2), "pending/stage");
	cr_assert_str_eq(shown(batch, 0, "stage"), "1/2");
	cr_assert_str_eq(shown(batch, 0, "stageReason"), "stage 1 of 2: 0 of 5 devices finished, 4 must (80 %)");
	for (int i = 0; i < 3; i++)
		upgrade(first[i]);
	cr_assert_eq(touched(20), 5, "three of five are less than 80 %%");
	upgrade(first[3]);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_eq(touched(20), 20);
	cr_assert_str_eq(fleet_task(&fleet, first[4]), "pushed", "who has not answered is carried over");
	cr_assert_str_eq(event_of(batch, "stage_opened"),
			 "stage 2 of 2: 15 devices; the one before: 4 of 4 finished devices succeeded (100 %), 95 % must");
	cr_assert_str_eq(shown(batch, 0, "stage"), "2/2");
	cr_assert_str_eq(shown(batch, 1, "state"), "passed");
	cr_assert_str_eq(shown(batch, 2, "rule"), "the rest");
}

/* hawkBit: "error + success conditions both false but all actions done: group silently finished and next started". */
Test(stages, a_stage_whose_devices_all_ended_too_badly_pauses_the_batch_and_opens_nothing)
{
	all_up(20, "1.0.0");
	int64_t batch = staged("");

	fleet_progress(&fleet, first[0], -4);
	for (int i = 1; i < 5; i++)
		upgrade(first[i]);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cr_assert_str_eq(shown(batch, 0, "reason"), "stage 1 of 2 stands still: nothing of it is open any more, and 4 of 5"
						    " finished devices succeeded (80 %), 95 % must");
	cr_assert_eq(touched(20), 5);
	cr_assert(strstr(refusal("resumeBatch", batch), "would stand still at once"));
	command("advanceBatch", batch);
	cr_assert_eq(touched(20), 5, "it is paused still");
	cr_assert_str_eq(event_of(batch, "stage_opened"),
			 "stage 2 of 2: 15 devices; the one before: nothing of it is open any more, and 4 of 5 finished"
			 " devices succeeded (80 %), 95 % must");
	command("resumeBatch", batch);
	cr_assert_eq(touched(20), 20);
	cr_assert(strstr(refusal("advanceBatch", batch), "every stage"));
}

/* hawkBit: "device already at target: group success can be counted early". */
Test(stages, who_has_the_version_already_or_was_withdrawn_counts_as_no_success)
{
	all_up(20, "1.0.0");
	for (int i = 0; i < 3; i++)
		fleet_disconnect(&fleet, first[i]);
	int64_t batch = staged("");

	for (int i = 0; i < 3; i++) {
		fleet_connect(&fleet, first[i]);
		fleet_inform(&fleet, first[i], "2.0.0");
	}
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cr_assert_str_eq(fleet_task(&fleet, first[0]), "succeeded/already_at_target");
	cr_assert_eq(touched(20), 5);
	cr_assert_str_eq(shown(batch, 1, "unproven"), "3");
	cr_assert_str_eq(shown(batch, 0, "stageReason"), "stage 1 of 2: 0 of 2 devices finished, 2 must (80 %)");
	upgrade(first[3]);
	cr_assert_eq(touched(20), 5);
	upgrade(first[4]);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_eq(touched(20), 20);
}

Test(stages, a_percentage_that_means_nobody_holds_nobody)
{
	all_up(20, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static",
				    ",\"targets\":{\"where\":\"percent >= 2\"},\"strategy\":{\"stages\":[{\"percent\":1,"
				    "\"soak\":\"1d\"},{\"percent\":2}]}");

	cr_assert_str_eq(shown(batch, 0, "stage"), "3/3");
	cr_assert_str_eq(shown(batch, 1, "devices"), "0");
	fleet_advance(&fleet, OTA_SECOND_MS);
	char all[32];
	snprintf(all, sizeof(all), "%d", touched(20));
	cr_assert_str_eq(shown(batch, 3, "devices"), all);
}

Test(stages, a_soak_starts_over_when_the_gate_falls)
{
	all_up(20, "1.0.0");
	int64_t batch = staged(",\"success\":80,\"finished\":40,\"soak\":\"10m\"");

	upgrade(first[0]);
	upgrade(first[1]);
	cr_assert_str_eq(shown(batch, 1, "state"), "met");
	fleet_advance(&fleet, 9 * OTA_MINUTE_MS);
	fleet_progress(&fleet, first[2], -4);
	cr_assert_str_eq(shown(batch, 0, "stageReason"),
			 "stage 1 of 2: 2 of 3 finished devices succeeded (66 %), 80 % must");
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_eq(touched(20), 5);
	upgrade(first[3]);
	upgrade(first[4]);
	fleet_advance(&fleet, 9 * OTA_MINUTE_MS);
	cr_assert_eq(touched(20), 5, "nine minutes after it holds again");
	fleet_advance(&fleet, OTA_MINUTE_MS);
	cr_assert_eq(touched(20), 20);
}

Test(stages, a_deadline_pauses_with_its_figures_and_a_resume_gives_the_whole_time_again)
{
	all_up(20, "1.0.0");
	int64_t batch = staged(",\"deadline\":\"10m\"");

	upgrade(first[0]);
	fleet_advance(&fleet, 9 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	fleet_advance(&fleet, OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cr_assert_str_eq(shown(batch, 0, "reason"), "stage 1 of 2 stands still: its deadline of 10m is over, and 1 of 5 devices"
						    " finished, 4 must (80 %)");
	fleet_advance(&fleet, OTA_HOUR_MS / 2);
	command("resumeBatch", batch);
	fleet_advance(&fleet, 9 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	cr_assert_eq(touched(20), 5);
	fleet_advance(&fleet, OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
}

Test(stages, neither_a_pause_nor_time_the_server_was_away_counts_for_deadline_and_soak)
{
	all_up(20, "1.0.0");
	int64_t batch = staged(",\"deadline\":\"10m\",\"finished\":20,\"soak\":\"10m\"");

	fleet_advance(&fleet, 6 * OTA_MINUTE_MS);
	command("pauseBatch", batch);
	fleet_advance(&fleet, OTA_HOUR_MS / 2);
	cr_assert_str_eq(shown(batch, 1, "deadlineLeft"), "4m");
	command("resumeBatch", batch);
	fleet_advance(&fleet, 3 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	fleet_restart(&fleet, OTA_DAY_MS);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	all_up(20, "1.0.0");
	upgrade(first[0]);
	cr_assert_str_eq(shown(batch, 1, "state"), "met");
	fleet_advance(&fleet, 6 * OTA_MINUTE_MS);
	command("pauseBatch", batch);
	fleet_advance(&fleet, OTA_HOUR_MS);
	command("resumeBatch", batch);
	cr_assert_eq(touched(20), 5, "six minutes of ten");
	fleet_advance(&fleet, 4 * OTA_MINUTE_MS);
	cr_assert_eq(touched(20), 20);
}

Test(stages, only_an_operator_opens_the_next_one_of_a_manual_stage)
{
	all_up(20, "1.0.0");
	int64_t batch = staged(",\"manual\":true");

	for (int i = 0; i < 5; i++)
		upgrade(first[i]);
	fleet_advance(&fleet, OTA_DAY_MS);
	cr_assert_eq(touched(20), 5);
	cr_assert_str_eq(shown(batch, 0, "stageReason"),
			 "stage 1 of 2: its gate holds, and an operator is to open the next stage");
	command("advanceBatch", batch);
	cr_assert_eq(touched(20), 20);
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"event\":\"stage_opened\",\"actor\":\"admin\"}");
	cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(page, "items")), 1, "by whom");
	cJSON_Delete(page);
}

Test(stages, an_operator_may_open_the_next_one_whatever_the_gate_says)
{
	all_up(20, "1.0.0");
	int64_t batch = staged("");

	command("advanceBatch", batch);
	cr_assert_str_eq(event_of(batch, "stage_opened"),
			 "stage 2 of 2: 15 devices; the one before: 0 of 5 devices finished, 4 must (80 %)");
	cr_assert_eq(touched(20), 20);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)batch));
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert(strstr(refusal("advanceBatch", batch), "it has ended"));
	cr_assert(strstr(refusal("advanceBatch", fleet_batch(&fleet, "static", "")), "no stages"));
}

Test(stages, the_last_one_may_take_everybody_and_still_has_its_gate)
{
	all_up(20, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static",
				    ",\"strategy\":{\"stages\":[{\"count\":1},{\"percent\":100,\"deadline\":\"10m\"}]}");

	cr_assert_str_eq(shown(batch, 0, "stage"), "1/2");
	upgrade(first[0]);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_eq(touched(20), 20);
	fleet_advance(&fleet, 10 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	command("advanceBatch", batch);
	command("resumeBatch", batch);
	fleet_advance(&fleet, 11 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "running");
	cr_assert_str_eq(shown(batch, 0, "stage"), "2/2");
}

/* The default abort rule fires at more than 10 % failed of at least 10 finished. */
Test(stages, with_a_canary_that_fails_no_device_outside_it_is_ever_touched)
{
	enum { DEVICES = 1000 };
	int canary[DEVICES], count = 0;

	fleet_close(&fleet);
	fleet_open(&fleet, DEVICES);
	all_up(DEVICES, "1.0.0");
	int64_t batch = fleet_batch(&fleet, "static", ",\"strategy\":{\"stages\":[{\"percent\":2}]}");
	for (int i = 0; i < DEVICES; i++) {
		if (!strcmp(fleet_task(&fleet, i), "pushed"))
			canary[count++] = i;
	}
	cr_assert(count >= 15 && count <= 30, "%d of %d are two percent", count, DEVICES);
	for (int i = 0; i < 10; i++)
		fleet_progress(&fleet, canary[i], -4);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	cr_assert(strstr(shown(batch, 0, "reason"), "the abort rule fired: 10 of 10"));
	fleet_restart(&fleet, OTA_HOUR_MS);
	all_up(DEVICES, "1.0.0");
	cr_assert_eq(touched(DEVICES), count);
	command("resumeBatch", batch);
	all_up(DEVICES, "1.0.0");
	cr_assert_eq(touched(DEVICES), count, "who resumes the batch opens no stage");
	for (int i = 10; i < count; i++)
		fleet_progress(&fleet, canary[i], -4);
	fleet_advance(&fleet, OTA_DAY_MS);
	cr_assert_str_eq(fleet_batch_state(&fleet, batch), "paused");
	for (int i = 0; i < DEVICES; i++)
		cr_assert(strncmp(fleet_task(&fleet, i), "pending", 7) == 0 || !strncmp(fleet_task(&fleet, i), "failed", 6));
	cr_assert_eq(touched(DEVICES), count);
}

/* What answers may be read again: the gateway's reader has its limits. */
Test(stages, a_list_of_batches_with_stages_is_not_too_deep_for_its_reader)
{
	struct ota_bytes answer = {0};
	struct ota_error error = {0};
	cJSON *tree = NULL, *response;

	staged(",\"soak\":\"1h\"");
	response = fleet_ask(&fleet, "{\"command\":\"listBatches\"}");
	char *text = cJSON_PrintUnformatted(response);
	ota_bytes_format(&answer, "{\"responses\":[%s]}", text);
	cr_assert_eq(ota_json_read((struct ota_span){ answer.data, answer.size }, OTA_JSON_ANSWER, OTA_PAYLOAD_MAX, &tree, NULL,
				   &error), 0, "%s", error.text);
	cJSON_Delete(tree);
	cJSON_Delete(response);
	cJSON_free(text);
	ota_bytes_free(&answer);
}

Test(stages, a_batch_begins_at_its_planned_start_and_its_time_counts_from_there)
{
	int64_t start = fleet.now.wall_ms + OTA_HOUR_MS;
	char members[256];

	all_up(20, "1.0.0");
	snprintf(members, sizeof(members), ",\"strategy\":{\"startAt\":%lld,\"endAfter\":\"1d\",\"stages\":[{\"count\":5}]}",
		 (long long)start);
	int64_t batch = fleet_batch(&fleet, "static", members);
	cr_assert_str_eq(fleet_task(&fleet, 2), "pending/scheduled");
	cr_assert_str_eq(shown(batch, 0, "reason"), "every target is prepared; it begins at 2023-11-14T23:13:20.000Z");
	cr_assert_str_eq(shown(batch, 0, "stage"), "0/2");
	cr_assert(strstr(refusal("advanceBatch", batch), "has not begun"));
	fleet_advance(&fleet, OTA_HOUR_MS - 10 * OTA_SECOND_MS);
	cr_assert_eq(touched(20), 0);
	fleet_advance(&fleet, 9 * OTA_SECOND_MS);
	cr_assert_eq(touched(20), 5);
	cr_assert_str_eq(shown(batch, 0, "reason"), "its start has come");
	char ends[32];
	snprintf(ends, sizeof(ends), "%lld", (long long)(start + OTA_DAY_MS));
	cr_assert_str_eq(shown(batch, 0, "endsAt"), ends);
	fleet_advance(&fleet, OTA_DAY_MS + OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 2), "canceled/expired");
}

Test(stages, a_planned_start_is_kept_through_a_restart_and_a_pause)
{
	char members[256];

	snprintf(members, sizeof(members), ",\"strategy\":{\"startAt\":%lld}", (long long)fleet.now.wall_ms + OTA_HOUR_MS);
	int64_t batch = fleet_batch(&fleet, "static", members);
	command("pauseBatch", batch);
	fleet_restart(&fleet, 2 * OTA_HOUR_MS);
	all_up(20, "1.0.0");
	cr_assert_eq(touched(20), 0);
	command("resumeBatch", batch);
	fleet_advance(&fleet, OTA_SECOND_MS);
	cr_assert_eq(touched(20), 20);
}

Test(stages, a_moment_that_is_past_is_refused_and_an_end_before_the_start_is)
{
	static const char *const refused[] = { "\"startAt\":1000", "\"endAt\":1000",
					       "\"startAt\":1900000000000,\"endAt\":1800000000000" };
	static const char *const said[] = { "startAt is past", "endAt is past", "endAt must be after startAt" };

	for (size_t i = 0; i < 3; i++) {
		cJSON *response = fleet_ask(&fleet,
					    "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":"
					    "\"verify\",\"targets\":{\"all\":true},\"strategy\":{%s}}",
					    refused[i]);
		const char *message = cJSON_GetObjectItem(cJSON_GetObjectItem(response, "error"), "message")->valuestring;

		cr_expect(strstr(message, said[i]), "%s", message);
		cJSON_Delete(response);
	}
}
