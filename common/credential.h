/*
 * Operators' tokens: "ota_" and 43 base64url characters (256 random bits), shown once, stored as SHA-256.
 */
#ifndef OTA_COMMON_CREDENTIAL_H
#define OTA_COMMON_CREDENTIAL_H

#include <stdbool.h>

#include "common/bytes.h"
#include "common/limits.h"

enum { OTA_TOKEN_SIZE = 48 };

int ota_token_new(char ret_token[OTA_TOKEN_SIZE]); /* 0 or OTA_EIO */
bool ota_token_is_wellformed(struct ota_span token);
void ota_token_hash(struct ota_span token, char ret_hash[OTA_SHA256_HEX + 1]); /* lower-case hex */

#endif
