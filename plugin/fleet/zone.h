/*
 * Zone: local time by the names of the IANA time zone database, as the machine has it (tzdata). GLib reads it: its zones are
 * values any thread may use, where those of the C library are the process's one TZ.
 */
#ifndef OTA_PLUGIN_FLEET_ZONE_H
#define OTA_PLUGIN_FLEET_ZONE_H

#include <stdbool.h>

#include "plugin/rules/window.h"

struct ota_zone; /* one that was read */

/* Zero-initialise. Those that were asked for; of one thread. */
struct ota_zones {
	struct ota_zone *known; /* by name */
};

void ota_zones_end(struct ota_zones *zones);
/* False: no such zone on this machine. "" is UTC, which every machine has. Valid until the next call. */
bool ota_zones_find(struct ota_zones *zones, const char *name, struct ota_local *ret_local);
/* The same question alone. Any thread. */
bool ota_zone_is_known(const char *name);

#endif
