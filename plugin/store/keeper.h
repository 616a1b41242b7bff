/*
 * Keeper: a thread beside the worker, with a connection of its own to the open store, for what takes long. It copies the
 * write-ahead log into the database while the worker goes on writing, and does the jobs that operators ask for: backups and
 * checks.
 *
 * Thread rule: started after the store was opened and stopped before it is closed, by whoever does that; ota_keeper_tend()
 * belongs to the store's thread, between two transactions; the rest to any.
 */
#ifndef OTA_PLUGIN_STORE_KEEPER_H
#define OTA_PLUGIN_STORE_KEEPER_H

#include "plugin/store/job.h"
#include "plugin/store/store.h"

/* The log is copied when the store's thread is idle, and beyond this size in the middle of work. */
#define OTA_KEEPER_LOG_BYTES ((uint64_t)64 * 1024 * 1024)
/*
 * The log begins again at its start only when a transaction finds all of it copied, and while another thread copies, the worker
 * writes on. So the last piece is the worker's own: when this share of the log or less is left (1 of 64 MiB), it copies that
 * itself between two transactions, in milliseconds.
 */
enum { OTA_KEEPER_LAST_SHARE = 64 };

enum { OTA_KEEPER_JOBS = 8 }; /* that ended and are remembered */

struct ota_keeper;

/* All borrowed for the keeper's life. */
struct ota_keeper_options {
	const char *store_dir;
	const char *backup_dir;
	const char *package_dir;
	const struct ota_key_file *keys;
	size_t key_count;
	/* The part of a check that looks at what is not the store's; NULL = none. On the keeper's thread. */
	void (*survey)(void *context, struct ota_findings *findings);
	void *survey_context;
};

/* Errors: those of opening a store; the thread has every signal blocked. */
int ota_keeper_start(const struct ota_keeper_options *options, struct ota_keeper **ret_keeper, struct ota_error *error);
/* Ends what it does at once and joins it. NULL is fine; returns NULL. */
struct ota_keeper *ota_keeper_stop(struct ota_keeper *keeper);

/* Sees to it that the store's log is copied: at once when idle, and whenever it grew too long. Reports, once, that an earlier
 * copy failed; the log then grows on and is tried again. keeper NULL: the caller's thread copies. */
int ota_keeper_tend(struct ota_keeper *keeper, struct ota_store *store, bool idle, struct ota_error *error);

/* Starts a job; one at a time (OTA_ECONFLICT names the one that runs). An order whose id the keeper has is fine already. */
int ota_keeper_order(struct ota_keeper *keeper, const struct ota_job_order *order, struct ota_error *error);
/* A copy of what is known about a job. OTA_ENOTFOUND, without filling error: never heard of, or forgotten: the last few are kept,
 * and none beyond a restart. */
int ota_keeper_find_job(struct ota_keeper *keeper, int64_t id, struct ota_job *ret_job);

#endif
