#include <criterion/criterion.h>

#include "plugin/rules/gate.h"

static struct ota_gate_facts open_facts(void)
{
	return (struct ota_gate_facts){ .batch_running = true, .online = true, .settled = true };
}

Test(gate, all_open_means_no_reason)
{
	struct ota_gate_facts facts = open_facts();

	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_NONE);
}

Test(gate, each_closed_gate_names_its_own_reason)
{
	struct ota_gate_facts facts = open_facts();

	facts.batch_running = false;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_PAUSED);
	facts = open_facts();
	facts.device_barred = true;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_BARRED);
	facts = open_facts();
	facts.retry_pausing = true;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_RETRY);
	facts = open_facts();
	facts.online = facts.settled = false;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_OFFLINE);
	facts = open_facts();
	facts.settled = false;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_SETTLING);
	facts = open_facts();
	facts.other_active = true;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_OTHER_MODULE);
}

/* Each behind the one that an operator hears of first. */
Test(gate, the_gates_of_a_strategy_close_in_their_order)
{
	struct ota_gate_facts facts = open_facts();

	facts.rate_spent = true;
	cr_expect_eq(ota_gate_closed(&facts), OTA_REASON_RATE);
	facts.no_place = true;
	cr_expect_eq(ota_gate_closed(&facts), OTA_REASON_IN_FLIGHT);
	facts.unasked = true;
	cr_expect_eq(ota_gate_closed(&facts), OTA_REASON_PULL);
	facts.online = false;
	cr_expect_eq(ota_gate_closed(&facts), OTA_REASON_OFFLINE);
	facts.window_closed = true;
	cr_expect_eq(ota_gate_closed(&facts), OTA_REASON_WINDOW);
	facts.stage_closed = true;
	cr_expect_eq(ota_gate_closed(&facts), OTA_REASON_STAGE);
	facts.unconfirmed = true;
	cr_expect_eq(ota_gate_closed(&facts), OTA_REASON_CONFIRM);
	facts.before_start = true;
	cr_expect_eq(ota_gate_closed(&facts), OTA_REASON_SCHEDULED);
	facts.repeat = true;
	facts.online = true;
	cr_expect_eq(ota_gate_closed(&facts), OTA_REASON_WINDOW, "alone holds what is sent again");
}

Test(gate, a_repeated_push_passes_pause_and_presence_but_takes_no_new_place)
{
	struct ota_gate_facts facts = open_facts();

	facts.repeat = true;
	facts.other_active = true;
	facts.retry_pausing = true;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_NONE);
	facts.batch_running = false;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_PAUSED);
}

Test(gate, a_repeated_push_waits_for_the_bar_the_connection_and_its_quiet_time)
{
	struct ota_gate_facts facts = open_facts();

	facts.repeat = true;
	facts.device_barred = true;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_BARRED);
	facts.device_disabled = true;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_DISABLED, "what lifts it comes first");
	facts.device_barred = facts.device_disabled = false;
	facts.settled = false;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_SETTLING);
	facts.online = false;
	cr_assert_eq(ota_gate_closed(&facts), OTA_REASON_OFFLINE);
}
