#include "link/link.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/time.h"
#include "link/backoff.h"
#include "link/client.h"
#include "link/mailbox.h"

enum {
	SUBACK_FAILURE = 0x80,
	/* Paho reports its own connect timeout; this is for the day it does not, and for a SUBACK that never comes. */
	LINK_ANSWER_GRACE_MS = 5 * OTA_SECOND_MS,
};

enum link_state {
	LINK_WAITING,     /* the timer ends the pause */
	LINK_CONNECTING,  /* the timer ends the patience */
	LINK_SUBSCRIBING, /* likewise */
	LINK_UP,
};

struct ota_link {
	struct ota_link_handlers handlers;
	struct link_mailbox *mailbox;
	struct link_client *client;
	int epoll_fd; /* what the caller polls: mailbox or timer */
	int timer_fd;
	enum link_state state;
	atomic_bool up; /* state == LINK_UP, for other threads */
	bool was_up;
	int64_t attempt;
	int64_t patience_ms;
	int64_t up_since_ms;
	struct link_backoff backoff;
};

/* In at_ms milliseconds from now; at least one nanosecond, because zero would disarm the timer. */
static void link_arm(struct ota_link *link, int64_t in_ms)
{
	struct itimerspec spec = {
		.it_value = {.tv_sec = in_ms / OTA_SECOND_MS, .tv_nsec = (in_ms % OTA_SECOND_MS) * 1000000 + 1},
	};

	timerfd_settime(link->timer_fd, 0, &spec, NULL);
}

static void link_disarm(struct ota_link *link)
{
	const struct itimerspec spec = {0};

	timerfd_settime(link->timer_fd, 0, &spec, NULL);
}

static void link_enter(struct ota_link *link, enum link_state state)
{
	link->state = state;
	atomic_store(&link->up, state == LINK_UP);
}

static void link_retry(struct ota_link *link, const char *reason)
{
	uint32_t random = 0;
	int64_t pause_ms;

	if (link->state == LINK_UP)
		link_backoff_lasted(&link->backoff, ota_boot_ms() - link->up_since_ms);
	/* Without random bytes the pause is the shortest one: late jitter is better than no connection. */
	ota_random(&random, sizeof(random));
	pause_ms = link_backoff_next(&link->backoff, random);
	link_enter(link, LINK_WAITING);
	link_arm(link, pause_ms);
	if (link->handlers.down)
		link->handlers.down(link->handlers.context, reason, pause_ms);
}

static int link_attempt(struct ota_link *link, struct ota_error *error)
{
	char password[OTA_LINK_PASSWORD_SIZE] = "";
	bool asks = link->handlers.password != NULL;
	int rc = asks ? link->handlers.password(link->handlers.context, password, error) : 0;

	rc = rc ? rc : link_client_connect(link->client, ++link->attempt, asks ? password : NULL, error);
	explicit_bzero(password, sizeof(password));
	return rc;
}

static void link_connect(struct ota_link *link)
{
	struct ota_error error = {0};

	link_enter(link, LINK_CONNECTING);
	link_arm(link, link->patience_ms);
	if (link_attempt(link, &error))
		link_retry(link, error.text);
}

static void link_come_up(struct ota_link *link)
{
	bool first = !link->was_up;

	link_disarm(link);
	link->was_up = true;
	link->up_since_ms = ota_boot_ms();
	link_enter(link, LINK_UP);
	if (link->handlers.up)
		link->handlers.up(link->handlers.context, first);
}

static void link_connected(struct ota_link *link)
{
	struct ota_error error = {0};

	if (!link_client_subscription_count(link->client)) {
		link_come_up(link);
		return;
	}
	link_enter(link, LINK_SUBSCRIBING);
	link_arm(link, link->patience_ms);
	if (link_client_subscribe(link->client, &error)) {
		link_client_drop(link->client);
		link_retry(link, error.text);
	}
}

static void link_subscribed(struct ota_link *link, struct ota_span granted)
{
	for (size_t i = 0; i < granted.size; i++) {
		if ((unsigned char)granted.data[i] != SUBACK_FAILURE)
			continue;
		if (!link->handlers.refused) {
			link_client_drop(link->client);
			link_retry(link, "the broker refused a subscription");
			return;
		}
		link->handlers.refused(link->handlers.context, link_client_subscription(link->client, i));
	}
	link_come_up(link);
}

