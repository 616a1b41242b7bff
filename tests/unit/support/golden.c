#include "tests/unit/support/golden.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/file.h"
#include "common/limits.h"

void golden_read(const char *name, struct ota_bytes *out)
{
	const char *root = getenv("OTA_SOURCE_ROOT");
	struct ota_error error = {0};
	char path[4096];
	snprintf(path, sizeof(path), "%s/tests/golden/%s", root ? root : ".", name);
	int code = ota_file_read(path, OTA_PAYLOAD_MAX + 1, out, &error);
	cr_assert_eq(code, 0, "%s", error.text);
	cr_assert(out->size > 0 && out->data[out->size - 1] == '\n', "%s must end in a newline", path);
	out->data[--out->size] = '\0';
}
