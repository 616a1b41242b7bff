/*
 * Intake: what devices send and operators command, on its way into journal and queue. Nothing is parsed here but topics, and the
 * steps of a device that tells more of them than are written (OTA_DEVICE_STEPS_SECOND). The broker's thread only.
 *
 * Steps (progress 0..99) at QoS 0 that come too fast wait for a newer one of the same module and attempt. The last one is always
 * written: when the next is due, before anything else of its device, when its connection ends, when the server stops. What is
 * acknowledged never waits; a device that sends too much at QoS 1 loses its connection without a PUBACK, and sends it again.
 *
 * What the functions for messages return is the answer of the MESSAGE event: success, ACL_DENIED (dropped, the connection is
 * kept, MQTT 3.1.1 gets its PUBACK), anything else closes the connection without PUBACK.
 */
#ifndef OTA_PLUGIN_BROKER_INTAKE_H
#define OTA_PLUGIN_BROKER_INTAKE_H

#include "plugin/access/rights.h"
#include "plugin/broker/server.h"

int ota_intake_message(struct ota_server *server, const struct mosquitto_evt_message *message);
/* A device publishes, subscribes or unsubscribes one of our topics: does it so often that it has to be cut off? Publishing is
 * counted here only when it is denied, else it comes as a message. */
bool ota_intake_access_floods(struct ota_server *server, const struct mosquitto *client, const struct ota_access *access,
			      enum ota_ruling ruling);
/* In TICK: what waited long enough is written. */
void ota_intake_write_due(struct ota_server *server);
/* Before the connection is forgotten: what waits is written. */
void ota_intake_gone(struct ota_server *server, const struct mosquitto *client);
/* Before the worker stops. */
void ota_intake_end(struct ota_server *server);
void ota_intake_command(struct ota_server *server, const struct mosquitto_evt_control *control);

#endif
