#include <stdlib.h>
#include <string.h>

#include "ctl/names.h"
#include "ctl/pairs.h"
#include "ctl/verbs.h"

/* All of them in one command. */
static int names_list(struct ota_names *names, cJSON *targets, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *list = NULL;
	OTA_AUTO_JSON cJSON *rest = NULL;
	int code = ota_names_take(names, OTA_NAMES_MAX, &list, error);

	if (code == 0)
		code = ota_names_take(names, 1, &rest, error);
	if (code < 0)
		return code;
	if (rest->child)
		return ota_fail(error, OTA_ELIMIT,
				"a batch takes at most %d names; put them into a group (otactl group add) and give"
				" --where 'group = NAME'",
				OTA_NAMES_MAX);
	if (!cJSON_AddItemToObject(targets, "names", list))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	list = NULL;
	return 0;
}

/* The values of --device; the array is the caller's, what it points to is not. NULL without memory. */
static const char **devices_of(const struct ota_invocation *invocation, int *ret_count)
{
	const char **words = calloc((size_t)invocation->given_count + 1, sizeof(*words));

	*ret_count = 0;
	for (int i = 0; words && i < invocation->given_count; i++) {
		if (strcmp(invocation->given[i].option->name, "device") == 0)
			words[(*ret_count)++] = invocation->given[i].value;
	}
	return words;
}

/* targets.all and targets.where came with their flags; names come from options and a file. */
static int set_names(const struct ota_invocation *invocation, cJSON *command, struct ota_error *error)
{
	const char *file = ota_invocation_value(invocation, "names-file");
	cJSON *targets = cJSON_GetObjectItemCaseSensitive(command, "targets");
	OTA_AUTO_FREE const char **words = NULL;
	struct ota_names names;
	int count = 0;

	if (!file && !ota_invocation_value(invocation, "device"))
		return targets ? 0
			       : ota_fail(error, OTA_EINVALID,
					  "which devices? Give --all, --where EXPRESSION, --device NAME or --names-file FILE");
	if (targets)
		return ota_fail(error, OTA_EINVALID, "--all and --where exclude --device and --names-file");
	targets = cJSON_AddObjectToObject(command, "targets");
	words = devices_of(invocation, &count);
	if (!targets || !words)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	int code = ota_names_open(words, count, file, &names, error);
	if (code < 0)
		return code;
	code = names_list(&names, targets, error);
	ota_names_close(&names);
	return code;
}

int ota_batch_create(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	bool dry_run = ota_invocation_value(invocation, "dry-run") != NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0 && !ota_json_member(command, "kind") && !cJSON_AddStringToObject(command, "kind", "static"))
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	if (code == 0)
		code = ota_pairs_add(invocation, "tag", "tags", command, error);
	if (code == 0)
		code = set_names(invocation, command, error);
	if (code == 0)
		code = ota_invocation_ask(invocation, command, &data, error);
	if (code == 0)
		ota_output_one(&invocation->output, dry_run ? &ota_view_plan : invocation->verb->view, data);
	return code;
}
