/* What takes long goes to the keeper: these only ask for it, and tell how far it is. */
#include <stdio.h>
#include <stdlib.h>

#include "common/text.h"
#include "plugin/control/call.h"

static int order_place(struct ota_call *call, const struct ota_job_order *order, const char *event, struct ota_error *error)
{
	struct ota_keeper *keeper = call->control->options.keeper;
	char detail[64];
	int failed = 0;

	if (!keeper)
		return ota_fail(error, OTA_EUNAVAILABLE, "this server does no jobs");
	failed = ota_call_act(call, error);
	if (failed)
		return failed;
	failed = ota_keeper_order(keeper, order, error);
	if (failed)
		return failed;
	snprintf(detail, sizeof(detail), "job %lld", (long long)order->id);
	ota_answer_open(call->out, NULL, '{');
	ota_answer_integer(call->out, "job", order->id);
	ota_answer_close(call->out, '}');
	return ota_call_note(call, (struct ota_call_subject){""}, event, detail, error);
}

int ota_handle_backup_server(struct ota_call *call, struct ota_error *error)
{
	struct ota_job_order order = {
		.id = call->now.wall_ms,
		.kind = OTA_JOB_BACKUP,
		.keep = (int)ota_call_integer(call, "keep", 0),
	};

	ota_call_text(call, "name", "", order.name, sizeof(order.name));
	return order_place(call, &order, "server_backup", error);
}

int ota_handle_check_server(struct ota_call *call, struct ota_error *error)
{
	const struct ota_job_order order = {
		.id = call->now.wall_ms,
		.kind = OTA_JOB_CHECK,
		.deep = ota_call_bool(call, "deep"),
	};

	return order_place(call, &order, "server_check", error);
}

static void backup_answer(struct ota_bytes *out, const struct ota_job *job)
{
	ota_answer_text(out, "path", job->backup.path);
	ota_answer_integer(out, "bytes", (int64_t)job->backup.bytes);
	ota_answer_text(out, "sha256", job->backup.sha256);
	ota_answer_integer(out, "removed", job->backup.removed);
}

static void check_answer(struct ota_bytes *out, const struct ota_job *job)
{
	ota_answer_bool(out, "deep", job->order.deep);
	ota_answer_findings(out, "findings", &job->findings);
	ota_answer_integer_if(out, "more", (int64_t)job->findings.more);
}

static void job_answer(struct ota_bytes *out, const struct ota_job *job)
{
	static void (*const results[OTA_JOB_KINDS])(struct ota_bytes *, const struct ota_job *) = {
		[OTA_JOB_BACKUP] = backup_answer,
		[OTA_JOB_CHECK] = check_answer,
	};

	ota_answer_open(out, NULL, '{');
	ota_answer_integer(out, "job", job->order.id);
	ota_answer_text(out, "kind", ota_job_kind_word(job->order.kind));
	ota_answer_text(out, "state", ota_job_state_word(job->state));
	ota_answer_integer(out, "progress", job->progress);
	ota_answer_integer(out, "startedAt", job->started_ms);
	ota_answer_integer_if(out, "endedAt", job->ended_ms);
	if (job->state == OTA_JOB_DONE) {
		ota_answer_open(out, "result", '{');
		results[job->order.kind](out, job);
		ota_answer_close(out, '}');
	}
	if (job->state == OTA_JOB_FAILED) {
		ota_answer_open(out, "error", '{');
		ota_answer_text(out, "code", ota_code_name(job->error.code));
		ota_answer_text(out, "message", job->error.text);
		ota_answer_close(out, '}');
	}
	ota_answer_close(out, '}');
}

int ota_handle_get_job(struct ota_call *call, struct ota_error *error)
{
	struct ota_keeper *keeper = call->control->options.keeper;
	OTA_AUTO_FREE struct ota_job *job = calloc(1, sizeof(*job));
	int64_t id = ota_call_integer(call, "job", 0);

	if (!job)
		return ota_fail(error, OTA_ENOMEM, "no memory");
	if (!keeper || ota_keeper_find_job(keeper, id, job) != 0)
		return ota_fail_at(error, OTA_ENOTFOUND, "job",
				   "job %lld is not known: the last %d are remembered, and none beyond a restart of the broker",
				   (long long)id, OTA_KEEPER_JOBS);
	job_answer(call->out, job);
	return 0;
}
