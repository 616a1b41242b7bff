/* One event, one task: decide by the table, then act. */
#include <stdio.h>
#include <string.h>

#include "common/message.h"
#include "common/text.h"
#include "plugin/fleet/context.h"

/* Under which cause a retry would be counted, per event. */
static enum ota_cause event_cause(enum ota_task_event event, const struct ota_report *report)
{
	static const enum ota_cause causes[OTA_TASK_EVENTS] = {
		[OTA_EVENT_TIMER_PUSH] = OTA_CAUSE_PUSH_TIMEOUT,
		[OTA_EVENT_TIMER_UPGRADE] = OTA_CAUSE_UPGRADE_TIMEOUT,
		[OTA_EVENT_TIMER_REBOOT] = OTA_CAUSE_LOST,
		[OTA_EVENT_INFORM_SOURCE] = OTA_CAUSE_ROLLED_BACK,
	};

	return event == OTA_EVENT_NEGATIVE ? report->cause : causes[event];
}

static bool event_is_timer(enum ota_task_event event)
{
	return event >= OTA_EVENT_TIMER_RETRY && event <= OTA_EVENT_TIMER_SOAK;
}

static int situation_fill(struct ota_work *work, enum ota_task_event event, const struct ota_report *report,
			  struct ota_task_situation *situation, struct ota_error *error)
{
	struct ota_task_facts *facts = &situation->facts;
	bool open = work->batch.state == OTA_BATCH_RUNNING || work->batch.state == OTA_BATCH_PAUSED;

	facts->online = ota_work_online(work);
	facts->askable = work->device.caps & OTA_CAP_CANCEL;
	facts->retry_left = open && ota_strategy_retries(&work->strategy, event_cause(event, report), work->task.attempt);
	facts->soak_wanted = work->strategy.soak_ms > 0;
	if (event != OTA_EVENT_PULL)
		return 0;
	enum ota_reason reason;
	int failed = ota_work_gate(work, work->task.state != OTA_TASK_PENDING, &reason, error);
	facts->gates_open = !failed && reason == OTA_REASON_NONE && work->task.ask != OTA_ASK_WAITING;
	return failed;
}

/* A new attempt starts from what the device runs now. */
static int attempt_begin(struct ota_work *work, struct ota_error *error)
{
	struct ota_task *task = &work->task;
	struct ota_device_module module = {0};
	int failed = ota_device_module_find(work->engine->options.store, work->device.id, task->module, &module, error);

	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	task->attempt++;
	task->phase = OTA_PHASE_NONE;
	task->step = OTA_NO_STEP;
	task->desc[0] = 0;
	task->pushes = 0;
	task->repush_at = 0;
	task->deadline_left_ms = 0;
	ota_text_cut(task->from_version, sizeof(task->from_version), module.version);
	ota_text_cut(task->boot_id, sizeof(task->boot_id), module.boot_id);
	return 0;
}

/* Whatever stood still is over with it. */
static void deadline_set(struct ota_work *work, int64_t after_ms)
{
	work->task.deadline_at = work->at.heard_ms + after_ms;
	work->task.deadline_left_ms = 0;
	work->task.due_at = work->task.deadline_at;
}

static void timers_clear(struct ota_task *task)
{
	task->deadline_at = 0;
	task->deadline_left_ms = 0;
	task->due_at = 0;
}

static bool phase_is_delivered(enum ota_task_phase phase)
{
	return phase == OTA_PHASE_DELIVERED || phase == OTA_PHASE_DRAWN;
}

