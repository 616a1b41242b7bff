/*
 * A minimal device on libota-agent: one module whose "firmware" is a file, installed by copying and started by starting this program anew.
 *
 *   cc device.c -I<source root> <libraries of libota-agent>        (the build makes it as examples/device)
 *   ./device mqtt://127.0.0.1:1883 PRODUCT_KEY DEVICE_NAME DIRECTORY
 *
 * DIRECTORY/version holds the running version ("1.0.0" when there is none); an update replaces DIRECTORY/firmware and DIRECTORY/version.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/agent.h"
#include "common/file.h"
#include "common/text.h"

static bool path_in(const char *directory, const char *name, char target[PATH_MAX])
{
	return ota_file_join(target, PATH_MAX, directory, name);
}

/* What runs? Asked once at every start. */
static int tell_version(void *context, const char *module, const struct agent_watch *watch, char ret_version[OTA_VERSION_MAX + 1],
			struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	char path[PATH_MAX];
	int rc;

	(void)module, (void)watch;
	path_in(context, "version", path);
	rc = ota_file_read(path, OTA_VERSION_MAX, &text, error);
	ota_text_cut(ret_version, OTA_VERSION_MAX + 1, rc == 0 && text.data ? text.data : "1.0.0");
	return rc == OTA_ENOTFOUND ? 0 : rc;
}

static int copy(const char *from, const char *to, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes content = {0};
	int rc = ota_file_read(from, 64 << 20, &content, error);

	return rc ? rc : ota_file_replace(to, (struct ota_span){content.data, content.size}, 0644, error);
}

/* The image was downloaded and verified. May be called again for the same one after a power cut, so every step can be repeated. */
static int install(void *context, const struct ota_image *image, const struct agent_watch *watch, struct ota_error *error)
{
	char path[PATH_MAX];
	int rc;

	(void)watch;
	path_in(context, "firmware", path);
	rc = copy(image->path, path, error);
	if (rc)
		return ota_error_prefix(error, rc, "write the firmware"); /* the operator reads this */
	path_in(context, "version", path);
	return ota_file_replace(path, ota_span_from_text(image->version), 0644, error);
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
	char state_dir[PATH_MAX];

	if (count != 5 || !path_in(arguments[4], "state", state_dir)) {
		fprintf(stderr, "usage: device BROKER PRODUCT_KEY DEVICE_NAME DIRECTORY\n");
		return 2;
	}
	const struct ota_agent_module module = {
		.name = "default",
		.installer = {.version = tell_version, .install = install, .context = arguments[4]},
	};
	const struct ota_agent_options options = {
		.broker = arguments[1],
		.product_key = arguments[2],
		.device_name = arguments[3],
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
