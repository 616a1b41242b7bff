/*
 * Context: what the rooms of fleet share while they apply one event. Internal to plugin/fleet.
 *
 * A `struct ota_work` is one task with everything that decides about it, loaded once, at one instant.
 */
#ifndef OTA_PLUGIN_FLEET_CONTEXT_H
#define OTA_PLUGIN_FLEET_CONTEXT_H

#include "common/pace.h"
#include "plugin/fleet/calendar.h"
#include "plugin/fleet/engine.h"
#include "plugin/fleet/presence.h"
#include "plugin/fleet/strategies.h"
#include "plugin/fleet/waiters.h"
#include "plugin/fleet/zone.h"
#include "plugin/rules/batch.h"
#include "plugin/rules/gate.h"
#include "plugin/rules/pace.h"
#include "plugin/rules/stage.h"
#include "plugin/rules/strategy.h"
#include "plugin/rules/task.h"
#include "plugin/store/batch.h"
#include "plugin/store/device.h"
#include "plugin/store/event.h"
#include "plugin/store/flow.h"
#include "plugin/store/package.h"
#include "plugin/store/product.h"
#include "plugin/store/prospect.h"
#include "plugin/store/task.h"

enum { OTA_DEVICE_TASKS_MAX = 16, OTA_DEVICE_MODULES_MAX = 16, OTA_LOOP_MAX = 6 };

struct ota_engine {
	struct ota_engine_options options;
	struct ota_presence *presence;
	int64_t grace_until; /* heard_ms; no timer makes a task final before */
	int64_t look_at;     /* heard_ms: when campaigns are looked through again; INT64_MAX = no batch is open */
	int64_t work_after;  /* batch id: the next turn goes on behind it, so that the first ones do not keep the rest waiting */
	int64_t watch_at;    /* heard_ms: when the batches that time alone moves are looked at again */
	uint64_t turn;       /* counts them */
	int64_t walked;      /* batch whose tasks the last turn walked, 0 = none */
	struct ota_calendar calendar;
	struct ota_strategies strategies;
	struct ota_instant started;
	int64_t prune_at;    /* heard_ms: when the log is pruned again */
	int64_t complain_at; /* heard_ms: no line about rows set aside before */
	/* Batches whose unfinished tasks are walked because the batch began or was resumed: nothing else would wake devices that
	 * are online already. */
	struct ota_scan {
		int64_t batch_id;
		int64_t after; /* task id */
	} *scans; /* in turn, a chunk each */
	size_t scan_count;
	size_t scan_capacity;
	struct ota_zones zones;
	struct ota_waiters waiters;
	int64_t serving; /* batch whose line is being served, 0 = none */
	bool rehearsing; /* a command is only tried */
	struct ota_pace refusals; /* lines about messages that were refused */
	struct ota_pace mends;    /* lines about messages that were mended */
	struct ota_registration *registrations; /* by product, of those that are open */
};

struct ota_work {
	struct ota_engine *engine;
	struct ota_instant at;
	struct ota_device device;
	struct ota_batch batch;
	struct ota_strategy strategy;
	struct ota_flow flow;   /* of the batch */
	struct ota_task task;   /* as it is becoming */
	struct ota_task before; /* as loaded */
	/* A pull to be answered: its connection and topic; number 0 = none. */
	uint64_t asker;
	const char *answer_topic;
	const char *answer_id; /* raw JSON id for firmware/get, NULL for a push-shaped answer */
};

/* work.c: loads batch, strategy and flow of a task and sets the rest. */
int ota_work_load(struct ota_engine *engine, const struct ota_device *device, const struct ota_task *task, struct ota_instant at,
		  struct ota_work *ret_work, struct ota_error *error);
