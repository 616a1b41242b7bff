/* Secrets that the server makes: shown once, and nowhere else. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/limits.h"
#include "common/text.h"
#include "plugin/access/keyring.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void two_devices(void)
{
	fleet_open(&fleet, 2);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(secrets, .init = two_devices, .fini = close_fleet);

#define REGISTER "{\"command\":\"registerDevices\",\"productKey\":\"PK\",\"secrets\":true,\"names\":["
#define RENEW "{\"command\":\"renewSecret\",\"productKey\":\"PK\",\"deviceName\":\"%s\"%s}"

/* What a login would check the device's signature with; "" = there is none. */
static const char *held(const char *name)
{
	static char secret[OTA_SECRET_MAX + 1];
	char key_file[SCRATCH_SIZE];
	struct ota_keyring *keyring = NULL;
	struct ota_identity identity;
	struct ota_error error = {0};

	scratch_path(key_file, fleet.directory, "secret.key");
	ota_identity_make(ota_span_from_text("PK"), ota_span_from_text(name), &identity);
	cr_assert_eq(ota_keyring_open(fleet.directory, key_file, &keyring, &error), 0, "%s", error.text);
	secret[0] = '\0';
	ota_keyring_find(keyring, &identity, 0, secret, &error);
	ota_keyring_free(keyring);
	return secret;
}

/* The secret in an answer's data; the answer is freed. */
static void take_secret(const cJSON *object, char target[OTA_SECRET_MAX + 1])
{
	const cJSON *secret = cJSON_GetObjectItem(object, "deviceSecret");

	cr_assert(cJSON_IsString(secret));
	cr_expect(ota_text_is_lower_hex(ota_span_from_text(secret->valuestring), OTA_MADE_SECRET_HEX), "%s", secret->valuestring);
	ota_text_cut(target, OTA_SECRET_MAX + 1, secret->valuestring);
}

Test(secrets, each_new_device_gets_one_of_its_own_and_a_known_one_keeps_what_it_has)
{
	char first[OTA_SECRET_MAX + 1], second[OTA_SECRET_MAX + 1];
	cJSON *data = fleet_do(&fleet, REGISTER "\"d0\",\"n1\",\"n2\"]}");
	const cJSON *devices = cJSON_GetObjectItem(data, "devices");

	cr_assert_eq(cJSON_GetArraySize(devices), 2, "d0 was there before");
	cr_expect_str_eq(cJSON_GetObjectItem(cJSON_GetArrayItem(devices, 0), "deviceName")->valuestring, "n1");
	take_secret(cJSON_GetArrayItem(devices, 0), first);
	take_secret(cJSON_GetArrayItem(devices, 1), second);
	cJSON_Delete(data);
	cr_expect_str_neq(first, second);
	cr_expect_str_eq(held("n1"), first);
	cr_expect_str_eq(held("n2"), second);
	cr_expect_str_eq(held("d0"), "");
	data = fleet_do(&fleet, REGISTER "\"n1\"]}");
	cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(data, "devices")), 0);
	cJSON_Delete(data);
	cr_expect_str_eq(held("n1"), first);
}

Test(secrets, without_being_asked_for_none_is_made)
{
	cJSON *data = fleet_do(&fleet, "{\"command\":\"registerDevices\",\"productKey\":\"PK\",\"names\":[\"n1\"]}");

	cr_expect_null(cJSON_GetObjectItem(data, "devices"));
	cJSON_Delete(data);
	cr_expect_str_eq(held("n1"), "");
}

