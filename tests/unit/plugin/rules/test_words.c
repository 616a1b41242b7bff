#include <criterion/criterion.h>

#include "plugin/rules/words.h"

#define BACK_AND_FORTH(noun, type, count)                                                                              \
	for (int i = 0; i < (int)(count); i++) {                                                                       \
		enum type back = (enum type)((i + 1) % (int)(count));                                                  \
		cr_assert(noun##_parse(noun##_word((enum type)i), &back));                                             \
		cr_assert_eq((int)back, i);                                                                            \
	}

Test(words, each_word_reads_back_as_its_own_number)
{
	BACK_AND_FORTH(ota_task_state, ota_task_state, OTA_TASK_STATES);
	BACK_AND_FORTH(ota_reason, ota_reason, OTA_REASONS);
	BACK_AND_FORTH(ota_cause, ota_cause, OTA_CAUSES);
	BACK_AND_FORTH(ota_mark, ota_mark, OTA_MARKS);
	BACK_AND_FORTH(ota_batch_kind, ota_batch_kind, OTA_BATCH_KINDS);
	BACK_AND_FORTH(ota_batch_state, ota_batch_state, OTA_BATCH_STATES);
	BACK_AND_FORTH(ota_verification, ota_verification, OTA_VERIFICATIONS);
}

Test(words, an_unknown_word_is_no_state)
{
	enum ota_task_state state = OTA_TASK_FAILED;

	cr_assert(!ota_task_state_parse("success", &state));
	cr_assert_eq(state, OTA_TASK_FAILED);
}
