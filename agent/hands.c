#include "agent/hands.h"

#include <string.h>

#include "agent/core/record.h"
#include "common/digest.h"
#include "common/text.h"
#include "common/time.h"

static struct agent_now now_read(void)
{
	struct agent_now now = {.ms = ota_boot_ms()};

	/* Without random bytes there is no jitter, and all else works. */
	ota_random(&now.random, sizeof(now.random));
	return now;
}

static void hands_log(const struct agent_hands *hands, enum ota_log_level level, const char *word, const char *text)
{
	struct ota_log_line line;

	ota_log_begin(&line, level, word);
	if (text[0])
		ota_log_text(&line, "text", text);
	ota_log_end(hands->log, &line);
}

/* With the numbers by which the server's lines tell of the same; a server that is not ours gives none. */
static void hands_tell(const struct agent_hands *hands, const struct agent_effect *effect)
{
	struct ota_log_line line;

	ota_log_begin(&line, effect->level, effect->word);
	if (hands->core.last_batch) {
		ota_log_integer(&line, "batch", hands->core.last_batch);
		ota_log_integer(&line, "attempt", hands->core.last_attempt);
	}
	if (effect->text[0])
		ota_log_text(&line, "text", effect->text);
	ota_log_end(hands->log, &line);
}

/* --- jobs ------------------------------------------------------------------------------------------------------------------- */

static struct agent_job job_of_task(const struct agent_hands *hands, enum agent_job_kind kind)
{
	const struct agent_task *task = &hands->core.task;
	struct agent_job job = {
		.kind = kind,
		.installer = hands->installers[task->module],
		.fetch = hands->fetch,
		.restarter = hands->restarter,
		.module = task->module,
		.order = {.offer = task->offer},
	};

	ota_text_cut(job.previous_version, sizeof(job.previous_version), task->from);
	ota_text_cut(job.sha256, sizeof(job.sha256), task->sha256);
	return job;
}

static void hands_fetch(struct agent_hands *hands)
{
	enum { AT_LEAST_MS = OTA_SECOND_MS };
	struct agent_job job = job_of_task(hands, AGENT_JOB_FETCH);
	int64_t left_ms = hands->core.started_ms + hands->core.limits.fetch_deadline_ms - ota_boot_ms();

	job.order.deadline_ms = left_ms > AT_LEAST_MS ? left_ms : AT_LEAST_MS;
	hands->job_start(hands->context, &job);
}

static void hands_start(struct agent_hands *hands, enum agent_job_kind kind)
{
	const struct agent_job job = job_of_task(hands, kind);

	hands->job_start(hands->context, &job);
}

static void hands_ask_version(struct agent_hands *hands, size_t module)
{
	struct agent_job job = {.kind = AGENT_JOB_VERSION, .installer = hands->installers[module], .module = module};

	ota_text_cut(job.module_name, sizeof(job.module_name), hands->core.modules[module].name);
	hands->job_start(hands->context, &job);
}

void agent_hands_begin(struct agent_hands *hands)
{
	hands_ask_version(hands, 0);
}

static void hands_done_version(struct agent_hands *hands, const struct agent_job *job)
{
	const struct agent_event event = {
		.kind = AGENT_EVENT_VERSION,
		.version = {.module = job->module, .version = job->code ? NULL : job->version},
	};
	char text[OTA_ERROR_TEXT_MAX + OTA_MODULE_MAX + 8];

	/* Stopped in between: nothing is known of this module, and nobody waits for it any more. */
	if (job->code == OTA_ECANCELED)
		return;
	snprintf(text, sizeof(text), "%s: %s", job->module_name, job->code ? job->error.text : job->version);
	hands_log(hands, job->code ? OTA_LOG_ERROR : OTA_LOG_INFO, job->code ? "version_unknown" : "version_runs", text);
	if (job->module + 1 < hands->core.module_count)
		hands_ask_version(hands, job->module + 1);
	agent_hands_event(hands, &event);
}

void agent_hands_done(struct agent_hands *hands, const struct agent_job *job)
{
	struct agent_event event = {.error = &job->error};

	switch (job->kind) {
	case AGENT_JOB_VERSION:
		hands_done_version(hands, job);
		return;
	case AGENT_JOB_FETCH:
		event = (struct agent_event){.kind = AGENT_EVENT_FETCHED, .fetched = &job->fetched};
		break;
	case AGENT_JOB_INSTALL:
		event.kind = job->code ? AGENT_EVENT_NOT_INSTALLED : AGENT_EVENT_INSTALLED;
		break;
	case AGENT_JOB_RESTART:
		if (!job->code)
			return; /* under way: our end is the good news */
		event.kind = AGENT_EVENT_NOT_RESTARTED;
		break;
	}
	agent_hands_event(hands, &event);
}

