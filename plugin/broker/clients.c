#include "plugin/broker/clients.h"

#include <string.h>

#include <openssl/x509.h>
#include <string.h>

#include "common/text.h"
#include "plugin/access/proof.h"
#include "plugin/broker/notice.h"

/* The loop is not to stall on a storm of either. */
enum { CONFIRMS_PER_TICK = 1000, KICKS_PER_TICK = 50 };
/* Far longer than a turn of the loop; some builds of 2.1 call TICK every few seconds only. */
enum { ADDRESSED_MS = 200 };

static void presence_queue(struct ota_server *server, enum ota_item_kind kind, const struct ota_identity *identity,
			   uint64_t connection)
{
	struct ota_item item = {
		.kind = kind, .identity = *identity, .connection = connection, .at = ota_heard_now(&server->heard)};
	if (connection == 0 || ota_queue_put(server->queue, &item) == 0)
		return;
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_ERROR, "presence_lost"); /* only without memory; the next connect mends it */
	ota_log_text(&line, "deviceName", identity->device_name);
	ota_log_end(&server->log, &line);
}

static void change_queue(struct ota_server *server, const struct ota_peer_change *change)
{
	struct ota_fetched fetched;
	if (change->gone != 0) {
		ota_carrier_forget(server->carrier, change->gone, &fetched);
		ota_server_tell_fetched(server, &change->identity, &fetched);
	}
	presence_queue(server, OTA_ITEM_GONE, &change->identity, change->gone);
	presence_queue(server, OTA_ITEM_CONNECTED, &change->identity, change->connected);
}

void ota_client_confirm(struct ota_server *server, const struct mosquitto *client)
{
	struct ota_peer_change change;
	ota_peers_confirm(server->peers, client, &change);
	change_queue(server, &change);
}

void ota_client_addressed(struct ota_server *server, const struct ota_peer_view *peer)
{
	ota_sessions_keep(server->addressed, peer->client_id, &peer->identity);
	server->addressed_ms = ota_boot_ms();
}

/* NULL when nothing is on its way to that client id. */
static const struct ota_identity *addressed_find(const struct ota_server *server, const char *client_id)
{
	if (ota_boot_ms() - server->addressed_ms > ADDRESSED_MS)
		return NULL;
	return ota_sessions_owner(server->addressed, client_id);
}

void ota_clients_forget_addressed(struct ota_server *server)
{
	ota_sessions_clear(server->addressed);
}

void ota_client_gone(struct ota_server *server, const struct mosquitto *client)
{
	struct ota_peer_change change;
	struct ota_peer_view peer;
	if (ota_peers_find(server->peers, client, &peer) && peer.is_device && peer.holds_id &&
	    peer.state != OTA_PEER_CUT)
		ota_client_addressed(server, &peer);
	ota_peers_remove(server->peers, client, &change);
	change_queue(server, &change);
}

/* Whose a client id is: a live connection's, one's that went a moment ago, or a stored session's. */
static bool id_find_owner(const struct ota_server *server, const struct mosquitto *client, struct ota_identity *ret_owner)
{
	struct ota_peer_view holder;
	const char *client_id = mosquitto_client_id(client);
	if (!client_id)
		return false;
	if (ota_peers_find_holder(server->peers, client_id, &holder)) {
		*ret_owner = holder.identity;
		return true;
	}
	const struct ota_identity *owner = addressed_find(server, client_id);
	if (!owner && server->compat.client_find) {
		const struct mosquitto *stored = server->compat.client_find(client_id);
		return stored && stored != client &&
		       ota_identity_parse(ota_span_from_text(mosquitto_client_username(stored)), ret_owner);
	}
	if (!owner)
		owner = ota_sessions_owner(server->sessions, client_id);
	if (owner)
		*ret_owner = *owner;
	return owner != NULL;
}

static enum ota_admission login_decide(const struct ota_server *server, const struct ota_login *login,
				       struct ota_identity *ret_identity, const char **ret_why)
{
	struct ota_identity owner;
	bool owned = id_find_owner(server, login->client, &owner);
	struct ota_applicant applicant = {
		.username = login->username,
		.client_id = mosquitto_client_id(login->client),
		.holder = owned ? &owner : NULL,
		.overloaded = ota_queue_is_crowded(server->queue),
	};
	return ota_admission_decide(&applicant, ret_identity, ret_why);
}

