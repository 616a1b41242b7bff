#include "plugin/broker/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/config.h"
#include "common/file.h"
#include "common/time.h"
#include "plugin/broker/journal.h"
#include "plugin/store/store.h"

#define FIELD(name) offsetof(struct ota_options, name), sizeof(((struct ota_options *)0)->name)
#define MEBIBYTE ((int64_t)1024 * 1024)

static const char *const others_words[] = {[OTA_OTHERS_DEFER] = "defer", [OTA_OTHERS_ALLOW] = "allow", NULL};
static const char *const device_auth_words[] = {
	[OTA_DEVICE_AUTH_NONE] = "none", [OTA_DEVICE_AUTH_TRIPLE] = "triple", NULL};
static const char *const events_words[] = {
	[OTA_EVENTS_AUTO] = "auto", [OTA_EVENTS_ON] = "on", [OTA_EVENTS_OFF] = "off", NULL};
static const char *const level_words[] = {
	[OTA_LOG_DEBUG] = "debug", [OTA_LOG_INFO] = "info", [OTA_LOG_WARNING] = "warning", [OTA_LOG_ERROR] = "error", NULL};

/* clang-format off */
static const struct ota_config_row rows[] = {
	{"", "ota_store_dir",     OTA_CONFIG_PATH,     FIELD(store_dir),    0, 0, NULL, true,  "the directory of the store"},
	{"", "ota_package_dir",   OTA_CONFIG_PATH,     FIELD(package_dir),  0, 0, NULL, true,  "the directory of the packages, shared with the gateway"},
	{"", "ota_journal_dir",   OTA_CONFIG_PATH,     FIELD(journal_dir),  0, 0, NULL, false, "a directory in memory"},
	{"", "ota_gateway_url",   OTA_CONFIG_TEXT,     FIELD(gateway_url),  0, 0, NULL, true,  "where devices download, such as https://ota.example.org"},
	{"", "ota_backup_dir",    OTA_CONFIG_PATH,     FIELD(backup_dir),   0, 0, NULL, false,
		"where backups go, a directory for them alone; backups in the store's directory if not given"},
	{"", "ota_url_key_file",  OTA_CONFIG_PATH,     FIELD(url_key_file), 0, 0, NULL, false, "the key of download URLs, shared with the gateway"},
	{"", "ota_others",        OTA_CONFIG_CHOICE,   FIELD(others),       0, 0, others_words, true,
		"what happens to users that are no devices: defer (the broker's own rules) or allow"},
	{"", "ota_device_auth",   OTA_CONFIG_CHOICE,   FIELD(device_auth),  0, 0, device_auth_words, true,
		"how devices prove who they are: triple (a signature under the secret of each) or none (a lab)"},
	{"", "ota_triple_md5",    OTA_CONFIG_BOOL,     FIELD(triple_md5),   0, 0, NULL, false, "accept devices that sign with HMAC-MD5, too"},
	{"", "ota_triple_region", OTA_CONFIG_TEXT,     FIELD(triple_region), 0, 0, NULL, false,
		"accept devices that sign this regionId without sending it, too"},
	{"", "ota_settle",        OTA_CONFIG_DURATION, FIELD(settle_ms),      1, 60 * OTA_SECOND_MS, NULL, false, "quiet time before a report counts"},
	{"", "ota_repush",        OTA_CONFIG_DURATION, FIELD(repush_ms),      1, OTA_DAY_MS, NULL, false, "least pause between two pushes"},
	{"", "ota_repush_max",    OTA_CONFIG_DURATION, FIELD(repush_max_ms),  1, OTA_DAY_MS, NULL, false, "longest pause between two pushes"},
	{"", "ota_start_grace",   OTA_CONFIG_DURATION, FIELD(start_grace_ms), 1, OTA_DAY_MS, NULL, false, "no timer ends a task so soon after a start"},
	{"", "ota_store_cache",   OTA_CONFIG_SIZE,     FIELD(store_cache_bytes), MEBIBYTE, 64 * 1024 * MEBIBYTE, NULL, false,
		"how much of the store is kept in memory"},
	{"", "ota_journal_limit", OTA_CONFIG_SIZE,     FIELD(journal_limit_bytes), 32 * MEBIBYTE, 64 * 1024 * MEBIBYTE, NULL, false,
		"how much the journal may hold"},
	{"", "ota_events",        OTA_CONFIG_CHOICE,   FIELD(events),       0, 0, events_words, false,
		"publish the event log on $CONTROL/ota/v1/events: on, off, or auto (on with ota_others defer)"},
	{"", "ota_log_keep",      OTA_CONFIG_DURATION, FIELD(log_keep_ms),  OTA_DAY_MS, (int64_t)3650 * OTA_DAY_MS, NULL, false,
		"how long events stay in the log"},
	{"", "ota_log_level",     OTA_CONFIG_CHOICE,   FIELD(log_level),    0, 0, level_words, false, "debug, info, warning or error"},
};
/* clang-format on */
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct ota_config_row *row_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].key, name) == 0)
			return &rows[i];
	return NULL;
}

