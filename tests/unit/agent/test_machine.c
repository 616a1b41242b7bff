/* The stories the machine must tell. Its table: test_machine_table.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "agent/core/machine.h"
#include "common/text.h"
#include "tests/unit/agent/desk.h"

static struct desk desk;

static void open_desk(void)
{
	desk_open(&desk);
}

TestSuite(machine, .init = open_desk);

static int step_reported(void)
{
	return desk.core.report.progress.step;
}

static void deliver(const char *version, int64_t batch, int64_t attempt)
{
	desk_push(&desk, version, batch, attempt);
	desk_fetched(&desk, AGENT_FETCH_DONE, "");
}

static void install(const char *version, int64_t batch, int64_t attempt)
{
	deliver(version, batch, attempt);
	desk_simple(&desk, AGENT_EVENT_INSTALLED);
}

static void wake(const char *version)
{
	desk_version(&desk, 1, "1.0.0");
	desk_version(&desk, 0, version);
}

/* --- a good day ------------------------------------------------------------------------------------------------------------- */

Test(machine, nothing_is_done_that_is_not_on_disk)
{
	desk_push(&desk, "2.0.0", 7, 1);
	cr_expect_str_eq(desk_effects(&desk), "save report fetch");
	desk_fetched(&desk, AGENT_FETCH_DONE, "");
	cr_expect_str_eq(desk_effects(&desk), "save report install");
	desk_simple(&desk, AGENT_EVENT_INSTALLED);
	cr_expect_str_eq(desk_effects(&desk), "save timer restart");
}

Test(machine, the_100_is_said_after_verification_and_before_installation)
{
	desk_push(&desk, "2.0.0", 7, 1);
	cr_expect_eq(step_reported(), 0);
	desk_received(&desk, 1000);
	cr_expect_leq(step_reported(), 99, "all bytes are there, but not verified");
	desk_fetched(&desk, AGENT_FETCH_DONE, "");
	cr_expect_eq(step_reported(), 100);
	cr_expect_eq(desk.core.report.progress.batch, 7);
	cr_expect_eq(desk.core.report.progress.attempt, 1);
}

Test(machine, no_step_says_success_only_the_version_after_the_restart)
{
	install("2.0.0", 7, 1);
	desk_acknowledge(&desk);
	desk_reboot(&desk);
	wake("2.0.0");
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	cr_expect_not(desk_has(&desk, AGENT_EFFECT_REPORT));
	desk_simple(&desk, AGENT_EVENT_UP);
	cr_expect_str_eq(desk_effects(&desk), "inform inform");
	cr_expect_str_eq(desk.core.modules[0].version, "2.0.0");
	cr_expect_eq(desk.core.last_batch, 7);
}

Test(machine, percentages_come_in_fives_and_only_forward)
{
	static const struct {
		uint64_t bytes;
		int step;
	} told[] = {{49, 0}, {50, 5}, {60, 5}, {99, 5}, {100, 10}, {80, 10}, {999, 95}};

	desk_push(&desk, "2.0.0", 7, 1);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		desk_received(&desk, told[i].bytes);
		cr_expect_eq(step_reported(), told[i].step, "%d after %d bytes", step_reported(), (int)told[i].bytes);
	}
}

Test(machine, only_what_must_arrive_is_sent_with_qos_1)
{
	static const int must[] = {0, 100, -1, -2, -3, -4};
	struct ota_progress progress = {.step = 50};

	cr_expect_eq(agent_report_qos(&progress), 0);
	progress.cancel = OTA_CANCEL_ACCEPTED;
	cr_expect_eq(agent_report_qos(&progress), 1);
	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		cr_expect_eq(agent_report_qos(&(struct ota_progress){.step = must[i]}), 1, "%d", must[i]);
}

/* --- pushes that are no work ------------------------------------------------------------------------------------------------ */