/* The gate that holds the task now; OTA_REASON_NONE when all are open. `repeat`: for sending a push again. */
int ota_work_gate(struct ota_work *work, bool repeat, enum ota_reason *ret_reason, struct ota_error *error);
bool ota_work_online(const struct ota_work *work);
/* Whose day the batch's window is in: that of the device's tag, or the batch's own. */
struct ota_work_zone {
	bool known;             /* else this machine has no such zone: the window stays closed */
	struct ota_local local; /* until another one is asked for */
	char name[OTA_ZONE_MAX + 1];
	char unknown_tag[OTA_DEVICE_TAG_VALUE_MAX + 1]; /* the device's tag names no zone: the batch's counts; "" = none such */
};
int ota_work_zone(const struct ota_work *work, struct ota_work_zone *ret_zone, struct ota_error *error);

/* pace.c: where a batch stands between its rate and its places. */
struct ota_pace_state {
	struct ota_flow flow;
	int64_t per_minute; /* now, under the ramp; 0 = no limit */
	int64_t due_us;     /* heard: when the next release is due */
	int64_t active;     /* only counted where places are limited */
	bool place_free;
};
int ota_release_look(struct ota_engine *engine, int64_t batch_id, const struct ota_strategy *strategy, struct ota_instant at,
		  struct ota_pace_state *ret_state, struct ota_error *error);
/* The release of work->task: a new attempt of a pending one. */
int ota_release_take(const struct ota_work *work, struct ota_error *error);
/* The place of work->task as it is becoming: one whose device is back, or that goes on, is parked no longer. Changes work->task,
 * saves the flow. */
int ota_place_follow(struct ota_work *work, struct ota_error *error);
/* Its device left so long ago that its place goes to another. The same. */
int ota_place_park(struct ota_work *work, struct ota_error *error);
/* How long a device with an offer may be away before it loses its place. */
#define OTA_PARK_MS ((int64_t)10 * OTA_MINUTE_MS)

/* release.c: work->task waits for its batch alone: it is found again when that has a place, a release or an open window. */
int ota_release_await(struct ota_work *work, enum ota_reason reason, struct ota_error *error);
/* The gates are open, but others wait for the same batch and come first. */
bool ota_release_is_jump(const struct ota_work *work);
/* Whoever waits and whose turn it is. */
int ota_release_turn(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error);

/* guard.c: the work of one row of a turn, in a savepoint of its own. What the row itself is to blame for (it contradicts another
 * one) is undone and told, and the turn goes on with the others; what the store is to blame for ends the turn. */
struct ota_guard {
	size_t sent; /* messages in the outbox before it */
};
int ota_guard_begin(struct ota_engine *engine, struct ota_guard *ret_guard, struct ota_error *error);
/* `failed` is how the work went. *ret_aside: it was undone, and the same work would fail again. */
int ota_guard_end(struct ota_engine *engine, const struct ota_guard *guard, int failed, bool *ret_aside, struct ota_error *error);
/* At most one line a minute: whatever set one aside, sets aside many. */
void ota_guard_tell(struct ota_engine *engine, struct ota_instant at, const char *what, int64_t id,
		    const struct ota_error *error);

/* transition.c: decides and applies one event; saves the task, the attempt, the log, and lets the batch follow. `facts` holds
 * what the caller knows, the rest (gates, online, retry, soak) is filled in. `cause` and `step`/`desc` are those of a progress
 * report, else NONE/-1000/"". */
struct ota_report {
	enum ota_cause cause;
	int step;
	const char *desc;
};
enum { OTA_NO_STEP = -1000 };
int ota_transition(struct ota_work *work, enum ota_task_event event, const struct ota_task_facts *facts,
		   const struct ota_report *report, struct ota_error *error);
/* Tries to release every pending task of a device, oldest first, until one is active. */
int ota_release_device(struct ota_engine *engine, const struct ota_device *device, struct ota_instant at,
		       struct ota_error *error);
/* The event of a device that came online and has settled. */
int ota_settle_connection(struct ota_engine *engine, const struct ota_identity *identity, struct ota_instant at,
			  struct ota_error *error);
/* A device went: its push timer stands still. */
int ota_device_gone(struct ota_engine *engine, const struct ota_identity *identity, struct ota_instant at,
		    struct ota_error *error);

/* delivery.c: by a URL or over MQTT. The operator's tag of the device counts first, then what the device announced, then
 * its product; a package that is hosted elsewhere always goes by its URL. */
