#include "agent/status.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/topic.h"

static const char *const doing[AGENT_STATES] = {
	[AGENT_FETCHING] = "downloading",
	[AGENT_PAUSED] = "waiting to go on with the download of",
	[AGENT_STOPPING] = "canceling",
	[AGENT_INSTALLING] = "installing",
	[AGENT_RESTARTING] = "waiting for the restart into",
};

void agent_status_print(char target[AGENT_STATUS_SIZE], const struct agent_core *core, const char *away)
{
	const struct ota_offer *offer = &core->task.offer;
	bool is_default = !strcmp(offer->module, OTA_MODULE_DEFAULT);
	bool has_percent = core->state == AGENT_FETCHING || core->state == AGENT_PAUSED;
	char percent[16] = "";

	if (core->state == AGENT_STARTING)
		ota_text_cut(target, AGENT_STATUS_SIZE, "asking what runs");
	else if (core->state == AGENT_IDLE && core->link_up)
		ota_text_cut(target, AGENT_STATUS_SIZE, "connected, waiting for updates");
	else if (core->state == AGENT_IDLE)
		(void)snprintf(target, AGENT_STATUS_SIZE, "not connected%s%.160s", away[0] ? ": " : "", away);
	if (core->state == AGENT_STARTING || core->state == AGENT_IDLE)
		return;
	if (has_percent && core->report.progress.step >= 0)
		(void)snprintf(percent, sizeof(percent), " (%d %%)", core->report.progress.step);
	(void)snprintf(target, AGENT_STATUS_SIZE, "%s %.64s%s%.64s%s%s", doing[core->state], offer->version,
		       is_default ? "" : " of ", is_default ? "" : offer->module, percent,
		       core->link_up ? "" : ", not connected");
}