Test(machine, a_second_push_while_busy_changes_nothing)
{
	static const enum agent_state busy[] = {AGENT_FETCHING, AGENT_PAUSED, AGENT_STOPPING, AGENT_INSTALLING};

	for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++) {
		struct agent_core before;

		desk_open(&desk);
		desk_push(&desk, "2.0.0", 7, 1);
		desk.core.state = busy[i];
		before = desk.core;
		desk_push(&desk, "3.0.0", 8, 1);
		cr_expect_str_eq(desk_effects(&desk), "");
		cr_expect_arr_eq(&desk.core, &before, sizeof(before), "in state %s", agent_state_name(busy[i]));
	}
}

Test(machine, a_push_of_what_runs_draws_an_inform)
{
	desk_push(&desk, "1.0.0", 7, 1);
	cr_expect_str_eq(desk_effects(&desk), "inform");
	cr_expect_eq(desk.core.state, AGENT_IDLE);
}

Test(machine, a_repeated_push_while_the_restart_is_awaited_draws_an_inform)
{
	install("2.0.0", 7, 1);
	desk_push(&desk, "2.0.0", 7, 1);
	cr_expect_str_eq(desk_effects(&desk), "inform");
	desk_push(&desk, "3.0.0", 8, 1);
	cr_expect_str_eq(desk_effects(&desk), "");
}

Test(machine, a_push_for_a_module_we_do_not_have_fails_at_once)
{
	struct ota_offer offer = desk_offer("2.0.0", 7, 1);

	ota_text_cut(offer.module, sizeof(offer.module), "radio");
	desk_event(&desk, (struct agent_event){.kind = AGENT_EVENT_OFFER, .offer = &offer});
	cr_expect_str_eq(desk_effects(&desk), "save report");
	cr_expect_eq(step_reported(), -1);
	cr_expect_str_eq(desk.core.report.progress.desc, "this device has no module radio");
	cr_expect_str_eq(desk.core.report.progress.module, "radio");
}

Test(machine, a_package_of_several_files_is_refused_with_a_sentence)
{
	struct ota_offer offer = desk_offer("2.0.0", 7, 1);

	offer.has_files = true;
	desk_event(&desk, (struct agent_event){.kind = AGENT_EVENT_OFFER, .offer = &offer});
	cr_expect_eq(step_reported(), -1);
	cr_expect_str_eq(desk.core.report.progress.desc, "this agent takes packages of one file only, not of several");
	cr_expect_eq(desk.core.state, AGENT_IDLE);
}

Test(machine, a_delta_is_refused_with_a_sentence)
{
	struct ota_offer offer = desk_offer("2.0.0", 7, 1);

	offer.is_diff = true;
	desk_event(&desk, (struct agent_event){.kind = AGENT_EVENT_OFFER, .offer = &offer});
	cr_expect_eq(step_reported(), -1);
	cr_expect_eq(desk.core.state, AGENT_IDLE);
}

/* --- failures --------------------------------------------------------------------------------------------------------------- */

Test(machine, each_failure_has_its_step_and_its_sentence)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_fetched(&desk, AGENT_FETCH_PERMANENT, "server answered 404");
	cr_expect_eq(step_reported(), -2);
	cr_expect_str_eq(desk.core.report.progress.desc, "download: server answered 404");
	cr_expect_str_eq(desk_effects(&desk), "save report", "what was downloaded stays for the next attempt");

	desk_push(&desk, "2.0.0", 7, 2);
	desk_fetched(&desk, AGENT_FETCH_MISMATCH, "SHA-256 is other");
	cr_expect_eq(step_reported(), -3);
	cr_expect_str_eq(desk.core.report.progress.desc, "verify: SHA-256 is other");

	deliver("2.0.0", 7, 3);
	desk_failed(&desk, AGENT_EVENT_NOT_INSTALLED, OTA_EIO, "no U-Boot in it");
	cr_expect_eq(step_reported(), -4);
	cr_expect_str_eq(desk.core.report.progress.desc, "install: no U-Boot in it");

	deliver("2.0.0", 7, 4);
	desk_failed(&desk, AGENT_EVENT_NOT_INSTALLED, OTA_EUNAVAILABLE, "battery is low");
	cr_expect_eq(step_reported(), -1, "not now is no burn failure");
}