/* With MQTT 5 a clean start may leave a session behind all the same; nothing tells that. */
static void session_note(struct ota_server *server, const struct mosquitto *client, const struct ota_identity *identity)
{
	if (server->compat.client_find)
		return;
	if (mosquitto_client_clean_session(client))
		ota_sessions_forget(server->sessions, mosquitto_client_id(client));
	else
		ota_sessions_keep(server->sessions, mosquitto_client_id(client), identity);
}

static enum ota_admission device_admit(struct ota_server *server, const struct mosquitto *client,
				       const struct ota_identity *identity, const char **ret_why)
{
	struct ota_identity owner;
	struct ota_peer_change change;
	struct ota_peer_view peer;
	bool owned = id_find_owner(server, client, &owner);
	if (ota_denylist_has(server->denylist, mosquitto_client_username(client))) {
		*ret_why = "device_disabled";
		return OTA_ADMISSION_REFUSED;
	}
	int code = ota_peers_admit(server->peers, client, identity, mosquitto_client_id(client), ota_boot_ms(), &change);
	change_queue(server, &change);
	if (code != 0) {
		*ret_why = "out_of_memory";
		return OTA_ADMISSION_REFUSED;
	}
	if (!owned && ota_peers_find(server->peers, client, &peer))
		server->newest_login = peer.number;
	session_note(server, client, identity);
	return OTA_ADMISSION_DEVICE;
}

/* "" or why not. */
static const char *device_prove(struct ota_server *server, const struct ota_login *login, const struct ota_identity *identity)
{
	struct ota_triple_policy policy = {.md5 = server->options.triple_md5, .region = server->options.triple_region};
	struct ota_triple_login triple = {
		.identity = identity, .client_id = mosquitto_client_id(login->client), .password = login->password};
	struct ota_error error = {0};
	if (!server->keyring)
		return "";
	const char *why = ota_proof_check(server->keyring, &triple, &policy, ota_boot_ms(), &error);
	if (strcmp(why, "secret_unreadable") == 0)
		ota_notice_keyring(server, identity, &error);
	return why;
}

/* Asked of who only says a name: it is what the device itself did before. */
static const char *quota_refusal(const struct ota_server *server, const struct ota_identity *identity)
{
	int64_t now_ms = ota_boot_ms();
	const struct ota_quota *quota = ota_quotas_look(server->quotas, identity);
	if (quota && ota_quota_is_shut(quota, now_ms))
		return "floods";
	return quota && !ota_quota_has(quota, OTA_QUOTA_CONNECT, now_ms) ? "connects_too_often" : "";
}

static void quota_draw(const struct ota_server *server, const struct ota_identity *identity)
{
	int64_t now_ms = ota_boot_ms();
	struct ota_quota *quota = ota_quotas_find(server->quotas, identity, now_ms);
	if (quota)
		ota_quota_take(quota, OTA_QUOTA_CONNECT, now_ms);
}

static bool id_is_addressed(const struct ota_server *server, const struct mosquitto *client)
{
	const char *client_id = mosquitto_client_id(client);
	return client_id && addressed_find(server, client_id);
}

enum ota_admission ota_client_login(struct ota_server *server, const struct ota_login *login, const char **ret_why)
{
	struct ota_identity identity;
	enum ota_admission admission = login_decide(server, login, &identity, ret_why);
	if (admission == OTA_ADMISSION_OTHER && id_is_addressed(server, login->client)) {
		*ret_why = "answer_on_its_way";
		return OTA_ADMISSION_REFUSED;
	}
	if (admission != OTA_ADMISSION_DEVICE)
		return admission;
	*ret_why = quota_refusal(server, &identity);
	if ((*ret_why)[0] == '\0')
		*ret_why = device_prove(server, login, &identity);
	if ((*ret_why)[0] != '\0')
		return OTA_ADMISSION_REFUSED; /* before it is told that it is shut out, whoever it is */
	quota_draw(server, &identity);
	return device_admit(server, login->client, &identity, ret_why);
}

/* A login that went past BASIC_AUTH: the broker itself vouches for the name (a certificate, a pre-shared key, another plugin that
 * stands before us), so no password is asked for. */
static enum ota_admission stranger_admit(struct ota_server *server, const struct mosquitto *client, const char **ret_why)
{
	struct ota_login login = {.client = client, .username = mosquitto_client_username(client)};
	struct ota_identity identity;
	enum ota_admission admission = login_decide(server, &login, &identity, ret_why);
	return admission == OTA_ADMISSION_DEVICE ? device_admit(server, client, &identity, ret_why) : admission;
}

