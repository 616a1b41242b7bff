#include <string.h>

#include "ctl/names.h"
#include "ctl/pairs.h"
#include "ctl/verbs.h"

/* targets.all, targets.where and targets.batch came with their flags; names come from options and a file. */
static int set_names(const struct ota_invocation *invocation, cJSON *command, struct ota_error *error)
{
	const char *file = ota_invocation_value(invocation, "names-file");
	cJSON *targets = cJSON_GetObjectItemCaseSensitive(command, "targets");
	cJSON *names;
	int code = 0;

	if (!file && !ota_invocation_value(invocation, "device"))
		return targets ? 0
			       : ota_fail(error, OTA_EINVALID,
					  "which devices? Give --all, --where EXPRESSION, --device NAME, --names-file FILE or"
					  " --of-batch ID");
	if (targets)
		return ota_fail(error, OTA_EINVALID, "--all, --where and --of-batch exclude --device and --names-file");
	targets = cJSON_AddObjectToObject(command, "targets");
	names = cJSON_AddArrayToObject(targets, "names");
	if (!names)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	for (int i = 0; code == 0 && i < invocation->given_count; i++) {
		if (strcmp(invocation->given[i].option->name, "device") == 0)
			code = ota_names_add(invocation->given[i].value, names, error);
	}
	return code == 0 && file ? ota_names_read(file, names, error) : code;
}

static int batch_ask(struct ota_invocation *invocation, const cJSON *command, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *data = NULL;
	bool dry_run = ota_invocation_value(invocation, "dry-run") != NULL;
	int code = ota_invocation_ask(invocation, command, &data, error);

	if (code == 0)
		ota_output_one(&invocation->output, dry_run ? &ota_view_plan : invocation->verb->view, data);
	return code;
}

int ota_batch_succeed(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0)
		code = ota_pairs_add(invocation, "tag", "tags", command, error);
	return code == 0 ? batch_ask(invocation, command, error) : code;
}

int ota_batch_create(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0 && !ota_json_member(command, "kind") && !cJSON_AddStringToObject(command, "kind", "static"))
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	if (code == 0)
		code = ota_pairs_add(invocation, "tag", "tags", command, error);
	if (code == 0)
		code = set_names(invocation, command, error);
	return code == 0 ? batch_ask(invocation, command, error) : code;
}
