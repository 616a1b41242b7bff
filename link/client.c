#include "link/client.h"

#include <MQTTAsync.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/limits.h"
#include "common/text.h"
#include "common/time.h"
#include "link/certificate.h"
#include "link/reason.h"
#include "link/settings.h"

enum {
	LINK_TLS_TEXT_SIZE = 128,
	LINK_REASON_SIZE = 256,
	LINK_PACKET_ID_BITS = 16,
	LINK_UNSENT_MAX = 4096,
	SUBACK_FAILURE = 0x80,
	REASON_FAILURE = 0x80, /* MQTT 5: this and above */
	LINK_DISCONNECT_GRACE_MS = 500, /* for Paho's thread to notice that its wait is over */
};

struct link_client {
	MQTTAsync paho;
	struct link_mailbox *mailbox;
	struct link_settings settings;
	/* Paho borrows a password until its CONNECT is written. Two, by turns: an attempt that is given up late keeps its own. */
	char passwords[2][OTA_LINK_PASSWORD_SIZE];

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

static void client_on_connected_5(void *context, MQTTAsync_successData5 *data)
{
	(void)data;
	client_note(context, LINK_NOTE_CONNECTED, NULL);
}

/* No answer of the broker's: it never got so far. Behind a proxy the certificate cannot be looked at. */
static void client_explain(struct link_client *client, const char *message, char *target, size_t size)
{
	const struct link_settings *settings = &client->settings;
	char fault[LINK_TLS_TEXT_SIZE];

	if (settings->server.tls && !settings->proxy &&
	    link_certificate_fault(&settings->server, settings->ca_file, fault, sizeof(fault))) {
		snprintf(target, size, "TLS: %s", fault);
		return;
	}
	pthread_mutex_lock(&client->mutex);
	if (client->tls_text[0])
		snprintf(target, size, "TLS: %s", client->tls_text);
	else if (settings->proxy)
		snprintf(target, size, "cannot connect through the proxy: %s", message ? message : "no answer");
	else
		snprintf(target, size, "cannot connect: %s", message ? message : "no answer");
	pthread_mutex_unlock(&client->mutex);
}

static void client_on_not_connected(void *context, MQTTAsync_failureData *data)
{
	struct link_client *client = context;
	const char *refusal = data ? link_reason_of_return_code(data->code) : NULL;
	char text[LINK_REASON_SIZE];

	if (refusal)
		ota_text_cut(text, sizeof(text), refusal);
	else
		client_explain(client, data ? data->message : NULL, text, sizeof(text));
	client_note(client, LINK_NOTE_NOT_CONNECTED, text);
}

/* A broker that knows no MQTT 5 may answer with a return code of 3.1.1. Paho hands a reason over as the one or the other. */
static void client_on_not_connected_5(void *context, MQTTAsync_failureData5 *data)
{
	enum { RETURN_CODE_VERSION = 1 };
	struct link_client *client = context;
	int reason = !data ? 0 : (int)data->reasonCode >= REASON_FAILURE ? (int)data->reasonCode : data->code;
	char text[LINK_REASON_SIZE];

	if (reason == MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION || reason == RETURN_CODE_VERSION)
		ota_text_cut(text, sizeof(text), "the broker does not speak MQTT 5");
	else if (reason >= REASON_FAILURE)
		link_reason_print(text, sizeof(text), "the broker refused the connection", reason, &data->properties);
	else
		client_explain(client, data ? data->message : NULL, text, sizeof(text));
	client_note(client, LINK_NOTE_NOT_CONNECTED, text);
}

static void client_on_lost(void *context, char *cause)
{
	client_note(context, LINK_NOTE_LOST, cause ? cause : "connection lost");
}

/* The broker says why it hangs up (MQTT 5). Paho closes the connection and does not call client_on_lost() any more. */
static void client_on_farewell(void *context, MQTTProperties *properties, enum MQTTReasonCodes code)
{
	char text[LINK_REASON_SIZE];

	link_reason_print(text, sizeof(text), "the broker hung up", (int)code, properties);
	client_note(context, LINK_NOTE_LOST, text);
}

static void client_note_granted(struct link_client *client, struct ota_span granted)
{
	link_mailbox_put(client->mailbox, LINK_NOTE_SUBSCRIBED, atomic_load(&client->attempt), NULL, granted);
}

/* Paho hands one granted QoS by value and several as an array whose length is the count we asked for. */
static void client_on_subscribed(void *context, MQTTAsync_successData *data)
{
	struct link_client *client = context;
	OTA_AUTO_BYTES struct ota_bytes granted = {0};

	for (size_t i = 0; i < client->settings.subscription_count; i++) {
		int qos = client->settings.subscription_count == 1 ? data->alt.qos : data->alt.qosList[i];

		ota_bytes_u8(&granted, (uint8_t)qos);
	}
	client_note_granted(client, (struct ota_span){granted.data, granted.size});
}

/* Whatever the reason of a refusal is, it is SUBACK_FAILURE to the link. */
static void client_on_subscribed_5(void *context, MQTTAsync_successData5 *data)
{
	struct link_client *client = context;
	OTA_AUTO_BYTES struct ota_bytes granted = {0};

	for (size_t i = 0; i < client->settings.subscription_count; i++) {
		bool is_listed = data->alt.sub.reasonCodes && i < (size_t)data->alt.sub.reasonCodeCount;
		unsigned code = is_listed ? data->alt.sub.reasonCodes[i] : data->reasonCode;

		ota_bytes_u8(&granted, (uint8_t)(code >= SUBACK_FAILURE ? SUBACK_FAILURE : code));
	}
	client_note_granted(client, (struct ota_span){granted.data, granted.size});
}

static void client_on_not_subscribed_5(void *context, MQTTAsync_failureData5 *data)
{
	struct link_client *client = context;
	static const char refused[] = {(char)SUBACK_FAILURE};

	if (data && (int)data->reasonCode >= REASON_FAILURE && client->settings.subscription_count == 1)
		client_note_granted(client, (struct ota_span){refused, sizeof(refused)});
	else
		client_note(client, LINK_NOTE_NOT_SUBSCRIBED,
			    data && data->message ? data->message : "the broker gave no answer");
}

/* Paho calls this for a SUBACK that refuses, too: with one subscription it is the only word of it (data->code 0x80). */
static void client_on_not_subscribed(void *context, MQTTAsync_failureData *data)
{
	struct link_client *client = context;
	static const char refused[] = {(char)SUBACK_FAILURE};

	if (data && data->code == SUBACK_FAILURE && client->settings.subscription_count == 1)
		client_note_granted(client, (struct ota_span){refused, sizeof(refused)});
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

static void client_on_acknowledged_5(void *context, MQTTAsync_successData5 *data)
{
	struct link_client *client = context;

	link_mailbox_put(client->mailbox, LINK_NOTE_ACKNOWLEDGED, client_token(client, data->token), NULL, (struct ota_span){0});
}

/* Also called for what was on its way when the connection broke; that is no word of the broker's. */
static void client_on_rejected_5(void *context, MQTTAsync_failureData5 *data)
{
	struct link_client *client = context;
	char text[LINK_REASON_SIZE];

	if (!data || (int)data->reasonCode < REASON_FAILURE)
		return;
	link_reason_print(text, sizeof(text), "the broker did not take a message", data->reasonCode, &data->properties);
	link_mailbox_put(client->mailbox, LINK_NOTE_REJECTED, client_token(client, data->token), NULL, ota_span_from_text(text));
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

static void client_on_disconnect_done_5(void *context, MQTTAsync_successData5 *data)
{
	(void)data;
	client_on_disconnected(context);
}

static void client_on_disconnect_failed_5(void *context, MQTTAsync_failureData5 *data)
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

static int client_create_paho(struct link_client *client, const char *client_id, struct ota_error *error)
{
	MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
	int code;

	options.MQTTVersion = client->settings.is_5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
	/* Also counts what is only on its way to the socket; the default of 100 would refuse a short burst. */
	options.maxBufferedMessages = LINK_UNSENT_MAX;
	code = MQTTAsync_createWithOptions(&client->paho, client->settings.server.url, client_id, MQTTCLIENT_PERSISTENCE_NONE,
					   NULL, &options);
	if (code == MQTTASYNC_SUCCESS)
		code = MQTTAsync_setCallbacks(client->paho, client, client_on_lost, client_on_message, NULL);
	if (code == MQTTASYNC_SUCCESS && client->settings.is_5)
		code = MQTTAsync_setDisconnected(client->paho, client, client_on_farewell);
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
	struct link_client *client = calloc(1, sizeof(*client));
	int rc;

	if (!client)
		return ota_fail(error, OTA_ENOMEM, "no memory for a connection");
	pthread_mutex_init(&client->publish_mutex, NULL);
	pthread_mutex_init(&client->mutex, NULL);
	condition_init_monotonic(&client->disconnected_cond);
	client->mailbox = mailbox;
	rc = link_settings_copy(&client->settings, options, error);
	rc = rc ? rc : client_create_paho(client, options->client_id, error);
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

static MQTTAsync_disconnectOptions client_disconnect_options(const struct link_client *client)
{
	const MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
	const MQTTAsync_disconnectOptions options_5 = MQTTAsync_disconnectOptions_initializer5;

	return client->settings.is_5 ? options_5 : options;
}

/* Paho must be quiet before it is destroyed: it calls back with its lock released and frees what the callback stands on. */
static void client_disconnect(struct link_client *client, int64_t flush_ms)
{
	MQTTAsync_disconnectOptions options = client_disconnect_options(client);

	options.timeout = (int)flush_ms;
	options.onSuccess = client->settings.is_5 ? NULL : client_on_disconnect_done;
	options.onFailure = client->settings.is_5 ? NULL : client_on_disconnect_failed;
	options.onSuccess5 = client->settings.is_5 ? client_on_disconnect_done_5 : NULL;
	options.onFailure5 = client->settings.is_5 ? client_on_disconnect_failed_5 : NULL;
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
	link_settings_clear(&client->settings);
	explicit_bzero(client->passwords, sizeof(client->passwords));
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

	options.trustStore = client->settings.ca_file;
	options.disableDefaultTrustStore = client->settings.ca_file != NULL;
	options.keyStore = client->settings.cert_file;
	options.privateKey = client->settings.key_file;
	options.sslVersion = MQTT_SSL_VERSION_TLS_1_2;
	options.enableServerCertAuth = 1;
	options.verify = 1; /* Paho's default checks the chain but not the host's name */
	options.ssl_error_cb = client_on_tls_error;
	options.ssl_error_context = client;
	return options;
}

/* A session that ends with its connection, in either version: pushes go only to who is connected, so nothing waits for us. */
static MQTTAsync_connectOptions client_connect_options(struct link_client *client)
{
	const MQTTAsync_connectOptions blank = MQTTAsync_connectOptions_initializer;
	const MQTTAsync_connectOptions blank_5 = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_connectOptions options = client->settings.is_5 ? blank_5 : blank;

	options.keepAliveInterval = client->settings.keepalive_s;
	options.connectTimeout = client->settings.connect_timeout_s;
	options.username = client->settings.username;
	options.password = client->settings.password;
	options.httpProxy = options.httpsProxy = client->settings.proxy;
	options.context = client;
	if (client->settings.is_5) {
		options.cleanstart = 1;
		options.onSuccess5 = client_on_connected_5;
		options.onFailure5 = client_on_not_connected_5;
		return options;
	}
	options.cleansession = 1;
	options.MQTTVersion = MQTTVERSION_3_1_1;
	options.onSuccess = client_on_connected;
	options.onFailure = client_on_not_connected;
	return options;
}

static void client_take_password(struct link_client *client, int64_t attempt, const char *password,
				 MQTTAsync_connectOptions *options)
{
	char *own = client->passwords[attempt % 2];

	if (!password)
		return;
	ota_text_cut(own, OTA_LINK_PASSWORD_SIZE, password);
	options->password = own;
}

int link_client_connect(struct link_client *client, int64_t attempt, const char *password, struct ota_error *error)
{
	MQTTAsync_connectOptions options = client_connect_options(client);
	MQTTAsync_SSLOptions tls = client_tls_options(client);
	int code;

	client_take_password(client, attempt, password, &options);
	pthread_mutex_lock(&client->publish_mutex);
	atomic_store(&client->attempt, attempt);
	pthread_mutex_unlock(&client->publish_mutex);
	pthread_mutex_lock(&client->mutex);
	client->tls_text[0] = '\0';
	pthread_mutex_unlock(&client->mutex);
	options.ssl = client->settings.server.tls ? &tls : NULL;
	code = MQTTAsync_connect(client->paho, &options);
	if (code != MQTTASYNC_SUCCESS)
		return ota_fail(error, OTA_EUNAVAILABLE, "cannot connect: the MQTT library is still busy (%d)", code);
	return 0;
}

int link_client_subscribe(struct link_client *client, struct ota_error *error)
{
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
	int code;

	if (client->settings.is_5) {
		options.onSuccess5 = client_on_subscribed_5;
		options.onFailure5 = client_on_not_subscribed_5;
	} else {
		options.onSuccess = client_on_subscribed;
		options.onFailure = client_on_not_subscribed;
	}
	options.context = client;
	code = MQTTAsync_subscribeMany(client->paho, (int)client->settings.subscription_count, client->settings.subscriptions,
				       client->settings.subscription_qos, &options);
	if (code != MQTTASYNC_SUCCESS)
		return ota_fail(error, OTA_EUNAVAILABLE, "cannot subscribe: %s", MQTTAsync_strerror(code));
	return 0;
}

void link_client_drop(struct link_client *client)
{
	MQTTAsync_disconnectOptions options = client_disconnect_options(client);

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
	if (qos && client->settings.is_5) {
		options.onSuccess5 = client_on_acknowledged_5;
		options.onFailure5 = client_on_rejected_5;
	} else if (qos) {
		options.onSuccess = client_on_acknowledged;
	}
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
	return client->settings.subscription_count;
}

const char *link_client_subscription(const struct link_client *client, size_t index)
{
	return client->settings.subscriptions[index];
}
