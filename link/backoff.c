#include "link/backoff.h"

int64_t link_backoff_ceiling(const struct link_backoff *backoff)
{
	int64_t ceiling = backoff->base_ms;

	for (unsigned i = 0; i < backoff->failures && ceiling < backoff->cap_ms; i++)
		ceiling *= 2;
	return ceiling < backoff->cap_ms ? ceiling : backoff->cap_ms;
}

int64_t link_backoff_next(struct link_backoff *backoff, uint32_t random)
{
	int64_t ceiling = link_backoff_ceiling(backoff);

	/* 31 doublings reach past any cap; the count must not run on to its own end. */
	if (backoff->failures < 31)
		backoff->failures++;
	return (int64_t)random % (ceiling + 1);
}

void link_backoff_lasted(struct link_backoff *backoff, int64_t lasted_ms)
{
	if (lasted_ms >= link_backoff_ceiling(backoff))
		backoff->failures = 0;
}
