/*
 * Check: settings that are spelled right, and yet could not be served. Looks, and changes nothing: what --check-config says, and
 * what a start says before it opens anything.
 */
#ifndef OTA_GATEWAY_CHECK_H
#define OTA_GATEWAY_CHECK_H

#include "gateway/settings.h"

enum { OTA_GATEWAY_PASSWORD_MAX = 1024 };

/* The first thing wrong, its key in front. */
int ota_gateway_check(const struct ota_settings *settings, struct ota_error *error);

/* The password in broker_password_file, "" where none is named. */
int ota_gateway_password(const struct ota_settings *settings, char ret_text[OTA_GATEWAY_PASSWORD_MAX + 1],
			 struct ota_error *error);

#endif
