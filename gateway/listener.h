/*
 * Listener: the socket the gateway accepts on.
 */
#ifndef OTA_GATEWAY_LISTENER_H
#define OTA_GATEWAY_LISTENER_H

#include "common/error.h"

enum { OTA_LISTENER_URL_SIZE = 320 };

struct ota_listener_place {
	char host[256]; /* "" = all addresses */
	char port[6];   /* decimal */
};

/* "host:port", "[v6]:port", ":port". Pure. */
int ota_listener_parse(const char *listen, struct ota_listener_place *ret_place, struct ota_error *error);

/* Binds and listens; *ret_fd is non-blocking. */
int ota_listener_open(const char *listen, int *ret_fd, struct ota_error *error);

/* What was bound: "http://127.0.0.1:8080", and the port alone. */
void ota_listener_url(int fd, const char *scheme, char target[OTA_LISTENER_URL_SIZE]);
int ota_listener_port(int fd);

#endif
