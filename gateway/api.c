/*
 * The REST side of the command table: POST /api/v1/<command> and the GET aliases.
 */
#include <string.h>

#include "gateway/request.h"

/* The gateway checks with the plugin's own table, so that a mistake is told even while the broker is away. */
static enum ota_next check_and_ask(struct ota_request *request)
{
	struct ota_error error = { 0 };
	enum ota_next next;

	if (!ota_request_authorize(request, &next))
		return next;
	if (ota_request_check(request, &error) < 0)
		return ota_request_refuse(request, &error);
	return ota_request_ask(request);
}

static enum ota_next begin_get(struct ota_request *request)
{
	struct ota_error error = { 0 };

	if (ota_route_command(&request->route, &request->target, &request->command, &error) < 0)
		return ota_request_refuse(request, &error);
	return check_and_ask(request);
}

static enum ota_next begin_post(struct ota_request *request)
{
	struct ota_error error = { 0 };
	uint64_t length = 0;

	if (request->target.count > 0) {
		(void)ota_fail(&error, OTA_EINVALID, "a POST takes its members in the body, not in the query");
		return ota_request_refuse(request, &error);
	}
	if (ota_request_length(request, &length) && length > OTA_REQUEST_BODY_MAX) {
		(void)ota_fail(&error, OTA_ELIMIT, "the body has %llu bytes; at most %d are read", (unsigned long long)length,
			       OTA_REQUEST_BODY_MAX);
		return ota_request_refuse(request, &error);
	}
	request->body.limit = OTA_REQUEST_BODY_MAX;
	return OTA_NEXT_BODY;
}

static enum ota_next api_begin(struct ota_request *request)
{
	return request->route.kind == OTA_ROUTE_GET ? begin_get(request) : begin_post(request);
}

static enum ota_next api_body(struct ota_request *request, struct ota_span *bytes)
{
	ota_bytes_append(&request->body, bytes->data, bytes->size);
	bytes->size = 0;
	if (request->body.failed)
		(void)ota_fail(&request->refusal, OTA_ELIMIT, "the body has more than %d bytes", OTA_REQUEST_BODY_MAX);
	return OTA_NEXT_BODY;
}

/* Members that the gateway sets itself must not come with the body: there would be two of each. */
static int check_own_members(const cJSON *object, struct ota_error *error)
{
	static const char *const own[] = { "command", "token", "correlationData", NULL };

	if (!cJSON_IsObject(object))
		return ota_fail(error, OTA_EINVALID, "the body must be a JSON object");
	for (const char *const *name = own; *name; name++) {
		if (ota_json_member(object, *name))
			return ota_fail_at(error, OTA_EINVALID, *name, "%s does not stand in the body of a POST", *name);
	}
	return 0;
}

static enum ota_next api_end(struct ota_request *request)
{
	struct ota_span text = { request->body.data, request->body.size };
	struct ota_error error = { 0 };

	/* A command without members may come without a body. */
	if (text.size == 0)
		text = ota_span_from_text("{}");
	if (ota_json_read(text, OTA_JSON_STRICT, OTA_REQUEST_BODY_MAX, &request->command, NULL, &error) < 0)
		return ota_request_refuse(request, &error);
	if (check_own_members(request->command, &error) < 0)
		return ota_request_refuse(request, &error);
	if (!cJSON_AddStringToObject(request->command, "command", request->route.command->name))
		return OTA_NEXT_CLOSE;
	return check_and_ask(request);
}

static enum ota_next api_answered(struct ota_request *request)
{
	bool created = request->route.kind == OTA_ROUTE_POST && request->route.command->creates;

	if (request->error.code != 0)
		return ota_request_refuse(request, &request->error);
	/* A dry run creates nothing. */
	if (cJSON_IsTrue(ota_json_member(request->command, "dryRun")))
		created = false;
	return ota_request_answer(request, created ? MHD_HTTP_CREATED : MHD_HTTP_OK, request->data);
}

const struct ota_resource ota_resource_api = {
	.begin = api_begin,
	.body = api_body,
	.end = api_end,
	.answered = api_answered,
	.level = OTA_LOG_DEBUG,
};
