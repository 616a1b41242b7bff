/*
 * The way to the server over MQTT: topics, message texts and the link. Fills the report port; brings what the server says as
 * calls of struct agent_mqtt_events, all in the thread that dispatches.
 */
#ifndef OTA_AGENT_ADAPTERS_MQTT_H
#define OTA_AGENT_ADAPTERS_MQTT_H

#include "agent/ports/report.h"
#include "common/topic.h"
#include "link/link.h"

struct agent_mqtt_options {
	struct ota_identity identity;
	const char *broker; /* mqtt://host:port or mqtts://host:port */
	enum ota_mqtt_version version;
	const char *device_secret_file; /* "" = none */
	const char *ca_file, *cert_file, *key_file, *proxy, *no_proxy; /* "" = none */
	int64_t keepalive_ms, backoff_base_ms, backoff_cap_ms;
};

struct agent_mqtt_events {
	void (*up)(void *context);
	void (*down)(void *context, const char *reason, int64_t retry_ms);
	/* fault: what is wrong with it, then only what names it is there (ota_offer_name); NULL: nothing. */
	void (*offer)(void *context, const struct ota_offer *offer, const char *fault);
	void (*cancel)(void *context, int64_t batch, int64_t attempt);
	void (*acknowledged)(void *context, uint32_t number);
	/* Something came that is no message for us; or a subscription was refused. For the log. */
	void (*strange)(void *context, const char *what);
	void *context;
};

struct agent_mqtt;

/* options and events are borrowed. */
struct agent_mqtt *agent_mqtt_new(const struct agent_mqtt_options *options, const struct agent_mqtt_events *events,
				  struct ota_error *error);
/* Waits at most flush_ms for unacknowledged reports. */
struct agent_mqtt *agent_mqtt_free(struct agent_mqtt *mqtt, int64_t flush_ms);
struct agent_reporter agent_mqtt_port(struct agent_mqtt *mqtt);

/* -1 before connect. Poll for reading, then dispatch. */
int agent_mqtt_fd(const struct agent_mqtt *mqtt);
void agent_mqtt_dispatch(struct agent_mqtt *mqtt);

#endif
