/*
 * Guests: the open connections that owe us something, and until when.
 *
 * libmicrohttpd closes a connection that is silent, not one that trickles a byte every so often. So each connection has a
 * deadline for what it is sending (its next header, or its body), and one that misses it is shut down: a few slow senders
 * cannot hold all places.
 *
 * Thread rule: any thread.
 */
#ifndef OTA_GATEWAY_GUESTS_H
#define OTA_GATEWAY_GUESTS_H

#include <stddef.h>
#include <stdint.h>

enum {
	OTA_GUESTS_HEADER_MS = 30 * 1000, /* from the connect, or from the end of the request before */
	OTA_GUESTS_BODY_RATE = 4096, /* bytes per second that a body must reach on the whole, after the time for the header */
};

struct ota_guests;
struct ota_guest;

struct ota_guests *ota_guests_new(void); /* NULL without memory */
struct ota_guests *ota_guests_free(struct ota_guests *guests); /* when every guest has left; returns NULL */

struct ota_guest *ota_guests_enter(struct ota_guests *guests, int fd, int64_t now_ms); /* NULL without memory */
void ota_guests_leave(struct ota_guests *guests, struct ota_guest *guest); /* NULL is fine; call it before fd is closed */

/* The guest has until due_ms for what it is sending now; INT64_MAX = it owes nothing. NULL is fine. */
void ota_guests_expect(struct ota_guests *guests, struct ota_guest *guest, int64_t due_ms);

/* Shuts down whoever is overdue; returns how many. */
size_t ota_guests_sweep(struct ota_guests *guests, int64_t now_ms);

#endif
