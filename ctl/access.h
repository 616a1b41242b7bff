/*
 * Access: which gateway, and with which token. Later wins: /etc/otactl.conf, ~/.config/otactl.conf (or --config), OTA_URL,
 * OTA_TOKEN_FILE, OTA_TOKEN, --gateway, --token-file. There is no --token: arguments are seen by every user of a machine.
 */
#ifndef OTA_CTL_ACCESS_H
#define OTA_CTL_ACCESS_H

#include <limits.h>

#include "common/config.h"
#include "common/error.h"

struct ota_access {
	char url[1024]; /* "http://host:8080", without a slash at its end */
	char token[128];
	char token_file[PATH_MAX];
	char ca_file[PATH_MAX];
};

/* What the command line said; NULL = nothing. */
struct ota_access_options {
	const char *config;
	const char *url;
	const char *token_file;
};

/* OTA_EINVALID or OTA_EDENIED (a file with a token that others may read) with a sentence that says what to do. */
int ota_access_read(const struct ota_access_options *options, struct ota_access *ret_access, struct ota_error *error);

/* The keys of otactl.conf, for whoever prints them. */
const struct ota_config_row *ota_access_rows(size_t *ret_count);

#endif
