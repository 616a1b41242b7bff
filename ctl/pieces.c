#include "ctl/pieces.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "ctl/meter.h"

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

static int piece_send(const struct ota_pieces *pieces, cJSON *names, int number, struct ota_error *error)
{
	const struct ota_invocation *invocation = pieces->invocation;
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	const cJSON *member;
	int code = ota_invocation_command(invocation, &command, error);
	bool added = code == 0 && cJSON_AddItemReferenceToObject(command, "names", names);

	if (code < 0)
		return code;
	cJSON_ArrayForEach(member, pieces->more)
		added = added && cJSON_AddItemToObject(command, member->string, cJSON_Duplicate(member, true));
	if (!added)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = ota_pieces_label(invocation, command, number, error);
	if (code == 0)
		code = ota_invocation_ask(invocation, command, &data, error);
	ota_pieces_add_up(pieces->sums, data);
	return code == 0 && pieces->answered ? pieces->answered(pieces->context, data, error) : code;
}

int ota_pieces_send(const struct ota_pieces *pieces, struct ota_error *error)
{
	const char *quiet = ota_invocation_value(pieces->invocation, "quiet");
	FILE *stream = pieces->names->size ? ota_meter_stream(pieces->invocation->messages, quiet) : NULL;
	size_t most = pieces->most ? pieces->most : OTA_NAMES_MAX;
	struct ota_meter meter;
	int code = 0;

	ota_meter_begin(&meter, stream, pieces->names->path, pieces->names->size);
	for (int number = 0; code == 0; number++) {
		OTA_AUTO_JSON cJSON *names = NULL;

		code = ota_names_take(pieces->names, most, &names, error);
		if (code == 0 && !names->child)
			break;
		if (code == 0)
			code = piece_send(pieces, names, number, error);
		ota_meter_show(&meter, ota_names_taken(pieces->names), pieces->names->size);
	}
	ota_meter_end(&meter);
	return code < 0 ? ota_pieces_blame(pieces->sums, code, error) : 0;
}
