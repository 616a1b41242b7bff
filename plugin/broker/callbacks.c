#include "plugin/broker/callbacks.h"

#include "plugin/access/rights.h"
#include "plugin/broker/clients.h"
#include "plugin/broker/intake.h"
#include "plugin/broker/notice.h"

enum { TICK_DEADLINE_MS = 10000, TICK_WISH_MS = 50 };

/* --- around every callback --- */

/* With per_listener_settings Mosquitto 2.0.11 never calls TICK: devices that stay silent are then never seen. */
static void tick_watch(struct ota_server *server, int64_t boot_ms)
{
	struct ota_log_line line;
	if (server->first_call_ms == 0)
		server->first_call_ms = boot_ms;
	if (server->tick_missed || boot_ms - server->first_call_ms < TICK_DEADLINE_MS)
		return;
	server->tick_missed = true;
	ota_log_begin(&line, OTA_LOG_ERROR, "no_tick");
	ota_log_text(&line, "meaning",
		     "the broker does not call its plugins' clock: per_listener_settings true is not supported");
	ota_log_end(&server->log, &line);
}

static uint64_t callback_begin(struct ota_server *server)
{
	int64_t boot_ms = ota_boot_ms();
	ota_heard_alive(&server->heard, boot_ms);
	if (!server->ticked)
		tick_watch(server, boot_ms);
	return ota_stopwatch_now_us();
}

static void callback_end(struct ota_server *server, enum ota_callback_kind kind, uint64_t begun_us)
{
	ota_server_drain(server);
	ota_stopwatch_add(&server->stopwatches[kind], ota_stopwatch_now_us() - begun_us);
}

/* --- who connects --- */

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
	server->newest_login = 0;
	struct ota_login ours = {.client = login->client, .username = login->username, .password = login->password};
	enum ota_admission admission = ota_client_login(server, &ours, &why);
	int answer = MOSQ_ERR_SUCCESS;
	if (admission == OTA_ADMISSION_REFUSED) {
		ota_notice_login_refused(server, login->client, why);
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
	ota_client_confirm(userdata, connected->client);
	return MOSQ_ERR_SUCCESS;
}