static void timers_enter(struct ota_work *work, const struct ota_task_rule *rule, int64_t left_ms)
{
	struct ota_task *task = &work->task;

	if (ota_task_state_is_final(task->state))
		timers_clear(task);
	else if (rule->effects & OTA_EFFECT_ATTEMPT)
		deadline_set(work, work->strategy.push_timeout_ms);
	else if (rule->effects & OTA_EFFECT_SOAK)
		deadline_set(work, work->strategy.soak_ms);
	else if (rule->effects & (OTA_EFFECT_DELIVERED | OTA_EFFECT_DRAWN))
		deadline_set(work, work->strategy.reboot_timeout_ms);
	else if (rule->effects & OTA_EFFECT_START ||
		 (rule->effects & OTA_EFFECT_RESTART && phase_is_delivered(work->before.phase)))
		deadline_set(work, work->strategy.upgrade_timeout_ms);
	else if (rule->effects & OTA_EFFECT_RETRY)
		deadline_set(work, work->strategy.retry_pause_ms);
	else if (rule->effects & OTA_EFFECT_GO_ON && left_ms)
		deadline_set(work, left_ms);
}

static void phase_enter(struct ota_task *task, const struct ota_task_rule *rule)
{
	if ((rule->to != OTA_TASK_STAYS && rule->to != OTA_TASK_UPGRADING) || rule->effects & OTA_EFFECT_RESTART)
		task->phase = OTA_PHASE_NONE;
	if (rule->effects & OTA_EFFECT_DELIVERED)
		task->phase = OTA_PHASE_DELIVERED;
	if (rule->effects & OTA_EFFECT_DRAWN)
		task->phase = OTA_PHASE_DRAWN;
	if (rule->effects & OTA_EFFECT_SOAK)
		task->phase = OTA_PHASE_SOAKING;
}

static void marks_set(struct ota_task *task, unsigned effects)
{
	if (effects & OTA_EFFECT_MARK_REGRESSED)
		task->mark = OTA_MARK_REGRESSED;
	if (effects & OTA_EFFECT_MARK_RECOVERED)
		task->mark = OTA_MARK_RECOVERED;
	if (effects & OTA_EFFECT_MARK_INSTALLED)
		task->mark = OTA_MARK_INSTALLED_ANYWAY;
}

/* The task as it becomes, without what a push changes in it. */
static void task_become(struct ota_work *work, enum ota_task_event event, const struct ota_task_rule *rule,
			const struct ota_report *report)
{
	struct ota_task *task = &work->task;
	int64_t left_ms = task->deadline_left_ms;

	if (rule->effects & OTA_EFFECT_STEP) {
		task->step = report->step;
		ota_text_cut(task->desc, sizeof(task->desc), report->desc);
	}
	if (event == OTA_EVENT_STEP || event == OTA_EVENT_DELIVERY) {
		task->answered = true;
		task->due_at = task->deadline_at; /* it goes on: a push planned for after the pause would only disturb it */
	}
	if (rule->to != OTA_TASK_STAYS) {
		task->state = (enum ota_task_state)rule->to;
		task->cause = rule->cause == OTA_CAUSE_OF_EVENT ? report->cause : (enum ota_cause)rule->cause;
	}
	if (rule->to != OTA_TASK_STAYS || event_is_timer(event))
		task->reason = rule->effects & OTA_EFFECT_RETRY ? OTA_REASON_RETRY : OTA_REASON_NONE;
	phase_enter(task, rule);
	marks_set(task, rule->effects);
	if (event_is_timer(event)) /* a timer that has spoken is spent, unless the rule starts another */
		timers_clear(task);
	timers_enter(work, rule, left_ms);
	ota_ask_become(work, rule);
}

/* The push that draws a report is one more of the attempt, and what holds those holds it: a pause, or the report itself that is
 * about to come because the device has just returned. */
static int report_draw(struct ota_work *work, bool *ret_again, struct ota_error *error)
{
	enum ota_reason reason;
	int failed = ota_work_gate(work, true, &reason, error);

	*ret_again = !failed && reason == OTA_REASON_NONE;
	return *ret_again ? ota_push_send(work, error) : failed;
}

