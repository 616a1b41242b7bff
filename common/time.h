/*
 * Time. Rules never read a clock: they are given a struct ota_instant.
 *
 * Two clocks, because they answer different questions:
 *   wall_ms   UTC milliseconds since 1970. For people, schedules and logs.
 *   heard_ms  milliseconds during which the server could hear its devices, summed over its life (the store keeps the sum). Every
 * timer of a task counts this one, so that hours of downtime or a step of the wall clock make nobody fail. It never goes back.
 */
#ifndef OTA_COMMON_TIME_H
#define OTA_COMMON_TIME_H

#include <stdint.h>

struct ota_instant {
	int64_t wall_ms;
	int64_t heard_ms;
};

enum { OTA_SECOND_MS = 1000, OTA_MINUTE_MS = 60 * 1000, OTA_HOUR_MS = 3600 * 1000, OTA_DAY_MS = 24 * 3600 * 1000 };

#define OTA_WALL_LEAST_MS ((int64_t)1672531200000) /* 2023-01-01: a clock before it was never set */

int64_t ota_wall_ms(void); /* CLOCK_REALTIME */
int64_t ota_boot_ms(void); /* CLOCK_BOOTTIME: counts suspend, never steps */

enum { OTA_TIME_SIZE = 25 };
/* "2026-11-20T10:39:42.123Z"; target[OTA_TIME_SIZE]. Times before 1970 or after 9999 are shown as the nearest that can be. */
void ota_time_print(char *target, int64_t wall_ms);

#endif
