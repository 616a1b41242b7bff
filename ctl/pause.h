/*
 * Pause: between two looks at something that takes its time.
 */
#ifndef OTA_CTL_PAUSE_H
#define OTA_CTL_PAUSE_H

#include <stdint.h>
#include <time.h>

static inline void ota_pause(int64_t ms)
{
	struct timespec rest = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&rest, &rest) != 0)
		continue;
}

#endif
