/*
 * device add, device renew-secret and device tag: names from words and files, in as many commands as they need.
 */
#include <string.h>

#include "common/limits.h"
#include "ctl/pieces.h"
#include "ctl/secrets.h"
#include "ctl/verbs.h"

/* What was told before something went wrong is shown all the same: nobody can tell it again. */
static int show(const struct ota_pieces *pieces, struct ota_secrets *secrets, int code, struct ota_error *error)
{
	struct ota_output *output = &pieces->invocation->output;
	bool holds = secrets && cJSON_GetArraySize(secrets->shown) > 0;
	int failed = secrets ? ota_secrets_tell(secrets, pieces->sums, error) : 0;

	if (failed == 0 && (code == 0 || holds))
		ota_output_one(output, pieces->invocation->verb->view, pieces->sums);
	return code < 0 ? code : failed;
}

static int in_pieces(struct ota_pieces *pieces, struct ota_secrets *secrets, const char *answers, struct ota_error *error)
{
	struct ota_invocation *invocation = pieces->invocation;
	OTA_AUTO_JSON cJSON *sums = ota_pieces_sums(answers);
	struct ota_names names;
	int code = sums ? ota_names_open(invocation->arguments + 1, invocation->argument_count - 1,
					 ota_invocation_value(invocation, "names-file"), &names, error)
			: ota_fail(error, OTA_ENOMEM, "out of memory");

	if (code < 0)
		return code;
	pieces->names = &names;
	pieces->sums = sums;
	if (ota_invocation_value(invocation, "dry-run") && !cJSON_AddTrueToObject(sums, "dryRun"))
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	if (code == 0)
		code = show(pieces, secrets, ota_pieces_send(pieces, error), error);
	ota_names_close(&names);
	return code;
}

/* The secrets of an answer, of devices of one product. */
struct keeping {
	struct ota_secrets *secrets;
	const char *product;
};

static int secrets_keep(void *context, const cJSON *data, struct ota_error *error)
{
	const struct keeping *keeping = context;

	return ota_secrets_add(keeping->secrets, keeping->product, ota_json_member(data, "devices"), error);
}

static int add_with_secrets(struct ota_invocation *invocation, struct ota_error *error)
{
	struct ota_secrets secrets;
	struct keeping keeping = { &secrets, invocation->arguments[0] };
	struct ota_pieces pieces = {
		.invocation = invocation, .most = OTA_SECRETS_MAX, .answered = secrets_keep, .context = &keeping };
	int code = ota_secrets_open(invocation, &secrets, error);

	if (code < 0)
		return code;
	code = in_pieces(&pieces, &secrets, "registered already", error);
	ota_secrets_close(&secrets);
	return code;
}

int ota_device_add(struct ota_invocation *invocation, struct ota_error *error)
{
	bool secrets = ota_invocation_value(invocation, "secrets") != NULL;
	struct ota_pieces pieces = { .invocation = invocation, .most = secrets ? OTA_SECRETS_MAX : OTA_NAMES_MAX };

	/* A dry run makes secrets and tells none: there is nothing for a file. */
	if (secrets && !ota_invocation_value(invocation, "dry-run"))
		return add_with_secrets(invocation, error);
	if (!secrets && ota_invocation_value(invocation, "out"))
		return ota_fail(error, OTA_EINVALID, "--out is for the secrets that --secrets makes; give both or none");
	return in_pieces(&pieces, NULL, "registered already", error);
}

/* The secret goes out of the answer as it goes into the file. */
static int renewed_to_file(const struct ota_invocation *invocation, struct ota_secrets *secrets, cJSON *data,
			   struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *devices = cJSON_CreateArray();
	int code;

	if (!cJSON_AddItemReferenceToArray(devices, data))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = ota_secrets_add(secrets, invocation->arguments[0], devices, error);
	if (code < 0)
		return code;
	cJSON_DeleteItemFromObjectCaseSensitive(data, "deviceSecret");
	return ota_secrets_tell(secrets, data, error);
}

static int renew(struct ota_invocation *invocation, struct ota_secrets *secrets, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0)
		code = ota_invocation_ask(invocation, command, &data, error);
	if (code < 0)
		return code;
	if (secrets->path)
		code = renewed_to_file(invocation, secrets, data, error);
	ota_output_one(&invocation->output, invocation->verb->view, data);
	return code;
}

int ota_device_renew_secret(struct ota_invocation *invocation, struct ota_error *error)
{
	struct ota_secrets secrets;

	if (ota_invocation_value(invocation, "dry-run"))
		return ota_invocation_run(invocation, error);
	int code = ota_secrets_open(invocation, &secrets, error);
	if (code < 0)
		return code;
	code = renew(invocation, &secrets, error);
	ota_secrets_close(&secrets);
	return code;
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
	struct ota_pieces pieces = { .invocation = invocation, .more = more };
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
	return in_pieces(&pieces, NULL, "changed already", error);
}
