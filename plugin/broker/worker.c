#include "plugin/broker/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "plugin/access/rights.h"
#include "plugin/broker/refusal.h"
#include "plugin/broker/round.h"
#include "plugin/broker/stride.h"
#include "plugin/store/thread.h"

struct ota_worker {
	struct ota_worker_options options;
	pthread_t thread;
	struct ota_round round;
	struct ota_lines own_lines; /* the worker's: told even when the round is rolled back */
	struct ota_log log;         /* writes to own_lines */
	uint64_t applied;
	int64_t next_due;      /* heard_ms, of the engine */
	bool more;             /* the engine has more to do at once */
	struct ota_stride stride; /* of its turns */
	int64_t saved_boot_ms; /* of the last commit */
	int64_t stop_boot_ms;  /* when to give up at the stop; 0 = not stopping */
	int64_t turn_after;    /* boot_ms: the engine's turn failed and pauses */
	int64_t pause_ms;      /* of the next retry; 0 = all is well */
	bool stuck;            /* what was taken cannot be loaded or committed: the journal or the store failed */
	bool undone;           /* a transaction was rolled back: the engine decides again what only its memory knew */
	bool uncopied;         /* effects were committed since the log was last copied */
	struct {
		_Atomic uint64_t events, commits, failures, coalesced, set_aside;
	} figures;
	struct ota_stopwatch commit;
};

static void line_write(void *context, enum ota_log_level level, const char *line)
{
	ota_lines_add(context, level, line);
}

static void worker_tell(struct ota_worker *worker, enum ota_log_level level, const char *event, const struct ota_error *error)
{
	struct ota_log_line line;
	ota_log_begin(&line, level, event);
	ota_log_text(&line, "code", ota_code_name(error->code));
	ota_log_text(&line, "error", error->text);
	ota_log_text(&line, "advice", ota_store_advice(error->code));
	ota_log_end(&worker->log, &line);
}

/* Without memory the messages wait in the outbox for the next post. */
static void worker_post(struct ota_worker *worker)
{
	struct ota_outbox nothing = {0};
	ota_mailbox_post(worker->options.mailbox, &nothing, &worker->own_lines);
}

/* --- failures --- */

/* The store, the disk or the memory: the same work may succeed later. OTA_ECORRUPT is not among them: a damaged row mends by no
 * wait, and its device's every report would hold up the whole fleet for seconds. Where all of the store is damaged the commit
 * fails, too, and nobody is blamed. */
static bool failure_is_passing(int code)
{
	return code == OTA_EIO || code == OTA_ELIMIT || code == OTA_EUNAVAILABLE || code == OTA_ENOMEM || code == OTA_ETIMEOUT;
}

static void worker_rollback(struct ota_worker *worker)
{
	worker->undone = worker->more = true;
	ota_store_rollback(worker->options.store);
	ota_outbox_clear(worker->options.outbox);
	ota_lines_clear(worker->options.lines);
}

/* Told once for a row of failures. */
static void worker_failed(struct ota_worker *worker, const char *what, const struct ota_error *error)
{
	atomic_fetch_add(&worker->figures.failures, 1);
	if (worker->pause_ms == 0)
		worker_tell(worker, OTA_LOG_ERROR, what, error);
	worker->pause_ms = worker->pause_ms == 0 ? OTA_WORKER_RETRY_MS : worker->pause_ms * 2;
	if (worker->pause_ms > OTA_WORKER_RETRY_MAX_MS)
		worker->pause_ms = OTA_WORKER_RETRY_MAX_MS;
	if (worker->pause_ms >= OTA_WORKER_PLIGHT_MS && worker->options.plight)
		ota_plight_tell(worker->options.plight, error);
	worker_post(worker);
}

static void worker_recovered(struct ota_worker *worker)
{
	if (worker->pause_ms == 0)
		return;
	struct ota_log_line line;
	worker->pause_ms = 0;
	if (worker->options.plight)
		ota_plight_end(worker->options.plight);
	ota_log_begin(&line, OTA_LOG_WARNING, "store_works_again");
	ota_log_end(&worker->log, &line);
}

static bool worker_gives_up(struct ota_worker *worker)
{
	if (!ota_queue_is_closed(worker->options.queue))
		return false;
	if (worker->stop_boot_ms == 0)
		worker->stop_boot_ms = ota_boot_ms() + OTA_WORKER_STOP_MS;
	return ota_boot_ms() >= worker->stop_boot_ms;
}

/* --- one transaction --- */