/* --- talk ------------------------------------------------------------------------------------------------------------------- */

static void hands_connect(struct agent_hands *hands)
{
	struct ota_error error = {0};

	if (hands->reporter.connect(hands->reporter.context, &error))
		hands->broken(hands->context, &error);
}

static void hands_inform(const struct agent_hands *hands, size_t module)
{
	struct ota_inform inform = {.batch = hands->core.last_batch, .attempt = hands->core.last_attempt};

	ota_text_cut(inform.version, sizeof(inform.version), hands->core.modules[module].version);
	ota_text_cut(inform.module, sizeof(inform.module), hands->core.modules[module].name);
	hands->reporter.inform(hands->reporter.context, &inform);
}

static void hands_report(const struct agent_hands *hands)
{
	const struct agent_report *report = &hands->core.report;

	hands->reporter.progress(hands->reporter.context, &report->progress, agent_report_qos(&report->progress), report->number);
}

/* --- the record ------------------------------------------------------------------------------------------------------------- */

int agent_hands_save(struct agent_hands *hands, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};

	if (agent_record_print(&hands->core, &text))
		return ota_fail(error, OTA_ENOMEM, "no memory for the record");
	return hands->store.save(hands->store.context, (struct ota_span){text.data, text.size}, error);
}

void agent_hands_load(struct agent_hands *hands)
{
	OTA_AUTO_BYTES struct ota_bytes text = {0};
	struct ota_error error = {0};
	int rc = hands->store.load(hands->store.context, &text, &error);

	if (rc == OTA_ENOTFOUND)
		return;
	if (!rc)
		rc = agent_record_read((struct ota_span){text.data, text.size}, &hands->core, &error);
	if (!rc)
		return;
	hands_log(hands, OTA_LOG_ERROR, "state_unreadable", error.text);
	hands->store.set_aside(hands->store.context);
}

/* --- effects ---------------------------------------------------------------------------------------------------------------- */

static void hands_restart(struct agent_hands *hands)
{
	if (hands->restarter.restart)
		hands_start(hands, AGENT_JOB_RESTART);
	else
		hands->restart(hands->context);
}

static void hands_carry_out(struct agent_hands *hands, const struct agent_effect *effect)
{
	switch (effect->kind) {
	case AGENT_EFFECT_CONNECT:
		hands_connect(hands);
		break;
	case AGENT_EFFECT_INFORM:
		hands_inform(hands, effect->index);
		break;
	case AGENT_EFFECT_REPORT:
		hands_report(hands);
		break;
	case AGENT_EFFECT_FETCH:
		hands_fetch(hands);
		break;
	case AGENT_EFFECT_STOP:
		hands->job_stop(hands->context);
		break;
	case AGENT_EFFECT_DISCARD:
		hands->fetch.discard(hands->fetch.context, hands->core.modules[effect->index].name);
		break;
	case AGENT_EFFECT_INSTALL:
		hands_start(hands, AGENT_JOB_INSTALL);
		break;
	case AGENT_EFFECT_RESTART:
		hands_restart(hands);
		break;
	case AGENT_EFFECT_TIMER:
		hands->timer(hands->context, hands->core.due_ms);
		break;
	case AGENT_EFFECT_LOG:
		hands_tell(hands, effect);
		break;
	case AGENT_EFFECT_SAVE: /* the caller's, for it alone may end the list */
	case AGENT_EFFECT_KINDS:
		break;
	}
}

/* What stands behind a SAVE must not happen when it failed; the core is asked again. A SAVE at the end only made something last
 * longer. */
static bool hands_save_or_tell(struct agent_hands *hands, bool is_last)
{
	struct ota_error error = {0};
	const struct agent_event unsaved = {.kind = AGENT_EVENT_UNSAVED, .error = &error};

	if (!agent_hands_save(hands, &error))
		return true;
	if (is_last)
		hands_log(hands, OTA_LOG_ERROR, "state_not_saved", error.text);
	else
		agent_hands_event(hands, &unsaved);
	return false;
}

void agent_hands_event(struct agent_hands *hands, const struct agent_event *event)
{
	struct agent_effects effects;

	agent_core_step(&hands->core, event, now_read(), &effects);
	for (size_t i = 0; i < effects.count; i++) {
		const struct agent_effect *effect = &effects.list[i];

		if (effect->kind != AGENT_EFFECT_SAVE)
			hands_carry_out(hands, effect);
		else if (!hands_save_or_tell(hands, i + 1 == effects.count))
			return;
	}
}
