/* What the gateway tells of downloads: for which attempt it counts, and what it is not believed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;
static int64_t batch;

static void pushed_device(void)
{
	fleet_open(&fleet, 2);
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.0");
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	batch = fleet_batch(&fleet, "verify", ",\"strategy\":{\"retries\":2,\"retryPause\":\"1m\"}");
	fleet_advance(&fleet, 100);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(transfers, .init = pushed_device, .fini = close_fleet);

/* The members of the URL in the push sent last, as JSON. */
static const char *last_url(void)
{
	static char members[512];
	const struct ota_outgoing *push = &fleet.outbox.items[fleet.outbox.count - 1];
	char payload[4096], sha256[65], e[16], d[17], k[9], s[44];

	cr_assert_lt(push->payload_size, sizeof(payload));
	memcpy(payload, push->payload, push->payload_size);
	payload[push->payload_size] = '\0';
	cr_assert_eq(sscanf(strstr(payload, "/dl/"), "/dl/%64[0-9a-f]?e=%15[0-9]&d=%16[0-9a-f]&k=%8[0-9a-f]&s=%43[^\"]", sha256,
			e, d, k, s), 5);
	snprintf(members, sizeof(members), "\"sha256\":\"%s\",\"e\":\"%s\",\"d\":\"%s\",\"k\":\"%s\",\"s\":\"%s\"", sha256, e,
			d, k, s);
	return members;
}

static cJSON *report(const char *url, const char *more)
{
	char token[sizeof(fleet.token)];

	memcpy(token, fleet.token, sizeof(token));
	fleet.token[0] = '\0';
	cJSON *response = fleet_ask(&fleet, "{\"command\":\"reportTransfer\",%s,%s}", url, more);
	memcpy(fleet.token, token, sizeof(token));
	return response;
}

/* "attempt 1: 5 bytes, not fetched" of the attempts of the device's newest task, one a line. */
static const char *attempts(void)
{
	static char said[1024];
	cJSON *device = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}");
	const cJSON *rows = cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(device, "tasks"), 0), "attempts"), *row;
	size_t used = 0;

	said[0] = '\0';
	cJSON_ArrayForEach(row, rows) {
		const cJSON *bytes = cJSON_GetObjectItem(row, "bytes"), *fetched = cJSON_GetObjectItem(row, "fetchedAt");

		used += (size_t)snprintf(said + used, sizeof(said) - used, "%s%.0f: %.0f%s", used ? ", " : "",
					 cJSON_GetObjectItem(row, "attempt")->valuedouble, bytes ? bytes->valuedouble : 0,
					 fetched ? " fetched" : "");
	}
	cJSON_Delete(device);
	return said;
}

static int events_of(const char *word)
{
	cJSON *page = fleet_do(&fleet, "{\"command\":\"listEvents\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}");
	const cJSON *event;
	int count = 0;

	cJSON_ArrayForEach(event, cJSON_GetObjectItem(page, "items"))
		count += strcmp(cJSON_GetObjectItem(event, "event")->valuestring, word) == 0;
	cJSON_Delete(page);
	return count;
}

Test(transfers, bytes_are_summed_up_and_the_first_whole_one_is_noted)
{
	const char *url = last_url();

	cr_expect_str_eq(attempts(), "1: 0");
	cJSON_Delete(report(url, "\"bytes\":7"));
	cr_expect_str_eq(attempts(), "1: 7");
	cJSON_Delete(report(url, "\"bytes\":16,\"whole\":true"));
	cr_expect_str_eq(attempts(), "1: 23 fetched");
	cJSON_Delete(report(url, "\"bytes\":23,\"whole\":true"));
	cr_expect_str_eq(attempts(), "1: 46 fetched");
	cr_expect_eq(events_of("fetched"), 1);
	cr_expect_str_eq(fleet_task(&fleet, 0), "pushed", "no task is moved by it");
}

static int64_t task_id(void)
{
	cJSON *device = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d0\"}");
	double id = cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(device, "tasks"), 0), "id")->valuedouble;

	cJSON_Delete(device);
	return (int64_t)id;
}

Test(transfers, blocks_over_mqtt_count_like_downloads)
{
	struct ota_fetched fetched = { .task_id = task_id(), .attempt = 1, .bytes = 7 };

	fleet_fetched(&fleet, 0, fetched);
	cr_expect_str_eq(attempts(), "1: 7");
	fetched.whole = true;
	fleet_fetched(&fleet, 0, fetched);
	fleet_fetched(&fleet, 0, fetched);
	cr_expect_str_eq(attempts(), "1: 21 fetched");
	cr_expect_eq(events_of("fetched"), 1);
	cr_expect_str_eq(fleet_task(&fleet, 0), "pushed", "no task is moved by it");
	fetched.attempt = 9;
	fleet_fetched(&fleet, 0, fetched);
	fetched.task_id = 999999;
	fleet_fetched(&fleet, 0, fetched);
	cr_expect_str_eq(attempts(), "1: 21 fetched", "what fits no attempt is forgotten");
}

