/*
 * The agent's configuration file; examples/agent.conf shows every key. Program only: the library takes struct ota_agent_options.
 */
#ifndef OTA_AGENT_CONFIG_H
#define OTA_AGENT_CONFIG_H

#include <limits.h>

#include "agent/adapters/install_exec.h"
#include "agent/adapters/slots.h"
#include "agent/agent.h"
#include "agent/core/machine.h"
#include "common/config.h"

enum agent_installer { AGENT_INSTALLER_FILE, AGENT_INSTALLER_EXEC };

enum agent_restart { AGENT_RESTART_REEXEC, AGENT_RESTART_EXIT, AGENT_RESTART_HOOK };

struct agent_module_config {
	char name[OTA_MODULE_MAX + 1];
	int installer; /* enum agent_installer */
	char slots_dir[PATH_MAX];
	char check[PATH_MAX];
	char command[PATH_MAX];
	int64_t timeout_ms;
	/* Made of the above. */
	struct agent_slots slots;
	struct agent_exec_options exec;
};

struct agent_config {
	char broker[256];
	char product_key[OTA_PRODUCT_KEY_MAX + 1];
	char device_name[OTA_DEVICE_NAME_MAX + 1];
	char device_secret_file[PATH_MAX];
	char state_dir[PATH_MAX];
	int mqtt_version; /* index into its choices: 3.1.1, 5 */
	char ca_file[PATH_MAX], cert_file[PATH_MAX], key_file[PATH_MAX];
	char proxy[512], no_proxy[512];
	int64_t keepalive_ms, backoff_base_ms, backoff_cap_ms;
	char url_schemes[32], url_hosts[512];
	int64_t connect_timeout_ms, min_speed_time_ms, download_tries, download_deadline_ms, retry_base_ms, retry_cap_ms;
	uint64_t min_speed, max_speed;
	char pinned_key[512];
	char restart[PATH_MAX];
	int log_level; /* enum ota_log_level */
	struct agent_module_config modules[AGENT_MODULES_MAX];
	size_t module_count;
	/* Made of the above. */
	enum agent_restart restart_kind;
	const char *restart_hook;
	struct ota_agent_module agent_modules[AGENT_MODULES_MAX];
};

/* What is true where the file says nothing. config must be zeroed. */
void agent_config_defaults(struct agent_config *config);
/* config must be zeroed and keep its place. Errors are sentences with file and line, or the name of the module at fault. */
int agent_config_read(const char *path, struct agent_config *config, struct ota_error *error);
/* The same for all that is wrong with it, one call each. False when something is. */
typedef void agent_config_problem(void *context, const struct ota_error *error);
bool agent_config_check(const char *path, struct agent_config *config, agent_config_problem *problem, void *context);
/* What the library needs of it; log and stop_fd are left to the caller. */
struct ota_agent_options agent_config_options(struct agent_config *config);
/* The rows, for whoever prints them; those of the section "module" are of every [module NAME]. */
const struct ota_config_row *agent_config_rows(size_t *ret_count);
/* NULL if there is none of that name. */
const struct agent_module_config *agent_config_module(const struct agent_config *config, const char *name);

#endif
