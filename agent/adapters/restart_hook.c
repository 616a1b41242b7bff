#include "agent/adapters/restart_hook.h"

#include "agent/adapters/hook.h"

static int hook_restart(void *context, const char *module, const char *version, const struct agent_watch *watch,
			struct ota_error *error)
{
	const struct ota_image image = {.module = module, .version = version};
	const struct agent_hook hook = {
		.program = context, .verb = "restart", .image = &image, .timeout_ms = AGENT_RESTART_TIMEOUT_MS};

	return agent_hook_run(&hook, watch, NULL, error);
}

struct ota_restarter agent_restart_hook(const char *program)
{
	return (struct ota_restarter){.restart = hook_restart, .context = (void *)(uintptr_t)program};
}
