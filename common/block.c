#include "common/block.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

/* Of the reflected polynomial 0xA001, by the low four bits of what is divided. */
static const uint16_t crc_nibbles[16] = {
	0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401,
	0xa001, 0x6c00, 0x7800, 0xb401, 0x5000, 0x9c01, 0x8801, 0x4400,
};

static uint16_t crc_byte(uint16_t crc, unsigned char byte)
{
	crc = (uint16_t)(crc ^ byte);
	crc = (uint16_t)(crc >> 4 ^ crc_nibbles[crc & 15]);
	return (uint16_t)(crc >> 4 ^ crc_nibbles[crc & 15]);
}

/* tables[n][b]: what a byte b leaves when n zero bytes follow it. Made for each block: that takes as long as 200 bytes of it. */
enum { SLICES = 4 };

static void crc_tables_fill(uint16_t tables[SLICES][256])
{
	for (unsigned byte = 0; byte < 256; byte++) {
		tables[0][byte] = crc_byte(0, (unsigned char)byte);
		for (int slice = 1; slice < SLICES; slice++)
			tables[slice][byte] = crc_byte(tables[slice - 1][byte], 0);
	}
}

/* Four bytes a step: byte by byte it would be the most of what a block costs. */
uint16_t ota_block_crc(struct ota_span block)
{
	const unsigned char *bytes = (const unsigned char *)block.data;
	uint16_t tables[SLICES][256], crc = 0;
	size_t place = 0;
	if (block.size >= OTA_BLOCK_SIZE_MIN) {
		crc_tables_fill(tables);
		for (; block.size - place >= SLICES; place += SLICES) {
			const unsigned char *four = bytes + place;
			crc = (uint16_t)(tables[3][(crc ^ four[0]) & 0xff] ^ tables[2][crc >> 8 ^ four[1]] ^ tables[1][four[2]] ^
					 tables[0][four[3]]);
		}
	}
	for (; place < block.size; place++)
		crc = crc_byte(crc, bytes[place]);
	return crc;
}

static int required(int found, const char *path, struct ota_error *error)
{
	return found == 0 ? ota_fail_at(error, OTA_EINVALID, path, "%s: is missing", path) : found;
}

static int token_read(struct ota_json_place params, struct ota_block_request *request, struct ota_error *error)
{
	int code = ota_json_text(params, "fileToken", request->token, sizeof(request->token), error);
	if (code < 0)
		return code;
	/* It is echoed into a text that C 4.x scans for keys and braces. */
	if (!ota_json_is_plain(request->token) || strpbrk(request->token, "{}[]"))
		return ota_fail_at(error, OTA_EINVALID, "params.fileToken", "params.fileToken: must have no \" \\ { } [ ]");
	return 0;
}

static int info_read(struct ota_json_place params, struct ota_block_request *request, struct ota_error *error)
{
	struct ota_json_place info = {.prefix = "params.fileInfo"};
	int code = required(ota_json_object(params, "fileInfo", &info.object, error), "params.fileInfo", error);
	if (code >= 0)
		code = required(ota_json_integer(info, "streamId", 1, OTA_STREAM_ID_MAX, &request->stream_id, error),
				"params.fileInfo.streamId", error);
	if (code >= 0)
		code = required(ota_json_integer(info, "fileId", 1, OTA_STREAM_ID_MAX, &request->file_id, error),
				"params.fileInfo.fileId", error);
	return code < 0 ? code : 0;
}

static int place_read(struct ota_json_place params, struct ota_block_request *request, struct ota_error *error)
{
	struct ota_json_place block = {.prefix = "params.fileBlock"};
	int64_t size, offset;
	int code = required(ota_json_object(params, "fileBlock", &block.object, error), "params.fileBlock", error);
	if (code >= 0)
		code = required(ota_json_integer(block, "size", 1, OTA_BLOCK_SIZE_MAX, &size, error), "params.fileBlock.size",
				error);
	if (code >= 0)
		code = required(ota_json_integer(block, "offset", 0, UINT32_MAX, &offset, error), "params.fileBlock.offset",
				error);
	if (code < 0)
		return code;
	request->size = (uint32_t)size;
	request->offset = (uint32_t)offset;
	return 0;
}

