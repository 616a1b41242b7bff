/* Packages taken back, and packages hosted elsewhere: what becomes of their batches, tasks and pushes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void some_devices(void)
{
	fleet_open(&fleet, 200);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(yank, .init = some_devices, .fini = close_fleet);

static void device_up(int device, const char *version)
{
	fleet_connect(&fleet, device);
	fleet_inform(&fleet, device, version);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
}

/* What a command was refused with, "conflict force: ..."; "none". */
static const char *refusal(cJSON *response)
{
	static char said[512];
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	snprintf(said, sizeof(said), "none");
	if (error)
		snprintf(said, sizeof(said), "%s %s: %s", cJSON_GetObjectItem(error, "code")->valuestring,
			 cJSON_GetObjectItem(error, "path")->valuestring, cJSON_GetObjectItem(error, "message")->valuestring);
	cJSON_Delete(response);
	return said;
}

static const char yank[] = "{\"command\":\"yankPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"reason\":\"it bricks\"%s}";

static void yank_by_force(void)
{
	cJSON_Delete(fleet_do(&fleet, yank, ",\"force\":true"));
}

static int count_of(int64_t batch, const char *group, const char *word)
{
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)batch);
	const cJSON *count = cJSON_GetObjectItem(cJSON_GetObjectItem(row, group), word);
	int value = count ? (int)count->valuedouble : 0;

	cJSON_Delete(row);
	return value;
}

Test(yank, what_is_in_use_is_not_yanked_without_force_and_the_conflict_counts_it)
{
	int64_t batch = fleet_batch(&fleet, "static", "");

	cr_assert_str_eq(refusal(fleet_ask(&fleet, yank, "")), "conflict force: package 203 (2.0.0) is in use "
							       "(unfinished tasks 200, open batches 1); force true cancels them");
	cr_expect_str_eq(fleet_batch_state(&fleet, batch), "running");
	yank_by_force();
	cr_expect_str_eq(refusal(fleet_ask(&fleet, yank, ",\"force\":true")),
			 "conflict package: package 203 (2.0.0) is yanked already");
}

Test(yank, pending_pushed_and_upgrading_tasks_end_with_that_cause_in_chunks)
{
	for (int device = 0; device < 3; device++)
		device_up(device, "1.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	fleet_advance(&fleet, 100);
	fleet_progress(&fleet, 1, 40);
	fleet_progress(&fleet, 2, 100);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	cr_assert_str_eq(fleet_task(&fleet, 1), "upgrading");

	yank_by_force();
	cr_expect_str_eq(fleet_batch_state(&fleet, batch), "canceled");
	fleet_advance(&fleet, 100);
	for (int device = 0; device < 4; device++)
		cr_expect_str_eq(fleet_task(&fleet, device), "canceled/package_yanked");
	cr_expect_eq(count_of(batch, "counts", "canceled"), 200);
	cr_expect_eq(count_of(batch, "causes", "package_yanked"), 200);
}

Test(yank, nothing_is_pushed_from_the_commit_on_although_the_walk_has_not_begun)
{
	device_up(0, "1.0");
	fleet_batch(&fleet, "static", "");
	fleet_advance(&fleet, 100);
	cr_assert_eq(fleet_pushes(&fleet, 0), 1);
	yank_by_force();
	/* A pull and a report that would draw the push again, before any turn of the engine. */
	fleet.now.heard_ms += 2 * OTA_MINUTE_MS;
	fleet_send(&fleet, 0, OTA_TOPIC_REQUEST, "{\"id\":1,\"params\":{}}");
	cr_expect_str_eq(fleet_task(&fleet, 0), "pushed", "the walk has not come to it");
	cr_expect_eq(fleet_pushes(&fleet, 0), 0);
	fleet_connect(&fleet, 0);
	fleet_advance(&fleet, 5 * OTA_SECOND_MS);
	cr_expect_eq(fleet_pushes(&fleet, 0), 0);
	cr_expect_str_eq(fleet_task(&fleet, 0), "canceled/package_yanked");
}

Test(yank, a_crash_in_the_middle_of_the_walk_is_continued_at_the_next_start)
{
	bool more;

	device_up(0, "1.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	yank_by_force();
	cr_assert_eq(ota_store_begin(fleet.store, NULL), 0);
	cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 50, &more, NULL), 0);
	cr_assert_eq(ota_store_commit(fleet.store, NULL), 0);
	int done = count_of(batch, "causes", "package_yanked");
	cr_expect(done > 0 && done < 200, "one chunk, not all: %d", done);
	fleet_restart(&fleet, OTA_MINUTE_MS);
	fleet_advance(&fleet, 100);
	cr_expect_eq(count_of(batch, "causes", "package_yanked"), 200);
}

