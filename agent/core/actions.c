#include "agent/core/actions.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

#define ACTION(name)                                                                                                             \
	void agent_do_##name(struct agent_core *core, const struct agent_event *event, struct agent_now now,                     \
			     struct agent_effects *effects)
#define UNUSED(x) ((void)(x))

/* Steps of a progress report (Aliyun manual; aliyun-ota.md section 2). */
enum {
	STEP_BEGUN = 0,
	STEP_DELIVERED = 100,
	STEP_FAILED = -1,
	STEP_NOT_FETCHED = -2,
	STEP_NOT_VERIFIED = -3,
	STEP_NOT_BURNED = -4
};

/* --- effects ---------------------------------------------------------------------------------------------------------------- */

static struct agent_effect *emit(struct agent_effects *effects, enum agent_effect_kind kind)
{
	struct agent_effect *effect = &effects->list[effects->count];

	assert(effects->count < AGENT_EFFECTS_MAX);
	effects->count++;
	*effect = (struct agent_effect){.kind = kind};
	return effect;
}

static void emit_of_module(struct agent_effects *effects, enum agent_effect_kind kind, size_t module)
{
	emit(effects, kind)->index = module;
}

__attribute__((format(printf, 4, 5))) static void emit_log(struct agent_effects *effects, enum ota_log_level level,
							   const char *word, const char *format, ...)
{
	struct agent_effect *effect = emit(effects, AGENT_EFFECT_LOG);
	va_list arguments;

	effect->level = level;
	effect->word = word;
	va_start(arguments, format);
	vsnprintf(effect->text, sizeof(effect->text), format, arguments);
	va_end(arguments);
}

static void emit_timer(struct agent_core *core, struct agent_effects *effects, int64_t due_ms)
{
	core->due_ms = due_ms;
	emit(effects, AGENT_EFFECT_TIMER);
}

/* --- reports ---------------------------------------------------------------------------------------------------------------- */

static struct ota_progress *core_report(struct agent_core *core, const struct ota_offer *offer, int step, const char *desc)
{
	struct agent_report *report = &core->report;

	*report = (struct agent_report){.number = ++core->last_number};
	report->progress.step = step;
	ota_text_cut(report->progress.desc, sizeof(report->progress.desc), desc);
	ota_text_cut(report->progress.module, sizeof(report->progress.module), offer->module);
	report->progress.batch = offer->batch;
	report->progress.attempt = offer->attempt;
	report->pending = agent_report_qos(&report->progress) > 0;
	return &report->progress;
}

static void emit_report(const struct agent_core *core, struct agent_effects *effects)
{
	if (core->link_up)
		emit(effects, AGENT_EFFECT_REPORT);
}

static void emit_inform(const struct agent_core *core, struct agent_effects *effects, size_t module)
{
	if (core->link_up)
		emit_of_module(effects, AGENT_EFFECT_INFORM, module);
}

/* Between the delivery and the restart the old version runs and says nothing about how the task ends; a server that hears it
 * then, from a process that began after the delivery, must take it for a roll-back (DESIGN.md section 6). The report follows with
 * the end of the task. */
static bool module_is_in_between(const struct agent_core *core, size_t module)
{
	return core->task.phase != AGENT_PHASE_NONE && core->task.delivered && core->task.module == module;
}

/* --- the end of a task ------------------------------------------------------------------------------------------------------ */

/* Servers that number nothing, and late messages, leave what we remember of the newest. */
static void core_end_attempt(struct agent_core *core, int64_t batch, int64_t attempt)
{
	if (!batch || (batch == core->ended_batch && attempt < core->ended_attempt))
		return;
	core->ended_batch = batch;
	core->ended_attempt = attempt;
}

static void core_drop_task(struct agent_core *core)
{
	core_end_attempt(core, core->task.offer.batch, core->task.offer.attempt);
	core->task = (struct agent_task){0};
}

/* Ends the task with a negative step. What was downloaded stays for the next attempt, unless the bytes themselves are at
 * fault. */
