#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/unit/plugin/broker/reports.h"

static bool read_back(const char *data, size_t size, struct ota_record *ret_record)
{
	size_t body_size;
	uint32_t crc;
	unsigned char head[OTA_RECORD_HEAD];
	if (size < sizeof(head))
		return false;
	memcpy(head, data, sizeof(head));
	if (!ota_record_read_head(head, &body_size, &crc) || body_size > size - sizeof(head))
		return false;
	return ota_record_read_body((struct ota_span){data + sizeof(head), body_size}, crc, ret_record);
}

Test(record, comes_back_as_it_was_written)
{
	for (uint64_t number = 0; number < 300; number++) {
		struct ota_bytes bytes = {0};
		struct ota_record record = report_make(number), read;
		record.sequence = number * 1000000007;
		cr_assert(ota_record_write(&record, &bytes));
		cr_assert(read_back(bytes.data, bytes.size, &read));
		cr_expect_eq(read.sequence, number * 1000000007);
		cr_expect(report_is(&read, number));
		ota_bytes_free(&bytes);
	}
}

Test(record, stands_behind_others_in_a_buffer)
{
	struct ota_bytes bytes = {0};
	struct ota_record record = report_make(1), read;
	cr_assert(ota_record_write(&record, &bytes));
	size_t first = bytes.size;
	record = report_make(2);
	cr_assert(ota_record_write(&record, &bytes));
	cr_assert(read_back(bytes.data + first, bytes.size - first, &read));
	cr_expect(report_is(&read, 2));
	ota_bytes_free(&bytes);
}

Test(record, holds_what_its_limits_allow_and_no_more)
{
	struct ota_bytes bytes = {0};
	char *room = malloc(OTA_DEVICE_PAYLOAD_MAX + 1);
	memset(room, 'x', OTA_DEVICE_PAYLOAD_MAX + 1);
	struct ota_record record = report_make(1), read;
	memset(record.identity.product_key, 'k', OTA_PRODUCT_KEY_MAX);
	memset(record.identity.device_name, 'n', OTA_DEVICE_NAME_MAX);
	record.identity.product_key[OTA_PRODUCT_KEY_MAX] = record.identity.device_name[OTA_DEVICE_NAME_MAX] = '\0';
	record.client_id = (struct ota_span){room, OTA_CLIENT_ID_MAX};
	record.payload = (struct ota_span){room, OTA_DEVICE_PAYLOAD_MAX};
	cr_assert(ota_record_write(&record, &bytes));
	cr_expect_eq(bytes.size, OTA_RECORD_MAX);
	cr_expect(read_back(bytes.data, bytes.size, &read));
	record.payload.size++;
	cr_expect_not(ota_record_write(&record, &bytes));
	record.payload.size = 0;
	record.client_id.size++;
	cr_expect_not(ota_record_write(&record, &bytes));
	record.client_id.size = 0;
	record.topic = OTA_TOPIC_REQUEST;
	cr_expect_not(ota_record_write(&record, &bytes), "pulls are not journaled");
	ota_bytes_free(&bytes);
	free(room);
}

Test(record, an_empty_payload_is_a_payload)
{
	struct ota_bytes bytes = {0};
	struct ota_record record = report_make(1), read;
	record.payload = (struct ota_span){NULL, 0};
	cr_assert(ota_record_write(&record, &bytes));
	cr_assert(read_back(bytes.data, bytes.size, &read));
	cr_expect_eq(read.payload.size, 0);
	ota_bytes_free(&bytes);
}

Test(record, no_flipped_bit_goes_unseen)
{
	struct ota_bytes bytes = {0};
	struct ota_record record = report_make(7), read;
	cr_assert(ota_record_write(&record, &bytes));
	for (size_t bit = 0; bit < bytes.size * 8; bit++) {
		bytes.data[bit / 8] ^= (char)(1 << bit % 8);
		cr_expect_not(read_back(bytes.data, bytes.size, &read), "bit %zu", bit);
		bytes.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	cr_expect(read_back(bytes.data, bytes.size, &read));
	ota_bytes_free(&bytes);
}

Test(record, no_piece_of_it_is_one)
{
	struct ota_bytes bytes = {0};
	struct ota_record record = report_make(7), read;
	cr_assert(ota_record_write(&record, &bytes));
	for (size_t size = 0; size < bytes.size; size++)
		cr_expect_not(read_back(bytes.data, size, &read), "%zu bytes", size);
	ota_bytes_free(&bytes);
}
