/* Who becomes a device of ours by his first report, and what strangers may cost. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/time.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static void open_product(void)
{
	fleet_open(&fleet, 1);
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"createProduct\",\"productKey\":\"OPEN\",\"registration\":\"open\"}"));
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(registration, .init = open_product, .fini = close_fleet);

static void strangers(const char *product_key, int first, int count)
{
	for (int i = first; i < first + count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "s%d", i);
		fleet_send_as(&fleet, product_key, name, "{\"id\":1,\"params\":{\"version\":\"1.0.0\"}}");
	}
}

static int devices_of(const char *product_key)
{
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getProduct\",\"productKey\":\"%s\"}", product_key);
	int count = cJSON_GetObjectItem(row, "devices")->valueint;

	cJSON_Delete(row);
	return count;
}

Test(registration, an_open_product_takes_a_device_by_its_first_report_and_says_so_in_the_log)
{
	strangers("OPEN", 0, 1);
	cr_assert_eq(devices_of("OPEN"), 1);
	cr_assert(strstr(fleet.logged.text, "device_registered product=OPEN device=s0"), "%s", fleet.logged.text);
	strangers("OPEN", 0, 1);
	cr_assert_eq(devices_of("OPEN"), 1);
	fleet_advance(&fleet, 3 * OTA_SECOND_MS);
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"OPEN\",\"deviceName\":\"s0\"}");
	cr_assert_eq(cJSON_GetArraySize(cJSON_GetObjectItem(row, "modules")), 1);
	cr_expect_geq(cJSON_GetObjectItem(row, "rev")->valueint, 1, "a revision that an operator can name");
	cJSON_Delete(row);
}

Test(registration, a_listed_product_takes_nobody)
{
	strangers("PK", 0, 3);
	cr_assert_eq(devices_of("PK"), 1);
	cr_assert_eq(fleet.logged.refused, 3);
}

Test(registration, a_flood_of_unknown_devices_is_bounded_by_the_product_and_the_second)
{
	cJSON_Delete(fleet_do(&fleet, "{\"command\":\"createProduct\",\"productKey\":\"OTHER\",\"registration\":\"open\"}"));
	strangers("OPEN", 0, OTA_OPEN_REGISTRATIONS_BURST + 500);
	cr_assert_eq(devices_of("OPEN"), OTA_OPEN_REGISTRATIONS_BURST);
	strangers("OTHER", 0, 1);
	cr_assert_eq(devices_of("OTHER"), 1, "one product's flood shuts another out");
	fleet_advance(&fleet, OTA_SECOND_MS);
	strangers("OPEN", 5000, 100);
	cr_assert_eq(devices_of("OPEN"), OTA_OPEN_REGISTRATIONS_BURST + OTA_OPEN_REGISTRATIONS_SECOND);
	strangers("OPEN", 5099, 1);
	cr_assert_eq(devices_of("OPEN"), OTA_OPEN_REGISTRATIONS_BURST + OTA_OPEN_REGISTRATIONS_SECOND);
	fleet_advance(&fleet, OTA_SECOND_MS);
	strangers("OPEN", 5099, 1);
	cr_assert_eq(devices_of("OPEN"), OTA_OPEN_REGISTRATIONS_BURST + OTA_OPEN_REGISTRATIONS_SECOND + 1);
}

Test(registration, ten_thousand_refusals_fill_no_log)
{
	strangers("PK", 0, 10000);
	cr_assert_leq(fleet.logged.refused, 50);
	fleet_advance(&fleet, OTA_SECOND_MS);
	strangers("PK", 0, 1);
	cr_assert(strstr(fleet.logged.text, "more_like_it=9950"), "%s", fleet.logged.text);
}
