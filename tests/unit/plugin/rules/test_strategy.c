#include <criterion/criterion.h>
#include <string.h>

#include "common/time.h"
#include "plugin/rules/strategy.h"

Test(strategy, defaults_are_those_of_the_design)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	cr_assert_eq(strategy.push_timeout_ms, OTA_HOUR_MS);
	cr_assert_eq(strategy.upgrade_timeout_ms, 60 * OTA_MINUTE_MS);
	cr_assert_eq(strategy.reboot_timeout_ms, 10 * OTA_MINUTE_MS);
	cr_assert_eq(strategy.retries, 2);
	cr_assert_eq(strategy.retry_pause_ms, 10 * OTA_MINUTE_MS);
	cr_assert_eq(strategy.end_after_ms, (int64_t)30 * OTA_DAY_MS);
	cr_assert_eq(strategy.abort_percent, 10);
	cr_assert_eq(strategy.abort_sample, 10);
}

Test(strategy, what_is_printed_reads_back_equal)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_strategy strategy = ota_strategy_defaults(), again;

	strategy.push_timeout_ms = 90 * OTA_SECOND_MS;
	strategy.retries = 0;
	cr_assert_eq(ota_strategy_print(&strategy, &text), 0);
	cr_assert_eq(ota_strategy_parse_text(text.data, &again, NULL), 0);
	cr_assert(!memcmp(&strategy, &again, sizeof(strategy)));
}

static const char everything[] =
	"{\"retryCauses\":[\"burn_failed\",\"lost\"],\"startAt\":1000,\"endAt\":2000,\"abortCount\":5,"
	"\"abortCauses\":[\"lost\"],\"abortAction\":\"cancel\",\"maxInFlight\":7,\"confirm\":true,\"pullOnly\":true,"
	"\"autoRollback\":true,\"rate\":{\"perMinute\":1000,\"from\":50,\"factor\":3,\"every\":\"5m\"},"
	"\"window\":{\"from\":\"22:00\",\"to\":\"06:30\",\"zone\":\"Europe/Berlin\",\"zoneTag\":\"tz\"},"
	"\"stages\":[{\"count\":10,\"manual\":true},{\"percent\":5,\"success\":90,\"soak\":\"1h\",\"deadline\":\"2d\"}]}";

Test(strategy, every_member_is_read_and_what_is_not_said_keeps_its_default)
{
	struct ota_strategy strategy;

	cr_assert_eq(ota_strategy_parse_text(everything, &strategy, NULL), 0);
	cr_expect_eq(strategy.retry_causes, 1 << OTA_CAUSE_BURN_FAILED | 1 << OTA_CAUSE_LOST);
	cr_expect_eq(strategy.start_at_ms, 1000);
	cr_expect_eq(strategy.end_at_ms, 2000);
	cr_expect_eq(strategy.abort_count, 5);
	cr_expect_eq(strategy.abort_causes, 1 << OTA_CAUSE_LOST);
	cr_expect_eq(strategy.abort_action, OTA_ABORT_CANCELS);
	cr_expect_eq(strategy.max_in_flight, 7);
	cr_expect(strategy.confirm && strategy.pull_only && strategy.auto_rollback);
	cr_expect_eq(strategy.rate.per_minute, 1000);
	cr_expect_eq(strategy.rate.from, 50);
	cr_expect_eq(strategy.rate.factor, 3);
	cr_expect_eq(strategy.rate.every_ms, 5 * OTA_MINUTE_MS);
	cr_expect_eq(strategy.window.from_minute, 22 * 60);
	cr_expect_eq(strategy.window.to_minute, 6 * 60 + 30);
	cr_expect_str_eq(strategy.window.zone, "Europe/Berlin");
	cr_expect_str_eq(strategy.window.zone_tag, "tz");
	cr_assert_eq(strategy.stage_count, 2);
	cr_expect_eq(strategy.stages[0].count, 10);
	cr_expect_eq(strategy.stages[0].percent, 0);
	cr_expect_eq(strategy.stages[0].success_percent, 95);
	cr_expect_eq(strategy.stages[0].finished_percent, 80);
	cr_expect(strategy.stages[0].manual && !strategy.stages[1].manual);
	cr_expect_eq(strategy.stages[1].percent, 5);
	cr_expect_eq(strategy.stages[1].success_percent, 90);
	cr_expect_eq(strategy.stages[1].soak_ms, OTA_HOUR_MS);
	cr_expect_eq(strategy.stages[1].deadline_ms, 2 * (int64_t)OTA_DAY_MS);
	cr_expect_eq(strategy.retries, 2);
}

