#include "plugin/store/keeper.h"

#include <limits.h>
#include <stdlib.h>

#include "common/file.h"
#include "plugin/store/db.h"
#include "plugin/store/thread.h"

struct ota_keeper {
	struct ota_db *db; /* the keeper's thread only */
	pthread_t thread;
	bool started;
	atomic_bool stop;
	pthread_mutex_t mutex; /* for all below */
	pthread_cond_t wake;
	bool copy_wanted, copying;
	uint64_t copied; /* of the present log, by the last copy */
	struct ota_error failure;
	uint64_t log_seen; /* the store's thread only */
};

/* --- the keeper's thread --- */

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

static bool keeper_wait(struct ota_keeper *keeper)
{
	pthread_mutex_lock(&keeper->mutex);
	while (!keeper->copy_wanted && !atomic_load(&keeper->stop))
		pthread_cond_wait(&keeper->wake, &keeper->mutex);
	pthread_mutex_unlock(&keeper->mutex);
	return !atomic_load(&keeper->stop);
}

static void *keeper_run(void *context)
{
	struct ota_keeper *keeper = context;

	while (keeper_wait(keeper))
		keeper_copy(keeper);
	return NULL;
}

/* --- others --- */

static int keeper_open(struct ota_keeper *keeper, const char *directory, struct ota_error *error)
{
	char path[PATH_MAX];
	int status = 0;

	if (!ota_file_join(path, sizeof(path), directory, OTA_STORE_FILE))
		return ota_fail(error, OTA_ELIMIT, "the store directory's name is too long");
	status = ota_db_open_beside(path, &keeper->db, error);
	if (status < 0)
		return status;
	ota_db_watch(keeper->db, &keeper->stop);
	status = ota_thread_start("ota-keeper", keeper_run, keeper, &keeper->thread, error);
	keeper->started = status == 0;
	return status;
}

int ota_keeper_start(const char *directory, struct ota_keeper **ret_keeper, struct ota_error *error)
{
	struct ota_keeper *keeper = calloc(1, sizeof(*keeper));
	int status = 0;

	if (!keeper)
		return ota_fail(error, OTA_ENOMEM, "no memory for the keeper");
	pthread_mutex_init(&keeper->mutex, NULL);
	pthread_cond_init(&keeper->wake, NULL);
	status = keeper_open(keeper, directory, error);
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
