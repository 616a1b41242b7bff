/* Lists of devices with tags and secrets: what is kept, what is told, and what stays secret. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void three_devices(void)
{
	fleet_open(&fleet, 3);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(imports, .init = three_devices, .fini = close_fleet);

#define IMPORT "{\"command\":\"importDevices\",\"productKey\":\"PK\",\"devices\":["
#define TAG "{\"command\":\"tagDevices\",\"productKey\":\"PK\","

/* A data object as compact text; "code path: message" for a refusal. */
static const char *told(cJSON *response)
{
	static char said[4096];
	const cJSON *error = cJSON_GetObjectItem(response, "error");
	const cJSON *path = cJSON_GetObjectItem(error, "path");
	char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(response, "data"));

	if (error)
		snprintf(said, sizeof(said), "%s %s: %s", cJSON_GetObjectItem(error, "code")->valuestring,
			 path ? path->valuestring : "", cJSON_GetObjectItem(error, "message")->valuestring);
	else
		snprintf(said, sizeof(said), "%s", text);
	free(text);
	cJSON_Delete(response);
	return said;
}

/* "tags" of a device, as text; "" when it has none. */
static const char *tags_of(int device)
{
	static char said[4096];
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d%d\"}", device);
	char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(row, "tags"));

	snprintf(said, sizeof(said), "%s", text ? text : "");
	free(text);
	cJSON_Delete(row);
	return said;
}

static bool has_secret(int device)
{
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d%d\"}", device);
	bool has = cJSON_IsTrue(cJSON_GetObjectItem(row, "hasSecret"));

	cJSON_Delete(row);
	return has;
}

Test(imports, new_known_and_changed_devices_are_counted)
{
	const char *list = IMPORT "{\"deviceName\":\"d0\"},{\"deviceName\":\"d1\",\"tags\":{\"site\":\"A\"}},"
				  "{\"deviceName\":\"new\",\"secret\":\"s3cret\",\"tags\":{\"a\":\"\"}}]}";

	cr_expect_str_eq(told(fleet_ask(&fleet, "%s", list)), "{\"registered\":1,\"already\":1,\"changed\":1}");
	cr_expect_str_eq(told(fleet_ask(&fleet, "%s", list)), "{\"registered\":0,\"already\":3,\"changed\":0}",
			"again: nothing new");
	cr_expect_str_eq(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"new\",\"secret\":\"another\"}]}")),
			 "{\"registered\":0,\"already\":0,\"changed\":1}");
	cr_expect_str_eq(tags_of(1), "{\"site\":\"A\"}");
	cr_expect(!has_secret(1));
}

Test(imports, an_import_leaves_the_tags_it_does_not_name)
{
	cJSON_Delete(fleet_do(&fleet, TAG "\"names\":[\"d0\",\"d1\"],\"set\":{\"site\":\"A\",\"rack\":\"1\"}}"));
	cJSON_Delete(fleet_do(&fleet, IMPORT "{\"deviceName\":\"d0\",\"tags\":{\"site\":\"B\"}}]}"));
	cr_expect_str_eq(tags_of(0), "{\"rack\":\"1\",\"site\":\"B\"}");
	cr_expect_str_eq(told(fleet_ask(&fleet,
			TAG "\"names\":[\"d0\",\"d1\",\"d2\"],\"set\":{\"site\":\"B\"},\"unset\":[\"rack\"]}")),
			 "{\"changed\":3,\"already\":0}");
	cr_expect_str_eq(told(fleet_ask(&fleet, TAG "\"names\":[\"d0\"],\"set\":{\"site\":\"B\"},\"unset\":[\"rack\"]}")),
			 "{\"changed\":0,\"already\":1}");
	cr_expect_str_eq(tags_of(0), "{\"site\":\"B\"}");
}

