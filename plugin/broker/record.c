#include "plugin/broker/record.h"

#include <string.h>

#include <zlib.h>

enum { RECORD_MESSAGE = 1 };

/* Numbers on disk outlive the enum's. */
static const struct {
	enum ota_topic_kind topic;
	uint8_t number;
} record_topics[] = {
	{OTA_TOPIC_INFORM, 1},
	{OTA_TOPIC_PROGRESS, 2},
};
enum { RECORD_TOPICS = sizeof(record_topics) / sizeof(record_topics[0]) };

static uint8_t topic_number(enum ota_topic_kind topic)
{
	for (size_t i = 0; i < RECORD_TOPICS; i++)
		if (record_topics[i].topic == topic)
			return record_topics[i].number;
	return 0;
}

static enum ota_topic_kind topic_from_number(uint8_t number)
{
	for (size_t i = 0; i < RECORD_TOPICS; i++)
		if (record_topics[i].number == number)
			return record_topics[i].topic;
	return OTA_TOPIC_FOREIGN;
}

static uint32_t bytes_crc(const void *data, size_t size)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, size);
}

static void name_write(struct ota_bytes *out, const char *name)
{
	size_t size = strlen(name);
	ota_bytes_u8(out, (uint8_t)size);
	ota_bytes_append(out, name, size);
}

static void body_write(const struct ota_record *record, struct ota_bytes *out)
{
	ota_bytes_u64(out, record->sequence);
	ota_bytes_u64(out, (uint64_t)record->at.wall_ms);
	ota_bytes_u64(out, (uint64_t)record->at.heard_ms);
	ota_bytes_u64(out, record->connection);
	ota_bytes_u8(out, RECORD_MESSAGE);
	ota_bytes_u8(out, topic_number(record->topic));
	ota_bytes_u8(out, (uint8_t)record->qos);
	name_write(out, record->identity.product_key);
	name_write(out, record->identity.device_name);
	ota_bytes_u16(out, (uint16_t)record->client_id.size);
	ota_bytes_append(out, record->client_id.data, record->client_id.size);
	ota_bytes_u32(out, (uint32_t)record->payload.size);
	ota_bytes_append(out, record->payload.data, record->payload.size);
}

static void u32_store(char *target, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		target[i] = (char)(unsigned char)(value >> 8 * i);
}

bool ota_record_write(const struct ota_record *record, struct ota_bytes *out)
{
	static const char no_head[OTA_RECORD_HEAD];
	if (record->client_id.size > OTA_CLIENT_ID_MAX || record->payload.size > OTA_DEVICE_PAYLOAD_MAX ||
	    topic_number(record->topic) == 0)
		return false;
	size_t start = out->size;
	ota_bytes_append(out, no_head, sizeof(no_head));
	body_write(record, out);
	if (out->failed)
		return false;
	size_t body_size = out->size - start - OTA_RECORD_HEAD;
	u32_store(out->data + start, (uint32_t)body_size);
	u32_store(out->data + start + 4, bytes_crc(out->data + start + OTA_RECORD_HEAD, body_size));
	return true;
}

bool ota_record_read_head(const unsigned char head[OTA_RECORD_HEAD], size_t *ret_body_size, uint32_t *ret_crc)
{
	struct ota_cursor cursor = {.data = head, .size = OTA_RECORD_HEAD};
	uint32_t size = ota_cursor_u32(&cursor);
	*ret_crc = ota_cursor_u32(&cursor);
	*ret_body_size = size;
	return size > 0 && size <= OTA_RECORD_BODY_MAX;
}

static bool identity_read(struct ota_cursor *cursor, struct ota_identity *ret_identity)
{
	struct ota_span product_key = ota_cursor_span(cursor, ota_cursor_u8(cursor));
	struct ota_span device_name = ota_cursor_span(cursor, ota_cursor_u8(cursor));
	return !cursor->failed && ota_identity_make(product_key, device_name, ret_identity);
}

bool ota_record_read_body(struct ota_span body, uint32_t crc, struct ota_record *ret_record)
{
	if (bytes_crc(body.data, body.size) != crc)
		return false;
	struct ota_cursor cursor = {.data = (const unsigned char *)body.data, .size = body.size};
	struct ota_record record = {.sequence = ota_cursor_u64(&cursor)};
	record.at.wall_ms = ota_cursor_i64(&cursor);
	record.at.heard_ms = ota_cursor_i64(&cursor);
	record.connection = ota_cursor_u64(&cursor);
	uint8_t kind = ota_cursor_u8(&cursor);
	record.topic = topic_from_number(ota_cursor_u8(&cursor));
	record.qos = ota_cursor_u8(&cursor);
	if (!identity_read(&cursor, &record.identity))
		return false;
	record.client_id = ota_cursor_span(&cursor, ota_cursor_u16(&cursor));
	record.payload = ota_cursor_span(&cursor, ota_cursor_u32(&cursor));
	bool whole = !cursor.failed && cursor.position == cursor.size;
	if (!whole || kind != RECORD_MESSAGE || record.topic == OTA_TOPIC_FOREIGN || record.qos > 2)
		return false;
	*ret_record = record;
	return true;
}
