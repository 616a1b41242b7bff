/*
 * Watch: how long work in a worker thread talks back. Passed into every blocking port.
 *
 * stop_fd becomes readable, and stays so, when the work shall end: whoever waits polls it together with what he waits for,
 * whoever computes asks agent_watch_stopped() between pieces. Work that was stopped returns OTA_ECANCELED and leaves what it has
 * for the next time.
 */
#ifndef OTA_AGENT_PORTS_WATCH_H
#define OTA_AGENT_PORTS_WATCH_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct agent_watch {
	int stop_fd; /* -1: never stopped */
	/* Bytes of the package in hand; called from the worker, as often as the work likes. NULL: nobody listens. */
	void (*received)(void *context, uint64_t bytes);
	/* A line a hook printed, cleaned. NULL: nobody listens. */
	void (*line)(void *context, const char *line);
	void *context;
};

static inline bool agent_watch_stopped(const struct agent_watch *watch)
{
	struct pollfd poll_fd = {.fd = watch->stop_fd, .events = POLLIN};

	return watch->stop_fd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

static inline void agent_watch_received(const struct agent_watch *watch, uint64_t bytes)
{
	if (watch->received)
		watch->received(watch->context, bytes);
}

static inline void agent_watch_line(const struct agent_watch *watch, const char *line)
{
	if (watch->line)
		watch->line(watch->context, line);
}

#endif
