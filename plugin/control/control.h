/*
 * Control: operators' commands. One table of commands (common/command.h) says who may do what with which members; one handler
 * each.
 *
 * Belongs to the worker's thread; runs inside the caller's open store transaction.
 */
#ifndef OTA_PLUGIN_CONTROL_CONTROL_H
#define OTA_PLUGIN_CONTROL_CONTROL_H

#include "common/bytes.h"
#include "common/log.h"
#include "common/stopwatch.h"
#include "common/time.h"
#include "plugin/fleet/engine.h"
#include "plugin/store/keeper.h"

struct ota_control;

/* What the broker's side knows and getServer tells. Counters since the start. */
struct ota_control_figures {
	int64_t queue_depth;
	int64_t journal_bytes, journal_limit_bytes;
	const struct ota_stopwatch *commit;    /* how long transactions take to become durable; NULL = unknown */
	const struct ota_stopwatch *callbacks; /* how long the broker's thread is kept, by event */
	const char *const *callback_names;
	size_t callback_count;
	uint64_t events;           /* reports and commands applied */
	uint64_t store_failures;   /* transactions that were rolled back */
	uint64_t coalesced;        /* steps of a progress that a later one of the same round made needless */
	uint64_t set_aside;        /* records that no retry would mend */
	uint64_t dropped_reports;  /* no place in the journal; at QoS 1 the device sends again */
	uint64_t dropped_pulls;
	uint64_t unsent;           /* messages whose connection had gone */
};

struct ota_control_options {
	struct ota_store *store;   /* borrowed, as the rest */
	struct ota_engine *engine;
	const struct ota_log *log;
	const char *package_dir; /* addPackage looks for the file there */
	const char *store_dir;   /* the key of device secrets is made there when the first one comes */
	int64_t started_ms;      /* wall */
	struct ota_keeper *keeper; /* NULL: no jobs */
	/* What an operator has to know now, for getServer; may be NULL. */
	void (*alarms)(void *context, struct ota_findings *findings);
	void *alarms_context;
	struct ota_control_figures (*figures)(void *context); /* may be NULL */
	void *figures_context;
};

int ota_control_new(const struct ota_control_options *options, struct ota_control **ret_control, struct ota_error *error);
struct ota_control *ota_control_free(struct ota_control *control); /* returns NULL */

/* At first start (no operator exists): makes the admin token, stores its hash, writes it to <directory>/admin.token, mode 0600.
 * Inside a transaction. */
int ota_control_bootstrap(struct ota_control *control, const char *directory, struct ota_instant now, struct ota_error *error);

/* Answers one request (docs/protocol.md section 2): every command gets its answer, in order; each runs in a savepoint of its own.
 * `caller` is the client id, for the log. Appends the whole answer payload to out. Fails only for errors of the store that need
 * the transaction to be rolled back and tried again. */
int ota_control_handle(struct ota_control *control, struct ota_span payload, const char *caller, struct ota_instant now,
		       struct ota_bytes *out, struct ota_error *error);

#endif
