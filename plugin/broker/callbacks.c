#include "plugin/broker/callbacks.h"

#include <time.h>

#include <openssl/x509.h>

#include "common/text.h"
#include "plugin/access/rights.h"
#include "plugin/broker/refusal.h"

enum {
	KICKS_PER_TICK = 50,
	TICK_DEADLINE_MS = 10000,
};
static const struct ota_pace_rate device_rate = {.per_second = 500, .burst = 5000}; /* reports and pulls of one connection */
static const struct ota_pace_rate line_rate = {.per_second = 5, .burst = 50};       /* log lines about what one client can cause at will */

/* --- around every callback --- */

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* With per_listener_settings Mosquitto 2.0.11 never calls TICK: devices that stay silent are then never seen. */
static void tick_watch(struct ota_server *server)
{
	struct ota_log_line line;
	int64_t boot_ms = ota_boot_ms();
	if (server->first_call_ms == 0)
		server->first_call_ms = boot_ms;
	if (server->tick_missed || boot_ms - server->first_call_ms < TICK_DEADLINE_MS)
		return;
	server->tick_missed = true;
	ota_log_begin(&line, OTA_LOG_ERROR, "no_tick");
	ota_log_text(&line, "meaning", "the broker does not call its plugins' clock: per_listener_settings true is not supported");
	ota_log_end(&server->log, &line);
}

static uint64_t callback_begin(struct ota_server *server)
{
	if (!server->ticked)
		tick_watch(server);
	return now_us();
}

static void callback_end(struct ota_server *server, enum ota_callback_kind kind, uint64_t begun_us)
{
	struct ota_stopwatch *watch = &server->stopwatches[kind];
	ota_server_drain(server);
	uint64_t took_us = now_us() - begun_us;
	watch->count++;
	watch->total_us += took_us;
	if (took_us > watch->max_us)
		watch->max_us = took_us;
}

/* --- log lines --- */

static void client_tell(struct ota_log_line *line, const struct mosquitto *client)
{
	ota_log_text(line, "clientId", mosquitto_client_id(client));
	ota_log_text(line, "username", mosquitto_client_username(client));
	ota_log_text(line, "address", mosquitto_client_address(client));
}

static void login_refused_tell(const struct ota_server *server, const struct mosquitto *client, const char *why)
{
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_WARNING, "login_refused");
	ota_log_text(&line, "why", why);
	client_tell(&line, client);
	ota_log_end(&server->log, &line);
}

static void paced_tell(struct ota_server *server, struct ota_pace *pace, struct ota_log_line *line)
{
	uint64_t held_back = pace->refused;
	if (!ota_pace_take(pace, line_rate, ota_boot_ms()))
		return;
	ota_pace_take_refused(pace);
	if (held_back > 0)
		ota_log_integer(line, "more_like_it", (int64_t)held_back);
	ota_log_end(&server->log, line);
}

static void refused_tell(struct ota_server *server, const struct mosquitto *client, const char *event, const char *topic, const char *why)
{
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_WARNING, event);
	ota_log_text(&line, "why", why);
	ota_log_text(&line, "topic", topic);
	client_tell(&line, client);
	paced_tell(server, &server->refusals, &line);
}

/* --- who is there --- */

