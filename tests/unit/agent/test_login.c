#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/adapters/login.h"
#include "common/file.h"
#include "tests/unit/support/scratch.h"

static char directory[SCRATCH_SIZE], path[SCRATCH_SIZE + 16];

static void setup(void)
{
	scratch_make(directory);
	snprintf(path, sizeof(path), "%s/secret", directory);
}

static void teardown(void)
{
	scratch_remove(directory);
}

TestSuite(agent_login, .init = setup, .fini = teardown);

static struct agent_login_options login_of(const char *device_name)
{
	struct agent_login_options options = {.secret_file = path};

	ota_identity_make(ota_span_from_text("a1B2c3D4e5F"), ota_span_from_text(device_name), &options.identity);
	return options;
}

static void write_secret(const char *text, mode_t mode)
{
	cr_assert_eq(ota_file_replace(path, ota_span_from_text(text), mode, NULL), 0);
}

/* aliyun-ota.md section 3, the vector of both C SDKs: the same names, secret, cid and timestamp. */
Test(agent_login, the_password_is_the_one_of_the_c_sdks)
{
	const struct agent_login_options options = login_of("sensor-01");
	char password[OTA_LINK_PASSWORD_SIZE];

	write_secret("0123456789abcdef0123456789abcdef\n", 0600);
	cr_assert_eq(agent_login_password(&options, password, NULL), 0);
	cr_expect_str_eq(password, "5936e05cca8b2065a9329282a4f06ccd941c73f8e91f7c7e2ab86479528b2273");
}

Test(agent_login, a_client_id_says_how_it_signs_and_over_what_line)
{
	struct agent_login_options options = login_of("sensor-01");
	char id[OTA_CLIENT_ID_MAX + 1];

	agent_login_client_id(&options, id);
	cr_expect_not_null(strstr(id, "a1B2c3D4e5F.sensor-01|timestamp=2524608000000,signmethod=hmacsha256,securemode=3,"), "%s",
			   id);
	options.is_tls = true;
	options.secret_file = "";
	agent_login_client_id(&options, id);
	cr_expect_not_null(strstr(id, "a1B2c3D4e5F.sensor-01|securemode=2,"), "%s", id);
	cr_expect_eq(id[strlen(id) - 1], '|');
}

/* A cid has at most 64 characters; the names of two devices together may have 97. */
Test(agent_login, long_names_are_no_long_cid_and_no_common_one)
{
	struct agent_login_options one = login_of("a-device-whose-name-has-as-many-characters-as-a-name-may-have-i1");
	struct agent_login_options other = login_of("a-device-whose-name-has-as-many-characters-as-a-name-may-have-i2");
	char id[OTA_CLIENT_ID_MAX + 1], other_id[OTA_CLIENT_ID_MAX + 1];

	agent_login_client_id(&one, id);
	agent_login_client_id(&other, other_id);
	cr_expect_eq(strcspn(id, "|"), 16, "%s", id);
	cr_expect_str_neq(id, other_id);
}

Test(agent_login, a_changed_secret_counts_from_the_next_connection_on)
{
	const struct agent_login_options options = login_of("sensor-01");
	char before[OTA_LINK_PASSWORD_SIZE], after[OTA_LINK_PASSWORD_SIZE];

	write_secret("0123456789abcdef0123456789abcdef\r\n", 0600);
	cr_assert_eq(agent_login_password(&options, before, NULL), 0);
	write_secret("fedcba9876543210fedcba9876543210", 0600);
	cr_assert_eq(agent_login_password(&options, after, NULL), 0);
	cr_expect_str_neq(before, after);
}

static void expect_refused(const char *text, mode_t mode, const char *words)
{
	const struct agent_login_options options = login_of("sensor-01");
	char password[OTA_LINK_PASSWORD_SIZE] = "untouched";
	struct ota_error error = {0};

	write_secret(text, mode);
	cr_expect_lt(agent_login_password(&options, password, &error), 0);
	cr_expect_str_eq(password, "untouched");
	cr_expect_not_null(strstr(error.text, words), "%s", error.text);
	cr_expect_not_null(strstr(error.text, "device_secret_file: "), "%s", error.text);
	if (*text > ' ')
		cr_expect_null(strstr(error.text, text), "%s", error.text);
}

Test(agent_login, a_file_that_others_may_read_or_that_holds_no_secret_is_refused_with_a_sentence)
{
	expect_refused("0123456789abcdef", 0640, "chmod 600");
	expect_refused("0123456789abcdef", 0604, "chmod 600");
	expect_refused("", 0600, "one line of 1..64");
	expect_refused("two words", 0600, "one line of 1..64");
	expect_refused("0123456789012345678901234567890123456789012345678901234567890123456789", 0600, "is longer than");
	expect_refused("01234567890123456789012345678901234567890123456789012345678901234", 0600, "one line of 1..64");
}

Test(agent_login, a_missing_file_is_told)
{
	const struct agent_login_options options = login_of("sensor-01");
	char password[OTA_LINK_PASSWORD_SIZE];
	struct ota_error error = {0};

	cr_expect_lt(agent_login_password(&options, password, &error), 0);
	cr_expect_not_null(strstr(error.text, "No such file"), "%s", error.text);
}
