/* The event log as operators ask for it: searched backwards, followed forwards. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void some_devices(void)
{
	fleet_open(&fleet, 3);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(events, .init = some_devices, .fini = close_fleet);

static double number_of(const cJSON *object, const char *key)
{
	const cJSON *member = cJSON_GetObjectItem(object, key);

	return member ? member->valuedouble : 0;
}

static cJSON *page_of(const char *members)
{
	return fleet_do(&fleet, "{\"command\":\"listEvents\"%s}", members);
}

static int count_of(const char *members)
{
	cJSON *page = page_of(members);
	int count = cJSON_GetArraySize(cJSON_GetObjectItem(page, "items"));

	cJSON_Delete(page);
	return count;
}

/* The path of a refusal. */
static void expect_refusal(const char *members, const char *path)
{
	cJSON *response = fleet_ask(&fleet, "{\"command\":\"listEvents\"%s}", members);
	const cJSON *at = cJSON_GetObjectItem(cJSON_GetObjectItem(response, "error"), "path");

	cr_expect(at && strcmp(at->valuestring, path) == 0, "%s: %s", members, at ? at->valuestring : "taken");
	cJSON_Delete(response);
}

/* d0 goes through a whole upgrade, d1 is offline. Returns d0's task. */
static int64_t upgrade_one(void)
{
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.0.0");
	fleet_advance(&fleet, 3000);
	fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d0\",\"d1\"]}");
	fleet_progress(&fleet, 0, 50);
	fleet_inform(&fleet, 0, "2.0.0");
	fleet_advance(&fleet, 3000);
	cJSON *device = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}");
	int64_t task = (int64_t)number_of(cJSON_GetArrayItem(cJSON_GetObjectItem(device, "tasks"), 0), "id");
	cJSON_Delete(device);
	return task;
}

Test(events, are_found_by_task_word_actor_and_device)
{
	char members[128];
	int64_t task = upgrade_one();

	snprintf(members, sizeof(members), ",\"task\":%lld", (long long)task);
	int of_task = count_of(members);
	cr_expect_geq(of_task, 3, "pushed, upgrading, succeeded");
	cr_expect_leq(of_task, count_of(",\"productKey\":\"PK\",\"deviceName\":\"d0\""));
	cr_expect_eq(count_of(",\"productKey\":\"PK\",\"deviceName\":\"d1\",\"event\":\"pushed\""), 0);
	snprintf(members, sizeof(members), ",\"task\":%lld,\"event\":\"succeeded\"", (long long)task);
	cr_expect_eq(count_of(members), 1);
	cr_expect_eq(count_of(",\"actor\":\"admin\",\"event\":\"batch_created\""), 1);
	cr_expect_eq(count_of(",\"actor\":\"nobody\""), 0);
}

Test(events, are_found_by_time)
{
	char members[128];

	fleet_advance(&fleet, 60000);
	int before = count_of("");
	int64_t since_ms = fleet.now.wall_ms;
	upgrade_one();
	int after = count_of("") - before;
	snprintf(members, sizeof(members), ",\"since\":%lld", (long long)since_ms);
	cr_expect_eq(count_of(members), after);
	snprintf(members, sizeof(members), ",\"until\":%lld", (long long)since_ms - 1);
	cr_expect_eq(count_of(members), before);
}

Test(events, followed_by_above_come_once_each_in_the_order_of_their_ids)
{
	cJSON *page = page_of("");
	const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(page, "items"), 0);
	double last = number_of(page, "last"), newest = number_of(first, "id");
	char members[64];
	int followed = 0, before = count_of("");

	cr_expect_eq(last, newest);
	cJSON_Delete(page);
	upgrade_one();
	for (int more = 1; more;) {
		snprintf(members, sizeof(members), ",\"above\":%.0f,\"limit\":2", last);
		page = page_of(members);
		cJSON *items = cJSON_GetObjectItem(page, "items");

		for (int i = 0; i < cJSON_GetArraySize(items); i++) {
			cr_expect_gt(number_of(cJSON_GetArrayItem(items, i), "id"), last);
			last = number_of(cJSON_GetArrayItem(items, i), "id");
			followed++;
		}
		more = cJSON_GetArraySize(items);
		cr_expect_eq(number_of(page, "last"), last);
		cr_expect_null(cJSON_GetObjectItem(page, "next"));
		cJSON_Delete(page);
	}
	cr_expect_eq(followed, count_of("") - before);
	cr_expect_gt(followed, 3);
}

