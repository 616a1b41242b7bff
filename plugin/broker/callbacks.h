/*
 * Callbacks: the broker's events, each translated into one decision of access, one line of the journal, one item of the queue.
 * Nothing here blocks, and nothing parses a payload. The broker's thread only.
 *
 * What they return is a decision: from MESSAGE anything but success and ACL_DENIED closes the connection, from CONTROL anything
 * but success does.
 */
#ifndef OTA_PLUGIN_BROKER_CALLBACKS_H
#define OTA_PLUGIN_BROKER_CALLBACKS_H

#include "plugin/broker/server.h"

/* Registers everything this broker knows. The server must outlive it (until the broker has called cleanup). */
int ota_callbacks_register(struct ota_server *server, mosquitto_plugin_id_t *identifier, struct ota_error *error);
/* Takes back what was registered: before 2.1 the broker forgets its own list of it without freeing it. */
void ota_callbacks_unregister(struct ota_server *server);

#endif
