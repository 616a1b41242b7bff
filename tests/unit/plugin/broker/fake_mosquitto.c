#include "tests/unit/plugin/broker/fake_mosquitto.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 32, LOG_SIZE = 65536 };

static struct {
	struct {
		MOSQ_FUNC_generic_callback callback;
		void *userdata;
		char data[64];
	} callbacks[EVENTS];
	bool offers_connect, refuses_publish;
	struct fake_message messages[FAKE_MESSAGES_MAX];
	size_t published;
	char kicks[64][300];
	size_t kicked;
	char log[LOG_SIZE];
	size_t allocated;
	struct mosquitto *const *clients;
	size_t clients_count;
} fake;

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
}

void fake_offer_connect_event(bool offered)
{
	fake.offers_connect = offered;
}

void fake_refuse_publish(bool refused)
{
	fake.refuses_publish = refused;
}

size_t fake_published(void)
{
	return fake.published;
}

const struct fake_message *fake_message(size_t index)
{
	return &fake.messages[index];
}

size_t fake_kicked(void)
{
	return fake.kicked;
}

const char *fake_kick(size_t index)
{
	return fake.kicks[index];
}

const char *fake_log(void)
{
	return fake.log;
}

size_t fake_allocated(void)
{
	return fake.allocated;
}

void fake_know(struct mosquitto *const *clients, size_t count)
{
	fake.clients = clients;
	fake.clients_count = count;
}

static int raise_event(int event, void *data)
{
	if (!fake.callbacks[event].callback)
		return MOSQ_ERR_PLUGIN_DEFER;
	return fake.callbacks[event].callback(event, data, fake.callbacks[event].userdata);
}

int fake_auth(struct mosquitto *client)
{
	char *username = client->username ? strdup(client->username) : NULL;
	struct mosquitto_evt_basic_auth data = {.client = client, .username = username};
	int code = raise_event(MOSQ_EVT_BASIC_AUTH, &data);
	free(username);
	client->connected = code == MOSQ_ERR_SUCCESS;
	return code;
}

int fake_acl(struct mosquitto *client, int access, const char *topic, bool retain)
{
	struct mosquitto_evt_acl_check data = {.client = client, .access = access, .topic = topic, .retain = retain};
	return raise_event(MOSQ_EVT_ACL_CHECK, &data);
}

int fake_publish(struct mosquitto *client, const char *topic, const char *payload, int qos)
{
	char *topic_copy = strdup(topic), *payload_copy = strdup(payload);
	struct mosquitto_evt_message data = {.client = client,
					     .topic = topic_copy,
					     .payload = payload_copy,
					     .payloadlen = (uint32_t)strlen(payload),
					     .qos = (uint8_t)qos};
	int code = raise_event(MOSQ_EVT_MESSAGE, &data);
	free(topic_copy);
	free(payload_copy);
	return code;
}

int fake_control(struct mosquitto *client, const char *payload, size_t size)
{
	struct mosquitto_evt_control data = {
		.client = client, .topic = "$CONTROL/ota/v1", .payload = payload, .payloadlen = (uint32_t)size};
	return raise_event(MOSQ_EVT_CONTROL, &data);
}

void fake_disconnect(struct mosquitto *client)
{
	struct mosquitto_evt_disconnect data = {.client = client, .reason = -1};
	client->connected = false;
	raise_event(MOSQ_EVT_DISCONNECT, &data);
}

struct client_event {
	void *future;
	struct mosquitto *client;
	int reason;
	void *future2[4];
};

void fake_connect_event(struct mosquitto *client)
{
	struct client_event data = {.client = client};
	raise_event(11, &data);
}

void fake_offline_event(struct mosquitto *client)
{
	struct client_event data = {.client = client};
	raise_event(28, &data);
}

void fake_tick(void)
{
	struct mosquitto_evt_tick data = {0};
	raise_event(MOSQ_EVT_TICK, &data);
}

int fake_reload(void)
{
	struct mosquitto_evt_reload data = {0};
	return raise_event(MOSQ_EVT_RELOAD, &data);
}

