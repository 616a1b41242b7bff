#include <stdio.h>

#include "common/file.h"
#include "docs/manual.h"

enum { PAGE_MAX = 256 * 1024 };

int main(int argc, char **argv)
{
	OTA_AUTO_BYTES struct ota_bytes page = {0}, out = {0};
	struct ota_error error = {0};
	int code = argc == 2 ? ota_file_read(argv[1], PAGE_MAX, &page, &error)
			     : ota_fail(&error, OTA_EINVALID, "which page? print-manual docs/man/NAME.scd");

	if (code == 0)
		code = ota_manual_print(&out, page.data ? page.data : "", &error);
	if (code < 0)
		(void)fprintf(stderr, "print-manual: %s\n", error.text);
	return code < 0 || out.failed || fwrite(out.data, 1, out.size, stdout) != out.size;
}
