/*
 * Pulse: how a long job tells how far it is and hears that it is to end. Called on the job's own thread, every few milliseconds.
 */
#ifndef OTA_PLUGIN_STORE_PULSE_H
#define OTA_PLUGIN_STORE_PULSE_H

#include <stdbool.h>

struct ota_pulse {
	bool (*beat)(void *context, int percent); /* 0..100; false: end with OTA_ECANCELED */
	void *context;
};

static inline bool ota_pulse_beat(const struct ota_pulse *pulse, int percent)
{
	return pulse->beat(pulse->context, percent);
}

#endif
