/*
 * A minimal device on libota-agent: one module whose "firmware" is a file, installed by copying and started by starting this
 * program anew.
 *
 *   cc device.c -I<source root> <libraries of libota-agent>        (the build makes it as examples/device)
 *   ./device mqtt://127.0.0.1:1883 PRODUCT_KEY DEVICE_NAME DIRECTORY
 *
 * DIRECTORY/version holds the running version ("1.0.0" when there is none); an update replaces DIRECTORY/firmware and
 * DIRECTORY/version. DIRECTORY/secret (mode 600), where there is one, holds the secret by which the device proves who it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/agent.h"

static void path_in(const char *directory, const char *name, char target[PATH_MAX])
{
	snprintf(target, PATH_MAX, "%s/%s", directory, name);
}

/* What runs? Asked once at every start. */
static int tell_version(void *context, const char *module, const struct agent_watch *watch, char ret_version[OTA_VERSION_MAX + 1],
			struct ota_error *error)
{
	char path[PATH_MAX];
	FILE *file;

	(void)module, (void)watch;
	snprintf(ret_version, OTA_VERSION_MAX + 1, "1.0.0");
	path_in(context, "version", path);
	file = fopen(path, "r");
	if (!file)
		return errno == ENOENT ? 0 : ota_fail_errno(error, "cannot read %s", path);
	if (fgets(ret_version, OTA_VERSION_MAX + 1, file))
		ret_version[strcspn(ret_version, "\n")] = '\0';
	fclose(file);
	return 0;
}

/* Durable in one step: a power cut leaves the old file or the new one. */
static int commit(int fd, const char *temporary, const char *path, struct ota_error *error)
{
	int failed = fsync(fd) < 0 || rename(temporary, path) < 0;

	close(fd);
	return failed ? ota_fail_errno(error, "cannot replace %s", path) : 0;
}

static int replace_by_file(const char *path, const char *from, uint64_t size, struct ota_error *error)
{
	char temporary[PATH_MAX + 8];
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	ssize_t sent = 1;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	while (in >= 0 && out >= 0 && size > 0 && (sent = sendfile(out, in, NULL, size)) > 0)
		size -= (uint64_t)sent;
	if (in >= 0)
		close(in);
	if (out < 0 || size > 0)
		return ota_fail_errno(error, "cannot write %s", temporary); /* the operator reads this */
	return commit(out, temporary, path, error);
}

static int replace_by_text(const char *path, const char *text, struct ota_error *error)
{
	char temporary[PATH_MAX + 8];
	int out;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out < 0 || write(out, text, strlen(text)) != (ssize_t)strlen(text))
		return ota_fail_errno(error, "cannot write %s", temporary);
	return commit(out, temporary, path, error);
}

/* The image was downloaded and verified. May be called again for the same one after a power cut, so every step can be
 * repeated. */
static int install(void *context, const struct ota_image *image, const struct agent_watch *watch, struct ota_error *error)
{
	char path[PATH_MAX];
	int rc;

	(void)watch;
	path_in(context, "firmware", path);
	rc = replace_by_file(path, image->path, image->size, error);
	if (rc)
		return rc;
	path_in(context, "version", path);
	return replace_by_text(path, image->version, error);
}

/* Readable at SIGTERM and SIGINT. */
static int stop_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int main(int count, char **arguments)
{
	const struct ota_log log = {.write = ota_log_to_stderr, .threshold = OTA_LOG_INFO};
	char state_dir[PATH_MAX], secret_file[PATH_MAX];

	if (count != 5) {
		fprintf(stderr, "usage: device BROKER PRODUCT_KEY DEVICE_NAME DIRECTORY\n");
		return 2;
	}
	/* A proxy is one that is named in the options; the MQTT library would follow these. */
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	path_in(arguments[4], "state", state_dir);
	path_in(arguments[4], "secret", secret_file);
	const struct ota_agent_module module = {
		.name = "default",
		.installer = {.version = tell_version, .install = install, .context = arguments[4]},
	};
	const struct ota_agent_options options = {
		.broker = arguments[1],
		.product_key = arguments[2],
		.device_name = arguments[3],
		.device_secret_file = access(secret_file, F_OK) == 0 ? secret_file : NULL,
		.state_dir = state_dir,
		.url_schemes = "http https", /* a laboratory's choice; leave it out in the field */
		.modules = &module,
		.module_count = 1,
		.log = &log,
		.stop_fd = stop_signals(),
	};
	struct ota_agent *agent = NULL;
	struct ota_error error = {0};
	int rc = ota_agent_new(&options, &agent, &error);

	if (!rc)
		rc = ota_agent_run(agent, &error);
	ota_agent_free(agent);
	if (rc == OTA_AGENT_RESTART)
		execv("/proc/self/exe", arguments);
	if (rc)
		fprintf(stderr, "device: %s\n", error.text);
	return rc ? 1 : 0;
}
