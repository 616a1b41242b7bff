/*
 * Presence: who is online, as far as the worker knows. In memory, lost at a restart, when nobody is online until he connects
 * again. Belongs to the worker's thread.
 */
#ifndef OTA_PLUGIN_FLEET_PRESENCE_H
#define OTA_PLUGIN_FLEET_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/topic.h"

struct ota_presence; /* the table */

struct ota_connection {
	struct ota_identity identity;
	uint64_t number;    /* the broker's number of the connection */
	int64_t settle_at;  /* heard_ms at which the connect has settled */
	bool settled;
	uint64_t settled_in; /* the engine's turn */
	int64_t quiet_until; /* heard_ms: what the device repeats is not noted again before */
};

struct ota_presence *ota_presence_new(void); /* NULL without memory */
struct ota_presence *ota_presence_free(struct ota_presence *presence);

/* A newer connection of an identity replaces the older. settle_at must not be less than that of any connection made before. 0 or
 * OTA_ENOMEM. */
int ota_presence_connect(struct ota_presence *presence, const struct ota_identity *identity, uint64_t number, int64_t settle_at);
/* Ignored unless `number` is the identity's present connection; true if it was. */
bool ota_presence_disconnect(struct ota_presence *presence, const struct ota_identity *identity, uint64_t number);

/* NULL when offline. Valid until the next call that changes the table. */
const struct ota_connection *ota_presence_find(const struct ota_presence *presence, const struct ota_identity *identity);

/* The earliest connection that has not settled; NULL if none. */
const struct ota_connection *ota_presence_unsettled(const struct ota_presence *presence);
void ota_presence_settle(struct ota_presence *presence, const struct ota_identity *identity, uint64_t turn);

/* Who settled in that turn settles once more, before the others. */
void ota_presence_unsettle(struct ota_presence *presence, uint64_t turn);

/* True at most once a minute for a connected device: whether something it says again and again may take a row of the log. */
bool ota_presence_may_note(struct ota_presence *presence, const struct ota_identity *identity, int64_t heard_ms);

int64_t ota_presence_count(const struct ota_presence *presence);

#endif
