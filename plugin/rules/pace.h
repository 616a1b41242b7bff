/*
 * Pace: how fast a batch releases its tasks, and how many may be in flight. Pure.
 *
 * The rate is a generic cell rate algorithm over one number, the batch's release_at_us: when the next release would be due if
 * they came evenly. A batch that could have released and did not saves up one second's worth (one at least), no more: in no
 * minute go more than the rate and that burst. Times are heard microseconds, so that 1 000 000 a minute are still told apart.
 */
#ifndef OTA_PLUGIN_RULES_PACE_H
#define OTA_PLUGIN_RULES_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/rules/strategy.h"

/* Releases a minute, `since_ms` after the first one since the batch began or was resumed; 0 = no limit. */
int64_t ota_rate_now(const struct ota_rate *rate, int64_t since_ms);
/* When the ramp takes its next step, counted as since_ms; INT64_MAX: it has ended. */
int64_t ota_rate_next_step_ms(const struct ota_rate *rate, int64_t since_ms);
/* What may go at once after a rest. */
int64_t ota_rate_burst(int64_t per_minute);

/* When the next release is due, at this rate; now_us when one is due already. A rate that was raised counts at once: what it
 * would have been at the old one is forgotten. */
int64_t ota_rate_due_us(int64_t per_minute, int64_t release_at_us, int64_t now_us);
/* The batch's release_at_us after a release at now_us, due or not. */
int64_t ota_rate_take_us(int64_t per_minute, int64_t release_at_us, int64_t now_us);

/* Tasks that hold a place: pushed or upgrading, but those whose devices left with the offer. */
static inline bool ota_place_is_free(int64_t max_in_flight, int64_t active, int64_t parked)
{
	return !max_in_flight || active - parked < max_in_flight;
}

#endif
