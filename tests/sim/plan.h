/* Plan: the strategy an operator gave a batch, in the simulation's own words. The checks read this, never the server's own. */
#ifndef OTA_TESTS_SIM_PLAN_H
#define OTA_TESTS_SIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "tests/sim/luck.h"

enum { PLAN_STAGES_MAX = 3 };

enum plan_cause_bit { PLAN_DOWNLOAD = 1, PLAN_BURN = 2, PLAN_TIMEOUTS = 4, PLAN_ROLLED_BACK = 8 };

struct plan {
	int64_t push_timeout_ms, upgrade_timeout_ms, reboot_timeout_ms, soak_ms, retry_pause_ms, end_after_ms;
	int64_t retries;
	int64_t abort_percent, abort_sample, abort_count;
	bool retries_all, aborts_on_burn_alone, abort_cancels;
	int64_t start_after_ms; /* of its creation; 0 = at once */
	int64_t max_in_flight, per_minute;
	int64_t ramp_from; /* doubled every minute; 0 = per_minute at once */
	int window_from, window_to, zone_hours; /* minutes of the day in a zone of a fixed offset; equal = always */
	bool confirm, pull_only;
	size_t stage_count;
	struct plan_stage {
		int64_t percent, count;
		int64_t success, finished;
		int64_t soak_ms, deadline_ms;
		bool manual;
	} stages[PLAN_STAGES_MAX];
};

void plan_draw(struct plan *plan, struct luck *luck);
/* As the strategy of createBatch. now_ms: wall. */
void plan_print(const struct plan *plan, int64_t now_ms, struct ota_bytes *out);
bool plan_retries(const struct plan *plan, const char *cause);
bool plan_counts_for_abort(const struct plan *plan, const char *cause);
/* The window, by an arithmetic of its own. */
bool plan_window_is_open(const struct plan *plan, int64_t wall_ms);

#endif