static void presence_queue(struct ota_server *server, enum ota_item_kind kind, const struct ota_identity *identity, uint64_t connection)
{
	struct ota_item item = {.kind = kind, .identity = *identity, .connection = connection, .at = ota_heard_now(&server->heard)};
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

static void client_confirm(struct ota_server *server, const struct mosquitto *client)
{
	struct ota_peer_change change;
	ota_peers_confirm(server->peers, client, &change);
	change_queue(server, &change);
}

static void client_gone(struct ota_server *server, const struct mosquitto *client)
{
	struct ota_peer_change change;
	ota_peers_remove(server->peers, client, &change);
	change_queue(server, &change);
}

/* Decides and, for a device, remembers. */
static enum ota_admission client_admit(struct ota_server *server, const struct mosquitto *client, const char *username, const char **ret_why)
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

static int others_answer(const struct ota_server *server)
{
	return server->options.others == OTA_OTHERS_ALLOW ? MOSQ_ERR_SUCCESS : MOSQ_ERR_PLUGIN_DEFER;
}

static int on_basic_auth(int event, void *event_data, void *userdata)
{
	(void)event;
	struct mosquitto_evt_basic_auth *login = event_data;
	struct ota_server *server = userdata;
	const char *why;
	uint64_t begun_us = callback_begin(server);
	enum ota_admission admission = client_admit(server, login->client, login->username, &why);
	int answer = MOSQ_ERR_SUCCESS;
	if (admission == OTA_ADMISSION_REFUSED) {
		login_refused_tell(server, login->client, why);
		answer = MOSQ_ERR_AUTH;
	} else if (admission == OTA_ADMISSION_OTHER) {
		answer = others_answer(server);
	}
	callback_end(server, OTA_CALLBACK_AUTH, begun_us);
	return answer;
}

static int on_connect(int event, void *event_data, void *userdata)
{
	(void)event;
	const struct ota_evt_client *connected = event_data;
	client_confirm(userdata, connected->client);
	return MOSQ_ERR_SUCCESS;
}

/* DISCONNECT and CLIENT_OFFLINE; only the client's address is trusted (peers.h). */
static int on_disconnect(int event, void *event_data, void *userdata)
{
	(void)event;
	const struct ota_evt_client *gone = event_data;
	struct ota_server *server = userdata;
	uint64_t begun_us = callback_begin(server);
	client_gone(server, gone->client);
	callback_end(server, OTA_CALLBACK_DISCONNECT, begun_us);
	return MOSQ_ERR_SUCCESS;
}

/* --- who may what --- */

static bool verb_from_access(int access, enum ota_verb *ret_verb)
{
	static const struct {
		int access;
		enum ota_verb verb;
	} verbs[] = {
		{MOSQ_ACL_READ, OTA_VERB_READ},
		{MOSQ_ACL_WRITE, OTA_VERB_PUBLISH},
		{MOSQ_ACL_SUBSCRIBE, OTA_VERB_SUBSCRIBE},
		{MOSQ_ACL_UNSUBSCRIBE, OTA_VERB_UNSUBSCRIBE},
	};
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (verbs[i].access == access) {
			*ret_verb = verbs[i].verb;
			return true;
		}
	return false;
}

/* A will passes no MESSAGE callback, so this is the place to stop it: it is checked when its client is gone already, or when a newer login has taken its
 * client id over. A login by certificate goes past BASIC_AUTH: we know such a client from its first message only, but its certificate is gone
 * with its connection. */
static bool publisher_is_there(const struct ota_server *server, const struct mosquitto *client)
{
	struct ota_peer_view peer;
	if (ota_peers_find(server->peers, client, &peer))
		return peer.holds_id;
	X509 *certificate = mosquitto_client_certificate(client);
	X509_free(certificate);
	return certificate != NULL;
}

static int acl_answer(struct ota_server *server, const struct mosquitto_evt_acl_check *check)
{
	const char *why = "unknown_kind_of_access";
	struct ota_access access = {.username = mosquitto_client_username(check->client), .topic = check->topic, .retain = check->retain};
	enum ota_ruling ruling = verb_from_access(check->access, &access.verb) ? ota_rights_decide(&access, &why) : OTA_RULING_DENY;
	if (ruling == OTA_RULING_ALLOW && check->access == MOSQ_ACL_WRITE && !publisher_is_there(server, check->client)) {
		ruling = OTA_RULING_DENY;
		why = "will";
	}
	if (ruling == OTA_RULING_OTHERS)
		return others_answer(server);
	if (ruling == OTA_RULING_ALLOW)
		return MOSQ_ERR_SUCCESS;
	if (check->access != MOSQ_ACL_READ) /* a delivery that is denied is no news: the subscriber asked for "#" */
		refused_tell(server, check->client, "access_denied", check->topic, why);
	return MOSQ_ERR_ACL_DENIED;
}

/* Runs for every message and every recipient of the whole broker, also for clients that are gone: nothing about presence is learned here but from clients that
 * are known already. */
static int on_acl_check(int event, void *event_data, void *userdata)
{
	(void)event;
	const struct mosquitto_evt_acl_check *check = event_data;
	struct ota_server *server = userdata;
	if (check->topic[0] != '$' && !ota_topic_may_be_ours(check->topic))
		return others_answer(server);
	uint64_t begun_us = callback_begin(server);
	if (check->access != MOSQ_ACL_READ)
		client_confirm(server, check->client);
	int answer = acl_answer(server, check);
	callback_end(server, OTA_CALLBACK_ACL, begun_us);
	return answer;
}

/* --- what they say --- */

/* A login that went past BASIC_AUTH (a certificate, another plugin) is first seen here. */
static int sender_find(struct ota_server *server, const struct mosquitto *client, struct ota_peer_view *ret_peer, const char **ret_why)
{
	*ret_why = "not_admitted";
	if (!ota_peers_find(server->peers, client, ret_peer) &&
	    client_admit(server, client, mosquitto_client_username(client), ret_why) != OTA_ADMISSION_DEVICE)
		return MOSQ_ERR_ACL_DENIED;
	client_confirm(server, client);
	return ota_peers_find(server->peers, client, ret_peer) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
}

/* No place for a report. Without PUBACK the device sends it again when it is back; at QoS 0 nobody would. */
static int report_drop(struct ota_server *server, const struct mosquitto_evt_message *message, const char *why)
{
	struct ota_log_line line;
	server->dropped_reports++;
	ota_log_begin(&line, OTA_LOG_ERROR, message->qos > 0 ? "report_put_off" : "report_dropped");
	ota_log_text(&line, "why", why);
	ota_log_text(&line, "topic", message->topic);
	ota_log_integer(&line, "total", (int64_t)server->dropped_reports);
	paced_tell(server, &server->drops, &line);
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

/* Pulls are for us alone: the right to read them is nobody's (rights.h), so success lets them end here with a clean PUBACK. Block requests end here, too:
 * this version serves no blocks. */
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
	if (kind == OTA_TOPIC_FILE_DOWNLOAD || ota_queue_put(server->queue, &item) != 0)
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
	int code = sender_find(server, message->client, &peer, &why);
	if (code == MOSQ_ERR_SUCCESS && message->payloadlen > OTA_DEVICE_PAYLOAD_MAX) {
		why = "too_long";
		code = MOSQ_ERR_ACL_DENIED;
	}
	if (code != MOSQ_ERR_SUCCESS) {
		refused_tell(server, message->client, "message_refused", message->topic, why);
		return code;
	}
	if (!ota_pace_take(ota_peers_pace(server->peers, message->client), device_rate, ota_boot_ms()))
		return report_drop(server, message, "the device sends too much");
	if (kind == OTA_TOPIC_INFORM || kind == OTA_TOPIC_PROGRESS)
		return report_take(server, message, kind, &peer);
	return pull_take(server, message, kind, &peer);
}

/* ACL_CHECK has judged most of it already; but another plugin may have granted it, and bridges are not checked at all. */
static int message_answer(struct ota_server *server, const struct mosquitto_evt_message *message)
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
		refused_tell(server, message->client, "message_refused", message->topic, why);
		return MOSQ_ERR_ACL_DENIED;
	case OTA_RULING_OTHERS:
	default:
		return MOSQ_ERR_SUCCESS;
	}
}

