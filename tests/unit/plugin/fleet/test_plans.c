/* The plan of a batch, as createBatch with dryRun tells it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void world_open(void)
{
	fleet_open(&fleet, 200);
}

static void world_close(void)
{
	fleet_close(&fleet);
}

TestSuite(plans, .init = world_open, .fini = world_close);

static cJSON *plan_of(const char *kind, const char *more)
{
	return fleet_do(&fleet,
			"{\"command\":\"createBatch\",\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"%s\","
			"\"targets\":{\"all\":true},\"dryRun\":true%s}",
			kind, more);
}

static bool warns(const cJSON *plan, const char *words)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, cJSON_GetObjectItem(plan, "warnings"))
		if (strstr(each->valuestring, words))
			return true;
	return false;
}

Test(plans, each_warning_comes_with_what_it_warns_of_and_only_then)
{
	static const struct {
		const char *words, *kind, *bad, *good;
	} rows[] = {
		{ "devices at once", "verify", "", ",\"strategy\":{\"maxInFlight\":10}" },
		{ "no abort rule", "verify", ",\"strategy\":{\"abortSample\":0}",
		  ",\"strategy\":{\"abortSample\":0,\"abortCount\":5}" },
		{ "has proved this package", "static", ",\"override\":true,\"reason\":\"lab\"", "" },
		{ "upgradeTimeout", "verify", ",\"strategy\":{\"window\":{\"from\":\"22:00\",\"to\":\"22:30\"}}",
		  ",\"strategy\":{\"window\":{\"from\":\"22:00\",\"to\":\"23:00\"}}" },
		{ "a link lives", "verify", ",\"strategy\":{\"upgradeTimeout\":\"2d\"}",
		  ",\"strategy\":{\"upgradeTimeout\":\"24h\"}" },
		{ "have had their turn", "verify", ",\"strategy\":{\"endAfter\":\"1h\",\"rate\":{\"perMinute\":1}}",
		  ",\"strategy\":{\"endAfter\":\"1d\",\"rate\":{\"perMinute\":1}}" },
		{ "has no device", "verify", ",\"strategy\":{\"stages\":[{\"count\":200},{\"count\":1}]}",
		  ",\"strategy\":{\"stages\":[{\"count\":199},{\"count\":1}]}" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cJSON *bad = plan_of(rows[i].kind, rows[i].bad), *good = plan_of("verify", rows[i].good);

		cr_expect(warns(bad, rows[i].words), "%s with %s", rows[i].words, rows[i].bad);
		cr_expect(!warns(good, rows[i].words), "%s with %s", rows[i].words, rows[i].good);
		cJSON_Delete(bad);
		cJSON_Delete(good);
	}
}

Test(plans, work_that_stands_in_the_way_is_warned_of)
{
	fleet_batch(&fleet, "verify", ",\"targets\":{\"names\":[\"d3\"]}");
	fleet_advance(&fleet, 1000);
	cJSON *plan = plan_of("verify", ""), *skipping = plan_of("verify", ",\"onConflict\":\"skip\"");

	cr_expect(warns(plan, "1 devices have unfinished work"));
	cr_expect(!warns(skipping, "unfinished work"));
	cJSON_Delete(plan);
	cJSON_Delete(skipping);
}

Test(plans, stages_have_sizes_and_times)
{
	cJSON *plan = plan_of("verify", ",\"strategy\":{\"stages\":[{\"percent\":1,\"soak\":\"1h\"},{\"percent\":10}]}");
	const cJSON *stages = cJSON_GetObjectItem(plan, "stages");
	double begins = cJSON_GetObjectItem(cJSON_GetObjectItem(plan, "forecast"), "beginsAt")->valuedouble;

	cr_assert_eq(cJSON_GetArraySize(stages), 3);
	cr_expect_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(stages, 0), "devices")->valueint, 2);
	cr_expect_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(stages, 1), "devices")->valueint, 18);
	cr_expect_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(stages, 2), "devices")->valueint, 180);
	cr_expect_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(stages, 1), "opensAt")->valuedouble, begins + 70 * 60000);
	cJSON_Delete(plan);
}

Test(plans, a_plan_says_what_it_assumes)
{
	cJSON *plan = plan_of("verify", ",\"strategy\":{\"confirm\":true,"
					"\"window\":{\"from\":\"01:00\",\"to\":\"05:00\",\"zoneTag\":\"z\"}}");
	char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(cJSON_GetObjectItem(plan, "forecast"), "assumptions"));

	cr_expect(strstr(text, "each device takes 10m"));
	cr_expect(strstr(text, "all devices are online"));
	cr_expect(strstr(text, "operators act at once"));
	cr_expect(strstr(text, "no device has a time zone of its own"));
	cJSON_free(text);
	cJSON_Delete(plan);
}

/* --- a batch that runs --- */

