/* The device's side of a push. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "common/message.h"
#include "tests/unit/support/golden.h"

static struct ota_error error;

static const char md5[] = "900150983cd24fb0d6963f7d28e17f72";
static const char sha256[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static int offer(const char *text, struct ota_offer *ret_offer)
{
	return ota_offer_parse(ota_span_from_text(text), ret_offer, &error);
}

static struct ota_offer golden(const char *name)
{
	struct ota_bytes text = {0};
	struct ota_offer got = {0};
	golden_read(name, &text);
	cr_assert_eq(offer(text.data, &got), 0, "%s: %s", name, error.text);
	ota_bytes_free(&text);
	return got;
}

Test(offer, what_the_server_prints_the_agent_reads)
{
	struct ota_offer got = golden("push-attempt.json");
	cr_expect_eq(got.size, 4096);
	cr_expect_str_eq(got.version, "2.0.0");
	cr_expect_str_eq(got.module, "mcu");
	cr_expect_str_eq(got.url, "http://ota.example.com/dl/ba7816bf");
	cr_expect_str_eq(got.md5, md5);
	cr_expect_str_eq(got.sha256, sha256);
	cr_expect_eq(got.sign_method, OTA_SIGN_SHA256);
	cr_expect(got.is_diff);
	cr_expect(got.batch == 7 && got.attempt == 2);

	got = golden("push-md5.json");
	cr_expect_str_eq(got.module, "default");
	cr_expect_str_eq(got.md5, md5);
	cr_expect_str_eq(got.sha256, "");
	cr_expect_eq(got.sign_method, OTA_SIGN_MD5);
	cr_expect_not(got.is_diff);
	cr_expect_eq(got.batch, 0);
	got = golden("pull-reply.json");
	cr_expect_eq(got.size, 1048576);
}

Test(offer, nothing_to_do_is_not_an_error_of_form)
{
	struct ota_bytes text = {0};
	struct ota_offer got;
	golden_read("pull-reply-nothing.json", &text);
	cr_expect_eq(offer(text.data, &got), OTA_ENOTFOUND);
	ota_bytes_free(&text);
}

#define DATA(more_)                                                                                                              \
	"{\"data\":{\"size\":5,\"version\":\"2\",\"url\":\"http://h/"                                                            \
	"f\",\"signMethod\":\"Md5\",\"sign\":\"900150983cd24fb0d6963f7d28e17f72\"" more_ "}}"

Test(offer, other_servers_and_orders_are_understood)
{
	struct ota_offer got;
	cr_expect_eq(offer(DATA(""), &got), 0, "%s", error.text);
	cr_expect_str_eq(got.md5, md5);
	cr_expect_eq(
		offer(DATA(",\"isDiff\":0,\"extData\":{\"_package_udi\":\"{\\\"a\\\":\\\"b\\\"}\"},\"digestsign\":\"x\""), &got),
		0, "%s", error.text);
	cr_expect_not(got.is_diff);
	cr_expect_eq(offer(DATA(",\"isDiff\":true"), &got), 0);
	cr_expect(got.is_diff);
	cr_expect_eq(offer("{ \"message\" : \"success\", \"id\" : \"1\", \"code\" : 200,\n \"data\" : { \"signMethod\" : "
			   "\"Sha256\", \"url\" : \"https://h/\", \"version\" : \"3\", "
			   "\"sign\" : \"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\", \"size\" : 1 } }",
			   &got),
		     0, "%s", error.text);
	cr_expect_str_eq(got.sha256, sha256, "hex of either case, kept in lower case");
	cr_expect_str_eq(got.md5, "");
}

/* Enough of it is read to refuse it by name: version and module are there, what one file would have is not looked for. */
Test(offer, a_package_of_several_files_is_known_as_one)
{
	struct ota_offer got = {0};
	cr_assert_eq(offer("{\"code\":\"1000\",\"data\":{\"module\":\"mcu\",\"version\":\"2\",\"signMethod\":\"Md5\","
			   "\"extData\":{\"_ota\":\"7:2\"},\"files\":[{},{}]},\"id\":1,\"message\":\"success\"}",
			   &got),
		     0, "%s", error.text);
	cr_expect(got.has_files && got.batch == 7 && got.attempt == 2);
	cr_expect_str_eq(got.module, "mcu");
	cr_expect_str_eq(got.url, "");
	cr_expect_lt(offer("{\"data\":{\"files\":[{},{}]}}", &got), 0);
	cr_expect_str_eq(error.path, "data.version");
}

