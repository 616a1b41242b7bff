#include "plugin/broker/peers.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "common/error.h"
#include "common/limits.h"

struct ota_peer {
	const void *client;
	uint64_t number;
	enum ota_peer_state state;
	bool is_device;
	bool to_kick;
	int64_t admitted_ms;
	struct ota_identity identity;
	char username[OTA_USERNAME_SIZE];
	UT_hash_handle by_client;
	UT_hash_handle by_number;
	UT_hash_handle by_username; /* the current connection of a device */
	UT_hash_handle by_id;       /* the newest device that was let in under a client id */
	struct ota_peer *prev, *next;           /* in `waiting` or `kicks` */
	char client_id[];
};

struct ota_peers {
	struct ota_peer *by_client, *by_number, *by_username, *by_id;
	struct ota_peer *waiting; /* admitted, oldest first */
	struct ota_peer *kicks;
	uint64_t last_number;
	size_t online;
	size_t cut;
};

struct ota_peers *ota_peers_new(void)
{
	return calloc(1, sizeof(struct ota_peers));
}

static struct ota_peer *peer_by_client(const struct ota_peers *peers, const void *client)
{
	struct ota_peer *peer = NULL;
	HASH_FIND(by_client, peers->by_client, &client, sizeof(client), peer);
	return peer;
}

static struct ota_peer *peer_by_id(const struct ota_peers *peers, const char *client_id)
{
	struct ota_peer *peer = NULL;
	HASH_FIND(by_id, peers->by_id, client_id, strlen(client_id), peer);
	return peer;
}

static struct ota_peer *peer_by_username(const struct ota_peers *peers, const char *username)
{
	struct ota_peer *peer = NULL;
	HASH_FIND(by_username, peers->by_username, username, strlen(username), peer);
	return peer;
}

static bool peer_is_current(const struct ota_peers *peers, const struct ota_peer *peer)
{
	return peer_by_username(peers, peer->username) == peer;
}

static void peer_leave_lists(struct ota_peers *peers, struct ota_peer *peer)
{
	if (peer->is_device && peer->state == OTA_PEER_ADMITTED)
		DL_DELETE(peers->waiting, peer);
	if (peer->to_kick) {
		DL_DELETE(peers->kicks, peer);
		peer->to_kick = false;
	}
}

/* Returns its number if it was the current connection of its device. */
static uint64_t peer_go_offline(struct ota_peers *peers, struct ota_peer *peer)
{
	if (!peer->is_device || !peer_is_current(peers, peer))
		return 0;
	HASH_DELETE(by_username, peers->by_username, peer);
	peers->online--;
	return peer->number;
}

/* Takes it out of everything; returns its number if it was the current connection of its device. */
static uint64_t peer_delete(struct ota_peers *peers, struct ota_peer *peer)
{
	peer_leave_lists(peers, peer);
	HASH_DELETE(by_client, peers->by_client, peer);
	HASH_DELETE(by_number, peers->by_number, peer);
	if (peer->is_device && peer_by_id(peers, peer->client_id) == peer)
		HASH_DELETE(by_id, peers->by_id, peer);
	uint64_t gone = peer_go_offline(peers, peer);
	peers->cut -= peer->state == OTA_PEER_CUT;
	free(peer);
	return gone;
}

struct ota_peers *ota_peers_free(struct ota_peers *peers)
{
	if (!peers)
		return NULL;
	struct ota_peer *peer, *next;
	HASH_ITER(by_client, peers->by_client, peer, next)
		peer_delete(peers, peer);
	free(peers);
	return NULL;
}

void ota_peers_remove(struct ota_peers *peers, const void *client, struct ota_peer_change *ret_change)
{
	*ret_change = (struct ota_peer_change){0};
	struct ota_peer *peer = peer_by_client(peers, client);
	if (!peer)
		return;
	ret_change->identity = peer->identity;
	ret_change->gone = peer_delete(peers, peer);
}

/* The broker gives a client id to its newest user, so the newest admitted one is its holder. */
static void peer_claim_id(struct ota_peers *peers, struct ota_peer *peer)
{
	struct ota_peer *before = peer_by_id(peers, peer->client_id);
	if (before)
		HASH_DELETE(by_id, peers->by_id, before);
	HASH_ADD_KEYPTR(by_id, peers->by_id, peer->client_id, strlen(peer->client_id), peer);
}

int ota_peers_admit(struct ota_peers *peers, const void *client, const struct ota_identity *identity, const char *client_id,
		    int64_t boot_ms, struct ota_peer_change *ret_change)
{
	size_t id_size = strlen(client_id) + 1;
	ota_peers_remove(peers, client, ret_change);
	struct ota_peer *peer = calloc(1, sizeof(*peer) + id_size);
	if (!peer)
		return OTA_ENOMEM;
	peer->client = client;
	peer->number = ++peers->last_number;
	peer->state = identity ? OTA_PEER_ADMITTED : OTA_PEER_ONLINE;
	peer->admitted_ms = boot_ms;
	memcpy(peer->client_id, client_id, id_size);
	HASH_ADD(by_client, peers->by_client, client, sizeof(peer->client), peer);
	HASH_ADD(by_number, peers->by_number, number, sizeof(peer->number), peer);
	if (identity) {
		peer->is_device = true;
		peer->identity = *identity;
		ota_identity_print(peer->username, identity);
		peer_claim_id(peers, peer);
		DL_APPEND(peers->waiting, peer);
	}
	return 0;
}

