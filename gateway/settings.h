/*
 * Settings: what gateway.conf says. One table row per key, in settings.c; examples/gateway.conf shows them all.
 */
#ifndef OTA_GATEWAY_SETTINGS_H
#define OTA_GATEWAY_SETTINGS_H

#include <limits.h>
#include <stdint.h>

#include "common/config.h"
#include "common/error.h"

enum { OTA_SETTINGS_TEXT_SIZE = 256 };

struct ota_settings {
	char listen[OTA_SETTINGS_TEXT_SIZE]; /* "host:port", "[::1]:8080"; port 0 = any free one */
	char broker[OTA_SETTINGS_TEXT_SIZE]; /* "mqtt://host:port" */
	char broker_username[OTA_SETTINGS_TEXT_SIZE]; /* "" = none, as the rest */
	char broker_password_file[PATH_MAX];
	char broker_ca_file[PATH_MAX];
	char package_dir[PATH_MAX];
	char url_key_file[PATH_MAX];
	char tls_cert[PATH_MAX];
	char tls_key[PATH_MAX];
	uint64_t upload_limit;
	int64_t connections;
	int64_t connections_per_address; /* 0 = no bound but `connections` */
	int log_level; /* enum ota_log_level */
};

/* The defaults, then the file. Errors are sentences with file, line and key. */
int ota_settings_read(const char *path, struct ota_settings *ret_settings, struct ota_error *error);

struct ota_settings ota_settings_defaults(void);

/* The rows, for whoever prints them. */
const struct ota_config_row *ota_settings_rows(size_t *ret_count);

#endif
