#include "agent/adapters/mqtt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/adapters/login.h"
#include "common/digest.h"
#include "common/text.h"
#include "common/time.h"
#include "common/version.h"

enum { QOS_AT_LEAST_ONCE = 1 };

struct agent_mqtt {
	const struct agent_mqtt_options *options;
	const struct agent_mqtt_events *events;
	struct agent_login_options login;
	struct ota_link *link;
	char boot_id[OTA_BOOT_ID_MAX + 1];
	int64_t last_id;
	/* The last report that must be acknowledged; the core never asks for an older one. */
	int64_t report_token;
	uint32_t report_number;
};

/* A random UUID (RFC 9562, version 4). */
static int boot_id_make(char target[OTA_BOOT_ID_MAX + 1])
{
	unsigned char bytes[16];
	char hex[2 * sizeof(bytes) + 1];

	if (ota_random(bytes, sizeof(bytes)))
		return OTA_EIO;
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	ota_text_hex(hex, bytes, sizeof(bytes));
	snprintf(target, OTA_BOOT_ID_MAX + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return 0;
}

struct agent_mqtt *agent_mqtt_new(const struct agent_mqtt_options *options, const struct agent_mqtt_events *events,
				  struct ota_error *error)
{
	struct agent_mqtt *mqtt = calloc(1, sizeof(*mqtt));

	if (!mqtt || boot_id_make(mqtt->boot_id)) {
		free(mqtt);
		ota_fail(error, OTA_ENOMEM, "no memory or random bytes for a connection");
		return NULL;
	}
	mqtt->options = options;
	mqtt->login = (struct agent_login_options){
		.identity = options->identity,
		.is_tls = !strncmp(options->broker, "mqtts:", 6),
		.secret_file = options->device_secret_file,
	};
	mqtt->events = events;
	return mqtt;
}

struct agent_mqtt *agent_mqtt_free(struct agent_mqtt *mqtt, int64_t flush_ms)
{
	if (mqtt)
		ota_link_free(mqtt->link, flush_ms);
	free(mqtt);
	return NULL;
}

/* --- from the server -------------------------------------------------------------------------------------------------------- */

static void mqtt_on_up(void *context, bool first)
{
	struct agent_mqtt *mqtt = context;

	(void)first;
	mqtt->events->up(mqtt->events->context);
}

static void mqtt_on_down(void *context, const char *reason, int64_t retry_ms)
{
	struct agent_mqtt *mqtt = context;

	mqtt->events->down(mqtt->events->context, reason, retry_ms);
}

static void mqtt_on_offer(struct agent_mqtt *mqtt, struct ota_span payload)
{
	struct ota_offer offer;
	struct ota_error error = {0};
	int rc = ota_offer_parse(payload, &offer, &error);

	if (rc && ota_offer_name(payload, &offer)) {
		ota_error_prefix(&error, rc, "push");
		mqtt->events->offer(mqtt->events->context, &offer, error.text);
	} else if (rc) {
		ota_error_prefix(&error, rc, "push ignored");
		mqtt->events->strange(mqtt->events->context, error.text);
	} else {
		mqtt->events->offer(mqtt->events->context, &offer, NULL);
	}
}

static void mqtt_on_cancel(struct agent_mqtt *mqtt, struct ota_span payload)
{
	struct ota_error error = {0};
	int64_t batch, attempt;
	int rc = ota_cancel_parse(payload, &batch, &attempt, &error);

	if (rc) {
		ota_error_prefix(&error, rc, "cancel ignored");
		mqtt->events->strange(mqtt->events->context, error.text);
		return;
	}
	mqtt->events->cancel(mqtt->events->context, batch, attempt);
}

static void mqtt_on_message(void *context, const char *topic, struct ota_span payload)
{
	struct agent_mqtt *mqtt = context;
	struct ota_identity identity;
	enum ota_topic_kind kind = ota_topic_parse(ota_span_from_text(topic), &identity);
	bool is_ours = kind != OTA_TOPIC_FOREIGN && kind != OTA_TOPIC_BROKEN &&
		       ota_identity_equals(&identity, &mqtt->options->identity);

	if (is_ours && kind == OTA_TOPIC_UPGRADE)
		mqtt_on_offer(mqtt, payload);
	else if (is_ours && kind == OTA_TOPIC_CANCEL)
		mqtt_on_cancel(mqtt, payload);
	else
		mqtt->events->strange(mqtt->events->context, "message on a topic that is not ours");
}

static void mqtt_on_acknowledged(void *context, int64_t token)
{
	struct agent_mqtt *mqtt = context;

	if (mqtt->report_token && token == mqtt->report_token)
		mqtt->events->acknowledged(mqtt->events->context, mqtt->report_number);
}

/* Plain Aliyun-compatible servers know no cancel topic, and some deliver pushes without a subscription. */
static void mqtt_on_refused(void *context, const char *topic)
{
	struct agent_mqtt *mqtt = context;
	char text[OTA_TOPIC_SIZE + 32];

	snprintf(text, sizeof(text), "subscription refused: %s", topic);
	mqtt->events->strange(mqtt->events->context, text);
}

/* Nothing to do about it: what the core still wants to be heard is said again at the next connection. */
static void mqtt_on_rejected(void *context, int64_t token, const char *reason)
{
	struct agent_mqtt *mqtt = context;

	(void)token;
	mqtt->events->strange(mqtt->events->context, reason);
}

/* --- to the server ---------------------------------------------------------------------------------------------------------- */

static const char *none_if_empty(const char *text)
{
	return text && text[0] ? text : NULL;
}

static int mqtt_password(void *context, char ret_password[OTA_LINK_PASSWORD_SIZE], struct ota_error *error)
{
	const struct agent_mqtt *mqtt = context;

	return agent_login_password(&mqtt->login, ret_password, error);
}

static int mqtt_connect(void *context, struct ota_error *error)
{
	struct agent_mqtt *mqtt = context;
	const struct agent_mqtt_options *options = mqtt->options;
	char client_id[OTA_CLIENT_ID_MAX + 1], username[OTA_USERNAME_SIZE];
	char upgrade[OTA_TOPIC_SIZE], cancel[OTA_TOPIC_SIZE];
	const char *const subscriptions[] = {upgrade, cancel, NULL};
	const struct ota_link_options link_options = {
		.url = options->broker,
		.client_id = client_id,
		.username = username,
		.version = options->version,
		.proxy = none_if_empty(options->proxy),
		.no_proxy = none_if_empty(options->no_proxy),
		.ca_file = none_if_empty(options->ca_file),
		.cert_file = none_if_empty(options->cert_file),
		.key_file = none_if_empty(options->key_file),
		.keepalive_s = (int)(options->keepalive_ms / OTA_SECOND_MS),
		.backoff_base_ms = options->backoff_base_ms,
		.backoff_cap_ms = options->backoff_cap_ms,
		.subscriptions = subscriptions,
	};
	const struct ota_link_handlers handlers = {
		.password = none_if_empty(mqtt->login.secret_file) ? mqtt_password : NULL,
		.up = mqtt_on_up,
		.down = mqtt_on_down,
		.message = mqtt_on_message,
		.acknowledged = mqtt_on_acknowledged,
		.refused = mqtt_on_refused,
		.rejected = mqtt_on_rejected,
		.context = mqtt,
	};

	agent_login_client_id(&mqtt->login, client_id);
	ota_identity_print(username, &options->identity);
	ota_topic_print(upgrade, OTA_TOPIC_UPGRADE, &options->identity);
	ota_topic_print(cancel, OTA_TOPIC_CANCEL, &options->identity);
	return ota_link_open(&link_options, &handlers, &mqtt->link, error);
}

/* A failure to hand over needs no handling: what matters is said again at the next connection (agent/ports/report.h). */
static void mqtt_publish(struct agent_mqtt *mqtt, enum ota_topic_kind kind, const struct ota_bytes *text, int qos,
			 int64_t *ret_token)
{
	char topic[OTA_TOPIC_SIZE];

	ota_topic_print(topic, kind, &mqtt->options->identity);
	ota_link_publish(mqtt->link, topic, (struct ota_span){text->data, text->size}, qos, ret_token, NULL);
}

static void mqtt_inform(void *context, const struct ota_inform *inform)
{
	struct agent_mqtt *mqtt = context;
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_inform full = *inform;

	snprintf(full.agent, sizeof(full.agent), "ota-agent/%s", OTA_SOFTWARE_VERSION);
	ota_text_cut(full.boot_id, sizeof(full.boot_id), mqtt->boot_id);
	full.caps = OTA_CAP_ANNOUNCED | OTA_CAP_CANCEL;
	if (!ota_inform_print(&full, ++mqtt->last_id, &text, NULL))
		mqtt_publish(mqtt, OTA_TOPIC_INFORM, &text, QOS_AT_LEAST_ONCE, NULL);
}

static void mqtt_progress(void *context, const struct ota_progress *progress, int qos, uint32_t number)
{
	struct agent_mqtt *mqtt = context;
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	int64_t token = 0;

	if (ota_progress_print(progress, ++mqtt->last_id, &text, NULL))
		return;
	mqtt_publish(mqtt, OTA_TOPIC_PROGRESS, &text, qos, &token);
	if (!qos)
		return;
	mqtt->report_token = token;
	mqtt->report_number = number;
}

struct agent_reporter agent_mqtt_port(struct agent_mqtt *mqtt)
{
	return (struct agent_reporter){
		.connect = mqtt_connect, .inform = mqtt_inform, .progress = mqtt_progress, .context = mqtt};
}

int agent_mqtt_fd(const struct agent_mqtt *mqtt)
{
	return mqtt->link ? ota_link_fd(mqtt->link) : -1;
}

void agent_mqtt_dispatch(struct agent_mqtt *mqtt)
{
	ota_link_dispatch(mqtt->link);
}
