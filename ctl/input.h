/*
 * Input: a file of the command line that is read more than once.
 */
#ifndef OTA_CTL_INPUT_H
#define OTA_CTL_INPUT_H

#include <stdio.h>

#include "common/error.h"

/* Opens a file; "-" is standard input, which is kept in memory, not in a file: it may hold secrets. NULL with the error filled.
 */
FILE *ota_input_open(const char *path, struct ota_error *error);
/* What a sentence calls it. */
const char *ota_input_name(const char *path);

#endif
