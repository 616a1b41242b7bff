/*
 * View: the store's rows as they were committed, read through a connection and with SQL of the simulation's own, so that a
 * mistake of the store's code is not repeated here.
 */
#ifndef OTA_TESTS_SIM_VIEW_H
#define OTA_TESTS_SIM_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sqlite3;
struct sqlite3_stmt;
struct world;

enum seen_state { SEEN_PENDING, SEEN_PUSHED, SEEN_UPGRADING, SEEN_SUCCEEDED, SEEN_FAILED, SEEN_CANCELED, SEEN_STATES };

enum { SEEN_PHASE_NONE, SEEN_PHASE_DELIVERED, SEEN_PHASE_DRAWN, SEEN_PHASE_SOAKING };

struct seen_task {
	int64_t id, batch;
	int device; /* its number */
	char module[8], version[16], from[16], cause[24];
	enum seen_state state;
	int phase;
	int64_t attempt, due_at, deadline_at, left_ms, stage, pushes;
	bool confirmed, parked;
};

struct seen_batch {
	int64_t id;
	char state[12], reason[160];
	bool prepared, canceling, revokes;
	int64_t ends_ms, total;
	int64_t stage; /* the last one that is open */
	bool started;
};

struct seen_module {
	int device;
	char module[8], version[16], candidate[16];
	int64_t due;
};

struct seen_device {
	bool barred, disabled;
};

enum { SEEN_TASKS_MAX = 400, SEEN_BATCHES_MAX = 64, SEEN_MODULES_MAX = 64, SEEN_DEVICES_MAX = 16 };

struct seen {
	size_t task_count, batch_count, module_count;
	struct seen_task tasks[SEEN_TASKS_MAX]; /* ascending ids, as the batches */
	struct seen_batch batches[SEEN_BATCHES_MAX];
	struct seen_module modules[SEEN_MODULES_MAX];
	struct seen_device devices[SEEN_DEVICES_MAX]; /* by number */
	char yanked[64][16];
	size_t yanked_count;
};

enum view_query { VIEW_TASKS, VIEW_BATCHES, VIEW_MODULES, VIEW_DEVICES, VIEW_YANKED, VIEW_COUNTS, VIEW_QUERIES };

struct view {
	struct sqlite3 *db;
	struct sqlite3_stmt *queries[VIEW_QUERIES];
	struct seen before, now;
	int64_t device_ids[SEEN_DEVICES_MAX];
};

void view_open(struct world *world);
void view_close(struct view *view);
/* `now` becomes `before`, and `now` is read anew. */
void view_read(struct world *world);
const struct seen_task *view_task(const struct seen *seen, int64_t id);     /* NULL = none */
const struct seen_batch *view_batch(const struct seen *seen, int64_t id);   /* NULL = none */
const struct seen_module *view_module(const struct seen *seen, int device, const char *module); /* NULL = none */
bool view_is_final(enum seen_state state);
bool view_is_active(enum seen_state state);
const char *view_state_word(enum seen_state state);
/* Compares every kept count with its rows, in SQL. The first difference is blamed. */
void view_check_counts(struct world *world);

#endif
