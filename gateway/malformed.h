/*
 * Malformed: what is no HTTP request at all. libmicrohttpd answers such by itself, with a page of HTML, before anybody is asked;
 * callers of an API should meet one shape of error whatever they sent.
 *
 * The library (0.9.75) has no hook for these answers, but queues them through its own exported MHD_queue_response(), which the
 * loader binds to the first definition: the program's. So malformed.c defines it, passes on what request.c queues, and says in
 * our words what the library says in its own. Where a build of the library binds to itself (-Bsymbolic) the page of HTML stays; a
 * system test tells.
 */
#ifndef OTA_GATEWAY_MALFORMED_H
#define OTA_GATEWAY_MALFORMED_H

#include <stdbool.h>

#include "common/bytes.h"

/* What a status of the library's own means to a caller. Statuses of 500 and above are the caller's fault as well (a protocol
 * of the future, an unknown coding): they become 400. Appends the body and returns the status to send. Pure. */
unsigned ota_malformed_body(unsigned status, struct ota_bytes *out);

/* Marks a response as written by us. */
#define OTA_OWN_HEADER "X-Content-Type-Options"

#endif
