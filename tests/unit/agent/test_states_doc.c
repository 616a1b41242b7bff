#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"
#include "docs/agent_states.h"

Test(agent_states_doc, the_docs_table_is_the_one_that_runs)
{
	OTA_AUTO_BYTES struct ota_bytes now = {0};
	OTA_AUTO_BYTES struct ota_bytes kept = {0};
	char path[512];

	snprintf(path, sizeof(path), "%s/docs/agent-states.md", getenv("OTA_SOURCE_ROOT"));
	ota_agent_states_print(&now);
	cr_assert_eq(ota_file_read(path, 1 << 20, &kept, NULL), 0);
	cr_assert_str_eq(now.data, kept.data, "docs/agent-states.md is old: write it anew with print-agent-states");
}
