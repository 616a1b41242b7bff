#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/world.h"

/* One task between two commits. */
struct change {
	struct world *world;
	const struct seen_task *before, *now; /* before: NULL of a new one */
	struct model_task *known;
	const struct model_batch *batch;
	const struct plan *plan;
	const char *runs; /* its module, by the inventory */
	int64_t from, at; /* the work began and ended */
};

static void blame(const struct change *change, const char *sentence)
{
	const struct seen_task *task = change->now;

	world_blame(change->world, "task %lld of d%d (%s to %s, %s/%s, attempt %lld, phase %d): %s", (long long)task->id,
		    task->device, task->from, task->version, view_state_word(task->state), task->cause, (long long)task->attempt,
		    task->phase, sentence);
}

static bool negative_came(const struct change *change, int step)
{
	return change->world->model.devices[change->now->device].negative_at[step] >= change->known->begun_at;
}

static bool because_reported(const struct change *change)
{
	bool soaked = !change->plan->soak_ms || change->before->state == SEEN_PENDING ||
		      change->at - change->known->state_at >= change->plan->soak_ms;

	return change->now->attempt && !strcmp(change->runs, change->now->version) && soaked;
}

static bool because_there_before(const struct change *change)
{
	return !change->now->attempt && !strcmp(change->runs, change->now->version);
}

static bool because_upgrade_failed(const struct change *change)
{
	return negative_came(change, 1);
}

static bool because_download_failed(const struct change *change)
{
	return negative_came(change, 2);
}

static bool because_verify_failed(const struct change *change)
{
	return negative_came(change, 3);
}

static bool because_burn_failed(const struct change *change)
{
	return negative_came(change, 4);
}

static bool because_push_timeout(const struct change *change)
{
	return change->before->state == SEEN_PUSHED && change->at - change->known->begun_at >= change->plan->push_timeout_ms;
}

static bool because_upgrade_timeout(const struct change *change)
{
	return change->before->state == SEEN_UPGRADING && change->before->phase == SEEN_PHASE_NONE &&
	       change->at - change->known->upgrading_at >= change->plan->upgrade_timeout_ms;
}

static bool because_lost(const struct change *change)
{
	if (change->before->state == SEEN_PUSHED)
		return change->at - change->known->begun_at >= change->plan->push_timeout_ms;
	return change->before->phase != SEEN_PHASE_NONE && change->before->phase != SEEN_PHASE_SOAKING &&
	       change->at - change->known->state_at >= change->plan->reboot_timeout_ms;
}

static bool because_wrong_version(const struct change *change)
{
	return strcmp(change->runs, change->now->version) != 0 && strcmp(change->runs, change->now->from) != 0;
}

static bool because_rolled_back(const struct change *change)
{
	return change->before->phase != SEEN_PHASE_NONE && !strcmp(change->runs, change->now->from);
}

static bool because_loop(const struct change *change)
{
	return change->world->view.now.devices[change->now->device].barred;
}

static bool because_withdrawn(const struct change *change)
{
	bool never_ran = !change->before || change->before->attempt == 0;

	/* Or its batch found a conflict while it was prepared, or its abort rule cancels. */
	bool may_be = change->batch->withdrawn || never_ran || change->plan->abort_cancels;
	bool was_retried = change->plan->abort_cancels && change->now->attempt <= change->plan->retries; /* in the same turn */

	return may_be && (was_retried || !change->before || change->before->state == SEEN_PENDING);
}

static bool because_revoked(const struct change *change)
{
	return change->batch->revoked && view_is_active(change->before->state);
}

static bool because_asked(const struct change *change)
{
	bool wanted = change->batch->asked || !change->world->model.asks;

	return wanted && change->world->model.devices[change->now->device].agreed_at >= change->known->begun_at;
}

/* A newer task of that module must take its place. */
static bool because_superseded(const struct change *change)
{
	const struct seen *seen = &change->world->view.now;

	for (size_t i = 0; i < seen->batch_count; i++) {
		const struct model_batch *batch = model_batch(&change->world->model, seen->batches[i].id);

		if (batch && batch->id > change->now->batch && !strcmp(batch->order.conflict, "supersede"))
			return true;
	}
	return false;
}

