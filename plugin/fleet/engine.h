/*
 * Engine: what happens on inform, progress, pull, connect, disconnect and when a timer runs out. Load -> rules -> save -> outbox.
 *
 * Belongs to the worker's thread. Never reads a clock, never blocks but in the store. Each call runs inside the caller's open
 * store transaction and leaves its messages in the outbox; the caller commits, then sends. A call that fails leaves the store as
 * the caller's rollback makes it.
 */
#ifndef OTA_PLUGIN_FLEET_ENGINE_H
#define OTA_PLUGIN_FLEET_ENGINE_H

#include "common/log.h"
#include "common/signature.h"
#include "common/time.h"
#include "common/topic.h"
#include "plugin/fleet/outbox.h"
#include "plugin/rules/window.h"
#include "plugin/rules/strategy.h"
#include "plugin/rules/stage.h"
#include "plugin/store/batch.h"
#include "plugin/store/device.h"
#include "plugin/store/event.h"
#include "plugin/store/package.h"
#include "plugin/store/task.h"

struct ota_engine;

/* All durations in ms; 0 takes the default in brackets. */
struct ota_engine_options {
	struct ota_store *store;            /* borrowed */
	struct ota_outbox *outbox;          /* borrowed */
	const struct ota_url_keys *url_keys; /* borrowed */
	const char *gateway_url;            /* borrowed: "https://host", the base of download URLs */
	const struct ota_log *log;          /* borrowed */
	int64_t settle_ms;       /* [2 s] after a connect, and after an inform of a module */
	int64_t repush_ms;       /* [60 s] least pause between two pushes of an attempt, doubling to repush_max_ms */
	int64_t repush_max_ms;   /* [1 h] */
	int64_t start_grace_ms;  /* [120 s] after a start no timer makes a task final */
	int64_t url_lifetime_ms; /* [24 h] */
	int64_t look_ms;         /* [1 s] how often batches are looked through for what time alone brings */
	int64_t log_keep_ms;     /* [400 days] how long events stay in the log */
	/* NULL, or told of each row of the event log when it is written. What it puts into the outbox is sent, or taken back,
	 * with the rest of the transaction. 0 or OTA_ENOMEM. */
	int (*noted)(void *context, const struct ota_event *event);
	void *noted_context;
};

enum ota_fleet_event_kind {
	OTA_FLEET_CONNECTED, /* identity, connection */
	OTA_FLEET_GONE,      /* identity, connection: that connection ended */
	OTA_FLEET_MESSAGE,   /* identity, connection, topic, payload */
	OTA_FLEET_FETCHED,   /* identity, fetched */
};

/* Blocks of a package that were sent over MQTT, and whether the last byte was among them. Counts for the attempt as a download of
 * the gateway's does, and moves no task either. */
struct ota_fetched {
	int64_t task_id, attempt;
	int64_t bytes;
	bool whole;
};

struct ota_fleet_event {
	enum ota_fleet_event_kind kind;
	struct ota_identity identity;
	uint64_t connection; /* unique over the life of the process, never reused, never 0 */
	enum ota_topic_kind topic; /* INFORM, PROGRESS, REQUEST or FIRMWARE_GET */
	struct ota_span payload;   /* borrowed for the call */
	struct ota_fetched fetched;
	struct ota_instant at;     /* when the broker received it */
	bool replayed;             /* from the journal of an earlier run: the connection is gone */
};

/* Starts with nobody online. `now` is the instant of the start. */
int ota_engine_new(const struct ota_engine_options *options, struct ota_instant now, struct ota_engine **ret_engine,
		   struct ota_error *error);
struct ota_engine *ota_engine_free(struct ota_engine *engine); /* returns NULL */

/* Applies one event. OTA_EINVALID: the message was refused (logged by the engine); nothing needs a rollback and the event is
 * done. Other errors are the store's: roll back and try the event again. */
int ota_engine_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error);

/* Does what is due at `now`: settled informs and connections, timers, chunks of batch work; at most `budget` rows. *ret_more
 * tells that more is waiting. */
int ota_engine_turn(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error);
/* The same without the work on batches, for who has more events to apply, heard before now or then: that work is bound to no
 * instant, may have no end for minutes, and must not come between every two of them. *ret_more: the next turn is to be soon. */
int ota_engine_catch_up(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more,
			struct ota_error *error);

/* When ota_engine_turn() next has something to do, heard_ms; INT64_MAX for never. Valid after a turn and after events. */
int ota_engine_next_due(struct ota_engine *engine, int64_t *ret_heard_ms, struct ota_error *error);

/* The caller's transaction was rolled back, maybe after a turn that succeeded: what only memory remembered of that turn
 * (connections that settled, a walk that went on) is decided again. */
int ota_engine_rolled_back(struct ota_engine *engine, struct ota_error *error);

/* For control. While a command is only tried, nothing is noted, woken or looked at: its caller rolls back what it did to the
 * store and takes its messages back. */
void ota_engine_rehearse(struct ota_engine *engine, bool rehearsing);
/* A batch was made, canceled or changed: the next turn looks at once. */
void ota_engine_look(struct ota_engine *engine);
/* What every batch has from its package and its strategy: an id, the target, its end. Name, kind, devices, tags and who made it
 * are the caller's. */
int ota_engine_batch_fill(struct ota_engine *engine, const struct ota_package *package, const struct ota_strategy *strategy,
			  struct ota_instant now, struct ota_batch *batch, struct ota_error *error);
/* Going back. The package that the devices of a batch ran before it: OTA_ECONFLICT, with a sentence, when they ran several
 * versions, or one that is no package. Looks at the first 10 000 that have the batch's version or are on their way to it. */
