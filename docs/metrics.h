/* docs/metrics.md as it is printed from the gateway's table. */
#ifndef OTA_DOCS_METRICS_H
#define OTA_DOCS_METRICS_H

#include "common/bytes.h"

void ota_metrics_page_print(struct ota_bytes *out);

#endif
