/*
 * The three entry points of the broker's plugin interface, version 5. The one file that owns something for the whole process.
 */
#include "plugin/broker/callbacks.h"

#include <stdatomic.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int mosquitto_plugin_version(int supported_version_count, const int *supported_versions);

/* Two instances would share the store. They come from per_listener_settings, where the broker calls init once for each
 * listener. */
static _Atomic bool plugin_taken;

static void broker_write(void *context, enum ota_log_level level, const char *line)
{
	static const int levels[] = {
		[OTA_LOG_DEBUG] = MOSQ_LOG_DEBUG,
		[OTA_LOG_INFO] = MOSQ_LOG_INFO,
		[OTA_LOG_WARNING] = MOSQ_LOG_WARNING,
		[OTA_LOG_ERROR] = MOSQ_LOG_ERR,
	};
	(void)context;
	mosquitto_log_printf(levels[level], "ota: %s", line);
}

int mosquitto_plugin_version(int supported_version_count, const int *supported_versions)
{
	for (int i = 0; i < supported_version_count; i++)
		if (supported_versions[i] == 5)
			return 5;
	return -1;
}

/* Before the options are read there is no threshold, and this is no line to leave out. */
static void start_failed_tell(const char *why)
{
	struct ota_log log = {.write = broker_write};
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_ERROR, "start_failed");
	ota_log_text(&line, "error", why);
	ota_log_end(&log, &line);
}

static int options_read(const struct mosquitto_opt *given, int count, struct ota_options *ret_options, struct ota_error *error)
{
	size_t size = count > 0 ? (size_t)count : 0;
	struct ota_option_line *options = calloc(size + 1, sizeof(*options));
	if (!options)
		return ota_fail(error, OTA_ENOMEM, "no memory");
	for (size_t i = 0; i < size; i++)
		options[i] = (struct ota_option_line){.name = given[i].key, .value = given[i].value};
	int code = ota_options_read(options, size, ret_options, error);
	free(options);
	return code;
}

static int plugin_start(mosquitto_plugin_id_t *identifier, const struct mosquitto_opt *given, int count,
			struct ota_server **ret_server, struct ota_error *error)
{
	struct ota_options options;
	struct ota_log log = {.write = broker_write};
	struct ota_server *server;
	int code = options_read(given, count, &options, error);
	if (code != 0)
		return code;
	log.threshold = (enum ota_log_level)options.log_level;
	code = ota_server_start(&options, &log, &server, error);
	if (code != 0)
		return code;
	code = ota_callbacks_register(server, identifier, error);
	if (code == 0 && ota_compat_is_per_listener(&server->compat, identifier))
		code = ota_fail(error, OTA_EINVALID,
				"per_listener_settings true is not supported: the plugin serves the whole broker");
	if (code != 0) {
		ota_callbacks_unregister(server);
		ota_server_stop(server);
		return code;
	}
	*ret_server = server;
	return 0;
}

EXPORT int mosquitto_plugin_init(mosquitto_plugin_id_t *identifier, void **userdata, struct mosquitto_opt *options,
				 int option_count)
{
	struct ota_error error = {0};
	struct ota_server *server = NULL;
	*userdata = NULL;
	if (atomic_exchange(&plugin_taken, true)) {
		start_failed_tell("this plugin is loaded already; name it once, and leave per_listener_settings false");
		return MOSQ_ERR_ALREADY_EXISTS;
	}
	if (plugin_start(identifier, options, option_count, &server, &error) != 0) {
		atomic_store(&plugin_taken, false);
		start_failed_tell(error.text);
		return MOSQ_ERR_UNKNOWN;
	}
	*userdata = server;
	return MOSQ_ERR_SUCCESS;
}

EXPORT int mosquitto_plugin_cleanup(void *userdata, struct mosquitto_opt *options, int option_count)
{
	(void)options;
	(void)option_count;
	if (!userdata)
		return MOSQ_ERR_SUCCESS;
	ota_callbacks_unregister(userdata);
	ota_server_stop(userdata);
	atomic_store(&plugin_taken, false);
	return MOSQ_ERR_SUCCESS;
}