static void core_fail(struct agent_core *core, struct agent_effects *effects, int step, const char *desc)
{
	bool bytes_are_bad = step == STEP_NOT_VERIFIED || step == STEP_NOT_BURNED;
	size_t module = core->task.module;
	bool was_in_between = core->task.delivered;

	core_report(core, &core->task.offer, step, desc);
	core->failed = true;
	if (bytes_are_bad)
		agent_refusals_add(&core->refusals, &core->task.offer, step, desc);
	core_drop_task(core);
	emit_log(effects, OTA_LOG_ERROR, "task_failed", "%d %s", step, core->report.progress.desc);
	emit(effects, AGENT_EFFECT_SAVE);
	emit_report(core, effects);
	if (was_in_between)
		emit_inform(core, effects, module);
	if (bytes_are_bad)
		emit_of_module(effects, AGENT_EFFECT_DISCARD, module);
}

/* --- at the start ----------------------------------------------------------------------------------------------------------- */

ACTION(connect)
{
	UNUSED(core), UNUSED(event), UNUSED(now);
	emit(effects, AGENT_EFFECT_CONNECT);
}

ACTION(conclude_success)
{
	size_t module = core->task.module;

	UNUSED(event), UNUSED(now);
	emit_log(effects, OTA_LOG_INFO, "task_succeeded", "%s runs", core->task.offer.version);
	/* What failed over the old version may work over the new one. */
	agent_refusals_forget(&core->refusals, core->task.offer.module);
	core_drop_task(core);
	emit(effects, AGENT_EFFECT_CONNECT);
	emit(effects, AGENT_EFFECT_SAVE);
	emit_of_module(effects, AGENT_EFFECT_DISCARD, module);
}

/* No report: the inform of what runs tells the server more than a step could. */
ACTION(conclude_fallback)
{
	size_t module = core->task.module;
	char desc[OTA_DESC_MAX + 1];

	UNUSED(event), UNUSED(now);
	snprintf(desc, sizeof(desc), "%s was installed, but %s came up", core->task.offer.version, core->modules[module].version);
	agent_refusals_add(&core->refusals, &core->task.offer, STEP_NOT_BURNED, desc);
	core->failed = true;
	core_drop_task(core);
	emit_log(effects, OTA_LOG_ERROR, "task_fell_back", "%s", desc);
	emit(effects, AGENT_EFFECT_CONNECT);
	emit(effects, AGENT_EFFECT_SAVE);
	emit_of_module(effects, AGENT_EFFECT_DISCARD, module);
}

ACTION(give_up_starts)
{
	char desc[OTA_DESC_MAX + 1];

	UNUSED(event), UNUSED(now);
	snprintf(desc, sizeof(desc), "gave up after %" PRId64 " starts", core->task.starts);
	emit(effects, AGENT_EFFECT_CONNECT);
	core_fail(core, effects, STEP_FAILED, desc);
}

static void core_fetch_from_now(struct agent_core *core, struct agent_now now)
{
	core->tries = 0;
	core->received = 0;
	core->refetched = false;
	core->started_ms = now.ms;
}

/* An installation that was cut goes through the download again: it finds every byte in place, proves them once more, and
 * installs. */
ACTION(resume)
{
	UNUSED(event);
	core->task.phase = AGENT_PHASE_FETCHING;
	core->task.starts++;
	core_fetch_from_now(core, now);
	emit_log(effects, OTA_LOG_INFO, "task_resumed", "%s, start %" PRId64, core->task.offer.version, core->task.starts);
	emit(effects, AGENT_EFFECT_CONNECT);
	emit(effects, AGENT_EFFECT_SAVE);
	emit(effects, AGENT_EFFECT_FETCH);
}

/* --- talk ------------------------------------------------------------------------------------------------------------------- */

/* The report first: a server that hears the version first may have closed the task by the time the 100 comes. */
ACTION(greet)
{
	UNUSED(event), UNUSED(now);
	if (core->report.pending)
		emit(effects, AGENT_EFFECT_REPORT);
	for (size_t i = 0; i < core->module_count; i++)
		if (!module_is_in_between(core, i))
			emit_inform(core, effects, i);
}

ACTION(inform_offered)
{
	UNUSED(now);
	for (size_t i = 0; i < core->module_count; i++)
		if (!strcmp(core->modules[i].name, event->offer->module))
			emit_inform(core, effects, i);
}

