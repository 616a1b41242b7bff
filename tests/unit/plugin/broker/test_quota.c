#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/time.h"
#include "plugin/broker/quota.h"

static struct ota_quotas *quotas;
static const struct ota_identity one = {"pk", "one"}, two = {"pk", "two"};

static void setup(void)
{
	quotas = ota_quotas_new();
}

static void teardown(void)
{
	quotas = ota_quotas_free(quotas);
}

TestSuite(quota, .init = setup, .fini = teardown);

static size_t take_all(struct ota_quota *quota, enum ota_quota_kind kind, int64_t now_ms)
{
	size_t taken = 0;
	while (ota_quota_take(quota, kind, now_ms))
		taken++;
	return taken;
}

static struct ota_progress step(int number, int64_t attempt)
{
	return (struct ota_progress){.step = number, .batch = 1, .attempt = attempt};
}

static int hold(struct ota_held *held, int number, int64_t attempt, const char *payload)
{
	struct ota_progress progress = step(number, attempt);
	bool replaced;
	return ota_held_put(held, 1, &progress, ota_span_from_text(payload), &replaced);
}

static void expect_held(const struct ota_held *held, const char *expected)
{
	char text[64] = "";
	size_t size = 0;
	for (const struct ota_held_report *report = held->first; report; report = report->next)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%.*s ", (int)report->size, report->payload);
	cr_expect_str_eq(text, expected);
}

/* --- buckets --- */

Test(quota, each_bucket_gives_its_burst_and_comes_back_at_its_rate)
{
	for (int kind = 0; kind < OTA_QUOTAS; kind++) {
		const struct ota_pace_rate *rate = ota_quota_rate((enum ota_quota_kind)kind);
		struct ota_quota *quota = ota_quotas_find(quotas, &one, 1000);
		cr_expect_eq(take_all(quota, (enum ota_quota_kind)kind, 1000), (size_t)rate->burst);
		cr_expect_not(ota_quota_has(quota, (enum ota_quota_kind)kind, 1000));
		int64_t back = rate->count < rate->burst ? rate->count : rate->burst;
		cr_expect_eq(take_all(quota, (enum ota_quota_kind)kind, 1000 + rate->period_ms), (size_t)back);
	}
}

Test(quota, a_long_report_counts_as_often_as_it_has_kibibytes)
{
	static const struct {
		size_t size, tokens;
	} cases[] = {{0, 1}, {OTA_DEVICE_REPORT_BYTES, 1}, {OTA_DEVICE_REPORT_BYTES + 1, 2}, {OTA_DEVICE_PAYLOAD_MAX, 16}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ota_quotas *fresh = ota_quotas_new();
		struct ota_quota *quota = ota_quotas_find(fresh, &one, 1000);
		cr_expect(ota_quota_take_report(quota, cases[i].size, 1000));
		cr_expect_eq(take_all(quota, OTA_QUOTA_REPORT, 1000), OTA_DEVICE_REPORTS_BURST - cases[i].tokens, "%zu",
			     cases[i].size);
		ota_quotas_free(fresh);
	}
}

Test(quota, a_device_that_comes_back_finds_what_it_left)
{
	take_all(ota_quotas_find(quotas, &one, 1000), OTA_QUOTA_REPORT, 1000);
	cr_expect_not(ota_quota_take(ota_quotas_find(quotas, &one, 1001), OTA_QUOTA_REPORT, 1001));
	cr_expect(ota_quota_take(ota_quotas_find(quotas, &two, 1001), OTA_QUOTA_REPORT, 1001), "nobody else pays");
}

Test(quota, nothing_is_remembered_of_who_only_says_a_name)
{
	cr_expect_null(ota_quotas_look(quotas, &one));
	cr_expect_eq(ota_quotas_count(quotas), 0);
	ota_quotas_find(quotas, &one, 1000);
	cr_expect_not_null(ota_quotas_look(quotas, &one));
}

Test(quota, whoever_is_forgotten_had_nothing_left_to_remember)
{
	for (int kind = 0; kind < OTA_QUOTAS; kind++) {
		const struct ota_pace_rate *rate = ota_quota_rate((enum ota_quota_kind)kind);
		cr_expect_leq(rate->burst * rate->period_ms / rate->count, OTA_DEVICE_FORGET_MS, "kind %d", kind);
	}
	cr_expect_leq(OTA_DEVICE_SHUT_MS, OTA_DEVICE_FORGET_MS);
}

Test(quota, quiet_devices_are_forgotten_others_not)
{
	ota_quotas_find(quotas, &one, 1000);
	ota_quotas_find(quotas, &two, 1000 + OTA_DEVICE_FORGET_MS - 1);
	cr_expect_eq(ota_quotas_count(quotas), 2);
	ota_quotas_find(quotas, &two, 1000 + OTA_DEVICE_FORGET_MS);
	cr_expect_null(ota_quotas_look(quotas, &one));
	cr_expect_not_null(ota_quotas_look(quotas, &two));
}

Test(quota, memory_is_bounded_and_the_longest_unused_goes_first)
{
	struct ota_identity each = {.product_key = "pk"};
	ota_quotas_find(quotas, &one, 1);
	for (int i = 0; i < OTA_DEVICE_QUOTAS_MAX; i++) {
		snprintf(each.device_name, sizeof(each.device_name), "d%d", i);
		cr_assert_not_null(ota_quotas_find(quotas, &each, 2));
	}
	cr_expect_leq(ota_quotas_count(quotas), OTA_DEVICE_QUOTAS_MAX);
	cr_expect_null(ota_quotas_look(quotas, &one));
	cr_expect_not_null(ota_quotas_look(quotas, &each), "the newest stays");
}

