#include "plugin/fleet/zone.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/time.h"

/* More than there are time zones on land. Names come from devices' tags, too: past it all are read again. */
enum { ZONES_MAX = 64 };

struct ota_zone {
	char name[OTA_ZONE_MAX + 1];
	GTimeZone *rules;
	UT_hash_handle hh;
};

/* A name is a path below the database: nothing may lead out of it. What GLib takes besides ("+02:00", rules of POSIX) is no name
 * that stands for a place. */
static bool name_is_sound(const char *name)
{
	static const char sound[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	size_t size = strlen(name);

	return size && size <= OTA_ZONE_MAX && strspn(name, sound) == size && g_ascii_isalpha(name[0]) && !strstr(name, "//") &&
	       name[size - 1] != '/';
}

static GTimeZone *rules_read(const char *name)
{
	return name_is_sound(name) ? g_time_zone_new_identifier(name) : NULL;
}

bool ota_zone_is_known(const char *name)
{
	GTimeZone *rules = NULL;

	if (!*name || !strcmp(name, "UTC"))
		return true;
	if (!(rules = rules_read(name)))
		return false;
	g_time_zone_unref(rules);
	return true;
}

void ota_zones_end(struct ota_zones *zones)
{
	struct ota_zone *zone, *next;

	HASH_ITER(hh, zones->known, zone, next) {
		HASH_DEL(zones->known, zone);
		g_time_zone_unref(zone->rules);
		free(zone);
	}
}

static int64_t utc_ahead_ms(const void *zone, int64_t wall_ms)
{
	(void)zone;
	(void)wall_ms;
	return 0;
}

static int64_t zone_ahead_ms(const void *of, int64_t wall_ms)
{
	const struct ota_zone *zone = of;
	gint interval = g_time_zone_find_interval(zone->rules, G_TIME_TYPE_UNIVERSAL, wall_ms / OTA_SECOND_MS);

	return g_time_zone_get_offset(zone->rules, interval) * (int64_t)OTA_SECOND_MS;
}

static struct ota_zone *zone_add(struct ota_zones *zones, const char *name)
{
	GTimeZone *rules = rules_read(name);
	struct ota_zone *zone = rules ? calloc(1, sizeof(*zone)) : NULL;

	if (!zone) {
		if (rules)
			g_time_zone_unref(rules);
		return NULL;
	}
	if (HASH_COUNT(zones->known) == ZONES_MAX)
		ota_zones_end(zones);
	memcpy(zone->name, name, strlen(name) + 1);
	zone->rules = rules;
	HASH_ADD_STR(zones->known, name, zone);
	return zone;
}

bool ota_zones_find(struct ota_zones *zones, const char *name, struct ota_local *ret_local)
{
	struct ota_zone *zone = NULL;

	if (!*name || !strcmp(name, "UTC")) {
		*ret_local = (struct ota_local){ .ahead_ms = utc_ahead_ms };
		return true;
	}
	HASH_FIND_STR(zones->known, name, zone);
	if (!zone && !(zone = zone_add(zones, name)))
		return false;
	*ret_local = (struct ota_local){ zone_ahead_ms, zone };
	return true;
}
