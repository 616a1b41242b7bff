#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/link/rig.h"

struct link_rig rig;

static void on_up(void *context, bool first)
{
	struct seen *seen = context;

	seen->ups++;
	seen->firsts += first;
	if (seen->publish_on_up)
		ota_link_publish(seen->link, seen->publish_on_up, ota_span_from_text("from up"), 1, NULL, NULL);
}

static void on_down(void *context, const char *reason, int64_t retry_ms)
{
	struct seen *seen = context;

	seen->downs++;
	seen->last_retry_ms = retry_ms;
	snprintf(seen->reason, sizeof(seen->reason), "%s", reason);
}

static void on_message(void *context, const char *topic, struct ota_span payload)
{
	struct seen *seen = context;

	seen->messages++;
	snprintf(seen->topic, sizeof(seen->topic), "%s", topic);
	snprintf(seen->payload, sizeof(seen->payload), "%.*s", (int)payload.size, payload.data);
}

static void on_acknowledged(void *context, int64_t token)
{
	((struct seen *)context)->acknowledged = token;
}

static void on_refused(void *context, const char *topic)
{
	struct seen *seen = context;

	seen->refused++;
	snprintf(seen->refused_topic, sizeof(seen->refused_topic), "%s", topic);
}

static int free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static bool broker_listens(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)rig.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool listens = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(fd);
	return listens;
}

void rig_start_broker(void)
{
	char path[SCRATCH_SIZE];
	int64_t end = ota_boot_ms() + DEADLINE_MS;

	scratch_path(path, rig.directory, "mosquitto.conf");
	rig.broker = fork();
	if (rig.broker == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("mosquitto", "mosquitto", "-c", path, (char *)NULL);
		_exit(127);
	}
	while (!broker_listens()) {
		cr_assert_eq(waitpid(rig.broker, NULL, WNOHANG), 0, "the broker ended");
		cr_assert_lt(ota_boot_ms(), end, "the broker does not listen");
		poll(NULL, 0, 10);
	}
}

void rig_end_broker(void)
{
	kill(rig.broker, SIGKILL);
	waitpid(rig.broker, NULL, 0);
}

void rig_configure(const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "listener %d 127.0.0.1\n%s%s", rig.port, geteuid() ? "" : "user root\n", more);
	scratch_write(rig.directory, "mosquitto.conf", text);
}

void rig_setup(void)
{
	setenv("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/bin", 1);
	scratch_make(rig.directory);
	rig.port = free_port();
	snprintf(rig.url, sizeof(rig.url), "mqtt://127.0.0.1:%d", rig.port);
	rig_configure("allow_anonymous true\nlog_dest none\n");
	rig_start_broker();
}

void rig_teardown(void)
{
	rig_end_broker();
	scratch_remove(rig.directory);
}

struct ota_link_options rig_options(const char *const *subscriptions)
{
	return (struct ota_link_options){
		.url = rig.url,
		.client_id = "tester",
		.connect_timeout_ms = 2000,
		.backoff_base_ms = 50,
		.backoff_cap_ms = 200,
		.subscriptions = subscriptions,
	};
}

/* Fails once, is wrong once, and is right from then on. */
static int renewed_password(void *context, char ret_password[OTA_LINK_PASSWORD_SIZE], struct ota_error *error)
{
	struct seen *seen = context;

	if (seen->asked++ == 0)
		return ota_fail(error, OTA_EDENIED, "the password is locked away");
	snprintf(ret_password, OTA_LINK_PASSWORD_SIZE, "%s", seen->asked == 2 ? "wrong" : "right");
	return 0;
}

void rig_open_link(struct seen *seen, const struct ota_link_options *options, bool wants_refusals)
{
	const struct ota_link_handlers handlers = {
		.password = seen->asks ? renewed_password : NULL,
		.up = on_up,
		.down = on_down,
		.message = on_message,
		.acknowledged = on_acknowledged,
		.refused = wants_refusals ? on_refused : NULL,
		.context = seen,
	};
	struct ota_error error = {0};

	cr_assert_eq(ota_link_open(options, &handlers, &seen->link, &error), 0, "%s", error.text);
}
