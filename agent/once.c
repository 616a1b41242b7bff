#include "agent/once.h"

enum agent_once_next agent_once_look(struct agent_once *once, const struct agent_core *core)
{
	if (core->state != AGENT_IDLE) {
		once->has_worked = once->has_worked || core->state != AGENT_STARTING;
		return AGENT_ONCE_GO_ON;
	}
	if (!core->link_up || core->report.pending)
		return AGENT_ONCE_GO_ON;
	/* Work that ends here has failed or was canceled; what succeeds ends with the process. */
	return once->has_worked ? AGENT_ONCE_END : AGENT_ONCE_SETTLE;
}
