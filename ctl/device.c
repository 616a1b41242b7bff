/*
 * device add and device tag: names from words and files, in as many commands as they need.
 */
#include <string.h>

#include "common/limits.h"
#include "ctl/names.h"
#include "ctl/pieces.h"
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

/* `more` are members that go with every piece; may be NULL. */
static int send_some(const struct ota_invocation *invocation, cJSON *names, const cJSON *more, cJSON **ret_data, int piece,
		     struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	const cJSON *member;
	int code = ota_invocation_command(invocation, &command, error);
	bool added = code == 0 && cJSON_AddStringToObject(command, "productKey", invocation->arguments[0]) &&
		     cJSON_AddItemToObject(command, "names", take_some(names));

	if (code < 0)
		return code;
	cJSON_ArrayForEach(member, more)
		added = added && cJSON_AddItemToObject(command, member->string, cJSON_Duplicate(member, true));
	if (!added)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = ota_pieces_label(invocation, command, piece, error);
	return code == 0 ? ota_invocation_ask(invocation, command, ret_data, error) : code;
}

static int in_pieces(struct ota_invocation *invocation, const cJSON *more, const char *answers, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *names = cJSON_CreateArray();
	OTA_AUTO_JSON cJSON *sums = ota_pieces_sums(answers);
	int code = sums ? collect(invocation, names, error) : ota_fail(error, OTA_ENOMEM, "out of memory");

	for (int piece = 0; code == 0 && names->child; piece++) {
		OTA_AUTO_JSON cJSON *data = NULL;

		code = send_some(invocation, names, more, &data, piece, error);
		ota_pieces_add_up(sums, data);
	}
	if (code < 0)
		return ota_pieces_blame(sums, code, error);
	ota_output_one(&invocation->output, invocation->verb->view, sums);
	return 0;
}

int ota_device_add(struct ota_invocation *invocation, struct ota_error *error)
{
	return in_pieces(invocation, NULL, "registered already", error);
}

/* --set KEY=VALUE and --unset KEY; what they may be is the command's to judge. */
static int take_tag(const struct ota_given *given, cJSON *set, cJSON *unset, struct ota_error *error)
{
	char key[OTA_DEVICE_TAG_KEY_MAX + 2]; /* one too many is told by the rule of tags */
	size_t size;

	if (strcmp(given->option->name, "unset") == 0)
		return cJSON_AddItemToArray(unset, cJSON_CreateString(given->value)) ? 0 : OTA_ENOMEM;
	if (strcmp(given->option->name, "set") != 0)
		return 0;
	size = strcspn(given->value, "=");
	if (given->value[size] == '\0')
		return ota_fail(error, OTA_EINVALID, "--set is \"%.64s\"; allowed: KEY=VALUE", given->value);
	(void)snprintf(key, sizeof(key), "%.*s", (int)size, given->value);
	if (ota_json_member(set, key))
		return ota_fail(error, OTA_EINVALID, "--set %s is given twice", key);
	return cJSON_AddStringToObject(set, key, given->value + size + 1) ? 0 : OTA_ENOMEM;
}

int ota_device_tag(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *more = cJSON_CreateObject();
	cJSON *set = cJSON_AddObjectToObject(more, "set");
	cJSON *unset = cJSON_AddArrayToObject(more, "unset");
	int code = set && unset ? 0 : OTA_ENOMEM;

	for (int i = 0; code == 0 && i < invocation->given_count; i++)
		code = take_tag(&invocation->given[i], set, unset, error);
	if (code == OTA_ENOMEM)
		return ota_fail(error, code, "out of memory");
	if (code < 0)
		return code;
	if (!set->child && !unset->child)
		return ota_fail(error, OTA_EINVALID, "which tags? Give --set KEY=VALUE or --unset KEY");
	if (!set->child)
		cJSON_DeleteItemFromObjectCaseSensitive(more, "set");
	if (!unset->child)
		cJSON_DeleteItemFromObjectCaseSensitive(more, "unset");
	return in_pieces(invocation, more, "changed already", error);
}
