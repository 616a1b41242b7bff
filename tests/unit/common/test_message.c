/* What devices tell, read as leniently as DESIGN.md section 10 asks for, and what our own agent writes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/message.h"
#include "common/topic.h"
#include "tests/unit/support/golden.h"

static struct ota_error error;

static int inform(const char *text, struct ota_inform *ret_inform)
{
	return ota_inform_parse(ota_span_from_text(text), ret_inform, &error);
}

static int progress(const char *text, struct ota_progress *ret_progress)
{
	return ota_progress_parse(ota_span_from_text(text), ret_progress, &error);
}

Test(inform, every_client_s_spelling_is_read)
{
	static const struct {
		const char *text, *version, *module;
	} rows[] = {
		{"{\"id\":\"2\",\"params\":{\"version\":\"app-1.0.0-20180101.1000\"}}", "app-1.0.0-20180101.1000",
		 "default"},                                                                   /* C 3.x, itself */
		{"{\"id\":0,\"params\":{\"version\":\"1.0\"}}", "1.0", "default"},             /* C 3.x, application */
		{"{\"id\":1, \"params\":{\"version\":\"1.0.0\"}}", "1.0.0", "default"},        /* C 4.x */
		{"{\"id\":1,\"params\":{\"version\":\"1-45-345a\"}}", "1-45-345a", "default"}, /* document 004 */
		{"{\"id\":\"1617773607348\",\"version\":\"1.0\",\"params\":{\"version\":\"2\",\"module\":\"MCU\"},\"method\":"
		 "\"x\"}",
		 "2", "MCU"},
		{"{\"params\":{\"version\":\"2\",\"module\":\"\"}}", "2", "default"},
		{"{\"id\":1,\"params\":{\"version\":\"2\",\"other\":[1e400,{\"a\":null}],},}", "2", "default"},
		{"{\"params\":{\"version\":\"first\",\"version\":\"second\"}}", "first", "default"},
		{"{\"params\":{\"version\":\"2\",\"caps\":5,\"agent\":{},\"batch\":\"2021-05\",\"attempt\":-1,\"bootId\":7}}",
		 "2", "default"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_inform got = {0};
		cr_assert_eq(inform(rows[i].text, &got), 0, "%s: %s", rows[i].text, error.text);
		cr_expect_str_eq(got.version, rows[i].version);
		cr_expect_str_eq(got.module, rows[i].module);
		cr_expect_eq(got.caps, 0);
		cr_expect_eq(got.batch, 0);
		cr_expect_str_eq(got.agent, "");
	}
}

Test(inform, what_was_mended_is_told)
{
	struct ota_inform got;
	cr_assert_eq(inform("{\"params\":{\"version\":\"1\",\"version\":\"2\",}}", &got), 0);
	cr_expect_eq(got.mended, OTA_JSON_MENDED_DUPLICATE | OTA_JSON_MENDED_COMMA);
	cr_assert_eq(inform("{\"params\":{\"version\":\"1\"}}", &got), 0);
	cr_expect_eq(got.mended, 0);
}

Test(inform, what_names_no_version_is_refused_by_its_field)
{
	static const char *const rows[][2] = {
		{"{}", "params"},
		{"[]", "params"},
		{"{\"params\":[]}", "params"},
		{"{\"params\":{}}", "params.version"},
		{"{\"version\":\"1\"}", "params"},
		{"{\"params\":{\"version\":1}}", "params.version"},
		{"{\"params\":{\"version\":null}}", "params.version"},
		{"{\"params\":{\"version\":\"\"}}", "params.version"},
		{"{\"params\":{\"version\":\"a{b\"}}", "params.version"},
		{"{\"params\":{\"version\":\"url\"}}", "params.version"},
		{"{\"params\":{\"version\":\"1\",\"module\":7}}", "params.module"},
		{"{\"params\":{\"version\":\"1\",\"module\":\"a\\\"\"}}", "params.module"},
	};
	struct ota_inform got = {.batch = 77};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_lt(inform(rows[i][0], &got), 0, "%s", rows[i][0]);
		cr_expect_str_eq(error.path, rows[i][1], "%s", rows[i][0]);
	}
	cr_expect_eq(got.batch, 77, "a refused report leaves the target alone");
}