/* Saves what every commit carries, commits, and hands over what was decided. */
static int worker_commit(struct ota_worker *worker, uint64_t applied, struct ota_error *error)
{
	const struct ota_worker_options *options = &worker->options;
	struct ota_instant now = ota_heard_now(options->heard);
	int64_t next_due = INT64_MAX;
	uint64_t begun_us = ota_stopwatch_now_us();
	int code = ota_engine_next_due(options->engine, &next_due, error);
	if (code == 0)
		code = ota_store_save_node(options->store, OTA_NODE_ID, applied, now.heard_ms, error);
	if (code == 0)
		code = ota_store_commit(options->store, error);
	if (code != 0)
		return code;
	worker->applied = applied;
	worker->next_due = next_due;
	worker->saved_boot_ms = ota_boot_ms();
	atomic_fetch_add(&worker->figures.commits, 1);
	ota_stopwatch_add(&worker->commit, ota_stopwatch_now_us() - begun_us);
	worker_recovered(worker);
	ota_journal_release(options->journal, applied);
	ota_mailbox_post(options->mailbox, options->outbox, options->lines);
	worker_post(worker);
	return 0;
}

/* Who asked hears what is wrong with the store, instead of nothing. */
static void command_answer_refused(struct ota_worker *worker, const struct ota_round_event *event)
{
	OTA_AUTO_BYTES struct ota_bytes answer = {0};
	if (event->kind != OTA_ITEM_COMMAND ||
	    ota_refusal_print(event->item->payload, OTA_EUNAVAILABLE, event->why, &answer) != 0)
		return;
	struct ota_span payload = {.data = answer.data, .size = answer.size};
	ota_outbox_add(worker->options.outbox, event->event.connection, OTA_CONTROL_RESPONSE_TOPIC, payload,
		       OTA_WORKER_ANSWER_EXPIRY_S);
	ota_mailbox_post(worker->options.mailbox, worker->options.outbox, &worker->own_lines);
}

/* After the commit that went on without it. */
static void event_set_aside(struct ota_worker *worker, const struct ota_round_event *event)
{
	struct ota_error error = {0};
	struct ota_log_line line;
	struct ota_span record = {.data = event->storage.data, .size = event->storage.size};
	if (event->kind == OTA_ITEM_JOURNALED &&
	    ota_quarantine_write(worker->options.journal_dir, event->sequence, record, &error) != 0)
		worker_tell(worker, OTA_LOG_ERROR, "quarantine_failed", &error);
	command_answer_refused(worker, event);
	atomic_fetch_add(&worker->figures.set_aside, 1);
	ota_log_begin(&line, OTA_LOG_ERROR, "event_set_aside");
	ota_log_integer(&line, "sequence", (int64_t)event->sequence);
	ota_log_identity(&line, event->event.identity.product_key, event->event.identity.device_name);
	ota_log_text(&line, "why", event->why);
	ota_log_end(&worker->log, &line);
}

static void event_blame(struct ota_round_event *event, const char *why, const char *advice)
{
	event->to_set_aside = true;
	snprintf(event->why, sizeof(event->why), "%.280s%s%s", why, *advice ? ": " : "", advice);
}

static int command_apply(struct ota_worker *worker, const struct ota_round_event *event, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes answer = {0};
	int code = ota_control_handle(worker->options.control, event->item->payload, event->item->caller.data, event->event.at,
				      &answer, error);
	if (code != 0)
		return code;
	struct ota_span payload = {.data = answer.data, .size = answer.size};
	code = ota_outbox_add(worker->options.outbox, event->event.connection, OTA_CONTROL_RESPONSE_TOPIC, payload,
			      OTA_WORKER_ANSWER_EXPIRY_S);
	return code == 0 ? 0 : ota_fail(error, code, "no memory for an answer");
}

/* OTA_EINVALID: the engine refused the message and said so; there is nothing to roll back. */
static int event_handle(struct ota_worker *worker, const struct ota_round_event *event, struct ota_error *error)
{
	if (event->kind == OTA_ITEM_COMMAND)
		return command_apply(worker, event, error);
	int code = ota_engine_apply(worker->options.engine, &event->event, error);
	return code == OTA_EINVALID ? 0 : code;
}

