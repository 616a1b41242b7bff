#include "agent/check.h"

#include <stdio.h>
#include <string.h>

#include "agent/adapters/login.h"
#include "agent/adapters/program.h"
#include "agent/options.h"
#include "link/link.h"

/* --- what is wrong ---------------------------------------------------------------------------------------------------------- */

static void problem_print(void *context, const struct ota_error *error)
{
	(void)context;
	fprintf(stderr, "ota-agent: %s\n", error->text);
}

/* True when rc is none. */
static bool is_right(const char *path, int rc, struct ota_error *error)
{
	if (!rc)
		return true;
	ota_error_prefix(error, rc, "%s", path);
	problem_print(NULL, error);
	return false;
}

static int check_program(const char *what, const char *program, struct ota_error *error)
{
	int rc = program[0] ? agent_program_check(program, error) : 0;

	return rc ? ota_error_prefix(error, rc, "%s", what) : 0;
}

static int check_module(const struct agent_module_config *module, struct ota_error *error)
{
	int rc = check_program("command", module->command, error);

	rc = rc ? rc : check_program("check", module->check, error);
	return rc ? ota_error_prefix(error, rc, "[module %s]", module->name) : 0;
}

static int check_broker(const struct agent_config *config, struct ota_error *error)
{
	const struct ota_link_options options = {
		.url = config->broker,
		.ca_file = config->ca_file[0] ? config->ca_file : NULL,
		.cert_file = config->cert_file[0] ? config->cert_file : NULL,
		.key_file = config->key_file[0] ? config->key_file : NULL,
	};

	return ota_link_check(&options, error);
}

/* Signs for nobody: what can be wrong is the file. */
static int check_secret(const struct agent_config *config, struct ota_error *error)
{
	const struct agent_login_options login = {.secret_file = config->device_secret_file};
	char password[OTA_LINK_PASSWORD_SIZE] = "";
	int rc = config->device_secret_file[0] ? agent_login_password(&login, password, error) : 0;

	explicit_bzero(password, sizeof(password));
	return rc;
}

static bool check_values(const char *path, struct agent_config *config)
{
	const struct ota_agent_options options = agent_config_options(config);
	struct ota_error error = {0};
	bool is_good = is_right(path, agent_options_check(&options, &error), &error);

	is_good &= is_right(path, check_broker(config, &error), &error);
	is_good &= is_right(path, check_secret(config, &error), &error);
	for (size_t i = 0; i < config->module_count; i++)
		is_good &= is_right(path, check_module(&config->modules[i], &error), &error);
	if (config->restart_kind == AGENT_RESTART_HOOK)
		is_good &= is_right(path, check_program("restart hook", config->restart_hook, &error), &error);
	return is_good;
}

/* --- what it means ---------------------------------------------------------------------------------------------------------- */

static void tell(const char *word, const char *text)
{
	printf("  %-10s %s\n", word, text);
}

/* A password is nobody's business who reads this over a shoulder. */
static void tell_proxy(const struct agent_config *config)
{
	const char *at = strrchr(config->proxy, '@');

	if (!config->proxy[0]) {
		tell("proxy", "none");
		return;
	}
	printf("  %-10s %s%s%s%s\n", "proxy", at ? "http://(user)@" : "", at ? at + 1 : config->proxy,
	       config->no_proxy[0] ? ", but not for " : "", config->no_proxy);
}

static void tell_proof(const struct agent_config *config)
{
	if (!config->device_secret_file[0])
		tell("proof", "none: no device_secret_file");
	else if (strncmp(config->broker, "mqtts:", 6) != 0)
		printf("  %-10s the secret in %s; without TLS whoever listens can log in as this device\n", "proof",
		       config->device_secret_file);
	else
		printf("  %-10s the secret in %s\n", "proof", config->device_secret_file);
}

static void tell_downloads(const struct agent_config *config)
{
	printf("  %-10s %s from %s, into %s", "downloads", config->url_schemes,
	       config->url_hosts[0] ? config->url_hosts : "any host", config->state_dir);
	if (config->max_speed)
		printf(", at most %llu bytes a second", (unsigned long long)config->max_speed);
	puts(config->pinned_key[0] ? ", from pinned keys only" : "");
}

static void tell_module(const struct agent_module_config *module, const struct ota_agent_module *target)
{
	const struct ota_installer *installer = &target->installer;
	const struct agent_watch watch = {.stop_fd = -1};
	struct ota_error error = {0};
	char version[OTA_VERSION_MAX + 1] = "";
	bool is_file = module->installer == AGENT_INSTALLER_FILE;
	int rc = installer->version(installer->context, module->name, &watch, version, &error);

	printf("  %-10s %s: installer %s, %s; %s%s\n", "module", module->name, is_file ? "file" : "exec",
	       is_file ? module->slots_dir : module->command, rc ? "it is unknown what runs: " : "runs ",
	       rc ? error.text : version);
}

static void tell_all(const char *path, const struct agent_config *config)
{
	printf("%s is right:\n", path);
	printf("  %-10s %s of product %s\n", "device", config->device_name, config->product_key);
	printf("  %-10s %s, MQTT %s\n", "broker", config->broker, config->mqtt_version ? "5" : "3.1.1");
	tell_proof(config);
	tell("trust", config->ca_file[0] ? config->ca_file : "the system's certificates");
	tell("shows", config->cert_file[0] ? config->cert_file : "no client certificate");
	tell_proxy(config);
	tell_downloads(config);
	tell("restart", config->restart);
	for (size_t i = 0; i < config->module_count; i++)
		tell_module(&config->modules[i], &config->agent_modules[i]);
}

bool agent_check(const char *path, struct agent_config *config)
{
	if (!agent_config_check(path, config, problem_print, NULL) || !check_values(path, config))
		return false;
	tell_all(path, config);
	return true;
}
