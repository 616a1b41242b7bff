/*
 * device add, device renew-secret and device tag: names from words and files, in as many commands as they need.
 */
#include <string.h>

#include "common/limits.h"
#include "ctl/names.h"
#include "ctl/pieces.h"
#include "ctl/secrets.h"
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
static cJSON *take_some(cJSON *names, int most)
{
	cJSON *some = cJSON_CreateArray();
	size_t bytes = 0;

	for (int count = 0; count < most && names->child && bytes < NAMES_BYTES_MAX; count++) {
		cJSON *name = cJSON_DetachItemViaPointer(names, names->child);

		bytes += strlen(name->valuestring) + 3;
		cJSON_AddItemToArray(some, name);
	}
	return some;
}

/* A list of names on its way. */
struct work {
	struct ota_invocation *invocation;
	cJSON *names;
	const cJSON *more;           /* members that go with every piece; may be NULL */
	struct ota_secrets *secrets; /* NULL: none are told */
	int most;                    /* names in a piece; 0 = OTA_NAMES_MAX */
	cJSON *sums;
};

static int send_some(const struct work *work, cJSON **ret_data, int piece, struct ota_error *error)
{
	const struct ota_invocation *invocation = work->invocation;
	OTA_AUTO_JSON cJSON *command = NULL;
	const cJSON *member;
	int code = ota_invocation_command(invocation, &command, error), most = work->most ? work->most : OTA_NAMES_MAX;
	bool added = code == 0 && cJSON_AddItemToObject(command, "names", take_some(work->names, most));

	if (code < 0)
		return code;
	cJSON_ArrayForEach(member, work->more)
		added = added && cJSON_AddItemToObject(command, member->string, cJSON_Duplicate(member, true));
	if (!added)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = ota_pieces_label(invocation, command, piece, error);
	return code == 0 ? ota_invocation_ask(invocation, command, ret_data, error) : code;
}

static int send_all(const struct work *work, struct ota_error *error)
{
	int code = 0;

	for (int piece = 0; code == 0 && work->names->child; piece++) {
		OTA_AUTO_JSON cJSON *data = NULL;

		code = send_some(work, &data, piece, error);
		ota_pieces_add_up(work->sums, data);
		if (code == 0 && work->secrets)
			code = ota_secrets_add(work->secrets, work->invocation->arguments[0], ota_json_member(data, "devices"),
					       error);
	}
	return code < 0 ? ota_pieces_blame(work->sums, code, error) : 0;
}

/* What was told before something went wrong is shown all the same: nobody can tell it again. */
static int show(const struct work *work, int code, struct ota_error *error)
{
	struct ota_output *output = &work->invocation->output;
	bool holds = work->secrets && cJSON_GetArraySize(work->secrets->shown) > 0;
	int failed = work->secrets ? ota_secrets_tell(work->secrets, work->sums, error) : 0;

	if (failed == 0 && (code == 0 || holds))
		ota_output_one(output, work->invocation->verb->view, work->sums);
	return code < 0 ? code : failed;
}

static int in_pieces(struct work *work, const char *answers, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *names = cJSON_CreateArray();
	OTA_AUTO_JSON cJSON *sums = ota_pieces_sums(answers);
	int code = sums ? collect(work->invocation, names, error) : ota_fail(error, OTA_ENOMEM, "out of memory");

	if (code < 0)
		return code;
	if (ota_invocation_value(work->invocation, "dry-run") && !cJSON_AddTrueToObject(sums, "dryRun"))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	work->names = names;
	work->sums = sums;
	return show(work, send_all(work, error), error);
}

static int add_with_secrets(struct ota_invocation *invocation, struct ota_error *error)
{
	struct ota_secrets secrets;
	struct work work = { .invocation = invocation, .secrets = &secrets, .most = OTA_SECRETS_MAX };
	int code = ota_secrets_open(invocation, &secrets, error);

	if (code < 0)
		return code;
	code = in_pieces(&work, "registered already", error);
	ota_secrets_close(&secrets);
	return code;
}

int ota_device_add(struct ota_invocation *invocation, struct ota_error *error)
{
	bool secrets = ota_invocation_value(invocation, "secrets") != NULL;
	struct work work = { .invocation = invocation, .most = secrets ? OTA_SECRETS_MAX : 0 };

	/* A dry run makes secrets and tells none: there is nothing for a file. */
	if (secrets && !ota_invocation_value(invocation, "dry-run"))
		return add_with_secrets(invocation, error);
	if (!secrets && ota_invocation_value(invocation, "out"))
		return ota_fail(error, OTA_EINVALID, "--out is for the secrets that --secrets makes; give both or none");
	return in_pieces(&work, "registered already", error);
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
	struct work work = { .invocation = invocation, .more = more };
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
	return in_pieces(&work, "changed already", error);
}