static int rule_send(struct ota_work *work, const struct ota_task_rule *rule, bool *ret_again, struct ota_error *error)
{
	*ret_again = false;
	if (rule->effects & OTA_EFFECT_DRAWN)
		return report_draw(work, ret_again, error);
	if (rule->effects & (OTA_EFFECT_PUSH | OTA_EFFECT_ANSWER))
		return ota_push_send(work, error);
	if (rule->effects & OTA_EFFECT_ANSWER_NONE)
		return ota_push_answer_nothing(work, error);
	if (rule->effects & OTA_EFFECT_REPUSH)
		return ota_push_again(work, ret_again, error);
	if (rule->effects & OTA_EFFECT_ASK)
		return ota_ask_send(work, error);
	return 0;
}

/* The row of the attempt follows its task: begun, started, delivered, ended. */
static int attempt_follow(struct ota_work *work, const struct ota_task_rule *rule, struct ota_error *error)
{
	const unsigned moves = OTA_EFFECT_ATTEMPT | OTA_EFFECT_START | OTA_EFFECT_DELIVERED | OTA_EFFECT_RETRY;
	const struct ota_task *task = &work->task;
	bool ended = rule->effects & OTA_EFFECT_RETRY || (rule->to != OTA_TASK_STAYS && ota_task_state_is_final(task->state));
	struct ota_attempt row = { .task_id = task->id, .attempt = task->attempt };

	if (!task->attempt || (!(rule->effects & moves) && !ended))
		return 0;
	int failed = ota_attempt_find(work->engine->options.store, task->id, task->attempt, &row, error);
	if (failed && failed != OTA_ENOTFOUND)
		return failed;
	if (rule->effects & OTA_EFFECT_ATTEMPT)
		row.pushed_ms = work->at.wall_ms;
	if (rule->effects & OTA_EFFECT_START)
		row.started_ms = work->at.wall_ms;
	if (rule->effects & OTA_EFFECT_DELIVERED)
		row.delivered_ms = work->at.wall_ms;
	if (ended && !row.ended_ms) {
		row.ended_ms = work->at.wall_ms;
		row.cause = task->cause;
		ota_text_cut(row.desc, sizeof(row.desc), task->desc);
	}
	return ota_attempt_save(work->engine->options.store, &row, error);
}

static const char *const ask_words[OTA_ASKS] = {
	[OTA_ASK_WAITING] = "cancel_asked",
	[OTA_ASK_REFUSED] = "cancel_refused",
	[OTA_ASK_NO_ANSWER] = "cancel_unanswered",
	[OTA_ASK_UNABLE] = "cancel_not_asked",
};

static const char *rule_word(const struct ota_work *work, const struct ota_task_rule *rule, bool pushed_again)
{
	if (rule->effects & OTA_EFFECT_RETRY)
		return "retry";
	if (rule->effects & OTA_EFFECT_SOAK)
		return "soaking";
	if (rule->effects & OTA_EFFECT_DELIVERED)
		return "delivered";
	if (rule->to != OTA_TASK_STAYS)
		return ota_task_state_word(work->task.state);
	if (pushed_again)
		return "pushed_again";
	if (work->task.mark != work->before.mark)
		return ota_mark_word(work->task.mark);
	if (work->task.ask != work->before.ask)
		return ask_words[work->task.ask];
	return rule->effects & OTA_EFFECT_NOTE ? "noted" : NULL;
}

static int rule_note(struct ota_work *work, enum ota_task_event event, const struct ota_task_rule *rule,
		     const struct ota_report *report, bool pushed_again, struct ota_error *error)
{
	const char *word = rule_word(work, rule, pushed_again);
	const struct ota_task *task = &work->task;
	const char *cause = rule->to == OTA_TASK_STAYS ? "" : ota_cause_word(task->cause);
	char event_text[64];

	/* A stray step says nothing new and may come a hundred times. */
	if (!word || (event == OTA_EVENT_STEP && rule->effects & OTA_EFFECT_NOTE))
		return 0;
	if (rule->effects & OTA_EFFECT_NOTE &&
	    !ota_presence_may_note(work->engine->presence, &work->device.identity, work->at.heard_ms))
		return 0;
	if (report->step != OTA_NO_STEP && (event < OTA_EVENT_ASK || event > OTA_EVENT_ASK_UNANSWERED))
		snprintf(event_text, sizeof(event_text), "progress %d", report->step);
	else
		ota_text_cut(event_text, sizeof(event_text), ota_task_event_word(event));
	return ota_note(work, word, error, "%s%s%s, attempt %lld, %s to %s%s%s", cause, *cause ? ": " : "", event_text,
			(long long)task->attempt, *task->from_version ? task->from_version : "unknown", task->version,
			*report->desc ? ": " : "", report->desc);
}

