#include "link/client.h"

#include <MQTTAsync.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/text.h"
#include "common/time.h"

enum {
	LINK_PORT_SIZE = 6,
	LINK_SERVER_SIZE = 300,
	LINK_TLS_TEXT_SIZE = 128,
	LINK_PACKET_ID_BITS = 16,
	LINK_UNSENT_MAX = 4096,
	LINK_DISCONNECT_GRACE_MS = 500, /* for Paho's thread to notice that its wait is over */
};

struct link_client {
	MQTTAsync paho;
	struct link_mailbox *mailbox;
	bool tls;
	char *ca_file, *cert_file, *key_file, *username, *password;
	char **subscriptions;
	int *subscription_qos;
	size_t subscription_count;
	int keepalive_s;
	int connect_timeout_s;

	/* Orders a publish against the next connect, so that a token names the connection its packet id belongs to. Held across
	 * calls into Paho, so no callback may take it: Paho makes some of them with its own lock held. */
	pthread_mutex_t publish_mutex;
	atomic_llong attempt;
	/* For what the callbacks write; never held across a call into Paho. */
	pthread_mutex_t mutex;
	char tls_text[LINK_TLS_TEXT_SIZE];
	bool disconnected;
	pthread_cond_t disconnected_cond;
};

static void client_note(struct link_client *client, enum link_note_kind kind, const char *text)
{
	link_mailbox_put(client->mailbox, kind, atomic_load(&client->attempt), NULL, ota_span_from_text(text));
}

/* --- what Paho calls, in its threads --------------------------------------------------------------------------------------- */

static void client_on_connected(void *context, MQTTAsync_successData *data)
{
	(void)data;
	client_note(context, LINK_NOTE_CONNECTED, NULL);
}

/* CONNACK return codes, MQTT 3.1.1 section 3.2.2.3. */
static const char *refusal_text(int code)
{
	static const char *const texts[] = {
		[1] = "the broker refused the protocol version",
		[2] = "the broker refused the client id",
		[3] = "the broker is unavailable",
		[4] = "the broker refused the user name or password",
		[5] = "the broker refused: not authorized",
	};

	return code > 0 && (size_t)code < sizeof(texts) / sizeof(texts[0]) ? texts[code] : NULL;
}

static void client_on_not_connected(void *context, MQTTAsync_failureData *data)
{
	struct link_client *client = context;
	const char *refusal = data ? refusal_text(data->code) : NULL;
	char text[LINK_TLS_TEXT_SIZE + 64];

	pthread_mutex_lock(&client->mutex);
	if (refusal)
		ota_text_cut(text, sizeof(text), refusal);
	else if (client->tls_text[0])
		snprintf(text, sizeof(text), "TLS: %s", client->tls_text);
	else
		snprintf(text, sizeof(text), "cannot connect: %s", data && data->message ? data->message : "no answer");
	pthread_mutex_unlock(&client->mutex);
	client_note(client, LINK_NOTE_NOT_CONNECTED, text);
}

static void client_on_lost(void *context, char *cause)
{
	client_note(context, LINK_NOTE_LOST, cause ? cause : "connection lost");
}

/* Paho hands one granted QoS by value and several as an array whose length is the count we asked for. */
static void client_on_subscribed(void *context, MQTTAsync_successData *data)
{
	struct link_client *client = context;
	OTA_AUTO_BYTES struct ota_bytes granted = {0};

	for (size_t i = 0; i < client->subscription_count; i++) {
		int qos = client->subscription_count == 1 ? data->alt.qos : data->alt.qosList[i];

		ota_bytes_u8(&granted, (uint8_t)qos);
	}
	link_mailbox_put(client->mailbox, LINK_NOTE_SUBSCRIBED, atomic_load(&client->attempt), NULL,
			 (struct ota_span){granted.data, granted.size});
}

/* Paho calls this for a SUBACK that refuses, too: with one subscription it is the only word of it (data->code 0x80). */
static void client_on_not_subscribed(void *context, MQTTAsync_failureData *data)
{
	enum { SUBACK_FAILURE = 0x80 };
	struct link_client *client = context;
	static const char refused[] = {(char)SUBACK_FAILURE};

	if (data && data->code == SUBACK_FAILURE && client->subscription_count == 1)
		link_mailbox_put(client->mailbox, LINK_NOTE_SUBSCRIBED, atomic_load(&client->attempt), NULL,
				 (struct ota_span){refused, sizeof(refused)});
	else
		client_note(client, LINK_NOTE_NOT_SUBSCRIBED,
			    data && data->message ? data->message : "the broker gave no answer");
}

