/*
 * The rights again, written from their description (plugin/access/rights.h, docs/protocol.md) and sharing no line and no parser
 * with the product: what test_rights_model.c compares it with.
 */
#ifndef OTA_TESTS_RIGHTS_MODEL_H
#define OTA_TESTS_RIGHTS_MODEL_H

#include "plugin/access/rights.h"

enum ota_ruling rights_model(const struct ota_access *access);

#endif
