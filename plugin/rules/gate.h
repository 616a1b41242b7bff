/*
 * Gates: what must hold before a pending task is pushed. One table in the order in which an operator wants to hear of them. Pure.
 */
#ifndef OTA_PLUGIN_RULES_GATE_H
#define OTA_PLUGIN_RULES_GATE_H

#include "plugin/rules/words.h"

struct ota_gate_facts {
	bool batch_running; /* not planned, not paused */
	bool device_disabled; /* shut out by an operator */
	bool device_barred;
	bool retry_pausing;  /* the pause before the next attempt is not over */
	bool online;
	bool settled;        /* since the connect, and no inform of the module is settling */
	bool other_active;   /* another task of the device is pushed or upgrading */
	bool repeat;         /* the task has its place already: a push is only sent again */
};

/* OTA_REASON_NONE when every gate is open. */
enum ota_reason ota_gate_closed(const struct ota_gate_facts *facts);

#endif