static cJSON *batch_of(int64_t id)
{
	return fleet_do(&fleet, "{\"command\":\"getBatch\",\"batch\":%lld}", (long long)id);
}

static const char *next_of(const cJSON *batch)
{
	const cJSON *next = cJSON_GetObjectItem(batch, "next");

	return next ? cJSON_GetObjectItem(next, "text")->valuestring : "";
}

Test(plans, a_running_batch_tells_its_pace_what_comes_next_and_its_end)
{
	fleet_connect(&fleet, 0);
	fleet_inform(&fleet, 0, "1.0.0");
	int64_t id = fleet_batch(&fleet, "static",
				 ",\"targets\":{\"all\":true},\"strategy\":{\"maxInFlight\":50,"
				 "\"rate\":{\"perMinute\":40,\"from\":10,\"every\":\"10m\"}}");
	fleet_advance(&fleet, 5000);
	cJSON *batch = batch_of(id);
	cr_expect_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(batch, "inFlight"), "now")->valueint, 1);
	cr_expect_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(batch, "inFlight"), "most")->valueint, 50);
	cr_expect_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(batch, "rate"), "now")->valueint, 10);
	cr_expect_eq(cJSON_GetObjectItem(cJSON_GetObjectItem(batch, "rate"), "most")->valueint, 40);
	cr_expect_str_eq(next_of(batch), "the rate rises to 20 devices a minute");
	/* 50 places, each given back after 10 minutes: 200 devices in four turns and a little */
	double end_ms = cJSON_GetObjectItem(batch, "finishesAt")->valuedouble - (double)fleet.now.wall_ms;
	cr_expect(end_ms > 40 * 60000 && end_ms < 60 * 60000, "%.0f", end_ms);
	cJSON_Delete(batch);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"pauseBatch\",\"batch\":%lld}", (long long)id));
	batch = batch_of(id);
	cr_expect_str_eq(next_of(batch), "an operator resumes or cancels it");
	cr_expect_null(cJSON_GetObjectItem(batch, "finishesAt"));
	cJSON_Delete(batch);
}

Test(plans, a_window_is_told_by_when_it_opens_and_closes)
{
	/* The fleet's day began at 22:13:20 UTC. */
	int64_t id = fleet_batch(&fleet, "static",
				 ",\"targets\":{\"all\":true},\"strategy\":{\"window\":{\"from\":\"23:00\",\"to\":\"23:30\"}}");
	fleet_advance(&fleet, 5000);
	cJSON *batch = batch_of(id);
	cr_expect_str_eq(next_of(batch), "the window opens");
	cr_expect_eq((int64_t)cJSON_GetObjectItem(cJSON_GetObjectItem(batch, "next"), "at")->valuedouble % OTA_DAY_MS,
		     23 * OTA_HOUR_MS);
	cJSON_Delete(batch);
}