static void link_handle(struct ota_link *link, const struct link_note *note)
{
	bool is_current = note->number == link->attempt;

	switch (note->kind) {
	case LINK_NOTE_CONNECTED:
		if (is_current && link->state == LINK_CONNECTING)
			link_connected(link);
		break;
	case LINK_NOTE_NOT_CONNECTED:
		if (is_current && link->state == LINK_CONNECTING)
			link_retry(link, note->text.data);
		break;
	case LINK_NOTE_LOST:
		if (is_current && link->state != LINK_WAITING)
			link_retry(link, note->text.data);
		break;
	case LINK_NOTE_SUBSCRIBED:
		if (is_current && link->state == LINK_SUBSCRIBING)
			link_subscribed(link, note->text);
		break;
	case LINK_NOTE_NOT_SUBSCRIBED:
		if (is_current && link->state == LINK_SUBSCRIBING) {
			link_client_drop(link->client);
			link_retry(link, note->text.data);
		}
		break;
	case LINK_NOTE_MESSAGE:
		if (link->handlers.message)
			link->handlers.message(link->handlers.context, note->topic, note->text);
		break;
	case LINK_NOTE_ACKNOWLEDGED:
		if (link->handlers.acknowledged)
			link->handlers.acknowledged(link->handlers.context, note->number);
		break;
	case LINK_NOTE_REJECTED:
		if (link->handlers.rejected)
			link->handlers.rejected(link->handlers.context, note->number, note->text.data);
		break;
	}
}

static bool link_timer_expired(struct ota_link *link)
{
	uint64_t times;

	return read(link->timer_fd, &times, sizeof(times)) == sizeof(times);
}

static void link_handle_timer(struct ota_link *link)
{
	switch (link->state) {
	case LINK_WAITING:
		link_connect(link);
		break;
	case LINK_CONNECTING:
	case LINK_SUBSCRIBING:
		link_client_drop(link->client);
		link_retry(link, "the broker gave no answer in time");
		break;
	case LINK_UP:
		break;
	}
}

void ota_link_dispatch(struct ota_link *link)
{
	bool overflowed;
	struct link_note *note = link_mailbox_take(link->mailbox, &overflowed);

	while (note) {
		struct link_note *next = note->next;

		link_handle(link, note);
		free(note);
		note = next;
	}
	if (overflowed && link->state != LINK_WAITING) {
		link_client_drop(link->client);
		link_retry(link, "messages came faster than they were handled");
	}
	if (link_timer_expired(link))
		link_handle_timer(link);
}

static int link_watch(struct ota_link *link, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(link->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int link_open_descriptors(struct ota_link *link, struct ota_error *error)
{
	link->mailbox = link_mailbox_new();
	if (!link->mailbox)
		return ota_fail(error, OTA_ENOMEM, "no memory or descriptors for a connection");
	link->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	link->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (link->epoll_fd < 0 || link->timer_fd < 0 || link_watch(link, link->timer_fd) ||
	    link_watch(link, link_mailbox_fd(link->mailbox)))
		return ota_fail_errno(error, "no descriptors for a connection");
	return 0;
}

int ota_link_open(const struct ota_link_options *options, const struct ota_link_handlers *handlers, struct ota_link **ret_link,
		  struct ota_error *error)
{
	struct ota_link *link = calloc(1, sizeof(*link));
	int rc;

	if (!link)
		return ota_fail(error, OTA_ENOMEM, "no memory for a connection");
	link->epoll_fd = link->timer_fd = -1;
	link->handlers = *handlers;
	link->backoff.base_ms = options->backoff_base_ms ? options->backoff_base_ms : OTA_SECOND_MS;
	link->backoff.cap_ms = options->backoff_cap_ms ? options->backoff_cap_ms : OTA_MINUTE_MS;
	link->patience_ms = (options->connect_timeout_ms ? options->connect_timeout_ms : 10 * OTA_SECOND_MS) +
			    LINK_ANSWER_GRACE_MS;
	rc = link_open_descriptors(link, error);
	rc = rc ? rc : link_client_new(options, link->mailbox, &link->client, error);
	if (rc) {
		ota_link_free(link, 0);
		return rc;
	}
	/* The first attempt begins in dispatch as every other one, so that its failure reaches the handlers in their own
	 * thread. */
	link_enter(link, LINK_WAITING);
	link_arm(link, 0);
	*ret_link = link;
	return 0;
}

struct ota_link *ota_link_free(struct ota_link *link, int64_t flush_ms)
{
	if (!link)
		return NULL;
	link_client_free(link->client, flush_ms);
	link_mailbox_free(link->mailbox);
	if (link->timer_fd >= 0)
		close(link->timer_fd);
	if (link->epoll_fd >= 0)
		close(link->epoll_fd);
	free(link);
	return NULL;
}

int ota_link_fd(const struct ota_link *link)
{
	return link->epoll_fd;
}

bool ota_link_is_up(struct ota_link *link)
{
	return atomic_load(&link->up);
}

int ota_link_publish(struct ota_link *link, const char *topic, struct ota_span payload, int qos, int64_t *ret_token,
		     struct ota_error *error)
{
	if (!atomic_load(&link->up))
		return ota_fail(error, OTA_EUNAVAILABLE, "cannot publish: not connected");
	return link_client_publish(link->client, topic, payload, qos, ret_token, error);
}
