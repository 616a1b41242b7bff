/*
 * Options: the `plugin_opt_ota_...` lines of mosquitto.conf, checked all at once when the plugin is loaded. An unknown, missing,
 * doubled or bad option stops the broker's start with a sentence that names it and what is allowed.
 */
#ifndef OTA_PLUGIN_BROKER_OPTIONS_H
#define OTA_PLUGIN_BROKER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/error.h"
#include "common/log.h"
#include "plugin/access/admission.h"
#include "plugin/access/triple.h"

enum { OTA_OPTION_PATH_SIZE = 1024, OTA_OPTION_URL_SIZE = 256 };

enum ota_device_auth {
	OTA_DEVICE_AUTH_NONE,   /* whoever says so is the device: a lab */
	OTA_DEVICE_AUTH_TRIPLE, /* by the signature under its secret (plugin/access/triple.h) */
};

/* Whether events are published on $CONTROL/ota/v1/events. */
enum ota_events {
	OTA_EVENTS_AUTO, /* where the broker's own rules say who may read there: with ota_others defer */
	OTA_EVENTS_ON,
	OTA_EVENTS_OFF,
};

struct ota_options {
	char store_dir[OTA_OPTION_PATH_SIZE];
	char backup_dir[OTA_OPTION_PATH_SIZE];
	char package_dir[OTA_OPTION_PATH_SIZE];
	char journal_dir[OTA_OPTION_PATH_SIZE];
	char gateway_url[OTA_OPTION_URL_SIZE];
	char url_key_file[OTA_OPTION_PATH_SIZE];
	int others;      /* enum ota_others */
	int device_auth; /* enum ota_device_auth */
	bool triple_md5;
	char triple_region[OTA_TRIPLE_REGION_MAX + 1];
	int64_t settle_ms, repush_ms, repush_max_ms, start_grace_ms; /* 0 = the engine's default */
	uint64_t journal_limit_bytes, store_cache_bytes;
	int log_level; /* enum ota_log_level */
	int events;    /* enum ota_events */
	int64_t log_keep_ms;
};

/* One line of the configuration: the name without "plugin_opt_". */
struct ota_option_line {
	const char *name;
	const char *value;
};

struct ota_options ota_options_defaults(void);
/* The rows, for whoever prints them. */
const struct ota_config_row *ota_options_rows(size_t *ret_count);

bool ota_options_publish_events(const struct ota_options *options);

int ota_options_read(const struct ota_option_line *given, size_t count, struct ota_options *ret_options, struct ota_error *error);

#endif