ACTION(note_acknowledged)
{
	UNUSED(now);
	if (!core->report.pending || event->number != core->report.number)
		return;
	core->report.pending = false;
	emit(effects, AGENT_EFFECT_SAVE);
}

ACTION(say_anyway)
{
	UNUSED(now);
	emit_log(effects, OTA_LOG_ERROR, "state_not_saved", "%s", event->error->text);
	agent_do_greet(core, event, now, effects);
}

ACTION(ignore_offer)
{
	UNUSED(core), UNUSED(now);
	emit_log(effects, OTA_LOG_INFO, "push_ignored", "%s, attempt %" PRId64 ": %s",
		 event->fault ? event->fault : event->offer->version, event->offer->attempt,
		 core->state == AGENT_IDLE ? "this attempt is over" : "busy");
}

ACTION(ignore_cancel)
{
	UNUSED(core), UNUSED(now);
	emit_log(effects, OTA_LOG_INFO, "cancel_ignored", "batch %" PRId64 ", attempt %" PRId64, event->cancel.batch,
		 event->cancel.attempt);
}

/* --- refusals of a push ----------------------------------------------------------------------------------------------------- */

static void core_refuse(struct agent_core *core, const struct ota_offer *offer, struct agent_effects *effects, int step,
			const char *desc)
{
	core_report(core, offer, step, desc);
	core->failed = true;
	core_end_attempt(core, offer->batch, offer->attempt);
	emit_log(effects, OTA_LOG_WARNING, "push_refused", "%d %s", step, core->report.progress.desc);
	emit(effects, AGENT_EFFECT_SAVE);
	emit_report(core, effects);
}

/* The operator reads it in the task at once, instead of a time-out in an hour. */
ACTION(refuse_faulty)
{
	UNUSED(now);
	core_refuse(core, event->offer, effects, STEP_FAILED, event->fault);
}

ACTION(refuse_module)
{
	char desc[OTA_DESC_MAX + 1];

	UNUSED(now);
	snprintf(desc, sizeof(desc), "this device has no module %s", event->offer->module);
	core_refuse(core, event->offer, effects, STEP_FAILED, desc);
}

/* One installer a module, and one file for it: which of several goes where, nobody told this agent. */
ACTION(refuse_files)
{
	UNUSED(now);
	core_refuse(core, event->offer, effects, STEP_FAILED, "this agent takes packages of one file only, not of several");
}

ACTION(refuse_delta)
{
	UNUSED(now);
	core_refuse(core, event->offer, effects, STEP_FAILED, "this agent takes full images only, no delta");
}

ACTION(refuse_again)
{
	const struct agent_refusal refusal = *agent_refusals_find(&core->refusals, event->offer);
	char desc[OTA_DESC_MAX + 32];

	UNUSED(now);
	/* The next attempt of this batch, should there be one, is asked for by somebody who read this answer. */
	agent_refusals_add(&core->refusals, event->offer, refusal.step, refusal.desc);
	snprintf(desc, sizeof(desc), "not tried again: %s", refusal.desc);
	core_refuse(core, event->offer, effects, refusal.step, desc);
}

/* --- work ------------------------------------------------------------------------------------------------------------------- */

ACTION(begin)
{
	struct agent_task *task = &core->task;

	*task = (struct agent_task){.phase = AGENT_PHASE_FETCHING, .offer = *event->offer, .starts = 1};
	while (strcmp(core->modules[task->module].name, task->offer.module))
		task->module++;
	ota_text_cut(task->from, sizeof(task->from), core->modules[task->module].version);
	core->last_batch = task->offer.batch;
	core->last_attempt = task->offer.attempt;
	core_fetch_from_now(core, now);
	core_report(core, &task->offer, STEP_BEGUN, "download started");
	emit_log(effects, OTA_LOG_INFO, "task_begun", "%s from %s, batch %" PRId64 ", attempt %" PRId64, task->offer.version,
		 task->from, task->offer.batch, task->offer.attempt);
	emit(effects, AGENT_EFFECT_SAVE);
	emit_report(core, effects);
	emit(effects, AGENT_EFFECT_FETCH);
}

/* 100 is not among them: it belongs to the verified whole. */
static int core_percent(const struct agent_core *core, uint64_t bytes)
{
	uint64_t size = core->task.offer.size;

	if (size == 0 || bytes >= size)
		return STEP_DELIVERED - 1;
	return (int)(bytes * 100 / size);
}

