#include "gateway/exchange.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/text.h"
#include "common/time.h"

enum { CORRELATION_BYTES = 16, CORRELATION_SIZE = 2 * CORRELATION_BYTES + 1 };

struct pending {
	struct pending *next;
	char correlation[CORRELATION_SIZE];
	int64_t due_ms; /* boot clock */
	ota_exchange_done *done;
	void *context;
};

struct ota_exchange {
	ota_exchange_send *send;
	void *context;
	pthread_mutex_t lock; /* of the list only; never held while sending or calling back */
	struct pending *first;
	size_t count;
	bool closed;
};

struct ota_exchange *ota_exchange_new(ota_exchange_send *send, void *context)
{
	struct ota_exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		return NULL;
	exchange->send = send;
	exchange->context = context;
	(void)pthread_mutex_init(&exchange->lock, NULL);
	return exchange;
}

struct ota_exchange *ota_exchange_free(struct ota_exchange *exchange)
{
	if (exchange) {
		(void)pthread_mutex_destroy(&exchange->lock);
		free(exchange);
	}
	return NULL;
}

/* Which pending entries a caller takes out of the list. */
struct choice {
	const char *correlation; /* this one */
	int64_t now_ms;          /* or, when correlation is NULL, all that are due by now */
};

static bool is_chosen(const struct pending *pending, const struct choice *choice)
{
	if (choice->correlation)
		return strcmp(pending->correlation, choice->correlation) == 0;
	return pending->due_ms <= choice->now_ms;
}

/* Whoever takes an entry out owns it: that is how `done` is called once although an answer and a deadline may race. */
static struct pending *take_out(struct ota_exchange *exchange, const struct choice *choice)
{
	struct pending *taken = NULL;
	struct pending **place = &exchange->first;

	(void)pthread_mutex_lock(&exchange->lock);
	while (*place) {
		struct pending *pending = *place;

		if (!is_chosen(pending, choice)) {
			place = &pending->next;
			continue;
		}
		*place = pending->next;
		pending->next = taken;
		taken = pending;
		exchange->count--;
	}
	(void)pthread_mutex_unlock(&exchange->lock);
	return taken;
}

static bool put_in(struct ota_exchange *exchange, struct pending *pending)
{
	bool has_room;

	(void)pthread_mutex_lock(&exchange->lock);
	has_room = !exchange->closed && exchange->count < OTA_EXCHANGE_PENDING_MAX;
	if (has_room) {
		pending->next = exchange->first;
		exchange->first = pending;
		exchange->count++;
	}
	(void)pthread_mutex_unlock(&exchange->lock);
	return has_room;
}

size_t ota_exchange_waiting(struct ota_exchange *exchange)
{
	size_t count;

	(void)pthread_mutex_lock(&exchange->lock);
	count = exchange->count;
	(void)pthread_mutex_unlock(&exchange->lock);
	return count;
}

static void finish(struct pending *list, cJSON *data, const struct ota_error *error)
{
	while (list) {
		struct pending *pending = list;

		list = pending->next;
		pending->done(pending->context, data, error);
		free(pending);
	}
}

static struct pending *pending_new(const struct ota_exchange_request *request)
{
	struct pending *pending = calloc(1, sizeof(*pending));
	unsigned char bytes[CORRELATION_BYTES];

	if (!pending || ota_random(bytes, sizeof(bytes)) < 0) {
		free(pending);
		return NULL;
	}
	ota_text_hex(pending->correlation, bytes, sizeof(bytes));
	pending->due_ms = ota_boot_ms() + OTA_EXCHANGE_TIMEOUT_MS;
	pending->done = request->done;
	pending->context = request->context;
	return pending;
}

static int print_request(cJSON *command, const char *correlation, struct ota_bytes *out, struct ota_error *error)
{
	cJSON_DeleteItemFromObjectCaseSensitive(command, "correlationData");
	if (!cJSON_AddStringToObject(command, "correlationData", correlation))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	ota_bytes_text(out, "{\"commands\":[");
	if (ota_json_write(command, out) < 0)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	ota_bytes_text(out, "]}");
	if (out->failed || out->size > OTA_PAYLOAD_MAX)
		return ota_fail(error, OTA_ELIMIT, "the command is larger than %d bytes", OTA_PAYLOAD_MAX);
	return 0;
}

