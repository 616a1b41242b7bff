#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "plugin/broker/options.h"

/* What every configuration must say. */
static const struct ota_option_line least[] = {
	{"ota_store_dir", "/var/lib/ota"},
	{"ota_package_dir", "/var/lib/packages"},
	{"ota_gateway_url", "https://ota.example.org"},
	{"ota_others", "defer"},
	{"ota_device_auth", "none"},
};
enum { LEAST = sizeof(least) / sizeof(least[0]) };

/* The least with one option set otherwise; value NULL leaves it out. */
static int read_with(const char *name, const char *value, struct ota_options *options, struct ota_error *error)
{
	struct ota_option_line given[LEAST + 1];
	size_t count = 0;
	for (size_t i = 0; i < LEAST; i++)
		if (strcmp(least[i].name, name) != 0)
			given[count++] = least[i];
	if (value)
		given[count++] = (struct ota_option_line){name, value};
	return ota_options_read(given, count, options, error);
}

static struct ota_options expect_taken(const char *name, const char *value)
{
	struct ota_options options = {.store_dir = "untouched"};
	struct ota_error error = {0};
	cr_assert_eq(read_with(name, value, &options, &error), 0, "%s %s: %s", name, value, error.text);
	return options;
}

static void expect_refused(const char *name, const char *value, const char *words)
{
	struct ota_options options = {.store_dir = "untouched"};
	struct ota_error error = {0};
	cr_expect_neq(read_with(name, value, &options, &error), 0, "%s %s", name, value);
	cr_expect(strstr(error.text, name), "\"%s\" does not name %s", error.text, name);
	cr_expect(strstr(error.text, words), "\"%s\" does not say \"%s\"", error.text, words);
	cr_expect_str_eq(options.store_dir, "untouched");
}

Test(options, the_least_is_enough_and_the_rest_has_its_default)
{
	struct ota_options options = expect_taken("ota_others", "defer");
	cr_expect_str_eq(options.store_dir, "/var/lib/ota");
	cr_expect_str_eq(options.journal_dir, "/run/mosquitto/ota");
	cr_expect_str_eq(options.url_key_file, "/var/lib/ota/url.key");
	cr_expect_eq(options.others, OTA_OTHERS_DEFER);
	cr_expect_eq(options.device_auth, OTA_DEVICE_AUTH_NONE);
	cr_expect_eq(options.journal_limit_bytes, UINT64_C(256) << 20);
	cr_expect_eq(options.store_cache_bytes, UINT64_C(48) << 20);
	cr_expect_eq(options.log_level, OTA_LOG_INFO);
	cr_expect_eq(options.settle_ms, 0, "0 takes the engine's default");
	cr_expect_eq(options.log_keep_ms, INT64_C(400) * 86400000);
	cr_expect(ota_options_publish_events(&options));
}

Test(options, every_size_is_taken)
{
	cr_expect_eq(expect_taken("ota_journal_limit", "32M").journal_limit_bytes, UINT64_C(32) << 20);
	cr_expect_eq(expect_taken("ota_store_cache", "1M").store_cache_bytes, UINT64_C(1) << 20);
}

Test(options, every_option_is_taken)
{
	cr_expect_eq(expect_taken("ota_others", "allow").others, OTA_OTHERS_ALLOW);
	cr_expect_str_eq(expect_taken("ota_journal_dir", "/dev/shm/x").journal_dir, "/dev/shm/x");
	cr_expect_str_eq(expect_taken("ota_url_key_file", "/etc/key").url_key_file, "/etc/key");
}

Test(options, every_number_is_taken)
{
	cr_expect_eq(expect_taken("ota_settle", "500ms").settle_ms, 500);
	cr_expect_eq(expect_taken("ota_log_keep", "1d").log_keep_ms, 86400000);
	cr_expect_eq(expect_taken("ota_events", "off").events, OTA_EVENTS_OFF);
	cr_expect_eq(expect_taken("ota_repush", "2m").repush_ms, 120000);
	cr_expect_eq(expect_taken("ota_repush_max", "2h").repush_max_ms, 7200000);
	cr_expect_eq(expect_taken("ota_start_grace", "1s").start_grace_ms, 1000);
	cr_expect_eq(expect_taken("ota_log_level", "debug").log_level, OTA_LOG_DEBUG);
	cr_expect_str_eq(expect_taken("ota_gateway_url", "http://127.0.0.1:8080/ota").gateway_url, "http://127.0.0.1:8080/ota");
}

static int read_triple(const char *auth, const char *name, const char *value, struct ota_options *options,
		       struct ota_error *error)
{
	struct ota_option_line given[LEAST + 1];
	memcpy(given, least, sizeof(least));
	for (size_t i = 0; i < LEAST; i++)
		if (strcmp(given[i].name, "ota_device_auth") == 0)
			given[i].value = auth;
	given[LEAST] = (struct ota_option_line){name, value};
	return ota_options_read(given, LEAST + 1, options, error);
}