/* Control makes a savepoint for each command itself, and fails only when the whole transaction is lost. */
static int event_apply(struct ota_worker *worker, struct ota_round_event *event, struct ota_error *error)
{
	struct ota_store *store = worker->options.store;
	size_t sent = worker->options.outbox->count;
	bool guarded = event->kind != OTA_ITEM_COMMAND;
	int code = guarded ? ota_store_savepoint(store, error) : 0;
	if (code != 0)
		return code;
	code = event_handle(worker, event, error);
	if (code == 0)
		return guarded ? ota_store_release(store, error) : 0;
	if (failure_is_passing(code) && ++event->failures < OTA_WORKER_EVENT_TRIES)
		return code;
	if (guarded)
		ota_store_rollback_to(store);
	ota_outbox_truncate(worker->options.outbox, sent);
	event_blame(event, error->text, failure_is_passing(code) ? ota_store_advice(code) : "");
	return 0;
}

static bool event_is_culprit(const struct ota_worker *worker, const struct ota_round_event *event)
{
	return event->kind == OTA_ITEM_JOURNALED && event->sequence == worker->options.inwork->culprit;
}

/* In work is what is being applied, not what waits for the store to begin or to commit: that time, long on a slow disk, is no
 * record's fault. */
static int events_apply(struct ota_worker *worker, struct ota_error *error)
{
	struct ota_round *round = &worker->round;
	int code = 0;
	if (round->last > 0)
		ota_inwork_begin(worker->options.inwork, round->first, round->last);
	for (size_t i = round->begin; code == 0 && i < round->end; i++) {
		struct ota_round_event *event = &round->events[i];
		if (event_is_culprit(worker, event))
			event_blame(event, "it was in work alone at three crashes", "");
		if (!event->skip && !event->to_set_aside)
			code = event_apply(worker, event, error);
	}
	if (round->last > 0)
		ota_inwork_end(worker->options.inwork);
	return code;
}

/* For the operators' log, in the transaction that goes on without the report. */
static int event_note(struct ota_worker *worker, const struct ota_round_event *event, struct ota_error *error)
{
	struct ota_event row = {.at_ms = event->event.at.wall_ms, .event = "report_set_aside"};
	char detail[2 * OTA_EVENT_DETAIL_MAX];
	if (event->kind != OTA_ITEM_JOURNALED || !event->to_set_aside)
		return 0;
	snprintf(detail, sizeof(detail), "device %s: %s; the report is in %s/" OTA_QUARANTINE_PREFIX "%llu",
		 event->event.identity.device_name, event->why, worker->options.journal_dir, (unsigned long long)event->sequence);
	ota_text_cut(row.detail, sizeof(row.detail), detail);
	ota_text_cut(row.product_key, sizeof(row.product_key), event->event.identity.product_key);
	return ota_engine_note(worker->options.engine, &row, error);
}

static int events_note(struct ota_worker *worker, struct ota_error *error)
{
	int code = 0;
	for (size_t i = worker->round.begin; code == 0 && i < worker->round.end; i++)
		code = event_note(worker, &worker->round.events[i], error);
	return code;
}

static int round_try(struct ota_worker *worker, struct ota_error *error)
{
	const struct ota_round *round = &worker->round;
	int code = ota_store_begin(worker->options.store, error);
	if (code == 0)
		code = events_apply(worker, error);
	if (code == 0)
		code = events_note(worker, error);
	return code == 0 ? worker_commit(worker, round->last > 0 ? round->last : worker->applied, error) : code;
}

/* When it takes long, who asked is told what is wrong, and his command will not be carried out behind his back. */
static void round_refuse_commands(struct ota_worker *worker, const struct ota_error *error)
{
	struct ota_round *round = &worker->round;
	for (size_t i = round->begin; i < round->end; i++) {
		struct ota_round_event *event = &round->events[i];
		if (event->kind != OTA_ITEM_COMMAND || event->skip)
			continue;
		event_blame(event, error->text, ota_store_advice(error->code));
		command_answer_refused(worker, event);
		event->to_set_aside = false;
		event->skip = true;
	}
}

/* Nothing could be committed, so it was not the blamed event alone. */
static void round_forgive(struct ota_round *round)
{
	for (size_t i = round->begin; i < round->end; i++)
		if (round->events[i].to_set_aside) {
			round->events[i].to_set_aside = false;
			round->events[i].failures = 0;
		}
}

/* Up to what is due next: the turn has to see the world as it was then. A turn that fails, or has more to do than one may, does
 * not hold up the events. */
static void round_slice(struct ota_worker *worker)
{
	struct ota_round *round = &worker->round;
	int64_t heard_ms = ota_round_instant(round).heard_ms, until_ms = heard_ms + OTA_WORKER_SPAN_MS;
	if (round->end > round->begin)
		return; /* it is tried again as it was */
	if (worker->next_due > heard_ms && worker->next_due < until_ms)
		until_ms = worker->next_due;
	ota_round_cut(round, until_ms);
	atomic_fetch_add(&worker->figures.coalesced, ota_round_coalesce(round));
}