/* What a task's end or pause means to others: the device's next module, the batch. */
static int rule_spread(struct ota_work *work, const struct ota_task_rule *rule, struct ota_error *error)
{
	struct ota_engine *engine = work->engine;
	bool was_active = work->before.state == OTA_TASK_PUSHED || work->before.state == OTA_TASK_UPGRADING;
	bool is_active = work->task.state == OTA_TASK_PUSHED || work->task.state == OTA_TASK_UPGRADING;
	int failed = 0;

	if (rule->effects & OTA_EFFECT_BAR) {
		work->device.barred = true;
		failed = ota_device_save(engine->options.store, &work->device, error);
	}
	if (!failed && rule->to != OTA_TASK_STAYS && ota_task_state_is_final(work->task.state))
		failed = ota_campaign_follow(engine, work->task.batch_id, work->at, error);
	if (!failed && work->before.ask != work->task.ask)
		failed = ota_ask_spread(work, error);
	if (was_active && !is_active)
		ota_waiters_wake(&engine->waiters, work->task.batch_id);
	if (!failed && was_active && !is_active)
		failed = ota_release_device(engine, &work->device, work->at, error);
	return failed;
}

static bool rule_changes(const struct ota_work *work, enum ota_task_event event, const struct ota_task_rule *rule)
{
	if (rule->to != OTA_TASK_STAYS || event_is_timer(event) || work->task.mark != work->before.mark)
		return true;
	if (ota_task_state_is_final(work->task.state))
		return false;
	return memcmp(&work->task, &work->before, sizeof(work->task)) != 0;
}

int ota_transition(struct ota_work *work, enum ota_task_event event, const struct ota_task_facts *facts,
		   const struct ota_report *report, struct ota_error *error)
{
	static const struct ota_report no_report = { .step = OTA_NO_STEP, .desc = "" };
	struct ota_task_situation situation = {
		.state = work->task.state,
		.phase = work->task.phase,
		.cause = work->task.cause,
		.attempted = work->task.attempt > 0,
		.ask = work->task.ask,
		.facts = facts ? *facts : (struct ota_task_facts){0},
	};
	bool pushed_again;

	report = report ? report : &no_report;
	int failed = situation_fill(work, event, report, &situation, error);
	if (failed)
		return failed;
	const struct ota_task_rule *rule = ota_task_decide(&situation, event);

	if (rule->effects & OTA_EFFECT_ATTEMPT)
		failed = attempt_begin(work, error);
	if (!failed && !(ota_task_state_is_final(work->before.state) && !(rule->effects)))
		task_become(work, event, rule, report);
	if (!failed)
		failed = rule_send(work, rule, &pushed_again, error);
	if (!failed && rule->effects & OTA_EFFECT_ATTEMPT)
		failed = ota_release_take(work, error);
	if (!failed)
		failed = ota_place_follow(work, error);
	if (!failed && rule_changes(work, event, rule)) {
		work->task.updated_ms = work->at.wall_ms;
		failed = ota_task_save(work->engine->options.store, &work->before, &work->task, error);
	}
	if (!failed)
		failed = attempt_follow(work, rule, error);
	if (!failed)
		failed = rule_note(work, event, rule, report, pushed_again, error);
	if (!failed)
		failed = rule_spread(work, rule, error);
	work->before = work->task;
	return failed;
}
