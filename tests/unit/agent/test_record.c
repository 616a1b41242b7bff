#include <criterion/criterion.h>
#include <string.h>

#include "agent/core/record.h"
#include "common/text.h"
#include "tests/unit/agent/desk.h"

static struct desk desk;

static int read_text(const char *text, struct ota_error *error)
{
	return agent_record_read(ota_span_from_text(text), &desk.core, error);
}

Test(record, what_is_written_is_read_back)
{
	struct agent_core before;

	desk_open(&desk);
	desk_push(&desk, "2.0.0", 7, 1);
	desk_fetched(&desk, AGENT_FETCH_DONE, "");
	ota_text_cut(desk.core.report.progress.desc, sizeof(desk.core.report.progress.desc), "a \"desc\" with \\ and \xc3\xa4");
	before = desk.core;
	desk_reboot(&desk);
	cr_expect_str_eq(desk.core.task.offer.version, "2.0.0");
	cr_expect_str_eq(desk.core.task.offer.url, before.task.offer.url);
	cr_expect_str_eq(desk.core.task.offer.sha256, before.task.offer.sha256);
	cr_expect_str_eq(desk.core.task.from, "1.0.0");
	cr_expect_eq(desk.core.task.offer.size, 1000);
	cr_expect_eq(desk.core.task.offer.sign_method, OTA_SIGN_SHA256);
	cr_expect_eq(desk.core.task.phase, AGENT_PHASE_INSTALLING);
	cr_expect(desk.core.task.delivered);
	cr_expect(desk.core.report.pending);
	cr_expect_str_eq(desk.core.report.progress.desc, before.report.progress.desc);
	cr_expect_eq(desk.core.last_batch, 7);
}

Test(record, bad_packages_are_remembered_across_a_restart)
{
	desk_open(&desk);
	for (int i = 0; i < 3; i++) {
		struct ota_offer offer = desk_offer("2.0.0", 7, i + 1);

		offer.sha256[0] = (char)('0' + i);
		agent_refusals_add(&desk.core.refusals, &offer, -3, "a \"bad\" one");
	}
	desk_reboot(&desk);
	cr_assert_eq(desk.core.refusals.count, 3);
	cr_expect_eq(desk.core.refusals.list[2].attempt, 3);
	cr_expect_str_eq(desk.core.refusals.list[2].desc, "a \"bad\" one");
	cr_expect_str_eq(desk.core.refusals.list[2].module, "default");
	cr_expect_eq(desk.core.refusals.list[2].step, -3);
}

Test(record, a_newer_format_is_not_guessed_at)
{
	struct ota_error error = {0};

	desk_open(&desk);
	cr_expect_eq(read_text("{\"format\":2}", &error), OTA_EVERSION);
}

Test(record, a_damaged_record_is_named_and_changes_nothing)
{
	static const char *const damaged[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"format\":1,\"task\":{}}",
		"{\"format\":1,\"task\":7}",
		"{\"format\":1,\"refusals\":{}}",
		"{\"format\":1,\"refusals\":[7]}",
		"{\"format\":1,\"refusals\":[{\"step\":-4}]}",
		"{\"format\":1,\"last\":{\"batch\":-1,\"attempt\":1}}",
		"{\"format\":1,\"report\":{\"step\":101,\"pending\":true,\"desc\":\"\",\"module\":\"\",\"batch\":0,"
		"\"attempt\":0,\"cancel\":0}}",
	};

	desk_open(&desk);
	desk_push(&desk, "2.0.0", 7, 1);
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct agent_core before = desk.core;
		struct ota_error error = {0};

		cr_expect_eq(read_text(damaged[i], &error), OTA_ECORRUPT, "%s", damaged[i]);
		cr_expect_neq(error.text[0], '\0');
		cr_expect_arr_eq(&desk.core, &before, sizeof(before), "%s", damaged[i]);
	}
}

Test(record, a_task_of_a_module_that_is_gone_is_dropped)
{
	static const char *const names[] = {"mcu"};
	OTA_AUTO_BYTES struct ota_bytes record = {0};
	struct agent_core core = {0};

	desk_open(&desk);
	desk_push(&desk, "2.0.0", 7, 1);
	cr_assert_eq(agent_record_print(&desk.core, &record), 0);
	cr_assert_eq(agent_core_init(&core, names, 1, &desk.core.limits, NULL), 0);
	cr_expect_eq(agent_record_read((struct ota_span){record.data, record.size}, &core, NULL), 0);
	cr_expect_eq(core.task.phase, AGENT_PHASE_NONE);
	cr_expect_eq(core.last_batch, 7);
}

Test(record, the_longest_record_is_within_its_limit)
{
	OTA_AUTO_BYTES struct ota_bytes record = {0};

	desk_open(&desk);
	desk_push(&desk, "2.0.0", 7, 1);
	memset(desk.core.task.offer.url, 'u', sizeof(desk.core.task.offer.url) - 1);
	memset(desk.core.report.progress.desc, '\x01', OTA_DESC_MAX); /* six characters each in JSON */
	memset(desk.core.task.offer.module, 'm', OTA_MODULE_MAX);
	for (int i = 0; i < AGENT_REFUSALS_MAX; i++) {
		desk.core.task.offer.sha256[0] = (char)('0' + i);
		memset(desk.core.task.offer.version, 'v', OTA_VERSION_MAX);
		agent_refusals_add(&desk.core.refusals, &desk.core.task.offer, -4, desk.core.report.progress.desc);
	}
	cr_assert_eq(agent_record_print(&desk.core, &record), 0);
	cr_expect_leq(record.size, AGENT_RECORD_MAX);
}

Test(record, module_names_that_could_leave_the_directory_are_refused)
{
	static const char *const bad[] = {"../x", "a/b", ".", ".hidden", ""};
	struct agent_core core = {0};
	struct ota_error error;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(agent_core_init(&core, &bad[i], 1, &desk.core.limits, &error), OTA_EINVALID, "%s", bad[i]);
}