int ota_delivery_choose(const struct ota_work *work, const struct ota_package *package, const struct ota_product *product,
			enum ota_delivery *ret_delivery, struct ota_error *error);

/* How it is chosen for this task now. */
int ota_delivery_of(const struct ota_work *work, enum ota_delivery *ret_delivery, struct ota_error *error);

/* push.c: puts the push of work->task into the outbox: to the device's connection, or as the answer of a pull. */
int ota_push_send(struct ota_work *work, struct ota_error *error);
int ota_push_answer_nothing(const struct ota_work *work, struct ota_error *error);

/* Sends it again if the pauses between pushes and the gates allow, else looks again when the pause is over. Changes work->task,
 * saves nothing. */
int ota_push_again(struct ota_work *work, bool *ret_sent, struct ota_error *error);

/* ask.c: asking devices to give up what was sent to them. The next `budget` tasks of a batch that is being canceled; *ret_count:
 * how many there were, 0 when all are done. */
int ota_ask_walk(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant at, size_t budget, size_t *ret_count,
		 struct ota_error *error);
/* All that could be asked were: tells how many. */
int ota_ask_end_walk(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant at, struct ota_error *error);
/* Puts the question into the outbox, if the device is there to hear it. */
int ota_ask_send(const struct ota_work *work, struct ota_error *error);
/* What the rule says of asking is set in work->task, before it is saved; when it was the last answer of its batch, the second
 * tells what became of them all. */
void ota_ask_become(struct ota_work *work, const struct ota_task_rule *rule);
int ota_ask_spread(struct ota_work *work, struct ota_error *error);
/* A task whose ask_until has come. */
int ota_ask_clock(struct ota_engine *engine, const struct ota_task *task, struct ota_instant at, struct ota_error *error);

/* inform.c, progress.c, pull.c: one message each. OTA_EINVALID: refused and logged. */
int ota_inform_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error);
int ota_progress_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error);
int ota_pull_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error);
/* transfer.c: what the device fetched over MQTT. */
int ota_fetched_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error);
/* An order taken back in the last days may still arrive and be carried out: one to that version, NULL = to any. Of the module of
 * `task`. */
int ota_order_taken_back(struct ota_engine *engine, const struct ota_task *task, const char *version, struct ota_instant at,
			 bool *ret_former, struct ota_error *error);
/* What a parser refused, too deep or too long as well, is the device's fault and never tried again: OTA_EINVALID but for want of
 * memory. */
int ota_unreadable(struct ota_error *error, int code, const char *message);
/* complaint.c: lines of the server's own log, so many a second at the most. mended: enum ota_json_mended bits of a message that
 * counts all the same; 0 says nothing. */
void ota_complaint_refused(struct ota_engine *engine, const struct ota_fleet_event *event, const struct ota_error *error);
void ota_complaint_mended(struct ota_engine *engine, const struct ota_fleet_event *event, const char *message, unsigned mended);
/* A module's candidate has settled. */
int ota_inform_settle(struct ota_engine *engine, const struct ota_device_module *row, struct ota_instant at,
		      struct ota_error *error);
/* The same for the inventory alone, when the device's tasks cannot be read. */
int ota_inform_record(struct ota_engine *engine, const struct ota_device_module *row, struct ota_instant at,
		      struct ota_error *error);
/* registration.c. The device of an event: found, or registered when its product is open; OTA_EDENIED (logged) otherwise. */
int ota_device_of(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_device *ret_device,
		  struct ota_error *error);
void ota_registrations_free(struct ota_engine *engine);

/* clock.c: a task whose due_at has come. */
int ota_clock_task(struct ota_engine *engine, const struct ota_task *task, struct ota_instant at, struct ota_error *error);

