/*
 * Calendar: whether the wall clock can be believed. Timers count heard time and do not care, but a batch ends at a date, and a
 * clock that stood in 2038 for a minute would end them all.
 *
 * A step is a minute or more by which wall and heard time come apart between two looks. After one nothing ends by its date for
 * an hour of heard time: whoever set a clock wrong, or found it wrong at a boot, has set it right by then, and an end that was
 * meant comes an hour late. Smaller steps are what time servers do.
 */
#ifndef OTA_PLUGIN_FLEET_CALENDAR_H
#define OTA_PLUGIN_FLEET_CALENDAR_H

#include <stdbool.h>

#include "common/time.h"

#define OTA_CALENDAR_STEP_MS ((int64_t)OTA_MINUTE_MS)
#define OTA_CALENDAR_DOUBT_MS ((int64_t)OTA_HOUR_MS)

struct ota_calendar {
	int64_t ahead_ms;   /* of heard time, when last looked at */
	int64_t trusted_at; /* heard_ms */
	bool known;
};

/* Looks at the clock. Returns by how much it stepped, 0 for no step. */
int64_t ota_calendar_look(struct ota_calendar *calendar, struct ota_instant now);
bool ota_calendar_is_trusted(const struct ota_calendar *calendar, struct ota_instant now);

#endif