static void round_apply(struct ota_worker *worker)
{
	struct ota_error error = {0};
	struct ota_round *round = &worker->round;
	round_slice(worker);
	int code = round_try(worker, &error);
	worker->stuck = code != 0;
	if (code != 0) {
		worker_rollback(worker);
		round_forgive(round);
		if (worker->pause_ms >= OTA_WORKER_PLIGHT_MS)
			round_refuse_commands(worker, &error);
		worker_failed(worker, "store_failed", &error);
		return;
	}
	for (size_t i = round->begin; i < round->end; i++)
		if (round->events[i].to_set_aside)
			event_set_aside(worker, &round->events[i]);
	worker_post(worker);
	worker->uncopied = true;
	atomic_fetch_add(&worker->figures.events, round->end - round->begin);
	ota_round_done(round);
}

/* --- what is due --- */

/* Time goes on from event to event: after a stall nothing is due yet that a waiting report may still prevent. */
static struct ota_instant worker_now(const struct ota_worker *worker)
{
	return ota_round_left(&worker->round) > 0 ? ota_round_instant(&worker->round) : ota_heard_now(worker->options.heard);
}

/* A part of the round is applied, the rest waits. */
static bool round_is_begun(const struct ota_worker *worker)
{
	return worker->round.begin > 0 && ota_round_left(&worker->round) > 0;
}

static bool turn_is_due(const struct ota_worker *worker)
{
	if (ota_boot_ms() < worker->turn_after)
		return false;
	return (worker->more && !round_is_begun(worker)) || worker_now(worker).heard_ms >= worker->next_due;
}

/* Batches are worked on once a round. In a busy fleet something falls due between every two reports: a chunk of a million tasks
 * each time, and they would fall behind further and further. */
static int turn_take(struct ota_worker *worker, bool *ret_more, struct ota_error *error)
{
	struct ota_engine *engine = worker->options.engine;
	size_t rows = ota_stride_rows(&worker->stride);
	uint64_t begun_us = ota_stopwatch_now_us();
	int code = round_is_begun(worker) ? ota_engine_catch_up(engine, worker_now(worker), rows, ret_more, error)
					  : ota_engine_turn(engine, worker_now(worker), rows, ret_more, error);
	if (code == 0)
		code = worker_commit(worker, worker->applied, error);
	if (code == 0)
		ota_stride_took(&worker->stride, ota_stopwatch_now_us() - begun_us, *ret_more && !round_is_begun(worker));
	return code;
}

static int turn_try(struct ota_worker *worker, bool *ret_more, struct ota_error *error)
{
	int code = ota_store_begin(worker->options.store, error);
	if (code == 0 && worker->undone)
		code = ota_engine_rolled_back(worker->options.engine, error);
	return code == 0 ? turn_take(worker, ret_more, error) : code;
}

static void worker_turn(struct ota_worker *worker)
{
	struct ota_error error = {0};
	bool more = false;
	if (!turn_is_due(worker))
		return;
	if (turn_try(worker, &more, &error) == 0) {
		worker->more = more || (worker->more && round_is_begun(worker));
		worker->undone = false;
		worker->turn_after = 0;
		worker->uncopied = true;
		return;
	}
	worker_rollback(worker);
	worker_failed(worker, "store_failed", &error);
	worker->turn_after = ota_boot_ms() + worker->pause_ms;
}

/* The heard clock goes on while nothing else happens. */
static void worker_save(struct ota_worker *worker)
{
	struct ota_error error = {0};
	if (ota_boot_ms() - worker->saved_boot_ms < OTA_WORKER_SAVE_MS)
		return;
	int code = ota_store_begin(worker->options.store, &error);
	if (code == 0)
		code = worker_commit(worker, worker->applied, &error);
	if (code == 0)
		return;
	worker_rollback(worker);
	worker_failed(worker, "store_failed", &error);
	worker->saved_boot_ms = ota_boot_ms();
}

/* A commit is safe from a crash at once, from a power cut with the next checkpoint. */
static void worker_tend(struct ota_worker *worker)
{
	struct ota_error error = {0};
	bool idle = worker->uncopied && ota_boot_ms() - worker->saved_boot_ms >= OTA_WORKER_IDLE_MS;
	if (ota_keeper_tend(worker->options.keeper, worker->options.store, idle, &error) != 0) {
		worker_tell(worker, OTA_LOG_WARNING, "checkpoint_failed", &error);
		worker_post(worker);
	}
	if (idle)
		worker->uncopied = false;
}

