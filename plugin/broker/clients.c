#include "plugin/broker/clients.h"

#include <openssl/x509.h>

#include "common/text.h"

/* The loop is not to stall on a storm of either. */
enum { CONFIRMS_PER_TICK = 1000, KICKS_PER_TICK = 50 };

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
	presence_queue(server, OTA_ITEM_GONE, &change->identity, change->gone);
	presence_queue(server, OTA_ITEM_CONNECTED, &change->identity, change->connected);
}

void ota_client_confirm(struct ota_server *server, const struct mosquitto *client)
{
	struct ota_peer_change change;
	ota_peers_confirm(server->peers, client, &change);
	change_queue(server, &change);
}

void ota_client_gone(struct ota_server *server, const struct mosquitto *client)
{
	struct ota_peer_change change;
	ota_peers_remove(server->peers, client, &change);
	change_queue(server, &change);
}

enum ota_admission ota_client_admit(struct ota_server *server, const struct mosquitto *client, const char *username,
				    const char **ret_why)
{
	struct ota_peer_view holder;
	struct ota_peer_change change;
	struct ota_identity identity;
	const char *client_id = mosquitto_client_id(client);
	bool held = client_id && ota_peers_find_holder(server->peers, client_id, &holder);
	struct ota_applicant applicant = {
		.username = username,
		.client_id = client_id,
		.holder = held ? &holder.identity : NULL,
		.overloaded = ota_queue_is_crowded(server->queue),
	};
	enum ota_admission admission = ota_admission_decide(&applicant, &identity, ret_why);
	if (admission != OTA_ADMISSION_DEVICE)
		return admission;
	if (ota_peers_admit(server->peers, client, &identity, client_id, ota_boot_ms(), &change) != 0) {
		*ret_why = "out_of_memory";
		admission = OTA_ADMISSION_REFUSED;
	}
	change_queue(server, &change);
	return admission;
}

bool ota_client_find_device(struct ota_server *server, const struct mosquitto *client, struct ota_peer_view *ret_peer,
			    const char **ret_why)
{
	*ret_why = "not_admitted";
	if (!ota_peers_find(server->peers, client, ret_peer) &&
	    ota_client_admit(server, client, mosquitto_client_username(client), ret_why) != OTA_ADMISSION_DEVICE)
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

void ota_clients_kick_replaced(struct ota_server *server)
{
	char client_id[OTA_CLIENT_ID_MAX + 1];
	struct ota_log_line line;
	const char *next;
	for (int kicks = 0; kicks < KICKS_PER_TICK && (next = ota_peers_next_kick(server->peers)); kicks++) {
		if (!ota_text_copy(client_id, sizeof(client_id), ota_span_from_text(next)))
			continue;
		int code = mosquitto_kick_client_by_clientid(client_id, false);
		ota_log_begin(&line, OTA_LOG_INFO, "connection_replaced");
		ota_log_text(&line, "client_id", client_id);
		ota_log_integer(&line, "kick", code);
		ota_log_end(&server->log, &line);
	}
}
