#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"
#include "docs/states.h"

Test(states_doc, the_docs_tables_are_the_ones_that_run)
{
	OTA_AUTO_BYTES struct ota_bytes now = {0}, kept = {0};
	char path[4096];

	snprintf(path, sizeof(path), "%s/docs/states.md", getenv("OTA_SOURCE_ROOT"));
	ota_states_print(&now);
	cr_assert_eq(ota_file_read(path, 1 << 20, &kept, NULL), 0);
	cr_assert_str_eq(now.data, kept.data, "docs/states.md is old: run make docs");
}