static int client_on_message(void *context, char *topic, int topic_size, MQTTAsync_message *message)
{
	struct link_client *client = context;

	/* A topic with a NUL in it (topic_size != 0) is forbidden by MQTT; no handler could compare it. */
	if (topic_size == 0 || strlen(topic) == (size_t)topic_size)
		link_mailbox_put(client->mailbox, LINK_NOTE_MESSAGE, atomic_load(&client->attempt), topic,
				 (struct ota_span){message->payload, (size_t)message->payloadlen});
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return MQTTASYNC_TRUE;
}

static int64_t client_token(const struct link_client *client, int packet_id)
{
	return ((int64_t)atomic_load(&client->attempt) << LINK_PACKET_ID_BITS) | packet_id;
}

static void client_on_acknowledged(void *context, MQTTAsync_successData *data)
{
	struct link_client *client = context;

	link_mailbox_put(client->mailbox, LINK_NOTE_ACKNOWLEDGED, client_token(client, data->token), NULL, (struct ota_span){0});
}

static void client_on_disconnected(struct link_client *client)
{
	pthread_mutex_lock(&client->mutex);
	client->disconnected = true;
	pthread_cond_signal(&client->disconnected_cond);
	pthread_mutex_unlock(&client->mutex);
}

static void client_on_disconnect_done(void *context, MQTTAsync_successData *data)
{
	(void)data;
	client_on_disconnected(context);
}

static void client_on_disconnect_failed(void *context, MQTTAsync_failureData *data)
{
	(void)data;
	client_on_disconnected(context);
}

/* OpenSSL's line is "thread:error:0A000086:SSL routines:function:certificate verify failed:file:line"; the sixth field is what a
 * person wants. */
static int client_on_tls_error(const char *line, size_t size, void *context)
{
	enum { FIELDS_BEFORE_THE_REASON = 5 };
	struct link_client *client = context;
	const char *reason = memchr(line, ':', size), *end;

	for (int i = 1; reason && i < FIELDS_BEFORE_THE_REASON; i++)
		reason = strchr(reason + 1, ':');
	reason = reason ? reason + 1 : line;
	end = strchr(reason, ':');
	pthread_mutex_lock(&client->mutex);
	if (!ota_text_copy(client->tls_text, sizeof(client->tls_text),
			   (struct ota_span){reason, end ? (size_t)(end - reason) : strlen(reason)}))
		ota_text_cut(client->tls_text, sizeof(client->tls_text), reason);
	pthread_mutex_unlock(&client->mutex);
	return 1;
}

/* --- making one ------------------------------------------------------------------------------------------------------------ */

/* "mqtt://host[:port]" to Paho's "tcp://host:port". */
static int server_from_url(const char *url, char target[LINK_SERVER_SIZE], bool *ret_tls, struct ota_error *error)
{
	static const char plain[] = "mqtt://", tls[] = "mqtts://";
	bool is_tls = url && !strncmp(url, tls, sizeof(tls) - 1);
	const char *host, *port;
	int size;

	if (!url || (!is_tls && strncmp(url, plain, sizeof(plain) - 1)))
		return ota_fail(error, OTA_EINVALID, "broker url must be mqtt://host:port or mqtts://host:port");
	host = url + (is_tls ? sizeof(tls) : sizeof(plain)) - 1;
	/* In "[::1]:1883" only a colon behind the bracket begins a port. */
	port = strchr(host[0] == '[' && strchr(host, ']') ? strchr(host, ']') : host, ':');
	if (!host[0] || host == port || strpbrk(host, "/@?# ") || (port && (!port[1] || strlen(port) > LINK_PORT_SIZE)))
		return ota_fail(error, OTA_EINVALID, "broker url must be mqtt://host:port or mqtts://host:port");
	size = snprintf(target, LINK_SERVER_SIZE, "%s%s%s", is_tls ? "ssl://" : "tcp://", host,
			port	 ? ""
			: is_tls ? ":8883"
				 : ":1883");
	if (size < 0 || size >= LINK_SERVER_SIZE)
		return ota_fail(error, OTA_EINVALID, "broker url is too long");
	*ret_tls = is_tls;
	return 0;
}

static int check_readable(const char *path, const char *what, struct ota_error *error)
{
	if (!path || !access(path, R_OK))
		return 0;
	return ota_fail(error, OTA_EINVALID, "%s %s cannot be read", what, path);
}

static bool copy_text(char **target, const char *from)
{
	*target = from ? strdup(from) : NULL;
	return !from || *target;
}