Test(events, a_follower_whose_filter_nothing_passes_moves_on_all_the_same)
{
	cJSON *page = page_of(",\"above\":0,\"event\":\"no_such_word\"");

	cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(page, "items")), 0);
	cr_expect_gt(number_of(page, "last"), 0);
	cJSON_Delete(page);
}

Test(events, a_search_that_contradicts_itself_is_refused_by_name)
{
	expect_refusal(",\"above\":1,\"after\":\"1\"", "above");
	expect_refusal(",\"since\":2,\"until\":1", "since");
	expect_refusal(",\"deviceName\":\"d0\"", "productKey");
	expect_refusal(",\"task\":999999", "task");
	expect_refusal(",\"above\":-1", "above");
	expect_refusal(",\"event\":\"\"", "event");
}

/* Fills the log with rows of a day, behind the server's back. */
static void events_add(int64_t at_ms, int count)
{
	cr_assert_eq(ota_store_begin(fleet.store, NULL), 0);
	for (int i = 0; i < count; i++) {
		struct ota_event event = { .id = ota_store_new_id(fleet.store, NULL), .at_ms = at_ms, .event = "old" };

		cr_assert_eq(ota_event_insert(fleet.store, &event, NULL), 0);
	}
	cr_assert_eq(ota_store_commit(fleet.store, NULL), 0);
}

static int64_t old_left(void)
{
	int64_t left = 0, above = 0;
	bool more = true;

	while (more) {
		char members[64];

		snprintf(members, sizeof(members), ",\"event\":\"old\",\"limit\":500,\"above\":%lld", (long long)above);
		cJSON *page = page_of(members);
		left += cJSON_GetArraySize(cJSON_GetObjectItem(page, "items"));
		more = (int64_t)number_of(page, "last") > above;
		above = (int64_t)number_of(page, "last");
		cJSON_Delete(page);
	}
	return left;
}

Test(events, older_than_the_log_is_kept_go_a_little_in_each_turn)
{
	bool more;

	events_add(fleet.now.wall_ms - INT64_C(401) * OTA_DAY_MS, 1200);
	events_add(fleet.now.wall_ms - INT64_C(399) * OTA_DAY_MS, 3);
	for (int64_t left = 1203 - 500; left > 3; left -= 500) {
		cr_assert_eq(ota_store_begin(fleet.store, NULL), 0);
		cr_assert_eq(ota_engine_turn(fleet.engine, fleet.now, 500, &more, NULL), 0);
		cr_assert_eq(ota_store_commit(fleet.store, NULL), 0);
		cr_expect_eq(old_left(), left);
	}
	fleet_advance(&fleet, 5000);
	cr_expect_eq(old_left(), 3);
	fleet_advance(&fleet, 2 * (int64_t)OTA_DAY_MS);
	cr_expect_eq(old_left(), 0, "two days later the rest is too old as well");
}

Test(events, a_clock_set_to_another_year_removes_nothing)
{
	events_add(fleet.now.wall_ms - OTA_DAY_MS, 5);
	fleet.now.wall_ms += INT64_C(12) * 365 * OTA_DAY_MS;
	fleet_advance(&fleet, 1200 * 1000);
	cr_expect_eq(old_left(), 5);
	fleet.now.wall_ms -= INT64_C(12) * 365 * OTA_DAY_MS;
	fleet_advance(&fleet, 1200 * 1000);
	cr_expect_eq(old_left(), 5, "and they were not too old");
}
