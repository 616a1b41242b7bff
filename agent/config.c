#include "agent/config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "agent/adapters/restart_hook.h"
#include "agent/options.h"
#include "common/config.h"
#include "common/text.h"
#include "common/time.h"

static const char *const installers[] = {"file", "exec", NULL};
static const char *const versions[] = {"3.1.1", "5", NULL};
static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};

/* clang-format off */
#define HEAD(field)    offsetof(struct agent_config, field), sizeof(((struct agent_config *)0)->field)
#define MODULE(field)  offsetof(struct agent_module_config, field), sizeof(((struct agent_module_config *)0)->field)
#define SECONDS(n)     ((int64_t)(n) * OTA_SECOND_MS)

static const struct ota_config_row rows[] = {
	/* section  key                  type                 where and size             least          most             choices     required  help */
	{"",        "broker",            OTA_CONFIG_TEXT,     HEAD(broker),              0,             0,               NULL,       true,  "mqtt://host:port or mqtts://host:port"},
	{"",        "product_key",       OTA_CONFIG_TEXT,     HEAD(product_key),         0,             0,               NULL,       true,  "kind of device"},
	{"",        "device_name",       OTA_CONFIG_TEXT,     HEAD(device_name),         0,             0,               NULL,       true,  "this device, unique in its product"},
	{"",        "device_secret_file", OTA_CONFIG_PATH,    HEAD(device_secret_file),  0,             0,               NULL,       false, "one line, mode 600: the secret by which the device proves who it is"},
	{"",        "state_dir",         OTA_CONFIG_PATH,     HEAD(state_dir),           0,             0,               NULL,       true,  "directory for the agent's state and downloads"},
	{"",        "mqtt_version",      OTA_CONFIG_CHOICE,   HEAD(mqtt_version),        0,             0,               versions,   false, "3.1.1 or 5"},
	{"",        "ca_file",           OTA_CONFIG_PATH,     HEAD(ca_file),             0,             0,               NULL,       false, "CA certificates of broker and downloads, in place of the system's"},
	{"",        "cert_file",         OTA_CONFIG_PATH,     HEAD(cert_file),           0,             0,               NULL,       false, "client certificate for broker and downloads"},
	{"",        "key_file",          OTA_CONFIG_PATH,     HEAD(key_file),            0,             0,               NULL,       false, "key of the client certificate"},
	{"",        "proxy",             OTA_CONFIG_TEXT,     HEAD(proxy),               0,             0,               NULL,       false, "http://[user:password@]host:port for broker and downloads"},
	{"",        "no_proxy",          OTA_CONFIG_TEXT,     HEAD(no_proxy),            0,             0,               NULL,       false, "hosts and domains that are reached without the proxy"},
	{"",        "keepalive",         OTA_CONFIG_DURATION, HEAD(keepalive_ms),        SECONDS(30),   SECONDS(1200),   NULL,       false, "MQTT keepalive"},
	{"",        "backoff_base",      OTA_CONFIG_DURATION, HEAD(backoff_base_ms),     1,             OTA_HOUR_MS,     NULL,       false, "first pause before connecting again"},
	{"",        "backoff_cap",       OTA_CONFIG_DURATION, HEAD(backoff_cap_ms),      1,             OTA_DAY_MS,      NULL,       false, "longest pause before connecting again"},
	{"",        "url_schemes",       OTA_CONFIG_TEXT,     HEAD(url_schemes),         0,             0,               NULL,       false, "schemes a download may use: https, or http https"},
	{"",        "url_hosts",         OTA_CONFIG_TEXT,     HEAD(url_hosts),           0,             0,               NULL,       false, "hosts a download may come from; any if not given"},
	{"",        "pinned_key",        OTA_CONFIG_TEXT,     HEAD(pinned_key),          0,             0,               NULL,       false, "sha256//BASE64 of the public key downloads must come from"},
	{"",        "max_speed",         OTA_CONFIG_SIZE,     HEAD(max_speed),           1024,          (int64_t)1 << 40, NULL,      false, "bytes per second of a download; no limit if not given"},
	{"",        "connect_timeout",   OTA_CONFIG_DURATION, HEAD(connect_timeout_ms),  SECONDS(1),    SECONDS(600),    NULL,       false, "of a download"},
	{"",        "min_speed",         OTA_CONFIG_SIZE,     HEAD(min_speed),           1,             1 << 30,         NULL,       false, "bytes per second; slower for min_speed_time is a cut connection"},
	{"",        "min_speed_time",    OTA_CONFIG_DURATION, HEAD(min_speed_time_ms),   SECONDS(1),    OTA_HOUR_MS,     NULL,       false, "see min_speed"},
	{"",        "download_tries",    OTA_CONFIG_INTEGER,  HEAD(download_tries),      1,             1000,            NULL,       false, "in a row without a byte of progress"},
	{"",        "download_deadline", OTA_CONFIG_DURATION, HEAD(download_deadline_ms), SECONDS(1),   OTA_DAY_MS,      NULL,       false, "of one download, pauses included"},
	{"",        "retry_base",        OTA_CONFIG_DURATION, HEAD(retry_base_ms),       1,             OTA_HOUR_MS,     NULL,       false, "first pause before a download goes on"},
	{"",        "retry_cap",         OTA_CONFIG_DURATION, HEAD(retry_cap_ms),        1,             OTA_DAY_MS,      NULL,       false, "longest pause before a download goes on"},
	{"",        "restart",           OTA_CONFIG_TEXT,     HEAD(restart),             0,             0,               NULL,       false, "reexec, exit, or hook:/path"},
	{"",        "log_level",         OTA_CONFIG_CHOICE,   HEAD(log_level),           0,             0,               log_levels, false, "least level that is logged"},
	{"module",  "installer",         OTA_CONFIG_CHOICE,   MODULE(installer),         0,             0,               installers, true,  "file or exec"},
	{"module",  "slots_dir",         OTA_CONFIG_PATH,     MODULE(slots_dir),         0,             0,               NULL,       false, "file: directory of the slots a, b and of current"},
	{"module",  "check",             OTA_CONFIG_PATH,     MODULE(check),             0,             0,               NULL,       false, "file: hook that judges a filled slot"},
	{"module",  "command",           OTA_CONFIG_PATH,     MODULE(command),           0,             0,               NULL,       false, "exec: hook that installs"},
	{"module",  "timeout",           OTA_CONFIG_DURATION, MODULE(timeout_ms),        SECONDS(1),    OTA_DAY_MS,      NULL,       false, "of check or command"},
};
/* clang-format on */

