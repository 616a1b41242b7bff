/*
 * Fetch port: brings the bytes of an offer into a file and answers for their size and digest. Blocks; runs in a worker thread.
 */
#ifndef OTA_AGENT_PORTS_FETCH_H
#define OTA_AGENT_PORTS_FETCH_H

#include "agent/ports/watch.h"
#include "common/error.h"
#include "common/message.h"

/* What a failure says about trying again. */
enum agent_fetch_outcome {
	AGENT_FETCH_DONE,      /* every byte is in the file, on disk, and the digest is the announced one */
	AGENT_FETCH_TRANSIENT, /* cut, timed out, 5xx, 408, 425, 429: the same request may work later, from where this ended */
	AGENT_FETCH_PERMANENT, /* other 4xx, a forbidden url, a full disk: the same request will fail again */
	AGENT_FETCH_STALE,     /* bytes kept from an earlier try do not fit to what the server has; they are gone, begin anew */
	AGENT_FETCH_MISMATCH,  /* a download in one piece that is not what was announced */
	AGENT_FETCH_STOPPED,
};

struct agent_fetch_order {
	struct ota_offer offer;
	int64_t deadline_ms; /* of this transfer, from its start */
};

struct agent_fetch_result {
	enum agent_fetch_outcome outcome;
	char text[OTA_DESC_MAX + 1];     /* what happened, for a person: "server answered 404" */
	char sha256[OTA_SHA256_HEX + 1]; /* DONE: of the file, whichever digest was announced */
	int64_t retry_after_ms;          /* the server's Retry-After, 0 if it named none */
};

struct agent_fetch {
	void (*run)(void *context, const struct agent_fetch_order *order, const struct agent_watch *watch,
		    struct agent_fetch_result *ret_result);
	/* The file of a module's finished download; target[PATH_MAX]. */
	void (*path)(void *context, const char *module, char *target);
	/* Forgets what is kept of a module's download. Failure leaves a file that the next download replaces, so none is
	 * reported. */
	void (*discard)(void *context, const char *module);
	void *context;
};

#endif
