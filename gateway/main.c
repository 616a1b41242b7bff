/*
 * ota-gateway: HTTP for operators and downloads, MQTT to the plugin. Reads its settings, opens what it needs, runs one loop
 * until a signal comes.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/text.h"
#include "common/time.h"
#include "common/version.h"
#include "gateway/check.h"
#include "gateway/command_line.h"
#include "gateway/listener.h"
#include "gateway/server.h"
#include "link/link.h"
#include "service/notify.h"

enum {
	TICK_MS = 1000,
	FAREWELL_MS = 500,
	LAST_REPORTS_MS = 2000, /* a service manager waits 90 s, a person less */
};

struct program {
	struct ota_settings settings;
	struct ota_url_keys keys;
	struct ota_log log;
	struct ota_gateway gateway;
	struct ota_link *link;
	struct ota_server *server;
	struct ota_notify notify;
	bool is_ready; /* and the service manager knows */
	int listen_fd;
	int signal_fd;
	pthread_mutex_t away_lock;
	char away[OTA_ERROR_TEXT_MAX / 2]; /* why there is no broker, as it was told last */
};

static void log_sentence(const struct program *program, enum ota_log_level level, const char *event, const char *sentence)
{
	struct ota_log_line line;

	ota_log_begin(&line, level, event);
	ota_log_text(&line, "reason", sentence);
	ota_log_end(&program->log, &line);
}

static void remember_away(struct program *program, const char *reason)
{
	(void)pthread_mutex_lock(&program->away_lock);
	ota_text_cut(program->away, sizeof(program->away), reason);
	(void)pthread_mutex_unlock(&program->away_lock);
}

/* From any thread. Whoever asks in vain wants to know what is wrong with the broker, not that a publish failed. */
static int send_to_broker(void *context, struct ota_span payload, struct ota_error *error)
{
	struct program *program = context;
	int code = ota_link_publish(program->link, OTA_EXCHANGE_REQUEST_TOPIC, payload, 0, NULL, error);

	if (code == OTA_EUNAVAILABLE) {
		(void)pthread_mutex_lock(&program->away_lock);
		(void)ota_fail(error, code, "the broker is away: %s; the gateway keeps trying", program->away);
		(void)pthread_mutex_unlock(&program->away_lock);
	}
	return code;
}

/* Whoever started us goes on then, and asks something at once: so not before the broker was found, or found to be away. */
static void tell_ready(struct program *program)
{
	if (!program->is_ready)
		ota_notify_ready(&program->notify);
	program->is_ready = true;
}

static void on_up(void *context, bool first)
{
	struct program *program = context;
	struct ota_log_line line;

	ota_log_begin(&line, OTA_LOG_INFO, "broker_up");
	ota_log_text(&line, "broker", program->settings.broker);
	ota_log_integer(&line, "first", first);
	ota_log_end(&program->log, &line);
	ota_notify_status(&program->notify, "serving");
	tell_ready(program);
}

static void on_down(void *context, const char *reason, int64_t retry_ms)
{
	struct program *program = context;
	struct ota_log_line line;

	ota_log_begin(&line, OTA_LOG_WARNING, "broker_down");
	ota_log_text(&line, "reason", reason);
	ota_log_integer(&line, "retry_ms", retry_ms);
	ota_log_end(&program->log, &line);
	remember_away(program, reason);
	ota_notify_status(&program->notify, "serving downloads; the broker is away");
	tell_ready(program);
	ota_exchange_fail(program->gateway.exchange,
			  "the broker went away before it answered; the command may have been carried out");
}

static void on_message(void *context, const char *topic, struct ota_span payload)
{
	struct program *program = context;
	struct ota_error error = { 0 };
	int taken;

	if (strcmp(topic, OTA_EXCHANGE_ANSWER_TOPIC) != 0)
		return;
	taken = ota_exchange_take(program->gateway.exchange, payload, &error);
	if (taken < 0)
		log_sentence(program, OTA_LOG_WARNING, "answer_unreadable", error.text);
	else if (taken == 0)
		log_sentence(program, OTA_LOG_WARNING, "answer_unasked",
			     "no request waits for this answer; it came too late or is not ours");
}

/* A device's client id contains '|', ours never does (DESIGN.md section 9); random, so that two gateways do not throw each
 * other out. */
