/*
 * Stopwatch: how often something happened and how long it took, in constant memory.
 *
 * Thread rule: any thread may add, any may read. A reading taken while others add may lack the latest of them, never more.
 */
#ifndef OTA_COMMON_STOPWATCH_H
#define OTA_COMMON_STOPWATCH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { OTA_STOPWATCH_BOUNDS = 19, OTA_STOPWATCH_BUCKETS = OTA_STOPWATCH_BOUNDS + 1 };

/* Zero-initialise. */
struct ota_stopwatch {
	_Atomic uint64_t buckets[OTA_STOPWATCH_BUCKETS]; /* by ota_stopwatch_bound(); the last: longer than all */
	_Atomic uint64_t total_us;
	_Atomic uint64_t max_us;
};

struct ota_stopwatch_reading {
	uint64_t buckets[OTA_STOPWATCH_BUCKETS];
	uint64_t count; /* the sum of buckets */
	uint64_t total_us;
	uint64_t max_us;
};

uint64_t ota_stopwatch_now_us(void); /* since some start; the clock of stopwatches */
void ota_stopwatch_add(struct ota_stopwatch *watch, uint64_t took_us);

void ota_stopwatch_read(const struct ota_stopwatch *watch, struct ota_stopwatch_reading *ret_reading);
/* What a bucket holds took at most so long: 10 us to 10 s in steps of 1, 2, 5. index < OTA_STOPWATCH_BOUNDS. */
uint64_t ota_stopwatch_bound_us(size_t index);
/* The time within which `percent` (1..100) of all stayed, as far as buckets tell: between them a straight line is drawn, and it
 * is never more than the longest. 0 when nothing was measured. */
uint64_t ota_stopwatch_within_us(const struct ota_stopwatch_reading *reading, unsigned percent);

#endif
