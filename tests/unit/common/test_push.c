/* The bytes of a push, and what may not stand in one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message.h"
#include "tests/unit/support/golden.h"

static const char md5[] = "900150983cd24fb0d6963f7d28e17f72";
static const char sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static struct ota_push sample(void)
{
	return (struct ota_push){.id = INT64_C(1795171182123),
				 .size = 1048576,
				 .version = "2.0.0",
				 .url = "http://ota.example.com/dl/ba7816bf",
				 .md5 = md5,
				 .sha256 = sha256};
}

static void expect_golden(const struct ota_push *push, const char *name)
{
	struct ota_bytes expected = {0}, actual = {0};
	struct ota_error error = {0};
	golden_read(name, &expected);
	cr_assert_eq(ota_push_print(push, &actual, &error), 0, "%s", error.text);
	cr_expect_str_eq(actual.data, expected.data);
	ota_bytes_free(&expected);
	ota_bytes_free(&actual);
}

Test(push, document_004_is_reproduced_with_ext_data_behind_the_scalars)
{
	struct ota_push push = {.id = INT64_C(1617773607348),
				.size = 2233916,
				.version = "res-1.2.5",
				.url = "update package downloaded url address",
				.md5 = "5a1a416f357f17bfa89823d2fd49ef8b",
				.sha256 = "",
				.module = "resource",
				.ext_data = "{ \"info\" : \"Double 11 corpus update\" }"};
	expect_golden(&push, "push-document-004.json");
}

Test(push, md5_to_devices_that_announced_nothing)
{
	struct ota_push push = sample();
	expect_golden(&push, "push-md5.json");
	push.module = "default";
	expect_golden(&push, "push-md5.json");
	push.ext_data = "{}";
	expect_golden(&push, "push-md5.json");
	push.ext_data = "";
	expect_golden(&push, "push-md5.json");
}

Test(push, sha256_keeps_md5_for_c_3)
{
	struct ota_push push = sample();
	push.sign_method = OTA_SIGN_SHA256;
	expect_golden(&push, "push-sha256.json");
}

Test(push, a_delta_says_so)
{
	struct ota_push push = sample();
	push.size = 4096;
	push.module = "mcu";
	push.is_diff = true;
	expect_golden(&push, "push-delta.json");
}

Test(push, tags_and_attempt_share_ext_data)
{
	struct ota_push push = sample();
	push.size = 4096;
	push.module = "mcu";
	push.is_diff = true;
	push.sign_method = OTA_SIGN_SHA256;
	push.ext_data = "{\"site\":\"north\"}";
	push.batch = 7;
	push.attempt = 2;
	expect_golden(&push, "push-attempt.json");
}

/* As three captures of the live platform have it (aliyun-ota.md section 2). */
Test(push, a_stream_stands_in_place_of_the_url)
{
	struct ota_push push = sample();
	push.url = NULL;
	push.stream_id = 1397822;
	push.stream_file_id = 1;
	expect_golden(&push, "push-stream.json");
	push.module = "mcu";
	push.sign_method = OTA_SIGN_SHA256;
	push.ext_data = "{\"site\":\"north\"}";
	push.batch = 7;
	push.attempt = 2;
	expect_golden(&push, "push-stream-attempt.json");
}

/* files last; the batch's tag in place of the package's, at the end. */
Test(push, several_files_stand_behind_everything_else)
{
	static const struct ota_push_file files[] = {{"app.bin", 20000, "http://ota.example.com/dl/1", md5, sha256},
						     {"res.bin", 4096, "http://ota.example.com/dl/2", md5, sha256}};
	struct ota_push push = sample();
	push.module = "mcu";
	push.sign_method = OTA_SIGN_SHA256;
	push.files = files;
	push.file_count = 2;
	push.ext_data = "{\"site\":\"north\",\"line\":\"2\"}";
	push.tags = "{\"site\":\"south\"}";
	expect_golden(&push, "push-files.json");
}

Test(push, a_packages_information_has_the_only_escapes)
{
	struct ota_push push = sample();
	struct ota_bytes out = {0};
	push.ext_data = "{\"_package_udi\":\"{\\\"model\\\":\\\"x\\\"}\"}";
	cr_assert_eq(ota_push_print(&push, &out, NULL), 0);
	cr_expect_not_null(strstr(out.data, "\"extData\":{\"_package_udi\":\"{\\\"model\\\":\\\"x\\\"}\"}}"), "%s", out.data);
	ota_bytes_free(&out);
}

