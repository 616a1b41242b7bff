/* batch confirm: names from words and a file, in as many commands as they need; or all. */
#include "ctl/pieces.h"
#include "ctl/verbs.h"

enum { CONFIRM_WORDS = 1, STRANGERS_SHOWN = 20 }; /* ID stands before the names */

/* Counts add up by themselves; the first of those that do not wait are kept. */
static int keep(void *context, const cJSON *data, struct ota_error *error)
{
	cJSON *shown = cJSON_GetObjectItemCaseSensitive(context, "names");
	const cJSON *name;

	(void)error;
	cJSON_ArrayForEach(name, ota_json_member(data, "names")) {
		if (cJSON_GetArraySize(shown) < STRANGERS_SHOWN && cJSON_IsString(name))
			cJSON_AddItemToArray(shown, cJSON_CreateString(name->valuestring));
	}
	return 0;
}

static int confirm_all(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0 && !cJSON_AddTrueToObject(command, "all"))
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	if (code == 0)
		code = ota_invocation_ask(invocation, command, &data, error);
	if (code == 0)
		ota_output_one(&invocation->output, invocation->verb->view, data);
	return code;
}

static int confirm_names(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *sums = ota_pieces_sums("confirmed already notWaiting");
	struct ota_pieces pieces = { .invocation = invocation, .sums = sums, .answered = keep, .context = sums };
	struct ota_names names;
	int code = sums && cJSON_AddArrayToObject(sums, "names")
			   ? ota_names_open(invocation->arguments + CONFIRM_WORDS, invocation->argument_count - CONFIRM_WORDS,
					    ota_invocation_value(invocation, "names-file"), &names, error)
			   : ota_fail(error, OTA_ENOMEM, "out of memory");

	if (code < 0)
		return code;
	pieces.names = &names;
	code = ota_pieces_send(&pieces, error);
	ota_names_close(&names);
	if (code == 0)
		ota_output_one(&invocation->output, invocation->verb->view, sums);
	return code;
}

int ota_batch_confirm(struct ota_invocation *invocation, struct ota_error *error)
{
	bool all = ota_invocation_value(invocation, "all") != NULL;
	bool named = invocation->argument_count > CONFIRM_WORDS || ota_invocation_value(invocation, "names-file");

	if (all == named)
		return ota_fail(error, OTA_EINVALID, "which devices? Give their names, --names-file FILE, or --all");
	return all ? confirm_all(invocation, error) : confirm_names(invocation, error);
}
