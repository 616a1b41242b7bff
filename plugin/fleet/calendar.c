#include "plugin/fleet/calendar.h"

int64_t ota_calendar_look(struct ota_calendar *calendar, struct ota_instant now)
{
	int64_t ahead_ms = now.wall_ms - now.heard_ms;
	int64_t step_ms = calendar->known ? ahead_ms - calendar->ahead_ms : 0;

	calendar->ahead_ms = ahead_ms;
	calendar->known = true;
	if (step_ms > -OTA_CALENDAR_STEP_MS && step_ms < OTA_CALENDAR_STEP_MS)
		return 0;
	calendar->trusted_at = now.heard_ms + OTA_CALENDAR_DOUBT_MS;
	return step_ms;
}

bool ota_calendar_is_trusted(const struct ota_calendar *calendar, struct ota_instant now)
{
	return now.heard_ms >= calendar->trusted_at;
}
