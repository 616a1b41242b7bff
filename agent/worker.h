/*
 * Worker: one thread that does what blocks, one job at a time, and tells the loop how it went.
 *
 * The job is the worker's from start to done; the loop does not touch it meanwhile. stop() asks; done() comes in any case.
 */
#ifndef OTA_AGENT_WORKER_H
#define OTA_AGENT_WORKER_H

#include <uv.h>

#include "agent/ports/fetch.h"
#include "agent/ports/install.h"
#include "agent/ports/restart.h"

enum agent_job_kind {
	AGENT_JOB_VERSION,
	AGENT_JOB_FETCH,
	AGENT_JOB_INSTALL,
	AGENT_JOB_RESTART,
};

struct agent_job {
	enum agent_job_kind kind;
	/* What with. */
	struct ota_installer installer;
	struct agent_fetch fetch;
	struct ota_restarter restarter;
	/* What of. */
	size_t module; /* VERSION */
	struct agent_fetch_order order; /* FETCH; INSTALL and RESTART: its offer */
	char previous_version[OTA_VERSION_MAX + 1];
	char sha256[OTA_SHA256_HEX + 1];
	char module_name[OTA_MODULE_MAX + 1];
	/* How it went. */
	int code;
	struct ota_error error;
	struct agent_fetch_result fetched;
	char version[OTA_VERSION_MAX + 1];
};

struct agent_worker_events {
	void (*done)(void *context, const struct agent_job *job);
	void (*received)(void *context, uint64_t bytes);
	void (*line)(void *context, const char *line); /* a hook printed it */
	void *context;
};

struct agent_worker;

/* events are borrowed; all are called in the loop's thread. */
struct agent_worker *agent_worker_new(uv_loop_t *loop, const struct agent_worker_events *events, struct ota_error *error);
/* Closes its handles; the loop must run until they are closed before agent_worker_free(). Only when it is not busy. */
void agent_worker_close(struct agent_worker *worker);
struct agent_worker *agent_worker_free(struct agent_worker *worker);

/* The job is copied. Must not be busy. */
void agent_worker_start(struct agent_worker *worker, const struct agent_job *job);
void agent_worker_stop(struct agent_worker *worker);
bool agent_worker_is_busy(const struct agent_worker *worker);

#endif
