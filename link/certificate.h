/*
 * Certificate: what is wrong with a broker's certificate, in words. Paho only knows that a verification failed, or not even that;
 * so after a failure we shake hands once more ourselves and look.
 */
#ifndef OTA_LINK_CERTIFICATE_H
#define OTA_LINK_CERTIFICATE_H

#include <stddef.h>

#include "link/server.h"

/*
 * True when the certificate is at fault; then the sentence is in target. ca_file NULL = the system's. Blocks
 * for a few seconds at most. False as well when the server cannot be reached or takes the connection.
 */
bool link_certificate_fault(const struct link_server *server, const char *ca_file, char *target, size_t size);

#endif
