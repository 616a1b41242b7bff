#include <criterion/criterion.h>

#include "plugin/rules/source.h"

static bool takes(const char *text, enum ota_task_state state, enum ota_cause cause, enum ota_mark mark, bool runs_it)
{
	struct ota_source source;

	cr_assert_eq(ota_source_parse(text, &source, NULL), 0, "%s", text);
	return ota_source_takes(&source, &(struct ota_source_task){ state, cause, mark, runs_it });
}

Test(source, every_text_is_printed_as_it_was_read)
{
	static const char *const texts[] = { "", "failed", "succeeded", "canceled", "installed", "failed burn_failed lost" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char printed[OTA_SOURCE_TEXT_MAX + 1];
		struct ota_source source;

		cr_assert_eq(ota_source_parse(texts[i], &source, NULL), 0);
		ota_source_print(&source, printed);
		cr_assert_str_eq(printed, texts[i]);
	}
}

Test(source, the_longest_text_has_room)
{
	struct ota_source every = { OTA_TASK_FAILED, ~(int64_t)0 >> 1 }, again;
	char printed[OTA_SOURCE_TEXT_MAX + 1];

	every.causes = (1 << OTA_CAUSE_UPGRADE_FAILED) | (1 << OTA_CAUSE_DOWNLOAD_FAILED) | (1 << OTA_CAUSE_VERIFY_FAILED) |
		       (1 << OTA_CAUSE_BURN_FAILED) | (1 << OTA_CAUSE_PUSH_TIMEOUT) | (1 << OTA_CAUSE_UPGRADE_TIMEOUT) |
		       (1 << OTA_CAUSE_LOST) | (1 << OTA_CAUSE_WRONG_VERSION) |
		       (1 << OTA_CAUSE_ROLLED_BACK) | (1 << OTA_CAUSE_LOOP);
	ota_source_print(&every, printed);
	cr_assert_eq(ota_source_parse(printed, &again, NULL), 0);
	cr_assert_eq(again.causes, every.causes);
}

Test(source, what_is_no_part_of_a_batch_is_refused)
{
	static const char *const texts[] = { "broken", "failed nonsense", "failed ", "succeeded burn_failed", " failed" };
	struct ota_source source;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(ota_source_parse(texts[i], &source, NULL), OTA_EINVALID, "%s", texts[i]);
}

Test(source, failed_ones_are_taken_by_their_causes)
{
	cr_assert(takes("failed", OTA_TASK_FAILED, OTA_CAUSE_LOST, OTA_MARK_NONE, false));
	cr_assert(!takes("failed", OTA_TASK_SUCCEEDED, OTA_CAUSE_VERSION_REPORTED, OTA_MARK_NONE, true));
	cr_assert(takes("failed lost", OTA_TASK_FAILED, OTA_CAUSE_LOST, OTA_MARK_NONE, false));
	cr_assert(!takes("failed lost", OTA_TASK_FAILED, OTA_CAUSE_BURN_FAILED, OTA_MARK_NONE, false));
	cr_assert(takes("", OTA_TASK_PENDING, OTA_CAUSE_NONE, OTA_MARK_NONE, false));
}

Test(source, installed_is_who_runs_it_by_that_batch_and_who_may_get_there_still)
{
	cr_assert(takes("installed", OTA_TASK_SUCCEEDED, OTA_CAUSE_VERSION_REPORTED, OTA_MARK_NONE, true));
	cr_assert(!takes("installed", OTA_TASK_SUCCEEDED, OTA_CAUSE_VERSION_REPORTED, OTA_MARK_NONE, false),
		  "a later batch moved it on");
	cr_assert(takes("installed", OTA_TASK_CANCELED, OTA_CAUSE_REVOKED, OTA_MARK_INSTALLED_ANYWAY, true));
	cr_assert(takes("installed", OTA_TASK_FAILED, OTA_CAUSE_LOST, OTA_MARK_RECOVERED, true));
	cr_assert(!takes("installed", OTA_TASK_SUCCEEDED, OTA_CAUSE_VERSION_REPORTED, OTA_MARK_REGRESSED, false));
	cr_assert(takes("installed", OTA_TASK_UPGRADING, OTA_CAUSE_NONE, OTA_MARK_NONE, false));
	cr_assert(!takes("installed", OTA_TASK_PENDING, OTA_CAUSE_NONE, OTA_MARK_NONE, false));
	cr_assert(!takes("installed", OTA_TASK_FAILED, OTA_CAUSE_BURN_FAILED, OTA_MARK_NONE, false));
}
