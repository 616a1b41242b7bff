/*
 * Gates: what must hold before a pending task is pushed. One table in the order in which an operator wants to hear of them. Pure.
 */
#ifndef OTA_PLUGIN_RULES_GATE_H
#define OTA_PLUGIN_RULES_GATE_H

#include "plugin/rules/words.h"

/* A situation fills in what it knows. Those that hold something say so: what is left out holds nothing. */
struct ota_gate_facts {
	bool batch_running;   /* not planned, not paused */
	bool device_disabled; /* shut out by an operator */
	bool device_barred;
	bool before_start;    /* the batch's planned start is to come */
	bool unconfirmed;     /* the batch wants an operator's word for each device, and this one has it not */
	bool stage_closed;    /* the task belongs to a stage that is not open yet */
	bool window_closed;   /* not now in this device's day */
	bool retry_pausing;   /* the pause before the next attempt is not over */
	bool online;
	bool settled;         /* since the connect, and no inform of the module is settling */
	bool at_target;       /* it runs the version: the order it had before may still be carried out */
	bool other_active;    /* another task of the device is pushed or upgrading */
	bool unasked;         /* the batch only answers, and the device has not asked */
	bool no_place;        /* as many of the batch as may be are in flight */
	bool rate_spent;      /* the next release of the batch is not due yet */
	bool repeat;          /* the task has its place already: a push is only sent again */
};

/* OTA_REASON_NONE when every gate is open. */
enum ota_reason ota_gate_closed(const struct ota_gate_facts *facts);

#endif
