/*
 * The version of this software, and how versions of packages are compared.
 *
 * Versions of packages are opaque text: equal means the same bytes. Only ranges ("version < 2.0") order them.
 */
#ifndef OTA_COMMON_VERSION_H
#define OTA_COMMON_VERSION_H

#include "common/bytes.h"

#define OTA_SOFTWARE_VERSION "0.1.0"

/*
 * < 0, 0, > 0 as strcmp(): a total order of any two texts. Read from the left, in turns: what is no digit, then a number.
 *
 *   - Numbers are compared as numbers, of any length: 1.9 < 1.10, and 1.02 is neither before nor after 1.2.
 *   - A '-' or '~' before a letter begins what comes before the release: 1.0-rc1 < 1.0. Before a digit '-' is a mark like others.
 *   - The end comes before everything else: 1.0 < 1.0.1 < 1.0.1a. Letters come before marks: 1.0a < 1.0+1.
 *   - One 'v' or 'V' in front of a digit is skipped: v1.2 is 1.2.
 */
int ota_version_compare(struct ota_span a, struct ota_span b);

#endif
