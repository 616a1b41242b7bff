/*
 * Request: one HTTP request on its way, and what every resource does with it.
 *
 * A resource is a const struct of functions, one file each: api.c, upload.c, members.c, download.c, health.c, metrics.c. server.c
 * drives them:
 *
 *   begin ----> ANSWERED                      refused or served at once
 *     |  \----> WAIT ---> answered ---> ...   the broker is asked; the connection sleeps, no thread waits
 *     v
 *   BODY -----> body, body, ... ---> end ---> ANSWERED or WAIT ---> answered
 *                |  ^
 *               WAIT ---> answered              who takes a body in pieces asks the broker on the way
 *
 * Thread rule: a request is handled by one thread at a time, libmicrohttpd's, and belongs to the exchange while it waits.
 */
#ifndef OTA_GATEWAY_REQUEST_H
#define OTA_GATEWAY_REQUEST_H

#include <cjson/cJSON.h>
#include <microhttpd.h>

#include "common/bytes.h"
#include "common/credential.h"
#include "common/log.h"
#include "common/signature.h"
#include "gateway/depot.h"
#include "gateway/exchange.h"
#include "gateway/figures.h"
#include "gateway/guests.h"
#include "gateway/route.h"
#include "gateway/settings.h"
#include "gateway/target.h"
#include "gateway/transfers.h"

enum {
	OTA_REQUEST_HEADER_MAX = 16 * 1024, /* names and values of all headers together */
	OTA_REQUEST_BODY_MAX = OTA_PAYLOAD_MAX,
};

/* What all requests share; borrowed, and constant but for what locks itself. */
struct ota_gateway {
	const struct ota_settings *settings;
	const struct ota_url_keys *keys;
	const struct ota_log *log;
	struct ota_exchange *exchange;
	struct ota_depot *depot;
	struct ota_guests *guests;
	struct ota_transfers *transfers;
	struct ota_figures *figures;
};

enum ota_next {
	OTA_NEXT_ANSWERED, /* a response is queued */
	OTA_NEXT_BODY,     /* the body may come */
	OTA_NEXT_WAIT,     /* ota_request_ask() was called */
	OTA_NEXT_CLOSE,    /* no memory even for a refusal */
};

enum ota_stage {
	OTA_STAGE_NEW,
	OTA_STAGE_HEADER, /* read, of a request that has no body */
	OTA_STAGE_BODY,
	OTA_STAGE_WAIT,
	OTA_STAGE_ANSWERED,
};

struct ota_request;

struct ota_resource {
	enum ota_next (*begin)(struct ota_request *request);
	/* Takes bytes off the front, BODY when all are taken. WAIT before that: the broker is asked, and what is left comes again
	 * when it has answered. May set request->refusal: the rest is then dropped. */
	enum ota_next (*body)(struct ota_request *request, struct ota_span *bytes);
	enum ota_next (*end)(struct ota_request *request); /* the body is whole, and nothing was refused */
	enum ota_next (*answered)(struct ota_request *request); /* data or error of the last ask stands in the request */
	/* The response is over, sent whole or broken off. NULL = nobody asks. */
	void (*over)(struct ota_request *request, bool is_whole);
	enum ota_log_level level; /* of the line that tells of a success */
	bool is_probe; /* 503 is its answer, asked for every few seconds: no failure to tell of each time */
};

extern const struct ota_resource ota_resource_api, ota_resource_upload, ota_resource_members, ota_resource_download,
	ota_resource_health, ota_resource_metrics;

/* members.c: a list of names on its way into a group. */
struct ota_enrolment;
void ota_enrolment_free(struct ota_enrolment *enrolment);

/* The body of a download on its way. */
struct ota_passage {
	struct ota_url_query query; /* borrows uri */
	bool is_for_device;         /* not an operator's own look at a package */
	uint64_t first, size;       /* of the file; size 0 = no bytes of a package go */
	uint64_t file_size;
	uint64_t begins_at; /* of all bytes written to the connection, the first of the body */
};

struct ota_request {
	struct ota_gateway *gateway;
	struct MHD_Connection *connection;
	char *uri; /* as it came */
	char method[16]; /* for the log */
	struct ota_target target; /* borrows uri */
	struct ota_route route;   /* borrows uri */
	const struct ota_resource *resource;
	enum ota_stage stage;
	bool is_head;
	struct ota_bytes body;     /* of API requests */
	uint64_t body_bytes;       /* of any body, taken so far */
	struct ota_deposit *deposit; /* of uploads */
	struct ota_enrolment *enrolment; /* of lists of names */
	struct ota_digest_result digests; /* of the upload once it is stored */
	cJSON *command;            /* what is asked of the plugin */
	cJSON *data;               /* its answer */
	struct ota_error error;    /* or its refusal */
	struct ota_passage passage; /* of downloads */
	struct ota_error refusal;  /* set while a body comes: code 0 = none */
	unsigned status;           /* of the response, for the log */
	uint64_t sent_bytes;       /* of a package, once the response is over */
	uint64_t started_us;       /* the stopwatches' clock; 0 = nothing was read of it yet */
};

/* Answers. The tree stays the caller's. Failures are told in the one shape, {"error":{"code","message","path"}}; the status
 * follows from the code. */
enum ota_next ota_request_answer(struct ota_request *request, unsigned status, const cJSON *tree);
/* 200, with text in place of JSON; takes the text over. */
enum ota_next ota_request_answer_text(struct ota_request *request, const char *content_type, struct ota_bytes *text);
enum ota_next ota_request_refuse(struct ota_request *request, const struct ota_error *error);
enum ota_next ota_request_refuse_as(struct ota_request *request, unsigned status, const char *header, const char *value,
				    const struct ota_error *error);
/* Queues and releases the response. */
enum ota_next ota_request_respond(struct ota_request *request, unsigned status, struct MHD_Response *response);

/* Puts the caller's token into request->command, and the Idempotency-Key where the command takes one. Refuses (and returns
 * false) where there is no well-formed token; *ret_next then is what to return. */
bool ota_request_authorize(struct ota_request *request, enum ota_next *ret_next);

/* Checks request->command against its rows; what is wrong with a requestId from a header is told of the header. */
int ota_request_check(const struct ota_request *request, struct ota_error *error);

/* Sends request->command to the plugin; `answered` is called with what comes of it. Returns OTA_NEXT_WAIT. */
enum ota_next ota_request_ask(struct ota_request *request);

/* The body is what it is about, byte for byte and from the first to the last; what says otherwise is refused. `what` begins the
 * sentence: "a package". */
int ota_request_check_form(const struct ota_request *request, const char *what, struct ota_error *error);

const char *ota_request_header(const struct ota_request *request, const char *name); /* NULL if absent */
/* Content-Length; false when absent or no number. */
bool ota_request_length(const struct ota_request *request, uint64_t *ret_length);

#endif
