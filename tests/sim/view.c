#include "tests/sim/view.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

/* A pending task keeps why its last attempt failed, which counts nowhere. */
#define COUNTED_CAUSE "CASE WHEN state IN ('succeeded', 'failed', 'canceled') THEN cause ELSE '' END"

static const char *const queries[VIEW_QUERIES] = {
	[VIEW_TASKS] = "SELECT id, batch_id, device_id, module, version, from_version, cause, state, phase, attempt, due_at,"
		       " deadline_at, deadline_left_ms, stage, pushes, confirmed, parked FROM task ORDER BY id",
	[VIEW_BATCHES] = "SELECT id, state, reason, prepared, canceling, cancel_level = 'revoke', ends_ms, total,"
			 " coalesce(f.stage, 0),"
			 " started_ms > 0 FROM batch b LEFT JOIN batch_flow f ON f.batch_id = b.id ORDER BY id",
	[VIEW_MODULES] = "SELECT device_id, module, version, candidate, candidate_due FROM device_module",
	[VIEW_DEVICES] = "SELECT id, device_name, barred, disabled FROM device",
	[VIEW_YANKED] = "SELECT module, version FROM package WHERE yanked = 1",
	[VIEW_COUNTS] =
		"SELECT 'batch_count', count(*) FROM (SELECT * FROM (SELECT batch_id, stage, state, " COUNTED_CAUSE ", count(*)"
		" FROM task GROUP BY 1, 2, 3, 4 EXCEPT SELECT batch_id, stage, state, cause, n FROM batch_count WHERE n <> 0)"
		" UNION ALL SELECT * FROM (SELECT batch_id, stage, state, cause, n FROM batch_count WHERE n <> 0 EXCEPT"
		" SELECT batch_id, stage, state, " COUNTED_CAUSE ", count(*) FROM task GROUP BY 1, 2, 3, 4))"
		" UNION ALL SELECT 'version_count', count(*) FROM (SELECT * FROM (SELECT module, version, count(*)"
		" FROM device_module WHERE version <> '' GROUP BY 1, 2"
		" EXCEPT SELECT module, version, n FROM version_count WHERE n <> 0)"
		" UNION ALL SELECT * FROM (SELECT module, version, n FROM version_count WHERE n <> 0"
		" EXCEPT SELECT module, version, count(*) FROM device_module WHERE version <> '' GROUP BY 1, 2))"
		" UNION ALL SELECT 'devices of the product', count(*) FROM product WHERE devices <> (SELECT count(*) FROM device)"
		" UNION ALL SELECT 'total of a batch', count(*) FROM batch b WHERE prepared = 1 AND total <>"
		" (SELECT count(*) FROM task WHERE batch_id = b.id) +"
		" (SELECT coalesce(sum(n), 0) FROM batch_exclusion WHERE batch_id = b.id)"
		" UNION ALL SELECT 'parked of a batch', count(*) FROM batch_flow f WHERE parked <>"
		" (SELECT count(*) FROM task WHERE batch_id = f.batch_id AND parked = 1)",
};

static const char *const states[SEEN_STATES] = { "pending", "pushed", "upgrading", "succeeded", "failed", "canceled" };

static int word_find(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(words[i], word))
			return i;
	}
	world_give_up("an unknown word in the store", word);
}

const char *view_state_word(enum seen_state state)
{
	return states[state];
}

bool view_is_final(enum seen_state state)
{
	return state >= SEEN_SUCCEEDED;
}

bool view_is_active(enum seen_state state)
{
	return state == SEEN_PUSHED || state == SEEN_UPGRADING;
}

