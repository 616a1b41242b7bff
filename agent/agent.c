#include "agent/agent.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "agent/adapters/fetch_curl.h"
#include "agent/adapters/mqtt.h"
#include "agent/adapters/store_file.h"
#include "agent/hands.h"
#include "agent/once.h"
#include "agent/options.h"
#include "agent/status.h"
#include "agent/worker.h"
#include "common/file.h"
#include "common/text.h"
#include "common/time.h"

enum {
	STATE_DIR_MODE = 0700,
	FLUSH_MS = OTA_SECOND_MS,         /* at the end, for reports the broker has not acknowledged */
	LAST_REPORT_MS = 2 * OTA_SECOND_MS, /* before a restart, for the acknowledgement of the 100 */
};

struct ota_agent {
	struct agent_hands hands;
	struct agent_curl_options curl_options;
	struct agent_mqtt_options mqtt_options;
	struct agent_mqtt_events mqtt_events;
	struct agent_worker_events worker_events;
	struct agent_curl *curl;
	struct agent_mqtt *mqtt;
	struct agent_worker *worker;
	int lock_fd;
	int stop_fd;
	struct ota_agent_observer observer;
	bool is_ready;
	char status[AGENT_STATUS_SIZE]; /* as it was told last */
	char away[AGENT_STATUS_SIZE];   /* why there is no connection */
	bool is_once;
	struct agent_once once;
	int64_t once_settle_ms, once_timeout_ms;

	uv_loop_t loop;
	uv_timer_t timer;      /* the core's */
	uv_timer_t last_timer; /* how long a wanted restart waits for the last report */
	uv_timer_t alive_timer;
	uv_timer_t settle_timer;  /* once: for a push to come */
	uv_timer_t timeout_timer; /* once: for all of it */
	uv_poll_t link_poll;
	uv_poll_t stop_poll;
	bool ending;
	bool restart_wanted;
	int result;
	struct ota_error *error;
};

static void agent_log(const struct ota_agent *agent, enum ota_log_level level, const char *word, const char *text)
{
	struct ota_log_line line;

	ota_log_begin(&line, level, word);
	ota_log_text(&line, "text", text);
	ota_log_end(agent->hands.log, &line);
}

/* --- the end ---------------------------------------------------------------------------------------------------------------- */

static void agent_close_handles(struct ota_agent *agent)
{
	uv_handle_t *handles[] = {(uv_handle_t *)&agent->timer, (uv_handle_t *)&agent->last_timer,
				  (uv_handle_t *)&agent->link_poll, (uv_handle_t *)&agent->stop_poll,
				  (uv_handle_t *)&agent->alive_timer, (uv_handle_t *)&agent->settle_timer,
				  (uv_handle_t *)&agent->timeout_timer};

	for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++)
		if (handles[i]->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handles[i]))
			uv_close(handles[i], NULL);
	if (agent->worker)
		agent_worker_close(agent->worker);
}

/* A job under way is asked to stop first; its done() comes back here. */
static void agent_end(struct ota_agent *agent, int result)
{
	if (agent->ending)
		return;
	agent->result = result;
	agent->ending = true;
	/* A restart may be this very program's again, which goes on serving. */
	if (result != OTA_AGENT_RESTART && agent->observer.stopping)
		agent->observer.stopping(agent->observer.context);
	if (agent_worker_is_busy(agent->worker))
		agent_worker_stop(agent->worker);
	else
		agent_close_handles(agent);
}

static void agent_end_if_heard(struct ota_agent *agent)
{
	if (agent->restart_wanted && !agent->ending && !(agent->hands.core.report.pending && agent->hands.core.link_up))
		agent_end(agent, OTA_AGENT_RESTART);
}

static void agent_on_last_timer(uv_timer_t *timer)
{
	agent_end(timer->data, OTA_AGENT_RESTART);
}

static void agent_on_stop(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	uv_poll_stop(poll);
	agent_end(poll->data, 0);
}

/* --- once ------------------------------------------------------------------------------------------------------------------- */

static void agent_end_once(struct ota_agent *agent)
{
	agent_end(agent, agent->hands.core.failed ? OTA_AGENT_FAILED : 0);
}

static void agent_on_settled(uv_timer_t *timer)
{
	agent_end_once(timer->data);
}

static void agent_on_timeout(uv_timer_t *timer)
{
	struct ota_agent *agent = timer->data;

	agent_log(agent, OTA_LOG_ERROR, "timeout", agent->status);
	agent_end(agent, OTA_AGENT_FAILED);
}