static bool because_expired(const struct change *change)
{
	const struct seen_batch *batch = view_batch(&change->world->view.now, change->now->batch);

	/* An attempt may have failed, and its next one been given up, in the same turn. */
	bool may_wait = change->before->state == SEEN_PENDING || change->before->attempt <= change->plan->retries;

	return may_wait && batch->ends_ms && batch->ends_ms <= world_wall_ms(change->world);
}

static bool is_yanked(const struct seen *seen, const struct seen_task *task)
{
	for (size_t i = 0; i < seen->yanked_count; i++) {
		size_t length = strlen(task->module);

		if (!strncmp(seen->yanked[i], task->module, length) && !strcmp(seen->yanked[i] + length + 1, task->version))
			return true;
	}
	return false;
}

static bool because_yanked(const struct change *change)
{
	return is_yanked(&change->world->view.now, change->now);
}

static const struct {
	const char *cause;
	enum seen_state state;
	bool (*may_be)(const struct change *change);
} causes[] = {
	{ "version_reported", SEEN_SUCCEEDED, because_reported },
	{ "already_at_target", SEEN_SUCCEEDED, because_there_before },
	{ "upgrade_failed", SEEN_FAILED, because_upgrade_failed },
	{ "download_failed", SEEN_FAILED, because_download_failed },
	{ "verify_failed", SEEN_FAILED, because_verify_failed },
	{ "burn_failed", SEEN_FAILED, because_burn_failed },
	{ "push_timeout", SEEN_FAILED, because_push_timeout },
	{ "upgrade_timeout", SEEN_FAILED, because_upgrade_timeout },
	{ "lost", SEEN_FAILED, because_lost },
	{ "wrong_version", SEEN_FAILED, because_wrong_version },
	{ "rolled_back", SEEN_FAILED, because_rolled_back },
	{ "loop", SEEN_FAILED, because_loop },
	{ "withdrawn", SEEN_CANCELED, because_withdrawn },
	{ "revoked", SEEN_CANCELED, because_revoked },
	{ "asked", SEEN_CANCELED, because_asked },
	{ "superseded", SEEN_CANCELED, because_superseded },
	{ "expired", SEEN_CANCELED, because_expired },
	{ "package_yanked", SEEN_CANCELED, because_yanked },
};

static void cause_check(const struct change *change, bool retried)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (strcmp(causes[i].cause, change->now->cause) != 0)
			continue;
		if (!retried && causes[i].state != change->now->state)
			blame(change, "that cause belongs to another state");
		else if (!causes[i].may_be(change))
			blame(change, "nothing happened that would make this its cause");
		return;
	}
	blame(change, "a cause that nothing here can bring about");
}

/* Whether its batch could still give it another attempt when this work began. */
static bool batch_was_open(const struct change *change)
{
	const struct seen_batch *batch = view_batch(&change->world->view.before, change->now->batch);
	const struct seen_batch *now = view_batch(&change->world->view.now, change->now->batch);

	return batch && strcmp(batch->state, "canceled") != 0 && strcmp(now->state, "canceled") != 0;
}

/* Retries and loops are alike until somebody counts. */
static void retry_check(const struct change *change)
{
	struct model_device *device = &change->world->model.devices[change->now->device];
	bool owed = plan_retries(change->plan, change->now->cause) && change->now->attempt <= change->plan->retries;

	if (change->now->state == SEEN_PENDING && !owed)
		blame(change, "it is tried again, which its batch does not want");
	/* Who stays away with an offer to the end of its batch is not tried again. */
	bool away = change->before->state == SEEN_PUSHED && !strcmp(change->now->cause, "lost");

	if (change->now->state == SEEN_FAILED && owed && !away && batch_was_open(change) &&
	    view_is_active(change->before->state))
		blame(change, "its batch would have tried it again");
	if (!strcmp(change->now->cause, "loop"))
		device->rolled_back[model_module(change->now->module)] = 0; /* found, and counted anew once it is unbarred */
	if (!strcmp(change->now->cause, "rolled_back") && change->before->phase != SEEN_PHASE_SOAKING &&
	    ++device->rolled_back[model_module(change->now->module)] >= 6)
		blame(change, "six deliveries without another version are a loop");
}