Test(offer, batch_and_attempt_go_to_the_largest_exact_integer)
{
	struct ota_offer got;
	cr_expect_eq(offer(DATA(",\"extData\":{\"_ota\":\"9007199254740991:9007199254740991\"}"), &got), 0, "%s", error.text);
	cr_expect(got.batch == OTA_INTEGER_MAX && got.attempt == OTA_INTEGER_MAX);
	cr_expect_eq(offer(DATA(",\"extData\":{\"_ota\":\"9007199254740992:1\"}"), &got), OTA_EINVALID);
	cr_expect_eq(offer(DATA(",\"extData\":{\"_ota\":\"1:9007199254740992\"}"), &got), OTA_EINVALID);
}

Test(offer, every_field_in_use_is_checked)
{
	static const char *const rows[][2] = {
		{"[]", ""},
		{"{}", "data"},
		{"{\"data\":[]}", "data"},
		{"{\"code\":\"9201\",\"data\":{}}", "code"},
		{"{\"code\":400,\"data\":{}}", "code"},
		{"{\"data\":{\"version\":\"2\"}}", "data.size"},
		{"{\"data\":{\"size\":0,\"version\":\"2\"}}", "data.size"},
		{"{\"data\":{\"size\":\"5\",\"version\":\"2\"}}", "data.size"},
		{"{\"data\":{\"size\":-1}}", "data.size"},
		{"{\"data\":{\"size\":5}}", "data.version"},
		{"{\"data\":{\"size\":5,\"version\":\"\"}}", "data.version"},
		{"{\"data\":{\"size\":5,\"version\":\"2\"}}", "data.url"},
		{"{\"data\":{\"size\":5,\"version\":\"2\",\"url\":\"\"}}", "data.url"},
		{"{\"data\":{\"size\":5,\"version\":\"2\",\"url\":\"http://h/a b\"}}", "data.url"},
		{"{\"data\":{\"size\":5,\"version\":\"2\",\"url\":\"http://h/\"}}", "data.signMethod"},
		{"{\"data\":{\"size\":5,\"version\":\"2\",\"url\":\"http://h/\",\"signMethod\":\"SHA1\"}}", "data.signMethod"},
		{"{\"data\":{\"size\":5,\"version\":\"2\",\"url\":\"http://h/\",\"signMethod\":\"Md5\"}}", "data.sign"},
		{"{\"data\":{\"size\":5,\"version\":\"2\",\"url\":\"http://h/\",\"signMethod\":\"SHA256\",\"sign\":\"00\"}}",
		 "data.sign"},
		{DATA(",\"md5\":\"00000000000000000000000000000000\""), "data.sign"},
		{DATA(",\"md5\":\"0000000000000000000000000000000g\""), "data.md5"},
		{DATA(",\"isDiff\":2"), "data.isDiff"},
		{DATA(",\"module\":\"url\""), "data.module"},
		{DATA(",\"extData\":{\"_ota\":\"7\"}"), "data.extData._ota"},
		{DATA(",\"extData\":{\"_ota\":\"7:\"}"), "data.extData._ota"},
		{DATA(",\"extData\":{\"_ota\":\":2\"}"), "data.extData._ota"},
		{DATA(",\"extData\":{\"_ota\":\"0:2\"}"), "data.extData._ota"},
		{DATA(",\"extData\":{\"_ota\":\"7:-2\"}"), "data.extData._ota"},
		{DATA(",\"extData\":{\"_ota\":7}"), "data.extData._ota"},
		{DATA(",\"size\":6"), "data.size"},
	};
	struct ota_offer got = {.size = 99};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_lt(offer(rows[i][0], &got), 0, "%s", rows[i][0]);
		cr_expect_str_eq(error.path, rows[i][1], "%s: %s", rows[i][0], error.text);
		cr_expect_neq(error.code, OTA_ENOTFOUND, "%s", rows[i][0]);
	}
	cr_expect_eq(got.size, 99);
}