Test(inform, versions_and_modules_go_to_their_limits)
{
	struct ota_inform got;
	char text[400], word[OTA_VERSION_MAX + 2];
	memset(word, 'v', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"params\":{\"version\":\"%s\",\"module\":\"%s\"}}", word + 1, word + 1);
	cr_expect_eq(inform(text, &got), 0);
	snprintf(text, sizeof(text), "{\"params\":{\"version\":\"%s\"}}", word);
	cr_expect_eq(inform(text, &got), OTA_ELIMIT);
	snprintf(text, sizeof(text), "{\"params\":{\"version\":\"1\",\"module\":\"%s\"}}", word);
	cr_expect_eq(inform(text, &got), OTA_ELIMIT);
}

Test(inform, a_report_may_have_the_payload_limit_and_no_byte_more)
{
	struct ota_bytes text = {0};
	struct ota_inform got;
	ota_bytes_text(&text, "{\"params\":{\"version\":\"1\"},\"pad\":\"");
	while (text.size < OTA_DEVICE_PAYLOAD_MAX - 2)
		ota_bytes_u8(&text, 'x');
	ota_bytes_text(&text, "\"}");
	cr_expect_eq(inform(text.data, &got), 0, "%s", error.text);
	ota_bytes_text(&text, " ");
	cr_expect_eq(inform(text.data, &got), OTA_ELIMIT);
	ota_bytes_free(&text);
}

Test(inform, our_dialect_counts_beside_caps)
{
	struct ota_inform got;
	cr_assert_eq(inform("{\"params\":{\"version\":\"1\",\"batch\":7,\"attempt\":2}}", &got), 0);
	cr_expect_eq(got.batch, 0, "a stranger's batch is not ours");
	cr_assert_eq(inform("{\"params\":{\"version\":\"1\",\"caps\":[\"later\",1],\"batch\":7,\"attempt\":2,\"agent\":\"a/"
			    "1\",\"bootId\":\"b\"}}",
			    &got),
		     0);
	cr_expect_eq(got.caps, OTA_CAP_ANNOUNCED);
	cr_expect_eq(got.batch, 7);
	cr_expect_eq(got.attempt, 2);
	cr_expect_str_eq(got.agent, "a/1");
	cr_expect_str_eq(got.boot_id, "b");
	cr_assert_eq(inform("{\"params\":{\"version\":\"1\",\"caps\":[\"cancel\"],\"batch\":7}}", &got), 0);
	cr_expect_eq(got.caps, OTA_CAP_ANNOUNCED | OTA_CAP_CANCEL);
	cr_expect_eq(got.batch, 0, "a batch without an attempt names nothing");
}

static struct ota_inform agent_inform(void)
{
	return (struct ota_inform){.version = "1.0.0",
				   .module = "mcu",
				   .agent = "ota-agent/0.1.0 (linux; x86_64)",
				   .boot_id = "7a5d6a4e-6c1e-4a3c-9c44-6b1f4f3f0a11",
				   .caps = OTA_CAP_ANNOUNCED | OTA_CAP_CANCEL,
				   .batch = 7,
				   .attempt = 2};
}

static void expect_inform(const struct ota_inform *report, int64_t id, const char *name)
{
	struct ota_bytes expected = {0}, actual = {0};
	struct ota_inform back = {0};
	golden_read(name, &expected);
	cr_assert_eq(ota_inform_print(report, id, &actual, &error), 0);
	cr_expect_str_eq(actual.data, expected.data);
	cr_assert_eq(inform(actual.data, &back), 0, "%s", error.text);
	cr_expect_str_eq(back.version, report->version);
	cr_expect_str_eq(back.module, report->module[0] ? report->module : OTA_MODULE_DEFAULT);
	cr_expect_str_eq(back.agent, report->agent);
	cr_expect_str_eq(back.boot_id, report->boot_id);
	cr_expect_eq(back.caps, report->caps);
	cr_expect_eq(back.batch, report->batch);
	ota_bytes_free(&expected);
	ota_bytes_free(&actual);
}

