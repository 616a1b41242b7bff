/* Blocks over MQTT: what a request may hold, and the bytes of an answer as the two kinds of clients read them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/block.h"
#include "common/text.h"

/* --- requests --- */

/* As C 4.2.0 writes it, comma and all. */
#define C4_REQUEST(size, offset)                                                                                                 \
	"{\"id\":\"1\",\"version\":\"1.0\",\"params\":{\"fileToken\":\"default\",\"fileInfo\":{\"streamId\":1397822,"       \
	"\"fileId\":1,},\"fileBlock\":{\"size\":" size ",\"offset\":" offset "}}}"

static int parse(const char *text, struct ota_block_request *request, struct ota_error *error)
{
	*error = (struct ota_error){0};
	return ota_block_request_parse(ota_span_from_text(text), request, error);
}

static const char *refusal(const char *text)
{
	static struct ota_error error;
	struct ota_block_request request;
	return parse(text, &request, &error) == 0 ? "" : error.path;
}

/* aliyun-ota.md 0.11: with the comma refused, no official device could download. */
Test(block, test_aliyun_0_11_the_trailing_comma_of_c_4_is_read)
{
	struct ota_block_request request;
	struct ota_error error;
	cr_assert_eq(parse(C4_REQUEST("10240", "20480"), &request, &error), 0, "%s", error.text);
	cr_expect_str_eq(request.id, "\"1\"");
	cr_expect_str_eq(request.token, "default");
	cr_expect_eq(request.stream_id, 1397822);
	cr_expect_eq(request.file_id, 1);
	cr_expect_eq(request.size, 10240);
	cr_expect_eq(request.offset, 20480);
}

Test(block, what_others_leave_out_is_not_missed)
{
	struct ota_block_request request;
	struct ota_error error;
	cr_assert_eq(parse("{\"params\":{\"fileInfo\":{\"streamId\":7,\"fileId\":1},\"fileBlock\":{\"size\":256,\"offset\":0}}}",
			   &request, &error),
		     0, "%s", error.text);
	cr_expect_str_eq(request.id, "0");
	cr_expect_str_eq(request.token, "");
	cr_assert_eq(parse("{\"id\": 17, \"params\" : {\"fileInfo\":{\"fileId\":1,\"streamId\":7},"
			   "\"fileBlock\":{\"offset\":0,\"size\":256},\"more\":[1,2]}}",
			   &request, &error),
		     0, "%s", error.text);
	cr_expect_str_eq(request.id, "17");
}