static void agent_look_once(struct ota_agent *agent)
{
	switch (agent_once_look(&agent->once, &agent->hands.core)) {
	case AGENT_ONCE_GO_ON:
		uv_timer_stop(&agent->settle_timer);
		break;
	case AGENT_ONCE_SETTLE:
		if (!uv_is_active((uv_handle_t *)&agent->settle_timer))
			uv_timer_start(&agent->settle_timer, agent_on_settled, (uint64_t)agent->once_settle_ms, 0);
		break;
	case AGENT_ONCE_END:
		agent_end_once(agent);
		break;
	}
}

/* --- after each event ------------------------------------------------------------------------------------------------------- */

static void agent_tell_observer(struct ota_agent *agent)
{
	const struct ota_agent_observer *observer = &agent->observer;
	char status[AGENT_STATUS_SIZE];

	if (!agent->is_ready && agent->hands.core.state != AGENT_STARTING) {
		agent->is_ready = true;
		if (observer->ready)
			observer->ready(observer->context);
	}
	agent_status_print(status, &agent->hands.core, agent->away);
	if (!strcmp(status, agent->status))
		return;
	ota_text_cut(agent->status, sizeof(agent->status), status);
	if (observer->status)
		observer->status(observer->context, status);
}

static void agent_look(struct ota_agent *agent)
{
	agent_tell_observer(agent);
	agent_end_if_heard(agent);
	if (agent->is_once && !agent->ending)
		agent_look_once(agent);
}

static void agent_on_alive(uv_timer_t *timer)
{
	const struct ota_agent *agent = timer->data;

	agent->observer.alive(agent->observer.context);
}

/* --- what the hands need of the loop ---------------------------------------------------------------------------------------- */

static void agent_tell(struct ota_agent *agent, const struct agent_event *event)
{
	if (agent->ending)
		return;
	agent_hands_event(&agent->hands, event);
	agent_look(agent);
}

static void agent_job_start(void *context, const struct agent_job *job)
{
	struct ota_agent *agent = context;

	if (!agent->ending)
		agent_worker_start(agent->worker, job);
}

static void agent_job_stop(void *context)
{
	struct ota_agent *agent = context;

	agent_worker_stop(agent->worker);
}

static void agent_on_timer(uv_timer_t *timer)
{
	const struct agent_event event = {.kind = AGENT_EVENT_TIMER};

	agent_tell(timer->data, &event);
}

static void agent_set_timer(void *context, int64_t due_ms)
{
	struct ota_agent *agent = context;
	int64_t in_ms = due_ms - ota_boot_ms();

	uv_update_time(&agent->loop);
	uv_timer_start(&agent->timer, agent_on_timer, in_ms > 0 ? (uint64_t)in_ms : 0, 0);
}

static void agent_want_restart(void *context)
{
	struct ota_agent *agent = context;

	agent->restart_wanted = true;
	uv_update_time(&agent->loop);
	uv_timer_start(&agent->last_timer, agent_on_last_timer, LAST_REPORT_MS, 0);
}

static void agent_on_broken(void *context, const struct ota_error *error)
{
	struct ota_agent *agent = context;

	if (agent->error)
		*agent->error = *error;
	agent_end(agent, error->code);
}

/* --- worker ----------------------------------------------------------------------------------------------------------------- */

static void agent_on_done(void *context, const struct agent_job *job)
{
	struct ota_agent *agent = context;

	if (agent->ending) {
		/* How the job ended is told again by the next start, which finds it begun on disk. */
		agent_close_handles(agent);
		return;
	}
	agent_hands_done(&agent->hands, job);
	agent_look(agent);
}

static void agent_on_received(void *context, uint64_t bytes)
{
	const struct agent_event event = {.kind = AGENT_EVENT_RECEIVED, .bytes = bytes};

	agent_tell(context, &event);
}

static void agent_on_line(void *context, const char *text)
{
	agent_log(context, OTA_LOG_INFO, "hook", text);
}

/* --- link ------------------------------------------------------------------------------------------------------------------- */

static void agent_on_up(void *context)
{
	const struct agent_event event = {.kind = AGENT_EVENT_UP};
	struct ota_agent *agent = context;

	struct ota_log_line line;

	ota_log_begin(&line, OTA_LOG_INFO, "connected");
	ota_log_identity(&line, agent->mqtt_options.identity.product_key, agent->mqtt_options.identity.device_name);
	ota_log_text(&line, "broker", agent->mqtt_options.broker);
	ota_log_end(agent->hands.log, &line);
	agent_tell(agent, &event);
}

