#include "plugin/broker/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct ota_mailbox {
	pthread_mutex_t mutex;
	struct ota_outbox outbox;
	struct ota_lines lines;
	_Atomic bool filled;
};

struct ota_mailbox *ota_mailbox_new(void)
{
	struct ota_mailbox *mailbox = calloc(1, sizeof(*mailbox));
	if (mailbox)
		pthread_mutex_init(&mailbox->mutex, NULL);
	return mailbox;
}

struct ota_mailbox *ota_mailbox_free(struct ota_mailbox *mailbox)
{
	if (!mailbox)
		return NULL;
	ota_outbox_clear(&mailbox->outbox);
	ota_lines_clear(&mailbox->lines);
	pthread_mutex_destroy(&mailbox->mutex);
	free(mailbox);
	return NULL;
}

int ota_mailbox_post(struct ota_mailbox *mailbox, struct ota_outbox *outbox, struct ota_lines *lines)
{
	if (outbox->count == 0 && lines->count == 0 && lines->lost == 0)
		return 0;
	pthread_mutex_lock(&mailbox->mutex);
	int code = ota_outbox_move(&mailbox->outbox, outbox);
	ota_lines_move(&mailbox->lines, lines);
	atomic_store(&mailbox->filled, true);
	pthread_mutex_unlock(&mailbox->mutex);
	return code;
}

int ota_mailbox_take(struct ota_mailbox *mailbox, struct ota_outbox *outbox, struct ota_lines *lines)
{
	if (ota_mailbox_is_empty(mailbox))
		return 0;
	pthread_mutex_lock(&mailbox->mutex);
	int code = ota_outbox_move(outbox, &mailbox->outbox);
	ota_lines_move(lines, &mailbox->lines);
	atomic_store(&mailbox->filled, code != 0);
	pthread_mutex_unlock(&mailbox->mutex);
	return code;
}

bool ota_mailbox_is_empty(const struct ota_mailbox *mailbox)
{
	return !atomic_load(&mailbox->filled);
}