bool ota_client_find_device(struct ota_server *server, const struct mosquitto *client, struct ota_peer_view *ret_peer,
			    const char **ret_why)
{
	*ret_why = "not_admitted";
	if (!ota_peers_find(server->peers, client, ret_peer) && stranger_admit(server, client, ret_why) != OTA_ADMISSION_DEVICE)
		return false;
	ota_client_confirm(server, client);
	return ota_peers_find(server->peers, client, ret_peer);
}

bool ota_client_find_operator(struct ota_server *server, const struct mosquitto *client, struct ota_peer_view *ret_peer)
{
	struct ota_identity identity;
	struct ota_peer_change change;
	const char *client_id = mosquitto_client_id(client);
	if (!client_id || ota_identity_parse(ota_span_from_text(mosquitto_client_username(client)), &identity))
		return false;
	if (ota_peers_find(server->peers, client, ret_peer))
		return true;
	return ota_peers_admit(server->peers, client, NULL, client_id, ota_boot_ms(), &change) == 0 &&
	       ota_peers_find(server->peers, client, ret_peer);
}

/* A will passes no MESSAGE callback, so this is the place to stop it: it is checked when its client is gone already, or when a
 * newer login has taken its client id over. A login by certificate goes past BASIC_AUTH: we know such a client from its first
 * message only, but its certificate is gone with its connection. */
bool ota_client_is_there(const struct ota_server *server, const struct mosquitto *client)
{
	struct ota_peer_view peer;
	if (ota_peers_find(server->peers, client, &peer))
		return peer.holds_id;
	X509 *certificate = mosquitto_client_certificate(client);
	X509_free(certificate);
	return certificate != NULL;
}

/* 2.0.x shows a device that connects and stays silent by nothing but its staying. */
void ota_clients_confirm_stayed(struct ota_server *server)
{
	struct ota_peer_change change;
	for (int turn = 0; turn < CONFIRMS_PER_TICK && ota_peers_confirm_next(server->peers, ota_boot_ms(), &change); turn++)
		change_queue(server, &change);
}

bool ota_client_shut_out(struct ota_server *server, const char *username)
{
	struct ota_identity identity;
	struct ota_peer_change change;
	if (!ota_identity_parse(ota_span_from_text(username), &identity) || ota_denylist_add(server->denylist, username) != 0)
		return false;
	ota_peers_cut_device(server->peers, &identity, &change);
	change_queue(server, &change);
	return true;
}

void ota_client_let_in(struct ota_server *server, const char *username)
{
	ota_denylist_remove(server->denylist, username);
}

const char *ota_client_cut_word(const struct ota_server *server, const struct mosquitto *client)
{
	if (ota_denylist_count(server->denylist) > 0 && ota_denylist_has(server->denylist, mosquitto_client_username(client)))
		return "device_disabled";
	return ota_peers_is_cut(server->peers, client) ? "connection_cut" : "";
}

/* A failed login ends with the id of whom it wanted to be, too; but then no device was let in just before. */
void ota_client_watch_theft(struct ota_server *server, const struct mosquitto *gone)
{
	struct ota_identity owner;
	struct ota_peer_view newest;
	struct ota_peer_change change;
	const char *client_id = mosquitto_client_id(gone);
	if (server->newest_login == 0 || !client_id ||
	    !ota_peers_find_number(server->peers, server->newest_login, &newest) || strcmp(newest.client_id, client_id) != 0 ||
	    !ota_identity_parse(ota_span_from_text(mosquitto_client_username(gone)), &owner) ||
	    ota_identity_equals(&owner, &newest.identity))
		return;
	ota_notice_theft(server, &newest, &owner);
	ota_sessions_keep(server->sessions, client_id, &owner);
	ota_peers_cut(server->peers, newest.client, &change);
	change_queue(server, &change);
}

void ota_clients_kick(struct ota_server *server)
{
	char client_id[OTA_CLIENT_ID_MAX + 1];
	struct ota_log_line line;
	struct ota_peer_view peer;
	for (int kicks = 0; kicks < KICKS_PER_TICK && ota_peers_next_kick(server->peers, &peer); kicks++) {
		bool replaced = peer.state == OTA_PEER_REPLACED;
		if (!ota_text_copy(client_id, sizeof(client_id), ota_span_from_text(peer.client_id)))
			continue; /* it does not outlive the kick otherwise */
		int code = mosquitto_kick_client_by_clientid(client_id, false);
		ota_log_begin(&line, OTA_LOG_INFO, replaced ? "connection_replaced" : "connection_cut");
		ota_log_text(&line, "client_id", client_id);
		ota_log_integer(&line, "kick", code);
		ota_log_end(&server->log, &line);
	}
}
