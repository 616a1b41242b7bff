#include "plugin/store/stream.h"

#include "plugin/store/handle.h"

static const struct ota_field fields[] = {
	OTA_FIELD(INTEGER, struct ota_stream, task_id),
	OTA_FIELD(INTEGER, struct ota_stream, attempt),
	OTA_FIELD(INTEGER, struct ota_stream, size),
	OTA_FIELD(TEXT, struct ota_stream, sha256),
};
static const struct ota_layout stream_layout = OTA_LAYOUT(fields, struct ota_stream);

int ota_stream_read(struct ota_reader *reader, const struct ota_identity *identity, int64_t stream_id,
		    struct ota_stream *ret_stream, struct ota_error *error)
{
	struct ota_query query;

	ota_query_start(&query, reader->db, OTA_SQL_STREAM_FIND);
	ota_query_integer(&query, stream_id);
	ota_query_text(&query, identity->product_key);
	ota_query_text(&query, identity->device_name);
	return ota_query_find(&query, &stream_layout, ret_stream, error);
}
