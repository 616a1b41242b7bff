/*
 * Clients: what the broker's events about its clients mean for who is connected (peers.h), and the worker being told of it. The
 * broker's thread only.
 */
#ifndef OTA_PLUGIN_BROKER_CLIENTS_H
#define OTA_PLUGIN_BROKER_CLIENTS_H

#include "plugin/broker/server.h"

struct ota_login {
	const struct mosquitto *client;
	const char *username, *password; /* NULL: none was sent */
};
/* Decides a login and, for a device, remembers it. ret_why: a word when it is refused. */
enum ota_admission ota_client_login(struct ota_server *server, const struct ota_login *login, const char **ret_why);
/* The broker showed that this client is in. Does nothing for clients that were not admitted. */
void ota_client_confirm(struct ota_server *server, const struct mosquitto *client);
void ota_client_gone(struct ota_server *server, const struct mosquitto *client);

/* The device that sends a message. A login that went past BASIC_AUTH (a certificate, another plugin) is first seen and judged
 * here. False when it is none, with a word. */
bool ota_client_find_device(struct ota_server *server, const struct mosquitto *client, struct ota_peer_view *ret_peer,
			    const char **ret_why);
/* Whoever sends a command, remembered from the first one on, so that an answer finds the connection that asked and no other one.
 * False for devices. */
bool ota_client_find_operator(struct ota_server *server, const struct mosquitto *client, struct ota_peer_view *ret_peer);
/* An operator shut a device out (connections of its own are cut), or lets it in again. `username` is "dn&pk". False without
 * memory. */
bool ota_client_shut_out(struct ota_server *server, const char *username);
void ota_client_let_in(struct ota_server *server, const char *username);
/* A word when nothing at all is granted to this client any more, else "". */
const char *ota_client_cut_word(const struct ota_server *server, const struct mosquitto *client);
/* The broker tells of a connection's end. If that is how it hands one device's stored session to another device, which only shows
 * here (before 2.1, for sessions it restored from its own file), the new connection is cut before it is sent anything. */
void ota_client_watch_theft(struct ota_server *server, const struct mosquitto *gone);
/* The broker sends what we publish to a client id at its next turn, to whoever has that id then. Until it did, nobody else gets
 * the id: not that of a device that went meanwhile, for another device; not that of an operator who was answered, for anybody. */
void ota_client_addressed(struct ota_server *server, const struct ota_peer_view *peer);
/* In TICK, before anything is published: what was published before is sent, or is sent before another packet is read. */
void ota_clients_forget_addressed(struct ota_server *server);
/* False when what is checked as a publish is the will of a client that is gone, or whose client id a newer login has taken
 * over. */
bool ota_client_is_there(const struct ota_server *server, const struct mosquitto *client);

/* In TICK: devices that connected and stayed are in. */
void ota_clients_confirm_stayed(struct ota_server *server);
/* In TICK and nowhere else: ends connections that were replaced by a newer one of their device, or cut.
 * That calls DISCONNECT at once, so no
 * client's packet may be in work. */
void ota_clients_kick(struct ota_server *server);

#endif
