/*
 * Tasks and attempts. Counters per batch, state and cause are kept with every insert and save. A partial unique index holds "at
 * most one unfinished task per device and module". See store.h for threads, transactions and errors. Times ending in _ms are wall
 * times, those ending in _at heard times, 0 = none.
 */
#ifndef OTA_PLUGIN_STORE_TASK_H
#define OTA_PLUGIN_STORE_TASK_H

#include "plugin/rules/task.h"
#include "plugin/rules/words.h"
#include "plugin/store/store.h"

struct ota_task {
	int64_t id;
	int64_t rev;
	int64_t batch_id;
	int64_t device_id;
	char module[OTA_MODULE_MAX + 1];
	int64_t package_id;
	int64_t stage; /* of its batch, from 0; never changes */
	char from_version[OTA_VERSION_MAX + 1]; /* what it ran when the attempt began; "" = never said */
	char version[OTA_VERSION_MAX + 1];      /* the target */
	enum ota_task_state state;
	enum ota_reason reason;
	enum ota_cause cause; /* of a final task; of a pending one in retry: why the last attempt failed */
	enum ota_mark mark;
	enum ota_task_phase phase;
	int64_t attempt; /* 0 until the first push */
	int step;        /* last progress of the attempt, -1000 = none */
	char desc[OTA_DESC_MAX + 1];
	char boot_id[OTA_BOOT_ID_MAX + 1]; /* the device's when the attempt was pushed */
	int64_t created_ms, updated_ms;
	int64_t pushes;           /* of this attempt */
	int64_t last_push_at;     /* heard */
	bool answered;            /* a non-negative report came after the last push */
	int64_t repush_at;        /* no further push before this */
	int64_t deadline_at;      /* the timer of the state: push, away, upgrade, reboot, retry or soak */
	int64_t deadline_left_ms; /* of a push timer that stands still while the device is away; then the away timer runs */
	bool confirmed;           /* an operator gave his word for it */
	bool parked;              /* pushed, but its device left so long ago that it holds no place of its batch */
	enum ota_ask ask;         /* whether its device was asked to give it up, and what it said */
	int64_t ask_until;        /* no answer by then is none; an index is on it */
	int64_t due_at;           /* the earliest instant at which the campaign clock must look; an index is on it */
};

struct ota_attempt {
	int64_t task_id;
	int64_t attempt;
	int64_t pushed_ms, started_ms, delivered_ms, ended_ms;
	enum ota_cause cause; /* of its end */
	char desc[OTA_DESC_MAX + 1];
	/* Counted by ota_attempt_add_transfer() alone. */
	int64_t bytes;      /* that the gateway sent */
	int64_t fetched_ms; /* when it had sent the last of the package for the first time, 0 = not yet */
	int64_t fetched_files; /* a bit for each file of it that was sent whole */
};

/* Counts it in its batch. OTA_ECONFLICT: its device's module has an unfinished one. */
int ota_task_insert(struct ota_store *store, const struct ota_task *task, struct ota_error *error);
/* The same for one of many pending ones: it is counted with the others, by ota_batch_add_pending() before the commit. */
int ota_task_add(struct ota_store *store, const struct ota_task *task, struct ota_error *error);
int ota_task_load(struct ota_store *store, int64_t id, struct ota_task *ret_task, struct ota_error *error);
/* Saves everything that may change under rev (raised in *task); before = the row as loaded, for the counters. A final `before`
 * may only change its mark. */
int ota_task_save(struct ota_store *store, const struct ota_task *before, struct ota_task *task, struct ota_error *error);

/* The unfinished task of a device's module. */
int ota_task_find_unfinished(struct ota_store *store, int64_t device_id, const char *module, struct ota_task *ret_task,
			     struct ota_error *error);
/* The pushed or upgrading task of a device, whatever module. */
int ota_task_find_active(struct ota_store *store, int64_t device_id, struct ota_task *ret_task, struct ota_error *error);
/* The newest task of a device's module, final or not. */
int ota_task_find_latest(struct ota_store *store, int64_t device_id, const char *module, struct ota_task *ret_task,
			 struct ota_error *error);
/* All unfinished tasks of a device, oldest first. */
int ota_task_list_unfinished(struct ota_store *store, int64_t device_id, struct ota_task *rows, size_t capacity,
			     size_t *ret_count, struct ota_error *error);
