/* A batch that runs: what an operator changes in it. */
#include "plugin/control/call.h"
#include "plugin/fleet/zone.h"

int ota_call_check_zone(const struct ota_strategy *strategy, struct ota_error *error)
{
	const char *zone = strategy->window.zone;

	if (ota_zone_is_known(zone))
		return 0;
	return ota_fail_at(error, OTA_EINVALID, "strategy.window.zone",
			   "%s is no time zone of this server: write it as Europe/Berlin (the names below /usr/share/zoneinfo)",
			   zone);
}
