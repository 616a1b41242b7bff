#include "plugin/fleet/engine.h"

#include <stdlib.h>

#include "plugin/fleet/context.h"

enum {
	ASIDE_MS = OTA_HOUR_MS, /* how long a task waits that could not be worked on */
};

static int64_t or_default(int64_t value, int64_t standard)
{
	return value ? value : standard;
}

/* A gateway URL that leaves no room for the rest would fail at every push: find out at the start. */
static int url_try(const struct ota_engine_options *options, struct ota_error *error)
{
	static const char sha256[] = "0000000000000000000000000000000000000000000000000000000000000000";
	char url[OTA_URL_MAX + 1];

	return ota_url_sign(options->url_keys, options->gateway_url, sha256, NULL, 9999999999, url, error);
}

int ota_engine_new(const struct ota_engine_options *options, struct ota_instant now, struct ota_engine **ret_engine,
		   struct ota_error *error)
{
	int failed = url_try(options, error);

	if (failed)
		return failed;
	struct ota_engine *engine = calloc(1, sizeof(*engine));
	if (!engine)
		return OTA_ENOMEM;
	engine->options = *options;
	engine->options.settle_ms = or_default(options->settle_ms, 2 * OTA_SECOND_MS);
	engine->options.repush_ms = or_default(options->repush_ms, OTA_MINUTE_MS);
	engine->options.repush_max_ms = or_default(options->repush_max_ms, OTA_HOUR_MS);
	engine->options.start_grace_ms = or_default(options->start_grace_ms, 120 * OTA_SECOND_MS);
	engine->options.look_ms = or_default(options->look_ms, OTA_SECOND_MS);
	engine->options.url_lifetime_ms = or_default(options->url_lifetime_ms, OTA_DAY_MS);
	engine->options.log_keep_ms = or_default(options->log_keep_ms, (int64_t)400 * OTA_DAY_MS);
	engine->started = now;
	engine->grace_until = now.heard_ms + engine->options.start_grace_ms;
	engine->presence = ota_presence_new();
	if (!engine->presence) {
		ota_engine_free(engine);
		return OTA_ENOMEM;
	}
	*ret_engine = engine;
	return 0;
}

struct ota_engine *ota_engine_free(struct ota_engine *engine)
{
	if (!engine)
		return NULL;
	ota_presence_free(engine->presence);
	ota_registrations_free(engine);
	free(engine->scans);
	ota_waiters_end(&engine->waiters);
	ota_zones_end(&engine->zones);
	free(engine);
	return NULL;
}

static int message_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error)
{
	switch (event->topic) {
	case OTA_TOPIC_INFORM:
		return ota_inform_apply(engine, event, error);
	case OTA_TOPIC_PROGRESS:
		return ota_progress_apply(engine, event, error);
	case OTA_TOPIC_REQUEST:
	case OTA_TOPIC_FIRMWARE_GET:
		return ota_pull_apply(engine, event, error);
	default:
		return ota_fail(error, OTA_EINVALID, "no device sends on this topic");
	}
}

int ota_unreadable(struct ota_error *error, int code, const char *message)
{
	ota_error_prefix(error, code, "%s", message);
	if (code != OTA_ENOMEM && error)
		error->code = OTA_EINVALID;
	return code == OTA_ENOMEM ? code : OTA_EINVALID;
}

/* What a device did wrong is its own affair: logged, done, never tried again. */
static int message_handle(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error)
{
	struct ota_error local = {0};
	int failed = message_apply(engine, event, &local);

	if (failed == OTA_EINVALID || failed == OTA_EDENIED) {
		ota_complaint_refused(engine, event, &local);
		failed = OTA_EINVALID;
	}
	if (failed && error)
		*error = local;
	return failed;
}

/* What an earlier run heard carries that run's distance between the clocks. */
static void calendar_look(struct ota_engine *engine, struct ota_instant now)
{
	struct ota_log_line line;
	int64_t step_ms = now.heard_ms < engine->started.heard_ms ? 0 : ota_calendar_look(&engine->calendar, now);

	if (!step_ms)
		return;
	ota_waiters_wake_all(&engine->waiters);
	ota_log_begin(&line, OTA_LOG_WARNING, "clock_stepped");
	ota_log_integer(&line, "by_ms", step_ms);
	ota_log_text(&line, "meaning",
		     "it was set, or the machine slept: no batch ends by its date for an hour; timers of tasks follow neither");
	ota_log_end(engine->options.log, &line);
}

