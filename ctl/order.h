/*
 * Order: a batch as a file, a JSON object of the members of createBatch and nothing else. `batch export` writes such a file.
 */
#ifndef OTA_CTL_ORDER_H
#define OTA_CTL_ORDER_H

#include <cjson/cJSON.h>

#include "common/bytes.h"
#include "common/error.h"

/* Judges each member by its row; whether together they make a batch is judged once the command line was laid over it. `name` is
 * the file, for sentences. *ret_order is the caller's. OTA_EINVALID. */
int ota_order_parse(const char *name, struct ota_span text, cJSON **ret_order, struct ota_error *error);
/* The same from a file; "-" is standard input. */
int ota_order_read(const char *path, cJSON **ret_order, struct ota_error *error);

/* Adds to the command what it does not say itself: its own targets stand for all of the order's, its own package too; of strategy
 * and tags each member stands for itself. */
int ota_order_fill(cJSON *command, const cJSON *order, struct ota_error *error);

#endif
