#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message.h"
#include "common/time.h"
#include "tests/sim/check.h"
#include "tests/sim/world.h"

/* One message that leaves with a commit. */
struct leaving {
	struct world *world;
	const struct work *work;
	const struct ota_outgoing *message;
	enum ota_topic_kind topic;
	int device;
	const struct seen_task *task;
	struct model_task *known;
	struct model_batch *batch;
	bool release; /* a new attempt, not one more push of the one in work */
};

static void blame(const struct leaving *leaving, const char *sentence)
{
	world_blame(leaving->world, "a push to d%d, task %lld of batch %lld, attempt %lld: %s", leaving->device,
		    (long long)leaving->task->id, (long long)leaving->task->batch, (long long)leaving->task->attempt, sentence);
}

/* True where a fact held both before the work and after it: within it nobody can say what came first. */
static bool batch_held(const struct leaving *leaving, bool (*holds)(const struct leaving *leaving, const struct seen_batch *row))
{
	const struct seen_batch *before = view_batch(&leaving->world->view.before, leaving->task->batch);
	const struct seen_batch *now = view_batch(&leaving->world->view.now, leaving->task->batch);

	return (!before || holds(leaving, before)) && holds(leaving, now);
}

static bool batch_stands(const struct leaving *leaving, const struct seen_batch *row)
{
	bool runs_on = !leaving->release && !strcmp(row->state, "canceled") && !(row->canceling && leaving->batch->revoked);

	return strcmp(row->state, "running") != 0 && !runs_on;
}

static bool is_shut(const struct seen *seen, int device)
{
	return seen->devices[device].barred || seen->devices[device].disabled;
}

static bool is_yanked(const struct seen *seen, const struct seen_task *task)
{
	char key[32];

	snprintf(key, sizeof(key), "%s %s", task->module, task->version);
	for (size_t i = 0; i < seen->yanked_count; i++) {
		if (!strcmp(seen->yanked[i], key))
			return true;
	}
	return false;
}

static bool inform_settles(const struct leaving *leaving)
{
	const struct seen_module *before = view_module(&leaving->world->view.before, leaving->device, leaving->task->module);
	const struct seen_module *now = view_module(&leaving->world->view.now, leaving->device, leaving->task->module);

	return before && now && before->due && now->due;
}

/* What holds for every push, also one more of the same attempt. */
static void push_check(const struct leaving *leaving)
{
	const struct model_device *device = &leaving->world->model.devices[leaving->device];
	const struct seen *before = &leaving->world->view.before, *now = &leaving->world->view.now;

	if (batch_held(leaving, batch_stands))
		blame(leaving, "its batch is not running");
	if (is_shut(before, leaving->device) && is_shut(now, leaving->device))
		blame(leaving, "its device is disabled or barred");
	if (is_yanked(before, leaving->task) && is_yanked(now, leaving->task))
		blame(leaving, "its package is yanked");
	if (device->connection == leaving->message->connection &&
	    leaving->work->last.heard_ms - device->connected_at < MODEL_SETTLE_MS)
		blame(leaving, "its connection has not settled");
	if (inform_settles(leaving))
		blame(leaving, "an inform of its module has not settled");
	if (leaving->batch->order.plan.pull_only && leaving->topic == OTA_TOPIC_UPGRADE)
		blame(leaving, "its batch only answers");
	if (!plan_window_is_open(&leaving->batch->order.plan, leaving->work->first.wall_ms) &&
	    !plan_window_is_open(&leaving->batch->order.plan, leaving->work->last.wall_ms))
		blame(leaving, "outside its window");
}

/* Between two pushes of an attempt at least a minute, doubling to an hour; none to who has the package. */
static void repeat_check(const struct leaving *leaving)
{
	const struct seen_task *before = view_task(&leaving->world->view.before, leaving->task->id);
	bool drawn = leaving->task->phase == SEEN_PHASE_DRAWN && before && before->phase == SEEN_PHASE_DELIVERED;
	int64_t pause_ms = MODEL_REPUSH_MS;

	for (int64_t i = 1; i < leaving->known->pushes && pause_ms < 3600000; i++)
		pause_ms *= 2;
	pause_ms = pause_ms > 3600000 ? 3600000 : pause_ms;
	if (!drawn && leaving->topic == OTA_TOPIC_UPGRADE && leaving->known->pushed_at &&
	    leaving->work->last.heard_ms - leaving->known->pushed_at < pause_ms)
		blame(leaving, "too soon after the push before");
	if (!drawn && before && before->phase != SEEN_PHASE_NONE && before->phase == leaving->task->phase)
		blame(leaving, "its device has the package");
}

