/* The task table of DESIGN.md section 6: total, and row by row. */
#include <criterion/criterion.h>
#include <string.h>

#include "plugin/rules/task.h"

static const struct ota_task_rule *decide(enum ota_task_state state, enum ota_task_event event,
					  struct ota_task_situation situation)
{
	situation.state = state;
	return ota_task_decide(&situation, event);
}

#define WITH(...) ((struct ota_task_situation){ __VA_ARGS__ })

static void expect(const struct ota_task_rule *rule, unsigned to, unsigned cause, unsigned effects)
{
	cr_assert_eq(rule->to, to);
	cr_assert_eq(rule->cause, cause);
	cr_assert_eq(rule->effects, effects);
}

Test(task, every_state_and_event_ends_in_a_row_without_a_condition)
{
	size_t count;
	const struct ota_task_rule *rules = ota_task_rules(&count);

	for (enum ota_task_state state = OTA_TASK_PENDING; state < OTA_TASK_STATES; state++) {
		for (enum ota_task_event event = OTA_EVENT_RELEASED; event < OTA_TASK_EVENTS; event++) {
			const struct ota_task_rule *last = NULL;

			for (size_t i = 0; i < count; i++) {
				if (rules[i].event != event || !(rules[i].from & (1u << state)))
					continue;
				cr_assert(!last || last->guard != OTA_GUARD_ALWAYS, "a row after the last one of %s / %s",
					  ota_task_state_word(state), ota_task_event_word(event));
				last = &rules[i];
			}
			cr_assert(last && last->guard == OTA_GUARD_ALWAYS, "%s / %s is not listed", ota_task_state_word(state),
				  ota_task_event_word(event));
		}
	}
}

Test(task, no_event_in_any_situation_moves_a_final_state)
{
	for (enum ota_task_state state = OTA_TASK_SUCCEEDED; state < OTA_TASK_STATES; state++) {
		for (enum ota_task_event event = OTA_EVENT_RELEASED; event < OTA_TASK_EVENTS; event++) {
			for (unsigned bits = 0; bits < 512; bits++) {
				struct ota_task_facts facts = {
					.gates_open = bits & 1, .online = bits & 2, .retry_left = bits & 4,
					.soak_wanted = bits & 8, .same_boot = bits & 16, .still_matches = bits & 32,
					.former_target = bits & 64, .forward = bits & 128, .stale_negative = bits & 256,
				};
				const struct ota_task_rule *rule = decide(state, event, WITH(.attempted = true, .facts = facts));

				cr_assert_eq(rule->to, OTA_TASK_STAYS);
			}
		}
	}
}

Test(task, only_a_pending_task_is_released_and_a_release_is_an_attempt_with_a_push)
{
	expect(decide(OTA_TASK_PENDING, OTA_EVENT_RELEASED, WITH(0)), OTA_TASK_PUSHED, OTA_CAUSE_NONE,
	       OTA_EFFECT_ATTEMPT | OTA_EFFECT_PUSH);
	expect(decide(OTA_TASK_PUSHED, OTA_EVENT_RELEASED, WITH(0)), OTA_TASK_STAYS, OTA_CAUSE_NONE, 0);
}

Test(task, step_100_alone_never_means_success)
{
	cr_assert_eq(decide(OTA_TASK_UPGRADING, OTA_EVENT_DELIVERY, WITH(0))->to, OTA_TASK_STAYS);
	cr_assert_eq(decide(OTA_TASK_PUSHED, OTA_EVENT_DELIVERY, WITH(0))->to, OTA_TASK_UPGRADING);
}

Test(task, the_version_report_means_success_also_without_any_progress)
{
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_INFORM_TARGET, WITH(0)), OTA_TASK_SUCCEEDED, OTA_CAUSE_VERSION_REPORTED, 0);
	expect(decide(OTA_TASK_PUSHED, OTA_EVENT_INFORM_TARGET, WITH(0)), OTA_TASK_SUCCEEDED, OTA_CAUSE_VERSION_REPORTED, 0);
}

Test(task, a_pending_task_at_its_target_counts_as_reported_only_if_it_was_pushed_before)
{
	expect(decide(OTA_TASK_PENDING, OTA_EVENT_INFORM_TARGET, WITH(0)), OTA_TASK_SUCCEEDED, OTA_CAUSE_ALREADY_AT_TARGET, 0);
	expect(decide(OTA_TASK_PENDING, OTA_EVENT_INFORM_TARGET, WITH(.attempted = true)), OTA_TASK_SUCCEEDED,
	       OTA_CAUSE_VERSION_REPORTED, 0);
}

