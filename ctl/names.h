/*
 * Names: lists of device names from the command line and from files.
 */
#ifndef OTA_CTL_NAMES_H
#define OTA_CTL_NAMES_H

#include <cjson/cJSON.h>

#include "common/error.h"

/* Appends to an array the names of a file, one a line; white space around them, empty lines and lines that begin with # are
 * skipped. path "-" is standard input. OTA_EINVALID names file and line of what is no device name. */
int ota_names_read(const char *path, cJSON *array, struct ota_error *error);

int ota_names_add(const char *name, cJSON *array, struct ota_error *error);

#endif