static int64_t places_taken(const struct leaving *leaving)
{
	const struct seen *seen = &leaving->world->view.now;
	int64_t taken = 0;

	for (size_t i = 0; i < seen->task_count; i++) {
		const struct seen_task *task = &seen->tasks[i], *before = view_task(&leaving->world->view.before, task->id);

		if (task->batch != leaving->task->batch || !view_is_active(task->state) || task->parked)
			continue;
		taken += !(before && before->parked); /* who comes back takes his place without asking */
	}
	return taken;
}

/* In the first minute since it began or was resumed a ramp lets go what it begins with. */
static void ramp_check(const struct leaving *leaving)
{
	struct model_batch *batch = leaving->batch;
	int64_t at = leaving->work->last.heard_ms, gone = 1;

	batch->ramp_at = batch->ramp_at ? batch->ramp_at : at;
	for (size_t i = 0; i < batch->release_count && i < MODEL_RELEASES; i++)
		gone += batch->releases[i] >= batch->ramp_at;
	if (batch->order.plan.ramp_from && at - batch->ramp_at < OTA_MINUTE_MS && gone > batch->order.plan.ramp_from + 1)
		blame(leaving, "more than its ramp begins with");
}

static void rate_check(const struct leaving *leaving)
{
	struct model_batch *batch = leaving->batch;
	int64_t rate = batch->order.plan.per_minute, at = leaving->work->last.heard_ms, recent = 1;

	for (size_t i = 0; i < batch->release_count && i < MODEL_RELEASES; i++)
		recent += at - batch->releases[i] < OTA_MINUTE_MS;
	if (rate && recent > rate + 1)
		blame(leaving, "more in a minute than its rate");
	ramp_check(leaving);
	batch->releases[batch->release_count++ % MODEL_RELEASES] = at;
}

static bool runs_it(const struct leaving *leaving, const struct seen *seen)
{
	const struct seen_module *module = view_module(seen, leaving->device, leaving->task->module);

	return module && !strcmp(module->version, leaving->task->version);
}

static void release_check(const struct leaving *leaving)
{
	const struct plan *plan = &leaving->batch->order.plan;
	const struct model_task *known = leaving->known;

	if (known->ended_at && leaving->work->last.heard_ms - known->ended_at < plan->retry_pause_ms)
		blame(leaving, "the pause before this attempt is not over");
	const struct seen_batch *before = view_batch(&leaving->world->view.before, leaving->task->batch);

	/* Once it has begun, no step of the clock takes that back. */
	bool begins = plan->start_after_ms && !(before && before->started);

	if (begins && leaving->work->last.wall_ms < leaving->batch->created_ms + plan->start_after_ms)
		blame(leaving, "before its batch starts");
	if (runs_it(leaving, &leaving->world->view.before) && runs_it(leaving, &leaving->world->view.now))
		blame(leaving, "its device runs the version");
	if (leaving->task->stage > leaving->batch->may_stage)
		blame(leaving, "its stage is not open");
	if (plan->confirm && !leaving->known->confirmed)
		blame(leaving, "nobody confirmed it");
	if (plan->max_in_flight && places_taken(leaving) > plan->max_in_flight)
		blame(leaving, "every place in flight was taken");
	rate_check(leaving);
}

/* A pull is answered on the connection that asked. */
static bool was_asked(const struct leaving *leaving)
{
	const struct work *work = leaving->work;

	for (size_t i = 0; work->items && i < work->count; i++) {
		if (work->items[i].kind == ITEM_PULL && work->items[i].connection == leaving->message->connection)
			return true;
	}
	return false;
}

static int device_of(const struct world *world, uint64_t connection)
{
	for (int i = 0; i < world->device_count; i++) {
		if (world->model.devices[i].connection == connection || world->model.devices[i].was_connection == connection)
			return i;
	}
	return -1;
}

