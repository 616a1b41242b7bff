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
#include "agent/worker.h"
#include "common/file.h"
#include "common/text.h"
#include "common/time.h"

enum {
	STATE_DIR_MODE = 0700,
	STARTS_MAX = 5,      /* of one attempt: what brings the device down five times will do so a sixth time */
	RESTART_TRIES_MAX = 3,
	RESTART_PATIENCE_MS = 10 * OTA_MINUTE_MS,
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

	uv_loop_t loop;
	uv_timer_t timer;      /* the core's */
	uv_timer_t last_timer; /* how long a wanted restart waits for the last report */
	uv_poll_t link_poll;
	uv_poll_t stop_poll;
	bool ending;
	bool restart_wanted;
	int result;
	struct ota_error *error;
};

/* --- the end ---------------------------------------------------------------------------------------------------------------- */

static void agent_close_handles(struct ota_agent *agent)
{
	uv_handle_t *handles[] = {(uv_handle_t *)&agent->timer, (uv_handle_t *)&agent->last_timer,
				  (uv_handle_t *)&agent->link_poll, (uv_handle_t *)&agent->stop_poll};

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

/* --- what the hands need of the loop ---------------------------------------------------------------------------------------- */

static void agent_tell(struct ota_agent *agent, const struct agent_event *event)
{
	if (agent->ending)
		return;
	agent_hands_event(&agent->hands, event);
	agent_end_if_heard(agent);
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
	agent_end_if_heard(agent);
}

static void agent_on_received(void *context, uint64_t bytes)
{
	const struct agent_event event = {.kind = AGENT_EVENT_RECEIVED, .bytes = bytes};

	agent_tell(context, &event);
}

static void agent_log(const struct ota_agent *agent, enum ota_log_level level, const char *word, const char *text)
{
	struct ota_log_line line;

	ota_log_begin(&line, level, word);
	ota_log_text(&line, "text", text);
	ota_log_end(agent->hands.log, &line);
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

	agent_log(agent, OTA_LOG_INFO, "connected", agent->mqtt_options.broker);
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
	agent_tell(agent, &event);
}

static void agent_on_offer(void *context, const struct ota_offer *offer)
{
	const struct agent_event event = {.kind = AGENT_EVENT_OFFER, .offer = offer};

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

static int64_t or_default(int64_t value, int64_t otherwise)
{
	return value ? value : otherwise;
}

static const char *text_or(const char *value, const char *otherwise)
{
	return value && value[0] ? value : otherwise;
}

static struct agent_limits limits_from(const struct ota_agent_options *options)
{
	return (struct agent_limits){
		.starts_max = STARTS_MAX,
		.fetch_tries_max = or_default(options->download_tries, 8),
		.fetch_deadline_ms = or_default(options->download_deadline_ms, OTA_HOUR_MS),
		.retry_base_ms = or_default(options->retry_base_ms, OTA_SECOND_MS),
		.retry_cap_ms = or_default(options->retry_cap_ms, 5 * OTA_MINUTE_MS),
		.restart_tries_max = RESTART_TRIES_MAX,
		.restart_patience_ms = RESTART_PATIENCE_MS,
	};
}

static void agent_take_options(struct ota_agent *agent, const struct ota_agent_options *options)
{
	agent->curl_options = (struct agent_curl_options){
		.state_dir = options->state_dir,
		.url_schemes = text_or(options->url_schemes, "https"),
		.url_hosts = text_or(options->url_hosts, ""),
		.ca_file = text_or(options->ca_file, ""),
		.connect_timeout_ms = or_default(options->connect_timeout_ms, 30 * OTA_SECOND_MS),
		.min_speed = (uint64_t)or_default((int64_t)options->min_speed, 64),
		.min_speed_time_ms = or_default(options->min_speed_time_ms, 30 * OTA_SECOND_MS),
	};
	agent->mqtt_options.broker = options->broker;
	agent->mqtt_options.ca_file = options->ca_file;
	agent->mqtt_options.cert_file = options->cert_file;
	agent->mqtt_options.key_file = options->key_file;
	agent->mqtt_options.keepalive_ms = options->keepalive_ms;
	agent->mqtt_options.backoff_base_ms = options->backoff_base_ms;
	agent->mqtt_options.backoff_cap_ms = options->backoff_cap_ms;
	agent->stop_fd = options->stop_fd > 0 ? options->stop_fd : -1;
}

static int agent_check_options(struct ota_agent *agent, const struct ota_agent_options *options, struct ota_error *error)
{
	if (!options->broker || !options->state_dir || !options->product_key || !options->device_name)
		return ota_fail(error, OTA_EINVALID, "broker, product_key, device_name and state_dir are required");
	if (!ota_text_is_product_key(ota_span_from_text(options->product_key)))
		return ota_fail_at(error, OTA_EINVALID, "product_key", "product_key must be 1 to %d letters and digits",
				   OTA_PRODUCT_KEY_MAX);
	if (!ota_text_is_device_name(ota_span_from_text(options->device_name)))
		return ota_fail_at(error, OTA_EINVALID, "device_name", "device_name must be 1 to %d letters, digits and _.:@-",
				   OTA_DEVICE_NAME_MAX);
	ota_identity_make(ota_span_from_text(options->product_key), ota_span_from_text(options->device_name),
			  &agent->mqtt_options.identity);
	return 0;
}

static int agent_take_modules(struct ota_agent *agent, const struct ota_agent_options *options, struct ota_error *error)
{
	const char *names[AGENT_MODULES_MAX];
	const struct agent_limits limits = limits_from(options);

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
	agent_take_options(agent, options);
	rc = agent_check_options(agent, options, error);
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

/* --- running ---------------------------------------------------------------------------------------------------------------- */

static int agent_open_handles(struct ota_agent *agent, struct ota_error *error)
{
	uv_timer_init(&agent->loop, &agent->timer);
	uv_timer_init(&agent->loop, &agent->last_timer);
	agent->timer.data = agent->last_timer.data = agent;
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