int ota_engine_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error)
{
	calendar_look(engine, event->at);
	switch (event->kind) {
	case OTA_FLEET_CONNECTED:
		return ota_presence_connect(engine->presence, &event->identity, event->connection,
					    event->at.heard_ms + engine->options.settle_ms);
	case OTA_FLEET_GONE:
		if (!ota_presence_disconnect(engine->presence, &event->identity, event->connection))
			return 0;
		return ota_device_gone(engine, &event->identity, event->at, error);
	case OTA_FLEET_FETCHED:
		return ota_fetched_apply(engine, event, error);
	case OTA_FLEET_MESSAGE:
	default:
		return message_handle(engine, event, error);
	}
}

static int settle_one(struct ota_engine *engine, const struct ota_identity *identity, struct ota_instant now,
		      struct ota_error *error)
{
	struct ota_error own = {0};
	struct ota_guard guard;
	bool aside;

	ota_presence_settle(engine->presence, identity, engine->turn);
	int failed = ota_guard_begin(engine, &guard, error);
	if (failed)
		return failed;
	failed = ota_guard_end(engine, &guard, ota_settle_connection(engine, identity, now, &own), &aside, &own);
	if (aside)
		ota_guard_tell(engine, now, "connection", 0, &own);
	if (failed && error)
		*error = own;
	return failed;
}

static int settle_connections(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more,
			      struct ota_error *error)
{
	int failed = 0;

	for (; !failed; budget--) {
		const struct ota_connection *connection = ota_presence_unsettled(engine->presence);

		if (!connection || connection->settle_at > now.heard_ms)
			break;
		if (!budget) {
			*ret_more = true;
			break;
		}
		struct ota_identity identity = connection->identity;
		failed = settle_one(engine, &identity, now, error);
	}
	return failed;
}

static int settle_inform(struct ota_engine *engine, const struct ota_device_module *row, struct ota_instant now,
			 struct ota_error *error)
{
	struct ota_error own = {0};
	struct ota_guard guard;
	bool aside;
	int failed = ota_guard_begin(engine, &guard, error);

	if (failed)
		return failed;
	failed = ota_guard_end(engine, &guard, ota_inform_settle(engine, row, now, &own), &aside, &own);
	if (aside) {
		ota_guard_tell(engine, now, "module of device", row->device_id, &own);
		failed = ota_inform_record(engine, row, now, &own);
	}
	if (failed && error)
		*error = own;
	return failed;
}

static int settle_informs(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more,
			  struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_device_module *rows = calloc(budget, sizeof(*rows));
	size_t count = 0;

	if (!rows)
		return OTA_ENOMEM;
	int failed = ota_device_module_due(engine->options.store, now.heard_ms, rows, budget, &count, error);
	for (size_t i = 0; !failed && i < count; i++)
		failed = settle_inform(engine, &rows[i], now, error);
	*ret_more |= count == budget;
	return failed;
}

/* Each of a task's two clocks. */
static const struct task_clock {
	size_t offset; /* of its column in struct ota_task */
	int (*list)(struct ota_store *store, int64_t heard_ms, struct ota_task *rows, size_t capacity, size_t *ret_count,
		    struct ota_error *error);
	int (*run)(struct ota_engine *engine, const struct ota_task *task, struct ota_instant at, struct ota_error *error);
} task_clocks[] = {
	{ offsetof(struct ota_task, ask_until), ota_task_unanswered, ota_ask_clock },
	{ offsetof(struct ota_task, due_at), ota_task_due, ota_clock_task },
};

enum { TASK_CLOCKS = sizeof(task_clocks) / sizeof(task_clocks[0]) };

static int64_t *task_due_of(const struct task_clock *clock, struct ota_task *task)
{
	return (int64_t *)((char *)task + clock->offset);
}

