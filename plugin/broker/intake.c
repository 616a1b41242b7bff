#include "plugin/broker/intake.h"

#include "plugin/access/rights.h"
#include "plugin/broker/clients.h"
#include "plugin/broker/notice.h"
#include "plugin/broker/refusal.h"

_Static_assert(OTA_DEVICE_PAYLOAD_MAX == 16384, "what arrival_too_long() says of them");

/* The loop is not to stall when many devices hold something back. */
enum { FLUSHES_PER_TURN = 100 };

/* A device's message on its own topic. */
struct arrival {
	const struct mosquitto_evt_message *message;
	enum ota_topic_kind kind;
	struct ota_peer_view peer;
	struct ota_quota *quota;
	int64_t now_ms;
};

/* --- what is not taken --- */

/* No place for a report. Without PUBACK the device sends it again when it is back; at QoS 0 nobody would. */
static int report_drop(struct ota_server *server, const struct mosquitto_evt_message *message, const char *why)
{
	server->dropped_reports++;
	ota_notice_dropped(server, message, why);
	return message->qos > 0 ? MOSQ_ERR_UNKNOWN : MOSQ_ERR_ACL_DENIED;
}

/* What a refused message is answered with, unless that was one too many: who goes on is cut off in the end. */
static int arrival_answer(struct ota_server *server, const struct arrival *arrival, int answer)
{
	if (!ota_quota_strain(arrival->quota, arrival->now_ms))
		return answer;
	ota_notice_floods(server, arrival->message->client);
	return MOSQ_ERR_UNKNOWN;
}

/* More than its quota allows. At QoS 1 the connection is closed each time. */
static int arrival_refuse(struct ota_server *server, const struct arrival *arrival)
{
	return arrival_answer(server, arrival, report_drop(server, arrival->message, "the device sends too much"));
}

/* --- reports --- */

static int record_append(struct ota_server *server, struct ota_record *record, struct ota_error *error)
{
	int code = ota_journal_append(server->journal, record, error);
	if (code != 0)
		return code;
	/* Without memory for the item the record waits in the journal for the next one to take it along. */
	struct ota_item item = {.kind = OTA_ITEM_JOURNALED, .first = server->queued_last + 1, .last = record->sequence};
	if (ota_queue_put(server->queue, &item) == 0)
		server->queued_last = record->sequence;
	return 0;
}

/* Writes what a device's steps wait for, in the order in which they were told. What finds no room in the journal waits on. */
static int held_write(struct ota_server *server, struct ota_quota *quota, struct ota_error *error)
{
	const struct ota_held_report *report;
	int code = 0;
	while (code == 0 && (report = quota->held.first)) {
		struct ota_peer_view peer;
		bool there = ota_peers_find_number(server->peers, report->connection, &peer);
		struct ota_record record = {
			.at = ota_heard_now(&server->heard),
			.connection = report->connection,
			.topic = OTA_TOPIC_PROGRESS,
			.identity = quota->identity,
			.client_id = ota_span_from_text(there ? peer.client_id : ""),
			.payload = {.data = report->payload, .size = report->size},
		};
		code = record_append(server, &record, error);
		if (code == 0)
			ota_held_shift(&quota->held);
	}
	return code;
}

static int report_write(struct ota_server *server, const struct arrival *arrival)
{
	struct ota_error error = {0};
	struct ota_record record = {
		.at = ota_heard_now(&server->heard),
		.connection = arrival->peer.number,
		.topic = arrival->kind,
		.qos = arrival->message->qos,
		.identity = arrival->peer.identity,
		.client_id = ota_span_from_text(arrival->peer.client_id),
		.payload = {.data = arrival->message->payload, .size = arrival->message->payloadlen},
	};
	if (held_write(server, arrival->quota, &error) != 0 || record_append(server, &record, &error) != 0)
		return report_drop(server, arrival->message, error.text);
	return MOSQ_ERR_SUCCESS;
}

static int report_take(struct ota_server *server, const struct arrival *arrival)
{
	if (!ota_quota_take_report(arrival->quota, arrival->message->payloadlen, arrival->now_ms))
		return arrival_refuse(server, arrival);
	return report_write(server, arrival);
}