/* The steps of Aliyun's manual: -1 nobody's fault, -3 not what was announced, -4 not installed. -2 is the download's alone. */
Test(machine, every_code_of_an_installer_has_its_step)
{
	for (int code = OTA_EINVALID; code > OTA_ECANCELED; code--) {
		int step = code == OTA_EUNAVAILABLE || code == OTA_ELIMIT ? -1 : code == OTA_EVERIFY ? -3 : -4;

		deliver("2.0.0", 7, 1 - code);
		desk_failed(&desk, AGENT_EVENT_NOT_INSTALLED, code, "it failed");
		cr_expect_eq(step_reported(), step, "%s", ota_code_name(code));
		cr_expect_str_eq(desk.core.report.progress.desc, "install: it failed");
	}
}

Test(machine, nothing_more_is_said_about_an_attempt_after_its_negative)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_fetched(&desk, AGENT_FETCH_PERMANENT, "server answered 404");
	desk_acknowledge(&desk);
	desk_push(&desk, "2.0.0", 7, 1);
	cr_expect_str_eq(desk_effects(&desk), "");
	desk_received(&desk, 500);
	desk_fetched(&desk, AGENT_FETCH_DONE, "");
	desk_simple(&desk, AGENT_EVENT_INSTALLED);
	cr_expect_str_eq(desk_effects(&desk), "");
	desk_push(&desk, "2.0.0", 7, 2);
	cr_expect_str_eq(desk_effects(&desk), "save report fetch", "a new attempt is new work");
}

Test(machine, a_cut_download_goes_on_after_a_random_pause)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk.now.random = 700;
	desk_fetched(&desk, AGENT_FETCH_TRANSIENT, "cut");
	cr_expect_eq(desk.core.state, AGENT_PAUSED);
	cr_expect_eq(desk.core.due_ms, desk.now.ms + 700, "within [0, base]");
	desk_simple(&desk, AGENT_EVENT_TIMER);
	cr_expect_str_eq(desk_effects(&desk), "", "too early");
	desk.now.ms += 700;
	desk_simple(&desk, AGENT_EVENT_TIMER);
	cr_expect_str_eq(desk_effects(&desk), "fetch");
}

Test(machine, the_pause_has_full_jitter_up_to_the_cap)
{
	for (int64_t tries = 0; tries < 3; tries++) {
		desk_open(&desk);
		desk_push(&desk, "2.0.0", 7, 1);
		desk.core.tries = tries;
		desk.now.random = 0xffffffff;
		desk_fetched(&desk, AGENT_FETCH_TRANSIENT, "cut");
		cr_expect_leq(desk.core.due_ms - desk.now.ms, 1000 << tries);
	}
}

Test(machine, retry_after_is_honoured)
{
	struct agent_fetch_result result = {.outcome = AGENT_FETCH_TRANSIENT, .retry_after_ms = 30000};

	desk_push(&desk, "2.0.0", 7, 1);
	desk_event(&desk, (struct agent_event){.kind = AGENT_EVENT_FETCHED, .fetched = &result});
	cr_expect_geq(desk.core.due_ms, desk.now.ms + 30000);
}

Test(machine, tries_without_progress_end)
{
	desk_push(&desk, "2.0.0", 7, 1);
	for (int i = 0; i < 3; i++) {
		desk_fetched(&desk, AGENT_FETCH_TRANSIENT, "connection refused");
		cr_assert_eq(desk.core.state, AGENT_PAUSED, "try %d", i);
		desk.now.ms = desk.core.due_ms;
		desk_simple(&desk, AGENT_EVENT_TIMER);
	}
	desk_fetched(&desk, AGENT_FETCH_TRANSIENT, "connection refused");
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	cr_expect_eq(step_reported(), -2);
	cr_expect_str_eq(desk.core.report.progress.desc, "download: connection refused, gave up after 4 tries");
}

Test(machine, only_new_ground_counts_as_progress)
{
	desk_push(&desk, "2.0.0", 7, 1);
	for (int i = 0; i < 4 && desk.core.state != AGENT_IDLE; i++) {
		desk_received(&desk, 600); /* a server that ignores Range and cuts at 600 */
		desk_fetched(&desk, AGENT_FETCH_TRANSIENT, "cut");
		desk.now.ms = desk.core.due_ms;
		desk_simple(&desk, AGENT_EVENT_TIMER);
	}
	cr_expect_eq(desk.core.state, AGENT_IDLE);
}