Test(yank, what_ran_on_after_a_withdrawn_batch_ends_too)
{
	device_up(0, "1.0");
	int64_t batch = fleet_batch(&fleet, "static", "");
	fleet_advance(&fleet, 100);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)batch));
	fleet_advance(&fleet, 100);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	cr_expect_str_eq(refusal(fleet_ask(&fleet, yank, "")), "conflict force: package 203 (2.0.0) is in use "
							       "(unfinished tasks 1, open batches 0); force true cancels them");
	yank_by_force();
	fleet_advance(&fleet, 100);
	cr_expect_str_eq(fleet_task(&fleet, 0), "canceled/package_yanked");
}

Test(yank, a_yanked_package_goes_into_no_batch_and_an_unfinished_verification_proves_nothing)
{
	int64_t batch = fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d1\"]}");

	yank_by_force();
	fleet_advance(&fleet, 100);
	cr_expect_str_eq(fleet_batch_state(&fleet, batch), "canceled");
	cJSON *package = fleet_do(&fleet, "{\"command\":\"getPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");
	cr_expect_str_eq(cJSON_GetObjectItem(package, "status")->valuestring, "yanked");
	cr_expect_str_eq(cJSON_GetObjectItem(package, "verification")->valuestring, "unverified");
	cJSON_Delete(package);
	cr_expect_str_eq(refusal(fleet_ask(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\","
						   "\"kind\":\"verify\",\"targets\":{\"all\":true}}")),
			 "conflict package: package 203 is yanked");
}

Test(yank, the_log_says_who_yanked_what_and_why)
{
	fleet_batch(&fleet, "static", "");
	yank_by_force();
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"limit\":2}");
	const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0);

	cr_expect_str_eq(cJSON_GetObjectItem(row, "event")->valuestring, "package_yanked");
	cr_expect_str_eq(cJSON_GetObjectItem(row, "actor")->valuestring, "admin");
	cr_expect_str_eq(cJSON_GetObjectItem(row, "detail")->valuestring,
			 "2.0.0 of module default, unfinished tasks 200, open batches 1: it bricks");
	cJSON_Delete(page);
}

static const char hosted[] = "{\"command\":\"addPackage\",\"productKey\":\"PK\",\"version\":\"3.0\",\"size\":7,"
			     "\"sha256\":\"%064d\",\"md5\":\"%032d\",\"url\":\"%s\"}";

Test(yank, a_package_hosted_elsewhere_is_pushed_with_its_own_url)
{
	char url[OTA_URL_MAX + 1] = "https://cdn.example.org/fw.bin?v=3&";

	memset(url + strlen(url), 'x', sizeof(url) - 1 - strlen(url));
	cJSON_Delete(fleet_do(&fleet, hosted, 0, 0, url));
	cJSON *link = fleet_do(&fleet, "{\"command\":\"linkPackage\",\"productKey\":\"PK\",\"version\":\"3.0\"}");
	cr_expect_str_eq(cJSON_GetObjectItem(link, "url")->valuestring, url);
	cr_expect_null(cJSON_GetObjectItem(link, "expiresAt"));
	cJSON_Delete(link);

	device_up(0, "1.0");
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"3.0\","
				      "\"kind\":\"verify\",\"targets\":{\"names\":[\"d0\"]}}"));
	fleet_advance(&fleet, 100);
	const struct ota_outgoing *push = &fleet.outbox.items[fleet.outbox.count - 1];
	cr_assert(memmem(push->payload, push->payload_size, url, strlen(url)), "%.*s", (int)push->payload_size, push->payload);
}

Test(yank, a_link_for_an_operator_is_signed_and_ends)
{
	cJSON *link = fleet_do(&fleet, "{\"command\":\"linkPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");

	cr_expect(strstr(cJSON_GetObjectItem(link, "url")->valuestring, "&d=0000000000000000&"), "for no device");
	cr_expect_eq(cJSON_GetObjectItem(link, "expiresAt")->valuedouble, (double)(fleet.now.wall_ms + OTA_DAY_MS));
	cJSON_Delete(link);
}