Test(block, sizes_and_offsets_have_limits)
{
	static const struct {
		const char *request, *path;
	} rows[] = {
		{C4_REQUEST("1", "0"), ""},
		{C4_REQUEST("131072", "0"), ""},
		{C4_REQUEST("131073", "0"), "params.fileBlock.size"},
		{C4_REQUEST("0", "0"), "params.fileBlock.size"},
		{C4_REQUEST("-1", "0"), "params.fileBlock.size"},
		{C4_REQUEST("\"256\"", "0"), "params.fileBlock.size"},
		{C4_REQUEST("256.5", "0"), "params.fileBlock.size"},
		{C4_REQUEST("1e9", "0"), "params.fileBlock.size"},
		{C4_REQUEST("256", "16777217"), ""}, /* no wall at 16 MiB */
		{C4_REQUEST("256", "4294967295"), ""},
		{C4_REQUEST("256", "4294967296"), "params.fileBlock.offset"},
		{C4_REQUEST("256", "-1"), "params.fileBlock.offset"},
		{C4_REQUEST("256", "9223372036854775808"), "params.fileBlock.offset"},
		{C4_REQUEST("256", "null"), "params.fileBlock.offset"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(refusal(rows[i].request), rows[i].path, "%s", rows[i].request);
}

Test(block, what_is_missing_is_named)
{
	static const struct {
		const char *request, *path;
	} rows[] = {
		{"[]", ""},
		{"{}", "params"},
		{"{\"params\":7}", "params"},
		{"{\"params\":{}}", "params.fileInfo"},
		{"{\"params\":{\"fileInfo\":{}}}", "params.fileInfo.streamId"},
		{"{\"params\":{\"fileInfo\":{\"streamId\":0}}}", "params.fileInfo.streamId"},
		{"{\"params\":{\"fileInfo\":{\"streamId\":4294967296}}}", "params.fileInfo.streamId"},
		{"{\"params\":{\"fileInfo\":{\"streamId\":1}}}", "params.fileInfo.fileId"},
		{"{\"params\":{\"fileInfo\":{\"streamId\":1,\"fileId\":1}}}", "params.fileBlock"},
		{"{\"params\":{\"fileToken\":\"a{b\"}}", "params.fileToken"},
		{"{\"params\":{\"fileToken\":\"a\\\"b\"}}", "params.fileToken"},
	};
	struct ota_block_request request;
	struct ota_error error;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_lt(parse(rows[i].request, &request, &error), 0);
		cr_expect_str_eq(error.path, rows[i].path, "%s", rows[i].request);
	}
}

static void token_request(size_t size, struct ota_bytes *out)
{
	ota_bytes_text(out, "{\"params\":{\"fileToken\":\"");
	for (size_t i = 0; i < size; i++)
		ota_bytes_u8(out, 't');
	ota_bytes_text(out, "\",\"fileInfo\":{\"streamId\":1,\"fileId\":1},\"fileBlock\":{\"size\":256,\"offset\":0}}}");
}

Test(block, tokens_fit_the_room_c_4_has_for_them)
{
	struct ota_bytes text = {0};
	token_request(OTA_BLOCK_TOKEN_MAX, &text);
	cr_expect_str_eq(refusal(text.data), "");
	ota_bytes_clear(&text);
	token_request(OTA_BLOCK_TOKEN_MAX + 1, &text);
	cr_expect_str_eq(refusal(text.data), "params.fileToken");
	ota_bytes_free(&text);
}

Test(block, a_request_has_at_most_1024_bytes)
{
	char text[OTA_BLOCK_REQUEST_MAX + 2];
	struct ota_block_request request;
	struct ota_error error;
	memset(text, ' ', sizeof(text));
	memcpy(text, C4_REQUEST("256", "0"), sizeof(C4_REQUEST("256", "0")) - 1);
	text[OTA_BLOCK_REQUEST_MAX] = '\0';
	cr_expect_eq(parse(text, &request, &error), 0, "%s", error.text);
	text[OTA_BLOCK_REQUEST_MAX] = ' ';
	text[OTA_BLOCK_REQUEST_MAX + 1] = '\0';
	cr_expect_eq(parse(text, &request, &error), OTA_ELIMIT);
}

Test(block, a_refused_request_can_be_answered_under_its_id)
{
	struct ota_block_request request;
	struct ota_error error;
	cr_expect_lt(parse("{\"id\":\"9\",\"params\":{}}", &request, &error), 0);
	cr_expect_str_eq(request.id, "\"9\"");
	cr_expect_lt(parse("{\"id\":\"9\",", &request, &error), 0);
	cr_expect_str_eq(request.id, "0");
}

Test(block, the_last_block_alone_may_be_short)
{
	static const struct {
		uint32_t size, offset;
		uint64_t file;
		uint32_t answer; /* 0 = refused */
	} rows[] = {
		{256, 0, 1000, 256},   {255, 0, 1000, 0},     {255, 745, 1000, 255}, {255, 744, 1000, 0}, {1, 999, 1000, 1},
		{256, 999, 1000, 1},   {256, 1000, 1000, 0},  {256, 1001, 1000, 0},  {131072, 0, 1, 1},   {1, 0, 1, 1},
		{256, 4294967294u, 4294967295u, 1}, {131072, 4294836224u, 4294967295u, 131071},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_block_request request = {.size = rows[i].size, .offset = rows[i].offset};
		uint32_t size = 0;
		int code = ota_block_measure(&request, rows[i].file, &size, NULL);
		cr_expect_eq(code, rows[i].answer > 0 ? 0 : OTA_EINVALID, "row %zu", i);
		cr_expect_eq(size, rows[i].answer, "row %zu", i);
	}
}

/* --- answers --- */

/* From the catalogue's definition, bit by bit and not reflected: the bits of each byte and of the result are turned round. */
static uint16_t turned(uint16_t value, int bits)
{
	uint16_t result = 0;
	for (int i = 0; i < bits; i++)
		if (value & 1u << i)
			result = (uint16_t)(result | 1u << (bits - 1 - i));
	return result;
}

static uint16_t crc_by_definition(const unsigned char *data, size_t size)
{
	uint16_t crc = 0;
	for (size_t i = 0; i < size; i++) {
		crc = (uint16_t)(crc ^ turned(data[i], 8) << 8);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x8005 : crc << 1);
	}
	return turned(crc, 16);
}

