#include "common/time.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now); /* cannot fail for the two clocks below */
	return (int64_t)now.tv_sec * OTA_SECOND_MS + now.tv_nsec / 1000000;
}

int64_t ota_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t ota_boot_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

static const int64_t last_ms = INT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z: what four digits of a year can write */

void ota_time_print(char *target, int64_t wall_ms)
{
	enum { TO_THE_SECOND = 19 };
	int64_t shown_ms = wall_ms < 0 ? 0 : wall_ms > last_ms ? last_ms : wall_ms;
	time_t seconds = (time_t)(shown_ms / OTA_SECOND_MS);
	struct tm utc;
	gmtime_r(&seconds, &utc);
	strftime(target, OTA_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(target + TO_THE_SECOND, OTA_TIME_SIZE - TO_THE_SECOND, ".%03uZ", (unsigned)(shown_ms % OTA_SECOND_MS));
}
