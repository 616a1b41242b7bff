#include "gateway/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"

static const char *const log_levels[] = {
	[OTA_LOG_DEBUG] = "debug", [OTA_LOG_INFO] = "info", [OTA_LOG_WARNING] = "warning", [OTA_LOG_ERROR] = "error", NULL,
};

/* clang-format off */
#define ROW(key_, type_, help_, ...) \
	{ .section = "", .key = #key_, .type = OTA_CONFIG_##type_, .offset = offsetof(struct ota_settings, key_), \
	  .size = sizeof(((struct ota_settings *)0)->key_), .help = help_, ##__VA_ARGS__ }

static const struct ota_config_row rows[] = {
	ROW(listen,                  TEXT,    "host:port to serve HTTP on, port 0 for any free one"),
	ROW(tls_cert,                PATH,    "PEM certificate chain: serve HTTPS"),
	ROW(tls_key,                 PATH,    "PEM private key of tls_cert"),
	ROW(broker,                  TEXT,    "mqtt://host:port or mqtts://host:port of the broker"),
	ROW(broker_username,         TEXT,    "MQTT user name, where the broker wants one"),
	ROW(broker_password_file,    PATH,    "file with the MQTT password"),
	ROW(broker_ca_file,          PATH,    "CA bundle for mqtts, the system's if absent"),
	ROW(package_dir,             PATH,    "where packages are kept; shared with the plugin", .required = true),
	ROW(url_key_file,            PATH,    "key of signed URLs; shared with the plugin", .required = true),
	ROW(upload_limit,            SIZE,    "largest package", .low = 1, .high = 4294967295),
	ROW(connections,             INTEGER, "open HTTP connections at most", .low = 4, .high = 100000),
	ROW(connections_per_address, INTEGER, "of one address at most, 0 for no bound", .low = 0, .high = 100000),
	ROW(log_level,               CHOICE,  "debug, info, warning or error", .choices = log_levels),
};
/* clang-format on */

const struct ota_config_row *ota_settings_rows(size_t *ret_count)
{
	*ret_count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

static void *section(void *context, const char *kind, const char *name, struct ota_error *error)
{
	(void)name;
	if (kind[0] == '\0')
		return context;
	(void)ota_fail(error, OTA_EINVALID, "section [%s]: the gateway has no sections", kind);
	return NULL;
}

static int check_pairs(const struct ota_settings *settings, struct ota_error *error)
{
	if ((settings->tls_cert[0] == '\0') != (settings->tls_key[0] == '\0'))
		return ota_fail(error, OTA_EINVALID, "tls_cert and tls_key belong together; one of them is missing");
	if (settings->broker_password_file[0] != '\0' && settings->broker_username[0] == '\0')
		return ota_fail(error, OTA_EINVALID, "broker_password_file is given without broker_username");
	return 0;
}

struct ota_settings ota_settings_defaults(void)
{
	return (struct ota_settings){
		.listen = "127.0.0.1:8080",
		.broker = "mqtt://127.0.0.1:1883",
		.upload_limit = 1024 * 1024 * 1024,
		.connections = 2000,
		.connections_per_address = 256,
		.log_level = OTA_LOG_INFO,
	};
}

int ota_settings_read(const char *path, struct ota_settings *ret_settings, struct ota_error *error)
{
	struct ota_settings settings = ota_settings_defaults();
	struct ota_config_spec spec = {
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.section = section,
		.context = &settings,
	};
	int code = ota_config_read(path, &spec, error);

	if (code == 0) {
		code = check_pairs(&settings, error);
		if (code < 0)
			return ota_error_prefix(error, code, "%s", path);
		*ret_settings = settings;
	}
	return code;
}