/* --- the thread --- */

static int64_t worker_wait_ms(const struct ota_worker *worker)
{
	int64_t boot_ms = ota_boot_ms(),
		due_ms = worker->more ? 0 : worker->next_due - ota_heard_ms(worker->options.heard);
	int64_t wait_ms = worker->saved_boot_ms - boot_ms + (worker->uncopied ? OTA_WORKER_IDLE_MS : OTA_WORKER_SAVE_MS);
	if (worker->turn_after - boot_ms > due_ms)
		due_ms = worker->turn_after - boot_ms;
	if (due_ms < wait_ms)
		wait_ms = due_ms;
	return wait_ms > 0 ? wait_ms : 0;
}

/* Records that were in work at a crash are applied one by one. */
static size_t worker_take_limit(const struct ota_worker *worker)
{
	return worker->applied < worker->options.inwork->suspect_last ? 1 : OTA_ROUND_EVENTS;
}

static void worker_take(struct ota_worker *worker)
{
	struct ota_error error = {0};
	struct ota_item *items = NULL;
	if (!worker->round.items)
		items = ota_queue_take(worker->options.queue, worker_take_limit(worker), worker_wait_ms(worker));
	if (!items && !worker->round.items)
		return;
	worker->stuck = ota_round_load(&worker->round, items, worker->options.journal, worker->options.replayed, &error) != 0;
	if (worker->stuck)
		worker_failed(worker, "journal_failed", &error);
}

static bool worker_is_done(const struct ota_worker *worker)
{
	const struct ota_round *round = &worker->round;
	return ota_queue_is_closed(worker->options.queue) && ota_queue_depth(worker->options.queue) == 0 &&
	       ota_round_left(round) == 0 && !round->items;
}

static void worker_finish(struct ota_worker *worker)
{
	worker->saved_boot_ms -= OTA_WORKER_SAVE_MS;
	if (!worker->stuck)
		worker_save(worker);
	worker_post(worker);
}

static void *worker_run(void *context)
{
	struct ota_worker *worker = context;
	while (!worker_gives_up(worker)) {
		if (worker->stuck)
			ota_queue_pause(worker->options.queue, worker->stop_boot_ms > 0 ? OTA_WORKER_RETRY_MS : worker->pause_ms);
		if (ota_round_left(&worker->round) == 0)
			worker_take(worker);
		if (!worker->stuck)
			worker_turn(worker);
		if (ota_round_left(&worker->round) > 0)
			round_apply(worker);
		if (worker->stuck)
			continue;
		if (worker_is_done(worker))
			break;
		worker_save(worker);
		worker_tend(worker);
	}
	worker_finish(worker);
	return NULL;
}

int ota_worker_start(const struct ota_worker_options *options, struct ota_worker **ret_worker, struct ota_error *error)
{
	struct ota_worker *worker = calloc(1, sizeof(*worker));
	if (!worker)
		return ota_fail(error, OTA_ENOMEM, "no memory for the worker");
	worker->options = *options;
	worker->log = (struct ota_log){.write = line_write, .context = &worker->own_lines, .threshold = options->log_threshold};
	worker->applied = options->applied;
	worker->more = true; /* the first turn finds out what is due */
	worker->saved_boot_ms = ota_boot_ms();
	int code = ota_thread_start("ota-worker", worker_run, worker, &worker->thread, error);
	if (code != 0) {
		free(worker);
		return code;
	}
	*ret_worker = worker;
	return 0;
}

struct ota_worker *ota_worker_stop(struct ota_worker *worker, struct ota_worker_figures *ret_figures)
{
	if (!worker)
		return NULL;
	ota_queue_close(worker->options.queue);
	pthread_join(worker->thread, NULL);
	if (ret_figures)
		*ret_figures = ota_worker_figures(worker);
	if (ret_figures)
		ret_figures->commit = NULL; /* it goes with the worker */
	ota_round_free(&worker->round);
	ota_lines_clear(&worker->own_lines);
	free(worker);
	return NULL;
}

struct ota_worker_figures ota_worker_figures(const struct ota_worker *worker)
{
	return (struct ota_worker_figures){
		.events = atomic_load(&worker->figures.events),
		.commits = atomic_load(&worker->figures.commits),
		.failures = atomic_load(&worker->figures.failures),
		.coalesced = atomic_load(&worker->figures.coalesced),
		.set_aside = atomic_load(&worker->figures.set_aside),
		.commit = &worker->commit,
	};
}