void agent_config_defaults(struct agent_config *config)
{
	const struct ota_agent_options *options = &agent_option_defaults;

	config->keepalive_ms = options->keepalive_ms;
	config->backoff_base_ms = options->backoff_base_ms;
	config->backoff_cap_ms = options->backoff_cap_ms;
	config->connect_timeout_ms = options->connect_timeout_ms;
	config->min_speed = options->min_speed;
	config->min_speed_time_ms = options->min_speed_time_ms;
	config->download_tries = options->download_tries;
	config->download_deadline_ms = options->download_deadline_ms;
	config->retry_base_ms = options->retry_base_ms;
	config->retry_cap_ms = options->retry_cap_ms;
	config->log_level = OTA_LOG_INFO;
	ota_text_cut(config->restart, sizeof(config->restart), "reexec");
	ota_text_cut(config->url_schemes, sizeof(config->url_schemes), options->url_schemes);
	for (size_t i = 0; i < AGENT_MODULES_MAX; i++)
		config->modules[i].timeout_ms = 5 * OTA_MINUTE_MS;
}

/* A file on its way into the struct. */
struct reading {
	struct agent_config *config;
	agent_config_problem *problem; /* NULL: the first one ends it */
	void *context;
	bool is_wrong;
};

static void reading_problem(void *context, const struct ota_error *error)
{
	struct reading *reading = context;

	reading->is_wrong = true;
	reading->problem(reading->context, error);
}

static void *config_section(void *context, const char *kind, const char *name, struct ota_error *error)
{
	struct agent_config *config = ((struct reading *)context)->config;
	struct agent_module_config *module;

	if (!kind[0])
		return config;
	if (agent_config_module(config, name)) {
		ota_fail(error, OTA_EINVALID, "module %s is there twice", name);
		return NULL;
	}
	if (config->module_count == AGENT_MODULES_MAX) {
		ota_fail(error, OTA_EINVALID, "there are more than %d modules", AGENT_MODULES_MAX);
		return NULL;
	}
	if (agent_module_name_check(name, error))
		return NULL;
	module = &config->modules[config->module_count++];
	ota_text_cut(module->name, sizeof(module->name), name);
	return module;
}

/* Each would take the other's image for its own. */
static int slots_dir_check(const struct agent_config *config, const struct agent_module_config *module, struct ota_error *error)
{
	for (const struct agent_module_config *other = config->modules; other < module; other++)
		if (module->slots_dir[0] && !strcmp(other->slots_dir, module->slots_dir))
			return ota_fail(error, OTA_EINVALID, "[module %s]: slots_dir is that of [module %s]; each needs its own",
					module->name, other->name);
	return 0;
}

static int module_finish(struct agent_module_config *module, struct ota_agent_module *target, struct ota_error *error)
{
	bool is_file = module->installer == AGENT_INSTALLER_FILE;

	if (is_file && !module->slots_dir[0])
		return ota_fail(error, OTA_EINVALID, "[module %s]: installer = file needs slots_dir", module->name);
	if (!is_file && !module->command[0])
		return ota_fail(error, OTA_EINVALID, "[module %s]: installer = exec needs command", module->name);
	if (is_file && module->command[0])
		return ota_fail(error, OTA_EINVALID, "[module %s]: command belongs to installer = exec", module->name);
	if (!is_file && (module->slots_dir[0] || module->check[0]))
		return ota_fail(error, OTA_EINVALID, "[module %s]: slots_dir and check belong to installer = file", module->name);
	module->slots = (struct agent_slots){
		.slots_dir = module->slots_dir, .check = module->check, .check_timeout_ms = module->timeout_ms};
	module->exec = (struct agent_exec_options){.command = module->command, .timeout_ms = module->timeout_ms};
	target->name = module->name;
	target->installer = is_file ? agent_slots_installer(&module->slots) : agent_install_exec(&module->exec);
	return 0;
}

