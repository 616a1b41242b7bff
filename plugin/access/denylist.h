/*
 * Denylist: the devices that an operator shut out (disableDevice), in memory, so that asking costs no look into the store: it is
 * asked at each login, and for each message and recipient while it is not empty. The store holds the truth; this is filled from
 * it at the start and follows it by orders (plugin/fleet/outbox.h).
 *
 * Pure but for memory; belongs to the broker's thread. A device takes about 200 bytes.
 */
#ifndef OTA_PLUGIN_ACCESS_DENYLIST_H
#define OTA_PLUGIN_ACCESS_DENYLIST_H

#include <stdbool.h>
#include <stddef.h>

struct ota_denylist;

struct ota_denylist *ota_denylist_new(void); /* NULL without memory */
struct ota_denylist *ota_denylist_free(struct ota_denylist *denylist); /* returns NULL */

/* By username, "dn&pk". Adding twice is fine. 0 or OTA_ENOMEM. */
int ota_denylist_add(struct ota_denylist *denylist, const char *username);
void ota_denylist_remove(struct ota_denylist *denylist, const char *username);
/* False for NULL: whoever is nobody is no device. */
bool ota_denylist_has(const struct ota_denylist *denylist, const char *username);
size_t ota_denylist_count(const struct ota_denylist *denylist);

#endif
