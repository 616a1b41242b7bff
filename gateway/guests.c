#include "gateway/guests.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

struct ota_guest {
	struct ota_guest *next, *previous;
	int fd;
	int64_t due_ms;
};

struct ota_guests {
	pthread_mutex_t lock;
	struct ota_guest *first;
};

struct ota_guests *ota_guests_new(void)
{
	struct ota_guests *guests = calloc(1, sizeof(*guests));

	if (guests)
		(void)pthread_mutex_init(&guests->lock, NULL);
	return guests;
}

struct ota_guests *ota_guests_free(struct ota_guests *guests)
{
	if (guests) {
		(void)pthread_mutex_destroy(&guests->lock);
		free(guests);
	}
	return NULL;
}

struct ota_guest *ota_guests_enter(struct ota_guests *guests, int fd, int64_t now_ms)
{
	struct ota_guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return NULL;
	guest->fd = fd;
	guest->due_ms = now_ms + OTA_GUESTS_HEADER_MS;
	(void)pthread_mutex_lock(&guests->lock);
	guest->next = guests->first;
	if (guest->next)
		guest->next->previous = guest;
	guests->first = guest;
	(void)pthread_mutex_unlock(&guests->lock);
	return guest;
}

void ota_guests_leave(struct ota_guests *guests, struct ota_guest *guest)
{
	if (!guest)
		return;
	(void)pthread_mutex_lock(&guests->lock);
	if (guest->previous)
		guest->previous->next = guest->next;
	else
		guests->first = guest->next;
	if (guest->next)
		guest->next->previous = guest->previous;
	(void)pthread_mutex_unlock(&guests->lock);
	free(guest);
}

void ota_guests_expect(struct ota_guests *guests, struct ota_guest *guest, int64_t due_ms)
{
	if (!guest)
		return;
	(void)pthread_mutex_lock(&guests->lock);
	guest->due_ms = due_ms;
	(void)pthread_mutex_unlock(&guests->lock);
}

/* Under the lock a guest has not left, so its descriptor is still its own. */
size_t ota_guests_sweep(struct ota_guests *guests, int64_t now_ms)
{
	size_t count = 0;

	(void)pthread_mutex_lock(&guests->lock);
	for (struct ota_guest *guest = guests->first; guest; guest = guest->next) {
		if (guest->due_ms > now_ms)
			continue;
		(void)shutdown(guest->fd, SHUT_RDWR);
		guest->due_ms = INT64_MAX;
		count++;
	}
	(void)pthread_mutex_unlock(&guests->lock);
	return count;
}
