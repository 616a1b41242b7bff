/*
 * server check and server backup: jobs of the server, asked for and waited for.
 */
#include <string.h>

#include "ctl/exit.h"
#include "ctl/pause.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"

/* The first look comes soon: most jobs of a small fleet are done by then. */
enum { LOOK_FIRST_MS = 50, LOOK_MOST_MS = 1000 };

static const char *text_of(const cJSON *object, const char *key)
{
	const cJSON *member = object ? ota_json_member(object, key) : NULL;

	return cJSON_IsString(member) ? member->valuestring : "";
}

static void progress_show(const struct ota_invocation *invocation, const cJSON *job)
{
	const cJSON *progress = ota_json_member(job, "progress");

	if (ota_terminal_is(invocation->messages) && cJSON_IsNumber(progress))
		(void)fprintf(invocation->messages, "\r%s %3.0f %%\x1b[K", text_of(job, "kind"), progress->valuedouble);
	(void)fflush(invocation->messages);
}

static void progress_end(const struct ota_invocation *invocation)
{
	if (ota_terminal_is(invocation->messages))
		(void)fputs("\r\x1b[K", invocation->messages);
}

static int look(const struct ota_invocation *invocation, double id, cJSON **ret_job, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = cJSON_CreateObject();

	if (!cJSON_AddStringToObject(command, "command", "getJob") || !cJSON_AddNumberToObject(command, "job", id))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	return ota_invocation_ask(invocation, command, ret_job, error);
}

/* Looks until it has ended, less and less often. */
static int follow(const struct ota_invocation *invocation, double id, cJSON **ret_job, struct ota_error *error)
{
	int64_t pause_ms = LOOK_FIRST_MS;
	int code = 0;

	for (;;) {
		cJSON *job = NULL;

		ota_pause(pause_ms);
		pause_ms = pause_ms * 2 < LOOK_MOST_MS ? pause_ms * 2 : LOOK_MOST_MS;
		code = look(invocation, id, &job, error);
		if (code < 0)
			return ota_error_prefix(error, code, "the server began, but");
		if (strcmp(text_of(job, "state"), "running") != 0) {
			*ret_job = job;
			return 0;
		}
		progress_show(invocation, job);
		cJSON_Delete(job);
	}
}

/* Asks for the verb's job and waits for its end; a job that failed is a failure of ours, in its words. */
static int job_run(struct ota_invocation *invocation, cJSON **ret_job, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *started = NULL;
	const cJSON *id = NULL, *failure = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0)
		code = ota_invocation_ask(invocation, command, &started, error);
	if (code < 0)
		return code;
	id = ota_json_member(started, "job");
	if (!cJSON_IsNumber(id))
		return ota_fail(error, OTA_ECORRUPT, "the server did not name the job it began");
	code = follow(invocation, id->valuedouble, ret_job, error);
	progress_end(invocation);
	if (code < 0 || strcmp(text_of(*ret_job, "state"), "failed") != 0)
		return code;
	failure = ota_json_member(*ret_job, "error");
	code = ota_code_from_name(text_of(failure, "code"));
	return ota_fail(error, code < 0 ? code : OTA_EIO, "%s", text_of(failure, "message"));
}

int ota_server_backup(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *job = NULL;
	int code = job_run(invocation, &job, error);

	if (code == 0)
		ota_output_one(&invocation->output, invocation->verb->view, ota_json_member(job, "result"));
	return code;
}

/* Programs read the whole result; people read a table, or that there is nothing to put into one. */
static void findings_show(struct ota_output *output, const cJSON *result)
{
	const cJSON *findings = ota_json_member(result, "findings");

	if (output->form != OTA_OUTPUT_TABLE) {
		ota_output_one(output, &ota_view_check, result);
	} else if (cJSON_GetArraySize(findings) == 0) {
		(void)fputs("nothing was found wrong\n", output->stream);
	} else {
		ota_output_begin(output);
		ota_output_page(output, &ota_view_finding, findings);
		ota_output_end(output);
	}
}

int ota_server_check(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *job = NULL;
	const cJSON *result = NULL;
	int code = job_run(invocation, &job, error), count = 0;

	if (code < 0)
		return code;
	result = ota_json_member(job, "result");
	count = cJSON_GetArraySize(ota_json_member(result, "findings"));
	findings_show(&invocation->output, result);
	invocation->status = count > 0 ? OTA_EXIT_FINDINGS : OTA_EXIT_OK;
	return 0;
}