Test(strategy, everything_is_printed_and_reads_back_equal_and_short_enough_for_the_store)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_strategy strategy, again;

	cr_assert_eq(ota_strategy_parse_text(everything, &strategy, NULL), 0);
	for (strategy.stage_count = 2; strategy.stage_count < OTA_STAGES_MAX; strategy.stage_count++) {
		strategy.stages[strategy.stage_count] = strategy.stages[1];
		strategy.stages[strategy.stage_count].percent += (int64_t)strategy.stage_count;
	}
	cr_assert_eq(ota_strategy_print(&strategy, &text), 0);
	cr_expect_leq(text.size, 4096, "as much as a batch's row keeps");
	cr_assert_eq(ota_strategy_parse_text(text.data, &again, NULL), 0);
	cr_expect_arr_eq(&strategy, &again, sizeof(strategy));
}

Test(strategy, what_says_nothing_is_not_printed)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_strategy strategy = ota_strategy_defaults();

	cr_assert_eq(ota_strategy_print(&strategy, &text), 0);
	cr_expect(!strstr(text.data, "\"rate\"") && !strstr(text.data, "window") && !strstr(text.data, "stages"));
	strategy.window.to_minute = 6 * 60;
	ota_bytes_clear(&text);
	cr_assert_eq(ota_strategy_print(&strategy, &text), 0);
	cr_expect(strstr(text.data, "\"window\":{\"from\":\"00:00\",\"to\":\"06:00\"}"), "%s", text.data);
}

Test(strategy, a_change_leaves_what_it_does_not_name_and_a_refused_one_changes_nothing)
{
	struct ota_strategy strategy, before;
	OTA_AUTO_JSON cJSON *change = cJSON_Parse("{\"rate\":{\"perMinute\":2000}}");
	OTA_AUTO_JSON cJSON *bad = cJSON_Parse("{\"maxInFlight\":9,\"rate\":{\"from\":3000}}");
	struct ota_error error = {0};

	cr_assert_eq(ota_strategy_parse_text(everything, &strategy, NULL), 0);
	cr_assert_eq(ota_strategy_change(change, "strategy", &strategy, NULL), 0);
	cr_expect_eq(strategy.rate.per_minute, 2000);
	cr_expect_eq(strategy.rate.from, 50);
	cr_expect_eq(strategy.stage_count, 2);
	before = strategy;
	cr_assert_eq(ota_strategy_change(bad, "strategy", &strategy, &error), OTA_EINVALID);
	cr_expect_str_eq(error.path, "strategy.rate.from");
	cr_expect_arr_eq(&before, &strategy, sizeof(strategy));
}