Test(imports, devices_are_found_by_a_tag_alone_and_with_a_version)
{
	cJSON_Delete(fleet_do(&fleet, TAG "\"names\":[\"d0\",\"d2\"],\"set\":{\"site\":\"A=1\"}}"));
	fleet_connect(&fleet, 2);
	fleet_inform(&fleet, 2, "1.0");
	fleet_advance(&fleet, 3000);
	static const struct {
		const char *filter;
		int count;
	} lists[] = {
		{ "\"tag\":\"site=A=1\"", 2 }, { "\"tag\":\"site=A\"", 0 }, { "\"tag\":\"site=A=1\",\"version\":\"1.0\"", 1 },
		{ "\"tag\":\"site=B\",\"version\":\"1.0\"", 0 }, { "\"tag\":\"site=A=1\",\"online\":true", 1 },
		{ "\"tag\":\"site=A=1\",\"limit\":1", 1 },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		cJSON *page = fleet_do(&fleet, "{\"command\":\"listDevices\",\"productKey\":\"PK\",%s}", lists[i].filter);

		cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(page, "items")), lists[i].count, "%s", lists[i].filter);
		cJSON_Delete(page);
	}
}

static void expect_refused(const char *command, const char *beginning)
{
	const char *said = told(fleet_ask(&fleet, "%s", command));

	cr_expect(strncmp(said, beginning, strlen(beginning)) == 0, "%.300s\n  said:     %s\n  expected: %s", command, said,
			beginning);
}

Test(imports, mistakes_name_their_place_and_nothing_is_done_by_half)
{
	expect_refused(IMPORT "]}", "invalid devices: devices has 0 entries; allowed: 1..500");
	expect_refused(IMPORT "{\"deviceName\":\"x\"},{\"deviceName\":\"a b\"}]}", "invalid devices[1].deviceName: ");
	expect_refused(IMPORT "{\"deviceName\":\"x\"},{}]}", "invalid devices[1].deviceName: deviceName is missing");
	expect_refused(IMPORT "{\"deviceName\":\"x\"},7]}", "invalid devices[1]: devices[1] must be an object");
	expect_refused(IMPORT "{\"deviceName\":\"x\"},{\"deviceName\":\"y\"},{\"deviceName\":\"x\"}]}",
			"invalid devices[2]: device x stands");
	expect_refused(IMPORT "{\"deviceName\":\"x\",\"tag\":{}}]}", "invalid devices[0].tag: ");
	expect_refused(IMPORT "{\"deviceName\":\"x\",\"tags\":{\"a b\":\"\"}}]}", "invalid devices[0].tags: ");
	expect_refused(IMPORT "{\"deviceName\":\"x\",\"tags\":{\"a\":7}}]}", "invalid devices[0].tags: ");
	expect_refused(TAG "\"names\":[\"d0\"]}", "invalid set: nothing is said");
	expect_refused(TAG "\"names\":[\"d0\"],\"set\":{\"a\":\"\"},\"unset\":[\"a\"]}",
			"invalid unset: tag a is to be set and unset");
	expect_refused(TAG "\"names\":[\"d0\"],\"unset\":[\"a b\"]}", "invalid unset[0]: ");
	expect_refused(TAG "\"names\":[\"d0\",\"none\"],\"set\":{\"a\":\"\"}}", "not_found names: device none of product PK");
	cr_expect_str_eq(tags_of(0), "");
	expect_refused("{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"x\"}", "not_found");
}

Test(imports, each_field_is_taken_at_its_limit_and_refused_one_past_it)
{
	char text[200];

	memset(text, 'v', sizeof(text));
	for (int past = 0; past < 2; past++) {
		const char *verdict = past ? "invalid" : "{";

		cr_expect(strncmp(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"%.*s\"}]}", 64 + past, text)), verdict,
				1) == 0);
		cr_expect(strncmp(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"x\",\"secret\":\"%.*s\"}]}", 64 + past, text)),
				  verdict, 1) == 0);
		cr_expect(strncmp(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"x\",\"tags\":{\"%.*s\":\"\"}}]}", 32 + past,
				text)),
				  verdict, 1) == 0);
		cr_expect(strncmp(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"x\",\"tags\":{\"k\":\"%.*s\"}}]}",
				128 + past, text)),
				  verdict, 1) == 0);
	}
	cr_expect_eq(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"x\",\"secret\":\"\"}]}"))[0], 'i');
	cr_expect_eq(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"x\",\"secret\":\"a b\"}]}"))[0], 'i');
}