int ota_engine_package_before(struct ota_engine *engine, const struct ota_batch *batch, struct ota_package *ret_package,
			      struct ota_error *error);
/* The way back of such a batch: its timers, causes and limits, without its stages, ramp, planned times and words to wait for. */
int ota_engine_strategy_back(const struct ota_batch *batch, struct ota_strategy *ret_strategy, struct ota_error *error);
/* A running batch's unfinished tasks are decided again over the next turns: it began, or was resumed. */
int ota_engine_wake_batch(struct ota_engine *engine, int64_t batch_id);
/* An operator paused or resumed it: the times of its stage stand still between the two, and its rate begins again where its ramp
 * begins. OTA_ECONFLICT: resumed, it would be paused again in the next moment. */
int ota_engine_pause_batch(struct ota_engine *engine, const struct ota_batch *batch, struct ota_instant now,
			   struct ota_error *error);
int ota_engine_resume_batch(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant now,
			    struct ota_error *error);
/* An operator opens the next stage, whatever the gate of the open one says. detail: what is to be noted of it, with the figures
 * of this moment. OTA_ECONFLICT: there is none to open. */
int ota_engine_advance(struct ota_engine *engine, struct ota_batch *batch, struct ota_instant now, struct ota_bytes *detail,
		       struct ota_error *error);
/* Where a batch with stages stands; those are numbered from 0. */
struct ota_ladder {
	size_t total;
	bool began;                /* else none is open */
	int64_t open;              /* the last open one; as many as the strategy names: none has a gate any more */
	struct ota_stage_look look; /* at that one, while it has a gate */
	struct ota_stage_tally tallies[OTA_STAGES_MAX + 1];
	int64_t opened_ms[OTA_STAGES_MAX + 1]; /* wall, 0 = not yet */
};
int ota_engine_ladder(struct ota_engine *engine, struct ota_batch *batch, const struct ota_strategy *strategy,
		      struct ota_instant now, struct ota_ladder *ret_ladder, struct ota_error *error);
/* Its strategy was changed: who waits is looked at by it in the next turn, and the abort rule is asked again. */
int ota_engine_update_batch(struct ota_engine *engine, int64_t batch_id, struct ota_instant now, struct ota_error *error);
/* The device was registered, unbarred, enabled, or its tags or groups changed: dynamic batches may take it now, and its pending
 * tasks are decided again. */
int ota_engine_wake_device(struct ota_engine *engine, const struct ota_device *device, struct ota_instant now,
			   struct ota_error *error);
/* The device was disabled: once that is committed, the broker's thread refuses it everything and ends its connection. */
int ota_engine_shut_out(struct ota_engine *engine, const struct ota_device *device, struct ota_error *error);
/* It may connect again. */
int ota_engine_let_in(struct ota_engine *engine, const struct ota_device *device, struct ota_error *error);
/* What was decided since then is not sent: its savepoint was rolled back. */
size_t ota_engine_sent(const struct ota_engine *engine);
void ota_engine_unsend(struct ota_engine *engine, size_t sent);
/* The gate that holds a pending task at this moment; OTA_REASON_NONE for a task in another state. */
int ota_engine_explain(struct ota_engine *engine, const struct ota_task *task, struct ota_instant now,
		       enum ota_reason *ret_reason, struct ota_error *error);
/* The same of any task, in a sentence with its figures, and when that gate opens. */
enum { OTA_EXPLANATION_MAX = 511 };
struct ota_explanation {
	enum ota_reason reason; /* of a pending one; NONE: it goes out now */
	char text[OTA_EXPLANATION_MAX + 1];
	int64_t opens_ms; /* wall; 0 = nobody knows, or no gate holds it */
};
int ota_engine_explain_task(struct ota_engine *engine, const struct ota_task *task, struct ota_instant now,
			    struct ota_explanation *ret_explanation, struct ota_error *error);
/* Writes a row of the log operators read, and the same line to the broker's log. The id is made here. */
int ota_engine_note(struct ota_engine *engine, struct ota_event *event, struct ota_error *error);
/* A download that ended, as the gateway tells of it: how many bytes went, and whether the last of the package was among them. It
 * counts for the attempt in which its URL was made, and moves no task. OTA_EDENIED: not signed by this server. ret_place of
 * zeros: it fits no attempt. */
struct ota_transfer {
	struct ota_url_query query; /* as it stood in the request */
	int64_t bytes;
	bool whole;
};
struct ota_transfer_place {
	int64_t task_id, batch_id, attempt;
};
int ota_engine_transfer(struct ota_engine *engine, const struct ota_transfer *transfer, struct ota_instant now,
			struct ota_transfer_place *ret_place, struct ota_error *error);
/* Where the bytes of a package are to be had: its own URL, or one of the gateway that is signed for a device (NULL: for an
 * operator) and good until expires_ms (0: for ever). */
struct ota_link_to {
	char url[OTA_URL_MAX + 1];
	int64_t expires_ms;
};
int ota_engine_link(const struct ota_engine *engine, const struct ota_artifact *artifact, const struct ota_identity *identity,
		    struct ota_instant now, struct ota_link_to *ret_link, struct ota_error *error);
/* The clocks of a zone; of UTC where this machine has no such zone. Valid until the next call. */
struct ota_local ota_engine_local(struct ota_engine *engine, const char *zone);
int64_t ota_engine_link_lifetime(const struct ota_engine *engine); /* ms */
/* Whether blocks over MQTT can bring it: one image, in the package directory. */
bool ota_engine_can_stream(const struct ota_package *package);
bool ota_engine_is_online(const struct ota_engine *engine, const struct ota_identity *identity);
int64_t ota_engine_online(const struct ota_engine *engine); /* how many */

#endif