/* No timer later than its time, and none that nobody watches. */
static void timer_check(const struct change *change)
{
	const struct seen_task *now = change->now;
	const struct plan *plan = change->plan;
	int64_t left_ms = now->deadline_at - change->at;

	if (view_is_final(now->state) && (now->due_at || now->deadline_at))
		blame(change, "final, with a timer");
	if (view_is_active(now->state) && (!now->due_at || !now->deadline_at || now->due_at > now->deadline_at))
		blame(change, "active, and nothing will ever end it");
	if (now->state == SEEN_PUSHED && !now->left_ms && left_ms > plan->push_timeout_ms)
		blame(change, "its push timer is too long");
	if (now->state == SEEN_PUSHED && now->left_ms > plan->push_timeout_ms)
		blame(change, "more is left of its push timer than there was");
	if (now->state == SEEN_UPGRADING && now->phase == SEEN_PHASE_NONE &&
	    now->deadline_at > change->known->upgrading_late_at + plan->upgrade_timeout_ms)
		blame(change, "its upgrade timer is too long");
	if ((now->phase == SEEN_PHASE_DELIVERED || now->phase == SEEN_PHASE_DRAWN) && left_ms > plan->reboot_timeout_ms)
		blame(change, "its reboot timer is too long");
	if (now->phase == SEEN_PHASE_SOAKING && left_ms > plan->soak_ms)
		blame(change, "its soak is too long");
	if (now->parked && (now->state != SEEN_PUSHED || change->world->model.devices[now->device].connection))
		blame(change, "parked, and its device is not away with an offer");
	if (now->state == SEEN_PENDING && now->deadline_at && left_ms > plan->retry_pause_ms)
		blame(change, "its pause before the next attempt is too long");
}

static bool takes_over(const struct change *change)
{
	return !strcmp(change->batch->order.conflict, "supersede");
}

static void begin_check(const struct change *change)
{
	const struct seen_device *device = &change->world->view.now.devices[change->now->device];

	/* It may be made and sent in one turn. */
	if (view_is_final(change->now->state) || change->now->attempt > (change->now->state != SEEN_PENDING))
		blame(change, "a task begins pending");
	/* Of a batch it was taken from the device may have an order still, and carry it out. */
	if (!strcmp(change->runs, change->now->version) && !takes_over(change))
		blame(change, "its device runs the version already");
	if (device->barred || device->disabled)
		blame(change, "its device is barred or disabled");
}

static void final_check(const struct change *change)
{
	if (change->before->state != change->now->state || strcmp(change->before->cause, change->now->cause) != 0 ||
	    change->before->attempt != change->now->attempt)
		blame(change, "a final state changed");
}

/* What the inventory says goes before what the task believes. */
static void truth_check(const struct change *change)
{
	const struct seen_task *now = change->now;

	if (view_is_final(now->state) || strcmp(change->runs, now->version) != 0 || takes_over(change))
		return;
	if (now->phase != SEEN_PHASE_SOAKING)
		blame(change, "its device runs the version, and the task goes on");
}

static void times_keep(const struct change *change)
{
	struct model_task *known = change->known;
	const struct seen_task *before = change->before, *now = change->now;
	bool begun = now->attempt > (before ? before->attempt : 0);
	bool phase_left = before && before->phase != SEEN_PHASE_NONE && now->phase == SEEN_PHASE_NONE;

	if (begun) {
		known->begun_at = change->from;
		known->pushes = 0;
		known->pushed_at = 0;
	}
	if (now->state == SEEN_UPGRADING && (!before || before->state != SEEN_UPGRADING || begun || phase_left))
		known->upgrading_at = change->from, known->upgrading_late_at = change->at;
	if (!before || begun || before->state != now->state || before->phase != now->phase)
		known->state_at = change->from;
	if (before && view_is_active(before->state) && now->state == SEEN_PENDING)
		known->ended_at = change->from;
}

