/*
 * Mailbox: what the worker hands to the broker's thread after a commit: messages to send and lines to log.
 *
 * Thread rule: post belongs to the worker's thread, take and is_empty to the broker's.
 */
#ifndef OTA_PLUGIN_BROKER_MAILBOX_H
#define OTA_PLUGIN_BROKER_MAILBOX_H

#include <stdbool.h>

#include "plugin/broker/lines.h"
#include "plugin/fleet/outbox.h"

struct ota_mailbox;

struct ota_mailbox *ota_mailbox_new(void); /* NULL without memory */
struct ota_mailbox *ota_mailbox_free(struct ota_mailbox *mailbox); /* returns NULL */

/* Takes over everything in both and leaves them empty. OTA_ENOMEM: the messages stay where they were. */
int ota_mailbox_post(struct ota_mailbox *mailbox, struct ota_outbox *outbox, struct ota_lines *lines);
/* Appends everything posted. */
int ota_mailbox_take(struct ota_mailbox *mailbox, struct ota_outbox *outbox, struct ota_lines *lines);
bool ota_mailbox_is_empty(const struct ota_mailbox *mailbox); /* cheap: asked in every callback */

#endif