static void deliver_over_mqtt(void)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"updateProduct\",\"productKey\":\"PK\",\"delivery\":\"mqtt\"}"));
}

/* C 4.x gives a download over MQTT up with -4, which means flashing failed everywhere else. */
Test(transfers, minus_4_before_the_last_block_is_a_download_that_failed)
{
	deliver_over_mqtt();
	fleet_progress(&fleet, 0, 40);
	fleet_progress(&fleet, 0, -4);
	cr_expect_str_eq(fleet_task(&fleet, 0), "pending/retry", "and is tried again as such");
}

Test(transfers, minus_4_after_the_last_block_is_flashing_that_failed)
{
	deliver_over_mqtt();
	fleet_fetched(&fleet, 0, (struct ota_fetched){ .task_id = task_id(), .attempt = 1, .bytes = 23, .whole = true });
	fleet_progress(&fleet, 0, -4);
	cr_expect_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
}

Test(transfers, minus_4_of_a_download_by_url_is_flashing_that_failed)
{
	fleet_progress(&fleet, 0, 40);
	fleet_progress(&fleet, 0, -4);
	cr_expect_str_eq(fleet_task(&fleet, 0), "failed/burn_failed");
}

Test(transfers, a_report_that_comes_twice_counts_once)
{
	cJSON *first = report(last_url(), "\"bytes\":7,\"requestId\":\"a-1\""), *second = report(last_url(),
			"\"bytes\":7,\"requestId\":\"a-1\"");

	cr_expect(cJSON_Compare(first, second, true));
	cr_expect_not_null(cJSON_GetObjectItem(cJSON_GetObjectItem(first, "data"), "task"));
	cJSON_Delete(first);
	cJSON_Delete(second);
	cr_expect_str_eq(attempts(), "1: 7");
}

Test(transfers, a_late_report_counts_for_the_attempt_its_url_was_made_in)
{
	char first[512];

	snprintf(first, sizeof(first), "%s", last_url());
	fleet_progress(&fleet, 0, 10);
	fleet_progress(&fleet, 0, -2);
	fleet_advance(&fleet, 2 * OTA_MINUTE_MS);
	cr_assert_str_eq(fleet_task(&fleet, 0), "pushed");
	cJSON_Delete(report(last_url(), "\"bytes\":5"));
	cJSON_Delete(report(first, "\"bytes\":3"));
	cr_expect_str_eq(attempts(), "1: 3, 2: 5");
}

Test(transfers, a_download_that_outlives_its_url_still_counts)
{
	char url[512];

	snprintf(url, sizeof(url), "%s", last_url());
	fleet_advance(&fleet, 25 * OTA_HOUR_MS);
	cJSON_Delete(report(url, "\"bytes\":23,\"whole\":true"));
	cr_expect(strstr(attempts(), "1: 23 fetched"));
}

static bool is_denied(const char *url)
{
	cJSON *response = report(url, "\"bytes\":1");
	const cJSON *code = cJSON_GetObjectItem(cJSON_GetObjectItem(response, "error"), "code");
	bool denied = code && strcmp(code->valuestring, "denied") == 0;

	cJSON_Delete(response);
	return denied;
}

Test(transfers, what_this_server_has_not_signed_is_denied)
{
	static const char *const members[] = { "\"sha256\":\"", "\"e\":\"", "\"d\":\"", "\"k\":\"", "\"s\":\"" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char url[512];

		snprintf(url, sizeof(url), "%s", last_url());
		char *at = strstr(url, members[i]) + strlen(members[i]);
		*at = *at == '1' ? '2' : '1';
		cr_expect(is_denied(url), "%s", url);
	}
	cr_expect_str_eq(attempts(), "1: 0");
}

Test(transfers, what_fits_no_attempt_is_taken_and_counted_nowhere)
{
	cJSON *link = fleet_do(&fleet, "{\"command\":\"linkPackage\",\"productKey\":\"PK\",\"version\":\"2.0.0\"}");
	char sha256[65], e[16], s[44], url[512];

	cr_assert_eq(sscanf(strstr(cJSON_GetObjectItem(link, "url")->valuestring, "/dl/"),
			    "/dl/%64[0-9a-f]?e=%15[0-9]&d=0000000000000000&k=00000000&s=%43s", sha256, e, s), 3);
	cJSON_Delete(link);
	snprintf(url, sizeof(url), "\"sha256\":\"%s\",\"e\":\"%s\",\"d\":\"0000000000000000\",\"k\":\"00000000\",\"s\":\"%s\"",
			sha256, e, s);
	cJSON *response = report(url, "\"bytes\":9");
	cr_expect_not_null(cJSON_GetObjectItem(response, "data"));
	cr_expect_null(cJSON_GetObjectItem(cJSON_GetObjectItem(response, "data"), "task"));
	cJSON_Delete(response);
	cr_expect_str_eq(attempts(), "1: 0");
}