Test(secrets, a_renewed_one_takes_the_place_of_the_old_and_stands_in_the_log_without_itself)
{
	char first[OTA_SECRET_MAX + 1], second[OTA_SECRET_MAX + 1];
	cJSON *data = fleet_do(&fleet, RENEW, "d0", "");

	take_secret(data, first);
	cJSON_Delete(data);
	data = fleet_do(&fleet, RENEW, "d0", ",\"reason\":\"stolen\"");
	take_secret(data, second);
	cJSON_Delete(data);
	cr_expect_str_neq(first, second);
	cr_expect_str_eq(held("d0"), second);
	data = fleet_do(&fleet, "{\"command\":\"listEvents\",\"event\":\"secret_renewed\"}");
	char *text = cJSON_PrintUnformatted(data);
	cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(data, "items")), 2);
	cr_expect(strstr(text, "stolen") && !strstr(text, first) && !strstr(text, second), "%s", text);
	free(text);
	cJSON_Delete(data);
}

static bool file_holds(const char *name, const char *needle)
{
	OTA_AUTO_BYTES struct ota_bytes bytes = {0};
	char path[SCRATCH_SIZE];

	scratch_path(path, fleet.directory, name);
	return ota_file_read(path, 64 << 20, &bytes, NULL) == 0 && memmem(bytes.data, bytes.size, needle, strlen(needle));
}

static void expect_conflict(cJSON *response, const char *words)
{
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	cr_expect(error && strstr(cJSON_GetObjectItem(error, "message")->valuestring, words));
	cJSON_Delete(response);
}

Test(secrets, an_answer_that_shows_one_is_not_kept_for_a_repeat)
{
	char made[OTA_SECRET_MAX + 1], renewed[OTA_SECRET_MAX + 1];
	cJSON *data = fleet_do(&fleet, REGISTER "\"n1\"],\"requestId\":\"r1\"}");

	take_secret(cJSON_GetArrayItem(cJSON_GetObjectItem(data, "devices"), 0), made);
	cJSON_Delete(data);
	data = fleet_do(&fleet, RENEW, "d0", ",\"requestId\":\"r2\"");
	take_secret(data, renewed);
	cJSON_Delete(data);
	expect_conflict(fleet_ask(&fleet, REGISTER "\"n1\"],\"requestId\":\"r1\"}"), "shown only once");
	expect_conflict(fleet_ask(&fleet, RENEW, "d0", ",\"requestId\":\"r2\""), "shown only once");
	cr_expect_str_eq(held("n1"), made, "nothing was done twice");
	cr_expect(file_holds("ota.db-wal", "renewSecret"), "the file was looked into");
	cr_expect(!file_holds("ota.db", made) && !file_holds("ota.db-wal", made));
	cr_expect(!file_holds("ota.db", renewed) && !file_holds("ota.db-wal", renewed));
}

static cJSON *register_many(int count)
{
	OTA_AUTO_BYTES struct ota_bytes command = {0};

	ota_bytes_text(&command, REGISTER);
	for (int i = 0; i < count; i++) /* names of 64 characters */
		ota_bytes_format(&command, "%s\"%064d\"", i ? "," : "", i);
	ota_bytes_text(&command, "]}");
	return fleet_ask(&fleet, "%s", command.data);
}

Test(secrets, as_many_fit_one_command_as_its_answer_can_show)
{
	cJSON *response = register_many(OTA_SECRETS_MAX + 1);
	const cJSON *error = cJSON_GetObjectItem(response, "error");

	cr_assert(error);
	cr_expect_str_eq(cJSON_GetObjectItem(error, "path")->valuestring, "names");
	cr_expect(strstr(cJSON_GetObjectItem(error, "message")->valuestring, "at most 400 entries with secrets"));
	cJSON_Delete(response);
	response = register_many(OTA_SECRETS_MAX);
	const cJSON *devices = cJSON_GetObjectItem(cJSON_GetObjectItem(response, "data"), "devices");
	cr_expect_eq(cJSON_GetArraySize(devices), OTA_SECRETS_MAX);
	cJSON_Delete(response);
}

Test(secrets, of_a_device_that_is_not_there_none_is_made)
{
	expect_conflict(fleet_ask(&fleet, RENEW, "nobody", ""), "device nobody of product PK is not registered");
}
