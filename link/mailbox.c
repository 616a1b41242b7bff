#include "link/mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct link_mailbox {
	pthread_mutex_t mutex;
	struct link_note *first;
	struct link_note **tail;
	size_t notes;
	size_t bytes;
	bool overflowed;
	int fd;
};

struct link_mailbox *link_mailbox_new(void)
{
	struct link_mailbox *mailbox = calloc(1, sizeof(*mailbox));

	if (!mailbox)
		return NULL;
	mailbox->tail = &mailbox->first;
	mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->fd < 0) {
		free(mailbox);
		return NULL;
	}
	pthread_mutex_init(&mailbox->mutex, NULL);
	return mailbox;
}

struct link_mailbox *link_mailbox_free(struct link_mailbox *mailbox)
{
	if (!mailbox)
		return NULL;
	for (struct link_note *note = mailbox->first, *next; note; note = next) {
		next = note->next;
		free(note);
	}
	pthread_mutex_destroy(&mailbox->mutex);
	close(mailbox->fd);
	free(mailbox);
	return NULL;
}

int link_mailbox_fd(const struct link_mailbox *mailbox)
{
	return mailbox->fd;
}

static struct link_note *note_new(enum link_note_kind kind, const char *topic, struct ota_span text)
{
	size_t topic_size = strlen(topic) + 1;
	struct link_note *note = malloc(sizeof(*note) + topic_size + text.size + 1);
	char *bytes;

	if (!note)
		return NULL;
	bytes = (char *)(note + 1);
	memcpy(bytes, topic, topic_size);
	if (text.size)
		memcpy(bytes + topic_size, text.data, text.size);
	bytes[topic_size + text.size] = '\0';
	*note = (struct link_note){.kind = kind, .topic = bytes, .text = {bytes + topic_size, text.size}};
	return note;
}

/* What tells of the connection itself always finds room: losing it would leave the link asleep. */
static bool mailbox_has_room(const struct link_mailbox *mailbox, enum link_note_kind kind, size_t size)
{
	if (kind != LINK_NOTE_MESSAGE && kind != LINK_NOTE_ACKNOWLEDGED)
		return true;
	return mailbox->notes < LINK_MAILBOX_NOTES_MAX && size <= LINK_MAILBOX_BYTES_MAX - mailbox->bytes;
}

static void mailbox_append(struct link_mailbox *mailbox, struct link_note *note)
{
	*mailbox->tail = note;
	mailbox->tail = &note->next;
	mailbox->notes++;
	if (note->kind == LINK_NOTE_MESSAGE)
		mailbox->bytes += note->text.size;
}

static void mailbox_wake(const struct link_mailbox *mailbox)
{
	const uint64_t one = 1;
	/* The counter cannot reach its end and a full counter is readable all the same, so there is no failure to act on. */
	ssize_t ignored = write(mailbox->fd, &one, sizeof(one));

	(void)ignored;
}

void link_mailbox_put(struct link_mailbox *mailbox, enum link_note_kind kind, int64_t number, const char *topic,
		      struct ota_span text)
{
	pthread_mutex_lock(&mailbox->mutex);
	struct link_note *note = mailbox_has_room(mailbox, kind, text.size) ? note_new(kind, topic ? topic : "", text) : NULL;

	if (note) {
		note->number = number;
		mailbox_append(mailbox, note);
	} else {
		mailbox->overflowed = true;
	}
	pthread_mutex_unlock(&mailbox->mutex);
	mailbox_wake(mailbox);
}

struct link_note *link_mailbox_take(struct link_mailbox *mailbox, bool *ret_overflowed)
{
	uint64_t count;
	struct link_note *first;
	/* Emptied before the notes are taken: a note put in between wakes us once more for nothing, never the other way round. */
	ssize_t ignored = read(mailbox->fd, &count, sizeof(count));

	(void)ignored;
	pthread_mutex_lock(&mailbox->mutex);
	first = mailbox->first;
	*ret_overflowed = mailbox->overflowed;
	mailbox->first = NULL;
	mailbox->tail = &mailbox->first;
	mailbox->notes = 0;
	mailbox->bytes = 0;
	mailbox->overflowed = false;
	pthread_mutex_unlock(&mailbox->mutex);
	return first;
}