static cJSON *import_many(int devices)
{
	OTA_AUTO_BYTES struct ota_bytes list = { 0 };

	for (int i = 0; i < devices; i++)
		ota_bytes_format(&list, "%s{\"deviceName\":\"m%d\"}", i ? "," : "", i);
	return fleet_ask(&fleet, IMPORT "%s]}", list.data);
}

static cJSON *tag_many(int first, int tags)
{
	OTA_AUTO_BYTES struct ota_bytes list = { 0 };

	for (int i = 0; i < tags; i++)
		ota_bytes_format(&list, "%s\"t%d\":\"\"", i ? "," : "", first + i);
	return fleet_ask(&fleet, TAG "\"names\":[\"d0\"],\"set\":{%s}}", list.data);
}

Test(imports, a_command_has_500_devices_and_a_device_20_tags_at_the_most)
{
	cr_expect_str_eq(told(import_many(500)), "{\"registered\":500,\"already\":0,\"changed\":0}");
	cr_expect(strstr(told(import_many(501)), "limit devices: devices has 501 entries"));
	cr_expect(strstr(told(tag_many(0, 21)), "limit set: "));
	cr_expect_str_eq(told(tag_many(0, 20)), "{\"changed\":1,\"already\":0}");
	cr_expect(strstr(told(tag_many(20, 1)), "device d0 would have more than 20 tags"));
	cr_expect_str_eq(told(fleet_ask(&fleet, TAG "\"names\":[\"d0\"],\"set\":{\"t20\":\"\"},\"unset\":[\"t0\"]}")),
			 "{\"changed\":1,\"already\":0}", "one for another");
}

static bool file_holds(const char *name, const char *needle)
{
	OTA_AUTO_BYTES struct ota_bytes bytes = { 0 };
	char path[SCRATCH_SIZE];

	scratch_path(path, fleet.directory, name);
	return ota_file_read(path, 64 << 20, &bytes, NULL) == 0 && memmem(bytes.data, bytes.size, needle, strlen(needle));
}

Test(imports, a_secret_is_in_no_file_no_answer_and_no_sentence)
{
	static const char secret[] = "SECRET-0123456789abcdef01234567";

	cJSON_Delete(fleet_do(&fleet, IMPORT "{\"deviceName\":\"d0\",\"secret\":\"%s\"}],\"requestId\":\"r1\"}", secret));
	cr_expect(has_secret(0));
	cr_expect(!file_holds("ota.db", secret) && !file_holds("ota.db-wal", secret));
	cr_expect(file_holds("ota.db-wal", "device_secret"), "the file was looked into");
	cr_expect(!strstr(told(fleet_ask(&fleet, "{\"command\":\"listEvents\"}")), secret));
	cr_expect(!strstr(told(fleet_ask(&fleet, "{\"command\":\"listDevices\",\"productKey\":\"PK\"}")), secret));
	/* Two that break a rule: too long, and of another type beside a mistake. */
	cr_expect(!strstr(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"d0\",\"secret\":\"%s%s%s\"}]}", secret, secret,
			secret)),
			  "SECRET"));
	cr_expect(!strstr(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"d0\",\"secret\":[\"%s\"]}]}", secret)), "SECRET"));
}

Test(imports, a_lost_key_is_told_and_not_replaced)
{
	char path[SCRATCH_SIZE];

	cJSON_Delete(fleet_do(&fleet, IMPORT "{\"deviceName\":\"d0\",\"secret\":\"one\"}]}"));
	scratch_path(path, fleet.directory, "secret.key");
	cr_assert_eq(unlink(path), 0);
	fleet_restart(&fleet, 0);
	cr_expect(strstr(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"d1\",\"secret\":\"two\"}]}")),
			"back from a backup"));
	cr_expect(!has_secret(1));
	cr_expect_str_eq(told(fleet_ask(&fleet, IMPORT "{\"deviceName\":\"d1\"}]}")),
			"{\"registered\":0,\"already\":1,\"changed\":0}",
			 "what has no secret needs no key");
}