/* due_at in 1..heard_ms, earliest first. */
int ota_task_due(struct ota_store *store, int64_t heard_ms, struct ota_task *rows, size_t capacity, size_t *ret_count,
		 struct ota_error *error);
/* ask_until in 1..heard_ms, earliest first. */
int ota_task_unanswered(struct ota_store *store, int64_t heard_ms, struct ota_task *rows, size_t capacity, size_t *ret_count,
			struct ota_error *error);
/* Of both. */
int ota_task_next_due(struct ota_store *store, int64_t *ret_heard_ms, struct ota_error *error); /* INT64_MAX: none */
struct ota_task_filter {
	int64_t batch_id;
	int state;     /* enum ota_task_state, < 0 = any */
	int64_t after; /* ids above this */
};
/* Tasks of a batch in ascending ids. */
int ota_task_list(struct ota_store *store, const struct ota_task_filter *filter, struct ota_task *rows, size_t capacity,
		  size_t *ret_count, struct ota_error *error);
/* Pushed and upgrading tasks of a batch in ascending ids above `after`. */
int ota_task_list_active(struct ota_store *store, int64_t batch_id, int64_t after, struct ota_task *rows, size_t capacity,
			 size_t *ret_count, struct ota_error *error);
int ota_task_list_of_device(struct ota_store *store, int64_t device_id, struct ota_task *rows, size_t capacity, size_t *ret_count,
			    struct ota_error *error); /* newest first */
/* Tasks by state, over all batches: sums of kept counts. */
int ota_task_count_states(struct ota_store *store, int64_t counts[OTA_TASK_STATES], struct ota_error *error);
/* How often a device was in a batch, and the newest of its tasks there, 0 = none. */
struct ota_task_visits {
	int64_t count, newest;
};
int ota_task_count_visits(struct ota_store *store, int64_t device_id, int64_t batch_id, struct ota_task_visits *ret_visits,
			  struct ota_error *error);
/* From which versions a batch took those that have its version or are on their way to it, the most frequent first: of at most
 * `looked_at` of them, because a batch may have a million. */
struct ota_task_origin {
	char version[OTA_VERSION_MAX + 1];
	int64_t count;
};
int ota_task_list_origins(struct ota_store *store, int64_t batch_id, int64_t looked_at, struct ota_task_origin *rows,
			  size_t capacity, size_t *ret_count, struct ota_error *error);
struct ota_conflict_scope {
	int64_t batch_id; /* whose own tasks are none */
	const char *product_key;
	const char *module;
	bool all_devices; /* of the product; else the batch's target list */
};
/* Devices whose module has an unfinished task of another batch: the count and the first names found. All devices: read from the
 * kept counts. A target list: two look-ups a name, and none while the product has no unfinished task of that module at all. */
int ota_task_count_conflicts(struct ota_store *store, const struct ota_conflict_scope *scope, int64_t *ret_count,
			     char (*ret_names)[OTA_DEVICE_NAME_MAX + 1], size_t capacity, size_t *ret_named,
			     struct ota_error *error);
/* A batch of the same module that is still being prepared for some of these devices: their tasks are not there yet, so
 * ota_task_count_conflicts() cannot see them. OTA_ENOTFOUND: none. */
int ota_batch_find_preparing(struct ota_store *store, const struct ota_conflict_scope *scope, int64_t *ret_batch_id,
			     struct ota_error *error);

/* Inserts, or replaces all but what transfers count. */
int ota_attempt_save(struct ota_store *store, const struct ota_attempt *attempt, struct ota_error *error);
/* Adds bytes of one file of the package; whole_ms > 0: they ended with its last. *ret_first: now every file was whole once, for
 * the first time. OTA_ENOTFOUND. */
struct ota_attempt_bytes {
	int64_t task_id, number;
	int64_t bytes, whole_ms;
	size_t file, file_count; /* the one it was, from 0, of so many */
};
int ota_attempt_add_transfer(struct ota_store *store, const struct ota_attempt_bytes *more, bool *ret_first,
			     struct ota_error *error);
int ota_attempt_find(struct ota_store *store, int64_t task_id, int64_t number, struct ota_attempt *ret_attempt,
		     struct ota_error *error);
int ota_attempt_list(struct ota_store *store, int64_t task_id, struct ota_attempt *rows, size_t capacity, size_t *ret_count,
		     struct ota_error *error);

#endif
