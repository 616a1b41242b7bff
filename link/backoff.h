/*
 * Backoff: the pause before the next connection attempt, with full jitter: random between 0 and min(cap, base * 2^failures), so
 * that a fleet that lost its broker at one moment does not come back at one moment. Pure: the caller brings the random number.
 */
#ifndef OTA_LINK_BACKOFF_H
#define OTA_LINK_BACKOFF_H

#include <stdint.h>

struct link_backoff {
	int64_t base_ms;
	int64_t cap_ms;
	unsigned failures; /* in a row */
};

/* min(cap, base * 2^failures): the longest the next pause can be. */
int64_t link_backoff_ceiling(const struct link_backoff *backoff);
/* The pause after one more failure, and counts it. */
int64_t link_backoff_next(struct link_backoff *backoff, uint32_t random);
/* A connection ended after `lasted_ms`. It starts the series anew only if it outlived the ceiling: a broker that accepts and
 * throws out at once must not be met with the shortest pause for ever. */
void link_backoff_lasted(struct link_backoff *backoff, int64_t lasted_ms);

#endif
