/*
 * Notices: log lines about what clients were refused. Every refused login has its line; what a client can repeat at will is
 * paced. The broker's thread only.
 */
#ifndef OTA_PLUGIN_BROKER_NOTICE_H
#define OTA_PLUGIN_BROKER_NOTICE_H

#include "plugin/broker/server.h"

void ota_notice_login_refused(const struct ota_server *server, const struct mosquitto *client, const char *why);
/* A device opened the stored session of another one. */
void ota_notice_theft(const struct ota_server *server, const char *client_id, const struct ota_identity *thief,
		      const struct ota_identity *owner);
/* The secret of a device that logs in could not be read: a fault of ours, so its sentence is told. */
void ota_notice_keyring(struct ota_server *server, const struct ota_identity *identity, const struct ota_error *error);
/* A topic, a message or a command that was refused, and why. */
void ota_notice_refused(struct ota_server *server, const struct mosquitto *client, const char *event, const char *topic,
			const char *why);
/* Ends the line if the pace allows one, telling how many were held back since the last. */
void ota_notice_paced(const struct ota_server *server, struct ota_pace *pace, struct ota_log_line *line);

#endif
