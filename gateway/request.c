#include "gateway/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/text.h"
#include "gateway/malformed.h"

#define IDEMPOTENCY_KEY "Idempotency-Key"

/* What a caller is told: the words of docs/protocol.md only. */
struct outcome {
	int code;        /* what happened */
	int public_code; /* what it is called outside */
	unsigned status;
};

/* clang-format off */
static const struct outcome outcomes[] = {
	{ OTA_EINVALID,     OTA_EINVALID,     MHD_HTTP_BAD_REQUEST },
	{ OTA_EVERIFY,      OTA_EINVALID,     MHD_HTTP_BAD_REQUEST },
	{ OTA_ENOTFOUND,    OTA_ENOTFOUND,    MHD_HTTP_NOT_FOUND },
	{ OTA_ECONFLICT,    OTA_ECONFLICT,    MHD_HTTP_CONFLICT },
	{ OTA_EDENIED,      OTA_EDENIED,      MHD_HTTP_FORBIDDEN },
	{ OTA_ELIMIT,       OTA_ELIMIT,       MHD_HTTP_CONTENT_TOO_LARGE },
	{ OTA_EUNAVAILABLE, OTA_EUNAVAILABLE, MHD_HTTP_SERVICE_UNAVAILABLE },
	{ OTA_ETIMEOUT,     OTA_EUNAVAILABLE, MHD_HTTP_SERVICE_UNAVAILABLE },
	{ OTA_EIO,          OTA_EIO,          MHD_HTTP_INTERNAL_SERVER_ERROR },
};
/* clang-format on */

static const struct outcome *outcome_of(int code)
{
	size_t last = sizeof(outcomes) / sizeof(outcomes[0]) - 1;

	for (size_t i = 0; i < last; i++) {
		if (outcomes[i].code == code)
			return &outcomes[i];
	}
	return &outcomes[last];
}

enum ota_next ota_request_respond(struct ota_request *request, unsigned status, struct MHD_Response *response)
{
	enum MHD_Result queued;

	if (!response)
		return OTA_NEXT_CLOSE;
	(void)MHD_add_response_header(response, OTA_OWN_HEADER, "nosniff");
	queued = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	request->status = status;
	return queued == MHD_YES ? OTA_NEXT_ANSWERED : OTA_NEXT_CLOSE;
}

static struct MHD_Response *response_as(const char *content_type, struct ota_bytes *text)
{
	struct MHD_Response *response;
	size_t size = text->size;

	if (text->failed || size == 0)
		return NULL;
	response = MHD_create_response_from_buffer(size, ota_bytes_steal(text), MHD_RESPMEM_MUST_FREE);
	if (!response)
		return NULL;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	return response;
}

static struct MHD_Response *response_of(struct ota_bytes *json)
{
	return response_as("application/json", json);
}

enum ota_next ota_request_answer_text(struct ota_request *request, const char *content_type, struct ota_bytes *text)
{
	return ota_request_respond(request, MHD_HTTP_OK, response_as(content_type, text));
}

enum ota_next ota_request_answer(struct ota_request *request, unsigned status, const cJSON *tree)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };

	if (ota_json_write(tree, &text) < 0)
		return OTA_NEXT_CLOSE;
	ota_bytes_text(&text, "\n");
	return ota_request_respond(request, status, response_of(&text));
}

/* Sentences may quote bytes from outside, cut anywhere. */
static void quote_clean(struct ota_bytes *out, const char *text)
{
	OTA_AUTO_BYTES struct ota_bytes clean = { 0 };

	ota_text_clean(&clean, ota_span_from_text(text));
	ota_json_quote(out, clean.data ? clean.data : "");
}

enum ota_next ota_request_refuse_as(struct ota_request *request, unsigned status, const char *header, const char *value,
				    const struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	struct MHD_Response *response;

	ota_bytes_text(&text, "{\"error\":{\"code\":");
	ota_json_quote(&text, ota_code_name(outcome_of(error->code)->public_code));
	ota_bytes_text(&text, ",\"message\":");
	quote_clean(&text, error->text);
	if (error->path[0]) {
		ota_bytes_text(&text, ",\"path\":");
		quote_clean(&text, error->path);
	}
	ota_bytes_text(&text, "}}\n");
	response = response_of(&text);
	if (response && header)
		(void)MHD_add_response_header(response, header, value);
	return ota_request_respond(request, status, response);
}

static enum ota_next refuse_nobody(struct ota_request *request, const struct ota_error *error)
{
	return ota_request_refuse_as(request, MHD_HTTP_UNAUTHORIZED, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer", error);
}

enum ota_next ota_request_refuse(struct ota_request *request, const struct ota_error *error)
{
	unsigned status = outcome_of(error->code)->status;

