/*
 * Waiters: the tasks of a batch whose devices are online and that wait for the batch alone: for a place, for the rate, or for its
 * window to open. Whoever waits is found again here, without a walk through the batch's rows. In memory: after a restart nobody
 * is online, and each comes back to the line when he connects. Belongs to the worker's thread.
 */
#ifndef OTA_PLUGIN_FLEET_WAITERS_H
#define OTA_PLUGIN_FLEET_WAITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

/* A hash keeps the order in which its entries came. */
struct ota_waiter {
	int64_t task_id;
	int64_t opens_ms; /* 0: ready */
	UT_hash_handle hh;
};

/* The line of one batch. */
struct ota_line {
	int64_t batch_id;
	int64_t due_at;     /* heard_ms: when the first who is ready is looked at, if nothing wakes the line before */
	int64_t opens_ms;   /* wall: the earliest window that opens; INT64_MAX: nobody waits for one */
	uint64_t served_in; /* the engine's last turn that took somebody out of it */
	struct ota_waiter *ready;  /* by task, first come first */
	struct ota_waiter *asleep; /* whose window is closed */
	UT_hash_handle hh;
};

/* Zero-initialise. */
struct ota_waiters {
	struct ota_line *lines; /* by batch, the one that was served longest ago first */
};

void ota_waiters_end(struct ota_waiters *waiters);

/* Joins the end of its batch's line; whoever is in it keeps his turn. opens_ms: wall, when his window opens; 0: he waits for a
 * place or the rate. 0 or OTA_ENOMEM. */
int ota_waiters_add(struct ota_waiters *waiters, int64_t batch_id, int64_t task_id, int64_t opens_ms);
/* Whether somebody is ready, whose turn comes before that of whoever comes now. */
bool ota_waiters_has_ready(const struct ota_waiters *waiters, int64_t batch_id);
/* The line is looked at in the next turn: a place is free. */
void ota_waiters_wake(struct ota_waiters *waiters, int64_t batch_id);
/* The same, and who waits for a window is ready: the batch was changed. */
void ota_waiters_renew(struct ota_waiters *waiters, int64_t batch_id);
/* Whoever waits for a window is ready: the clock was set, and what was computed by it holds no more. */
void ota_waiters_wake_all(struct ota_waiters *waiters);
/* heard_ms of what is due first, by the distance of the clocks; INT64_MAX: nothing. */
int64_t ota_waiters_next_due(const struct ota_waiters *waiters, int64_t wall_ahead_ms);

size_t ota_waiters_count(const struct ota_waiters *waiters); /* of lines */
/* The first line, which is now the last one; NULL if there is none. */
struct ota_line *ota_waiters_rotate(struct ota_waiters *waiters);
/* Those whose window has opened become ready. */
void ota_line_open(struct ota_line *line, int64_t wall_ms);
/* Takes out the one that is ready longest. */
void ota_line_pop(struct ota_line *line, uint64_t turn);
/* Nobody waits any more: the batch stands. The line itself stays while its last turn may still be rolled back. */
void ota_line_drop(struct ota_waiters *waiters, struct ota_line *line, uint64_t turn);

#endif
