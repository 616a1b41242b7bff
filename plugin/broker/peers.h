/*
 * Peers: who is connected, as far as the broker tells. In memory, lost at restart. Pure but for memory; belongs to the broker's
 * thread.
 *
 * The broker's events lie (mosquitto-plugin.md 1.6): DISCONNECT carries the id of the victim after a failed login, comes twice
 * after a takeover, and on 2.1 not at all for persistent sessions. So a peer is known by the address of the broker's client
 * object, which is compared and never followed, and by a number that is never used again. Names are copied.
 *
 * A device is `admitted` by our answer to its login and `online` once the broker shows that it came in: by its first message, by
 * CONNECT on 2.1, or by still being there OTA_ADMITTED_MS later (2.0.x tells nothing of a device that connects and stays silent,
 * as C 4.x does after a reconnect). The newest online connection of an identity is its current one; an older one is `replaced`
 * and, if its client id differs, to be kicked. So is one that is `cut`: its device was shut out, or it took another's session.
 */
#ifndef OTA_PLUGIN_BROKER_PEERS_H
#define OTA_PLUGIN_BROKER_PEERS_H

#include <stddef.h>

#include "common/topic.h"

enum { OTA_ADMITTED_MS = 50 };

enum ota_peer_state {
	OTA_PEER_ADMITTED,
	OTA_PEER_ONLINE,
	OTA_PEER_REPLACED,
	OTA_PEER_CUT, /* we end it; nothing goes to it or comes from it any more */
};

struct ota_peer;
struct ota_peers;

/* Read-only view of a peer; valid until the next call that changes the peers. */
struct ota_peer_view {
	const void *client;
	uint64_t number; /* never 0 */
	enum ota_peer_state state;
	struct ota_identity identity; /* of a device */
	const char *client_id;
	bool is_device;
	bool holds_id; /* no newer login took the client id over */
};

/* What a change means for the fleet. `gone` comes before `connected`. Numbers are 0 when nothing happened. */
struct ota_peer_change {
	struct ota_identity identity;
	uint64_t gone;
	uint64_t connected;
};

struct ota_peers *ota_peers_new(void); /* NULL without memory */
struct ota_peers *ota_peers_free(struct ota_peers *peers); /* returns NULL */

/* A device whose login we accept, or (identity NULL) anybody who sent a command. Forgets what was known under that address.
 * `ret_change` tells if that was an online device. 0 or OTA_ENOMEM. */
int ota_peers_admit(struct ota_peers *peers, const void *client, const struct ota_identity *identity, const char *client_id,
		    int64_t boot_ms, struct ota_peer_change *ret_change);
/* The broker showed that this client is in. Does nothing for strangers, operators and those already online. */
void ota_peers_confirm(struct ota_peers *peers, const void *client, struct ota_peer_change *ret_change);
/* Confirms the next device that was admitted at least OTA_ADMITTED_MS before; false when there is none. */
bool ota_peers_confirm_next(struct ota_peers *peers, int64_t boot_ms, struct ota_peer_change *ret_change);
/* The broker let the client go. */
void ota_peers_remove(struct ota_peers *peers, const void *client, struct ota_peer_change *ret_change);

/* Ends what we can end by ourselves and leaves the rest to the kick: one connection, or all of a device. `ret_change` tells if an
 * online device went with it. */
void ota_peers_cut(struct ota_peers *peers, const void *client, struct ota_peer_change *ret_change);
void ota_peers_cut_device(struct ota_peers *peers, const struct ota_identity *identity, struct ota_peer_change *ret_change);
/* O(1), and nothing at all while no cut connection is left. */
bool ota_peers_is_cut(const struct ota_peers *peers, const void *client);

bool ota_peers_find(const struct ota_peers *peers, const void *client, struct ota_peer_view *ret_view);
bool ota_peers_find_number(const struct ota_peers *peers, uint64_t number, struct ota_peer_view *ret_view);
/* The device that holds a client id in a live connection. */
bool ota_peers_find_holder(const struct ota_peers *peers, const char *client_id, struct ota_peer_view *ret_view);

/* The next connection that was replaced or cut and must be kicked, each told once; false when there is none. Never one whose
 * client id a newer connection uses by now: the broker knows clients by id only. */
bool ota_peers_next_kick(struct ota_peers *peers, struct ota_peer_view *ret_view);

size_t ota_peers_online(const struct ota_peers *peers);
size_t ota_peers_count(const struct ota_peers *peers);

#endif
