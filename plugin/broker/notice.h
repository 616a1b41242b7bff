/*
 * Notices: log lines about what clients were refused. What a client can repeat at will is paced: first by the device's own share
 * (quota.h), then by that of all; a line tells how many like it were held back. The broker's thread only.
 */
#ifndef OTA_PLUGIN_BROKER_NOTICE_H
#define OTA_PLUGIN_BROKER_NOTICE_H

#include "plugin/broker/server.h"

void ota_notice_login_refused(struct ota_server *server, const struct mosquitto *client, const char *why);
/* A device opened the stored session of another one. */
void ota_notice_theft(struct ota_server *server, const struct ota_peer_view *thief, const struct ota_identity *owner);
/* The secret of a device that logs in could not be read: a fault of ours, so its sentence is told. */
void ota_notice_keyring(struct ota_server *server, const struct ota_identity *identity, const struct ota_error *error);
/* A topic, a message or a command that was refused, and why. */
void ota_notice_refused(struct ota_server *server, const struct mosquitto *client, const char *event, const char *topic,
			const char *why);
/* A report that found no place, at QoS 0 for good. */
void ota_notice_dropped(struct ota_server *server, const struct mosquitto_evt_message *message, const char *why);
/* A device that is cut off. Once a minute for each at the most, so each has its line. */
void ota_notice_floods(const struct ota_server *server, const struct mosquitto *client);

#endif
