/*
 * Pace: a token bucket. Pure. What is too much is refused without memory of who asked how often.
 */
#ifndef OTA_COMMON_PACE_H
#define OTA_COMMON_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct ota_pace_rate {
	int64_t count;     /* so many ... */
	int64_t period_ms; /* ... in that time */
	int64_t burst;     /* what a full bucket holds */
};

/* Zero-initialise: the first use finds it full. */
struct ota_pace {
	bool begun;
	int64_t filled_ms;
	int64_t filling;  /* a token is worth the rate's period_ms */
	uint64_t refused; /* since the last ota_pace_take_refused() */
};

/* All of them or none; more than a burst are never given. */
static inline bool ota_pace_take_many(struct ota_pace *pace, struct ota_pace_rate rate, int64_t tokens, int64_t now_ms)
{
	/* Events of an earlier run may be older than the last one: time that goes back earns nothing and takes nothing. */
	int64_t full = rate.burst * rate.period_ms, waited = pace->begun ? now_ms - pace->filled_ms : full;
	int64_t earned = waited > full ? full : waited > 0 ? waited * rate.count : 0;
	pace->filling = pace->filling + earned > full ? full : pace->filling + earned;
	pace->filled_ms = now_ms;
	pace->begun = true;
	if (pace->filling < tokens * rate.period_ms) {
		pace->refused++;
		return false;
	}
	pace->filling -= tokens * rate.period_ms;
	return true;
}

static inline bool ota_pace_take(struct ota_pace *pace, struct ota_pace_rate rate, int64_t now_ms)
{
	return ota_pace_take_many(pace, rate, 1, now_ms);
}

static inline uint64_t ota_pace_take_refused(struct ota_pace *pace)
{
	uint64_t refused = pace->refused;
	pace->refused = 0;
	return refused;
}

#endif
