#include <criterion/criterion.h>

#include "agent/core/machine.h"

Test(machine_table, every_state_and_event_ends_in_a_row_without_a_guard)
{
	size_t count;
	const struct agent_row *rows = agent_core_rows(&count);

	for (unsigned state = 0; state < AGENT_STATES; state++) {
		for (unsigned event = 0; event < AGENT_EVENTS; event++) {
			unsigned unguarded = 0;

			for (size_t i = 0; i < count; i++) {
				if (rows[i].from != state || rows[i].event != event)
					continue;
				cr_expect_eq(unguarded, 0, "a row of (%s, %s) stands behind one without a guard",
					     agent_state_name(rows[i].from), agent_event_name(rows[i].event));
				unguarded += !rows[i].guard;
			}
			cr_expect_eq(unguarded, 1, "(%s, %s) has %u rows without a guard",
				     agent_state_name((enum agent_state)state), agent_event_name((enum agent_event_kind)event),
				     unguarded);
		}
	}
}

Test(machine_table, every_state_can_be_entered_and_left)
{
	size_t count;
	const struct agent_row *rows = agent_core_rows(&count);

	for (unsigned state = 0; state < AGENT_STATES; state++) {
		bool entered = state == AGENT_STARTING, left = false;

		for (size_t i = 0; i < count; i++) {
			entered |= rows[i].to == state && rows[i].from != state;
			left |= rows[i].from == state && rows[i].to != state;
		}
		cr_expect(entered && left, "%s", agent_state_name((enum agent_state)state));
	}
}

Test(machine_table, every_state_event_and_phase_has_a_name)
{
	enum agent_phase phase;

	for (unsigned i = 0; i < AGENT_STATES; i++)
		cr_expect_not_null(agent_state_name((enum agent_state)i));
	for (unsigned i = 0; i < AGENT_EVENTS; i++)
		cr_expect_not_null(agent_event_name((enum agent_event_kind)i));
	for (unsigned i = 0; i < AGENT_PHASES; i++)
		cr_expect(agent_phase_parse(agent_phase_name((enum agent_phase)i), &phase) && phase == i);
	cr_expect_not(agent_phase_parse("resting", &phase));
}
