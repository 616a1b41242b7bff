#include <stdio.h>

#include "docs/metrics.h"

int main(void)
{
	OTA_AUTO_BYTES struct ota_bytes out = {0};

	ota_metrics_page_print(&out);
	return out.failed || fwrite(out.data, 1, out.size, stdout) != out.size;
}
