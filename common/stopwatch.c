#include "common/stopwatch.h"

#include <time.h>

static const uint64_t bounds_us[OTA_STOPWATCH_BOUNDS] = {
	10,    20,    50,     100,    200,    500,     1000,    2000,    5000,    10000,
	20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000,
};

uint64_t ota_stopwatch_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void raise_to(_Atomic uint64_t *most, uint64_t value)
{
	uint64_t seen = atomic_load_explicit(most, memory_order_relaxed);

	while (seen < value && !atomic_compare_exchange_weak_explicit(most, &seen, value, memory_order_relaxed,
								      memory_order_relaxed))
		;
}

/* From the short end: nearly all that is measured is short. */
void ota_stopwatch_add(struct ota_stopwatch *watch, uint64_t took_us)
{
	size_t bucket = 0;

	while (bucket < OTA_STOPWATCH_BOUNDS && took_us > bounds_us[bucket])
		bucket++;
	atomic_fetch_add_explicit(&watch->buckets[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&watch->total_us, took_us, memory_order_relaxed);
	raise_to(&watch->max_us, took_us);
}

void ota_stopwatch_read(const struct ota_stopwatch *watch, struct ota_stopwatch_reading *ret_reading)
{
	struct ota_stopwatch_reading reading = {
		.total_us = atomic_load_explicit(&watch->total_us, memory_order_relaxed),
		.max_us = atomic_load_explicit(&watch->max_us, memory_order_relaxed),
	};

	for (size_t i = 0; i < OTA_STOPWATCH_BUCKETS; i++) {
		reading.buckets[i] = atomic_load_explicit(&watch->buckets[i], memory_order_relaxed);
		reading.count += reading.buckets[i];
	}
	*ret_reading = reading;
}

uint64_t ota_stopwatch_bound_us(size_t index)
{
	return bounds_us[index];
}

uint64_t ota_stopwatch_within_us(const struct ota_stopwatch_reading *reading, unsigned percent)
{
	uint64_t wanted = (reading->count * percent + 99) / 100, passed = 0, low = 0;

	for (size_t i = 0; i < OTA_STOPWATCH_BOUNDS; i++) {
		uint64_t here = reading->buckets[i], high = bounds_us[i] < reading->max_us ? bounds_us[i] : reading->max_us;

		if (here > 0 && passed + here >= wanted)
			return low + (high > low ? (high - low) * (wanted - passed) / here : 0);
		passed += here;
		low = bounds_us[i];
	}
	return reading->max_us;
}
