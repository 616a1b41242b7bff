#include "agent/worker.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/text.h"

enum { LINES_MAX = 256 * 1024 }; /* bytes of a hook's lines that wait for the loop; more are dropped */

struct agent_worker {
	const struct agent_worker_events *events;
	uv_loop_t *loop;
	uv_work_t work;
	uv_async_t news;
	struct agent_job job;
	bool busy;
	int stop_fd;
	/* From the worker's thread to the loop's. */
	atomic_ullong received;
	pthread_mutex_t mutex;
	struct ota_bytes lines; /* each ended by a NUL */
};

/* --- in the worker's thread ------------------------------------------------------------------------------------------------- */

static void worker_on_received(void *context, uint64_t bytes)
{
	struct agent_worker *worker = context;

	atomic_store(&worker->received, bytes);
	uv_async_send(&worker->news);
}

static void worker_on_line(void *context, const char *line)
{
	struct agent_worker *worker = context;

	pthread_mutex_lock(&worker->mutex);
	if (worker->lines.size + strlen(line) < LINES_MAX)
		ota_bytes_append(&worker->lines, line, strlen(line) + 1);
	pthread_mutex_unlock(&worker->mutex);
	uv_async_send(&worker->news);
}

/* path[PATH_MAX]: where the download stands, or will. */
static struct ota_image job_image(const struct agent_job *job, char *path)
{
	const struct ota_offer *offer = &job->order.offer;

	job->fetch.path(job->fetch.context, offer->module, path);
	return (struct ota_image){
		.path = path,
		.module = offer->module,
		.version = offer->version,
		.previous_version = job->previous_version,
		.size = offer->size,
		.sha256 = job->sha256,
	};
}

static void job_install(struct agent_job *job, const struct agent_watch *watch)
{
	char path[PATH_MAX];
	const struct ota_image image = job_image(job, path);

	job->code = job->installer.install(job->installer.context, &image, watch, &job->error);
}

/* What would have no room once it is here need not come. */
static void job_fetch(struct agent_job *job, const struct agent_watch *watch)
{
	char path[PATH_MAX];
	const struct ota_image image = job_image(job, path);
	struct ota_error error = {0};

	if (!job->installer.room || !job->installer.room(job->installer.context, &image, &error)) {
		job->fetch.run(job->fetch.context, &job->order, watch, &job->fetched);
		return;
	}
	job->fetched = (struct agent_fetch_result){.outcome = AGENT_FETCH_PERMANENT};
	ota_text_cut(job->fetched.text, sizeof(job->fetched.text), error.text);
}

static void worker_run(uv_work_t *work)
{
	struct agent_worker *worker = work->data;
	struct agent_job *job = &worker->job;
	const struct agent_watch watch = {
		.stop_fd = worker->stop_fd, .received = worker_on_received, .line = worker_on_line, .context = worker};

	switch (job->kind) {
	case AGENT_JOB_VERSION:
		job->code = job->installer.version(job->installer.context, job->module_name, &watch, job->version, &job->error);
		break;
	case AGENT_JOB_FETCH:
		job_fetch(job, &watch);
		break;
	case AGENT_JOB_INSTALL:
		job_install(job, &watch);
		break;
	case AGENT_JOB_RESTART:
		job->code = job->restarter.restart(job->restarter.context, job->order.offer.module, job->order.offer.version,
						   &watch, &job->error);
		break;
	}
	/* Some authors of installers return a code and leave the record empty. */
	if (job->code && !job->error.code)
		ota_fail(&job->error, job->code, "failed with code %d", job->code);
}

/* --- in the loop's thread --------------------------------------------------------------------------------------------------- */

static void worker_tell_lines(struct agent_worker *worker)
{
	OTA_AUTO_BYTES struct ota_bytes lines = {0};

	pthread_mutex_lock(&worker->mutex);
	lines = worker->lines;
	worker->lines = (struct ota_bytes){0};
	pthread_mutex_unlock(&worker->mutex);
	for (size_t at = 0; at < lines.size; at += strlen(lines.data + at) + 1)
		worker->events->line(worker->events->context, lines.data + at);
}

static void worker_on_news(uv_async_t *news)
{
	struct agent_worker *worker = news->data;
	uint64_t received = atomic_exchange(&worker->received, 0);

	worker_tell_lines(worker);
	if (received && worker->busy)
		worker->events->received(worker->events->context, received);
}

static void worker_forget_stop(struct agent_worker *worker)
{
	uint64_t count;
	ssize_t ignored = read(worker->stop_fd, &count, sizeof(count));

	(void)ignored;
}

static void worker_on_done(uv_work_t *work, int status)
{
	struct agent_worker *worker = work->data;
	const struct agent_job job = worker->job; /* done() may start the next one */

	(void)status;
	worker_on_news(&worker->news);
	worker->busy = false;
	worker->events->done(worker->events->context, &job);
}

struct agent_worker *agent_worker_new(uv_loop_t *loop, const struct agent_worker_events *events, struct ota_error *error)
{
	struct agent_worker *worker = calloc(1, sizeof(*worker));

	if (!worker) {
		ota_fail(error, OTA_ENOMEM, "no memory for a worker");
		return NULL;
	}
	worker->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->stop_fd < 0 || uv_async_init(loop, &worker->news, worker_on_news)) {
		ota_fail_errno(error, "no descriptors for a worker");
		if (worker->stop_fd >= 0)
			close(worker->stop_fd);
		free(worker);
		return NULL;
	}
	pthread_mutex_init(&worker->mutex, NULL);
	worker->events = events;
	worker->loop = loop;
	worker->work.data = worker->news.data = worker;
	return worker;
}

void agent_worker_close(struct agent_worker *worker)
{
	uv_close((uv_handle_t *)&worker->news, NULL);
}

struct agent_worker *agent_worker_free(struct agent_worker *worker)
{
	if (!worker)
		return NULL;
	assert(!worker->busy);
	ota_bytes_free(&worker->lines);
	pthread_mutex_destroy(&worker->mutex);
	close(worker->stop_fd);
	free(worker);
	return NULL;
}

void agent_worker_start(struct agent_worker *worker, const struct agent_job *job)
{
	assert(!worker->busy);
	worker_forget_stop(worker); /* one that came too late for the last job */
	worker->job = *job;
	worker->busy = true;
	atomic_store(&worker->received, 0);
	uv_queue_work(worker->loop, &worker->work, worker_run, worker_on_done);
}

void agent_worker_stop(struct agent_worker *worker)
{
	const uint64_t one = 1;
	ssize_t ignored = write(worker->stop_fd, &one, sizeof(one));

	(void)ignored;
}

bool agent_worker_is_busy(const struct agent_worker *worker)
{
	return worker->busy;
}
