#include "plugin/fleet/waiters.h"

#include <stdlib.h>

#include "common/error.h"

static void waiters_free(struct ota_waiter **table)
{
	struct ota_waiter *waiter, *next;

	HASH_ITER(hh, *table, waiter, next) {
		HASH_DEL(*table, waiter);
		free(waiter);
	}
}

static void line_free(struct ota_waiters *waiters, struct ota_line *line)
{
	waiters_free(&line->ready);
	waiters_free(&line->asleep);
	HASH_DEL(waiters->lines, line);
	free(line);
}

void ota_waiters_end(struct ota_waiters *waiters)
{
	struct ota_line *line, *next;

	HASH_ITER(hh, waiters->lines, line, next)
		line_free(waiters, line);
}

static struct ota_line *line_find(const struct ota_waiters *waiters, int64_t batch_id)
{
	struct ota_line *line = NULL;

	HASH_FIND(hh, waiters->lines, &batch_id, sizeof(batch_id), line);
	return line;
}

static struct ota_line *line_of(struct ota_waiters *waiters, int64_t batch_id)
{
	struct ota_line *line = line_find(waiters, batch_id);

	if (line || !(line = calloc(1, sizeof(*line))))
		return line;
	line->batch_id = batch_id;
	line->opens_ms = INT64_MAX;
	HASH_ADD(hh, waiters->lines, batch_id, sizeof(line->batch_id), line);
	return line;
}

static struct ota_waiter *waiter_find(struct ota_waiter *table, int64_t task_id)
{
	struct ota_waiter *waiter = NULL;

	HASH_FIND(hh, table, &task_id, sizeof(task_id), waiter);
	return waiter;
}

static void waiter_join(struct ota_line *line, struct ota_waiter *waiter)
{
	if (waiter->opens_ms) {
		HASH_ADD(hh, line->asleep, task_id, sizeof(waiter->task_id), waiter);
		line->opens_ms = waiter->opens_ms < line->opens_ms ? waiter->opens_ms : line->opens_ms;
		return;
	}
	line->due_at = line->ready ? line->due_at : 0; /* nobody has looked yet what the first one waits for */
	HASH_ADD(hh, line->ready, task_id, sizeof(waiter->task_id), waiter);
}

int ota_waiters_add(struct ota_waiters *waiters, int64_t batch_id, int64_t task_id, int64_t opens_ms)
{
	struct ota_line *line = line_of(waiters, batch_id);
	struct ota_waiter *waiter;

	if (!line)
		return OTA_ENOMEM;
	if ((waiter = waiter_find(line->ready, task_id))) {
		if (!opens_ms)
			return 0;
		HASH_DEL(line->ready, waiter);
	} else if ((waiter = waiter_find(line->asleep, task_id))) {
		HASH_DEL(line->asleep, waiter);
	} else if (!(waiter = calloc(1, sizeof(*waiter)))) {
		return OTA_ENOMEM;
	}
	waiter->task_id = task_id;
	waiter->opens_ms = opens_ms;
	waiter_join(line, waiter);
	return 0;
}

bool ota_waiters_has_ready(const struct ota_waiters *waiters, int64_t batch_id)
{
	const struct ota_line *line = line_find(waiters, batch_id);

	return line && line->ready;
}

void ota_waiters_renew(struct ota_waiters *waiters, int64_t batch_id)
{
	struct ota_line *line = line_find(waiters, batch_id);

	if (!line)
		return;
	ota_line_open(line, INT64_MAX);
	line->due_at = 0;
}

void ota_waiters_wake(struct ota_waiters *waiters, int64_t batch_id)
{
	struct ota_line *line = line_find(waiters, batch_id);

	if (line)
		line->due_at = 0;
}

void ota_waiters_wake_all(struct ota_waiters *waiters)
{
	for (struct ota_line *line = waiters->lines; line; line = line->hh.next)
		ota_line_open(line, INT64_MAX);
}

static int64_t line_due(const struct ota_line *line, int64_t wall_ahead_ms)
{
	int64_t due_at = line->ready ? line->due_at : INT64_MAX;
	int64_t opens_at = line->asleep ? line->opens_ms - wall_ahead_ms : INT64_MAX;

	return due_at < opens_at ? due_at : opens_at;
}

int64_t ota_waiters_next_due(const struct ota_waiters *waiters, int64_t wall_ahead_ms)
{
	int64_t next = INT64_MAX;

	for (const struct ota_line *line = waiters->lines; line; line = line->hh.next) {
		int64_t due = line_due(line, wall_ahead_ms);

		next = due < next ? due : next;
	}
	return next;
}

size_t ota_waiters_count(const struct ota_waiters *waiters)
{
	return HASH_COUNT(waiters->lines);
}

struct ota_line *ota_waiters_rotate(struct ota_waiters *waiters)
{
	struct ota_line *line = waiters->lines;

	if (!line)
		return NULL;
	HASH_DEL(waiters->lines, line);
	HASH_ADD(hh, waiters->lines, batch_id, sizeof(line->batch_id), line);
	return line;
}

void ota_line_open(struct ota_line *line, int64_t wall_ms)
{
	struct ota_waiter *waiter, *next;
	int64_t later_ms = INT64_MAX;

	if (line->opens_ms > wall_ms)
		return;
	HASH_ITER(hh, line->asleep, waiter, next) {
		if (waiter->opens_ms > wall_ms) {
			later_ms = waiter->opens_ms < later_ms ? waiter->opens_ms : later_ms;
			continue;
		}
		HASH_DEL(line->asleep, waiter);
		waiter->opens_ms = 0;
		waiter_join(line, waiter);
	}
	line->opens_ms = later_ms;
}

void ota_line_pop(struct ota_line *line, uint64_t turn)
{
	struct ota_waiter *waiter = line->ready;

	HASH_DEL(line->ready, waiter);
	free(waiter);
	line->served_in = turn;
}

void ota_line_drop(struct ota_waiters *waiters, struct ota_line *line, uint64_t turn)
{
	if (line->served_in != turn) {
		line_free(waiters, line);
		return;
	}
	waiters_free(&line->ready);
	waiters_free(&line->asleep);
	line->opens_ms = INT64_MAX;
}
