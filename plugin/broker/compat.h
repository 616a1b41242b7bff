/*
 * Compat: one plugin for Mosquitto 2.0.11 .. 2.1.x, built against the headers of 2.0.11.
 *
 * What every build exports is called directly (plugin/broker/symbols lists it, a test compares). The rest is found when the
 * plugin is loaded: events by registering them, property functions by name. With it goes everything else that differs between
 * releases.
 */
#ifndef OTA_PLUGIN_BROKER_COMPAT_H
#define OTA_PLUGIN_BROKER_COMPAT_H

#include <stdbool.h>
#include <stdint.h>

#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

/* Events of 2.1, which the headers of 2.0 do not know. Their data begin as those of DISCONNECT: a pointer for later use, then the
 * client. */
enum {
	OTA_EVT_CONNECT = 11,
	OTA_EVT_CLIENT_OFFLINE = 28,
};

struct ota_evt_client {
	void *future;
	struct mosquitto *client;
};

struct ota_compat {
	bool tells_connect; /* 2.1: CONNECT after a login, CLIENT_OFFLINE when a persistent session loses its connection */
	int reload_answer;  /* of RELOAD: 2.0 takes anything but DEFER for the end of its own reload */
	int (*property_add_int32)(mosquitto_property **list, int identifier, uint32_t value); /* NULL when this build has none */
	void (*property_free_all)(mosquitto_property **list);
	struct mosquitto *(*client_find)(const char *client_id); /* 2.1: also one whose session alone is left; NULL before */
};

/* Looks for the functions; the events are told by whoever registers them. */
void ota_compat_find(struct ota_compat *compat);

/* True where it can be seen that the plugin was loaded for one listener alone (per_listener_settings). Only after the events were
 * registered. */
bool ota_compat_is_per_listener(const struct ota_compat *compat, const mosquitto_plugin_id_t *identifier);

#endif