void view_open(struct world *world)
{
	struct view *view = &world->view;
	char path[512];

	snprintf(path, sizeof(path), "%s/ota.db", world->server.directory);
	if (sqlite3_open_v2(path, &view->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		world_give_up("view", sqlite3_errmsg(view->db));
	for (int i = 0; i < VIEW_QUERIES; i++) {
		if (sqlite3_prepare_v2(view->db, queries[i], -1, &view->queries[i], NULL) != SQLITE_OK)
			world_give_up(queries[i], sqlite3_errmsg(view->db));
	}
}

void view_close(struct view *view)
{
	for (int i = 0; i < VIEW_QUERIES; i++)
		sqlite3_finalize(view->queries[i]);
	sqlite3_close(view->db);
}

static void text_take(sqlite3_stmt *row, int column, char *target, size_t size)
{
	snprintf(target, size, "%s", (const char *)sqlite3_column_text(row, column));
}
#define TEXT(row, column, field) text_take(row, column, field, sizeof(field))

static int device_of(const struct view *view, int64_t id)
{
	for (int i = 0; i < SEEN_DEVICES_MAX; i++) {
		if (view->device_ids[i] == id)
			return i;
	}
	world_give_up("a row of a device that does not exist", "");
}

static void device_take(struct view *view, sqlite3_stmt *row)
{
	int number = (int)strtol((const char *)sqlite3_column_text(row, 1) + 1, NULL, 10);

	view->device_ids[number] = sqlite3_column_int64(row, 0);
	view->now.devices[number] = (struct seen_device){ sqlite3_column_int(row, 2), sqlite3_column_int(row, 3) };
}

static void task_take(struct view *view, sqlite3_stmt *row)
{
	static const char *const phases[] = { "", "delivered", "drawn", "soaking" };
	struct seen_task *task = &view->now.tasks[view->now.task_count++];

	*task = (struct seen_task){ .id = sqlite3_column_int64(row, 0), .batch = sqlite3_column_int64(row, 1) };
	task->device = device_of(view, sqlite3_column_int64(row, 2));
	TEXT(row, 3, task->module);
	TEXT(row, 4, task->version);
	TEXT(row, 5, task->from);
	TEXT(row, 6, task->cause);
	task->state = (enum seen_state)word_find(states, SEEN_STATES, (const char *)sqlite3_column_text(row, 7));
	task->phase = word_find(phases, 4, (const char *)sqlite3_column_text(row, 8));
	task->attempt = sqlite3_column_int64(row, 9);
	task->due_at = sqlite3_column_int64(row, 10);
	task->deadline_at = sqlite3_column_int64(row, 11);
	task->left_ms = sqlite3_column_int64(row, 12);
	task->stage = sqlite3_column_int64(row, 13);
	task->pushes = sqlite3_column_int64(row, 14);
	task->confirmed = sqlite3_column_int(row, 15);
	task->parked = sqlite3_column_int(row, 16);
}

static void batch_take(struct view *view, sqlite3_stmt *row)
{
	struct seen_batch *batch = &view->now.batches[view->now.batch_count++];

	*batch = (struct seen_batch){ .id = sqlite3_column_int64(row, 0) };
	TEXT(row, 1, batch->state);
	TEXT(row, 2, batch->reason);
	batch->prepared = sqlite3_column_int(row, 3);
	batch->canceling = sqlite3_column_int(row, 4);
	batch->revokes = sqlite3_column_int(row, 5);
	batch->ends_ms = sqlite3_column_int64(row, 6);
	batch->total = sqlite3_column_int64(row, 7);
	batch->stage = sqlite3_column_int64(row, 8);
	batch->started = sqlite3_column_int(row, 9);
}

static void module_take(struct view *view, sqlite3_stmt *row)
{
	struct seen_module *module = &view->now.modules[view->now.module_count++];

	*module = (struct seen_module){ .device = device_of(view, sqlite3_column_int64(row, 0)) };
	TEXT(row, 1, module->module);
	TEXT(row, 2, module->version);
	TEXT(row, 3, module->candidate);
	module->due = sqlite3_column_int64(row, 4);
}

static void yanked_take(struct view *view, sqlite3_stmt *row)
{
	snprintf(view->now.yanked[view->now.yanked_count++], 16, "%s %s", (const char *)sqlite3_column_text(row, 0),
		 (const char *)sqlite3_column_text(row, 1));
}

static void rows_take(struct view *view, enum view_query query, void (*take)(struct view *view, sqlite3_stmt *row))
{
	sqlite3_stmt *row = view->queries[query];
	int result;

	while ((result = sqlite3_step(row)) == SQLITE_ROW)
		take(view, row);
	if (result != SQLITE_DONE)
		world_give_up("view", sqlite3_errmsg(view->db));
	sqlite3_reset(row);
}

void view_read(struct world *world)
{
	struct view *view = &world->view;

	view->before = view->now;
	view->now.task_count = view->now.batch_count = view->now.module_count = view->now.yanked_count = 0;
	rows_take(view, VIEW_DEVICES, device_take);
	rows_take(view, VIEW_BATCHES, batch_take);
	rows_take(view, VIEW_MODULES, module_take);
	rows_take(view, VIEW_TASKS, task_take);
	rows_take(view, VIEW_YANKED, yanked_take);
}

const struct seen_task *view_task(const struct seen *seen, int64_t id)
{
	size_t low = 0, high = seen->task_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (seen->tasks[middle].id == id)
			return &seen->tasks[middle];
		if (seen->tasks[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct seen_batch *view_batch(const struct seen *seen, int64_t id)
{
	for (size_t i = 0; i < seen->batch_count; i++) {
		if (seen->batches[i].id == id)
			return &seen->batches[i];
	}
	return NULL;
}

const struct seen_module *view_module(const struct seen *seen, int device, const char *module)
{
	for (size_t i = 0; i < seen->module_count; i++) {
		if (seen->modules[i].device == device && !strcmp(seen->modules[i].module, module))
			return &seen->modules[i];
	}
	return NULL;
}

void view_check_counts(struct world *world)
{
	sqlite3_stmt *row = world->view.queries[VIEW_COUNTS];

	while (sqlite3_step(row) == SQLITE_ROW) {
		if (sqlite3_column_int(row, 1))
			world_blame(world, "the kept counts differ from the rows: %s", (const char *)sqlite3_column_text(row, 0));
	}
	sqlite3_reset(row);
}
