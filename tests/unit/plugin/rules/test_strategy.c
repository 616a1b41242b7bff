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