Test(push, the_answer_to_a_pull_echoes_the_id)
{
	struct ota_push push = sample();
	struct ota_bytes expected = {0}, actual = {0};
	golden_read("pull-reply.json", &expected);
	cr_assert_eq(ota_pull_reply_print("\"123\"", &push, &actual, NULL), 0);
	cr_expect_str_eq(actual.data, expected.data);
	ota_bytes_clear(&expected);
	ota_bytes_clear(&actual);
	golden_read("pull-reply-nothing.json", &expected);
	cr_assert_eq(ota_pull_reply_print("17", NULL, &actual, NULL), 0);
	cr_expect_str_eq(actual.data, expected.data);
	ota_bytes_free(&expected);
	ota_bytes_free(&actual);
}

static const char *refusal(const struct ota_push *push)
{
	static struct ota_error error;
	struct ota_bytes out = {0};
	error = (struct ota_error){0};
	int code = ota_push_print(push, &out, &error);
	cr_expect(code == 0 || out.size == 0, "a refused push leaves no bytes");
	ota_bytes_free(&out);
	return code == 0 ? "" : error.path;
}

Test(push, sizes_are_those_c_4_can_read)
{
	struct ota_push push = sample();
	push.size = 1;
	cr_expect_str_eq(refusal(&push), "");
	push.size = OTA_PACKAGE_SIZE_MAX;
	cr_expect_str_eq(refusal(&push), "");
	push.size = OTA_PACKAGE_SIZE_MAX + 1;
	cr_expect_str_eq(refusal(&push), "data.size");
	push.size = 0;
	cr_expect_str_eq(refusal(&push), "data.size");
}

/* "http://h/aaa..." of that many bytes. */
static const char *url_of(size_t size)
{
	static char url[OTA_URL_MAX + 2];
	memset(url, 'a', size);
	memcpy(url, "http://h/", 9);
	url[size] = '\0';
	return url;
}

Test(push, urls_have_255_bytes_and_no_structure)
{
	struct ota_push push = sample();
	push.url = url_of(OTA_URL_MAX);
	cr_expect_str_eq(refusal(&push), "");
	push.url = url_of(OTA_URL_MAX + 1);
	cr_expect_str_eq(refusal(&push), "data.url");
	static const char *const wrong[] = {"",
					    "http://h/\"",
					    "http://h/\\",
					    "http://h/{",
					    "http://h/}",
					    "http://[::1]/",
					    "http://h/\n",
					    "http://h/\x7f",
					    "http://h/\xff"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		push.url = wrong[i];
		cr_expect_str_eq(refusal(&push), "data.url", "%s", wrong[i]);
	}
	push.url = "https://h/a?b=c&d=%20+/~";
	cr_expect_str_eq(refusal(&push), "", "nothing that JSON would let stand is refused or escaped");
}

