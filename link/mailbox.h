/*
 * Mailbox: what Paho's threads noticed, waiting for the thread that dispatches. The only thing both sides touch.
 *
 * Bounded: a peer that sends faster than we handle costs us the connection, not the memory.
 */
#ifndef OTA_LINK_MAILBOX_H
#define OTA_LINK_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"

enum {
	LINK_MAILBOX_NOTES_MAX = 4096,
	LINK_MAILBOX_BYTES_MAX = 16 * 1024 * 1024,
};

enum link_note_kind {
	LINK_NOTE_CONNECTED,
	LINK_NOTE_NOT_CONNECTED, /* text: why */
	LINK_NOTE_LOST,          /* text: why */
	LINK_NOTE_SUBSCRIBED,    /* text: one byte per subscription, the granted QoS or 0x80 */
	LINK_NOTE_NOT_SUBSCRIBED,
	LINK_NOTE_MESSAGE, /* topic, text: the payload */
	LINK_NOTE_ACKNOWLEDGED,
	LINK_NOTE_REJECTED, /* text: why */
};

struct link_note {
	struct link_note *next;
	enum link_note_kind kind;
	int64_t number; /* the attempt it belongs to; ACKNOWLEDGED, REJECTED: the token */
	char *topic;    /* NUL-terminated, in the same allocation */
	struct ota_span text; /* likewise, followed by a NUL */
};

struct link_mailbox;

struct link_mailbox *link_mailbox_new(void); /* NULL without memory or descriptors */
struct link_mailbox *link_mailbox_free(struct link_mailbox *mailbox);
int link_mailbox_fd(const struct link_mailbox *mailbox); /* readable while something waits */

/* Any thread. topic and text are copied. A note that finds no room is dropped and the mailbox overflows. */
void link_mailbox_put(struct link_mailbox *mailbox, enum link_note_kind kind, int64_t number, const char *topic,
		      struct ota_span text);

/* Takes all notes in order (the caller frees each with free()) and whether something was dropped since the last call. */
struct link_note *link_mailbox_take(struct link_mailbox *mailbox, bool *ret_overflowed);

#endif
