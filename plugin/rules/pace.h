/*
 * Pace: how fast a batch releases its tasks, and how many may be in flight. Pure.
 *
 * The rate needs one number of a batch, spent_at_us: the instant at which nothing was saved up; since then releases are saved up
 * at the rate, one second's worth (one at least) and no more: in no minute go more than the rate and that burst. It is no matter
 * of the rate itself, so a rate that is changed counts at once. Times are heard microseconds, so that 1 000 000 a minute are
 * still told apart; 0 = nothing was released yet.
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

/* When the next release is due; now_us when one is due already. */
int64_t ota_rate_due_us(int64_t per_minute, int64_t spent_at_us, int64_t now_us);
/* The batch's spent_at_us after a release at now_us, due or not. */
int64_t ota_rate_take_us(int64_t per_minute, int64_t spent_at_us, int64_t now_us);

/* Tasks that hold a place: pushed or upgrading, but those whose devices left with the offer. */
static inline bool ota_place_is_free(int64_t max_in_flight, int64_t active, int64_t parked)
{
	return !max_in_flight || active - parked < max_in_flight;
}

#endif
