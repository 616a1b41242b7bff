/*
 * Record: one device's message as it stands in the journal. Little-endian; read only through the bounds-checked cursor.
 *
 *   u32 size of the body, u32 CRC-32 of the body, body:
 *   u64 sequence, i64 wall_ms, i64 heard_ms, u64 connection, u8 kind (1 = message), u8 topic (1 inform, 2 progress), u8 qos,
 *   u8 n + product key, u8 n + device name, u16 n + client id, u32 n + payload
 *
 * A size of 0 is where a segment's written part ends.
 */
#ifndef OTA_PLUGIN_BROKER_RECORD_H
#define OTA_PLUGIN_BROKER_RECORD_H

#include "common/bytes.h"
#include "common/time.h"
#include "common/topic.h"

enum {
	OTA_RECORD_HEAD = 8, /* size and CRC */
	OTA_RECORD_BODY_MAX = 8 * 4 + 3 + 1 + OTA_PRODUCT_KEY_MAX + 1 + OTA_DEVICE_NAME_MAX + 2 + OTA_CLIENT_ID_MAX + 4 +
			      OTA_DEVICE_PAYLOAD_MAX,
	OTA_RECORD_MAX = OTA_RECORD_HEAD + OTA_RECORD_BODY_MAX,
};

struct ota_record {
	uint64_t sequence;
	struct ota_instant at;
	uint64_t connection;
	enum ota_topic_kind topic; /* INFORM or PROGRESS */
	int qos;
	struct ota_identity identity;
	struct ota_span client_id; /* borrowed, as payload */
	struct ota_span payload;
};

/* Appends one record. False without memory, or when a part is longer than its limit or the topic is not journaled. */
bool ota_record_write(const struct ota_record *record, struct ota_bytes *out);

/* Head: how long the body is. False when the size is 0 or cannot be. */
bool ota_record_read_head(const unsigned char head[OTA_RECORD_HEAD], size_t *ret_body_size, uint32_t *ret_crc);
/* Body: the record's spans point into it. False when the CRC differs or anything is out of its range. */
bool ota_record_read_body(struct ota_span body, uint32_t crc, struct ota_record *ret_record);

#endif