static int send_pending(struct ota_exchange *exchange, struct pending *pending, cJSON *command, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes payload = { 0 };
	char correlation[CORRELATION_SIZE];
	int code = print_request(command, pending->correlation, &payload, error);

	if (code < 0) {
		free(pending);
		return code;
	}
	memcpy(correlation, pending->correlation, sizeof(correlation));
	if (!put_in(exchange, pending)) {
		free(pending);
		return ota_fail(error, OTA_EUNAVAILABLE, "too many commands wait for the broker, or the gateway is stopping");
	}
	code = exchange->send(exchange->context, (struct ota_span){ payload.data, payload.size }, error);
	if (code == 0)
		return 0;
	/* If it is gone already, somebody failed it meanwhile and has called back. */
	pending = take_out(exchange, &(struct choice){ .correlation = correlation });
	if (!pending)
		return 0;
	free(pending);
	return code;
}

int ota_exchange_ask(struct ota_exchange *exchange, const struct ota_exchange_request *request, struct ota_error *error)
{
	struct pending *pending = pending_new(request);

	if (!pending)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	return send_pending(exchange, pending, request->command, error);
}

/* What the plugin said, as an error; a malformed one is still a refusal. */
static void read_error(const cJSON *object, struct ota_error *ret_error)
{
	const cJSON *code = ota_json_member(object, "code");
	const cJSON *message = ota_json_member(object, "message");
	const cJSON *path = ota_json_member(object, "path");
	int number = cJSON_IsString(code) ? ota_code_from_name(code->valuestring) : OTA_OK;

	(void)ota_fail_at(ret_error, number == OTA_OK ? OTA_EIO : number, cJSON_IsString(path) ? path->valuestring : "", "%s",
			  cJSON_IsString(message) ? message->valuestring : "the broker refused without a reason");
}

static bool take_one(struct ota_exchange *exchange, cJSON *response)
{
	const cJSON *correlation = ota_json_member(response, "correlationData");
	const cJSON *refusal = ota_json_member(response, "error");
	struct ota_error error = { 0 };
	struct pending *pending;
	cJSON *data = NULL;

	if (!cJSON_IsString(correlation))
		return false;
	pending = take_out(exchange, &(struct choice){ .correlation = correlation->valuestring });
	if (!pending)
		return false;
	if (refusal)
		read_error(refusal, &error);
	else
		data = cJSON_DetachItemFromObjectCaseSensitive(response, "data");
	if (!refusal && !data)
		(void)ota_fail(&error, OTA_EIO, "the broker's answer holds neither data nor error");
	finish(pending, data, &error);
	return true;
}

int ota_exchange_take(struct ota_exchange *exchange, struct ota_span payload, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *tree = NULL;
	const cJSON *responses = NULL;
	cJSON *response;
	int taken = 0;
	int code = ota_json_read(payload, OTA_JSON_ANSWER, OTA_PAYLOAD_MAX, &tree, NULL, error);

	if (code < 0)
		return code;
	code = ota_json_array((struct ota_json_place){ tree, "" }, "responses", &responses, error);
	if (code <= 0)
		return code < 0 ? code : ota_fail(error, OTA_EINVALID, "an answer without responses");
	cJSON_ArrayForEach(response, responses)
		taken += take_one(exchange, response) ? 1 : 0;
	return taken;
}

int64_t ota_exchange_expire(struct ota_exchange *exchange, int64_t now_ms, int64_t most)
{
	struct pending *late = take_out(exchange, &(struct choice){ .now_ms = now_ms });
	struct ota_error error = { 0 };

	if (late) {
		(void)ota_fail(&error, OTA_EUNAVAILABLE,
			       "the broker did not answer within %d s; the command may have been carried out",
			       OTA_EXCHANGE_TIMEOUT_MS / OTA_SECOND_MS);
		finish(late, NULL, &error);
	}
	(void)pthread_mutex_lock(&exchange->lock);
	for (const struct pending *pending = exchange->first; pending; pending = pending->next) {
		int64_t left = pending->due_ms - now_ms;

		most = left < most ? left : most;
	}
	(void)pthread_mutex_unlock(&exchange->lock);
	return most > 0 ? most : 0;
}

void ota_exchange_fail(struct ota_exchange *exchange, const char *sentence)
{
	struct ota_error error = { 0 };

	(void)ota_fail(&error, OTA_EUNAVAILABLE, "%s", sentence);
	finish(take_out(exchange, &(struct choice){ .now_ms = INT64_MAX }), NULL, &error);
}

void ota_exchange_close(struct ota_exchange *exchange, const char *sentence)
{
	(void)pthread_mutex_lock(&exchange->lock);
	exchange->closed = true;
	(void)pthread_mutex_unlock(&exchange->lock);
	ota_exchange_fail(exchange, sentence);
}
