/*
 * Manual: the man pages. Their prose stands in docs/man/NAME.scd; a line "@part@" is replaced by what the tables say that run:
 * verbs, options, configuration keys.
 */
#ifndef OTA_DOCS_MANUAL_H
#define OTA_DOCS_MANUAL_H

#include "common/bytes.h"
#include "common/error.h"

/* Appends a page for scdoc(1). OTA_EINVALID names a part that does not exist. */
int ota_manual_print(struct ota_bytes *out, const char *page, struct ota_error *error);

#endif
