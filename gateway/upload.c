/*
 * PUT /api/v1/packages and /api/v1/files: the broker is asked before the body is read, the body streams to a temporary file, the
 * file gets its name, the package (or the file of one) is added.
 */
#include <inttypes.h>
#include <string.h>

#include "gateway/request.h"

/* What the gateway measures or decides, nobody may claim. */
static int check_claims(const cJSON *command, struct ota_error *error)
{
	static const char *const measured[] = { "size", "md5", "url", "files", NULL };

	for (const char *const *name = measured; *name; name++) {
		if (ota_json_member(command, *name))
			return ota_fail_at(error, OTA_EINVALID, *name, "%s does not stand in the query of an upload", *name);
	}
	return 0;
}

static bool check_length(struct ota_request *request, uint64_t *ret_length, enum ota_next *ret_next)
{
	struct ota_error error = { 0 };
	uint64_t length;

	if (!ota_request_length(request, &length)) {
		(void)ota_fail_at(&error, OTA_EINVALID, MHD_HTTP_HEADER_CONTENT_LENGTH, "an upload needs a Content-Length");
		*ret_next = ota_request_refuse_as(request, MHD_HTTP_LENGTH_REQUIRED, NULL, NULL, &error);
		return false;
	}
	if (length == 0)
		(void)ota_fail_at(&error, OTA_EINVALID, MHD_HTTP_HEADER_CONTENT_LENGTH, "the package is empty");
	else if (length > request->gateway->settings->upload_limit)
		(void)ota_fail_at(&error, OTA_ELIMIT, MHD_HTTP_HEADER_CONTENT_LENGTH,
				  "the package has %" PRIu64 " bytes; upload_limit is %" PRIu64, length,
			       request->gateway->settings->upload_limit);
	if (error.code != 0) {
		*ret_next = ota_request_refuse(request, &error);
		return false;
	}
	*ret_length = length;
	return true;
}

static enum ota_next ask_dry_run(struct ota_request *request)
{
	struct ota_error error = { 0 };

	if (!cJSON_AddTrueToObject(request->command, "dryRun"))
		return OTA_NEXT_CLOSE;
	if (ota_request_check(request, &error) < 0)
		return ota_request_refuse(request, &error);
	return ota_request_ask(request);
}

static enum ota_next upload_begin(struct ota_request *request)
{
	struct ota_error error = { 0 };
	enum ota_next next;
	uint64_t length;

	if (!check_length(request, &length, &next))
		return next;
	if (ota_request_check_form(request, "a package", &error) < 0 ||
	    ota_route_command(&request->route, &request->target, &request->command, &error) < 0 ||
	    check_claims(request->command, &error) < 0)
		return ota_request_refuse(request, &error);
	if (!ota_request_authorize(request, &next))
		return next;
	return ask_dry_run(request);
}

/* The broker has nothing against it: now the body may come. */
static enum ota_next accept_body(struct ota_request *request)
{
	struct ota_error error = { 0 };
	uint64_t length = 0;

	(void)ota_request_length(request, &length);
	if (ota_deposit_begin(request->gateway->depot, length, &request->deposit, &error) < 0)
		return ota_request_refuse(request, &error);
	return OTA_NEXT_BODY;
}

static enum ota_next upload_body(struct ota_request *request, struct ota_span *bytes)
{
	(void)ota_deposit_write(request->deposit, *bytes, &request->refusal);
	bytes->size = 0;
	return OTA_NEXT_BODY;
}

static bool set_number(cJSON *object, const char *key, uint64_t value)
{
	return cJSON_AddNumberToObject(object, key, (double)value) != NULL;
}

static enum ota_next add_package(struct ota_request *request)
{
	const struct ota_digest_result *digests = &request->digests;
	enum ota_next next;

	cJSON_DeleteItemFromObjectCaseSensitive(request->command, "dryRun");
	cJSON_DeleteItemFromObjectCaseSensitive(request->command, "sha256");
	if (!set_number(request->command, "size", digests->size) ||
	    !cJSON_AddStringToObject(request->command, "sha256", digests->sha256) ||
	    !cJSON_AddStringToObject(request->command, "md5", digests->md5))
		return OTA_NEXT_CLOSE;
	/* Once more, for the Idempotency-Key. */
	if (!ota_request_authorize(request, &next))
		return next;
	return ota_request_ask(request);
}

static enum ota_next upload_end(struct ota_request *request)
{
	const cJSON *sha256 = ota_json_member(request->command, "sha256");
	const char *expected = sha256 ? sha256->valuestring : NULL;
	struct ota_error error = { 0 };
	int code = ota_deposit_commit(request->deposit, expected, &request->digests, &error);

	request->deposit = ota_deposit_free(request->deposit);
	if (code < 0)
		return ota_request_refuse(request, &error);
	return add_package(request);
}

static enum ota_next upload_answered(struct ota_request *request)
{
	if (request->error.code != 0)
		return ota_request_refuse(request, &request->error);
	/* A dry run has no id. With one it is the answer to an upload under the same Idempotency-Key: it was added, and whoever
	 * uploaded it never heard so. */
	if (request->digests.size == 0 && !ota_json_member(request->data, "id"))
		return accept_body(request);
	return ota_request_answer(request, MHD_HTTP_CREATED, request->data);
}

const struct ota_resource ota_resource_upload = {
	.begin = upload_begin,
	.body = upload_body,
	.end = upload_end,
	.answered = upload_answered,
	.level = OTA_LOG_INFO,
};