Test(task, soak_is_a_stay_in_upgrading_that_its_own_timer_ends)
{
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_INFORM_TARGET, WITH(.facts.soak_wanted = true)), OTA_TASK_UPGRADING,
	       OTA_CAUSE_NONE, OTA_EFFECT_SOAK);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_INFORM_TARGET, WITH(.phase = OTA_PHASE_SOAKING, .facts.soak_wanted = true)),
	       OTA_TASK_STAYS, OTA_CAUSE_NONE, 0);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_TIMER_UPGRADE, WITH(.phase = OTA_PHASE_SOAKING)), OTA_TASK_STAYS,
	       OTA_CAUSE_NONE, 0);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_TIMER_SOAK, WITH(.phase = OTA_PHASE_SOAKING)), OTA_TASK_SUCCEEDED,
	       OTA_CAUSE_VERSION_REPORTED, 0);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_INFORM_SOURCE, WITH(.phase = OTA_PHASE_SOAKING)), OTA_TASK_FAILED,
	       OTA_CAUSE_ROLLED_BACK, 0);
}

Test(task, a_negative_step_fails_or_retries_and_is_only_noted_when_it_may_belong_to_the_attempt_before)
{
	struct ota_task_situation stale = WITH(.facts.stale_negative = true, .facts.retry_left = true);

	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_NEGATIVE, WITH(0)), OTA_TASK_FAILED, OTA_CAUSE_OF_EVENT, OTA_EFFECT_STEP);
	expect(decide(OTA_TASK_PUSHED, OTA_EVENT_NEGATIVE, WITH(.facts.retry_left = true)), OTA_TASK_PENDING, OTA_CAUSE_OF_EVENT,
	       OTA_EFFECT_STEP | OTA_EFFECT_RETRY);
	expect(decide(OTA_TASK_PUSHED, OTA_EVENT_NEGATIVE, stale), OTA_TASK_STAYS, OTA_CAUSE_NONE, OTA_EFFECT_NOTE);
	expect(decide(OTA_TASK_PENDING, OTA_EVENT_NEGATIVE, WITH(0)), OTA_TASK_STAYS, OTA_CAUSE_NONE, OTA_EFFECT_NOTE);
}

Test(task, an_old_version_before_a_delivery_is_an_interrupted_download_and_after_it_a_rollback)
{
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_INFORM_SOURCE, WITH(0)), OTA_TASK_STAYS, OTA_CAUSE_NONE, OTA_EFFECT_REPUSH);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_INFORM_SOURCE, WITH(.phase = OTA_PHASE_DELIVERED)), OTA_TASK_FAILED,
	       OTA_CAUSE_ROLLED_BACK, 0);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_INFORM_SOURCE, WITH(.phase = OTA_PHASE_DELIVERED, .facts.same_boot = true)),
	       OTA_TASK_STAYS, OTA_CAUSE_NONE, 0);
}

Test(task, a_foreign_version_fails_an_active_task_unless_it_was_a_recent_target)
{
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_INFORM_OTHER, WITH(0)), OTA_TASK_FAILED, OTA_CAUSE_WRONG_VERSION, 0);
	expect(decide(OTA_TASK_PUSHED, OTA_EVENT_INFORM_OTHER, WITH(.facts.former_target = true)), OTA_TASK_STAYS, OTA_CAUSE_NONE,
	       OTA_EFFECT_REPUSH | OTA_EFFECT_RESTART);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_INFORM_OTHER, WITH(.phase = OTA_PHASE_SOAKING, .facts.former_target = true)),
	       OTA_TASK_FAILED, OTA_CAUSE_WRONG_VERSION, 0);
	expect(decide(OTA_TASK_PENDING, OTA_EVENT_INFORM_OTHER, WITH(.facts.still_matches = true)), OTA_TASK_STAYS,
	       OTA_CAUSE_NONE, 0);
	expect(decide(OTA_TASK_PENDING, OTA_EVENT_INFORM_OTHER, WITH(0)), OTA_TASK_CANCELED, OTA_CAUSE_NO_LONGER_MATCHES, 0);
}