	/* The plugin names the token when it knows none such: the caller is nobody, not somebody without the right. */
	if (error->code == OTA_EDENIED && strcmp(error->path, "token") == 0)
		return refuse_nobody(request, error);
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		return ota_request_refuse_as(request, status, MHD_HTTP_HEADER_RETRY_AFTER, "5", error);
	return ota_request_refuse_as(request, status, NULL, NULL, error);
}

const char *ota_request_header(const struct ota_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

int ota_request_check_form(const struct ota_request *request, const char *what, struct ota_error *error)
{
	const char *coding = ota_request_header(request, MHD_HTTP_HEADER_CONTENT_ENCODING);

	if (coding && strcasecmp(coding, "identity") != 0)
		return ota_fail_at(error, OTA_EINVALID, MHD_HTTP_HEADER_CONTENT_ENCODING,
				   "%s is stored as it is sent; leave the Content-Encoding out", what);
	if (ota_request_header(request, MHD_HTTP_HEADER_CONTENT_RANGE))
		return ota_fail_at(error, OTA_EINVALID, MHD_HTTP_HEADER_CONTENT_RANGE,
				   "%s is sent as a whole, not in a Content-Range", what);
	return 0;
}

bool ota_request_length(const struct ota_request *request, uint64_t *ret_length)
{
	const char *text = ota_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return text && ota_text_parse_u64(ota_span_from_text(text), ret_length);
}

/* "Bearer ota_..."; empty if it is anything else. */
static struct ota_span bearer_of(const char *authorization)
{
	const char *token;

	if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
		return (struct ota_span){ NULL, 0 };
	token = authorization + 7;
	return ota_span_from_text(token + strspn(token, " "));
}

static bool set_text(cJSON *object, const char *key, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	return cJSON_AddStringToObject(object, key, value) != NULL;
}

bool ota_request_authorize(struct ota_request *request, enum ota_next *ret_next)
{
	struct ota_span token = bearer_of(ota_request_header(request, MHD_HTTP_HEADER_AUTHORIZATION));
	const char *key = ota_request_header(request, IDEMPOTENCY_KEY);
	struct ota_error error = { 0 };
	const cJSON *own = ota_json_member(request->command, "requestId");
	bool is_set;

	if (!request->route.command->mutating)
		key = NULL;
	if (!ota_token_is_wellformed(token)) {
		(void)ota_fail(&error, OTA_EDENIED, "%s",
			       token.size ? "the token is malformed; it is ota_ and 43 characters"
					  : "a token is needed, in the header Authorization: Bearer TOKEN");
		*ret_next = refuse_nobody(request, &error);
		return false;
	}
	if (key && own && (!cJSON_IsString(own) || strcmp(own->valuestring, key) != 0)) {
		(void)ota_fail_at(&error, OTA_EINVALID, IDEMPOTENCY_KEY, IDEMPOTENCY_KEY " and requestId differ; give one"
				  " of them");
		*ret_next = ota_request_refuse(request, &error);
		return false;
	}
	is_set = set_text(request->command, "token", token.data);
	if (is_set && key)
		is_set = set_text(request->command, "requestId", key);
	*ret_next = OTA_NEXT_CLOSE;
	return is_set;
}

int ota_request_check(const struct ota_request *request, struct ota_error *error)
{
	int code = ota_command_check(request->route.command, request->command, "", error);

	if (code == 0 || strcmp(error->path, "requestId") != 0 || !ota_request_header(request, IDEMPOTENCY_KEY))
		return code;
	(void)snprintf(error->path, sizeof(error->path), "%s", IDEMPOTENCY_KEY);
	return ota_error_prefix(error, code, "the header %s", IDEMPOTENCY_KEY);
}

static void on_answer(void *context, cJSON *data, const struct ota_error *error)
{
	struct ota_request *request = context;

	request->data = data;
	request->error = *error;
	MHD_resume_connection(request->connection);
}

enum ota_next ota_request_ask(struct ota_request *request)
{
	struct ota_exchange_request question = { request->command, on_answer, request };
	struct ota_error error = { 0 };

	cJSON_Delete(request->data);
	request->data = NULL;
	/* Asleep first: the answer may come before ask returns, and wakes only what sleeps. */
	MHD_suspend_connection(request->connection);
	if (ota_exchange_ask(request->gateway->exchange, &question, &error) < 0)
		on_answer(request, NULL, &error);
	return OTA_NEXT_WAIT;
}