static void task_check(const struct change *change)
{
	const struct seen_task *before = change->before, *now = change->now;

	if (!before) {
		begin_check(change);
	} else if (view_is_final(before->state)) {
		final_check(change);
	} else if (view_is_final(now->state) || (view_is_active(before->state) && now->state == SEEN_PENDING)) {
		cause_check(change, now->state == SEEN_PENDING);
		retry_check(change);
	}
	times_keep(change);
	timer_check(change);
	truth_check(change);
}

static bool is_same(const struct seen_task *before, const struct seen_task *now)
{
	return before && !memcmp(before, now, sizeof(*now));
}

/* A device that has the package and tells its old version again, after what it said of the package, has booted back. Devices of
 * our dialect say in which boot they are, and may not have restarted yet. */
static void boot_back_check(struct world *world, const struct seen_task *before, const struct seen_task *now)
{
	int module = model_module(now->module);
	const struct seen_module *was = view_module(&world->view.before, now->device, now->module);
	const struct seen_module *is = view_module(&world->view.now, now->device, now->module);
	const struct model_task *known = &world->model.tasks[now - world->view.now.tasks];
	bool delivered = before && (before->phase == SEEN_PHASE_DELIVERED || before->phase == SEEN_PHASE_DRAWN);

	if (!delivered || world->devices[now->device].ours || !was || !was->due || !is || is->due)
		return;
	if (!strcmp(is->version, now->from) && world->model.devices[now->device].said[module].at > known->state_at &&
	    now->phase == before->phase && now->attempt == before->attempt)
		world_blame(world, "d%d booted back into %s, and task %lld goes on", now->device, now->from, (long long)now->id);
}

static void timers_ran(struct world *world, const struct work *work)
{
	bool grace = work->last.heard_ms < world->server.heard_base_ms + world->server.grace_ms;

	for (size_t i = 0; !work->items && !work->more && !grace && i < world->view.now.task_count; i++) {
		const struct seen_task *task = &world->view.now.tasks[i];

		if (task->due_at && task->due_at <= work->last.heard_ms)
			world_blame(world, "task %lld of d%d was due at %lld and nobody looked", (long long)task->id,
				    task->device, (long long)task->due_at);
	}
}

/* A version that changed ends a row of rollbacks. */
static void loops_follow(struct world *world)
{
	for (size_t i = 0; i < world->view.now.module_count; i++) {
		const struct seen_module *now = &world->view.now.modules[i];
		const struct seen_module *before = view_module(&world->view.before, now->device, now->module);

		if (!before || strcmp(before->version, now->version) != 0)
			world->model.devices[now->device].rolled_back[model_module(now->module)] = 0;
	}
}

void check_tasks(struct world *world, const struct work *work)
{
	const struct seen *seen = &world->view.now;

	loops_follow(world);
	for (size_t i = 0; i < seen->task_count && !*world->violation; i++) {
		const struct seen_task *now = &seen->tasks[i];
		const struct seen_task *before = i < world->view.before.task_count ? &world->view.before.tasks[i] : NULL;
		const struct seen_module *module = view_module(seen, now->device, now->module);
		const struct model_batch *batch = model_batch(&world->model, now->batch);

		if (before && before->id != now->id)
			world_blame(world, "task %lld is gone", (long long)before->id);
		if (!batch)
			world_blame(world, "task %lld belongs to batch %lld, which nobody was told of", (long long)now->id,
				    (long long)now->batch);
		boot_back_check(world, before, now);
		if (is_same(before, now) || !batch)
			continue;
		const struct change change = { .world = world,
					       .before = before,
					       .now = now,
					       .known = &world->model.tasks[i],
					       .batch = batch,
					       .plan = &batch->order.plan,
					       .runs = module ? module->version : "",
					       .from = work->first.heard_ms,
					       .at = work->last.heard_ms };
		task_check(&change);
	}
	timers_ran(world, work);
}