static uint64_t draw(uint64_t *state, uint64_t below)
{
	uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return (value ^ value >> 31) % below;
}

Test(block, the_crc_is_arc)
{
	static unsigned char bytes[4096];
	uint64_t state = 1;
	cr_expect_eq(ota_block_crc(ota_span_from_text("123456789")), 0xBB3D);
	cr_expect_eq(crc_by_definition((const unsigned char *)"123456789", 9), 0xBB3D);
	cr_expect_eq(ota_block_crc((struct ota_span){0}), 0);
	for (int run = 0; run < 500; run++) {
		size_t size = draw(&state, sizeof(bytes) + 1);
		for (size_t i = 0; i < size; i++)
			bytes[i] = (unsigned char)draw(&state, 256);
		struct ota_span span = {(const char *)bytes, size};
		cr_assert_eq(ota_block_crc(span), crc_by_definition(bytes, size), "run %d", run);
	}
}

static void answer_print(const struct ota_block_request *request, uint64_t file_size, struct ota_span block,
			 struct ota_bytes *out)
{
	cr_assert_eq(ota_block_print_head(request, file_size, (uint32_t)block.size, out), 0);
	ota_bytes_append(out, block.data, block.size);
	ota_block_print_tail(block, out);
	cr_assert_not(out->failed);
}

Test(block, the_answer_is_byte_for_byte_the_live_platforms)
{
	static const char header[] = "{\"code\":200,\"data\":{\"fileToken\":\"default\",\"bOffset\":20480,"
				     "\"fileLength\":20489,\"bSize\":9},\"id\":\"3\",\"message\":\"success\"}";
	struct ota_block_request request = {.id = "\"3\"", .token = "default", .offset = 20480};
	struct ota_bytes answer = {0}, expected = {0};
	answer_print(&request, 20489, ota_span_from_text("123456789"), &answer);
	ota_bytes_append(&expected, "\x00\x75", 2); /* big-endian */
	ota_bytes_append(&expected, header, sizeof(header) - 1);
	ota_bytes_append(&expected, "123456789\x3d\xbb", 11); /* little-endian */
	cr_assert_eq(answer.size, expected.size);
	cr_expect_eq(memcmp(answer.data, expected.data, expected.size), 0);
	ota_bytes_free(&answer);
	request = (struct ota_block_request){.id = "7"};
	answer_print(&request, 9, ota_span_from_text("123456789"), &answer);
	cr_expect_not_null(strstr(answer.data + 2, "{\"code\":200,\"data\":{\"bOffset\":0,\"fileLength\":9,\"bSize\":9},"
						   "\"id\":7,\"message\":\"success\"}"));
	ota_bytes_free(&answer);
	ota_bytes_free(&expected);
}

/*
 * The decoder of C 4.x, from the description of it: keys are searched as flat text, the first match wins; the code is read, and
 * one other than 200 is not taken for an error (what counts is that a number was read); the whole length, the CRC and the offset
 * must fit. `stale` stands for what an earlier answer left in its variables, which a refusal does not overwrite.
 */
struct c4_block {
	uint32_t size, offset, length;
};

static bool c4_number(const char *text, size_t size, const char *key, uint32_t *ret_value)
{
	char pattern[32];
	snprintf(pattern, sizeof(pattern), "\"%s\":", key);
	const char *found = memmem(text, size, pattern, strlen(pattern));
	if (!found)
		return false;
	const char *digits = found + strlen(pattern);
	uint64_t value = 0;
	if (digits == text + size || *digits < '0' || *digits > '9')
		return false;
	for (; digits < text + size && *digits >= '0' && *digits <= '9'; digits++)
		value = value * 10 + (uint64_t)(*digits - '0');
	*ret_value = (uint32_t)value;
	return value <= UINT32_MAX;
}

