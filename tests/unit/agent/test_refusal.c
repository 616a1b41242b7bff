/* Packages that were found bad: which pushes are refused at once, and what lifts that. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "tests/unit/agent/desk.h"

static struct desk desk;

static void open_desk(void)
{
	desk_open(&desk);
}

TestSuite(refusal, .init = open_desk);

static int step_reported(void)
{
	return desk.core.report.progress.step;
}

static void deliver(const char *version, int64_t batch, int64_t attempt)
{
	desk_push(&desk, version, batch, attempt);
	desk_fetched(&desk, AGENT_FETCH_DONE, "");
}

static void wake(const char *version)
{
	desk_version(&desk, 1, "1.0.0");
	desk_version(&desk, 0, version);
}

Test(refusal, the_same_bad_package_is_never_tried_twice)
{
	static const struct {
		int64_t batch, attempt;
	} pushes[] = {{0, 0}, {8, 1}, {9, 1}};

	deliver("2.0.0", 7, 1);
	desk_failed(&desk, AGENT_EVENT_NOT_INSTALLED, OTA_EIO, "no U-Boot in it");
	for (size_t i = 0; i < sizeof(pushes) / sizeof(pushes[0]); i++) {
		desk_push(&desk, "2.0.0", pushes[i].batch, pushes[i].attempt);
		cr_expect_str_eq(desk_effects(&desk), "save report", "no fetch");
		cr_expect_eq(step_reported(), -4);
		cr_expect_str_eq(desk.core.report.progress.desc, "not tried again: install: no U-Boot in it");
		cr_expect_eq(desk.core.report.progress.batch, pushes[i].batch);
		desk_reboot(&desk);
		wake("1.0.0");
		desk_simple(&desk, AGENT_EVENT_UP);
	}
}

Test(refusal, the_same_bytes_under_another_name_are_the_same_package)
{
	struct ota_offer offer = desk_offer("2.0.0", 8, 1);

	deliver("2.0.0", 7, 1);
	desk_failed(&desk, AGENT_EVENT_NOT_INSTALLED, OTA_EVERIFY, "signature is of nobody we know");
	ota_text_cut(offer.version, sizeof(offer.version), "2.0.1");
	ota_text_cut(offer.url, sizeof(offer.url), "https://example.net/elsewhere");
	desk_event(&desk, (struct agent_event){.kind = AGENT_EVENT_OFFER, .offer = &offer});
	cr_expect_eq(step_reported(), -3);
	cr_expect_str_eq(desk_effects(&desk), "save report");
	ota_text_cut(offer.module, sizeof(offer.module), "mcu");
	offer.batch = 9;
	desk_event(&desk, (struct agent_event){.kind = AGENT_EVENT_OFFER, .offer = &offer});
	cr_expect(desk_has(&desk, AGENT_EFFECT_FETCH), "another module may well take them");
}

Test(refusal, a_higher_attempt_of_a_batch_is_asked_for_and_tried)
{
	deliver("2.0.0", 7, 1);
	desk_failed(&desk, AGENT_EVENT_NOT_INSTALLED, OTA_EIO, "flash is write protected");
	desk_push(&desk, "2.0.0", 8, 1);
	cr_expect_eq(step_reported(), -4);
	desk_push(&desk, "2.0.0", 8, 2);
	cr_expect(desk_has(&desk, AGENT_EFFECT_FETCH));
}

Test(refusal, what_is_not_the_packages_fault_is_not_held_against_it)
{
	static const int not_now[] = {OTA_EUNAVAILABLE, OTA_ELIMIT};

	for (size_t i = 0; i < sizeof(not_now) / sizeof(not_now[0]); i++) {
		desk_open(&desk);
		deliver("2.0.0", 7, 1);
		desk_failed(&desk, AGENT_EVENT_NOT_INSTALLED, not_now[i], "not now");
		cr_expect_eq(step_reported(), -1);
		desk_push(&desk, "2.0.0", 8, 1);
		cr_expect(desk_has(&desk, AGENT_EFFECT_FETCH));
	}
	desk_open(&desk);
	desk_push(&desk, "2.0.0", 7, 1);
	desk_fetched(&desk, AGENT_FETCH_PERMANENT, "server answered 404");
	desk_push(&desk, "2.0.0", 8, 1);
	cr_expect(desk_has(&desk, AGENT_EFFECT_FETCH), "nor is a server that had no file yet");
}

Test(refusal, another_version_of_the_module_clears_what_was_held_against_packages)
{
	deliver("2.0.0", 7, 1);
	desk_failed(&desk, AGENT_EVENT_NOT_INSTALLED, OTA_EIO, "bootloader is too old");
	deliver("3.0.0", 8, 1);
	desk_simple(&desk, AGENT_EVENT_INSTALLED);
	desk_reboot(&desk);
	wake("3.0.0");
	desk_simple(&desk, AGENT_EVENT_UP);
	desk_push(&desk, "2.0.0", 9, 1);
	cr_expect(desk_has(&desk, AGENT_EFFECT_FETCH));
}

Test(refusal, the_last_eight_bad_packages_are_remembered)
{
	struct agent_refusals refusals = {0};
	struct ota_offer offer = desk_offer("2.0.0", 0, 0);

	for (int i = 0; i <= AGENT_REFUSALS_MAX; i++) {
		snprintf(offer.sha256, sizeof(offer.sha256), "%064d", i);
		agent_refusals_add(&refusals, &offer, -4, "bad");
	}
	cr_expect_eq(refusals.count, AGENT_REFUSALS_MAX);
	cr_expect(agent_refusals_find(&refusals, &offer));
	agent_refusals_add(&refusals, &offer, -4, "bad");
	cr_expect_eq(refusals.count, AGENT_REFUSALS_MAX, "a second time is no second entry");
	snprintf(offer.sha256, sizeof(offer.sha256), "%064d", 0);
	cr_expect_not(agent_refusals_find(&refusals, &offer), "the oldest made room");
	agent_refusals_forget(&refusals, "mcu");
	cr_expect_eq(refusals.count, AGENT_REFUSALS_MAX);
	agent_refusals_forget(&refusals, NULL);
	cr_expect_eq(refusals.count, 0);
}
