/*
 * Clock port: the core is handed the time, it never asks for it.
 */
#ifndef OTA_AGENT_PORTS_CLOCK_H
#define OTA_AGENT_PORTS_CLOCK_H

#include <stdint.h>

struct agent_now {
	int64_t ms;      /* CLOCK_BOOTTIME: counts suspend, never steps back */
	uint32_t random; /* fresh for every event; jitter comes from it */
};

#endif