/* Looked at again later: an operator may have mended what it hangs on. */
static int task_postpone(struct ota_engine *engine, const struct task_clock *clock, const struct ota_task *task,
			 struct ota_instant now, struct ota_error *error)
{
	struct ota_task later = *task;

	*task_due_of(clock, &later) = now.heard_ms + ASIDE_MS;
	return ota_task_save(engine->options.store, task, &later, error);
}

static int run_timer(struct ota_engine *engine, const struct task_clock *clock, int64_t id, struct ota_instant now,
		     struct ota_error *error)
{
	struct ota_error own = {0};
	struct ota_guard guard;
	struct ota_task task;
	bool aside;
	int failed = ota_task_load(engine->options.store, id, &task, error);

	/* A task before it in this round may have moved this one. */
	if (failed || !*task_due_of(clock, &task) || *task_due_of(clock, &task) > now.heard_ms)
		return failed;
	failed = ota_guard_begin(engine, &guard, error);
	if (failed)
		return failed;
	failed = ota_guard_end(engine, &guard, clock->run(engine, &task, now, &own), &aside, &own);
	if (aside) {
		ota_guard_tell(engine, now, "task", id, &own);
		failed = task_postpone(engine, clock, &task, now, &own);
	}
	if (failed && error)
		*error = own;
	return failed;
}

static int run_timers(struct ota_engine *engine, const struct task_clock *clock, struct ota_instant now, size_t budget,
		      bool *ret_more, struct ota_error *error)
{
	OTA_AUTO_FREE struct ota_task *rows = calloc(budget, sizeof(*rows));
	size_t count = 0;

	if (!rows)
		return OTA_ENOMEM;
	int failed = clock->list(engine->options.store, now.heard_ms, rows, budget, &count, error);
	for (size_t i = 0; !failed && i < count; i++)
		failed = run_timer(engine, clock, rows[i].id, now, error);
	*ret_more |= count == budget;
	return failed;
}

/* Informs and connections that have settled, timers that have run out. */
static int due_do(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error)
{
	*ret_more = false;
	calendar_look(engine, now);
	engine->turn++;
	engine->walked = 0;
	int failed = settle_informs(engine, now, budget, ret_more, error);
	if (!failed)
		failed = settle_connections(engine, now, budget, ret_more, error);
	for (size_t i = 0; !failed && now.heard_ms >= engine->grace_until && i < TASK_CLOCKS; i++)
		failed = run_timers(engine, &task_clocks[i], now, budget, ret_more, error);
	return failed;
}

int ota_engine_turn(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error)
{
	int failed = due_do(engine, now, budget, ret_more, error);

	if (!failed)
		failed = ota_campaign_turn(engine, now, budget, ret_more, error);
	if (!failed)
		failed = ota_release_turn(engine, now, budget, ret_more, error);
	if (!failed && !*ret_more)
		failed = ota_prune_turn(engine, now, error);
	engine->look_at = now.heard_ms + engine->options.look_ms;
	return failed;
}

int ota_engine_catch_up(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error)
{
	int failed = due_do(engine, now, budget, ret_more, error);

	if (!failed)
		failed = ota_release_turn(engine, now, budget, ret_more, error);
	if (failed || engine->look_at > now.heard_ms)
		return failed;
	/* Else it would be what is due next for as long as it waits for the turn. */
	engine->look_at = now.heard_ms + engine->options.look_ms;
	*ret_more = true;
	return 0;
}

int ota_engine_next_due(struct ota_engine *engine, int64_t *ret_heard_ms, struct ota_error *error)
{
	const struct ota_connection *connection = ota_presence_unsettled(engine->presence);
	int64_t next = engine->look_at, due;

	if (connection && connection->settle_at < next)
		next = connection->settle_at;
	int failed = ota_device_module_next_due(engine->options.store, &due, error);
	if (failed)
		return failed;
	next = due < next ? due : next;
	due = ota_waiters_next_due(&engine->waiters, engine->calendar.ahead_ms);
	next = due < next ? due : next;
	failed = ota_task_next_due(engine->options.store, &due, error);
	if (failed)
		return failed;
	due = due < engine->grace_until ? engine->grace_until : due;
	*ret_heard_ms = due < next ? due : next;
	return 0;
}