Test(push, streams_have_numbers_c_4_can_read)
{
	static const struct {
		int64_t stream, file;
		const char *path;
	} rows[] = {{1, 1, ""},
		    {OTA_STREAM_ID_MAX, OTA_STREAM_ID_MAX, ""},
		    {OTA_STREAM_ID_MAX + 1, 1, "data.streamId"},
		    {-1, 1, "data.streamId"},
		    {0, 1, "data.streamId"},
		    {1, 0, "data.streamFileId"},
		    {1, -1, "data.streamFileId"},
		    {1, OTA_STREAM_ID_MAX + 1, "data.streamFileId"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_push push = sample();
		push.stream_id = rows[i].stream;
		push.stream_file_id = rows[i].file;
		cr_expect_str_eq(refusal(&push), rows[i].path, "row %zu", i);
	}
}

Test(push, versions_modules_and_digests_are_checked_last_of_all)
{
	struct ota_push push = sample();
	push.version = "url";
	cr_expect_str_eq(refusal(&push), "data.version");
	push.version = "1\"";
	cr_expect_str_eq(refusal(&push), "data.version");
	push = sample();
	push.module = "sign";
	cr_expect_str_eq(refusal(&push), "data.module");
	push.module = "a{b";
	cr_expect_str_eq(refusal(&push), "data.module");
	push = sample();
	push.md5 = "900150983CD24FB0D6963F7D28E17F72";
	cr_expect_str_eq(refusal(&push), "data.md5");
	push.md5 = "";
	cr_expect_str_eq(refusal(&push), "data.md5");
	push = sample();
	push.sha256 = "";
	cr_expect_str_eq(refusal(&push), "", "not needed with Md5");
	push.sign_method = OTA_SIGN_SHA256;
	cr_expect_str_eq(refusal(&push), "data.sign");
}

static const char *tags_refusal(const char *tags)
{
	struct ota_push push = sample();
	push.ext_data = tags;
	return refusal(&push);
}

static const char *one_tag(size_t key_size, size_t value_size)
{
	static char text[4096];
	snprintf(text, sizeof(text), "{\"%.*s\":\"%.*s\"}", (int)key_size, "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", 0, "");
	size_t used = strlen(text) - 2;
	memset(text + used, 'v', value_size);
	memcpy(text + used + value_size, "\"}", 3);
	return text;
}

Test(push, tags_are_flat_strings_under_keys_of_their_own)
{
	static const char *const wrong[] = {
		"[]",
		"7",
		"{",
		"{\"a\":1}",
		"{\"a\":null}",
		"{\"a\":{}}",
		"{\"-\":7}",
		"{\"\":\"v\"}",
		"{\"_a\":\"v\"}",
		"{\"_ota\":\"1:1\"}",
		"{\"a b\":\"v\"}",
		"{\"version\":\"9\"}",
		"{\"url\":\"x\"}",
		"{\"files\":\"x\"}",
		"{\"a\":\"url\"}",
		"{\"a\":\"message\"}",
		"{\"a\":\"x{y\"}",
		"{\"a\":\"]\"}",
		"{\"a\":\"\\\"\"}",
		"{\"a\":\"\\n\"}",
		"{\"a\":\"1\",\"a\":\"2\"}",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct ota_push push = sample();
		struct ota_bytes out = {0};
		push.ext_data = wrong[i];
		cr_expect_lt(ota_push_print(&push, &out, NULL), 0, "%s", wrong[i]);
		ota_bytes_free(&out);
	}
	cr_expect_str_eq(tags_refusal("{\"a_b-c.9\":\"\"}"), "", "an empty value");
	cr_expect_str_eq(tags_refusal("{\"a.B9\":\"gr\xc3\xbc\xc3\x9f\"}"), "");
}

Test(push, tags_go_to_their_limits)
{
	cr_expect_str_eq(tags_refusal(one_tag(OTA_TAG_KEY_MAX, 1)), "");
	cr_expect_str_eq(tags_refusal(one_tag(OTA_TAG_KEY_MAX + 1, 1)), "data.extData");
	cr_expect_str_eq(tags_refusal(one_tag(1, OTA_TAG_VALUE_MAX)), "");
	cr_expect_str_eq(tags_refusal(one_tag(1, OTA_TAG_VALUE_MAX + 1)), "data.extData");
}

/* `count` tags whose keys and values together have `sum` bytes; keys have one byte. */
static void tags_of(struct ota_bytes *out, unsigned count, size_t sum)
{
	size_t values = sum - count;
	for (unsigned i = 0; i < count; i++) {
		size_t size = i + 1 < count ? values / count : values - values / count * (count - 1);
		ota_bytes_format(out, "%c\"%c\":\"", i == 0 ? '{' : ',', (char)('a' + i));
		for (size_t j = 0; j < size; j++)
			ota_bytes_u8(out, 'v');
		ota_bytes_text(out, "\"");
	}
	ota_bytes_text(out, "}");
}

Test(push, tags_have_a_number_and_a_sum)
{
	static const struct {
		unsigned count;
		size_t sum;
		const char *path;
	} rows[] = {{OTA_TAGS_MAX, 100, ""},
		    {OTA_TAGS_MAX + 1, 100, "data.extData"},
		    {5, OTA_EXT_DATA_MAX, ""},
		    {5, OTA_EXT_DATA_MAX + 1, "data.extData"}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_bytes tags = {0};
		tags_of(&tags, rows[i].count, rows[i].sum);
		cr_expect_str_eq(tags_refusal(tags.data), rows[i].path, "row %zu", i);
		ota_bytes_free(&tags);
	}
}
