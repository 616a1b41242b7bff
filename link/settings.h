/*
 * Settings: a copy of the options of a link, checked, that lives as long as its connection.
 */
#ifndef OTA_LINK_SETTINGS_H
#define OTA_LINK_SETTINGS_H

#include "link/link.h"
#include "link/server.h"

struct link_settings {
	struct link_server server;
	bool is_5;   /* MQTT 5 */
	char *proxy; /* as Paho wants it: without its scheme; NULL = none */
	char *ca_file, *cert_file, *key_file, *username, *password;
	char **subscriptions;
	int *subscription_qos;
	size_t subscription_count;
	int keepalive_s;
	int connect_timeout_s;
};

/* settings must be zeroed; to be cleared after a failure, too. The errors are those of ota_link_open(). */
int link_settings_copy(struct link_settings *settings, const struct ota_link_options *options, struct ota_error *error);
void link_settings_clear(struct link_settings *settings);

#endif
