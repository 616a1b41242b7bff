#include "ctl/pieces.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"

cJSON *ota_pieces_sums(const char *names)
{
	OTA_AUTO_JSON cJSON *sums = cJSON_CreateObject();
	char name[32];

	while (*names) {
		size_t size = strcspn(names, " ");

		(void)snprintf(name, sizeof(name), "%.*s", (int)size, names);
		if (!cJSON_AddNumberToObject(sums, name, 0))
			return NULL;
		names += size;
		names += strspn(names, " ");
	}
	cJSON *made = sums;
	sums = NULL;
	return made;
}

void ota_pieces_add_up(cJSON *sums, const cJSON *data)
{
	cJSON *sum;

	cJSON_ArrayForEach(sum, sums) {
		const cJSON *more = ota_json_member(data, sum->string);

		if (cJSON_IsNumber(more))
			cJSON_SetNumberValue(sum, sum->valuedouble + more->valuedouble);
	}
}

static int replace_text(cJSON *command, const char *key, const char *text, struct ota_error *error)
{
	cJSON_DeleteItemFromObjectCaseSensitive(command, key);
	return cJSON_AddStringToObject(command, key, text) ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}

int ota_pieces_label(const struct ota_invocation *invocation, cJSON *command, int number, struct ota_error *error)
{
	const char *id = ota_invocation_value(invocation, "request-id"), *reason = ota_invocation_value(invocation, "reason");
	char text[OTA_REQUEST_ID_MAX + 16];
	int code = reason ? replace_text(command, "reason", reason, error) : 0;

	if (code < 0 || !id)
		return code;
	(void)snprintf(text, sizeof(text), number == 0 ? "%.*s" : "%.*s.%d", OTA_REQUEST_ID_MAX, id, number);
	return replace_text(command, "requestId", text, error);
}

int ota_pieces_blame(const cJSON *sums, int code, struct ota_error *error)
{
	const cJSON *sum;
	double done = 0;

	cJSON_ArrayForEach(sum, sums)
		done += sum->valuedouble;
	return done > 0 ? ota_error_prefix(error, code, "after %.0f devices", done) : code;
}