static int client_id(char *target, size_t size, struct ota_error *error)
{
	unsigned char bytes[8];
	char hex[2 * sizeof(bytes) + 1];

	if (ota_random(bytes, sizeof(bytes)) < 0)
		return ota_fail(error, OTA_EIO, "no random bytes");
	ota_text_hex(hex, bytes, sizeof(bytes));
	(void)snprintf(target, size, "ota-gateway-%s", hex);
	return 0;
}

static int open_link(struct program *program, struct ota_error *error)
{
	const struct ota_settings *settings = &program->settings;
	char password[OTA_GATEWAY_PASSWORD_MAX + 1];
	char id[64];
	struct ota_link_options options = {
		.url = settings->broker,
		.client_id = id,
		.username = settings->broker_username[0] ? settings->broker_username : NULL,
		.ca_file = settings->broker_ca_file[0] ? settings->broker_ca_file : NULL,
		.backoff_base_ms = 250, /* operators wait for us, and there are few gateways */
		.backoff_cap_ms = 5 * OTA_SECOND_MS,
	};
	struct ota_link_handlers handlers = { .up = on_up, .down = on_down, .message = on_message, .context = program };
	int code = ota_gateway_password(settings, password, error);

	if (code == 0)
		code = client_id(id, sizeof(id), error);
	options.password = password[0] ? password : NULL;
	if (code == 0)
		code = ota_link_open(&options, &handlers, &program->link, error);
	explicit_bzero(password, sizeof(password));
	return code;
}

/* Before any thread is made, so that the signals reach nothing but the descriptor. */
static int open_signals(struct program *program, struct ota_error *error)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	program->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return program->signal_fd < 0 ? ota_fail_errno(error, "signals") : 0;
}

static int open_all(struct program *program, struct ota_error *error)
{
	struct ota_gateway *gateway = &program->gateway;
	int code = open_signals(program, error);

	if (code == 0)
		code = ota_url_keys_open(program->settings.url_key_file, &program->keys, error);
	if (code == 0)
		code = ota_depot_open(program->settings.package_dir, &gateway->depot, error);
	if (code == 0)
		code = ota_listener_open(program->settings.listen, &program->listen_fd, error);
	if (code < 0)
		return code;
	gateway->exchange = ota_exchange_new(send_to_broker, program);
	gateway->transfers = gateway->exchange ? ota_transfers_new(gateway->exchange, gateway->log) : NULL;
	if (!gateway->transfers)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = open_link(program, error);
	return code < 0 ? code : ota_server_start(gateway, program->listen_fd, &program->server, error);
}

static int announce(const struct program *program, const char *port_file, struct ota_error *error)
{
	char url[OTA_LISTENER_URL_SIZE];
	char port[16];
	struct ota_log_line line;

	ota_listener_url(program->listen_fd, program->settings.tls_cert[0] ? "https" : "http", url);
	ota_log_begin(&line, OTA_LOG_INFO, "listening");
	ota_log_text(&line, "url", url);
	ota_log_end(&program->log, &line);
	if (!port_file)
		return 0;
	(void)snprintf(port, sizeof(port), "%d\n", ota_listener_port(program->listen_fd));
	return ota_file_replace(port_file, ota_span_from_text(port), 0644, error);
}

/* How often the loop turns at least. */
static int64_t tick_ms(const struct ota_notify *notify)
{
	return notify->watchdog_ms > 0 && notify->watchdog_ms < TICK_MS ? notify->watchdog_ms : TICK_MS;
}

static void run(struct program *program)
{
	const int64_t tick = tick_ms(&program->notify);
	struct pollfd waits[] = {
		{ .fd = program->signal_fd, .events = POLLIN },
		{ .fd = ota_link_fd(program->link), .events = POLLIN },
	};
	int64_t swept_ms = ota_boot_ms();

	while (!(waits[0].revents & POLLIN)) {
		int64_t now_ms = ota_boot_ms();
		int64_t pause_ms = ota_transfers_turn(program->gateway.transfers, now_ms, tick);

		pause_ms = ota_exchange_expire(program->gateway.exchange, now_ms, pause_ms);

		if (now_ms - swept_ms >= tick) {
			ota_server_sweep(program->server, now_ms);
			ota_notify_ping(&program->notify);
			swept_ms = now_ms;
		}
		if (poll(waits, 2, (int)pause_ms) < 0 && errno != EINTR)
			return;
		if (waits[1].revents)
			ota_link_dispatch(program->link);
	}
}