static int request_read(const cJSON *tree, struct ota_block_request *request, struct ota_error *error)
{
	struct ota_json_place params = {.prefix = "params"};
	int code = required(ota_json_object((struct ota_json_place){tree, ""}, "params", &params.object, error), "params", error);
	if (code >= 0)
		code = token_read(params, request, error);
	if (code >= 0)
		code = info_read(params, request, error);
	return code < 0 ? code : place_read(params, request, error);
}

int ota_block_request_parse(struct ota_span payload, struct ota_block_request *ret_request, struct ota_error *error)
{
	struct ota_block_request request = {.id = "0"};
	OTA_AUTO_JSON cJSON *tree = NULL;
	int code = ota_json_read(payload, OTA_JSON_DEVICE, OTA_BLOCK_REQUEST_MAX, &tree, NULL, error);
	if (code == 0 && !cJSON_IsObject(tree))
		code = ota_fail(error, OTA_EINVALID, "a request must be an object");
	if (code == 0) {
		ota_json_raw_id(tree, request.id, sizeof(request.id));
		code = request_read(tree, &request, error);
	}
	*ret_request = request;
	return code;
}

int ota_block_measure(const struct ota_block_request *request, uint64_t file_size, uint32_t *ret_size, struct ota_error *error)
{
	if (request->offset >= file_size)
		return ota_fail_at(error, OTA_EINVALID, "params.fileBlock.offset",
				   "params.fileBlock.offset: the file has %llu bytes", (unsigned long long)file_size);
	uint64_t rest = file_size - request->offset;
	if (request->size < OTA_BLOCK_SIZE_MIN && request->size < rest)
		return ota_fail_at(error, OTA_EINVALID, "params.fileBlock.size",
				   "params.fileBlock.size: must be from 256 to 131072, but for the last block");
	*ret_size = request->size < rest ? request->size : (uint32_t)rest;
	return 0;
}

static int print_end(const struct ota_bytes *out)
{
	return out->failed ? OTA_ENOMEM : 0;
}

/* The header with its length in front; it is short by the limits of what stands in it. */
static int header_print(const struct ota_bytes *header, struct ota_bytes *out)
{
	if (header->failed)
		return OTA_ENOMEM;
	ota_bytes_u8(out, (uint8_t)(header->size >> 8));
	ota_bytes_u8(out, (uint8_t)header->size);
	ota_bytes_append(out, header->data, header->size);
	return print_end(out);
}

/* The live platform's key order; one client finds the bytes by `success"}`. */
int ota_block_print_head(const struct ota_block_request *request, uint64_t file_size, uint32_t size, struct ota_bytes *out)
{
	OTA_AUTO_BYTES struct ota_bytes header = {0};
	ota_bytes_text(&header, "{\"code\":200,\"data\":{");
	if (request->token[0] != '\0')
		ota_bytes_format(&header, "\"fileToken\":\"%s\",", request->token);
	ota_bytes_format(&header, "\"bOffset\":%lu,\"fileLength\":%llu,\"bSize\":%lu},\"id\":%s,\"message\":\"success\"}",
			 (unsigned long)request->offset, (unsigned long long)file_size, (unsigned long)size, request->id);
	return header_print(&header, out);
}

void ota_block_print_tail(struct ota_span block, struct ota_bytes *out)
{
	ota_bytes_u16(out, ota_block_crc(block));
}

int ota_block_print_refusal(const char *raw_id, enum ota_block_refusal code, const char *text, struct ota_bytes *out)
{
	OTA_AUTO_BYTES struct ota_bytes header = {0};
	ota_bytes_format(&header, "{\"code\":%d,\"id\":%s,\"msg\":", (int)code, raw_id);
	ota_json_quote(&header, text);
	ota_bytes_text(&header, "}");
	return header_print(&header, out);
}