Test(options, what_loosens_the_triple_needs_it)
{
	struct ota_options options = {0};
	struct ota_error error = {0};
	cr_expect_eq(expect_taken("ota_device_auth", "triple").device_auth, OTA_DEVICE_AUTH_TRIPLE);
	cr_expect_eq(read_triple("triple", "ota_triple_md5", "yes", &options, &error), 0, "%s", error.text);
	cr_expect(options.triple_md5);
	cr_expect_eq(read_triple("triple", "ota_triple_region", "cn-shanghai", &options, &error), 0, "%s", error.text);
	cr_expect_str_eq(options.triple_region, "cn-shanghai");
	cr_expect_eq(read_triple("none", "ota_triple_md5", "yes", &options, &error), OTA_EINVALID);
	cr_expect(strstr(error.text, "ota_device_auth: must be triple"), "%s", error.text);
	cr_expect_eq(read_triple("none", "ota_triple_region", "cn-shanghai", &options, &error), OTA_EINVALID);
}

Test(options, what_is_missing_is_named)
{
	for (size_t i = 0; i < LEAST; i++)
		expect_refused(least[i].name, NULL, "missing");
}

Test(options, what_is_empty_is_named)
{
	for (size_t i = 0; i < LEAST; i++)
		expect_refused(least[i].name, "", ": ");
	expect_refused("ota_settle", "", "\"\" must be a duration such as");
	expect_refused("ota_others", "", "\"\" must be one of defer, allow");
	expect_refused("ota_gateway_url", "", "is empty (where devices download");
	expect_refused("ota_store_dir", "", "\"\" must be an absolute path");
}

Test(options, what_is_bad_is_named_with_what_is_allowed)
{
	expect_refused("ota_others", "deny", "defer, allow");
	expect_refused("ota_events", "yes", "auto, on, off");
	expect_refused("ota_log_keep", "23h", "1d");
	expect_refused("ota_log_keep", "3651d", "3650d");
	expect_refused("ota_others", "Allow", "defer, allow");
	expect_refused("ota_device_auth", "password", "none");
	expect_refused("ota_store_dir", "var/lib", "absolute");
	expect_refused("ota_url_key_file", "key", "absolute");
	expect_refused("ota_settle", "0s", "from 1ms");
	expect_refused("ota_settle", "61s", "to 1m");
	expect_refused("ota_settle", "5", "duration");
	expect_refused("ota_journal_limit", "31M", "from 32M to 64G");
	expect_refused("ota_journal_limit", "lots", "size");
	expect_refused("ota_store_cache", "1023k", "from 1M");
	expect_refused("ota_log_level", "loud", "debug, info, warning, error");
	expect_refused("ota_gateway_url", "ftp://host", "http(s)://");
	expect_refused("ota_gateway_url", "https://", "http(s)://");
	expect_refused("ota_gateway_url", "https://host/", "http(s)://");
	expect_refused("ota_gateway_url", "https://host?x", "http(s)://");
}

Test(options, an_unknown_option_is_named_with_its_neighbour)
{
	expect_refused("ota_stor_dir", "/x", "ota_store_dir");
	expect_refused("ota_strange", "1", "ota_strange");
}

Test(options, a_pause_that_cannot_grow_is_refused)
{
	struct ota_option_line given[LEAST + 2];
	struct ota_options options;
	struct ota_error error = {0};
	memcpy(given, least, sizeof(least));
	given[LEAST] = (struct ota_option_line){"ota_repush", "2m"};
	given[LEAST + 1] = (struct ota_option_line){"ota_repush_max", "1m"};
	cr_expect_eq(ota_options_read(given, LEAST + 2, &options, &error), OTA_EINVALID);
	cr_expect(strstr(error.text, "ota_repush_max"));
}

Test(options, a_second_time_is_refused)
{
	struct ota_option_line given[LEAST + 1];
	struct ota_options options;
	struct ota_error error = {0};
	memcpy(given, least, sizeof(least));
	given[LEAST] = least[3];
	cr_expect_eq(ota_options_read(given, LEAST + 1, &options, &error), OTA_EINVALID);
	cr_expect(strstr(error.text, "ota_others: is given twice"));
}

Test(options, a_path_is_as_long_as_its_room)
{
	char path[OTA_OPTION_PATH_SIZE + 1];
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[OTA_OPTION_PATH_SIZE - 1] = '\0';
	cr_expect_str_eq(expect_taken("ota_journal_dir", path).journal_dir, path);
	path[OTA_OPTION_PATH_SIZE - 1] = 'x';
	path[OTA_OPTION_PATH_SIZE] = '\0';
	expect_refused("ota_journal_dir", path, "at most 1023");
}