/* What downloads told is handed over before the end, while there is a broker to take it. */
static void farewell(struct program *program)
{
	struct ota_transfers *transfers = program->gateway.transfers;
	struct pollfd wait = { .fd = ota_link_fd(program->link), .events = POLLIN };
	int64_t until_ms = ota_boot_ms() + LAST_REPORTS_MS;
	size_t waiting = ota_transfers_hurry(transfers);
	struct ota_log_line line;

	while (waiting > 0 && ota_link_is_up(program->link) && ota_boot_ms() < until_ms) {
		(void)ota_transfers_turn(transfers, ota_boot_ms(), LAST_REPORTS_MS);
		if (poll(&wait, 1, LAST_REPORTS_MS / 100) > 0)
			ota_link_dispatch(program->link);
		waiting = ota_transfers_waiting(transfers);
	}
	if (waiting == 0)
		return;
	ota_log_begin(&line, OTA_LOG_WARNING, "transfer_reports_lost");
	ota_log_integer(&line, "count", (int64_t)waiting);
	ota_log_text(&line, "meaning", "these downloads stay without their bytes; no task depends on them");
	ota_log_end(&program->log, &line);
}

/* In this order: without a link no new question finds an answer, without questions no connection sleeps, then the server can
 * stop. */
static void close_all(struct program *program)
{
	struct ota_gateway *gateway = &program->gateway;

	if (gateway->exchange)
		ota_exchange_close(gateway->exchange, "the gateway is stopping; the command may have been carried out");
	program->server = ota_server_stop(program->server);
	program->link = ota_link_free(program->link, FAREWELL_MS);
	gateway->transfers = ota_transfers_free(gateway->transfers);
	gateway->exchange = ota_exchange_free(gateway->exchange);
	gateway->depot = ota_depot_free(gateway->depot);
	ota_fd_cleanup(&program->signal_fd);
	ota_notify_close(&program->notify);
}

static int read_settings(struct program *program, const char *path, struct ota_error *error)
{
	int code = ota_settings_read(path, &program->settings, error);

	if (code < 0)
		return code;
	code = ota_gateway_check(&program->settings, error);
	return code < 0 ? ota_error_prefix(error, code, "%s", path) : 0;
}

/* For a person at a terminal, not for the log. */
static int tell_check(const char *path, int code, const struct ota_error *error)
{
	if (code == 0)
		(void)printf("%s is right\n", path);
	else
		(void)fprintf(stderr, "ota-gateway: %s\n", error->text);
	return code == 0 ? EXIT_SUCCESS : OTA_GATEWAY_EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static struct program program; /* large, and there is one */
	struct ota_gateway_line line;
	struct ota_error error = { 0 };
	int code, failure;

	if (!ota_gateway_line_parse(argc, argv, &line))
		return OTA_GATEWAY_EXIT_USAGE;
	if (line.help)
		ota_gateway_help(stdout);
	else if (line.version)
		(void)puts("ota-gateway " OTA_SOFTWARE_VERSION);
	if (line.help || line.version)
		return EXIT_SUCCESS;
	unsetenv("http_proxy"); /* Paho would send MQTT through them, and knows no $no_proxy */
	unsetenv("https_proxy");
	program.log = (struct ota_log){ ota_log_to_stderr, NULL, OTA_LOG_INFO };
	program.listen_fd = program.signal_fd = -1;
	(void)pthread_mutex_init(&program.away_lock, NULL);
	remember_away(&program, "not connected yet");
	ota_notify_open(&program.notify);
	ota_notify_status(&program.notify, "not connected to the broker yet");
	code = read_settings(&program, line.config, &error);
	if (line.check_only)
		return tell_check(line.config, code, &error);
	failure = code < 0 ? OTA_GATEWAY_EXIT_USAGE : EXIT_FAILURE;
	if (code == 0) {
		program.log.threshold = (enum ota_log_level)program.settings.log_level;
		program.gateway =
			(struct ota_gateway){ .settings = &program.settings, .keys = &program.keys, .log = &program.log };
		code = open_all(&program, &error);
	}
	if (code == 0)
		code = announce(&program, line.port_file, &error);
	if (code == 0) {
		run(&program);
		ota_notify_stopping(&program.notify);
		farewell(&program);
	} else {
		log_sentence(&program, OTA_LOG_ERROR, "stopped", error.text);
	}
	close_all(&program);
	return code < 0 ? failure : EXIT_SUCCESS;
}
