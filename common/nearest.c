#include "common/nearest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum { NEAREST_MAX = 32 }; /* no word of ours is longer; longer input has no neighbour */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int folded(char letter)
{
	return tolower((unsigned char)letter);
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours. */
static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t cost[NEAREST_MAX + 1][NEAREST_MAX + 1];

	for (size_t i = 0; i <= a_size; i++)
		cost[i][0] = i;
	for (size_t j = 0; j <= b_size; j++)
		cost[0][j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		for (size_t j = 1; j <= b_size; j++) {
			size_t edit = folded(a[i - 1]) == folded(b[j - 1]) ? 0 : 1;

			cost[i][j] = smaller(cost[i - 1][j - 1] + edit, smaller(cost[i - 1][j], cost[i][j - 1]) + 1);
			if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) && folded(a[i - 2]) == folded(b[j - 1]))
				cost[i][j] = smaller(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[a_size][b_size];
}

const char *ota_nearest(const char *word, const char *const *words)
{
	size_t size = strlen(word);
	const char *best = NULL;
	size_t best_distance = 0;

	if (size == 0 || size > NEAREST_MAX)
		return NULL;
	for (; *words; words++) {
		size_t other = strlen(*words);
		size_t far;

		if (other > NEAREST_MAX)
			continue;
		far = distance(word, size, *words, other);
		if (far * 3 <= (other > 3 ? other : 3) && (!best || far < best_distance)) {
			best = *words;
			best_distance = far;
		}
	}
	return best;
}
