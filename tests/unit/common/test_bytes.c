#include <criterion/criterion.h>
#include <stdlib.h>

#include "common/bytes.h"

Test(bytes, integers_come_back_as_they_went_in_little_endian)
{
	struct ota_bytes out = {0};
	ota_bytes_u8(&out, 0xfe);
	ota_bytes_u16(&out, 0x1234);
	ota_bytes_u32(&out, 0xdeadbeef);
	ota_bytes_u64(&out, UINT64_C(0x8877665544332211));
	ota_bytes_u64(&out, (uint64_t)INT64_C(-5));
	cr_assert_eq(out.size, 23);
	cr_expect_arr_eq(out.data, "\xfe\x34\x12\xef\xbe\xad\xde\x11\x22", 9);

	struct ota_cursor cursor = {.data = (const unsigned char *)out.data, .size = out.size};
	cr_expect_eq(ota_cursor_u8(&cursor), 0xfe);
	cr_expect_eq(ota_cursor_u16(&cursor), 0x1234);
	cr_expect_eq(ota_cursor_u32(&cursor), 0xdeadbeef);
	cr_expect_eq(ota_cursor_u64(&cursor), UINT64_C(0x8877665544332211));
	cr_expect_eq(ota_cursor_i64(&cursor), -5);
	cr_expect_not(cursor.failed);
	cr_expect_eq(cursor.position, cursor.size);
	ota_bytes_free(&out);
}

Test(bytes, a_cursor_past_its_end_stays_failed)
{
	struct ota_cursor cursor = {.data = (const unsigned char *)"abc", .size = 3};
	cr_expect_eq(ota_cursor_u32(&cursor), 0);
	cr_assert(cursor.failed);
	cr_expect_eq(ota_cursor_u8(&cursor), 0, "a later read that would fit gives nothing either");
	cr_expect_eq(ota_cursor_span(&cursor, 1).size, 0);
	cr_expect(cursor.failed);
}

Test(bytes, a_cursor_reads_to_its_last_byte_and_not_one_further)
{
	struct ota_cursor cursor = {.data = (const unsigned char *)"abcd", .size = 4};
	cr_expect(ota_span_equals(ota_cursor_span(&cursor, 4), "abcd"));
	cr_expect_not(cursor.failed);
	cr_expect_eq(ota_cursor_span(&cursor, 0).size, 0);
	cr_expect_not(cursor.failed);
	ota_cursor_span(&cursor, SIZE_MAX);
	cr_expect(cursor.failed, "a size near the end of the address space must not wrap");
}

Test(bytes, what_was_appended_is_terminated)
{
	struct ota_bytes out = {0};
	ota_bytes_text(&out, "a");
	ota_bytes_format(&out, "%d-%s", 12, "b");
	ota_bytes_append(&out, "\0c", 2);
	cr_assert_eq(out.size, 7);
	cr_expect_arr_eq(out.data, "a12-b\0c", 8);
	ota_bytes_clear(&out);
	cr_expect_eq(out.size, 0);
	cr_expect_str_eq(out.data, "");
	ota_bytes_free(&out);
	cr_expect_null(out.data);
}

Test(bytes, growth_keeps_every_byte)
{
	struct ota_bytes out = {0};
	for (unsigned i = 0; i < 5000; i++)
		ota_bytes_format(&out, "%04u", i);
	cr_assert_eq(out.size, 20000);
	cr_expect_arr_eq(out.data, "0000000100020003", 16);
	cr_expect_str_eq(out.data + out.size - 8, "49984999");
	ota_bytes_free(&out);
}

Test(bytes, the_limit_may_be_reached_and_not_passed)
{
	struct ota_bytes out = {.limit = 4};
	ota_bytes_text(&out, "abc");
	ota_bytes_u8(&out, 'd');
	cr_expect_not(out.failed);
	ota_bytes_u8(&out, 'e');
	cr_expect(out.failed);
	cr_expect_str_eq(out.data, "abcd");
	ota_bytes_clear(&out);
	ota_bytes_format(&out, "%s", "12345");
	cr_expect(out.failed);
	ota_bytes_text(&out, "1");
	cr_expect_eq(out.size, 0, "after a failure nothing is appended");
	cr_expect_null(ota_bytes_steal(&out), "a failed buffer hands out nothing");
	cr_expect_eq(out.limit, 4);
}

Test(bytes, steal_hands_over_and_empties)
{
	struct ota_bytes out = {0};
	cr_expect_null(ota_bytes_steal(&out));
	ota_bytes_text(&out, "mine");
	char *text = ota_bytes_steal(&out);
	cr_expect_str_eq(text, "mine");
	cr_expect_null(out.data);
	cr_expect_eq(out.size + out.capacity, 0);
	free(text);
}

Test(bytes, spans_equal_by_content)
{
	cr_expect(ota_span_equals(ota_span_from_text("ab"), "ab"));
	cr_expect_not(ota_span_equals(ota_span_from_text("ab"), "abc"));
	cr_expect_not(ota_span_equals(ota_span_from_text("ab"), "a"));
	cr_expect(ota_span_equals(ota_span_from_text(NULL), ""));
}

Test(bytes, cleanup_attributes_release)
{
	OTA_AUTO_FREE char *text = malloc(8); /* the leak checker of SAN=address is the judge */
	OTA_AUTO_BYTES struct ota_bytes out = {0};
	ota_bytes_text(&out, "gone");
	cr_expect_not_null(text);
}