Test(inform, golden_bytes)
{
	struct ota_inform full = agent_inform(), plain = {.version = "1.0.0"},
			  empty = {.version = "1.0.0", .module = "default", .caps = OTA_CAP_ANNOUNCED};
	expect_inform(&full, 4, "inform-agent.json");
	expect_inform(&plain, 1, "inform.json");
	expect_inform(&empty, 4, "inform-caps-empty.json");
}

Test(progress, steps_are_strings_or_numbers_from_minus_4_to_100)
{
	static const char *const fine[] = {"\"0\"", "0", "\"-4\"", "-4", "100", "\"100\"", "\"5\"", "23.0"};
	static const char *const wrong[] = {"\"-5\"", "-5",   "101",  "\"101\"", "\"\"",   "\" 5\"", "\"+5\"",
					    "5.5",    "null", "true", "[5]",     "\"5%\"", "1e9"};
	struct ota_progress got;
	char text[128];
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		snprintf(text, sizeof(text), "{\"id\":1,\"params\":{\"step\":%s,\"desc\":\"x\"}}", fine[i]);
		cr_expect_eq(progress(text, &got), 0, "%s: %s", fine[i], error.text);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "{\"params\":{\"step\":%s}}", wrong[i]);
		cr_expect_eq(progress(text, &got), OTA_EINVALID, "%s", wrong[i]);
		cr_expect_str_eq(error.path, "params.step");
	}
	cr_expect_eq(progress("{\"params\":{}}", &got), OTA_EINVALID);
	cr_assert_eq(progress("{\"params\":{\"step\":\"-3\"}}", &got), 0);
	cr_expect_eq(got.step, -3);
}

Test(progress, a_description_is_cleaned_and_cut)
{
	struct ota_bytes text = {0};
	struct ota_progress got;
	cr_assert_eq(progress("{\"params\":{\"step\":1,\"desc\":\"a\\n\xff\\u0000\\u001b[2J\"}}", &got), 0);
	cr_expect_str_eq(got.desc, "a \xef\xbf\xbd\xef\xbf\xbd [2J");
	cr_expect_eq(got.mended, OTA_JSON_MENDED_UTF8 | OTA_JSON_MENDED_NUL);
	ota_bytes_text(&text, "{\"params\":{\"step\":1,\"desc\":\"");
	for (unsigned i = 0; i < OTA_DESC_MAX - 1; i++)
		ota_bytes_text(&text, "x");
	ota_bytes_text(&text, "\xc3\xa4z\"}}");
	cr_assert_eq(progress(text.data, &got), 0);
	cr_expect_eq(strlen(got.desc), OTA_DESC_MAX - 1, "cut before the character that does not fit");
	cr_assert_eq(progress("{\"params\":{\"step\":1,\"desc\":7}}", &got), 0,
		     "a description of another type is no reason to lose a step");
	cr_expect_str_eq(got.desc, "");
	ota_bytes_free(&text);
}

Test(progress, no_module_means_the_task_in_work)
{
	struct ota_progress got;
	cr_assert_eq(progress("{\"id\": 1, \"params\": {\"step\": 23, \"desc\": \" xxxxxxxx \"}}", &got), 0);
	cr_expect_str_eq(got.module, "");
	cr_expect_str_eq(got.desc, " xxxxxxxx ");
	cr_assert_eq(progress("{\"params\":{\"step\":\"1\",\"module\":\"default\"}}", &got), 0);
	cr_expect_str_eq(got.module, "default");
	cr_expect_eq(progress("{\"params\":{\"step\":\"1\",\"module\":\"{\"}}", &got), OTA_EINVALID);
}