/* What the table cannot say. */
static int option_check(const struct ota_config_row *row, const char *value, struct ota_error *error)
{
	if (row->type == OTA_CONFIG_PATH && value[0] != '/')
		return ota_fail_at(error, OTA_EINVALID, row->key, "%s: \"%.128s\" must be an absolute path", row->key, value);
	if (row->type == OTA_CONFIG_TEXT && value[0] == '\0')
		return ota_fail_at(error, OTA_EINVALID, row->key, "%s: is empty (%s)", row->key, row->help);
	return 0;
}

static int option_set(const struct ota_option_line *option, bool given[ROWS], struct ota_options *options,
		      struct ota_error *error)
{
	static const struct ota_config_spec spec = {.rows = rows, .row_count = ROWS};
	const struct ota_config_row *row = row_find(option->name);
	const char *value = option->value ? option->value : "";
	int code = row ? option_check(row, value, error) : 0;
	if (code == 0)
		code = ota_config_set(&spec, options, "", option->name, value, error);
	if (code != 0 || !row)
		return code;
	if (given[row - rows])
		return ota_fail_at(error, OTA_EINVALID, row->key, "%s: is given twice", row->key);
	given[row - rows] = true;
	return 0;
}

static int required_check(const bool given[ROWS], struct ota_error *error)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].required && !given[i])
			return ota_fail_at(error, OTA_EINVALID, rows[i].key, "%s: is missing (%s)", rows[i].key, rows[i].help);
	return 0;
}

static int url_check(const char *url, struct ota_error *error)
{
	const char *host = strstr(url, "://");
	bool scheme = strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
	size_t size = strlen(url);
	if (!scheme || host[3] == '\0' || host[3] == '/' || strpbrk(url, "?# \"\\") || url[size - 1] == '/')
		return ota_fail_at(error, OTA_EINVALID, "ota_gateway_url",
				   "ota_gateway_url: \"%.128s\" must be http(s)://host[:port][/path] without a slash at its end",
				   url);
	return 0;
}

static int together_check(const struct ota_options *options, struct ota_error *error)
{
	if (options->device_auth != OTA_DEVICE_AUTH_TRIPLE && (options->triple_md5 || options->triple_region[0] != '\0'))
		return ota_fail_at(error, OTA_EINVALID, "ota_device_auth",
				   "ota_device_auth: must be triple when ota_triple_md5 or ota_triple_region is given");
	if (options->repush_ms > 0 && options->repush_max_ms > 0 && options->repush_max_ms < options->repush_ms)
		return ota_fail_at(error, OTA_EINVALID, "ota_repush_max", "ota_repush_max: must not be shorter than ota_repush");
	return url_check(options->gateway_url, error);
}

struct ota_options ota_options_defaults(void)
{
	return (struct ota_options){
		.journal_dir = "/run/mosquitto/ota",
		.journal_limit_bytes = (uint64_t)(256 * MEBIBYTE),
		.store_cache_bytes = OTA_STORE_CACHE_BYTES,
		.log_level = OTA_LOG_INFO,
		.log_keep_ms = (int64_t)400 * OTA_DAY_MS,
	};
}

bool ota_options_publish_events(const struct ota_options *options)
{
	if (options->events == OTA_EVENTS_AUTO)
		return options->others == OTA_OTHERS_DEFER;
	return options->events == OTA_EVENTS_ON;
}

const struct ota_config_row *ota_options_rows(size_t *ret_count)
{
	*ret_count = ROWS;
	return rows;
}

/* What is not given stands in the store's directory. */
static int path_default(const struct ota_options *options, char path[OTA_OPTION_PATH_SIZE], const char *name,
			struct ota_error *error)
{
	if (path[0] != '\0' || ota_file_join(path, OTA_OPTION_PATH_SIZE, options->store_dir, name))
		return 0;
	return ota_fail_at(error, OTA_EINVALID, "ota_store_dir", "ota_store_dir: is too long");
}

int ota_options_read(const struct ota_option_line *given, size_t count, struct ota_options *ret_options, struct ota_error *error)
{
	bool seen[ROWS] = {false};
	struct ota_options options = ota_options_defaults();
	int code = 0;
	for (size_t i = 0; code == 0 && i < count; i++)
		code = option_set(&given[i], seen, &options, error);
	if (code == 0)
		code = required_check(seen, error);
	if (code == 0)
		code = together_check(&options, error);
	if (code == 0)
		code = path_default(&options, options.url_key_file, "url.key", error);
	if (code == 0)
		code = path_default(&options, options.backup_dir, "backups", error);
	if (code == 0)
		*ret_options = options;
	return code;
}
