#include "plugin/broker/clients.h"

#include <limits.h>
#include <string.h>

#include <mqtt_protocol.h>

/* A message that is still in the broker's queue when it expires is stale: the engine decides again when the device returns. */
static mosquitto_property *expiry_make(const struct ota_compat *compat, uint32_t expiry_s)
{
	mosquitto_property *list = NULL;
	if (expiry_s > 0 && compat->property_add_int32 &&
	    compat->property_add_int32(&list, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, expiry_s) != MOSQ_ERR_SUCCESS)
		return NULL;
	return list;
}

/* client_id NULL: to whoever subscribed. The broker owns payload and properties once it took them; mosquitto_malloc, because 2.0
 * counts what it frees (mosquitto-plugin.md 2). */
static bool message_publish(const struct ota_server *server, const struct ota_outgoing *message, const char *client_id)
{
	if (message->payload_size > INT_MAX)
		return false;
	void *payload = mosquitto_malloc(message->payload_size + 1);
	if (!payload)
		return false;
	memcpy(payload, message->payload, message->payload_size);
	mosquitto_property *properties = expiry_make(&server->compat, message->expiry_s);
	if (mosquitto_broker_publish(client_id, message->topic, (int)message->payload_size, payload, client_id ? 1 : 0, false,
				     properties) == MOSQ_ERR_SUCCESS)
		return true;
	if (properties)
		server->compat.property_free_all(&properties);
	mosquitto_free(payload);
	return false;
}

static bool peer_is_served(const struct ota_peer_view *peer)
{
	return peer->state != OTA_PEER_REPLACED && peer->state != OTA_PEER_CUT;
}

/* Directly to a connection, if it is still there; or an order to ourselves. */
static bool message_send(struct ota_server *server, const struct ota_outgoing *message)
{
	struct ota_peer_view peer;
	if (message->kind == OTA_OUTGOING_SHUT_OUT)
		return ota_client_shut_out(server, message->payload);
	if (message->kind == OTA_OUTGOING_LET_IN) {
		ota_client_let_in(server, message->payload);
		return true;
	}
	if (message->connection == OTA_EVERYBODY)
		return message_publish(server, message, NULL);
	if (!ota_peers_find_number(server->peers, message->connection, &peer) || !peer_is_served(&peer))
		return false;
	return message_publish(server, message, peer.client_id);
}

static void messages_send(struct ota_server *server)
{
	for (int turn = 0; turn < OTA_SEND_TURN && server->sent < server->sending.count; turn++)
		if (!message_send(server, &server->sending.items[server->sent++]))
			server->dropped_messages++;
	if (server->sent == server->sending.count) {
		ota_outbox_clear(&server->sending);
		server->sent = 0;
	}
}

/* Without memory they are sent among the rest. What finds no room is gone: the log has it. */
static void bulletins_take(struct ota_server *server)
{
	struct ota_outbox *bulletins = &server->bulletins;
	if (ota_outbox_divide(&server->sending, bulletins) != 0 || bulletins->count <= OTA_BULLETINS_MAX)
		return;
	server->dropped_messages += bulletins->count - OTA_BULLETINS_MAX;
	ota_outbox_truncate(bulletins, OTA_BULLETINS_MAX);
}

static void bulletins_send(struct ota_server *server)
{
	struct ota_outbox *bulletins = &server->bulletins;
	size_t count = bulletins->count < OTA_BULLETINS_TURN ? bulletins->count : OTA_BULLETINS_TURN;
	for (size_t i = 0; i < count; i++)
		if (!message_send(server, &bulletins->items[i]))
			server->dropped_messages++;
	if (count > 0)
		ota_outbox_shift(bulletins, count);
}

void ota_server_drain(struct ota_server *server)
{
	if (server->sending.count == 0 && server->bulletins.count == 0 && server->logging.count == 0 &&
	    ota_mailbox_is_empty(server->mailbox))
		return;
	/* Without memory it stays in the mailbox for the next turn; so it does while the last load is not sent. */
	if (server->sending.count == 0) {
		ota_mailbox_take(server->mailbox, &server->sending, &server->logging);
		bulletins_take(server);
	}
	messages_send(server);
	if (server->sending.count == 0)
		bulletins_send(server);
	ota_lines_flush(&server->logging, &server->log, OTA_LOG_TURN);
}
