/*
 * Blocks: the bytes of a package over MQTT, asked for on thing/file/download and answered on thing/file/download_reply
 * (aliyun-ota.md section 2).
 *
 * An answer is binary: the length of a JSON header (2 bytes, big-endian), the header, the bytes, their CRC (2 bytes,
 * little-endian). Link SDK C 4.x reads exactly that, and for itself it may ask for any size and offset of 32 bits: there is no
 * wall at 16 MiB here.
 */
#ifndef OTA_COMMON_BLOCK_H
#define OTA_COMMON_BLOCK_H

#include "common/bytes.h"
#include "common/error.h"
#include "common/json.h"
#include "common/limits.h"

/* {"id":"1","version":"1.0","params":{"fileToken":"default","fileInfo":{"streamId":7,"fileId":1,},"fileBlock":{"size":n,
 * "offset":o}}}. The comma before the bracket is how C 4.x writes it. id, version and fileToken may be absent. */
struct ota_block_request {
	char id[OTA_JSON_RAW_ID_SIZE];         /* raw */
	char token[OTA_BLOCK_TOKEN_MAX + 1];   /* fileToken, echoed; "" = none */
	int64_t stream_id, file_id;            /* 1..OTA_STREAM_ID_MAX */
	uint32_t size;                         /* 1..OTA_BLOCK_SIZE_MAX */
	uint32_t offset;
};

/* On failure ret_request->id holds what can be echoed all the same, "0" at the least. Errors: OTA_EINVALID with a sentence for
 * the device, OTA_ELIMIT, OTA_ENOMEM. */
int ota_block_request_parse(struct ota_span payload, struct ota_block_request *ret_request, struct ota_error *error);

/* How many bytes answer a request for a file of that length: what was asked for, or the rest. OTA_EINVALID: the offset is not in
 * the file, or less than OTA_BLOCK_SIZE_MIN bytes were asked for in front of others. */
int ota_block_measure(const struct ota_block_request *request, uint64_t file_size, uint32_t *ret_size, struct ota_error *error);

/* Appends everything that stands before the bytes, and what stands behind them. OTA_ENOMEM. */
int ota_block_print_head(const struct ota_block_request *request, uint64_t file_size, uint32_t size, struct ota_bytes *out);
void ota_block_print_tail(struct ota_span block, struct ota_bytes *out);

/*
 * A refusal: a header with a code and no data, and nothing behind it. C 4.x does not look at the code but at the whole length,
 * which must match no block it may have in mind: a CRC of no bytes would make it go on with an empty block, for ever. It asks
 * again at once and gives up at the fourth refusal, so what may pass by itself is better answered by silence: then it waits 10 s
 * each time.
 */
enum ota_block_refusal {
	OTA_BLOCK_BAD_REQUEST = 400,
	OTA_BLOCK_NOT_FOUND = 404, /* no such stream, or not for this device, or no longer */
	OTA_BLOCK_BROKEN = 500,    /* the package is not in the package directory as it should be */
};
int ota_block_print_refusal(const char *raw_id, enum ota_block_refusal code, const char *text, struct ota_bytes *out);

/* CRC-16/ARC: polynomial 0x8005 reflected, from 0; of "123456789" 0xBB3D. */
uint16_t ota_block_crc(struct ota_span block);

#endif