/* Whether it is really kicked is decided when it is: by then its client id may be another connection's. */
static void peer_replace(struct ota_peers *peers, struct ota_peer *older)
{
	older->state = OTA_PEER_REPLACED;
	older->to_kick = true;
	DL_APPEND(peers->kicks, older);
}

/* The higher number came later, whichever of two connections spoke first. */
static void peer_confirm(struct ota_peers *peers, struct ota_peer *peer, struct ota_peer_change *ret_change)
{
	struct ota_peer *current = peer_by_username(peers, peer->username);
	peer_leave_lists(peers, peer);
	if (current && current->number > peer->number) {
		peer_replace(peers, peer);
		return;
	}
	ret_change->identity = peer->identity;
	ret_change->connected = peer->number;
	if (current) {
		HASH_DELETE(by_username, peers->by_username, current);
		peers->online--;
		peer_replace(peers, current);
		ret_change->gone = current->number;
	}
	peer->state = OTA_PEER_ONLINE;
	HASH_ADD_KEYPTR(by_username, peers->by_username, peer->username, strlen(peer->username), peer);
	peers->online++;
}

void ota_peers_confirm(struct ota_peers *peers, const void *client, struct ota_peer_change *ret_change)
{
	*ret_change = (struct ota_peer_change){0};
	struct ota_peer *peer = peer_by_client(peers, client);
	if (peer && peer->state == OTA_PEER_ADMITTED)
		peer_confirm(peers, peer, ret_change);
}

bool ota_peers_confirm_next(struct ota_peers *peers, int64_t boot_ms, struct ota_peer_change *ret_change)
{
	struct ota_peer *oldest = peers->waiting;
	if (!oldest || boot_ms - oldest->admitted_ms < OTA_ADMITTED_MS)
		return false;
	*ret_change = (struct ota_peer_change){0};
	peer_confirm(peers, oldest, ret_change);
	return true;
}

static uint64_t peer_cut(struct ota_peers *peers, struct ota_peer *peer)
{
	if (peer->state == OTA_PEER_CUT)
		return 0;
	peer_leave_lists(peers, peer);
	uint64_t gone = peer_go_offline(peers, peer);
	peer->state = OTA_PEER_CUT;
	peer->to_kick = true;
	DL_APPEND(peers->kicks, peer);
	peers->cut++;
	return gone;
}

void ota_peers_cut(struct ota_peers *peers, const void *client, struct ota_peer_change *ret_change)
{
	*ret_change = (struct ota_peer_change){0};
	struct ota_peer *peer = peer_by_client(peers, client);
	if (!peer)
		return;
	ret_change->identity = peer->identity;
	ret_change->gone = peer_cut(peers, peer);
}

void ota_peers_cut_device(struct ota_peers *peers, const struct ota_identity *identity, struct ota_peer_change *ret_change)
{
	char username[OTA_USERNAME_SIZE];
	struct ota_peer *peer, *next;
	ota_identity_print(username, identity);
	*ret_change = (struct ota_peer_change){.identity = *identity};
	DL_FOREACH_SAFE(peers->waiting, peer, next) {
		if (strcmp(peer->username, username) == 0)
			peer_cut(peers, peer);
	}
	peer = peer_by_username(peers, username);
	if (peer)
		ret_change->gone = peer_cut(peers, peer);
}

bool ota_peers_is_cut(const struct ota_peers *peers, const void *client)
{
	const struct ota_peer *peer = peers->cut > 0 ? peer_by_client(peers, client) : NULL;
	return peer && peer->state == OTA_PEER_CUT;
}

static bool peer_show(const struct ota_peers *peers, const struct ota_peer *peer, struct ota_peer_view *ret_view)
{
	if (!peer)
		return false;
	*ret_view = (struct ota_peer_view){
		.client = peer->client,
		.number = peer->number,
		.state = peer->state,
		.identity = peer->identity,
		.client_id = peer->client_id,
		.is_device = peer->is_device,
		.holds_id = !peer->is_device || peer_by_id(peers, peer->client_id) == peer,
	};
	return true;
}

bool ota_peers_find(const struct ota_peers *peers, const void *client, struct ota_peer_view *ret_view)
{
	return peer_show(peers, peer_by_client(peers, client), ret_view);
}

bool ota_peers_find_number(const struct ota_peers *peers, uint64_t number, struct ota_peer_view *ret_view)
{
	struct ota_peer *peer = NULL;
	HASH_FIND(by_number, peers->by_number, &number, sizeof(number), peer);
	return peer_show(peers, peer, ret_view);
}

bool ota_peers_find_holder(const struct ota_peers *peers, const char *client_id, struct ota_peer_view *ret_view)
{
	return peer_show(peers, peer_by_id(peers, client_id), ret_view);
}

bool ota_peers_next_kick(struct ota_peers *peers, struct ota_peer_view *ret_view)
{
	while (peers->kicks) {
		struct ota_peer *peer = peers->kicks;
		DL_DELETE(peers->kicks, peer);
		peer->to_kick = false;
		if (peer_by_id(peers, peer->client_id) == peer)
			return peer_show(peers, peer, ret_view);
	}
	return false;
}

size_t ota_peers_online(const struct ota_peers *peers)
{
	return peers->online;
}

size_t ota_peers_count(const struct ota_peers *peers)
{
	return HASH_CNT(by_client, peers->by_client);
}
