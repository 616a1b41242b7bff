#include "plugin/rules/gate.h"

#include <stddef.h>

/* A lost link of a running attempt takes no new place, so `for_repeat` rows alone hold a repeated push. */
struct gate {
	enum ota_reason reason;
	bool for_repeat;
	bool (*closed)(const struct ota_gate_facts *facts);
};

static bool batch_stands(const struct ota_gate_facts *facts)
{
	return !facts->batch_running;
}

static bool device_is_disabled(const struct ota_gate_facts *facts)
{
	return facts->device_disabled;
}

static bool device_is_barred(const struct ota_gate_facts *facts)
{
	return facts->device_barred;
}

static bool start_is_to_come(const struct ota_gate_facts *facts)
{
	return facts->before_start;
}

static bool word_is_missing(const struct ota_gate_facts *facts)
{
	return facts->unconfirmed;
}

static bool stage_is_closed(const struct ota_gate_facts *facts)
{
	return facts->stage_closed;
}

static bool window_is_closed(const struct ota_gate_facts *facts)
{
	return facts->window_closed;
}

static bool retry_pauses(const struct ota_gate_facts *facts)
{
	return facts->retry_pausing;
}

static bool device_is_away(const struct ota_gate_facts *facts)
{
	return !facts->online;
}

static bool device_settles(const struct ota_gate_facts *facts)
{
	return !facts->settled;
}

static bool device_is_there(const struct ota_gate_facts *facts)
{
	return facts->at_target;
}

static bool other_module_works(const struct ota_gate_facts *facts)
{
	return facts->other_active;
}

static bool device_must_ask(const struct ota_gate_facts *facts)
{
	return facts->unasked;
}

static bool places_are_taken(const struct ota_gate_facts *facts)
{
	return facts->no_place;
}

static bool rate_is_spent(const struct ota_gate_facts *facts)
{
	return facts->rate_spent;
}

static const struct gate gates[] = {
	{ OTA_REASON_PAUSED, true, batch_stands },
	{ OTA_REASON_DISABLED, true, device_is_disabled },
	{ OTA_REASON_BARRED, true, device_is_barred },
	{ OTA_REASON_SCHEDULED, false, start_is_to_come },
	{ OTA_REASON_CONFIRM, false, word_is_missing },
	{ OTA_REASON_STAGE, false, stage_is_closed },
	{ OTA_REASON_WINDOW, true, window_is_closed },
	{ OTA_REASON_RETRY, false, retry_pauses },
	{ OTA_REASON_OFFLINE, true, device_is_away },
	{ OTA_REASON_SETTLING, true, device_settles },
	{ OTA_REASON_AT_TARGET, false, device_is_there },
	{ OTA_REASON_OTHER_MODULE, false, other_module_works },
	{ OTA_REASON_PULL, true, device_must_ask },
	{ OTA_REASON_IN_FLIGHT, false, places_are_taken },
	{ OTA_REASON_RATE, false, rate_is_spent },
};

enum ota_reason ota_gate_closed(const struct ota_gate_facts *facts)
{
	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
		if (facts->repeat && !gates[i].for_repeat)
			continue;
		if (gates[i].closed(facts))
			return gates[i].reason;
	}
	return OTA_REASON_NONE;
}
