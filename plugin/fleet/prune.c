/* The event log loses what is older than it is to be kept, and deleted groups their members: a little in a turn that has nothing
 * else to do. */
#include "plugin/fleet/context.h"
#include "plugin/store/group.h"

enum {
	PRUNE_ROWS = 500,                   /* in one turn: a few milliseconds of the store; turns come every second */
	PRUNE_MEMBERS = 2000,               /* likewise, of smaller rows */
	PRUNE_LOOK_MS = 10 * OTA_MINUTE_MS, /* between two looks when there was less than that */
	CLOCK_TRUST_MS = OTA_DAY_MS,        /* how far the wall clock may run apart from the time that passed */
};

/* A clock that was set to 2038 would end the whole log. Stricter than calendar.h, which believes a clock again after an hour:
 * a batch can be made again, what is removed here does not come back. So after a step of a day nothing goes until the next
 * start. */
static bool clock_is_trusted(const struct ota_engine *engine, struct ota_instant now)
{
	int64_t apart = (now.wall_ms - engine->started.wall_ms) - (now.heard_ms - engine->started.heard_ms);

	return apart < CLOCK_TRUST_MS && apart > -CLOCK_TRUST_MS;
}

int ota_prune_turn(struct ota_engine *engine, struct ota_instant now, struct ota_error *error)
{
	int64_t count = 0;
	int failed = ota_group_purge(engine->options.store, PRUNE_MEMBERS, error);

	if (failed || now.heard_ms < engine->prune_at || !clock_is_trusted(engine, now))
		return failed;
	failed = ota_event_prune(engine->options.store, now.wall_ms - engine->options.log_keep_ms, PRUNE_ROWS, &count, error);
	engine->prune_at = count == PRUNE_ROWS ? now.heard_ms : now.heard_ms + PRUNE_LOOK_MS;
	return failed;
}
