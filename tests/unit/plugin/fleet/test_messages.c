/* What devices send, field by field: what server and log say after each row of tests/surface/messages.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/time.h"
#include "tests/surface/messages.h"
#include "tests/unit/plugin/fleet/fixture.h"

static struct fleet fleet;

enum { EFFECT_SIZE = 512, DEVICES = 250, LOG_PAUSE_MS = 10 * OTA_SECOND_MS };

static void a_device_for_each_row(void)
{
	cr_assert_lt(message_row_count(), DEVICES);
	fleet_open(&fleet, DEVICES);
}

static void close_fleet(void)
{
	fleet_close(&fleet);
}

TestSuite(messages, .init = a_device_for_each_row, .fini = close_fleet, .timeout = 60);

static cJSON *device_of(int device)
{
	return fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d%d\"}", device);
}

static const char *text_of(const cJSON *object, const char *key)
{
	const cJSON *member = cJSON_GetObjectItem(object, key);
	return member ? member->valuestring : "";
}

/* What there is to see of a device, or went to it since `sent` messages. */
typedef void effect_look(int device, size_t sent, char said[EFFECT_SIZE]);

/* "module version", of the modules but "good". */
static void inventory_look(int device, size_t sent, char said[EFFECT_SIZE])
{
	cJSON *row = device_of(device);
	const cJSON *module;
	size_t used = 0;

	(void)sent;
	said[0] = '\0';
	cJSON_ArrayForEach(module, cJSON_GetObjectItem(row, "modules"))
		if (strcmp(text_of(module, "module"), "good") != 0)
			used += (size_t)snprintf(said + used, EFFECT_SIZE - used, "%s%s %s", used ? ", " : "",
						 text_of(module, "module"), text_of(module, "version"));
	cJSON_Delete(row);
}

/* "state step desc" of its task. */
static void task_look(int device, size_t sent, char said[EFFECT_SIZE])
{
	cJSON *row = device_of(device);
	const cJSON *task = cJSON_GetArrayItem(cJSON_GetObjectItem(row, "tasks"), 0);
	const cJSON *step = cJSON_GetObjectItem(task, "step");

	(void)sent;
	if (step)
		snprintf(said, EFFECT_SIZE, "%s %d %s", text_of(task, "state"), step->valueint, text_of(task, "desc"));
	else
		snprintf(said, EFFECT_SIZE, "%s", text_of(task, "state"));
	cJSON_Delete(row);
}

/* The id of the answer, "" for none. */
static void answer_look(int device, size_t sent, char said[EFFECT_SIZE])
{
	static const char head[] = "{\"id\":", tail[] = ",\"code\":200,\"data\":{}}";

	said[0] = '\0';
	for (size_t i = sent; i < fleet.outbox.count; i++) {
		const struct ota_outgoing *item = &fleet.outbox.items[i];
		cr_assert_eq(item->connection, fleet.connection_of[device]);
		cr_assert(item->payload_size > strlen(head) + strlen(tail), "%.*s", (int)item->payload_size, item->payload);
		cr_expect_eq(memcmp(item->payload + item->payload_size - strlen(tail), tail, strlen(tail)), 0);
		snprintf(said, EFFECT_SIZE, "%.*s", (int)(item->payload_size - strlen(head) - strlen(tail)),
			 item->payload + strlen(head));
	}
}

static void line_expect(const struct message_row *row)
{
	const char *line = fleet.logged.complaint, *word = row->effect ? "mended " : "refused ";

	if (!row->line) {
		cr_expect_str_empty(line, "%s %s: %s", row->field, row->what, line);
		return;
	}
	cr_expect(strstr(line, row->line) && !strncmp(line, word, strlen(word)), "%s %s: \"%s\" not in: %s", row->field,
		  row->what, row->line, line);
}

static void good_report_expect(int device, const struct message_row *row)
{
	fleet_inform_as(&fleet, device, "{\"version\":\"2\",\"module\":\"good\"}");
	fleet_advance(&fleet, LOG_PAUSE_MS);
	cJSON *found = fleet_do(&fleet, "{\"command\":\"listDevices\",\"productKey\":\"PK\",\"module\":\"good\","
					"\"version\":\"2\",\"limit\":500}");
	const cJSON *each;
	char name[16];
	bool seen = false;
	snprintf(name, sizeof(name), "d%d", device);
	cJSON_ArrayForEach(each, cJSON_GetObjectItem(found, "items"))
		seen |= !strcmp(text_of(each, "deviceName"), name);
	cr_expect(seen, "%s %s: the next good report is lost", row->field, row->what);
	cJSON_Delete(found);
}

static void row_try(int device, const struct message_row *row, effect_look *look)
{
	OTA_AUTO_BYTES struct ota_bytes payload = {0};
	char before[EFFECT_SIZE], after[EFFECT_SIZE];
	size_t sent = fleet.outbox.count;

	look(device, sent, before);
	fleet.logged.complaint[0] = '\0';
	message_row_print(row, &payload);
	fleet_send_bytes(&fleet, device, row->topic, (struct ota_span){payload.data, payload.size});
	fleet_advance(&fleet, LOG_PAUSE_MS);
	look(device, sent, after);
	cr_expect_str_eq(after, row->effect ? row->effect : before, "%s %s: it is \"%s\"", row->field, row->what, after);
	line_expect(row);
	good_report_expect(device, row);
}

static void rows_try(enum ota_topic_kind topic, effect_look *look)
{
	for (size_t i = 0; i < message_row_count(); i++) {
		const struct message_row *row = message_row_at(i);
		if (row->topic == topic)
			row_try((int)i, row, look);
	}
}

static void connect_all(enum ota_topic_kind topic)
{
	for (size_t i = 0; i < message_row_count(); i++)
		if (message_row_at(i)->topic == topic)
			fleet_connect(&fleet, (int)i);
	fleet_advance(&fleet, LOG_PAUSE_MS);
}

Test(messages, each_field_of_an_inform_is_applied_mended_or_refused_by_its_name)
{
	connect_all(OTA_TOPIC_INFORM);
	rows_try(OTA_TOPIC_INFORM, inventory_look);
}

Test(messages, each_field_of_a_progress_report_is_applied_mended_or_refused_by_its_name)
{
	connect_all(OTA_TOPIC_PROGRESS);
	for (size_t i = 0; i < message_row_count(); i++)
		if (message_row_at(i)->topic == OTA_TOPIC_PROGRESS)
			fleet_inform(&fleet, (int)i, "1.0.0");
	fleet_advance(&fleet, LOG_PAUSE_MS);
	fleet_batch(&fleet, "static", ",\"strategy\":{\"retries\":0,\"abortSample\":0}");
	fleet_advance(&fleet, LOG_PAUSE_MS);
	rows_try(OTA_TOPIC_PROGRESS, task_look);
}

Test(messages, each_field_of_a_pull_is_answered_mended_or_refused_by_its_name)
{
	connect_all(OTA_TOPIC_FIRMWARE_GET);
	connect_all(OTA_TOPIC_REQUEST);
	rows_try(OTA_TOPIC_FIRMWARE_GET, answer_look);
	rows_try(OTA_TOPIC_REQUEST, answer_look);
}
