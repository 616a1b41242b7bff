/* group add and group remove: names from words and files, in as many commands as they need. */
#include <string.h>

#include "ctl/pieces.h"
#include "ctl/verbs.h"

enum { GROUP_WORDS = 2, UNKNOWN_SHOWN = 20 }; /* PRODUCT GROUP stand before the names */

static int set_copy(cJSON *sums, const char *key, const cJSON *value, struct ota_error *error)
{
	cJSON *copy = cJSON_Duplicate(value, true);

	cJSON_DeleteItemFromObjectCaseSensitive(sums, key);
	if (copy && cJSON_AddItemToObject(sums, key, copy))
		return 0;
	cJSON_Delete(copy);
	return ota_fail(error, OTA_ENOMEM, "out of memory");
}

/* Counts add up by themselves; the first of the unknown names are kept, and the last count of members. */
static int keep(void *context, const cJSON *data, struct ota_error *error)
{
	cJSON *sums = context, *shown = cJSON_GetObjectItemCaseSensitive(sums, "unknownNames");
	const cJSON *name;

	cJSON_ArrayForEach(name, ota_json_member(data, "unknownNames")) {
		if (cJSON_GetArraySize(shown) == UNKNOWN_SHOWN || !cJSON_IsString(name))
			break;
		cJSON_AddItemToArray(shown, cJSON_CreateString(name->valuestring));
	}
	return ota_json_member(data, "members") ? set_copy(sums, "members", ota_json_member(data, "members"), error) : 0;
}

static cJSON *sums_new(const char *answers)
{
	cJSON *sums = ota_pieces_sums(answers);

	if (sums && cJSON_AddArrayToObject(sums, "unknownNames"))
		return sums;
	cJSON_Delete(sums);
	return NULL;
}

static int change(struct ota_invocation *invocation, const char *answers, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *sums = sums_new(answers);
	struct ota_pieces pieces = { .invocation = invocation, .sums = sums, .answered = keep, .context = sums };
	struct ota_names names;
	int code = sums ? ota_names_open(invocation->arguments + GROUP_WORDS, invocation->argument_count - GROUP_WORDS,
					 ota_invocation_value(invocation, "names-file"), &names, error)
			: ota_fail(error, OTA_ENOMEM, "out of memory");

	if (code < 0)
		return code;
	pieces.names = &names;
	if (ota_invocation_value(invocation, "dry-run") && !cJSON_AddTrueToObject(sums, "dryRun"))
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	if (code == 0)
		code = ota_pieces_send(&pieces, error);
	ota_names_close(&names);
	if (code == 0)
		ota_output_one(&invocation->output, invocation->verb->view, sums);
	return code;
}

/* A group of nobody yet. */
static int make(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0)
		code = ota_invocation_ask(invocation, command, &data, error);
	if (code == 0)
		ota_output_one(&invocation->output, invocation->verb->view, data);
	return code;
}

int ota_group_add(struct ota_invocation *invocation, struct ota_error *error)
{
	if (invocation->argument_count == GROUP_WORDS && !ota_invocation_value(invocation, "names-file"))
		return make(invocation, error);
	return change(invocation, "added already unknown", error);
}

int ota_group_remove(struct ota_invocation *invocation, struct ota_error *error)
{
	return change(invocation, "removed absent unknown", error);
}