static int restart_parse(struct agent_config *config, struct ota_error *error)
{
	static const char hook[] = "hook:/";

	if (!strcmp(config->restart, "reexec"))
		config->restart_kind = AGENT_RESTART_REEXEC;
	else if (!strcmp(config->restart, "exit"))
		config->restart_kind = AGENT_RESTART_EXIT;
	else if (!strncmp(config->restart, hook, sizeof(hook) - 1))
		config->restart_kind = AGENT_RESTART_HOOK;
	else
		return ota_fail(error, OTA_EINVALID, "restart must be reexec, exit, or hook: and an absolute path");
	config->restart_hook = config->restart + sizeof(hook) - 2;
	return 0;
}

/* 0: go on. */
static int reading_note(struct reading *reading, const char *path, int rc, struct ota_error *error)
{
	if (rc)
		ota_error_prefix(error, rc, "%s", path);
	if (!rc || !reading->problem)
		return rc;
	reading_problem(reading, error);
	return 0;
}

static int config_finish(struct reading *reading, const char *path, struct ota_error *error)
{
	struct agent_config *config = reading->config;
	int rc = 0;

	if (!config->module_count)
		rc = ota_fail(error, OTA_EINVALID,
			      "there is no [module NAME] section; a device of one part has [module default]");
	rc = reading_note(reading, path, rc, error);
	for (size_t i = 0; i < config->module_count && !rc; i++) {
		rc = module_finish(&config->modules[i], &config->agent_modules[i], error);
		rc = rc ? rc : slots_dir_check(config, &config->modules[i], error);
		rc = reading_note(reading, path, rc, error);
	}
	return rc ? rc : reading_note(reading, path, restart_parse(config, error), error);
}

static int config_read(struct reading *reading, const char *path, struct ota_error *error)
{
	struct agent_config *config = reading->config;
	const struct ota_config_spec spec = {
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.section = config_section,
		.context = reading,
		.problem = reading->problem ? reading_problem : NULL,
	};
	int rc;

	agent_config_defaults(config);
	rc = ota_config_read(path, &spec, error);
	if (rc && reading->problem && !reading->is_wrong)
		reading_problem(reading, error); /* the file itself cannot be read */
	/* What belongs together is looked at only where each for itself is right. */
	return rc ? rc : config_finish(reading, path, error);
}

const struct ota_config_row *agent_config_rows(size_t *ret_count)
{
	*ret_count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

int agent_config_read(const char *path, struct agent_config *config, struct ota_error *error)
{
	struct reading reading = {.config = config};

	return config_read(&reading, path, error);
}

bool agent_config_check(const char *path, struct agent_config *config, agent_config_problem *problem, void *context)
{
	struct reading reading = {.config = config, .problem = problem, .context = context};
	struct ota_error error = {0};

	config_read(&reading, path, &error);
	return !reading.is_wrong;
}

const struct agent_module_config *agent_config_module(const struct agent_config *config, const char *name)
{
	for (size_t i = 0; i < config->module_count; i++)
		if (!strcmp(config->modules[i].name, name))
			return &config->modules[i];
	return NULL;
}

struct ota_agent_options agent_config_options(struct agent_config *config)
{
	struct ota_agent_options options = {
		.broker = config->broker,
		.product_key = config->product_key,
		.device_name = config->device_name,
		.device_secret_file = config->device_secret_file,
		.state_dir = config->state_dir,
		.mqtt_5 = config->mqtt_version > 0,
		.proxy = config->proxy,
		.no_proxy = config->no_proxy,
		.pinned_key = config->pinned_key,
		.max_speed = config->max_speed,
		.ca_file = config->ca_file,
		.cert_file = config->cert_file,
		.key_file = config->key_file,
		.keepalive_ms = config->keepalive_ms,
		.backoff_base_ms = config->backoff_base_ms,
		.backoff_cap_ms = config->backoff_cap_ms,
		.url_schemes = config->url_schemes,
		.url_hosts = config->url_hosts,
		.connect_timeout_ms = config->connect_timeout_ms,
		.min_speed = config->min_speed,
		.min_speed_time_ms = config->min_speed_time_ms,
		.download_tries = config->download_tries,
		.download_deadline_ms = config->download_deadline_ms,
		.retry_base_ms = config->retry_base_ms,
		.retry_cap_ms = config->retry_cap_ms,
		.modules = config->agent_modules,
		.module_count = config->module_count,
	};

	if (config->restart_kind == AGENT_RESTART_HOOK)
		options.restarter = agent_restart_hook(config->restart_hook);
	return options;
}
