#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "ctl/names.h"
#include "ctl/verbs.h"

/* A command of so many bytes of names stays well under OTA_PAYLOAD_MAX. */
enum { NAMES_BYTES_MAX = 48 * 1024 };

static int collect(const struct ota_invocation *invocation, cJSON *names, struct ota_error *error)
{
	const char *file = ota_invocation_value(invocation, "names-file");
	int code = 0;

	for (int i = 1; code == 0 && i < invocation->argument_count; i++)
		code = ota_names_add(invocation->arguments[i], names, error);
	if (code == 0 && file)
		code = ota_names_read(file, names, error);
	if (code == 0 && cJSON_GetArraySize(names) == 0)
		return ota_fail(error, OTA_EINVALID, "no device name is given; name devices or a --names-file");
	return code;
}

/* Moves as many names as one command holds from the front of a list. */
static cJSON *take_some(cJSON *names)
{
	cJSON *some = cJSON_CreateArray();
	size_t bytes = 0;

	for (int count = 0; count < OTA_NAMES_MAX && names->child && bytes < NAMES_BYTES_MAX; count++) {
		cJSON *name = cJSON_DetachItemViaPointer(names, names->child);

		bytes += strlen(name->valuestring) + 3;
		cJSON_AddItemToArray(some, name);
	}
	return some;
}

static void add_up(cJSON *sums, const char *key, const cJSON *data)
{
	const cJSON *more = ota_json_member(data, key);
	cJSON *sum = cJSON_GetObjectItemCaseSensitive(sums, key);

	if (sum && cJSON_IsNumber(more))
		cJSON_SetNumberValue(sum, sum->valuedouble + more->valuedouble);
}

/* Each piece is a command of its own and needs an id of its own. */
static int set_request_id(const struct ota_invocation *invocation, cJSON *command, int piece, struct ota_error *error)
{
	const char *id = ota_invocation_value(invocation, "request-id");
	char text[OTA_REQUEST_ID_MAX + 16];

	if (!id || piece == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "%.*s.%d", OTA_REQUEST_ID_MAX, id, piece);
	cJSON_DeleteItemFromObjectCaseSensitive(command, "requestId");
	return cJSON_AddStringToObject(command, "requestId", text) ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}

static int register_some(const struct ota_invocation *invocation, cJSON *names, cJSON *sums, int piece, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code < 0)
		return code;
	if (!cJSON_AddStringToObject(command, "productKey", invocation->arguments[0]) ||
	    !cJSON_AddItemToObject(command, "names", take_some(names)))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = set_request_id(invocation, command, piece, error);
	if (code == 0)
		code = ota_invocation_ask(invocation, command, &data, error);
	if (code == 0) {
		add_up(sums, "registered", data);
		add_up(sums, "already", data);
	}
	return code;
}

int ota_device_add(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *names = cJSON_CreateArray();
	OTA_AUTO_JSON cJSON *sums = cJSON_CreateObject();
	int code = collect(invocation, names, error);

	if (!cJSON_AddNumberToObject(sums, "registered", 0) || !cJSON_AddNumberToObject(sums, "already", 0))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	for (int piece = 0; code == 0 && names->child; piece++)
		code = register_some(invocation, names, sums, piece, error);
	if (code < 0) {
		double done = cJSON_GetObjectItemCaseSensitive(sums, "registered")->valuedouble;

		return done > 0 ? ota_error_prefix(error, code, "after %.0f devices", done) : code;
	}
	ota_output_one(&invocation->output, invocation->verb->view, sums);
	return 0;
}