Test(progress, the_dialect_is_read_where_it_is_ours)
{
	struct ota_progress got;
	cr_assert_eq(progress("{\"params\":{\"step\":1,\"batch\":9007199254740991,\"attempt\":3,\"cancel\":\"refused\"}}", &got),
		     0);
	cr_expect_eq(got.batch, OTA_INTEGER_MAX);
	cr_expect_eq(got.attempt, 3);
	cr_expect_eq(got.cancel, OTA_CANCEL_REFUSED);
	cr_assert_eq(progress("{\"params\":{\"step\":1,\"batch\":\"7\",\"attempt\":3,\"cancel\":true}}", &got), 0);
	cr_expect_eq(got.batch, 0);
	cr_expect_eq(got.cancel, OTA_CANCEL_NONE);
	cr_assert_eq(progress("{\"params\":{\"step\":1,\"batch\":0,\"attempt\":3,\"cancel\":\"maybe\"}}", &got), 0);
	cr_expect_eq(got.attempt, 0);
	cr_expect_eq(got.cancel, OTA_CANCEL_NONE);
}

static void expect_progress(const struct ota_progress *report, int64_t id, const char *name)
{
	struct ota_bytes expected = {0}, actual = {0};
	struct ota_progress back = {0};
	golden_read(name, &expected);
	cr_assert_eq(ota_progress_print(report, id, &actual, &error), 0);
	cr_expect_str_eq(actual.data, expected.data);
	cr_assert_eq(progress(actual.data, &back), 0, "%s", error.text);
	cr_expect_eq(back.step, report->step);
	cr_expect_str_eq(back.desc, report->desc);
	cr_expect_str_eq(back.module, report->module);
	cr_expect_eq(back.attempt, report->attempt);
	cr_expect_eq(back.cancel, report->cancel);
	ota_bytes_free(&expected);
	ota_bytes_free(&actual);
}

Test(progress, golden_bytes)
{
	struct ota_progress plain = {.step = 23};
	struct ota_progress failed = {.step = -2, .desc = "connection \"reset\"", .module = "mcu", .batch = 7, .attempt = 2};
	struct ota_progress answer = {
		.step = 40, .desc = "stopped", .module = "mcu", .batch = 7, .attempt = 2, .cancel = OTA_CANCEL_ACCEPTED};
	expect_progress(&plain, 2, "progress.json");
	expect_progress(&failed, 3, "progress-agent.json");
	expect_progress(&answer, 5, "progress-cancel.json");
}

#define SIXTY_FOUR "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

