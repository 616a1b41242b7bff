/*
 * Plight: what keeps the worker from its work at the moment, in a sentence for operators who ask meanwhile.
 *
 * Thread rule: told and ended by the worker's thread, read by any.
 */
#ifndef OTA_PLUGIN_BROKER_PLIGHT_H
#define OTA_PLUGIN_BROKER_PLIGHT_H

#include <stdbool.h>

#include "common/error.h"

struct ota_plight;

struct ota_plight *ota_plight_new(void); /* NULL without memory */
struct ota_plight *ota_plight_free(struct ota_plight *plight); /* returns NULL */

void ota_plight_tell(struct ota_plight *plight, const struct ota_error *cause);
void ota_plight_end(struct ota_plight *plight);
/* False when all is well. */
bool ota_plight_read(struct ota_plight *plight, char target[OTA_ERROR_TEXT_MAX]);

#endif
