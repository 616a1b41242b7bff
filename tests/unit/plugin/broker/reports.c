#include "tests/unit/plugin/broker/reports.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct ota_record report_make(uint64_t number)
{
	static char client_id[64], payload[256];
	struct ota_record record = {
		.at = {.wall_ms = 1700000000000 + (int64_t)number, .heard_ms = 1000 + (int64_t)number * 10},
		.connection = number % 7 + 1,
		.topic = number % 3 == 0 ? OTA_TOPIC_INFORM : OTA_TOPIC_PROGRESS,
		.qos = (int)(number % 3),
	};
	snprintf(record.identity.product_key, sizeof(record.identity.product_key), "pk%llu", (unsigned long long)number % 5);
	snprintf(record.identity.device_name, sizeof(record.identity.device_name), "dn%llu", (unsigned long long)number);
	int id_size = snprintf(client_id, sizeof(client_id), "pk.dn%llu|securemode=3|", (unsigned long long)number);
	int size = snprintf(payload, sizeof(payload), "{\"id\":%llu,\"params\":{\"step\":\"%llu\",\"desc\":\"%.*s\"}}",
			    (unsigned long long)number, (unsigned long long)number % 101, (int)(number % 90),
			    "..........................................................................................");
	record.client_id = (struct ota_span){client_id, (size_t)id_size};
	record.payload = (struct ota_span){payload, (size_t)size};
	return record;
}

static bool span_is(struct ota_span a, struct ota_span b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

bool report_is(const struct ota_record *record, uint64_t number)
{
	struct ota_record made = report_make(number);
	return record->at.wall_ms == made.at.wall_ms && record->at.heard_ms == made.at.heard_ms &&
	       record->connection == made.connection && record->topic == made.topic && record->qos == made.qos &&
	       ota_identity_equals(&record->identity, &made.identity) && span_is(record->client_id, made.client_id) &&
	       span_is(record->payload, made.payload);
}

int reports_open(const char *directory, uint64_t applied, struct ota_journal **ret_journal, struct ota_error *error)
{
	struct ota_journal_options options = {
		.directory = directory,
		.store_uuid = REPORTS_UUID,
		.applied = applied,
		.limit_bytes = 64 * 4096,
		.segment_bytes = 4096,
	};
	return ota_journal_open(&options, ret_journal, error);
}

void reports_append(struct ota_journal *journal, uint64_t first, uint64_t last)
{
	struct ota_error error = {0};
	for (uint64_t number = first; number <= last; number++) {
		struct ota_record record = report_make(number);
		cr_assert_eq(ota_journal_append(journal, &record, &error), 0, "%s", error.text);
		cr_assert_eq(record.sequence, number);
	}
}

void reports_expect(struct ota_journal *journal, uint64_t first, uint64_t last)
{
	struct ota_error error = {0};
	struct ota_bytes storage = {0};
	struct ota_record record;
	for (uint64_t number = first; number <= last; number++) {
		cr_assert_eq(ota_journal_read(journal, &storage, &record, &error), 0, "record %llu: %s",
			     (unsigned long long)number, error.text);
		cr_assert_eq(record.sequence, number);
		cr_assert(report_is(&record, number), "record %llu came back changed", (unsigned long long)number);
	}
	ota_bytes_free(&storage);
}