static bool c4_takes(struct ota_span payload, struct c4_block *stale, uint32_t wanted, struct ota_span *ret_block)
{
	const unsigned char *bytes = (const unsigned char *)payload.data;
	size_t header = (size_t)(bytes[0] << 8 | bytes[1]);
	uint32_t code = 0;
	if (!c4_number(payload.data + 2, header, "code", &code))
		return false;
	if (code == 200 && (!c4_number(payload.data + 2, header, "bSize", &stale->size) ||
			    !c4_number(payload.data + 2, header, "bOffset", &stale->offset) ||
			    !c4_number(payload.data + 2, header, "fileLength", &stale->length)))
		return false;
	if (payload.size != 2 + header + stale->size + 2)
		return false;
	*ret_block = (struct ota_span){payload.data + 2 + header, stale->size};
	unsigned crc = bytes[payload.size - 2] | (unsigned)bytes[payload.size - 1] << 8;
	return crc == crc_by_definition((const unsigned char *)ret_block->data, ret_block->size) && stale->offset == wanted;
}

static struct ota_block_request random_request(uint64_t *state)
{
	static const char *const ids[] = {"0", "\"1\"", "4294967295", "\"4294967295\""};
	static const char *const tokens[] = {"", "default", "success", "code", "bSize", "1bb8***"};
	struct ota_block_request request = {.offset = (uint32_t)draw(state, UINT32_MAX)};
	ota_text_cut(request.id, sizeof(request.id), ids[draw(state, 4)]);
	ota_text_cut(request.token, sizeof(request.token), tokens[draw(state, 6)]);
	return request;
}

/* One field client finds the bytes behind the first `success"}`; C 4.x as above. */
Test(block, both_kinds_of_clients_find_the_bytes)
{
	static char bytes[3000];
	uint64_t state = 7;
	for (int run = 0; run < 2000; run++) {
		struct ota_block_request request = random_request(&state);
		struct ota_span block = {bytes, 1 + draw(&state, sizeof(bytes))}, found = {0};
		struct ota_bytes answer = {0};
		struct c4_block stale = {0};
		for (size_t i = 0; i < block.size; i++)
			bytes[i] = (char)draw(&state, 256);
		answer_print(&request, UINT32_MAX, block, &answer);
		cr_assert(c4_takes((struct ota_span){answer.data, answer.size}, &stale, request.offset, &found), "run %d", run);
		cr_assert(found.size == block.size && memcmp(found.data, bytes, block.size) == 0, "run %d", run);
		const char *mark = memmem(answer.data, answer.size, "success\"}", 9);
		cr_assert(mark && mark + 9 == found.data, "run %d", run);
		ota_bytes_free(&answer);
	}
}

Test(block, a_flipped_bit_of_the_block_is_noticed)
{
	struct ota_block_request request = {.id = "1"};
	struct ota_bytes answer = {0};
	struct ota_span found;
	struct c4_block stale = {0};
	answer_print(&request, 9, ota_span_from_text("123456789"), &answer);
	for (size_t bit = 0; bit < 9 * 8; bit++) {
		char *byte = answer.data + answer.size - 11 + bit / 8;
		*byte = (char)(*byte ^ 1 << bit % 8);
		cr_expect_not(c4_takes((struct ota_span){answer.data, answer.size}, &stale, 0, &found));
		*byte = (char)(*byte ^ 1 << bit % 8);
	}
	ota_bytes_free(&answer);
}

/* It keeps the numbers of the block before: with a CRC of nothing behind it, a refusal after an empty block would be one more. */
Test(block, a_refusal_is_never_taken_for_a_block)
{
	static const uint32_t sizes[] = {0, 1, 256, 5120, 10240, OTA_BLOCK_SIZE_MAX};
	struct ota_bytes answer = {0};
	struct ota_span found;
	cr_assert_eq(ota_block_print_refusal("\"4\"", OTA_BLOCK_NOT_FOUND, "no such stream", &answer), 0);
	cr_expect_eq(answer.size, 2 + strlen("{\"code\":404,\"id\":\"4\",\"msg\":\"no such stream\"}"));
	cr_expect_eq(memcmp(answer.data, "\0\x2c" "{\"code\":404,\"id\":\"4\",\"msg\":\"no such stream\"}", answer.size), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct c4_block stale = {.size = sizes[i]};
		cr_expect_not(c4_takes((struct ota_span){answer.data, answer.size}, &stale, 0, &found));
	}
	ota_bytes_free(&answer);
}
