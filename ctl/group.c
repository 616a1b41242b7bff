/* group add and group remove: names from words and files, in as many commands as they need. */
#include "ctl/enrol.h"
#include "ctl/pieces.h"
#include "ctl/verbs.h"

enum { GROUP_WORDS = 2 }; /* PRODUCT GROUP stand before the names */

/* A long list goes as one upload, unless it is only to be tried. */
static int send_names(struct ota_invocation *invocation, struct ota_names *names, cJSON *sums, struct ota_error *error)
{
	struct ota_pieces pieces = {
		.invocation = invocation, .names = names, .sums = sums, .answered = ota_enrol_answered, .context = sums };
	bool adds = invocation->verb->run == ota_group_add, dry_run = ota_invocation_value(invocation, "dry-run") != NULL;
	OTA_AUTO_JSON cJSON *command = NULL;

	if (dry_run && !cJSON_AddTrueToObject(sums, "dryRun"))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	if (!adds || dry_run || names->file_count <= OTA_NAMES_MAX)
		return ota_pieces_send(&pieces, error);
	int code = ota_invocation_command(invocation, &command, error);
	return code == 0 ? ota_enrol(invocation, command, names, sums, error) : code;
}

static int change(struct ota_invocation *invocation, const char *answers, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *sums = ota_enrol_sums(answers);
	struct ota_names names;
	int code = sums ? ota_names_open(invocation->arguments + GROUP_WORDS, invocation->argument_count - GROUP_WORDS,
					 ota_invocation_value(invocation, "names-file"), &names, error)
			: ota_fail(error, OTA_ENOMEM, "out of memory");

	if (code < 0)
		return code;
	code = send_names(invocation, &names, sums, error);
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