/* --- what the plugin calls --- */

int mosquitto_callback_register(mosquitto_plugin_id_t *identifier, int event, MOSQ_FUNC_generic_callback callback,
				const void *data, void *userdata)
{
	(void)identifier;
	if (event > MOSQ_EVT_DISCONNECT && !fake.offers_connect)
		return MOSQ_ERR_NOT_SUPPORTED;
	fake.callbacks[event].callback = callback;
	fake.callbacks[event].userdata = userdata;
	snprintf(fake.callbacks[event].data, sizeof(fake.callbacks[event].data), "%s", data ? (const char *)data : "");
	return MOSQ_ERR_SUCCESS;
}

int mosquitto_callback_unregister(mosquitto_plugin_id_t *identifier, int event, MOSQ_FUNC_generic_callback callback,
				  const void *data)
{
	(void)identifier;
	if (fake.callbacks[event].callback != callback || strcmp(fake.callbacks[event].data, data ? (const char *)data : "") != 0)
		return MOSQ_ERR_NOT_FOUND;
	memset(&fake.callbacks[event], 0, sizeof(fake.callbacks[event]));
	return MOSQ_ERR_SUCCESS;
}

size_t fake_registered(void)
{
	size_t count = 0;
	for (size_t i = 0; i < EVENTS; i++)
		count += fake.callbacks[i].callback != NULL;
	return count;
}

const char *mosquitto_client_id(const struct mosquitto *client)
{
	return client->id;
}

const char *mosquitto_client_username(const struct mosquitto *client)
{
	return client->username;
}

bool mosquitto_client_clean_session(const struct mosquitto *client)
{
	return !client->keeps_session;
}

const char *mosquitto_client_address(const struct mosquitto *client)
{
	(void)client;
	return "127.0.0.1";
}

void *mosquitto_client_certificate(const struct mosquitto *client)
{
	(void)client;
	return NULL;
}

/* Counted like the broker's own, which must never be given what plain malloc made. */
void *mosquitto_malloc(size_t size)
{
	fake.allocated++;
	return malloc(size);
}

void mosquitto_free(void *memory)
{
	if (memory)
		fake.allocated--;
	free(memory);
}

int mosquitto_broker_publish(const char *client_id, const char *topic, int size, void *payload, int qos, bool retain,
			     mosquitto_property *properties)
{
	(void)properties;
	if (fake.refuses_publish)
		return MOSQ_ERR_NOMEM; /* the payload stays the caller's */
	struct fake_message *message = &fake.messages[fake.published++ % FAKE_MESSAGES_MAX];
	snprintf(message->client_id, sizeof(message->client_id), "%s", client_id ? client_id : "");
	snprintf(message->topic, sizeof(message->topic), "%s", topic);
	snprintf(message->payload, sizeof(message->payload), "%.*s", size, (const char *)payload);
	message->qos = qos;
	message->retain = retain;
	mosquitto_free(payload);
	return MOSQ_ERR_SUCCESS;
}

/* Raises DISCONNECT at once, in the middle of the caller. */
int mosquitto_kick_client_by_clientid(const char *client_id, bool with_will)
{
	(void)with_will;
	snprintf(fake.kicks[fake.kicked++ % 64], sizeof(fake.kicks[0]), "%s", client_id ? client_id : "everybody");
	for (size_t i = 0; i < fake.clients_count; i++)
		if (fake.clients[i]->connected && client_id && strcmp(fake.clients[i]->id, client_id) == 0) {
			fake_disconnect(fake.clients[i]);
			return MOSQ_ERR_SUCCESS;
		}
	return MOSQ_ERR_NOT_FOUND;
}

void mosquitto_log_printf(int level, const char *format, ...)
{
	(void)level;
	size_t used = strlen(fake.log);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(fake.log + used, sizeof(fake.log) - used - 1, format, arguments);
	va_end(arguments);
	strncat(fake.log, "\n", sizeof(fake.log) - strlen(fake.log) - 1);
}