Test(machine, a_download_ends_with_its_deadline)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk.now.ms += 3600001;
	desk_fetched(&desk, AGENT_FETCH_TRANSIENT, "slow");
	cr_expect_eq(step_reported(), -2);
}

Test(machine, wrong_bytes_of_several_tries_are_fetched_anew_once)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_fetched(&desk, AGENT_FETCH_STALE, "SHA-256 is other");
	cr_expect_str_eq(desk_effects(&desk), "fetch");
	desk_fetched(&desk, AGENT_FETCH_STALE, "server answered 416");
	cr_expect_eq(step_reported(), -2);
	cr_expect_eq(desk.core.state, AGENT_IDLE);
}

Test(machine, what_cannot_be_saved_is_not_done)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_failed(&desk, AGENT_EVENT_UNSAVED, OTA_ELIMIT, "No space left on device");
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	cr_expect_str_eq(desk_effects(&desk), "report");
	cr_expect_eq(step_reported(), -1);
	cr_expect_str_eq(desk.core.report.progress.desc, "state cannot be saved: No space left on device");
}

Test(machine, a_failure_that_cannot_be_saved_is_said_all_the_same)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_fetched(&desk, AGENT_FETCH_PERMANENT, "server answered 404");
	desk_failed(&desk, AGENT_EVENT_UNSAVED, OTA_ELIMIT, "No space left on device");
	cr_expect(desk_has(&desk, AGENT_EFFECT_REPORT));
	cr_expect_eq(step_reported(), -2);
}

/* --- connections ------------------------------------------------------------------------------------------------------------ */

Test(machine, every_connection_hears_every_module)
{
	for (int i = 0; i < 3; i++) {
		desk_simple(&desk, AGENT_EVENT_DOWN);
		desk_simple(&desk, AGENT_EVENT_UP);
		cr_expect_str_eq(desk_effects(&desk), "inform inform");
	}
}

Test(machine, a_report_is_said_again_until_the_broker_has_it)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_fetched(&desk, AGENT_FETCH_PERMANENT, "server answered 404");
	desk_simple(&desk, AGENT_EVENT_DOWN);
	desk_simple(&desk, AGENT_EVENT_UP);
	cr_expect_str_eq(desk_effects(&desk), "report inform inform", "the negative before the version");
	desk_reboot(&desk);
	wake("1.0.0");
	desk_simple(&desk, AGENT_EVENT_UP);
	cr_expect_str_eq(desk_effects(&desk), "report inform inform");
	cr_expect_eq(step_reported(), -2);
	desk_acknowledge(&desk);
	cr_expect_str_eq(desk_effects(&desk), "save");
	desk_reboot(&desk);
	wake("1.0.0");
	desk_simple(&desk, AGENT_EVENT_UP);
	cr_expect_str_eq(desk_effects(&desk), "inform inform");
}

Test(machine, an_acknowledgement_of_an_older_report_is_none_of_the_newer)
{
	uint32_t old;

	desk_push(&desk, "2.0.0", 7, 1);
	old = desk.core.report.number;
	desk_fetched(&desk, AGENT_FETCH_DONE, "");
	desk_event(&desk, (struct agent_event){.kind = AGENT_EVENT_ACKNOWLEDGED, .number = old});
	cr_expect(desk.core.report.pending);
}

Test(machine, nothing_is_sent_while_down)
{
	desk_simple(&desk, AGENT_EVENT_DOWN);
	desk_push(&desk, "2.0.0", 7, 1);
	cr_expect_str_eq(desk_effects(&desk), "save fetch");
	desk_received(&desk, 500);
	cr_expect_str_eq(desk_effects(&desk), "");
}

