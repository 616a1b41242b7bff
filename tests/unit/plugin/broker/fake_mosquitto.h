/*
 * A fake Mosquitto in this process: the functions our plugin calls, and a test's way to raise the broker's events in the order
 * and with the contents that 2.0.11 was seen to use (mosquitto-plugin.md).
 */
#ifndef OTA_TESTS_FAKE_MOSQUITTO_H
#define OTA_TESTS_FAKE_MOSQUITTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

struct mosquitto {
	const char *id, *username;
	bool connected;
	bool keeps_session; /* connected without a clean session */
};

enum { FAKE_MESSAGES_MAX = 512 };
struct fake_message {
	char client_id[300], topic[200], payload[512];
	int qos;
	bool retain;
};

void fake_reset(void);
void fake_offer_connect_event(bool offered); /* as 2.1 does */

void fake_refuse_publish(bool refused); /* the broker has no memory */

/* What the plugin did. */
size_t fake_published(void);
const struct fake_message *fake_message(size_t index);
size_t fake_registered(void); /* callbacks */
size_t fake_kicked(void);
const char *fake_kick(size_t index);
const char *fake_log(void);
size_t fake_registered(void); /* callbacks */
size_t fake_allocated(void); /* mosquitto_malloc'ed and not handed back or over */

/* Events, to every callback registered for them. */
int fake_auth(struct mosquitto *client);
int fake_acl(struct mosquitto *client, int access, const char *topic, bool retain);
int fake_publish(struct mosquitto *client, const char *topic, const char *payload, int qos); /* MESSAGE alone */
int fake_control(struct mosquitto *client, const char *payload, size_t size);
void fake_disconnect(struct mosquitto *client);
void fake_connect_event(struct mosquitto *client);
void fake_offline_event(struct mosquitto *client);
void fake_tick(void);
int fake_reload(void);
/* A kick ends the client found here by its id, as the broker would. */
void fake_know(struct mosquitto *const *clients, size_t count);

#endif