/* campaign.c: batches. */
int ota_campaign_turn(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error);
/* A task of the batch became final: abort rule, end, verdict. */
int ota_campaign_follow(struct ota_engine *engine, int64_t batch_id, struct ota_instant at, struct ota_error *error);
int ota_campaign_scan(struct ota_engine *engine, int64_t batch_id);
/* One task of a walk, in its guard: released, or pushed again. */
int ota_campaign_try(struct ota_engine *engine, const struct ota_task *task, struct ota_instant at, struct ota_error *error);
/* Moves a batch by the table for a reason of the server's own. The caller knows that the table allows it. */
int ota_campaign_move(struct ota_engine *engine, struct ota_batch *batch, const struct ota_batch_rule *rule, const char *reason,
		      struct ota_instant at, struct ota_error *error);
/* prepare.c: the next `budget` targets at most. *ret_count: how many there were, 0 when nothing is left to do. */
int ota_campaign_prepare(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant at, size_t budget,
			 size_t *ret_count, struct ota_error *error);

/* prepare.c: one device for a batch that is prepared already. */
int ota_campaign_take(struct ota_engine *engine, const struct ota_batch *batch, const struct ota_prospect *prospect,
		      struct ota_instant at, struct ota_error *error);
bool ota_campaign_is_online(const void *presence, const struct ota_identity *identity); /* for struct ota_target_scope */
/* join.c: what is known of a device has changed: the newest dynamic batch that means it takes it, of one module or of each ("").
 * The caller releases what came of it. */
int ota_campaign_join(struct ota_engine *engine, const struct ota_device *device, const char *module, struct ota_instant at,
		      struct ota_error *error);

/* rollback.c: the abort rule fired for a batch that then goes back by itself. What stands in the way of it is told in the batch's
 * log, and fails nothing. */
int ota_campaign_roll_back(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant at,
			   struct ota_error *error);
/* flow.c. A batch is prepared: it runs, now or from its planned start on. */
int ota_flow_begin(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant at, struct ota_error *error);
/* Looks once a second at the batches that are watched. */
int ota_flow_turn(struct ota_engine *engine, struct ota_instant now, struct ota_error *error);
bool ota_flow_wants_watch(const struct ota_batch *batch, const struct ota_strategy *strategy, const struct ota_flow *flow);
/* A batch became paused: its times stand still. */
int ota_flow_pause(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant at, struct ota_error *error);

/* stage.c. Who belongs to which stage: loaded once for the devices that become tasks in one go. */
struct ota_stage_places {
	struct ota_strategy strategy;
	int64_t taken[OTA_STAGES_MAX];
};
int ota_stage_places_load(struct ota_engine *engine, const struct ota_batch *batch, struct ota_stage_places *ret_places,
			  struct ota_error *error);
/* The stage of a device whose task is made now, for struct ota_task.stage; it takes its place in it. */
int64_t ota_stage_place_take(struct ota_stage_places *places, const struct ota_device *device);
/* The batch begins: its first stage opens. Nothing for a batch without stages. */
int ota_stages_begin(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		     struct ota_instant at, struct ota_error *error);
/* A task ended or time went by: opens what may be opened, or pauses a batch whose stage stands still. */
int ota_stages_follow(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		      struct ota_instant at, struct ota_error *error);
/* OTA_ECONFLICT: the batch is not to be resumed, its stage would pause it in the next moment. */
int ota_stages_allow(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		     struct ota_instant at, struct ota_error *error);
/* A stage is open that has a gate, and others may come after it. */
bool ota_stages_are_left(const struct ota_strategy *strategy, const struct ota_flow *flow);
/* Soak and deadline stand still while the batch is paused; a deadline that was over begins anew. */
void ota_stages_pause(struct ota_flow *flow, struct ota_instant at);
void ota_stages_resume(const struct ota_strategy *strategy, struct ota_flow *flow, struct ota_instant at);

/* prune.c: removes a few events that are too old, when it is time. */
int ota_prune_turn(struct ota_engine *engine, struct ota_instant now, struct ota_error *error);

/* note.c: the log operators read. The actor is the server itself; detail is cut to its limit. */
int ota_note(const struct ota_work *work, const char *event, struct ota_error *error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
int ota_note_batch(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant at, const char *event,
		   const char *detail, struct ota_error *error);

#endif
