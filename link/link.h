/*
 * Link: one MQTT connection that keeps itself up. The only wrapper of Paho MQTT C; gateway and agent share it.
 *
 * Connects in the background, reconnects with full jitter (random between 0 and min(cap, base * 2^n)), subscribes again after
 * each connect, and hands messages over in the caller's own thread: Paho's threads only queue and make `ota_link_fd()` readable;
 * ota_link_dispatch() calls the handlers. So all handlers run in the thread that dispatches, and handlers may call any function
 * here but ota_link_dispatch() and ota_link_free(). What waits to be dispatched is bounded (link/mailbox.h): a peer that sends
 * faster than we handle costs us the connection, not the memory.
 *
 * Ownership: options and handlers are copied; strings too. Create and free in one thread; ota_link_publish() and ota_link_state()
 * from any thread.
 */
#ifndef OTA_LINK_LINK_H
#define OTA_LINK_LINK_H

#include "common/bytes.h"
#include "common/error.h"

struct ota_link;

enum ota_mqtt_version {
	OTA_MQTT_3_1_1, /* what every broker speaks, the Aliyun platform among them */
	OTA_MQTT_5,     /* the broker's own words for why it refuses or hangs up; nothing else of it is needed */
};

struct ota_link_options {
	const char *url;       /* "mqtt://host:1883" or "mqtts://host:8883" */
	const char *client_id;
	const char *username;  /* NULL = none */
	const char *password;  /* NULL = none */
	const char *ca_file;   /* mqtts: CA bundle, NULL = the system's */
	const char *cert_file; /* mqtts: client certificate, NULL = none */
	const char *key_file;
	const char *proxy;     /* "http://[user:password@]host:port" (CONNECT), NULL = none */
	const char *no_proxy;  /* words: hosts and domains reached without it; NULL = none (link/proxy.h) */
	enum ota_mqtt_version version;
	int keepalive_s;           /* 0 = 60 */
	int64_t connect_timeout_ms; /* 0 = 10 s */
	int64_t backoff_base_ms;   /* 0 = 1 s */
	int64_t backoff_cap_ms;    /* 0 = 60 s */
	const char *const *subscriptions; /* NULL-terminated topics, QoS 1, made again after every connect; NULL = none */
};

enum { OTA_LINK_PASSWORD_SIZE = 128 };

struct ota_link_handlers {
	/* The password of the next attempt, asked for before each one, so that it may come from a file that changes. An error is
	 * a failed attempt, told to down() in its own words. NULL: the password of the options. */
	int (*password)(void *context, char ret_password[OTA_LINK_PASSWORD_SIZE], struct ota_error *error);
	/* Connected and subscribed; `first` is true for the first time. */
	void (*up)(void *context, bool first);
	/* Connection lost or not to be had; reason is a sentence. Called once per loss and once per failed attempt, with the
	 * pause before the next one. */
	void (*down)(void *context, const char *reason, int64_t retry_ms);
	void (*message)(void *context, const char *topic, struct ota_span payload);
	/* The broker acknowledged publish `token` (QoS 1). A token is never reused among publishes still unacknowledged. */
	void (*acknowledged)(void *context, int64_t token);
	/* The broker refused this subscription, told before `up`; the connection stays. NULL: a refusal is a failed attempt and
	 * is retried. */
	void (*refused)(void *context, const char *topic);
	/* MQTT 5: the broker did not take publish `token`, and says why; acknowledged() will not come. May be NULL. */
	void (*rejected)(void *context, int64_t token, const char *reason);
	void *context;
};

/*
 * Starts connecting. Errors: OTA_EINVALID for a bad url, proxy or certificate file, OTA_ENOMEM. Paho follows http_proxy (mqtt://)
 * and https_proxy (mqtts://) of the environment and cannot be told not to: where one of them would send us elsewhere than the
 * options say, OTA_ECONFLICT asks for it to be unset.
 */
int ota_link_open(const struct ota_link_options *options, const struct ota_link_handlers *handlers, struct ota_link **ret_link,
		  struct ota_error *error);
/* What ota_link_open() would say to these options, without a connection. */
int ota_link_check(const struct ota_link_options *options, struct ota_error *error);
/* Disconnects (at most `flush_ms` for what is unacknowledged), frees, returns NULL. No handler runs afterwards. */
struct ota_link *ota_link_free(struct ota_link *link, int64_t flush_ms);

/* Readable while something waits for ota_link_dispatch(). */
int ota_link_fd(const struct ota_link *link);
void ota_link_dispatch(struct ota_link *link);

bool ota_link_is_up(struct ota_link *link);
/* QoS 0 or 1. OTA_EUNAVAILABLE when not connected: nothing is queued while down, the caller decides again at `up`. OTA_ELIMIT for
 * a payload over OTA_PAYLOAD_MAX, or when 4096 messages already wait for the socket. ret_token may be NULL. */
int ota_link_publish(struct ota_link *link, const char *topic, struct ota_span payload, int qos, int64_t *ret_token,
		     struct ota_error *error);

#endif
