#include "plugin/store/keeper.h"

#include <limits.h>
#include <stdlib.h>

#include "common/file.h"
#include "common/time.h"
#include "plugin/store/db.h"
#include "plugin/store/inspect.h"
#include "plugin/store/thread.h"

struct ota_keeper {
	struct ota_keeper_options options;
	struct ota_db *db; /* the keeper's thread only */
	pthread_t thread;
	bool started;
	atomic_bool stop;
	pthread_mutex_t mutex; /* for all below */
	pthread_cond_t wake;
	bool copy_wanted, copying;
	uint64_t copied; /* of the present log, by the last copy */
	struct ota_error failure;
	struct ota_job jobs[OTA_KEEPER_JOBS + 1];
	size_t last;       /* the newest of them: the only one that may run */
	uint64_t log_seen; /* the store's thread only */
};

const char *ota_job_kind_word(enum ota_job_kind kind)
{
	static const char *const words[OTA_JOB_KINDS] = {[OTA_JOB_BACKUP] = "backup", [OTA_JOB_CHECK] = "check"};

	return words[kind];
}

const char *ota_job_state_word(enum ota_job_state state)
{
	static const char *const words[OTA_JOB_STATES] = {
		[OTA_JOB_RUNNING] = "running",
		[OTA_JOB_DONE] = "done",
		[OTA_JOB_FAILED] = "failed",
	};

	return words[state];
}

/* --- the keeper's thread: the log --- */

static void keeper_copy(struct ota_keeper *keeper)
{
	struct ota_error error = {0};
	int status = 0;

	pthread_mutex_lock(&keeper->mutex);
	keeper->copy_wanted = false;
	keeper->copying = true;
	pthread_mutex_unlock(&keeper->mutex);
	status = ota_db_checkpoint(keeper->db, &error);
	pthread_mutex_lock(&keeper->mutex);
	keeper->copying = false;
	keeper->copied = status == 0 ? ota_db_copied_bytes(keeper->db) : 0;
	if (status < 0)
		keeper->failure = error;
	pthread_mutex_unlock(&keeper->mutex);
}

/* --- the keeper's thread: jobs --- */

static bool job_is_running(const struct ota_job *job)
{
	return job->order.id != 0 && job->state == OTA_JOB_RUNNING;
}

/* A long job lets the log be copied in between, except while it holds on to a moment of the database. */
static bool job_beat(void *context, int percent)
{
	struct ota_keeper *keeper = context;
	bool copy = false;

	pthread_mutex_lock(&keeper->mutex);
	keeper->jobs[keeper->last].progress = percent;
	copy = keeper->copy_wanted && !ota_db_is_in_transaction(keeper->db);
	pthread_mutex_unlock(&keeper->mutex);
	if (copy)
		keeper_copy(keeper);
	return !atomic_load(&keeper->stop);
}

static int backup_do(struct ota_keeper *keeper, struct ota_job *job, const struct ota_pulse *pulse, struct ota_error *error)
{
	const struct ota_backup_options options = {
		.directory = keeper->options.backup_dir,
		.name = job->order.name,
		.keep = job->order.keep,
		.now_ms = job->order.id,
		.keys = keeper->options.keys,
		.key_count = keeper->options.key_count,
		.pulse = pulse,
	};

	return ota_backup_make(keeper->db, &options, &job->backup, error);
}

static int check_do(struct ota_keeper *keeper, struct ota_job *job, const struct ota_pulse *pulse, struct ota_error *error)
{
	const struct ota_inspection inspection = {
		.package_dir = keeper->options.package_dir,
		.deep = job->order.deep,
		.pulse = pulse,
	};

	/* First what is quick: it tells most. */
	if (keeper->options.survey)
		keeper->options.survey(keeper->options.survey_context, &job->findings);
	return ota_inspect_store(keeper->db, &inspection, &job->findings, error);
}

typedef int job_doer(struct ota_keeper *keeper, struct ota_job *job, const struct ota_pulse *pulse, struct ota_error *error);