static int on_message(int event, void *event_data, void *userdata)
{
	(void)event;
	const struct mosquitto_evt_message *message = event_data;
	struct ota_server *server = userdata;
	if (!message->topic || !ota_topic_may_be_ours(message->topic))
		return MOSQ_ERR_SUCCESS;
	uint64_t begun_us = callback_begin(server);
	int answer = message_answer(server, message);
	callback_end(server, OTA_CALLBACK_MESSAGE, begun_us);
	return answer;
}

/* --- commands --- */

static void command_refuse(struct ota_server *server, struct ota_span request, uint64_t connection, int code, const char *message)
{
	OTA_AUTO_BYTES struct ota_bytes answer = {0};
	if (ota_refusal_print(request, code, message, &answer) != 0)
		return;
	struct ota_span payload = {.data = answer.data, .size = answer.size};
	ota_outbox_add(&server->sending, connection, OTA_CONTROL_RESPONSE_TOPIC, payload, OTA_WORKER_ANSWER_EXPIRY_S);
}

/* Operators are remembered from their first command on, so that an answer finds the connection that asked and no other one. */
static bool operator_find(struct ota_server *server, const struct mosquitto *client, struct ota_peer_view *ret_peer)
{
	struct ota_peer_change change;
	const char *client_id = mosquitto_client_id(client);
	if (ota_peers_find(server->peers, client, ret_peer))
		return !ret_peer->is_device;
	return client_id && ota_peers_admit(server->peers, client, NULL, client_id, ota_boot_ms(), &change) == 0 &&
	       ota_peers_find(server->peers, client, ret_peer);
}

