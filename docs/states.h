/* Prints docs/states.md from the tables of plugin/rules, so that the docs cannot differ from what runs. */
#ifndef OTA_DOCS_STATES_H
#define OTA_DOCS_STATES_H

#include "common/bytes.h"

void ota_states_print(struct ota_bytes *out);

#endif