/* DISCONNECT and CLIENT_OFFLINE; only the client's address is trusted (peers.h). */
static int on_disconnect(int event, void *event_data, void *userdata)
{
	(void)event;
	const struct ota_evt_client *gone = event_data;
	struct ota_server *server = userdata;
	uint64_t begun_us = callback_begin(server);
	ota_client_watch_theft(server, gone->client);
	ota_intake_gone(server, gone->client);
	ota_client_gone(server, gone->client);
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

static int acl_answer(struct ota_server *server, const struct mosquitto_evt_acl_check *check)
{
	const char *why = "unknown_kind_of_access";
	struct ota_access access = {
		.username = mosquitto_client_username(check->client), .topic = check->topic, .retain = check->retain};
	bool known = verb_from_access(check->access, &access.verb);
	if (access.verb == OTA_VERB_PUBLISH && !ota_client_is_there(server, check->client))
		access.verb = OTA_VERB_WILL;
	enum ota_ruling ruling = known ? ota_rights_decide(&access, &why) : OTA_RULING_DENY;
	if (ruling != OTA_RULING_OTHERS && access.verb != OTA_VERB_READ &&
	    ota_intake_access_floods(server, check->client, &access, ruling))
		return MOSQ_ERR_UNKNOWN; /* anything but ACL_DENIED ends the connection */
	if (ruling == OTA_RULING_OTHERS)
		return others_answer(server);
	if (ruling == OTA_RULING_ALLOW)
		return MOSQ_ERR_SUCCESS;
	if (check->access != MOSQ_ACL_READ) /* a delivery that is denied is no news: the subscriber asked for "#" */
		ota_notice_refused(server, check->client, "access_denied", check->topic, why);
	return MOSQ_ERR_ACL_DENIED;
}

static int cut_answer(struct ota_server *server, const struct mosquitto_evt_acl_check *check, const char *why)
{
	if (check->access != MOSQ_ACL_READ)
		ota_notice_refused(server, check->client, "access_denied", check->topic, why);
	return MOSQ_ERR_ACL_DENIED;
}

/* Runs for every message and every recipient of the whole broker, also for clients that are gone: nothing about presence is
 * learned here but from clients that are known already. */
static int on_acl_check(int event, void *event_data, void *userdata)
{
	(void)event;
	const struct mosquitto_evt_acl_check *check = event_data;
	struct ota_server *server = userdata;
	const char *cut = ota_client_cut_word(server, check->client);
	if (cut[0] != '\0') /* foreign topics, too */
		return cut_answer(server, check, cut);
	if (check->topic[0] != '$' && !ota_topic_may_be_ours(check->topic))
		return others_answer(server);
	uint64_t begun_us = callback_begin(server);
	if (check->access != MOSQ_ACL_READ)
		ota_client_confirm(server, check->client);
	int answer = acl_answer(server, check);
	callback_end(server, OTA_CALLBACK_ACL, begun_us);
	return answer;
}

/* --- what they say --- */

static int on_message(int event, void *event_data, void *userdata)
{
	(void)event;
	const struct mosquitto_evt_message *message = event_data;
	struct ota_server *server = userdata;
	const char *cut = ota_client_cut_word(server, message->client);
	if (cut[0] != '\0') { /* whoever granted it */
		ota_notice_refused(server, message->client, "message_refused", message->topic, cut);
		return MOSQ_ERR_ACL_DENIED;
	}
	if (!message->topic || !ota_topic_may_be_ours(message->topic))
		return MOSQ_ERR_SUCCESS;
	uint64_t begun_us = callback_begin(server);
	int answer = ota_intake_message(server, message);
	callback_end(server, OTA_CALLBACK_MESSAGE, begun_us);
	return answer;
}

static int on_control(int event, void *event_data, void *userdata)
{
	(void)event;
	struct ota_server *server = userdata;
	uint64_t begun_us = callback_begin(server);
	ota_intake_command(server, event_data);
	callback_end(server, OTA_CALLBACK_CONTROL, begun_us);
	return MOSQ_ERR_SUCCESS;
}

/* --- now and then --- */

static int on_tick(int event, void *event_data, void *userdata)
{
	(void)event;
	struct mosquitto_evt_tick *tick = event_data;
	struct ota_server *server = userdata;
	server->ticked = true;
	server->newest_login = 0;
	if (server->compat.tells_connect)
		tick->next_ns = TICK_WISH_MS; /* 2.1 calls the field next_ms and sleeps for seconds unless it is set */
	uint64_t begun_us = callback_begin(server);
	ota_clients_forget_addressed(server);
	ota_intake_write_due(server);
	ota_clients_confirm_stayed(server);
	ota_clients_kick(server);
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

enum { REGISTRATIONS = sizeof(registrations) / sizeof(registrations[0]) };

int ota_callbacks_register(struct ota_server *server, mosquitto_plugin_id_t *identifier, struct ota_error *error)
{
	server->identifier = identifier;
	for (size_t i = 0; i < REGISTRATIONS; i++) {
		int code = mosquitto_callback_register(identifier, registrations[i].event, registrations[i].callback,
						       registrations[i].data, server);
		if (code != MOSQ_ERR_SUCCESS && !registrations[i].optional)
			return ota_fail(error, OTA_EIO, "the broker refuses the event %s (%d)", registrations[i].name, code);
		if (code == MOSQ_ERR_SUCCESS && registrations[i].event == OTA_EVT_CONNECT) {
			server->compat.tells_connect = true;
			server->compat.reload_answer = MOSQ_ERR_SUCCESS;
		}
	}
	return 0;
}

void ota_callbacks_unregister(struct ota_server *server)
{
	/* What was never registered is simply not found. */
	for (size_t i = 0; i < REGISTRATIONS; i++)
		mosquitto_callback_unregister(server->identifier, registrations[i].event, registrations[i].callback,
					      registrations[i].data);
}