Test(task, after_a_delivery_nothing_is_pushed_until_the_reboot_timer_which_draws_one_report_from_who_is_online)
{
	struct ota_task_situation delivered = WITH(.phase = OTA_PHASE_DELIVERED, .facts.online = true);
	struct ota_task_situation drawn = WITH(.phase = OTA_PHASE_DRAWN, .facts.online = true);

	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_CONNECT, delivered), OTA_TASK_STAYS, OTA_CAUSE_NONE, 0);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_TIMER_REBOOT, delivered), OTA_TASK_STAYS, OTA_CAUSE_NONE,
	       OTA_EFFECT_DRAWN | OTA_EFFECT_PUSH);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_TIMER_REBOOT, drawn), OTA_TASK_FAILED, OTA_CAUSE_LOST, 0);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_TIMER_REBOOT, WITH(.phase = OTA_PHASE_DELIVERED)), OTA_TASK_FAILED,
	       OTA_CAUSE_LOST, 0);
}

Test(task, withdrawal_takes_back_only_what_was_not_sent_and_revocation_all)
{
	expect(decide(OTA_TASK_PENDING, OTA_EVENT_WITHDRAW, WITH(0)), OTA_TASK_CANCELED, OTA_CAUSE_WITHDRAWN, 0);
	expect(decide(OTA_TASK_PUSHED, OTA_EVENT_WITHDRAW, WITH(0)), OTA_TASK_STAYS, OTA_CAUSE_NONE, 0);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_REVOKE, WITH(0)), OTA_TASK_CANCELED, OTA_CAUSE_REVOKED, 0);
	expect(decide(OTA_TASK_PENDING, OTA_EVENT_REVOKE, WITH(0)), OTA_TASK_CANCELED, OTA_CAUSE_WITHDRAWN, 0);
}

Test(task, later_truth_is_a_mark)
{
	expect(decide(OTA_TASK_SUCCEEDED, OTA_EVENT_INFORM_SOURCE, WITH(0)), OTA_TASK_STAYS, OTA_CAUSE_NONE,
	       OTA_EFFECT_MARK_REGRESSED);
	expect(decide(OTA_TASK_FAILED, OTA_EVENT_INFORM_TARGET, WITH(.cause = OTA_CAUSE_LOST)), OTA_TASK_STAYS, OTA_CAUSE_NONE,
	       OTA_EFFECT_MARK_RECOVERED);
	expect(decide(OTA_TASK_FAILED, OTA_EVENT_INFORM_TARGET, WITH(.cause = OTA_CAUSE_BURN_FAILED)), OTA_TASK_STAYS,
	       OTA_CAUSE_NONE, 0);
	expect(decide(OTA_TASK_CANCELED, OTA_EVENT_INFORM_TARGET, WITH(0)), OTA_TASK_STAYS, OTA_CAUSE_NONE,
	       OTA_EFFECT_MARK_INSTALLED);
}

Test(task, a_loop_fails_the_task_and_bars_the_device)
{
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_LOOP, WITH(0)), OTA_TASK_FAILED, OTA_CAUSE_LOOP, OTA_EFFECT_BAR);
}

Test(task, the_push_timer_speaks_only_to_a_pushed_task)
{
	expect(decide(OTA_TASK_PUSHED, OTA_EVENT_TIMER_PUSH, WITH(0)), OTA_TASK_FAILED, OTA_CAUSE_PUSH_TIMEOUT, 0);
	expect(decide(OTA_TASK_PUSHED, OTA_EVENT_TIMER_PUSH, WITH(.facts.retry_left = true)), OTA_TASK_PENDING,
	       OTA_CAUSE_PUSH_TIMEOUT, OTA_EFFECT_RETRY);
	expect(decide(OTA_TASK_UPGRADING, OTA_EVENT_TIMER_PUSH, WITH(0)), OTA_TASK_STAYS, OTA_CAUSE_NONE, 0);
}

Test(task, every_final_state_by_its_rows_names_a_cause)
{
	size_t count;
	const struct ota_task_rule *rules = ota_task_rules(&count);

	for (size_t i = 0; i < count; i++) {
		bool final = rules[i].to < OTA_TASK_STAYS && ota_task_state_is_final((enum ota_task_state)rules[i].to);

		cr_assert(!final || rules[i].cause != OTA_CAUSE_NONE);
	}
}