static bool client_copy_subscriptions(struct link_client *client, const char *const *topics)
{
	size_t count = 0;

	while (topics && topics[count])
		count++;
	client->subscriptions = calloc(count + 1, sizeof(*client->subscriptions));
	client->subscription_qos = calloc(count + 1, sizeof(*client->subscription_qos));
	if (!client->subscriptions || !client->subscription_qos)
		return false;
	for (; client->subscription_count < count; client->subscription_count++) {
		if (!copy_text(&client->subscriptions[client->subscription_count], topics[client->subscription_count]))
			return false;
		client->subscription_qos[client->subscription_count] = 1;
	}
	return true;
}

static bool client_copy_options(struct link_client *client, const struct ota_link_options *options)
{
	int64_t timeout_ms = options->connect_timeout_ms ? options->connect_timeout_ms : 10 * OTA_SECOND_MS;

	client->keepalive_s = options->keepalive_s ? options->keepalive_s : 60;
	client->connect_timeout_s = (int)((timeout_ms + OTA_SECOND_MS - 1) / OTA_SECOND_MS);
	return copy_text(&client->ca_file, options->ca_file) && copy_text(&client->cert_file, options->cert_file) &&
	       copy_text(&client->key_file, options->key_file) && copy_text(&client->username, options->username) &&
	       copy_text(&client->password, options->password) && client_copy_subscriptions(client, options->subscriptions);
}

static int client_create_paho(struct link_client *client, const char *server, const char *client_id, struct ota_error *error)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
	int code;

	options.MQTTVersion = MQTTVERSION_3_1_1;
	/* Also counts what is only on its way to the socket; the default of 100 would refuse a short burst. */
	options.maxBufferedMessages = LINK_UNSENT_MAX;
	code = MQTTAsync_createWithOptions(&client->paho, server, client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
	if (code == MQTTASYNC_SUCCESS)
		code = MQTTAsync_setCallbacks(client->paho, client, client_on_lost, client_on_message, NULL);
	if (code != MQTTASYNC_SUCCESS)
		return ota_fail(error, OTA_EINVALID, "client id or broker url refused by the MQTT library (%d)", code);
	return 0;
}

static void condition_init_monotonic(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

int link_client_new(const struct ota_link_options *options, struct link_mailbox *mailbox, struct link_client **ret_client,
		    struct ota_error *error)
{
	char server[LINK_SERVER_SIZE];
	struct link_client *client;
	bool tls;
	int rc;

	rc = server_from_url(options->url, server, &tls, error);
	rc = rc ? rc : check_readable(options->ca_file, "CA file", error);
	rc = rc ? rc : check_readable(options->cert_file, "client certificate", error);
	rc = rc ? rc : check_readable(options->key_file, "client key", error);
	if (rc)
		return rc;
	client = calloc(1, sizeof(*client));
	if (!client)
		return ota_fail(error, OTA_ENOMEM, "no memory for a connection");
	pthread_mutex_init(&client->publish_mutex, NULL);
	pthread_mutex_init(&client->mutex, NULL);
	condition_init_monotonic(&client->disconnected_cond);
	client->mailbox = mailbox;
	client->tls = tls;
	rc = client_copy_options(client, options) ? client_create_paho(client, server, options->client_id, error)
						  : ota_fail(error, OTA_ENOMEM, "no memory for a connection");
	if (rc) {
		link_client_free(client, 0);
		return rc;
	}
	*ret_client = client;
	return 0;
}

/* --- its end --------------------------------------------------------------------------------------------------------------- */

static void client_wait_disconnected(struct link_client *client, int64_t timeout_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / OTA_SECOND_MS;
	until.tv_nsec += (timeout_ms % OTA_SECOND_MS) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&client->mutex);
	while (!client->disconnected)
		if (pthread_cond_timedwait(&client->disconnected_cond, &client->mutex, &until))
			break;
	pthread_mutex_unlock(&client->mutex);
}

/* Paho must be quiet before it is destroyed: it calls back with its lock released and frees what the callback stands on. */
static void client_disconnect(struct link_client *client, int64_t flush_ms)
{
	MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

	options.timeout = (int)flush_ms;
	options.onSuccess = client_on_disconnect_done;
	options.onFailure = client_on_disconnect_failed;
	options.context = client;
	client->disconnected = false;
	if (MQTTAsync_disconnect(client->paho, &options) == MQTTASYNC_SUCCESS)
		client_wait_disconnected(client, flush_ms + LINK_DISCONNECT_GRACE_MS);
}

struct link_client *link_client_free(struct link_client *client, int64_t flush_ms)
{
	if (!client)
		return NULL;
	if (client->paho) {
		client_disconnect(client, flush_ms);
		MQTTAsync_destroy(&client->paho);
	}
	for (size_t i = 0; i < client->subscription_count; i++)
		free(client->subscriptions[i]);
	free(client->subscriptions);
	free(client->subscription_qos);
	free(client->ca_file);
	free(client->cert_file);
	free(client->key_file);
	free(client->username);
	free(client->password);
	pthread_cond_destroy(&client->disconnected_cond);
	pthread_mutex_destroy(&client->mutex);
	pthread_mutex_destroy(&client->publish_mutex);
	free(client);
	return NULL;
}