Test(machine, the_old_version_of_a_delivered_module_is_not_told_before_the_end)
{
	deliver("2.0.0", 7, 1);
	desk_simple(&desk, AGENT_EVENT_DOWN);
	desk_simple(&desk, AGENT_EVENT_UP);
	cr_expect_str_eq(desk_effects(&desk), "report inform", "of mcu only");
	cr_expect_eq(desk.effects.list[1].index, 1);
	desk_failed(&desk, AGENT_EVENT_NOT_INSTALLED, OTA_EIO, "no room");
	cr_expect_str_eq(desk_effects(&desk), "save report inform discard", "with the end of the task it is");
}

/* --- power cuts ------------------------------------------------------------------------------------------------------------- */

Test(machine, an_interrupted_download_goes_on)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_reboot(&desk);
	desk_version(&desk, 1, "1.0.0");
	cr_expect_str_eq(desk_effects(&desk), "", "not before every module is known");
	desk_version(&desk, 0, "1.0.0");
	cr_expect_str_eq(desk_effects(&desk), "connect save fetch");
	cr_expect_eq(desk.core.task.starts, 2);
}

Test(machine, an_interrupted_installation_proves_the_bytes_again_and_installs)
{
	deliver("2.0.0", 7, 1);
	desk_acknowledge(&desk);
	desk_reboot(&desk);
	wake("1.0.0");
	cr_expect_str_eq(desk_effects(&desk), "connect save fetch");
	desk_simple(&desk, AGENT_EVENT_UP);
	cr_expect_str_eq(desk_effects(&desk), "inform", "mcu only");
	desk_received(&desk, 500);
	desk_fetched(&desk, AGENT_FETCH_DONE, "");
	cr_expect(desk_has(&desk, AGENT_EFFECT_INSTALL));
	cr_expect_eq(step_reported(), 100);
	cr_expect_not(desk.core.report.pending, "the 100 was said and acknowledged before");
}

Test(machine, an_attempt_is_given_up_after_five_starts)
{
	desk_push(&desk, "2.0.0", 7, 1);
	for (int starts = 2; starts <= 5; starts++) {
		desk_reboot(&desk);
		wake("1.0.0");
		cr_assert_eq(desk.core.state, AGENT_FETCHING);
		cr_assert_eq(desk.core.task.starts, starts);
	}
	desk_reboot(&desk);
	wake("1.0.0");
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	cr_expect_eq(step_reported(), -1);
	cr_expect_str_eq(desk.core.report.progress.desc, "gave up after 5 starts");
	cr_expect(desk_has(&desk, AGENT_EFFECT_CONNECT));
}

Test(machine, a_version_that_runs_ends_the_task_whatever_the_record_says)
{
	deliver("2.0.0", 7, 1); /* cut between the installer's last step and our record of it */
	desk_reboot(&desk);
	wake("2.0.0");
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	cr_expect_eq(desk.core.task.phase, AGENT_PHASE_NONE);
	cr_expect_str_eq(desk_effects(&desk), "connect save discard");
}

Test(machine, an_installed_version_that_does_not_come_up_is_not_tried_again)
{
	install("2.0.0", 0, 0);
	desk_reboot(&desk);
	wake("1.0.0");
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	cr_expect_not(desk.core.report.pending && desk.core.report.progress.step < 0, "the inform of 1.0.0 tells it all");
	desk_reboot(&desk);
	wake("1.0.0");
	desk_push(&desk, "2.0.0", 0, 0);
	cr_expect_eq(step_reported(), -4);
	cr_expect_str_eq(desk.core.report.progress.desc, "not tried again: 2.0.0 was installed, but 1.0.0 came up");
	desk_push(&desk, "2.0.0", 7, 1);
	desk_push(&desk, "2.0.0", 7, 2);
	cr_expect(desk_has(&desk, AGENT_EFFECT_FETCH), "but when the server asks for a new attempt");
}

Test(machine, an_unknown_version_is_told_as_unknown)
{
	desk_reboot(&desk);
	desk_version(&desk, 0, NULL);
	desk_version(&desk, 1, "1.0.0");
	cr_expect_str_eq(desk.core.modules[0].version, "unknown");
	desk_push(&desk, "2.0.0", 7, 1);
	cr_expect(desk_has(&desk, AGENT_EFFECT_FETCH), "it may be mended by an update");
}

/* --- restarts --------------------------------------------------------------------------------------------------------------- */

