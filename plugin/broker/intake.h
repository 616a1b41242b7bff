/*
 * Intake: what devices send and operators command, on its way into journal and queue. Nothing is parsed here but topics. The
 * broker's thread only.
 *
 * What the functions for messages return is the answer of the MESSAGE event: success, ACL_DENIED (dropped, the connection is
 * kept, MQTT 3.1.1 gets its PUBACK), anything else closes the connection without PUBACK.
 */
#ifndef OTA_PLUGIN_BROKER_INTAKE_H
#define OTA_PLUGIN_BROKER_INTAKE_H

#include "plugin/broker/server.h"

int ota_intake_message(struct ota_server *server, const struct mosquitto_evt_message *message);
void ota_intake_command(struct ota_server *server, const struct mosquitto_evt_control *control);

#endif
