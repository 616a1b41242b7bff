#include "docs/agent_states.h"

#include <string.h>

#include "agent/core/machine.h"

/* "fetch_may_go_on" as people write it. */
static void words_print(struct ota_bytes *out, const char *name)
{
	for (; *name; name++)
		ota_bytes_u8(out, (uint8_t)(*name == '_' ? ' ' : *name));
}

static bool row_says_something(const struct agent_row *row)
{
	return row->guard || row->action || row->from != row->to;
}

static bool edge_was_drawn(const struct agent_row *rows, size_t count, const struct agent_row *row)
{
	for (size_t i = 0; i < count && &rows[i] != row; i++)
		if (rows[i].from == row->from && rows[i].to == row->to && rows[i].event == row->event)
			return true;
	return false;
}

static void diagram_print(struct ota_bytes *out, const struct agent_row *rows, size_t count)
{
	ota_bytes_format(out, "```mermaid\nstateDiagram-v2\n    [*] --> %s\n", agent_state_name(AGENT_STARTING));
	for (size_t i = 0; i < count; i++)
		if (rows[i].from != rows[i].to && !edge_was_drawn(rows, count, &rows[i]))
			ota_bytes_format(out, "    %s --> %s: %s\n", agent_state_name(rows[i].from), agent_state_name(rows[i].to),
					 agent_event_name(rows[i].event));
	ota_bytes_text(out, "```\n\n");
}

static void row_print(struct ota_bytes *out, const struct agent_row *row)
{
	ota_bytes_format(out, "| %s | ", agent_state_name(row->from));
	words_print(out, agent_event_name(row->event));
	ota_bytes_text(out, " | ");
	words_print(out, row->guard ? row->guard_name : "");
	ota_bytes_format(out, " | %s | ", row->to == row->from ? "-" : agent_state_name(row->to));
	words_print(out, row->action ? row->action_name : "");
	ota_bytes_text(out, " |\n");
}

void ota_agent_states_print(struct ota_bytes *out)
{
	size_t count;
	const struct agent_row *rows = agent_core_rows(&count);

	ota_bytes_text(
		out,
		"# The agent's states\n\n"
		"Printed from the table of `agent/core` by `print-agent-states`; a test fails when they differ.\n\n");
	diagram_print(out, rows, count);
	ota_bytes_text(out, "The first row of a state and event whose condition holds decides. `-` means the state stays. "
			    "What is not listed changes nothing.\n\n"
			    "| from | event | when | to | does |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++)
		if (row_says_something(&rows[i]))
			row_print(out, &rows[i]);
}