/* --- the verbs ------------------------------------------------------------------------------------------------------------- */

static MQTTAsync_SSLOptions client_tls_options(struct link_client *client)
{
	MQTTAsync_SSLOptions options = MQTTAsync_SSLOptions_initializer;

	options.trustStore = client->ca_file;
	options.keyStore = client->cert_file;
	options.privateKey = client->key_file;
	options.sslVersion = MQTT_SSL_VERSION_TLS_1_2;
	options.enableServerCertAuth = 1;
	options.verify = 1; /* Paho's default checks the chain but not the host's name */
	options.ssl_error_cb = client_on_tls_error;
	options.ssl_error_context = client;
	return options;
}

int link_client_connect(struct link_client *client, int64_t attempt, struct ota_error *error)
{
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
	MQTTAsync_SSLOptions tls = client_tls_options(client);
	int code;

	pthread_mutex_lock(&client->publish_mutex);
	atomic_store(&client->attempt, attempt);
	pthread_mutex_unlock(&client->publish_mutex);
	pthread_mutex_lock(&client->mutex);
	client->tls_text[0] = '\0';
	pthread_mutex_unlock(&client->mutex);
	options.keepAliveInterval = client->keepalive_s;
	options.connectTimeout = client->connect_timeout_s;
	options.cleansession = 1;
	options.MQTTVersion = MQTTVERSION_3_1_1;
	options.username = client->username;
	options.password = client->password;
	options.ssl = client->tls ? &tls : NULL;
	options.onSuccess = client_on_connected;
	options.onFailure = client_on_not_connected;
	options.context = client;
	code = MQTTAsync_connect(client->paho, &options);
	if (code != MQTTASYNC_SUCCESS)
		return ota_fail(error, OTA_EUNAVAILABLE, "cannot connect: the MQTT library is still busy (%d)", code);
	return 0;
}

int link_client_subscribe(struct link_client *client, struct ota_error *error)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
	int code;

	options.onSuccess = client_on_subscribed;
	options.onFailure = client_on_not_subscribed;
	options.context = client;
	code = MQTTAsync_subscribeMany(client->paho, (int)client->subscription_count, client->subscriptions,
				       client->subscription_qos, &options);
	if (code != MQTTASYNC_SUCCESS)
		return ota_fail(error, OTA_EUNAVAILABLE, "cannot subscribe: %s", MQTTAsync_strerror(code));
	return 0;
}

void link_client_drop(struct link_client *client)
{
	MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

	MQTTAsync_disconnect(client->paho, &options);
}

int link_client_publish(struct link_client *client, const char *topic, struct ota_span payload, int qos, int64_t *ret_token,
			struct ota_error *error)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
	MQTTAsync_message message = MQTTAsync_message_initializer;
	char nothing[] = "";
	int code;

	if (payload.size > OTA_PAYLOAD_MAX)
		return ota_fail(error, OTA_ELIMIT, "payload of %zu bytes is larger than %d", payload.size, OTA_PAYLOAD_MAX);
	/* Paho only reads and copies the payload; its struct just lacks the const. */
	message.payload = payload.size ? (void *)(uintptr_t)payload.data : nothing;
	message.payloadlen = (int)payload.size;
	message.qos = qos;
	options.onSuccess = qos ? client_on_acknowledged : NULL;
	options.context = client;
	pthread_mutex_lock(&client->publish_mutex);
	code = MQTTAsync_sendMessage(client->paho, topic, &message, &options);
	if (code == MQTTASYNC_SUCCESS && ret_token)
		*ret_token = client_token(client, options.token);
	pthread_mutex_unlock(&client->publish_mutex);
	switch (code) {
	case MQTTASYNC_SUCCESS:
		return 0;
	case MQTTASYNC_DISCONNECTED:
		return ota_fail(error, OTA_EUNAVAILABLE, "cannot publish: not connected");
	case MQTTASYNC_MAX_BUFFERED_MESSAGES:
		return ota_fail(error, OTA_ELIMIT, "cannot publish: %d messages wait to be sent", LINK_UNSENT_MAX);
	default:
		return ota_fail(error, OTA_EIO, "cannot publish: %s", MQTTAsync_strerror(code));
	}
}

size_t link_client_subscription_count(const struct link_client *client)
{
	return client->subscription_count;
}

const char *link_client_subscription(const struct link_client *client, size_t index)
{
	return client->subscriptions[index];
}