ACTION(note_received)
{
	int percent = core_percent(core, event->bytes);

	UNUSED(now);
	if (event->bytes <= core->received)
		return;
	/* Only new ground counts as progress: a server that ignores Range and cuts at the same place must not keep us busy for
	 * ever. */
	core->received = event->bytes;
	core->tries = 0;
	if (core->task.delivered || percent < core->report.progress.step + AGENT_PERCENT_STEP)
		return;
	core_report(core, &core->task.offer, percent - percent % AGENT_PERCENT_STEP, "downloading");
	emit_report(core, effects);
}

ACTION(fetch_again)
{
	UNUSED(core), UNUSED(event), UNUSED(now);
	emit(effects, AGENT_EFFECT_FETCH);
}

ACTION(fetch_anew)
{
	UNUSED(now);
	core->refetched = true;
	core->received = 0;
	emit_log(effects, OTA_LOG_WARNING, "download_begins_anew", "%s", event->fetched->text);
	emit(effects, AGENT_EFFECT_FETCH);
}

/* Full jitter: between 0 and min(cap, base * 2^tries). */
static int64_t retry_pause_ms(const struct agent_core *core, struct agent_now now)
{
	int64_t ceiling = core->limits.retry_base_ms;

	for (int64_t i = 0; i < core->tries && ceiling < core->limits.retry_cap_ms; i++)
		ceiling *= 2;
	if (ceiling > core->limits.retry_cap_ms)
		ceiling = core->limits.retry_cap_ms;
	return (int64_t)now.random % (ceiling + 1);
}

ACTION(pause)
{
	int64_t pause_ms = event->fetched->retry_after_ms + retry_pause_ms(core, now);

	core->tries++;
	emit_log(effects, OTA_LOG_WARNING, "download_paused", "%s; again in %" PRId64 " ms, try %" PRId64, event->fetched->text,
		 pause_ms, core->tries);
	emit_timer(core, effects, now.ms + pause_ms);
}

ACTION(fail_fetch)
{
	const struct agent_fetch_result *fetched = event->fetched;
	bool is_mismatch = fetched->outcome == AGENT_FETCH_MISMATCH;
	char desc[OTA_DESC_MAX + 64];

	UNUSED(now);
	snprintf(desc, sizeof(desc), "%s: %s", is_mismatch ? "verify" : "download", fetched->text);
	if (fetched->outcome == AGENT_FETCH_TRANSIENT)
		snprintf(desc, sizeof(desc), "download: %.80s, gave up after %" PRId64 " tries", fetched->text, core->tries + 1);
	core_fail(core, effects, is_mismatch ? STEP_NOT_VERIFIED : STEP_NOT_FETCHED, desc);
}

ACTION(install)
{
	UNUSED(now);
	core->task.phase = AGENT_PHASE_INSTALLING;
	ota_text_cut(core->task.sha256, sizeof(core->task.sha256), event->fetched->sha256);
	if (!core->task.delivered) {
		core->task.delivered = true;
		core_report(core, &core->task.offer, STEP_DELIVERED, "downloaded and verified");
	}
	emit_log(effects, OTA_LOG_INFO, "download_verified", "%s", core->task.offer.version);
	emit(effects, AGENT_EFFECT_SAVE);
	emit_report(core, effects);
	emit(effects, AGENT_EFFECT_INSTALL);
}

/* -3 and -4 are held against the package, -1 is not: the device was not ready, or its disk is full. */
static int install_step(int code)
{
	switch (code) {
	case OTA_EUNAVAILABLE:
	case OTA_ELIMIT:
		return STEP_FAILED;
	case OTA_EVERIFY:
		return STEP_NOT_VERIFIED;
	default:
		return STEP_NOT_BURNED;
	}
}

ACTION(fail_install)
{
	char desc[OTA_ERROR_TEXT_MAX + 16];

	UNUSED(now);
	snprintf(desc, sizeof(desc), "install: %s", event->error->text);
	core_fail(core, effects, install_step(event->error->code), desc);
}