Test(plans, a_batch_that_has_ended_has_no_pace)
{
	int64_t id = fleet_batch(&fleet, "static", ",\"targets\":{\"names\":[\"d0\"]}");

	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld}", (long long)id));
	cJSON *batch = batch_of(id);
	cr_expect_null(cJSON_GetObjectItem(batch, "inFlight"));
	cr_expect_null(cJSON_GetObjectItem(batch, "next"));
	cJSON_Delete(batch);
}

/* --- a batch as an order --- */

/* `order` without its braces, with more members. */
static cJSON *create(const cJSON *order, const char *more)
{
	char *text = cJSON_PrintUnformatted(order);

	cJSON *made = fleet_do(&fleet, "{\"command\":\"createBatch\",\"override\":true,\"reason\":\"test\"%s,%s", more, text + 1);
	cJSON_free(text);
	return made;
}

static cJSON *export_of(int64_t id, const char *more)
{
	return fleet_do(&fleet, "{\"command\":\"exportBatch\",\"batch\":%lld%s}", (long long)id, more);
}

static void round_trip(const char *kind, const char *members)
{
	int64_t id = fleet_batch(&fleet, kind, members);
	cJSON *order = export_of(id, ""), *full = export_of(id, ",\"all\":true");

	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%lld,\"level\":\"revoke\"}", (long long)id));
	fleet_advance(&fleet, 2000);
	cJSON *plan = create(order, ",\"dryRun\":true"), *full_plan = create(full, ",\"dryRun\":true");
	cr_expect(cJSON_Compare(plan, full_plan, true), "%s: what was left out is not a default", members);
	cJSON *made = create(order, ""), *again = export_of((int64_t)cJSON_GetObjectItem(made, "id")->valuedouble, "");
	cr_expect(cJSON_Compare(order, again, true), "%s", members);
	cJSON *full_again = export_of((int64_t)cJSON_GetObjectItem(made, "id")->valuedouble, ",\"all\":true");
	cr_expect(cJSON_Compare(full, full_again, true), "%s", members);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"cancelBatch\",\"batch\":%.0f}",
			      cJSON_GetObjectItem(made, "id")->valuedouble));
	fleet_advance(&fleet, 2000);
	for (cJSON **each = (cJSON *[]){ order, full, plan, full_plan, made, again, full_again, NULL }; *each; each++)
		cJSON_Delete(*each);
}

Test(plans, an_exported_batch_makes_the_same_batch)
{
	round_trip("verify", ",\"targets\":{\"all\":true}");
	round_trip("static", ",\"name\":\"n\",\"targets\":{\"where\":\"name = d1*\"},\"onConflict\":\"skip\","
			     "\"tags\":{\"a\":\"b\"}");
	round_trip("static", ",\"targets\":{\"names\":[\"d3\",\"nobody\",\"d1\"]},\"strategy\":{\"retries\":0,\"abortSample\":0,"
			     "\"abortCauses\":[\"lost\"],\"retryCauses\":[],\"abortAction\":\"cancel\",\"confirm\":true,"
			     "\"maxInFlight\":5,\"rate\":{\"perMinute\":10,\"from\":1,\"factor\":3,\"every\":\"1m\"},"
			     "\"window\":{\"from\":\"22:00\",\"to\":\"00:00\",\"zone\":\"UTC\"},"
			     "\"stages\":[{\"percent\":1,\"success\":0},{\"count\":5,\"soak\":\"1h\",\"manual\":true}]}");
}

Test(plans, an_order_says_only_what_was_said)
{
	int64_t id = fleet_batch(&fleet, "verify", ",\"targets\":{\"all\":true},\"strategy\":{\"retries\":1,\"soak\":\"0s\"}");
	cJSON *order = export_of(id, "");
	char *text = cJSON_PrintUnformatted(order);

	cr_expect_str_eq(text, "{\"productKey\":\"PK\",\"version\":\"2.0.0\",\"kind\":\"verify\",\"targets\":{\"all\":true},"
			       "\"strategy\":{\"retries\":1}}");
	cJSON_free(text);
	cJSON_Delete(order);
}
