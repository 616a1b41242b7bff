/* Luck: the one source of chance in a run. The same seed gives the same numbers on every machine. */
#ifndef OTA_TESTS_SIM_LUCK_H
#define OTA_TESTS_SIM_LUCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct luck {
	uint64_t state;
};

/* splitmix64 */
static inline uint64_t luck_next(struct luck *luck)
{
	uint64_t z = luck->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline size_t luck_below(struct luck *luck, size_t below)
{
	return (size_t)(luck_next(luck) % below);
}

static inline int64_t luck_between(struct luck *luck, int64_t low, int64_t high)
{
	return low + (int64_t)luck_below(luck, (size_t)(high - low + 1));
}

static inline bool luck_permille(struct luck *luck, unsigned permille)
{
	return luck_below(luck, 1000) < permille;
}

static inline bool luck_percent(struct luck *luck, unsigned percent)
{
	return luck_below(luck, 100) < percent;
}

#endif