Test(machine, a_restart_that_fails_is_tried_three_times)
{
	install("2.0.0", 7, 1);
	for (int i = 0; i < 2; i++) {
		desk_failed(&desk, AGENT_EVENT_NOT_RESTARTED, OTA_EIO, "inhibited");
		cr_assert_eq(desk.core.state, AGENT_RESTARTING);
		desk.now.ms = desk.core.due_ms;
		desk_simple(&desk, AGENT_EVENT_TIMER);
		cr_assert(desk_has(&desk, AGENT_EFFECT_RESTART));
	}
	desk_failed(&desk, AGENT_EVENT_NOT_RESTARTED, OTA_EIO, "inhibited");
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	cr_expect_eq(step_reported(), -1);
	cr_expect_str_eq(desk.core.report.progress.desc, "restart: inhibited");
}

Test(machine, a_restart_that_never_comes_is_noticed)
{
	install("2.0.0", 7, 1);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(desk.core.state, AGENT_RESTARTING);
		desk.now.ms += 600000;
		desk_simple(&desk, AGENT_EVENT_TIMER);
	}
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	cr_expect_str_eq(desk.core.report.progress.desc, "restart: it did not happen");
}

/* --- ask-to-cancel ---------------------------------------------------------------------------------------------------------- */

Test(machine, a_download_can_be_canceled)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_received(&desk, 300);
	desk_cancel(&desk, 7, 1);
	cr_expect_str_eq(desk_effects(&desk), "stop");
	desk_fetched(&desk, AGENT_FETCH_DONE, ""); /* it was quicker */
	cr_expect_str_eq(desk_effects(&desk), "save report discard");
	cr_expect_eq(desk.core.report.progress.cancel, OTA_CANCEL_ACCEPTED);
	cr_expect_eq(step_reported(), 30);
	cr_expect_eq(desk.core.state, AGENT_IDLE);
	desk_push(&desk, "2.0.0", 7, 1);
	cr_expect_str_eq(desk_effects(&desk), "", "its push comes late");
}

Test(machine, a_pause_can_be_canceled)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_fetched(&desk, AGENT_FETCH_TRANSIENT, "cut");
	desk_cancel(&desk, 7, 1);
	cr_expect_eq(desk.core.report.progress.cancel, OTA_CANCEL_ACCEPTED);
	cr_expect_eq(desk.core.state, AGENT_IDLE);
}

Test(machine, an_installation_cannot_be_canceled)
{
	deliver("2.0.0", 7, 1);
	desk_cancel(&desk, 7, 1);
	cr_expect_eq(desk.core.report.progress.cancel, OTA_CANCEL_REFUSED);
	cr_expect_eq(step_reported(), 100, "the answer stands for a 100 that was not heard");
	cr_expect_eq(desk.core.state, AGENT_INSTALLING);
}

Test(machine, a_cancel_of_something_else_is_ignored_while_busy)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_cancel(&desk, 7, 2);
	desk_cancel(&desk, 6, 1);
	cr_expect_str_eq(desk_effects(&desk), "");
	cr_expect_eq(desk.core.state, AGENT_FETCHING);
}

Test(machine, a_cancel_before_its_push_is_accepted_and_kept_in_mind)
{
	desk_cancel(&desk, 7, 1);
	cr_expect_eq(desk.core.report.progress.cancel, OTA_CANCEL_ACCEPTED);
	desk_push(&desk, "2.0.0", 7, 1);
	cr_expect_str_eq(desk_effects(&desk), "");
}

Test(machine, a_cancel_of_what_is_over_is_refused)
{
	desk_push(&desk, "2.0.0", 7, 1);
	desk_fetched(&desk, AGENT_FETCH_PERMANENT, "server answered 404");
	desk_cancel(&desk, 7, 1);
	cr_expect_eq(step_reported(), -2, "a negative that was not heard is the better answer");
	cr_expect(desk_has(&desk, AGENT_EFFECT_REPORT));
	desk_acknowledge(&desk);
	desk_cancel(&desk, 7, 1);
	cr_expect_eq(desk.core.report.progress.cancel, OTA_CANCEL_REFUSED);
}