static void agent_on_down(void *context, const char *reason, int64_t retry_ms)
{
	const struct agent_event event = {.kind = AGENT_EVENT_DOWN};
	struct ota_agent *agent = context;
	struct ota_log_line line;

	ota_log_begin(&line, OTA_LOG_WARNING, "not_connected");
	ota_log_text(&line, "text", reason);
	ota_log_integer(&line, "retry_ms", retry_ms);
	ota_log_end(agent->hands.log, &line);
	ota_text_cut(agent->away, sizeof(agent->away), reason);
	agent_tell(agent, &event);
}

static void agent_on_offer(void *context, const struct ota_offer *offer, const char *fault)
{
	const struct agent_event event = {.kind = AGENT_EVENT_OFFER, .offer = offer, .fault = fault};

	agent_tell(context, &event);
}

static void agent_on_cancel(void *context, int64_t batch, int64_t attempt)
{
	const struct agent_event event = {.kind = AGENT_EVENT_CANCEL, .cancel = {.batch = batch, .attempt = attempt}};

	agent_tell(context, &event);
}

static void agent_on_acknowledged(void *context, uint32_t number)
{
	const struct agent_event event = {.kind = AGENT_EVENT_ACKNOWLEDGED, .number = number};

	agent_tell(context, &event);
}

static void agent_on_strange(void *context, const char *what)
{
	agent_log(context, OTA_LOG_WARNING, "strange_message", what);
}

static void agent_on_link(uv_poll_t *poll, int status, int events)
{
	struct ota_agent *agent = poll->data;

	(void)status, (void)events;
	agent_mqtt_dispatch(agent->mqtt);
}

/* The report port's connect, and the watch on what comes back. */
static int agent_connect(void *context, struct ota_error *error)
{
	struct ota_agent *agent = context;
	const struct agent_reporter port = agent_mqtt_port(agent->mqtt);
	int rc = port.connect(port.context, error);

	if (rc)
		return rc;
	if (uv_poll_init(&agent->loop, &agent->link_poll, agent_mqtt_fd(agent->mqtt)) ||
	    uv_poll_start(&agent->link_poll, UV_READABLE, agent_on_link))
		return ota_fail(error, OTA_EIO, "cannot watch the connection");
	agent->link_poll.data = agent;
	return 0;
}

static void agent_inform(void *context, const struct ota_inform *inform)
{
	struct ota_agent *agent = context;
	const struct agent_reporter port = agent_mqtt_port(agent->mqtt);

	port.inform(port.context, inform);
}

static void agent_progress(void *context, const struct ota_progress *progress, int qos, uint32_t number)
{
	struct ota_agent *agent = context;
	const struct agent_reporter port = agent_mqtt_port(agent->mqtt);

	port.progress(port.context, progress, qos, number);
}

/* --- making one ------------------------------------------------------------------------------------------------------------- */

static int agent_take_modules(struct ota_agent *agent, const struct ota_agent_options *options, struct ota_error *error)
{
	const char *names[AGENT_MODULES_MAX];
	const struct agent_limits limits = agent_options_limits(options);

	for (size_t i = 0; i < options->module_count && i < AGENT_MODULES_MAX; i++) {
		names[i] = options->modules[i].name;
		agent->hands.installers[i] = options->modules[i].installer;
	}
	return agent_core_init(&agent->hands.core, names, options->module_count, &limits, error);
}

static int agent_open_state_dir(struct ota_agent *agent, const char *state_dir, struct ota_error *error)
{
	int rc = ota_file_make_directories(state_dir, STATE_DIR_MODE, error);

	return rc ? rc : ota_file_lock(state_dir, "lock", &agent->lock_fd, error);
}

static int agent_make_parts(struct ota_agent *agent, const struct ota_agent_options *options, struct ota_error *error)
{
	struct agent_hands *hands = &agent->hands;

	agent->mqtt_events = (struct agent_mqtt_events){
		.up = agent_on_up,
		.down = agent_on_down,
		.offer = agent_on_offer,
		.cancel = agent_on_cancel,
		.acknowledged = agent_on_acknowledged,
		.strange = agent_on_strange,
		.context = agent,
	};
	agent->worker_events = (struct agent_worker_events){
		.done = agent_on_done, .received = agent_on_received, .line = agent_on_line, .context = agent};
	agent->curl_options = agent_options_curl(options);
	agent->mqtt_options = agent_options_mqtt(options);
	agent->curl = agent_curl_new(&agent->curl_options, error);
	agent->mqtt = agent->curl ? agent_mqtt_new(&agent->mqtt_options, &agent->mqtt_events, error) : NULL;
	if (!agent->mqtt)
		return OTA_ENOMEM;
	hands->store = agent_store_file(options->state_dir);
	hands->fetch = agent_curl_port(agent->curl);
	hands->reporter = (struct agent_reporter){
		.connect = agent_connect, .inform = agent_inform, .progress = agent_progress, .context = agent};
	hands->restarter = options->restarter;
	hands->log = options->log;
	hands->job_start = agent_job_start;
	hands->job_stop = agent_job_stop;
	hands->timer = agent_set_timer;
	hands->restart = agent_want_restart;
	hands->broken = agent_on_broken;
	hands->context = agent;
	return 0;
}