Test(quota, who_goes_on_when_refused_is_shut_out_for_a_while_and_told_once)
{
	struct ota_quota *quota = ota_quotas_find(quotas, &one, 1000);
	for (int i = 0; i < OTA_DEVICE_PATIENCE_BURST; i++)
		cr_assert_not(ota_quota_strain(quota, 1000));
	cr_expect_not(ota_quota_is_shut(quota, 1000));
	cr_expect(ota_quota_strain(quota, 1000));
	cr_expect_not(ota_quota_strain(quota, 1000), "once");
	cr_expect(ota_quota_is_shut(quota, 1000 + OTA_DEVICE_SHUT_MS - 1));
	cr_expect_not(ota_quota_is_shut(quota, 1000 + OTA_DEVICE_SHUT_MS));
}

Test(quota, a_little_too_much_for_ever_is_borne)
{
	struct ota_quota *quota = ota_quotas_find(quotas, &one, 1000);
	for (int64_t now_ms = 1000; now_ms < OTA_HOUR_MS; now_ms += OTA_SECOND_MS / OTA_DEVICE_PATIENCE_SECOND)
		cr_assert_not(ota_quota_strain(quota, now_ms));
}

/* --- steps that wait --- */

Test(quota, only_steps_on_the_way_may_wait)
{
	struct ota_progress asked = step(5, 1);
	static const struct {
		int step;
		bool may;
	} cases[] = {{-4, false}, {-1, false}, {0, true}, {99, true}, {100, false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ota_progress progress = step(cases[i].step, 1);
		cr_expect_eq(ota_progress_may_wait(&progress), cases[i].may, "%d", cases[i].step);
	}
	asked.cancel = OTA_CANCEL_REFUSED;
	cr_expect_not(ota_progress_may_wait(&asked));
}

Test(quota, a_newer_step_takes_the_place_of_the_same_attempts_and_goes_last)
{
	struct ota_held held = {0};
	hold(&held, 1, 1, "a1");
	hold(&held, 1, 2, "b1");
	hold(&held, 2, 1, "a2");
	expect_held(&held, "b1 a2 ");
	ota_held_shift(&held);
	expect_held(&held, "a2 ");
	ota_held_clear(&held);
	ota_held_shift(&held);
	expect_held(&held, "");
	cr_expect_eq(held.count, 0);
}

Test(quota, so_many_attempts_wait_and_no_more_and_nothing_long)
{
	static char payload[OTA_HELD_PAYLOAD_MAX + 2];
	struct ota_held held = {0};
	for (int attempt = 1; attempt <= OTA_HELD_MAX; attempt++)
		cr_expect_eq(hold(&held, 1, attempt, "x"), 0);
	cr_expect_eq(hold(&held, 1, OTA_HELD_MAX + 1, "y"), OTA_ELIMIT);
	cr_expect_eq(hold(&held, 2, OTA_HELD_MAX, "z"), 0, "one that waits may be replaced");
	memset(payload, 'p', OTA_HELD_PAYLOAD_MAX + 1);
	cr_expect_eq(hold(&held, 3, 1, payload), OTA_ELIMIT);
	expect_held(&held, "x x x z ");
	payload[OTA_HELD_PAYLOAD_MAX] = '\0';
	cr_expect_eq(hold(&held, 3, 1, payload), 0);
	ota_held_clear(&held);
}

Test(quota, who_holds_something_is_due_when_the_next_step_is)
{
	enum { PAUSE_MS = OTA_SECOND_MS / OTA_DEVICE_STEPS_SECOND };
	struct ota_quota *first = ota_quotas_find(quotas, &one, 1000);
	hold(&first->held, 1, 1, "x");
	ota_quotas_wait(quotas, first, 1000);
	ota_quotas_wait(quotas, first, 1200); /* it waits already */
	ota_quotas_wait(quotas, ota_quotas_find(quotas, &two, 1100), 1100);
	cr_expect_null(ota_quotas_next_due(quotas, 1000 + PAUSE_MS - 1));
	cr_expect_eq(ota_quotas_next_due(quotas, 1000 + PAUSE_MS), ota_quotas_look(quotas, &one));
	cr_expect_null(ota_quotas_next_due(quotas, 1000 + PAUSE_MS));
	cr_expect_eq(ota_quotas_next_due(quotas, 1100 + PAUSE_MS), ota_quotas_look(quotas, &two));
}

Test(quota, who_waits_is_not_forgotten)
{
	struct ota_quota *quota = ota_quotas_find(quotas, &one, 1000);
	hold(&quota->held, 1, 1, "x");
	ota_quotas_wait(quotas, quota, 1000);
	ota_quotas_find(quotas, &two, 1000 + 2 * OTA_DEVICE_FORGET_MS);
	cr_expect_not_null(ota_quotas_look(quotas, &one));
	ota_quotas_next_due(quotas, INT64_MAX);
	ota_quotas_find(quotas, &two, 1000 + 2 * OTA_DEVICE_FORGET_MS);
	cr_expect_null(ota_quotas_look(quotas, &one));
}
