/*
 * Model: what the simulation itself knows, apart from every row of the server: what devices said and when the server had it, what
 * operators ordered and the server promised, since when each task is as it is. Times are heard times.
 */
#ifndef OTA_TESTS_SIM_MODEL_H
#define OTA_TESTS_SIM_MODEL_H

#include "tests/sim/device.h"
#include "tests/sim/server.h"
#include "tests/sim/view.h"

#define MODEL_WALL_MS ((int64_t)1700000000000) /* when every world begins */
enum { MODEL_RELEASES = 64, MODEL_SETTLE_MS = 2000, MODEL_REPUSH_MS = 60000 };

struct model_device {
	bool shut_out;
	uint64_t connection, was_connection; /* as the server knows it: after this work, before it */
	int64_t connected_at;
	struct {
		char version[16]; /* "" = nothing yet */
		int64_t at;
	} said[DEVICE_MODULES]; /* acknowledged */
	int64_t negative_at[5]; /* by -step, applied */
	int64_t report_at;      /* of any step >= 0 */
	int64_t agreed_at;      /* to a cancel */
	int rolled_back[DEVICE_MODULES]; /* attempts in a row that came back to the old version */
};

struct model_task {
	int64_t begun_at;   /* of the attempt */
	int64_t state_at;   /* since when state and phase are what they are */
	int64_t upgrading_at, upgrading_late_at; /* at the earliest, at the latest */
	int64_t ended_at;   /* of the attempt before, 0 = none */
	int64_t pushed_at;  /* the last push, 0 = none of this attempt */
	int64_t pushes;     /* of this attempt */
	int64_t open_at;    /* since when nothing holds it, 0 = something does */
	bool confirmed;
};

struct model_batch {
	int64_t id;
	struct order order; /* that made it, with its plan as it stands now */
	int64_t created_ms; /* wall */
	bool paused;        /* by an operator, and not resumed since */
	bool withdrawn, revoked, asked, advanced_any;
	int64_t failed_before, blamed_before, reported_before; /* the last resume; blamed: for a cause that counts */
	int64_t may_stage;   /* the last one that may be open by now */
	int64_t met_at;      /* since when its gate may hold, 0 = it cannot */
	int64_t surely_at;   /* since when it has held at every look, in a running batch; 0 = it did not */
	int64_t lacking_at;  /* the same for a gate that does not hold */
	int64_t stage_at;    /* when the stage that is open was seen to open */
	int64_t ramp_at;     /* the first release since it began or was resumed, 0 = none */
	int64_t releases[MODEL_RELEASES];       /* when, the last ones */
	size_t release_count;
};

struct model {
	struct model_device devices[SEEN_DEVICES_MAX];
	struct model_task tasks[SEEN_TASKS_MAX]; /* in the order of the view's */
	struct model_batch batches[SEEN_BATCHES_MAX];
	size_t batch_count;
};

/* A report was acknowledged. */
void model_hear(struct world *world, const struct item *item);
/* A piece of work was committed: its items count now. */
void model_take(struct world *world, const struct work *work);
void model_server_died(struct model *model);
struct model_batch *model_batch(struct model *model, int64_t id); /* NULL = none */
int model_module(const char *name);

#endif
