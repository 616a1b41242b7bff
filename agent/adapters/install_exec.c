#include "agent/adapters/install_exec.h"

#include "agent/adapters/hook.h"
#include "common/text.h"

static int exec_version(void *context, const char *module, const struct agent_watch *watch, char ret_version[OTA_VERSION_MAX + 1],
			struct ota_error *error)
{
	const struct agent_exec_options *options = context;
	const struct ota_image image = {.module = module};
	const struct agent_hook hook = {
		.program = options->command, .verb = "version", .image = &image, .timeout_ms = AGENT_EXEC_VERSION_TIMEOUT_MS};
	char line[OTA_DESC_MAX + 1];
	int rc = agent_hook_run(&hook, watch, line, error);

	if (rc)
		return rc;
	if (!ota_text_is_version(ota_span_from_text(line)))
		return ota_fail(error, OTA_EINVALID, "%s version printed no version: \"%s\"", options->command, line);
	ota_text_cut(ret_version, OTA_VERSION_MAX + 1, line);
	return 0;
}

static int exec_install(void *context, const struct ota_image *image, const struct agent_watch *watch, struct ota_error *error)
{
	const struct agent_exec_options *options = context;
	const struct agent_hook hook = {
		.program = options->command, .verb = "install", .image = image, .timeout_ms = options->timeout_ms};

	return agent_hook_run(&hook, watch, NULL, error);
}

struct ota_installer agent_install_exec(const struct agent_exec_options *options)
{
	return (struct ota_installer){.version = exec_version, .install = exec_install, .context = (void *)(uintptr_t)options};
}
