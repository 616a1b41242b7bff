/* Groups of devices: who is in them, what is told of names that are no devices, and what a batch's expression makes of them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/store/group.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void four_devices(void)
{
	fleet_open(&fleet, 4);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(groups, .init = four_devices, .fini = close_fleet);

#define OF(command) "{\"command\":\"" command "\",\"productKey\":\"PK\""
#define ADD OF("addToGroup") ",\"group\":"
#define GROUP "{\"productKey\":\"PK\",\"group\":\"lab\",\"members\":"

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

static void drop(cJSON *data)
{
	cJSON_Delete(data);
}

#define TOLD(...) told(fleet_ask(&fleet, __VA_ARGS__))

Test(groups, who_is_no_device_is_counted_and_named)
{
	cr_expect_str_eq(TOLD(ADD "\"lab\",\"names\":[\"d0\",\"ghost\",\"d1\",\"spook\"]}"),
			 GROUP "2,\"added\":2,\"already\":0,\"unknown\":2,\"unknownNames\":[\"ghost\",\"spook\"]}");
	cr_expect_str_eq(TOLD(ADD "\"lab\",\"names\":[\"d1\",\"d2\"]}"),
			 GROUP "3,\"added\":1,\"already\":1,\"unknown\":0,\"unknownNames\":[]}");
	cr_expect_str_eq(TOLD(OF("removeFromGroup") ",\"group\":\"lab\",\"names\":[\"d0\",\"d3\",\"ghost\"]}"),
			 GROUP "2,\"removed\":1,\"absent\":1,\"unknown\":1,\"unknownNames\":[\"ghost\"]}");
	cr_expect_str_eq(TOLD(OF("listGroupMembers") ",\"group\":\"lab\",\"limit\":1}"),
			 "{\"items\":[{\"deviceName\":\"d1\"}],\"next\":\"d1\"}");
	cr_expect_str_eq(TOLD(OF("listGroupMembers") ",\"group\":\"lab\",\"after\":\"d1\"}"),
			 "{\"items\":[{\"deviceName\":\"d2\"}]}");
}

Test(groups, a_group_begins_with_the_first_command_that_names_it)
{
	cr_expect_str_eq(TOLD(OF("getGroup") ",\"group\":\"lab\"}"), "not_found group: product PK has no group lab");
	cr_expect_str_eq(TOLD(OF("removeFromGroup") ",\"group\":\"lab\",\"names\":[\"d0\"]}"),
			 "not_found group: product PK has no group lab");
	cr_expect_str_eq(TOLD(ADD "\"lab\"}"), GROUP "0,\"added\":0,\"already\":0,\"unknown\":0,\"unknownNames\":[]}");
	cr_expect_str_eq(TOLD(ADD "\"a b\"}"), "invalid group: group is \"a b\"; allowed: 1..64 letters, digits and _ . : @ -");
	drop(fleet_do(&fleet, ADD "\"alpha\"}"));
	cJSON *page = fleet_do(&fleet, OF("listGroups") ",\"limit\":1}");
	cr_expect_str_eq(cJSON_GetObjectItem(page, "next")->valuestring, "alpha");
	cJSON_Delete(page);
}

static int64_t rows_of(const char *expression)
{
	cJSON *page = fleet_do(&fleet, OF("listDevices") ",\"where\":\"%s\"}", expression);
	int64_t count = cJSON_GetArraySize(cJSON_GetObjectItem(page, "items"));

	cJSON_Delete(page);
	return count;
}

Test(groups, an_expression_names_a_group_that_exists)
{
	drop(fleet_do(&fleet, ADD "\"lab\",\"names\":[\"d0\",\"d1\"]}"));
	drop(fleet_do(&fleet, ADD "\"lab-2\",\"names\":[\"d1\",\"d2\"]}"));
	cr_expect_eq(rows_of("group = lab"), 2);
	cr_expect_eq(rows_of("group = lab*"), 3);
	cr_expect_eq(rows_of("group = lab and group = lab-2"), 1);
	cr_expect_eq(rows_of("not group in (lab, lab-2)"), 1);
	cr_expect_eq(rows_of("group = zzz*"), 0);
	cr_expect_str_eq(TOLD(OF("listDevices") ",\"where\":\"not group in (lab, lba)\"}"),
			 "not_found where: product PK has no group lba");
}

static int64_t members(void)
{
	cJSON *row = fleet_do(&fleet, OF("getGroup") ",\"group\":\"lab\"}");
	int64_t count = (int64_t)cJSON_GetObjectItem(row, "members")->valuedouble;

	cJSON_Delete(row);
	return count;
}

/* Its name is free at once, and nothing of the old one comes back with the new one. */
Test(groups, a_deleted_group_is_gone_at_once_and_its_members_follow)
{
	struct ota_error error = {0};

	drop(fleet_do(&fleet, ADD "\"lab\",\"names\":[\"d0\",\"d1\",\"d2\"]}"));
	cr_expect(strstr(TOLD(OF("deleteGroup") ",\"group\":\"lab\"}"), GROUP "3,"));
	cr_expect_str_eq(TOLD(OF("getGroup") ",\"group\":\"lab\"}"), "not_found group: product PK has no group lab");
	drop(fleet_do(&fleet, ADD "\"lab\",\"names\":[\"d3\"]}"));
	cr_expect_eq(members(), 1);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ota_group_purge(fleet.store, 2, &error), 0, "%s", error.text);
	cr_expect_eq(rows_of("group = lab"), 1);
	cr_expect_eq(members(), 1);
}

/* While its expression will still be asked, a group is not to vanish under a batch. */
Test(groups, a_group_that_a_batch_is_prepared_from_stays)
{
	drop(fleet_do(&fleet, ADD "\"lab\",\"names\":[\"d0\",\"d1\"]}"));
	cJSON *made = fleet_do(&fleet, OF("createBatch") ",\"version\":\"2.0.0\",\"kind\":\"verify\","
					   "\"targets\":{\"where\":\"percent >= 0 and group = lab\"}}");
	int64_t batch = (int64_t)cJSON_GetObjectItem(made, "id")->valuedouble;
	char expected[256];

	drop(made);
	snprintf(expected, sizeof(expected),
		 "conflict group: batch %lld still takes its devices by group lab; cancel it first, or wait until it is prepared",
		 (long long)batch);
	cr_expect_str_eq(TOLD(OF("deleteGroup") ",\"group\":\"lab\"}"), expected);
	fleet_advance(&fleet, 1000);
	cr_expect(strstr(TOLD(OF("deleteGroup") ",\"group\":\"lab\"}"), GROUP "2,"));
}
