#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "common/error.h"

Test(error, every_code_has_a_name_of_its_own_and_comes_back_from_it)
{
	for (int code = OTA_ECANCELED; code <= OTA_OK; code++) {
		cr_expect_str_neq(ota_code_name(code), "unknown", "code %d", code);
		cr_expect_eq(ota_code_from_name(ota_code_name(code)), code);
	}
	cr_expect_str_eq(ota_code_name(OTA_ECANCELED - 1), "unknown");
	cr_expect_str_eq(ota_code_name(1), "unknown");
	cr_expect_eq(ota_code_from_name("no such word"), OTA_OK);
	cr_expect_str_eq(ota_code_name(OTA_ENOTFOUND), "not_found");
}

Test(error, fail_fills_and_returns_its_code)
{
	struct ota_error error = {0};
	cr_assert_eq(ota_fail_at(&error, OTA_EINVALID, "data.url", "must have %d bytes", 3), OTA_EINVALID);
	cr_expect_eq(error.code, OTA_EINVALID);
	cr_expect_str_eq(error.path, "data.url");
	cr_expect_str_eq(error.text, "must have 3 bytes");
	cr_assert_eq(ota_fail(&error, OTA_ELIMIT, "full"), OTA_ELIMIT);
	cr_expect_str_eq(error.path, "", "an older path must not stay");
}

Test(error, everything_takes_no_record)
{
	errno = ENOENT;
	cr_expect_eq(ota_fail(NULL, OTA_EIO, "x"), OTA_EIO);
	cr_expect_eq(ota_fail_at(NULL, OTA_EIO, "p", "x"), OTA_EIO);
	cr_expect_eq(ota_fail_errno(NULL, "x"), OTA_ENOTFOUND);
	cr_expect_eq(ota_error_prefix(NULL, OTA_EIO, "x"), OTA_EIO);
}

Test(error, control_bytes_of_arguments_become_question_marks)
{
	struct ota_error error;
	ota_fail_at(&error, OTA_EINVALID, "a\nb", "bad \"%s\"", "x\033[2J\r\n\177y");
	cr_expect_str_eq(error.path, "a?b");
	cr_expect_str_eq(error.text, "bad \"x?[2J???y\"");
	ota_error_prefix(&error, error.code, "in %s", "\t");
	cr_expect_str_eq(error.text, "in ?: bad \"x?[2J???y\"");
}

Test(error, a_sentence_is_utf8_wherever_it_cut_what_it_quotes)
{
	struct ota_error error;

	ota_fail_at(&error, OTA_EINVALID, "a\xc3", "is \"%.3s\"; allowed: \xe6\xb8\xa9", "a\xc3\xa9\xc3\xa9");
	cr_expect_str_eq(error.text, "is \"a\xc3\xa9\"; allowed: \xe6\xb8\xa9");
	cr_expect_str_eq(error.path, "a?");
	ota_fail(&error, OTA_EINVALID, "is \"%.2s\" or \xff or \xc2\x9b", "a\xc3\xa9");
	cr_expect_str_eq(error.text, "is \"a?\" or ? or ??");
}

Test(error, prefixes_stand_in_front_and_keep_code_and_path)
{
	struct ota_error error;
	ota_fail_at(&error, OTA_EVERIFY, "sign", "certificate expired");
	cr_expect_eq(ota_error_prefix(&error, OTA_EVERIFY, "TLS"), OTA_EVERIFY);
	cr_expect_eq(ota_error_prefix(&error, OTA_EVERIFY, "fetch %s", "package"), OTA_EVERIFY);
	cr_expect_str_eq(error.text, "fetch package: TLS: certificate expired");
	cr_expect_str_eq(error.path, "sign");
}

Test(error, a_sentence_too_long_is_cut_at_its_end)
{
	struct ota_error error;
	ota_fail(&error, OTA_EIO, "%0*d", OTA_ERROR_TEXT_MAX + 10, 7);
	cr_expect_eq(strlen(error.text), OTA_ERROR_TEXT_MAX - 1);
	ota_error_prefix(&error, OTA_EIO, "in front");
	cr_expect_eq(strncmp(error.text, "in front: 000", 13), 0);
	cr_expect_eq(strlen(error.text), OTA_ERROR_TEXT_MAX - 1);
}

Test(error, errno_chooses_the_code_and_adds_its_words)
{
	static const struct {
		int number, code;
	} rows[] = {{ENOSPC, OTA_ELIMIT}, {EDQUOT, OTA_ELIMIT}, {ENOENT, OTA_ENOTFOUND}, {EACCES, OTA_EIO}, {EIO, OTA_EIO}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ota_error error;
		char expected[128];
		snprintf(expected, sizeof(expected), "open x: %s", strerror(rows[i].number));
		errno = rows[i].number;
		cr_expect_eq(ota_fail_errno(&error, "open %s", "x"), rows[i].code);
		cr_expect_str_eq(error.text, expected);
	}
}

Test(error, a_recoded_error_keeps_its_sentence)
{
	struct ota_error error;
	ota_fail(&error, OTA_ENOTFOUND, "the key is missing");
	cr_expect_eq(ota_error_recode(&error, OTA_EIO), OTA_EIO);
	cr_expect_eq(error.code, OTA_EIO);
	cr_expect_str_eq(error.text, "the key is missing");
	cr_expect_eq(ota_error_recode(NULL, OTA_EIO), OTA_EIO);
}
