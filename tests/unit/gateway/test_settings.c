#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"
#include "common/log.h"
#include "gateway/settings.h"
#include "tests/unit/support/scratch.h"

static int read_text(const char *text, struct ota_settings *settings, struct ota_error *error)
{
	char directory[SCRATCH_SIZE], path[SCRATCH_SIZE + 32];
	int code;

	scratch_make(directory);
	(void)snprintf(path, sizeof(path), "%s/gateway.conf", directory);
	cr_assert_eq(ota_file_replace(path, ota_span_from_text(text), 0600, NULL), 0);
	code = ota_settings_read(path, settings, error);
	scratch_remove(directory);
	return code;
}

#define LEAST "package_dir = /p\nurl_key_file = /k\n"

Test(settings, what_is_not_given_has_its_default)
{
	struct ota_error error = { 0 };
	struct ota_settings settings;

	cr_assert_eq(read_text(LEAST, &settings, &error), 0, "%s", error.text);
	cr_expect_str_eq(settings.listen, "127.0.0.1:8080");
	cr_expect_str_eq(settings.broker, "mqtt://127.0.0.1:1883");
	cr_expect_str_eq(settings.package_dir, "/p");
	cr_expect_eq(settings.upload_limit, (uint64_t)1 << 30);
	cr_expect_eq(settings.log_level, OTA_LOG_INFO);
	cr_expect_str_eq(settings.tls_cert, "");
}

Test(settings, mistakes_are_named)
{
	static const struct {
		const char *text, *named;
	} rows[] = {
		{"", "package_dir"},
		{"package_dir = /p\n", "url_key_file"},
		{LEAST "listn = x\n", "listen"},
		{LEAST "tls_cert = /c\n", "tls_key"},
		{LEAST "upload_limit = 4G\n", "upload_limit"},
		{LEAST "connections = 3\n", "connections"},
		{LEAST "log_level = loud\n", "warning"},
		{LEAST "[x]\n", "[x]"},
		{LEAST "broker_password_file = /f\n", "broker_username"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_error error = { 0 };
		struct ota_settings settings;

		cr_expect_lt(read_text(rows[i].text, &settings, &error), 0, "%s", rows[i].text);
		cr_expect_not_null(strstr(error.text, rows[i].named), "%s: %s", rows[i].text, error.text);
	}
}

/* The example is what people begin with: it must be good, and it must show every key. */
Test(settings, the_example_is_good_and_whole)
{
	const char *root = getenv("OTA_SOURCE_ROOT");
	struct ota_bytes text = { 0 };
	struct ota_error error = { 0 };
	struct ota_settings settings;
	char path[4096];
	size_t count;
	const struct ota_config_row *rows = ota_settings_rows(&count);

	(void)snprintf(path, sizeof(path), "%s/examples/gateway.conf", root ? root : ".");
	cr_assert_eq(ota_settings_read(path, &settings, &error), 0, "%s", error.text);
	cr_assert_eq(ota_file_read(path, 65536, &text, &error), 0, "%s", error.text);
	for (size_t i = 0; i < count; i++) {
		char plain[64], comment[64];

		(void)snprintf(plain, sizeof(plain), "\n%s = ", rows[i].key);
		(void)snprintf(comment, sizeof(comment), "\n#%s = ", rows[i].key);
		cr_expect(strstr(text.data, plain) || strstr(text.data, comment), "%s is not shown", rows[i].key);
	}
	ota_bytes_free(&text);
}