/* The one place where the broker's thread reads a payload: a short one, of a device that tells more steps than are written. */
static bool step_hold(struct ota_server *server, const struct arrival *arrival)
{
	struct ota_span payload = {.data = arrival->message->payload, .size = arrival->message->payloadlen};
	struct ota_progress progress;
	bool replaced = false;
	if (payload.size > OTA_HELD_PAYLOAD_MAX || ota_progress_parse(payload, &progress, NULL) != 0 ||
	    !ota_progress_may_wait(&progress))
		return false;
	if (ota_held_put(&arrival->quota->held, arrival->peer.number, &progress, payload, &replaced) != 0)
		return false;
	server->superseded += replaced;
	ota_quotas_wait(server->quotas, arrival->quota, arrival->now_ms);
	return true;
}

/* What is acknowledged must stand in the journal, so at QoS 1 nothing waits here. */
static int progress_take(struct ota_server *server, const struct arrival *arrival)
{
	struct ota_quota *quota = arrival->quota;
	if (arrival->message->qos > 0)
		return report_take(server, arrival);
	if (quota->held.count == 0 && ota_quota_take(quota, OTA_QUOTA_STEP, arrival->now_ms))
		return report_write(server, arrival);
	return step_hold(server, arrival) ? MOSQ_ERR_SUCCESS : report_take(server, arrival);
}

static void held_drop(struct ota_server *server, struct ota_quota *quota)
{
	server->dropped_reports += quota->held.count;
	ota_held_clear(&quota->held);
}

void ota_intake_write_due(struct ota_server *server)
{
	int64_t now_ms = ota_boot_ms();
	struct ota_error error = {0};
	struct ota_quota *quota;
	for (int turn = 0; turn < FLUSHES_PER_TURN && (quota = ota_quotas_next_due(server->quotas, now_ms)); turn++) {
		if (quota->held.count == 0)
			continue;
		ota_quota_take(quota, OTA_QUOTA_STEP, now_ms);
		if (held_write(server, quota, &error) != 0)
			ota_quotas_wait(server->quotas, quota, now_ms);
	}
}

void ota_intake_gone(struct ota_server *server, const struct mosquitto *client)
{
	struct ota_peer_view peer;
	struct ota_error error = {0};
	if (!ota_peers_find(server->peers, client, &peer))
		return;
	struct ota_quota *quota = ota_quotas_look(server->quotas, &peer.identity);
	if (quota && held_write(server, quota, &error) != 0)
		held_drop(server, quota);
}

void ota_intake_end(struct ota_server *server)
{
	struct ota_error error = {0};
	struct ota_quota *quota;
	while ((quota = ota_quotas_next_due(server->quotas, INT64_MAX)))
		if (held_write(server, quota, &error) != 0)
			held_drop(server, quota);
}

/* --- pulls --- */

/* Pulls are for us alone: the right to read them is nobody's (rights.h), so success lets them end here with a clean PUBACK. */
static int pull_take(struct ota_server *server, const struct arrival *arrival)
{
	const struct mosquitto_evt_message *message = arrival->message;
	struct ota_item item = {
		.kind = OTA_ITEM_PULL,
		.identity = arrival->peer.identity,
		.connection = arrival->peer.number,
		.topic = arrival->kind,
		.at = ota_heard_now(&server->heard),
		.payload = {.data = message->payload, .size = message->payloadlen},
	};
	if (!ota_quota_take(arrival->quota, OTA_QUOTA_PULL, arrival->now_ms) || ota_queue_put(server->queue, &item) != 0)
		server->dropped_pulls++;
	return MOSQ_ERR_SUCCESS;
}

/* *ret_replaced: it took the place of one that waited. */
static bool block_order(struct ota_server *server, const struct arrival *arrival, bool *ret_replaced)
{
	struct ota_carrier_order order = {
		.connection = arrival->peer.number,
		.identity = &arrival->peer.identity,
		.payload = {.data = arrival->message->payload, .size = arrival->message->payloadlen},
	};
	return arrival->peer.state == OTA_PEER_ONLINE && ota_carrier_order(server->carrier, &order, ret_replaced) == 0;
}

