/*
 * Exchange: commands to the plugin and their answers, over one link to the broker.
 *
 * Each command leaves with a random correlation of our own; an answer is matched by that alone, and what matches nothing is
 * dropped. A command that is not answered in time, or whose connection breaks, fails as OTA_EUNAVAILABLE with a sentence that
 * says whether it may have been carried out.
 *
 * Thread rule: ota_exchange_ask() and ota_exchange_waiting() from any thread; everything else, and the `done` callbacks, in the
 * thread that dispatches the link.
 */
#ifndef OTA_GATEWAY_EXCHANGE_H
#define OTA_GATEWAY_EXCHANGE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

#define OTA_EXCHANGE_REQUEST_TOPIC "$CONTROL/ota/v1"
#define OTA_EXCHANGE_ANSWER_TOPIC "$CONTROL/ota/v1/response"

enum {
	OTA_EXCHANGE_TIMEOUT_MS = 5000,
	OTA_EXCHANGE_PENDING_MAX = 1024, /* more than the connections that can wait at once */
};

struct ota_exchange;

/* Sends bytes to the request topic; OTA_EUNAVAILABLE when there is no connection. From any thread. */
typedef int ota_exchange_send(void *context, struct ota_span payload, struct ota_error *error);

struct ota_exchange *ota_exchange_new(ota_exchange_send *send, void *context); /* NULL without memory */
struct ota_exchange *ota_exchange_free(struct ota_exchange *exchange); /* nothing may be pending; returns NULL */

/* data is the answer's tree, the callee's to delete, when error->code is 0, and NULL otherwise. */
typedef void ota_exchange_done(void *context, cJSON *data, const struct ota_error *error);

struct ota_exchange_request {
	cJSON *command; /* an object; correlationData is added. Borrowed */
	ota_exchange_done *done;
	void *context;
};

/* After a return of 0 `done` is called exactly once, perhaps before this returns; after an error never. */
int ota_exchange_ask(struct ota_exchange *exchange, const struct ota_exchange_request *request, struct ota_error *error);

/* Questions without an answer yet; any thread. */
size_t ota_exchange_waiting(struct ota_exchange *exchange);

/* An arrived payload: calls `done` of each answer it holds. Returns how many; OTA_EINVALID when it is no answer document at
 * all. */
int ota_exchange_take(struct ota_exchange *exchange, struct ota_span payload, struct ota_error *error);

/* Fails what is overdue. Returns the milliseconds until the next may be, at most `most`. */
int64_t ota_exchange_expire(struct ota_exchange *exchange, int64_t now_ms, int64_t most);

/* Fails everything that waits, with OTA_EUNAVAILABLE and that sentence. */
void ota_exchange_fail(struct ota_exchange *exchange, const char *sentence);
/* As that, and for good: ota_exchange_ask() fails from now on. */
void ota_exchange_close(struct ota_exchange *exchange, const char *sentence);

#endif
