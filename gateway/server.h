/*
 * Server: the HTTP side of the gateway. libmicrohttpd with a few threads; memory per connection is bounded, bodies stream.
 *
 * Thread rule: start, sweep and stop from one thread; requests run in libmicrohttpd's.
 */
#ifndef OTA_GATEWAY_SERVER_H
#define OTA_GATEWAY_SERVER_H

#include "gateway/request.h"

struct ota_server;

/* Serves on listen_fd, which it then owns. tls_cert and tls_key of the settings decide about HTTPS. */
int ota_server_start(const struct ota_gateway *gateway, int listen_fd, struct ota_server **ret_server, struct ota_error *error);

/* To be called about once a second: shuts down connections that are too slow. */
void ota_server_sweep(struct ota_server *server, int64_t now_ms);

/* Nothing may wait in the exchange any more, and nothing new may be let in. Returns NULL. */
struct ota_server *ota_server_stop(struct ota_server *server);

#endif
