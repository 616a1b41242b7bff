/*
 * Server: where the broker is, read from its url.
 */
#ifndef OTA_LINK_SERVER_H
#define OTA_LINK_SERVER_H

#include <stdbool.h>

#include "common/error.h"

enum { LINK_SERVER_SIZE = 300 };

struct link_server {
	char url[LINK_SERVER_SIZE];  /* as Paho wants it: "tcp://host:port", "ssl://host:port" */
	char host[LINK_SERVER_SIZE]; /* without the brackets of an IPv6 address */
	bool tls;
};

/* "mqtt://host[:1883]" or "mqtts://host[:8883]"; OTA_EINVALID. */
int link_server_parse(const char *url, struct link_server *ret_server, struct ota_error *error);
/* "host:port", in server->url. */
const char *link_server_address(const struct link_server *server);

#endif