/* As pulls, these end here. A device asks for one block after the other: one that asks again while a request of it waits already,
 * or with a request that is too long to be true, is borne with as one that sends too much. */
static int block_take(struct ota_server *server, const struct arrival *arrival)
{
	bool strains = arrival->message->payloadlen > OTA_BLOCK_REQUEST_MAX;
	if (!strains && block_order(server, arrival, &strains) && !strains)
		return MOSQ_ERR_SUCCESS;
	server->dropped_pulls++;
	return strains ? arrival_answer(server, arrival, MOSQ_ERR_SUCCESS) : MOSQ_ERR_SUCCESS;
}

/* --- who speaks --- */

static bool arrival_check(struct ota_server *server, struct arrival *arrival, const char **ret_why)
{
	struct ota_identity owner;
	arrival->kind = ota_topic_parse(ota_span_from_text(arrival->message->topic), &owner);
	if (!ota_client_find_device(server, arrival->message->client, &arrival->peer, ret_why))
		return false;
	arrival->quota = ota_quotas_find(server->quotas, &arrival->peer.identity, arrival->now_ms);
	*ret_why = arrival->quota ? "" : "out_of_memory";
	return arrival->quota != NULL;
}

/* The device is borne with, but not for ever. */
static int arrival_too_long(struct ota_server *server, const struct arrival *arrival)
{
	const struct mosquitto_evt_message *message = arrival->message;
	ota_notice_refused(server, message->client, "message_refused", message->topic, "at most 16384 bytes are allowed");
	return arrival_answer(server, arrival, MOSQ_ERR_ACL_DENIED);
}

/* A device on its own topic. */
static int device_message(struct ota_server *server, const struct mosquitto_evt_message *message)
{
	struct arrival arrival = {.message = message, .now_ms = ota_boot_ms()};
	const char *why;
	if (!arrival_check(server, &arrival, &why)) {
		ota_notice_refused(server, message->client, "message_refused", message->topic, why);
		return MOSQ_ERR_ACL_DENIED;
	}
	/* Of a login that went past BASIC_AUTH, or of a second connection. */
	if (ota_quota_is_shut(arrival.quota, arrival.now_ms))
		return MOSQ_ERR_UNKNOWN;
	if (message->payloadlen > OTA_DEVICE_PAYLOAD_MAX)
		return arrival_too_long(server, &arrival);
	if (!ota_quota_take(arrival.quota, OTA_QUOTA_MESSAGE, arrival.now_ms))
		return arrival_refuse(server, &arrival);
	switch (arrival.kind) {
	case OTA_TOPIC_INFORM:
		return report_take(server, &arrival);
	case OTA_TOPIC_PROGRESS:
		return progress_take(server, &arrival);
	case OTA_TOPIC_FILE_DOWNLOAD:
		return block_take(server, &arrival);
	default:
		return pull_take(server, &arrival);
	}
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

bool ota_intake_access_floods(struct ota_server *server, const struct mosquitto *client, const struct ota_access *access,
			      enum ota_ruling ruling)
{
	struct ota_identity identity;
	int64_t now_ms = ota_boot_ms();
	bool device = ota_identity_parse(ota_span_from_text(access->username), &identity);
	struct ota_quota *quota = device ? ota_quotas_look(server->quotas, &identity) : NULL;
	if (!quota)
		return false;
	if (ota_quota_is_shut(quota, now_ms))
		return true;
	/* A message is counted when it comes, if it does. */
	bool subscribes = access->verb == OTA_VERB_SUBSCRIBE || access->verb == OTA_VERB_UNSUBSCRIBE;
	bool granted = ruling == OTA_RULING_ALLOW && (!subscribes || ota_quota_take(quota, OTA_QUOTA_MESSAGE, now_ms));
	if (granted || !ota_quota_strain(quota, now_ms))
		return false;
	ota_notice_floods(server, client);
	return true;
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