int64_t ota_engine_online(const struct ota_engine *engine)
{
	return ota_presence_count(engine->presence);
}

struct ota_local ota_engine_local(struct ota_engine *engine, const char *zone)
{
	struct ota_local local = {0};

	if (!ota_zones_find(&engine->zones, zone, &local))
		(void)ota_zones_find(&engine->zones, "", &local);
	return local;
}

int64_t ota_engine_link_lifetime(const struct ota_engine *engine)
{
	return engine->options.url_lifetime_ms;
}

bool ota_engine_is_online(const struct ota_engine *engine, const struct ota_identity *identity)
{
	return ota_presence_find(engine->presence, identity) != NULL;
}

int ota_engine_rolled_back(struct ota_engine *engine, struct ota_error *error)
{
	ota_presence_unsettle(engine->presence, engine->turn);
	bool failed = engine->walked && ota_campaign_scan(engine, engine->walked);

	for (struct ota_line *line = engine->waiters.lines; line; line = line->hh.next) {
		line->due_at = 0;
		failed |= line->served_in == engine->turn && ota_campaign_scan(engine, line->batch_id);
	}
	return failed ? ota_fail(error, OTA_ENOMEM, "no memory to walk a batch again") : 0;
}

void ota_engine_rehearse(struct ota_engine *engine, bool rehearsing)
{
	engine->rehearsing = rehearsing;
}

void ota_engine_look(struct ota_engine *engine)
{
	if (engine->rehearsing)
		return;
	engine->look_at = 0;
	engine->watch_at = 0;
}

int ota_engine_wake_batch(struct ota_engine *engine, int64_t batch_id)
{
	ota_engine_look(engine);
	return ota_campaign_scan(engine, batch_id);
}

int ota_engine_update_batch(struct ota_engine *engine, int64_t batch_id, struct ota_instant now, struct ota_error *error)
{
	ota_engine_look(engine);
	ota_waiters_renew(&engine->waiters, batch_id);
	return ota_campaign_follow(engine, batch_id, now, error);
}

int ota_engine_wake_device(struct ota_engine *engine, const struct ota_device *device, struct ota_instant now,
			   struct ota_error *error)
{
	int failed = engine->rehearsing ? 0 : ota_campaign_join(engine, device, "", now, error);

	return engine->rehearsing || failed ? failed : ota_release_device(engine, device, now, error);
}

static int order_give(struct ota_engine *engine, enum ota_outgoing_kind kind, const struct ota_device *device,
		      struct ota_error *error)
{
	int failed = ota_outbox_add_order(engine->options.outbox, kind, &device->identity);

	return failed ? ota_fail(error, failed, "no memory for an order to the broker") : 0;
}

int ota_engine_shut_out(struct ota_engine *engine, const struct ota_device *device, struct ota_error *error)
{
	return order_give(engine, OTA_OUTGOING_SHUT_OUT, device, error);
}

int ota_engine_let_in(struct ota_engine *engine, const struct ota_device *device, struct ota_error *error)
{
	return order_give(engine, OTA_OUTGOING_LET_IN, device, error);
}

size_t ota_engine_sent(const struct ota_engine *engine)
{
	return engine->options.outbox->count;
}

void ota_engine_unsend(struct ota_engine *engine, size_t sent)
{
	ota_outbox_truncate(engine->options.outbox, sent);
}

int ota_engine_explain(struct ota_engine *engine, const struct ota_task *task, struct ota_instant now,
		       enum ota_reason *ret_reason, struct ota_error *error)
{
	struct ota_device device;
	struct ota_work work;

	*ret_reason = OTA_REASON_NONE;
	if (task->state != OTA_TASK_PENDING)
		return 0;
	int failed = ota_device_load(engine->options.store, task->device_id, &device, error);
	if (!failed)
		failed = ota_work_load(engine, &device, task, now, &work, error);
	return failed ? failed : ota_work_gate(&work, false, ret_reason, error);
}
