/*
 * Flow: where a running batch stands between its gates: the stage that is open, the rate that is spent, the places that were
 * given back. One row a batch, apart from the batch's own: it changes with each release. Times ending in _at are heard times, 0 =
 * none. See store.h for threads, transactions and errors.
 */
#ifndef OTA_PLUGIN_STORE_FLOW_H
#define OTA_PLUGIN_STORE_FLOW_H

#include "plugin/store/store.h"

struct ota_flow {
	int64_t batch_id;
	int64_t stage;         /* the last one that is open, from 0: those before it are, too */
	int64_t stage_at;      /* its deadline counts from here: its opening, later by the time the batch was paused */
	int64_t met_at;        /* since when its gate holds: the stage's soak counts from here */
	int64_t ramp_at;       /* when the batch began to run, or was resumed: the rate's ramp counts from here */
	int64_t spent_at_us;   /* heard microseconds: since then releases are saved up at the rate; 0 = none was made yet */
	int64_t parked;        /* tasks that gave their place back */
	int64_t confirmed_to;  /* an operator gave his word for all tasks with ids up to it */
	int64_t paused_at;     /* since when the batch is paused: the times above stand still */
	bool watched;          /* time alone may open a gate: a stage's soak or deadline, a start, a window */
};

/* Zeros, with the batch's id, when nothing was saved yet. */
int ota_flow_load(struct ota_store *store, int64_t batch_id, struct ota_flow *ret_flow, struct ota_error *error);
int ota_flow_save(struct ota_store *store, const struct ota_flow *flow, struct ota_error *error);
/* When a stage opened, for people. */
struct ota_stage_opening {
	int64_t stage;
	int64_t opened_ms; /* wall */
};
int ota_flow_insert_opening(struct ota_store *store, int64_t batch_id, const struct ota_stage_opening *opening,
			    struct ota_error *error);
/* Ascending stages. */
int ota_flow_list_openings(struct ota_store *store, int64_t batch_id, struct ota_stage_opening *rows, size_t capacity,
			   size_t *ret_count, struct ota_error *error);
/* Batches to look at as time passes, ascending ids after `after`. */
int ota_flow_list_watched(struct ota_store *store, int64_t after, int64_t *ids, size_t capacity, size_t *ret_count,
			  struct ota_error *error);

#endif
