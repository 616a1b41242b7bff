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
#define FIELD(name) .section = "", .key = #name, .offset = offsetof(struct ota_settings, name), \
	.size = sizeof(((struct ota_settings *)0)->name)

static const struct ota_config_row rows[] = {
	{ FIELD(listen),               .type = OTA_CONFIG_TEXT,    .help = "host:port to serve HTTP on, port 0 for any free one" },
	{ FIELD(tls_cert),             .type = OTA_CONFIG_PATH,    .help = "PEM certificate chain: serve HTTPS" },
	{ FIELD(tls_key),              .type = OTA_CONFIG_PATH,    .help = "PEM private key of tls_cert" },
	{ FIELD(broker),               .type = OTA_CONFIG_TEXT,    .help = "mqtt://host:port or mqtts://host:port of the broker" },
	{ FIELD(broker_username),      .type = OTA_CONFIG_TEXT,    .help = "MQTT user name, where the broker wants one" },
	{ FIELD(broker_password_file), .type = OTA_CONFIG_PATH,    .help = "file with the MQTT password" },
	{ FIELD(broker_ca_file),       .type = OTA_CONFIG_PATH,    .help = "CA bundle for mqtts, the system's if absent" },
	{ FIELD(package_dir),          .type = OTA_CONFIG_PATH,    .required = true, .help = "where packages are kept; shared with the plugin" },
	{ FIELD(url_key_file),         .type = OTA_CONFIG_PATH,    .required = true, .help = "key of signed URLs; shared with the plugin" },
	{ FIELD(upload_limit),         .type = OTA_CONFIG_SIZE,    .low = 1, .high = 4294967295, .help = "largest package" },
	{ FIELD(connections),          .type = OTA_CONFIG_INTEGER, .low = 4, .high = 100000, .help = "open HTTP connections at most" },
	{ FIELD(connections_per_address), .type = OTA_CONFIG_INTEGER, .low = 0, .high = 100000, .help = "of one address at most, 0 for no bound" },
	{ FIELD(log_level),            .type = OTA_CONFIG_CHOICE,  .choices = log_levels, .help = "debug, info, warning or error" },
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

int ota_settings_read(const char *path, struct ota_settings *ret_settings, struct ota_error *error)
{
	struct ota_settings settings = {
		.listen = "127.0.0.1:8080",
		.broker = "mqtt://127.0.0.1:1883",
		.upload_limit = 1024 * 1024 * 1024,
		.connections = 2000,
		.connections_per_address = 256,
		.log_level = OTA_LOG_INFO,
	};
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