int ota_agent_new(const struct ota_agent_options *options, struct ota_agent **ret_agent, struct ota_error *error)
{
	struct ota_agent *agent = calloc(1, sizeof(*agent));
	int rc;

	if (!agent)
		return ota_fail(error, OTA_ENOMEM, "no memory for an agent");
	agent->lock_fd = -1;
	agent->stop_fd = options->stop_fd > 0 ? options->stop_fd : -1;
	if (options->observer)
		agent->observer = *options->observer;
	agent->is_once = options->once;
	agent->once_settle_ms = options->once_settle_ms ? options->once_settle_ms : 10 * OTA_SECOND_MS;
	agent->once_timeout_ms = options->once_timeout_ms ? options->once_timeout_ms : OTA_HOUR_MS;
	rc = agent_options_check(options, error);
	rc = rc ? rc : agent_take_modules(agent, options, error);
	rc = rc ? rc : agent_open_state_dir(agent, options->state_dir, error);
	rc = rc ? rc : agent_make_parts(agent, options, error);
	if (rc) {
		ota_agent_free(agent);
		return rc;
	}
	*ret_agent = agent;
	return 0;
}

struct ota_agent *ota_agent_free(struct ota_agent *agent)
{
	if (!agent)
		return NULL;
	agent_mqtt_free(agent->mqtt, 0);
	agent_curl_free(agent->curl);
	ota_fd_cleanup(&agent->lock_fd);
	free(agent);
	return NULL;
}

int ota_agent_forget(struct ota_agent *agent, const char *module,
		     void (*forgotten)(void *context, const char *module, const char *version, const char *reason),
		     void *context, struct ota_error *error)
{
	struct agent_refusals *refusals = &agent->hands.core.refusals;

	agent_hands_load(&agent->hands);
	for (size_t i = 0; forgotten && i < refusals->count; i++)
		if (!module || !strcmp(refusals->list[i].module, module))
			forgotten(context, refusals->list[i].module, refusals->list[i].version, refusals->list[i].desc);
	agent_refusals_forget(refusals, module);
	return agent_hands_save(&agent->hands, error);
}

/* --- running ---------------------------------------------------------------------------------------------------------------- */

static void agent_open_timers(struct ota_agent *agent)
{
	uv_timer_t *timers[] = {&agent->timer, &agent->last_timer, &agent->alive_timer, &agent->settle_timer,
				&agent->timeout_timer};

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		uv_timer_init(&agent->loop, timers[i]);
		timers[i]->data = agent;
	}
	if (agent->observer.alive && agent->observer.alive_ms > 0)
		uv_timer_start(&agent->alive_timer, agent_on_alive, 0, (uint64_t)agent->observer.alive_ms);
	if (agent->is_once)
		uv_timer_start(&agent->timeout_timer, agent_on_timeout, (uint64_t)agent->once_timeout_ms, 0);
}

static int agent_open_handles(struct ota_agent *agent, struct ota_error *error)
{
	agent_open_timers(agent);
	agent->worker = agent_worker_new(&agent->loop, &agent->worker_events, error);
	if (!agent->worker)
		return OTA_EIO;
	if (agent->stop_fd < 0)
		return 0;
	if (uv_poll_init(&agent->loop, &agent->stop_poll, agent->stop_fd) ||
	    uv_poll_start(&agent->stop_poll, UV_READABLE, agent_on_stop))
		return ota_fail(error, OTA_EINVALID, "stop_fd cannot be polled");
	agent->stop_poll.data = agent;
	return 0;
}

int ota_agent_run(struct ota_agent *agent, struct ota_error *error)
{
	int rc;

	if (uv_loop_init(&agent->loop))
		return ota_fail(error, OTA_EIO, "no event loop");
	agent->error = error;
	rc = agent_open_handles(agent, error);
	if (rc) {
		agent->result = rc;
		agent_close_handles(agent);
	} else {
		agent_hands_load(&agent->hands);
		agent_hands_begin(&agent->hands);
	}
	uv_run(&agent->loop, UV_RUN_DEFAULT);
	/* The link outlives the loop by the time its last reports may take. */
	agent->mqtt = agent_mqtt_free(agent->mqtt, FLUSH_MS);
	agent->worker = agent_worker_free(agent->worker);
	uv_loop_close(&agent->loop);
	return agent->result;
}
