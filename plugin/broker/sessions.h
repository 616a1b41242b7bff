/*
 * Sessions: whose the stored sessions of devices are, by client id. Mosquitto hands a stored session, with what waits in it, to
 * whoever names its client id next, whatever the username; so the id of a session that its device left open belongs to that
 * device until it ends it (connects with a clean session).
 *
 * 2.0.x tells nothing of the sessions it holds, so this remembers the logins of this run: the latest OTA_SESSIONS_MAX, about 400
 * bytes each. What it forgot, or never knew because the broker restored the session from its own file, is found out later
 * (clients.h). 2.1 can be asked, and is.
 *
 * Pure but for memory; belongs to the broker's thread.
 */
#ifndef OTA_PLUGIN_BROKER_SESSIONS_H
#define OTA_PLUGIN_BROKER_SESSIONS_H

#include "common/topic.h"

/* Five times the connections one broker carries: devices that name themselves anew at each start (aliyun-ota.md 0.8) leave
 * sessions behind for ever, and nobody tells us when the broker drops them. */
enum { OTA_SESSIONS_MAX = 100000 };

struct ota_sessions;

struct ota_sessions *ota_sessions_new(size_t capacity); /* NULL without memory */
struct ota_sessions *ota_sessions_free(struct ota_sessions *sessions); /* returns NULL */

/* The session under that id is the device's from now on. Without memory it is as if it were forgotten. */
void ota_sessions_keep(struct ota_sessions *sessions, const char *client_id, const struct ota_identity *identity);
void ota_sessions_clear(struct ota_sessions *sessions);
void ota_sessions_forget(struct ota_sessions *sessions, const char *client_id);
/* NULL: nobody's, as far as is known. Valid until the next change. */
const struct ota_identity *ota_sessions_owner(const struct ota_sessions *sessions, const char *client_id);

#endif