static void job_do(struct ota_keeper *keeper, struct ota_job *job)
{
	static job_doer *const doers[OTA_JOB_KINDS] = {[OTA_JOB_BACKUP] = backup_do, [OTA_JOB_CHECK] = check_do};
	const struct ota_pulse pulse = {job_beat, keeper};
	int status = doers[job->order.kind](keeper, job, &pulse, &job->error);

	job->state = status == 0 ? OTA_JOB_DONE : OTA_JOB_FAILED;
	job->progress = 100;
	job->ended_ms = ota_wall_ms();
}

/* On a copy, so that whoever asks meanwhile sees the job as it began and its progress. */
static void keeper_job(struct ota_keeper *keeper)
{
	struct ota_job *job = malloc(sizeof(*job));

	pthread_mutex_lock(&keeper->mutex);
	if (job)
		*job = keeper->jobs[keeper->last];
	pthread_mutex_unlock(&keeper->mutex);
	if (job)
		job_do(keeper, job);
	pthread_mutex_lock(&keeper->mutex);
	if (job)
		keeper->jobs[keeper->last] = *job;
	else
		keeper->jobs[keeper->last].state = OTA_JOB_FAILED;
	pthread_mutex_unlock(&keeper->mutex);
	free(job);
}

/* --- the keeper's thread --- */

enum keeper_call { CALL_STOP, CALL_COPY, CALL_JOB };

static enum keeper_call keeper_wait(struct ota_keeper *keeper)
{
	enum keeper_call call = CALL_STOP;

	pthread_mutex_lock(&keeper->mutex);
	while (!atomic_load(&keeper->stop) && !keeper->copy_wanted && !job_is_running(&keeper->jobs[keeper->last]))
		pthread_cond_wait(&keeper->wake, &keeper->mutex);
	if (!atomic_load(&keeper->stop))
		call = keeper->copy_wanted ? CALL_COPY : CALL_JOB;
	pthread_mutex_unlock(&keeper->mutex);
	return call;
}

static void *keeper_run(void *context)
{
	struct ota_keeper *keeper = context;
	enum keeper_call call = CALL_STOP;

	while ((call = keeper_wait(keeper)) != CALL_STOP) {
		if (call == CALL_COPY)
			keeper_copy(keeper);
		else
			keeper_job(keeper);
	}
	return NULL;
}

/* --- others --- */

static int keeper_open(struct ota_keeper *keeper, struct ota_error *error)
{
	char path[PATH_MAX];
	int status = 0;

	if (!ota_file_join(path, sizeof(path), keeper->options.store_dir, OTA_STORE_FILE))
		return ota_fail(error, OTA_ELIMIT, "the store directory's name is too long");
	status = ota_db_open_beside(path, &keeper->db, error);
	if (status < 0)
		return status;
	ota_db_watch(keeper->db, &keeper->stop);
	status = ota_thread_start("ota-keeper", keeper_run, keeper, &keeper->thread, error);
	keeper->started = status == 0;
	return status;
}

int ota_keeper_start(const struct ota_keeper_options *options, struct ota_keeper **ret_keeper, struct ota_error *error)
{
	struct ota_keeper *keeper = calloc(1, sizeof(*keeper));
	int status = 0;

	if (!keeper)
		return ota_fail(error, OTA_ENOMEM, "no memory for the keeper");
	keeper->options = *options;
	pthread_mutex_init(&keeper->mutex, NULL);
	pthread_cond_init(&keeper->wake, NULL);
	status = keeper_open(keeper, error);
	if (status < 0) {
		ota_keeper_stop(keeper);
		return ota_error_prefix(error, status, "keeper");
	}
	*ret_keeper = keeper;
	return 0;
}

