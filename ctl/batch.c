#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "ctl/enrol.h"
#include "ctl/order.h"
#include "ctl/pairs.h"
#include "ctl/plan.h"
#include "ctl/verbs.h"

static int product_of(struct ota_invocation *invocation, const cJSON *command, char product[OTA_PRODUCT_KEY_MAX + 1],
		      struct ota_error *error)
{
	const cJSON *key = ota_json_member(command, "productKey"), *package = ota_json_member(command, "package");
	OTA_AUTO_JSON cJSON *question = cJSON_CreateObject();
	OTA_AUTO_JSON cJSON *data = NULL;
	int code = 0;

	if (!key && package) {
		if (!cJSON_AddStringToObject(question, "command", "getPackage") ||
		    !cJSON_AddNumberToObject(question, "package", package->valuedouble))
			return ota_fail(error, OTA_ENOMEM, "out of memory");
		code = ota_client_call(invocation->client, question, &data, error);
		key = ota_json_member(data, "productKey");
	}
	if (code == 0 && !cJSON_IsString(key))
		code = ota_fail(error, OTA_EINVALID, "which package? Give --package ID, or --product and --version");
	if (code == 0)
		ota_text_cut(product, OTA_PRODUCT_KEY_MAX + 1, key->valuestring);
	return code;
}

/* More names than a command holds are a group of their own. */
static int names_group(struct ota_invocation *invocation, const cJSON *command, const struct ota_names *names, cJSON *targets,
		       struct ota_error *error)
{
	char product[OTA_PRODUCT_KEY_MAX + 1], group[OTA_ENROL_NAME_SIZE], where[OTA_ENROL_NAME_SIZE + 16];
	int code = product_of(invocation, command, product, error);

	if (code == 0)
		code = ota_enrol_list(invocation, product, names, group, error);
	if (code < 0)
		return code;
	(void)snprintf(where, sizeof(where), "group = %s", group);
	return cJSON_AddStringToObject(targets, "where", where) ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}

static int names_target(struct ota_invocation *invocation, const cJSON *command, struct ota_names *names, cJSON *targets,
			struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *list = NULL;
	OTA_AUTO_JSON cJSON *rest = NULL;
	int code = ota_names_take(names, OTA_NAMES_MAX, &list, error);

	if (code == 0)
		code = ota_names_take(names, 1, &rest, error);
	if (code < 0)
		return code;
	if (rest->child)
		return names_group(invocation, command, names, targets, error);
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

/* targets.all, targets.where and targets.batch came with their flags; names come from options and a file. */
static int set_names(struct ota_invocation *invocation, cJSON *command, struct ota_error *error)
{
	const char *file = ota_invocation_value(invocation, "names-file");
	cJSON *targets = cJSON_GetObjectItemCaseSensitive(command, "targets");
	OTA_AUTO_FREE const char **words = NULL;
	struct ota_names names;
	int count = 0;

	if (!file && !ota_invocation_value(invocation, "device"))
		return targets ? 0
			       : ota_fail(error, OTA_EINVALID,
					  "which devices? Give --all, --where EXPRESSION, --device NAME, --names-file FILE or"
					  " --of-batch ID");
	if (targets)
		return ota_fail(error, OTA_EINVALID, "--all, --where and --of-batch exclude --device and --names-file");
	targets = cJSON_AddObjectToObject(command, "targets");
	words = devices_of(invocation, &count);
	if (!targets || !words)
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	int code = ota_names_open(words, count, file, &names, error);
	if (code < 0)
		return code;
	code = names_target(invocation, command, &names, targets, error);
	ota_names_close(&names);
	return code;
}

static bool names_devices(const struct ota_invocation *invocation, const cJSON *command)
{
	return ota_json_member(command, "targets") || ota_invocation_value(invocation, "device") ||
	       ota_invocation_value(invocation, "names-file");
}

/* What the command line says, and what the file says besides. */
static int order_make(struct ota_invocation *invocation, cJSON **ret_command, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *order = NULL;
	const char *file = ota_invocation_value(invocation, "file");
	int code = ota_invocation_command(invocation, ret_command, error);

	if (code == 0)
		code = ota_pairs_add(invocation, "tag", "tags", *ret_command, error);
	if (code == 0 && file)
		code = ota_order_read(file, &order, error);
	if (code == 0 && (names_devices(invocation, *ret_command) || !ota_json_member(order, "targets")))
		code = set_names(invocation, *ret_command, error);
	if (code == 0 && order)
		code = ota_order_fill(*ret_command, order, error);
	if (code == 0 && !ota_json_member(*ret_command, "kind") && !cJSON_AddStringToObject(*ret_command, "kind", "static"))
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	return code;
}

/* A batch, or the plan of one. */
static void answer_show(struct ota_invocation *invocation, const cJSON *data)
{
	OTA_AUTO_BYTES struct ota_bytes page = { 0 };
	struct ota_output *output = &invocation->output;
	bool is_plan = cJSON_IsTrue(ota_json_member(data, "dryRun"));

	if (!is_plan || output->form != OTA_OUTPUT_TABLE) {
		ota_output_one(output, is_plan ? &ota_view_plan : &ota_view_batch, data);
		return;
	}
	ota_plan_put(&page, data, output->now_ms);
	(void)fwrite(page.data, 1, page.size, output->stream);
}

static int batch_ask(struct ota_invocation *invocation, const cJSON *command, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *data = NULL;
	int code = ota_invocation_ask(invocation, command, &data, error);

	if (code == 0)
		answer_show(invocation, data);
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
	int code = order_make(invocation, &command, error);

	return code == 0 ? batch_ask(invocation, command, error) : code;
}

int ota_batch_plan(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	int code = order_make(invocation, &command, error);

	if (code == 0 && !cJSON_AddTrueToObject(command, "dryRun"))
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	return code == 0 ? batch_ask(invocation, command, error) : code;
}

/* A table of it would be no file: it is JSON in every form. */
int ota_batch_export(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	struct ota_output output = invocation->output;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0)
		code = ota_invocation_ask(invocation, command, &data, error);
	if (output.form == OTA_OUTPUT_TABLE)
		output.form = OTA_OUTPUT_JSON;
	if (code == 0)
		ota_output_one(&output, invocation->verb->view, data);
	return code;
}
