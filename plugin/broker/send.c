#include "plugin/broker/clients.h"

#include <limits.h>
#include <stdlib.h>
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

/*
 * Blocks go to the broker at this pace, so that the loop keeps most of its time for others: a message costs it some 30 us
 * whatever its size, as much as BLOCK_COST KiB more of a block, and a burst keeps it no longer than about 2 ms.
 */
static const struct ota_pace_rate blocks_rate = {.count = 32 * 1024, .period_ms = OTA_SECOND_MS, .burst = 512};
enum { BLOCK_COST = 8 };

/* client_id NULL: to whoever subscribed. The broker owns payload and properties once it took them; mosquitto_malloc, because 2.0
 * counts what it frees (mosquitto-plugin.md 2). */
static bool message_publish(const struct ota_server *server, const struct ota_outgoing *message, const char *client_id, int qos)
{
	if (message->payload_size > INT_MAX)
		return false;
	void *payload = mosquitto_malloc(message->payload_size + 1);
	if (!payload)
		return false;
	memcpy(payload, message->payload, message->payload_size);
	mosquitto_property *properties = expiry_make(&server->compat, message->expiry_s);
	if (mosquitto_broker_publish(client_id, message->topic, (int)message->payload_size, payload, qos, false, properties) ==
	    MOSQ_ERR_SUCCESS)
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

/* Directly to a connection, if it is still there. */
static bool message_send_to(struct ota_server *server, const struct ota_outgoing *message, int qos)
{
	struct ota_peer_view peer;
	if (!ota_peers_find_number(server->peers, message->connection, &peer) || !peer_is_served(&peer))
		return false;
	if (!message_publish(server, message, peer.client_id, qos))
		return false;
	if (!peer.is_device)
		ota_client_addressed(server, &peer);
	return true;
}

/* To whom it is for; or an order to ourselves. */
static bool message_send(struct ota_server *server, const struct ota_outgoing *message)
{
	if (message->kind == OTA_OUTGOING_SHUT_OUT)
		return ota_client_shut_out(server, message->payload);
	if (message->kind == OTA_OUTGOING_LET_IN) {
		ota_client_let_in(server, message->payload);
		return true;
	}
	if (message->connection == OTA_EVERYBODY)
		return message_publish(server, message, NULL, 0);
	return message_send_to(server, message, 1);
}

/* What a device fetched, for the worker. Without memory for the item it is not counted. */
void ota_server_tell_fetched(struct ota_server *server, const struct ota_identity *identity, const struct ota_fetched *fetched)
{
	struct ota_item item = {
		.kind = OTA_ITEM_FETCHED, .identity = *identity, .fetched = *fetched, .at = ota_heard_now(&server->heard)};
	if (fetched->task_id > 0)
		ota_queue_put(server->queue, &item);
}

/* QoS 0, as the live platform answers the subscription of C 4.x: the device asks again for what is lost, and no session keeps a
 * block that nobody waits for any more. */
static void block_send(struct ota_server *server)
{
	char topic[OTA_TOPIC_SIZE];
	struct ota_parcel parcel;
	struct ota_fetched fetched;
	if (!ota_carrier_take(server->carrier, ota_boot_ms(), &parcel, &fetched))
		return;
	ota_server_tell_fetched(server, &parcel.identity, &fetched);
	ota_topic_print(topic, OTA_TOPIC_FILE_DOWNLOAD_REPLY, &parcel.identity);
	struct ota_outgoing message = {
		.connection = parcel.connection, .topic = topic, .payload = parcel.payload, .payload_size = parcel.payload_size};
	message_send_to(server, &message, 0);
	free(parcel.payload);
}

static void blocks_send(struct ota_server *server)
{
	size_t size = server->carrier ? ota_carrier_next_size(server->carrier) : 0;
	for (; size > 0; size = ota_carrier_next_size(server->carrier)) {
		if (!ota_pace_take_many(&server->blocks, blocks_rate, (int64_t)(size >> 10) + BLOCK_COST, ota_boot_ms()))
			return;
		block_send(server);
	}
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
	blocks_send(server);
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