struct ota_keeper *ota_keeper_stop(struct ota_keeper *keeper)
{
	if (!keeper)
		return NULL;
	pthread_mutex_lock(&keeper->mutex);
	atomic_store(&keeper->stop, true);
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->mutex);
	if (keeper->started)
		pthread_join(keeper->thread, NULL);
	ota_db_free(keeper->db);
	pthread_cond_destroy(&keeper->wake);
	pthread_mutex_destroy(&keeper->mutex);
	free(keeper);
	return NULL;
}

static void keeper_want_copy(struct ota_keeper *keeper)
{
	pthread_mutex_lock(&keeper->mutex);
	keeper->copy_wanted = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->mutex);
}

/* What nobody has copied of a log that long. One that got shorter was begun anew: nothing of it is copied. */
static uint64_t keeper_rest(struct ota_keeper *keeper, uint64_t log_bytes, bool *ret_busy)
{
	uint64_t rest = log_bytes;

	pthread_mutex_lock(&keeper->mutex);
	if (log_bytes < keeper->log_seen)
		keeper->copied = 0;
	if (keeper->copied <= log_bytes)
		rest -= keeper->copied;
	*ret_busy = keeper->copy_wanted || keeper->copying;
	pthread_mutex_unlock(&keeper->mutex);
	keeper->log_seen = log_bytes;
	return rest;
}

static int failure_take(struct ota_keeper *keeper, struct ota_error *error)
{
	struct ota_error failure;

	pthread_mutex_lock(&keeper->mutex);
	failure = keeper->failure;
	keeper->failure = (struct ota_error){0};
	pthread_mutex_unlock(&keeper->mutex);
	if (failure.code != 0 && error)
		*error = failure;
	return failure.code;
}

int ota_keeper_tend(struct ota_keeper *keeper, struct ota_store *store, bool idle, struct ota_error *error)
{
	uint64_t log_bytes = ota_store_log_bytes(store);
	bool too_long = log_bytes >= OTA_KEEPER_LOG_BYTES;
	bool busy = false;
	uint64_t rest = 0;

	if (!keeper)
		return idle || too_long ? ota_store_checkpoint(store, error) : 0;
	rest = keeper_rest(keeper, log_bytes, &busy);
	if (too_long && !busy && rest <= log_bytes / OTA_KEEPER_LAST_SHARE)
		return ota_store_checkpoint(store, error);
	if (idle || (too_long && !busy))
		keeper_want_copy(keeper);
	return failure_take(keeper, error);
}

static struct ota_job *job_find(struct ota_keeper *keeper, int64_t id)
{
	for (size_t i = 0; i <= OTA_KEEPER_JOBS; i++)
		if (keeper->jobs[i].order.id == id)
			return &keeper->jobs[i];
	return NULL;
}

int ota_keeper_order(struct ota_keeper *keeper, const struct ota_job_order *order, struct ota_error *error)
{
	struct ota_job *last = NULL;
	int status = 0;

	pthread_mutex_lock(&keeper->mutex);
	last = &keeper->jobs[keeper->last];
	if (job_find(keeper, order->id)) {
		status = 0;
	} else if (job_is_running(last)) {
		status = ota_fail(error, OTA_ECONFLICT, "a %s is running (job %lld): wait until it has ended",
				  ota_job_kind_word(last->order.kind), (long long)last->order.id);
	} else {
		keeper->last = (keeper->last + 1) % (OTA_KEEPER_JOBS + 1);
		keeper->jobs[keeper->last] = (struct ota_job){.order = *order, .started_ms = ota_wall_ms()};
		pthread_cond_signal(&keeper->wake);
	}
	pthread_mutex_unlock(&keeper->mutex);
	return status;
}

int ota_keeper_find_job(struct ota_keeper *keeper, int64_t id, struct ota_job *ret_job)
{
	const struct ota_job *job = NULL;

	pthread_mutex_lock(&keeper->mutex);
	job = id > 0 ? job_find(keeper, id) : NULL;
	if (job)
		*ret_job = *job;
	pthread_mutex_unlock(&keeper->mutex);
	return job ? 0 : OTA_ENOTFOUND;
}
