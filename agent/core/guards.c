#include "agent/core/guards.h"

#include <string.h>

#define GUARD(name) bool agent_guard_##name(const struct agent_core *core, const struct agent_event *event, struct agent_now now)
#define UNUSED(x) ((void)(x))

GUARD(versions_are_missing)
{
	UNUSED(event), UNUSED(now);
	for (size_t i = 0; i < core->module_count; i++)
		if (!core->modules[i].known)
			return true;
	return false;
}

GUARD(nothing_was_begun)
{
	UNUSED(event), UNUSED(now);
	return core->task.phase == AGENT_PHASE_NONE;
}

GUARD(target_runs)
{
	UNUSED(event), UNUSED(now);
	return !strcmp(core->modules[core->task.module].version, core->task.offer.version);
}

GUARD(restart_was_expected)
{
	UNUSED(event), UNUSED(now);
	return core->task.phase == AGENT_PHASE_RESTARTING;
}

GUARD(starts_are_used_up)
{
	UNUSED(event), UNUSED(now);
	return core->task.starts >= core->limits.starts_max;
}

static const struct agent_module *core_module(const struct agent_core *core, const char *name)
{
	for (size_t i = 0; i < core->module_count; i++)
		if (!strcmp(core->modules[i].name, name))
			return &core->modules[i];
	return NULL;
}

GUARD(offer_is_faulty)
{
	UNUSED(core), UNUSED(now);
	return event->fault != NULL;
}

GUARD(module_is_unknown)
{
	UNUSED(now);
	return !core_module(core, event->offer->module);
}

GUARD(offer_runs_already)
{
	const struct agent_module *module = core_module(core, event->offer->module);

	UNUSED(now);
	return module && !strcmp(module->version, event->offer->version);
}

GUARD(attempt_is_over)
{
	const struct ota_offer *offer = event->offer;

	UNUSED(now);
	return offer->batch > 0 && offer->batch == core->ended_batch && offer->attempt <= core->ended_attempt;
}

GUARD(package_is_bad)
{
	UNUSED(now);
	return agent_refusals_find(&core->refusals, event->offer);
}

GUARD(offer_has_files)
{
	UNUSED(core), UNUSED(now);
	return event->offer->has_files;
}

GUARD(offer_is_delta)
{
	UNUSED(core), UNUSED(now);
	return event->offer->is_diff;
}

GUARD(offer_is_the_task)
{
	const struct ota_offer *offer = event->offer, *task = &core->task.offer;

	UNUSED(now);
	return !strcmp(offer->module, task->module) && !strcmp(offer->version, task->version) && offer->batch == task->batch;
}

GUARD(cancel_names_task)
{
	UNUSED(now);
	return event->cancel.batch == core->task.offer.batch && event->cancel.attempt == core->task.offer.attempt;
}

GUARD(cancel_names_ended)
{
	UNUSED(now);
	return event->cancel.batch == core->ended_batch && event->cancel.attempt <= core->ended_attempt;
}

GUARD(work_was_stopped)
{
	UNUSED(core), UNUSED(now);
	if (event->kind == AGENT_EVENT_FETCHED)
		return event->fetched->outcome == AGENT_FETCH_STOPPED;
	return event->error->code == OTA_ECANCELED;
}

GUARD(fetch_is_done)
{
	UNUSED(core), UNUSED(now);
	return event->fetched->outcome == AGENT_FETCH_DONE;
}

/* Once: bytes kept from an earlier try were wrong; a second time it is the server. */
GUARD(fetch_may_begin_anew)
{
	UNUSED(now);
	return event->fetched->outcome == AGENT_FETCH_STALE && !core->refetched;
}

GUARD(fetch_may_go_on)
{
	int64_t end_ms = core->started_ms + core->limits.fetch_deadline_ms;

	return event->fetched->outcome == AGENT_FETCH_TRANSIENT && core->tries < core->limits.fetch_tries_max &&
	       event->fetched->retry_after_ms < end_ms - now.ms;
}

GUARD(restart_may_repeat)
{
	UNUSED(event), UNUSED(now);
	return core->tries < core->limits.restart_tries_max;
}

GUARD(timer_is_due)
{
	UNUSED(event);
	return now.ms >= core->due_ms;
}

GUARD(restart_is_overdue)
{
	return agent_guard_timer_is_due(core, event, now) && !agent_guard_restart_may_repeat(core, event, now);
}
