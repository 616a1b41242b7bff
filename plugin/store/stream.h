/*
 * Streams: what a device may fetch over MQTT. Its push names a task as the stream; the bytes are those of the task's package.
 */
#ifndef OTA_PLUGIN_STORE_STREAM_H
#define OTA_PLUGIN_STORE_STREAM_H

#include "common/topic.h"
#include "plugin/store/reader.h"

enum { OTA_STREAM_FILE_ID = 1 }; /* streamFileId of a package of one file */

struct ota_stream {
	int64_t task_id;
	int64_t attempt; /* in work */
	uint64_t size;
	char sha256[OTA_SHA256_HEX + 1];
};

/* As last committed. OTA_ENOTFOUND, without filling error: no task of that number is pushed to this device or being upgraded by
 * it, or its package was yanked or is hosted elsewhere. */
int ota_stream_read(struct ota_reader *reader, const struct ota_identity *identity, int64_t stream_id,
		    struct ota_stream *ret_stream, struct ota_error *error);

#endif