static const struct seen_task *task_of(const struct world *world, int device, const struct ota_offer *offer)
{
	const struct seen *seen = &world->view.now;

	for (size_t i = seen->task_count; i > 0; i--) {
		const struct seen_task *task = &seen->tasks[i - 1];

		if (task->device == device && !strcmp(task->module, offer->module) && !strcmp(task->version, offer->version))
			return task;
	}
	return NULL;
}

static void offer_check(struct leaving *leaving, const struct ota_offer *offer)
{
	struct world *world = leaving->world;

	leaving->task = task_of(world, leaving->device, offer);
	if (!leaving->task) {
		world_blame(world, "d%d is offered %s, for which it has no task", leaving->device, offer->version);
		return;
	}
	const struct seen_task *before = view_task(&world->view.before, leaving->task->id);
	leaving->known = &world->model.tasks[leaving->task - world->view.now.tasks];
	leaving->batch = model_batch(&world->model, leaving->task->batch);
	leaving->release = leaving->task->attempt > (before ? before->attempt : 0) && !leaving->known->pushes;
	if (!view_is_active(leaving->task->state) && !(before && view_is_active(before->state)) && !leaving->release)
		blame(leaving, "its task is not at work");
	if (offer->batch && (offer->batch != leaving->task->batch || offer->attempt != leaving->task->attempt))
		blame(leaving, "it names another batch or attempt");
	push_check(leaving);
	/* The first push of a task that is new may be that of the one it takes the place of, in the same turn. */
	if (leaving->release)
		release_check(leaving);
	else if (before)
		repeat_check(leaving);
	leaving->known->pushes++;
	leaving->known->pushed_at = leaving->work->first.heard_ms;
}

/* Who agreed to be asked is asked, about what he has at work. */
static void cancel_check(const struct leaving *leaving)
{
	const struct seen *seen = &leaving->world->view.now;
	struct ota_span payload = { leaving->message->payload, leaving->message->payload_size };
	int64_t id, attempt;

	if (ota_cancel_parse(payload, &id, &attempt, NULL)) {
		world_blame(leaving->world, "a cancel that cannot be read");
		return;
	}
	struct model_batch *batch = model_batch(&leaving->world->model, id);
	for (size_t i = 0; batch && batch->asked && i < seen->task_count; i++) {
		if (seen->tasks[i].batch == id && seen->tasks[i].device == leaving->device && seen->tasks[i].attempt == attempt)
			return;
	}
	world_blame(leaving->world, "d%d is asked to cancel batch %lld, attempt %lld, and nobody wanted that", leaving->device,
		    (long long)id, (long long)attempt);
}

static void message_check(struct leaving *leaving)
{
	struct ota_offer *offer = world_grow(NULL, sizeof(*offer));
	struct ota_identity identity;
	struct ota_span payload = { leaving->message->payload, leaving->message->payload_size };

	leaving->topic = ota_topic_parse(ota_span_from_text(leaving->message->topic), &identity);
	leaving->device = device_of(leaving->world, leaving->message->connection);
	if (leaving->topic != OTA_TOPIC_UPGRADE && leaving->topic != OTA_TOPIC_CANCEL && !was_asked(leaving))
		world_blame(leaving->world, "an answer on %s that nobody asked for", leaving->message->topic);
	if (leaving->device < 0 && leaving->topic == OTA_TOPIC_UPGRADE)
		world_blame(leaving->world, "a push to connection %llu, which nobody has",
			    (unsigned long long)leaving->message->connection);
	if (leaving->topic == OTA_TOPIC_CANCEL)
		cancel_check(leaving);
	else if (leaving->device >= 0 && !ota_offer_parse(payload, offer, NULL))
		offer_check(leaving, offer);
	free(offer);
}

void check_messages(struct world *world, const struct work *work)
{
	for (size_t i = 0; i < work->outbox->count && !*world->violation; i++) {
		struct leaving leaving = { .world = world, .work = work, .message = &work->outbox->items[i] };

		if (leaving.message->kind == OTA_OUTGOING_MESSAGE && leaving.message->connection != OTA_EVERYBODY)
			message_check(&leaving);
	}
}