Test(pull, ids_keep_their_type_and_the_module_is_found)
{
	static const struct {
		const char *text, *id, *module, *version;
	} rows[] = {
		{"{\"id\":\"123\",\"version\":\"1.0\",\"params\":{\"module\":\"MCU\"},\"method\":\"thing.ota.firmware.get\"}",
		 "\"123\"", "MCU", ""},
		{"{\"id\":7, \"params\":{}}", "7", "default", ""},
		{"{\"id\":7,\"params\":{\"version\":\"1.0\",\"module\":\"m\"}}", "7", "m", "1.0"},
		{"{\"id\":1617773607348,\"module\":\"top\",\"params\":{}}", "1617773607348", "top", ""},
		{"{}", "0", "default", ""},
		{"{\"id\":1.5}", "0", "default", ""},
		{"{\"id\":null}", "0", "default", ""},
		{"{\"id\":\"a\\\"b\"}", "0", "default", ""},
		{"{\"id\":\"" SIXTY_FOUR "\"}", "\"" SIXTY_FOUR "\"", "default", ""},
		{"{\"id\":\"" SIXTY_FOUR "5\"}", "0", "default", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_pull got = {0};
		cr_assert_eq(ota_pull_parse(ota_span_from_text(rows[i].text), &got, &error), 0, "%s: %s", rows[i].text,
			     error.text);
		cr_expect_str_eq(got.id, rows[i].id);
		cr_expect_str_eq(got.module, rows[i].module);
		cr_expect_str_eq(got.version, rows[i].version);
	}
	struct ota_pull got;
	cr_expect_eq(ota_pull_parse(ota_span_from_text("[]"), &got, &error), OTA_EINVALID);
	cr_expect_eq(ota_pull_parse(ota_span_from_text("{\"params\":{\"module\":\"url\"}}"), &got, &error), OTA_EINVALID);
}

Test(cancel, golden_bytes_and_back)
{
	struct ota_bytes expected = {0}, actual = {0};
	int64_t batch = 0, attempt = 0;
	golden_read("cancel.json", &expected);
	cr_assert_eq(ota_cancel_print(INT64_C(1795171182123), 7, 2, &actual), 0);
	cr_expect_str_eq(actual.data, expected.data);
	cr_assert_eq(ota_cancel_parse(ota_span_from_text(actual.data), &batch, &attempt, &error), 0);
	cr_expect(batch == 7 && attempt == 2);
	static const char *const wrong[] = {"[]", "{}", "{\"params\":{\"batch\":7}}", "{\"params\":{\"batch\":0,\"attempt\":1}}",
					    "{\"params\":{\"batch\":\"7\",\"attempt\":1}}"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_eq(ota_cancel_parse(ota_span_from_text(wrong[i]), &batch, &attempt, &error), OTA_EINVALID, "%s",
			     wrong[i]);
	cr_expect(batch == 7 && attempt == 2);
	ota_bytes_free(&expected);
	ota_bytes_free(&actual);
}

Test(cancel, each_field_is_read_or_refused_by_its_name)
{
	static const struct {
		const char *text, *error; /* NULL: it is 7:2 */
	} rows[] = {
		{"{\"params\":{\"batch\":7,\"attempt\":2}}", NULL},
		{" {\"id\":[],\"other\":null,\"params\":{\"attempt\":2,\"x\":{},\"batch\":7}} ", NULL},
		{"", "the text ends too early"},
		{"cancel", "not a JSON value"},
		{"[]", "params.batch: is missing"},
		{"{\"batch\":7,\"attempt\":2}", "params.batch: is missing"},
		{"{\"params\":[7,2]}", "params.batch: is missing"},
		{"{\"params\":{\"batch\":7}}", "params.attempt: is missing"},
		{"{\"params\":{\"batch\":0,\"attempt\":2}}", "params.batch: must be an integer from 1 to 9007199254740991"},
		{"{\"params\":{\"batch\":7,\"attempt\":-1}}", "params.attempt: must be an integer from 1 to"},
		{"{\"params\":{\"batch\":7,\"attempt\":1.5}}", "params.attempt: must be an integer from 1"},
		{"{\"params\":{\"batch\":9007199254740992,\"attempt\":2}}", "params.batch: a number beyond 9007199254740991"},
		{"{\"params\":{\"batch\":\"7\",\"attempt\":2}}", "params.batch: must be an integer"},
		{"{\"params\":{\"batch\":null,\"attempt\":2}}", "params.batch: must be an integer"},
		{"{\"params\":{\"batch\":7,\"batch\":8,\"attempt\":2}}", "params.batch: the key stands twice"},
		{"{\"params\":{\"batch\":7,\"attempt\":2}} x", "bytes behind the document"},
		{"{\"params\":{\"batch\":7,\"attempt\":2,}}", "a comma before the closing bracket"},
		{"{\"params\":{\"batch\":7,\"attempt\":2},\"a\":\"\xff\"}", "a: bytes that are not UTF-8"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t batch = 0, attempt = 0;
		int code = ota_cancel_parse(ota_span_from_text(rows[i].text), &batch, &attempt, &error);
		if (!rows[i].error)
			cr_expect(code == 0 && batch == 7 && attempt == 2, "%s: %s", rows[i].text, error.text);
		else
			cr_expect(code < 0 && batch == 0 && strstr(error.text, rows[i].error), "%s: %s", rows[i].text,
				  error.text);
	}
}
