/*
 * Messages of devices that are nearly right: each row of tests/surface/messages.c, damaged at random. OTA_SEED replays a run,
 * OTA_RUNS lengthens it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/text.h"
#include "common/time.h"
#include "tests/surface/messages.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t value = otherwise;

	cr_assert(!text || ota_text_parse_u64(ota_span_from_text(text), &value), "%s must be a number", name);
	return value;
}

static const char *version_of_good(void)
{
	static char said[OTA_VERSION_MAX + 1];
	cJSON *row = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d1\"}");
	const cJSON *module = cJSON_GetArrayItem(cJSON_GetObjectItem(row, "modules"), 0);

	ota_text_cut(said, sizeof(said), module ? cJSON_GetObjectItem(module, "version")->valuestring : "");
	cJSON_Delete(row);
	return said;
}

/* The fixture itself ends a test in which the engine fails. */
Test(messages_random, damaged_messages_of_one_device_harm_no_other, .timeout = 100)
{
	uint64_t seed = 0, runs = setting("OTA_RUNS", 3000);

	ota_random(&seed, sizeof(seed));
	seed = setting("OTA_SEED", seed >> 1);
	fprintf(stderr, "damaged_messages: OTA_SEED=%llu\n", (unsigned long long)seed);
	fleet_open(&fleet, 2);
	fleet_connect(&fleet, 0);
	fleet_connect(&fleet, 1);
	for (uint64_t i = 0; i < runs; i++) {
		OTA_AUTO_BYTES struct ota_bytes payload = {0};
		const struct message_row *row = message_row_at(i % message_row_count());
		message_row_mutate(row, &seed, &payload);
		fleet_send_bytes(&fleet, 0, row->topic, (struct ota_span){payload.data, payload.size});
	}
	fleet_inform(&fleet, 1, "1.2.3");
	fleet_advance(&fleet, 10 * OTA_SECOND_MS);
	cr_expect_str_eq(version_of_good(), "1.2.3");
	fleet_close(&fleet);
}
