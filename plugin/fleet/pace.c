/* The pace of a batch in the store: its releases, its places, and what is parked. */
#include "plugin/fleet/context.h"

int ota_release_look(struct ota_engine *engine, int64_t batch_id, const struct ota_strategy *strategy, struct ota_instant at,
		  struct ota_pace_state *ret_state, struct ota_error *error)
{
	struct ota_pace_state state = { .place_free = true };
	int failed = ota_flow_load(engine->options.store, batch_id, &state.flow, error);

	if (!failed && strategy->max_in_flight)
		failed = ota_batch_count_active(engine->options.store, batch_id, &state.active, error);
	if (failed)
		return failed;
	state.place_free = ota_place_is_free(strategy->max_in_flight, state.active, state.flow.parked);
	state.per_minute = ota_rate_now(&strategy->rate, state.flow.ramp_at ? at.heard_ms - state.flow.ramp_at : 0);
	state.due_us = ota_rate_due_us(state.per_minute, state.flow.spent_at_us, at.heard_ms * 1000);
	*ret_state = state;
	return 0;
}

int ota_release_take(const struct ota_work *work, struct ota_error *error)
{
	struct ota_pace_state pace;

	if (!work->strategy.rate.per_minute)
		return 0;
	int failed = ota_release_look(work->engine, work->batch.id, &work->strategy, work->at, &pace, error);
	if (failed)
		return failed;
	if (!pace.flow.ramp_at) /* the ramp begins with its first release */
		pace.flow.ramp_at = work->at.heard_ms;
	pace.flow.spent_at_us = ota_rate_take_us(pace.per_minute, pace.flow.spent_at_us, work->at.heard_ms * 1000);
	return ota_flow_save(work->engine->options.store, &pace.flow, error);
}

static int parked_set(struct ota_work *work, bool parked, struct ota_error *error)
{
	struct ota_flow flow;
	int failed = ota_flow_load(work->engine->options.store, work->batch.id, &flow, error);

	if (failed)
		return failed;
	work->task.parked = parked;
	flow.parked += parked ? 1 : -1;
	return ota_flow_save(work->engine->options.store, &flow, error);
}

int ota_place_follow(struct ota_work *work, struct ota_error *error)
{
	bool away = work->task.state == OTA_TASK_PUSHED && !ota_work_online(work);

	return work->task.parked && !away ? parked_set(work, false, error) : 0;
}

int ota_place_park(struct ota_work *work, struct ota_error *error)
{
	work->task.due_at = work->task.deadline_at;
	ota_waiters_wake(&work->engine->waiters, work->batch.id);
	return work->task.parked ? 0 : parked_set(work, true, error);
}
