/* ota-agent: options in, ports built, loop run. */
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/check.h"
#include "agent/command_line.h"
#include "agent/config.h"
#include "common/file.h"
#include "common/topic.h"
#include "common/version.h"
#include "service/notify.h"

static int complain(const struct ota_error *error, int exit_code)
{
	fprintf(stderr, "ota-agent: %s\n", error->text);
	return exit_code;
}

/* Where we were started from; after an update of the program itself this path holds the new one, /proc/self/exe still the old. */
static bool own_path(char target[PATH_MAX])
{
	ssize_t size = readlink("/proc/self/exe", target, PATH_MAX - 1);

	if (size <= 0)
		return false;
	target[size] = '\0';
	return true;
}

/* Threads and children begin with these blocked; children unblock them (agent/adapters/child.h). */
static int open_stop_signals(void)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int provision(const struct agent_config *config, const struct agent_command_line *line)
{
	const char *name = line->module ? line->module : OTA_MODULE_DEFAULT;
	const struct agent_module_config *module = agent_config_module(config, name);
	struct ota_error error = {0};
	char image[PATH_MAX];

	if (!module || module->installer != AGENT_INSTALLER_FILE) {
		ota_fail(&error, OTA_EINVALID, "there is no [module %s] with installer = file", name);
		return complain(&error, AGENT_EXIT_USAGE);
	}
	if (!realpath(line->image, image)) {
		ota_fail_errno(&error, "cannot read %s", line->image);
		return complain(&error, AGENT_EXIT_FAILED);
	}
	if (agent_slots_provision(&module->slots, image, module->name, line->version, &error))
		return complain(&error, AGENT_EXIT_FAILED);
	printf("%s/current: %s %s\n", module->slots_dir, module->name, line->version);
	return AGENT_EXIT_DONE;
}

static void print_forgotten(void *context, const char *module, const char *version, const char *reason)
{
	size_t *count = context;

	printf("forgot %s of module %s: %s\n", version, module, reason);
	++*count;
}

static int forget(struct agent_config *config, const struct agent_command_line *line)
{
	const struct ota_agent_options options = agent_config_options(config);
	struct ota_agent *agent = NULL;
	struct ota_error error = {0};
	size_t count = 0;
	int rc;

	if (line->module && !agent_config_module(config, line->module)) {
		ota_fail(&error, OTA_EINVALID, "there is no [module %s]", line->module);
		return complain(&error, AGENT_EXIT_USAGE);
	}
	rc = ota_agent_new(&options, &agent, &error);
	if (rc)
		return complain(&error, rc == OTA_EINVALID ? AGENT_EXIT_USAGE : AGENT_EXIT_FAILED);
	rc = ota_agent_forget(agent, line->module, print_forgotten, &count, &error);
	ota_agent_free(agent);
	if (rc)
		return complain(&error, AGENT_EXIT_FAILED);
	if (!count)
		puts("nothing to forget");
	return AGENT_EXIT_DONE;
}

static int restart(enum agent_restart kind, char **arguments, const char *path)
{
	struct ota_error error = {0};

	if (kind == AGENT_RESTART_EXIT)
		return AGENT_EXIT_RESTART;
	/* Libraries open descriptors without asking us to close them on exec. */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execv(path, arguments);
	ota_fail_errno(&error, "cannot start %s anew", path);
	return complain(&error, AGENT_EXIT_FAILED);
}

/* --- the service manager ---------------------------------------------------------------------------------------------------- */

static void on_ready(void *context)
{
	ota_notify_ready(context);
}

static void on_status(void *context, const char *text)
{
	ota_notify_status(context, text);
}

static void on_alive(void *context)
{
	ota_notify_ping(context);
}

static void on_stopping(void *context)
{
	ota_notify_stopping(context);
}

static struct ota_agent_observer observer_of(struct ota_notify *notify)
{
	return (struct ota_agent_observer){
		.ready = on_ready,
		.status = on_status,
		.alive = on_alive,
		.alive_ms = notify->watchdog_ms,
		.stopping = on_stopping,
		.context = notify,
	};
}

static int run(struct agent_config *config, const struct agent_command_line *line, char **arguments)
{
	const struct ota_log log = {.write = ota_log_to_stderr, .threshold = (enum ota_log_level)config->log_level};
	struct ota_agent_options options = agent_config_options(config);
	struct ota_agent_observer observer;
	struct ota_notify notify;
	struct ota_agent *agent = NULL;
	struct ota_error error = {0};
	char path[PATH_MAX] = "";
	OTA_AUTO_CLOSE int stop_fd = open_stop_signals();
	int rc;

	options.log = &log;
	options.stop_fd = stop_fd;
	options.once = line->once;
	options.once_settle_ms = line->settle_ms;
	options.once_timeout_ms = line->timeout_ms;
	ota_notify_open(&notify);
	observer = observer_of(&notify);
	options.observer = &observer;
	if (config->restart_kind == AGENT_RESTART_REEXEC && !own_path(path)) {
		ota_fail_errno(&error, "restart = reexec: cannot tell the program's path");
		return complain(&error, AGENT_EXIT_FAILED);
	}
	rc = ota_agent_new(&options, &agent, &error);
	if (rc)
		return complain(&error, rc == OTA_EINVALID ? AGENT_EXIT_USAGE : AGENT_EXIT_FAILED);
	rc = ota_agent_run(agent, &error);
	ota_agent_free(agent);
	ota_notify_close(&notify);
	if (rc == OTA_AGENT_RESTART)
		return restart(config->restart_kind, arguments, path);
	if (rc == OTA_AGENT_FAILED)
		return AGENT_EXIT_FAILED;
	return rc ? complain(&error, rc == OTA_EINVALID ? AGENT_EXIT_USAGE : AGENT_EXIT_FAILED) : AGENT_EXIT_DONE;
}

static int with_config(const struct agent_command_line *line, struct agent_config *config, char **arguments)
{
	struct ota_error error = {0};

	if (line->verb == AGENT_VERB_CHECK_CONFIG)
		return agent_check(line->config, config) ? AGENT_EXIT_DONE : AGENT_EXIT_USAGE;
	if (agent_config_read(line->config, config, &error))
		return complain(&error, AGENT_EXIT_USAGE);
	if (line->verb == AGENT_VERB_PROVISION)
		return provision(config, line);
	if (line->verb == AGENT_VERB_FORGET)
		return forget(config, line);
	return run(config, line, arguments);
}

int main(int count, char **arguments)
{
	struct agent_command_line line;
	struct agent_config *config;
	int exit_code;

	if (!agent_command_line_parse(count, arguments, &line))
		return AGENT_EXIT_USAGE;
	if (line.verb == AGENT_VERB_HELP) {
		agent_command_line_help();
		return AGENT_EXIT_DONE;
	}
	if (line.verb == AGENT_VERB_VERSION) {
		puts("ota-agent " OTA_SOFTWARE_VERSION);
		return AGENT_EXIT_DONE;
	}
	unsetenv("http_proxy"); /* a proxy is one that the configuration names, but Paho would follow these */
	unsetenv("https_proxy");
	config = calloc(1, sizeof(*config));
	exit_code = config ? with_config(&line, config, arguments) : AGENT_EXIT_FAILED;
	free(config);
	return exit_code;
}