Test(strategy, what_contradicts_itself_is_refused_where_it_stands)
{
	static const struct {
		const char *text, *path, *says;
	} cases[] = {
		{ "{\"stages\":[{}]}", "strategy.stages[0]", "either percent or count" },
		{ "{\"stages\":[{\"percent\":1,\"count\":1}]}", "strategy.stages[0]", "either percent or count" },
		{ "{\"stages\":[{\"percent\":9},{\"count\":4},{\"percent\":9}]}", "strategy.stages[2]", "more than 9" },
		{ "{\"stages\":[7]}", "strategy.stages[0]", "object" },
		{ "{\"stages\":[{\"percent\":1,\"sokk\":\"1h\"}]}", "strategy.stages[0].sokk", "soak" },
		{ "{\"stages\":[{\"percent\":101}]}", "strategy.stages[0].percent", "100" },
		{ "{\"rate\":{\"from\":5}}", "strategy.rate.from", "perMinute" },
		{ "{\"rate\":{\"perMinute\":5,\"from\":6}}", "strategy.rate.from", "at most perMinute, 5" },
		{ "{\"startAt\":5,\"endAt\":5}", "strategy.endAt", "after startAt" },
		{ "{\"window\":{\"zone\":\"UTC\"}}", "strategy.window", "from and to" },
		{ "{\"window\":{\"from\":\"24:00\"}}", "strategy.window.from", "23:59" },
		{ "{\"window\":{\"from\":\"9:00\"}}", "strategy.window.from", "time of the day" },
		{ "{\"window\":{\"from\":\"-1:00\"}}", "strategy.window.from", "time of the day" },
		{ "{\"window\":{\"from\":\"+9:00\"}}", "strategy.window.from", "time of the day" },
		{ "{\"window\":{\"to\":\"24:01\"}}", "strategy.window.to", "24:00" },
		{ "{\"abortCauses\":[\"expired\"]}", "strategy.abortCauses", "burn_failed" },
		{ "{\"retryCauses\":[\"wrong_version\"]}", "strategy.retryCauses", "lost" },
		{ "{\"retryCauses\":[1]}", "strategy.retryCauses", "lost" },
		{ "{\"abortAction\":\"stop\"}", "strategy.abortAction", "pause, cancel" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ota_strategy strategy;
		struct ota_error error = {0};

		cr_expect_eq(ota_strategy_parse_text(cases[i].text, &strategy, &error), OTA_EINVALID, "%s", cases[i].text);
		cr_expect_str_eq(error.path, cases[i].path, "%s: %s", cases[i].text, error.path);
		cr_expect(strstr(error.text, cases[i].says), "%s: %s", cases[i].text, error.text);
	}
}

Test(strategy, a_bad_member_is_refused_with_its_path_and_what_is_allowed)
{
	struct ota_strategy strategy;
	struct ota_error error = {0};

	cr_assert_eq(ota_strategy_parse_text("{\"pushTimeout\":\"0s\"}", &strategy, &error), OTA_EINVALID);
	cr_assert_str_eq(error.path, "strategy.pushTimeout");
	cr_assert(strstr(error.text, "1s"));
	cr_assert_eq(ota_strategy_parse_text("{\"pushTimeut\":\"1h\"}", &strategy, &error), OTA_EINVALID);
	cr_assert(strstr(error.text, "pushTimeut"));
	cr_assert_eq(ota_strategy_parse_text("{\"retries\":\"2\"}", &strategy, &error), OTA_EINVALID);
	cr_assert_str_eq(error.path, "strategy.retries");
}

Test(strategy, only_what_luck_may_have_caused_is_retried_and_only_so_often)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	cr_assert(ota_strategy_retries(&strategy, OTA_CAUSE_DOWNLOAD_FAILED, 1));
	cr_assert(ota_strategy_retries(&strategy, OTA_CAUSE_LOST, 2));
	cr_assert(!ota_strategy_retries(&strategy, OTA_CAUSE_LOST, 3));
	cr_assert(!ota_strategy_retries(&strategy, OTA_CAUSE_BURN_FAILED, 1));
	cr_assert(!ota_strategy_retries(&strategy, OTA_CAUSE_VERIFY_FAILED, 1));
	cr_assert(!ota_strategy_retries(&strategy, OTA_CAUSE_ROLLED_BACK, 1));
}

Test(strategy, pauses_between_pushes_double_up_to_their_cap)
{
	cr_assert_eq(ota_push_pause(1, 60, 3600), 60);
	cr_assert_eq(ota_push_pause(2, 60, 3600), 120);
	cr_assert_eq(ota_push_pause(6, 60, 3600), 1920);
	cr_assert_eq(ota_push_pause(7, 60, 3600), 3600);
	cr_assert_eq(ota_push_pause(1000000, 60, 3600), 3600);
}