static void command_take(struct ota_server *server, const struct mosquitto_evt_control *control)
{
	struct ota_identity identity;
	struct ota_peer_view peer;
	struct ota_span request = {.data = control->payload, .size = control->payloadlen};
	bool is_device = ota_identity_parse(ota_span_from_text(mosquitto_client_username(control->client)), &identity);
	if (is_device || !operator_find(server, control->client, &peer)) {
		refused_tell(server, control->client, "command_refused", control->topic, "not_for_devices");
		return;
	}
	if (request.size > OTA_PAYLOAD_MAX) {
		command_refuse(server, request, peer.number, OTA_ELIMIT, "a request has at most 65536 bytes");
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

static int on_control(int event, void *event_data, void *userdata)
{
	(void)event;
	struct ota_server *server = userdata;
	uint64_t begun_us = callback_begin(server);
	command_take(server, event_data);
	callback_end(server, OTA_CALLBACK_CONTROL, begun_us);
	return MOSQ_ERR_SUCCESS;
}

/* --- now and then --- */

/* 2.0.x shows a device that connects and stays silent by nothing but its staying. */
static void arrivals_confirm(struct ota_server *server)
{
	struct ota_peer_change change;
	while (ota_peers_confirm_next(server->peers, ota_boot_ms(), &change))
		change_queue(server, &change);
}

/* Kicking calls DISCONNECT at once, which changes the peers. Here and nowhere else: no client's packet is being handled. */
static void replaced_kick(struct ota_server *server)
{
	char client_id[OTA_CLIENT_ID_MAX + 1];
	struct ota_log_line line;
	const char *next;
	for (int kicks = 0; kicks < KICKS_PER_TICK && (next = ota_peers_next_kick(server->peers)); kicks++) {
		if (!ota_text_copy(client_id, sizeof(client_id), ota_span_from_text(next)))
			continue;
		int code = mosquitto_kick_client_by_clientid(client_id, false);
		ota_log_begin(&line, OTA_LOG_INFO, "connection_replaced");
		ota_log_text(&line, "clientId", client_id);
		ota_log_integer(&line, "kick", code);
		ota_log_end(&server->log, &line);
	}
}

static int on_tick(int event, void *event_data, void *userdata)
{
	(void)event;
	(void)event_data;
	struct ota_server *server = userdata;
	server->ticked = true;
	uint64_t begun_us = callback_begin(server);
	arrivals_confirm(server);
	replaced_kick(server);
	callback_end(server, OTA_CALLBACK_TICK, begun_us);
	return MOSQ_ERR_SUCCESS;
}

/* Options are not read again by any version. */
static int on_reload(int event, void *event_data, void *userdata)
{
	(void)event;
	(void)event_data;
	struct ota_server *server = userdata;
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_INFO, "options_not_reloaded");
	ota_log_text(&line, "advice", "restart the broker for changed plugin options");
	ota_log_end(&server->log, &line);
	return server->compat.reload_answer;
}

static const struct {
	int event;
	MOSQ_FUNC_generic_callback callback;
	const char *data;
	const char *name;
	bool optional; /* of 2.1 */
} registrations[] = {
	{MOSQ_EVT_BASIC_AUTH, on_basic_auth, NULL, "BASIC_AUTH", false},
	{MOSQ_EVT_ACL_CHECK, on_acl_check, NULL, "ACL_CHECK", false},
	{MOSQ_EVT_MESSAGE, on_message, NULL, "MESSAGE", false},
	{MOSQ_EVT_CONTROL, on_control, OTA_CONTROL_TOPIC, "CONTROL", false},
	{MOSQ_EVT_TICK, on_tick, NULL, "TICK", false},
	{MOSQ_EVT_DISCONNECT, on_disconnect, NULL, "DISCONNECT", false},
	{MOSQ_EVT_RELOAD, on_reload, NULL, "RELOAD", false},
	{OTA_EVT_CLIENT_OFFLINE, on_disconnect, NULL, "CLIENT_OFFLINE", true},
	{OTA_EVT_CONNECT, on_connect, NULL, "CONNECT", true},
};

int ota_callbacks_register(struct ota_server *server, mosquitto_plugin_id_t *identifier, struct ota_error *error)
{
	for (size_t i = 0; i < sizeof(registrations) / sizeof(registrations[0]); i++) {
		int code = mosquitto_callback_register(identifier, registrations[i].event, registrations[i].callback, registrations[i].data, server);
		if (code != MOSQ_ERR_SUCCESS && !registrations[i].optional)
			return ota_fail(error, OTA_EIO, "the broker refuses the event %s (%d)", registrations[i].name, code);
		if (code == MOSQ_ERR_SUCCESS && registrations[i].event == OTA_EVT_CONNECT) {
			server->compat.tells_connect = true;
			server->compat.reload_answer = MOSQ_ERR_SUCCESS;
		}
	}
	return 0;
}
