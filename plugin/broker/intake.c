#include "plugin/broker/intake.h"

#include "plugin/access/rights.h"
#include "plugin/broker/clients.h"
#include "plugin/broker/notice.h"
#include "plugin/broker/refusal.h"

/* Of one connection, far above any true device: what keeps a hostile one from filling the journal that all share. */
static const struct ota_pace_rate device_rate = {.count = 500, .period_ms = OTA_SECOND_MS, .burst = 5000};

/* No place for a report. Without PUBACK the device sends it again when it is back; at QoS 0 nobody would. */
static int report_drop(struct ota_server *server, const struct mosquitto_evt_message *message, const char *why)
{
	struct ota_log_line line;
	server->dropped_reports++;
	ota_log_begin(&line, OTA_LOG_ERROR, message->qos > 0 ? "report_put_off" : "report_dropped");
	ota_log_text(&line, "why", why);
	ota_log_text(&line, "topic", message->topic);
	ota_log_integer(&line, "total", (int64_t)server->dropped_reports);
	ota_notice_paced(server, &server->drops, &line);
	return message->qos > 0 ? MOSQ_ERR_UNKNOWN : MOSQ_ERR_ACL_DENIED;
}

static int report_take(struct ota_server *server, const struct mosquitto_evt_message *message, enum ota_topic_kind kind,
		       const struct ota_peer_view *peer)
{
	struct ota_error error = {0};
	struct ota_record record = {
		.at = ota_heard_now(&server->heard),
		.connection = peer->number,
		.topic = kind,
		.qos = message->qos,
		.identity = peer->identity,
		.client_id = ota_span_from_text(peer->client_id),
		.payload = {.data = message->payload, .size = message->payloadlen},
	};
	if (ota_journal_append(server->journal, &record, &error) != 0)
		return report_drop(server, message, error.text);
	/* Without memory for the item the record waits in the journal for the next one to take it along. */
	struct ota_item item = {.kind = OTA_ITEM_JOURNALED, .first = server->queued_last + 1, .last = record.sequence};
	if (ota_queue_put(server->queue, &item) == 0)
		server->queued_last = record.sequence;
	return MOSQ_ERR_SUCCESS;
}

/* A request that is too long to be true, or of a connection that is on its way out, gets no answer. */
static void block_take(struct ota_server *server, const struct mosquitto_evt_message *message, const struct ota_peer_view *peer)
{
	struct ota_carrier_order order = {
		.connection = peer->number,
		.identity = &peer->identity,
		.payload = {.data = message->payload, .size = message->payloadlen},
	};
	bool fits = order.payload.size <= OTA_BLOCK_REQUEST_MAX && peer->state != OTA_PEER_REPLACED;
	if (!fits || ota_carrier_order(server->carrier, &order) != 0)
		server->dropped_pulls++;
}

/* Pulls are for us alone: the right to read them is nobody's (rights.h), so success lets them end here with a clean PUBACK. Block
 * requests end here, too. */
static int pull_take(struct ota_server *server, const struct mosquitto_evt_message *message, enum ota_topic_kind kind,
		     const struct ota_peer_view *peer)
{
	struct ota_item item = {
		.kind = OTA_ITEM_PULL,
		.identity = peer->identity,
		.connection = peer->number,
		.topic = kind,
		.at = ota_heard_now(&server->heard),
		.payload = {.data = message->payload, .size = message->payloadlen},
	};
	if (kind == OTA_TOPIC_FILE_DOWNLOAD)
		block_take(server, message, peer);
	else if (ota_queue_put(server->queue, &item) != 0)
		server->dropped_pulls++;
	return MOSQ_ERR_SUCCESS;
}

/* A device on its own topic. */
static int device_message(struct ota_server *server, const struct mosquitto_evt_message *message)
{
	struct ota_identity owner;
	struct ota_peer_view peer;
	const char *why;
	enum ota_topic_kind kind = ota_topic_parse(ota_span_from_text(message->topic), &owner);
	bool taken = ota_client_find_device(server, message->client, &peer, &why);
	if (taken && message->payloadlen > OTA_DEVICE_PAYLOAD_MAX) {
		why = "too_long";
		taken = false;
	}
	if (!taken) {
		ota_notice_refused(server, message->client, "message_refused", message->topic, why);
		return MOSQ_ERR_ACL_DENIED;
	}
	if (!ota_pace_take(ota_peers_pace(server->peers, message->client), device_rate, ota_boot_ms()))
		return report_drop(server, message, "the device sends too much");
	if (kind == OTA_TOPIC_INFORM || kind == OTA_TOPIC_PROGRESS)
		return report_take(server, message, kind, &peer);
	return pull_take(server, message, kind, &peer);
}

/* ACL_CHECK has judged most of it already; but another plugin may have granted it, and bridges are not checked at all. */
int ota_intake_message(struct ota_server *server, const struct mosquitto_evt_message *message)
{
	const char *why;
	struct ota_access access = {
		.username = mosquitto_client_username(message->client),
		.verb = OTA_VERB_PUBLISH,
		.topic = message->topic,
		.retain = message->retain,
	};
	switch (ota_rights_decide(&access, &why)) {
	case OTA_RULING_ALLOW:
		return device_message(server, message);
	case OTA_RULING_DENY:
		ota_notice_refused(server, message->client, "message_refused", message->topic, why);
		return MOSQ_ERR_ACL_DENIED;
	case OTA_RULING_OTHERS:
	default:
		return MOSQ_ERR_SUCCESS;
	}
}

static void command_refuse(struct ota_server *server, struct ota_span request, uint64_t connection, int code, const char *message)
{
	OTA_AUTO_BYTES struct ota_bytes answer = {0};
	if (ota_refusal_print(request, code, message, &answer) != 0)
		return;
	struct ota_span payload = {.data = answer.data, .size = answer.size};
	ota_outbox_add(&server->sending, connection, OTA_CONTROL_RESPONSE_TOPIC, payload, OTA_WORKER_ANSWER_EXPIRY_S);
}

void ota_intake_command(struct ota_server *server, const struct mosquitto_evt_control *control)
{
	struct ota_peer_view peer;
	struct ota_span request = {.data = control->payload, .size = control->payloadlen};
	if (!ota_client_find_operator(server, control->client, &peer)) {
		ota_notice_refused(server, control->client, "command_refused", control->topic, "not_for_devices");
		return;
	}
	if (request.size > OTA_PAYLOAD_MAX) {
		command_refuse(server, request, peer.number, OTA_ELIMIT, "a request has at most 65536 bytes");
		return;
	}
	char plight[OTA_ERROR_TEXT_MAX];
	if (ota_plight_read(server->plight, plight)) {
		command_refuse(server, request, peer.number, OTA_EUNAVAILABLE, plight);
		return;
	}
	struct ota_item item = {
		.kind = OTA_ITEM_COMMAND,
		.connection = peer.number,
		.at = ota_heard_now(&server->heard),
		.payload = request,
		.caller = ota_span_from_text(peer.client_id),
	};
	if (ota_queue_put(server->queue, &item) != 0)
		command_refuse(server, request, peer.number, OTA_EUNAVAILABLE, "too many commands are waiting; try again");
}
