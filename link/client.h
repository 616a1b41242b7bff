/*
 * Client: Paho MQTTAsync behind five verbs.
 *
 * Paho calls back in its own threads; every callback becomes a note in the mailbox. Clean sessions, and Paho's own
 * reconnect and buffering off: both would publish again after a reconnect what the caller has long decided anew.
 *
 * connect, subscribe, disconnect and free belong to one thread; publish may be called from any.
 */
#ifndef OTA_LINK_CLIENT_H
#define OTA_LINK_CLIENT_H

#include "link/link.h"
#include "link/mailbox.h"

struct link_client;

int link_client_new(const struct ota_link_options *options, struct link_mailbox *mailbox, struct link_client **ret_client,
		    struct ota_error *error);
/* Disconnects when connected, waiting at most flush_ms for what is unacknowledged. No callback touches the mailbox afterwards. */
struct link_client *link_client_free(struct link_client *client, int64_t flush_ms);

/* Each ends in a note that carries `attempt`. A return other than 0 means that no note will come. */
/* password NULL: that of the options. */
int link_client_connect(struct link_client *client, int64_t attempt, const char *password, struct ota_error *error);
int link_client_subscribe(struct link_client *client, struct ota_error *error);
/* Gives a connection up; no note. */
void link_client_drop(struct link_client *client);

int link_client_publish(struct link_client *client, const char *topic, struct ota_span payload, int qos, int64_t *ret_token,
			struct ota_error *error);

size_t link_client_subscription_count(const struct link_client *client);
const char *link_client_subscription(const struct link_client *client, size_t index);

#endif
