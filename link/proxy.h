/*
 * Proxy: the HTTP proxy a connection goes through (CONNECT), and which hosts it does not. Only what the caller names: nothing
 * comes from the environment.
 */
#ifndef OTA_LINK_PROXY_H
#define OTA_LINK_PROXY_H

#include <stdbool.h>

#include "common/error.h"

/*
 * Checks "http://[user:password@]host:port"; ":", "@", "/" and "%" of user and password are written %3A, %40, %2F, %25.
 * OTA_EINVALID says what is allowed and never repeats the password.
 */
int ota_proxy_check(const char *proxy, struct ota_error *error);

/* True when no_proxy (words, by space or comma; may be NULL) has the host: by name, as a domain it lies in, or as "*". An IPv6
 * host comes without its brackets. */
bool ota_proxy_spares(const char *no_proxy, const char *host);

#endif