/* A restart that was only said to be under way has until then to take us with it. */
static void emit_restart(struct agent_core *core, struct agent_effects *effects, struct agent_now now)
{
	core->tries++;
	emit_timer(core, effects, now.ms + core->limits.restart_patience_ms);
	emit(effects, AGENT_EFFECT_RESTART);
}

ACTION(restart_installed)
{
	UNUSED(event);
	core->task.phase = AGENT_PHASE_RESTARTING;
	core->tries = 0;
	emit_log(effects, OTA_LOG_INFO, "task_installed", "%s waits for its restart", core->task.offer.version);
	emit(effects, AGENT_EFFECT_SAVE);
	emit_restart(core, effects, now);
}

ACTION(wait_restart)
{
	emit_log(effects, OTA_LOG_WARNING, "restart_failed", "%s, try %" PRId64, event->error->text, core->tries);
	emit_timer(core, effects, now.ms + retry_pause_ms(core, now));
}

ACTION(restart_again)
{
	UNUSED(event);
	emit_restart(core, effects, now);
}

ACTION(fail_restart)
{
	char desc[OTA_ERROR_TEXT_MAX + 16];

	UNUSED(now);
	snprintf(desc, sizeof(desc), "restart: %s", event->kind == AGENT_EVENT_TIMER ? "it did not happen" : event->error->text);
	core_fail(core, effects, STEP_FAILED, desc);
}

/* Nothing that must not happen unrecorded has happened. The report cannot be recorded either, so it goes out once. */
ACTION(fail_unsaved)
{
	char desc[OTA_ERROR_TEXT_MAX + 32];

	UNUSED(now);
	snprintf(desc, sizeof(desc), "state cannot be saved: %s", event->error->text);
	core_report(core, &core->task.offer, STEP_FAILED, desc);
	core->failed = true;
	core_drop_task(core);
	emit_log(effects, OTA_LOG_ERROR, "task_failed", "%s", core->report.progress.desc);
	emit_report(core, effects);
}

/* --- ask-to-cancel ---------------------------------------------------------------------------------------------------------- */

ACTION(stop)
{
	UNUSED(core), UNUSED(event), UNUSED(now);
	emit(effects, AGENT_EFFECT_STOP);
}

ACTION(cancel_task)
{
	size_t module = core->task.module;
	int step = core->report.progress.step > 0 ? core->report.progress.step : STEP_BEGUN;

	UNUSED(event), UNUSED(now);
	core_report(core, &core->task.offer, step, "canceled as asked")->cancel = OTA_CANCEL_ACCEPTED;
	core->report.pending = true;
	core_drop_task(core);
	emit_log(effects, OTA_LOG_INFO, "task_canceled", "as asked by the server");
	emit(effects, AGENT_EFFECT_SAVE);
	emit_report(core, effects);
	emit_of_module(effects, AGENT_EFFECT_DISCARD, module);
}

/* An answer that belongs to no task in work. A negative that was not heard yet is the better answer. */
static void core_answer_cancel(struct agent_core *core, const struct agent_event *event, struct agent_effects *effects,
			       enum ota_cancel_answer answer, const char *desc)
{
	const struct ota_offer asked = {.batch = event->cancel.batch, .attempt = event->cancel.attempt};

	if (!core->report.pending) {
		core_report(core, &asked, STEP_BEGUN, desc)->cancel = answer;
		core->report.pending = true;
		emit(effects, AGENT_EFFECT_SAVE);
	}
	emit_report(core, effects);
}

ACTION(accept_cancel)
{
	UNUSED(now);
	/* Its push may still be on the way. */
	core_end_attempt(core, event->cancel.batch, event->cancel.attempt);
	core_answer_cancel(core, event, effects, OTA_CANCEL_ACCEPTED, "nothing was begun");
}

ACTION(refuse_cancel_ended)
{
	UNUSED(now);
	core_answer_cancel(core, event, effects, OTA_CANCEL_REFUSED, "this attempt is already over");
}

ACTION(refuse_cancel_installing)
{
	UNUSED(event), UNUSED(now);
	/* Still 100: the answer also stands for a 100 that was not heard yet. */
	core_report(core, &core->task.offer, STEP_DELIVERED, "the installation has begun")->cancel = OTA_CANCEL_REFUSED;
	core->report.pending = true;
	emit(effects, AGENT_EFFECT_SAVE);
	emit_report(core, effects);
}
