/*
 * Worker: the thread that applies what the broker's thread queued. One transaction for everything that waits (that is the group
 * commit), a savepoint for each event, then the outbox goes to the broker's thread and the journal may forget. Between events it
 * lets the engine do what is due, in the order of heard time: what waited through a stall of the store is applied as if there had
 * been none, and no timer overtakes a report that was heard before it ran out.
 *
 * When the store fails, the round is rolled back, nothing is sent, and the same round is tried again after a pause: nothing is
 * lost, devices wait. An event that fails by itself, in a way that no retry mends while the rest of its round can be committed,
 * is rolled back to its savepoint, set aside beside the journal and told of.
 *
 * From start to stop the store, the engine and the control belong to the worker's thread.
 */
#ifndef OTA_PLUGIN_BROKER_WORKER_H
#define OTA_PLUGIN_BROKER_WORKER_H

#include "plugin/broker/heard.h"
#include "plugin/broker/inwork.h"
#include "plugin/broker/journal.h"
#include "plugin/broker/mailbox.h"
#include "plugin/broker/plight.h"
#include "plugin/broker/queue.h"
#include "plugin/control/control.h"
#include "plugin/fleet/engine.h"
#include "plugin/store/keeper.h"

enum {
	OTA_WORKER_SPAN_MS = 500,         /* what was heard within so long is applied together; settling takes 2 s */
	OTA_WORKER_SAVE_MS = 5000,        /* the heard clock is saved at least that often */
	OTA_WORKER_IDLE_MS = 1000,        /* quiet for so long: the store's log is copied */
	OTA_WORKER_EVENT_TRIES = 6,       /* an event that failed so often is left out, to see whether the rest works */
	OTA_WORKER_RETRY_MS = 100,        /* first pause after the store failed, doubling ... */
	OTA_WORKER_RETRY_MAX_MS = 5000,   /* ... up to this */
	OTA_WORKER_PLIGHT_MS = 800,       /* a pause of this length follows more than a second of failures */
	OTA_WORKER_STOP_MS = 5000,        /* at the stop: how long what is queued may still take */
	OTA_WORKER_ANSWER_EXPIRY_S = 60,  /* of an answer to a command */
};

struct ota_worker_options {
	struct ota_store *store;   /* all borrowed */
	struct ota_keeper *keeper; /* NULL = the worker copies the store's log itself */
	struct ota_engine *engine;
	struct ota_control *control;
	struct ota_outbox *outbox; /* the one the engine fills */
	struct ota_lines *lines;   /* the ones the log of engine and control fills: they are held back until the commit */
	struct ota_queue *queue;
	struct ota_mailbox *mailbox;
	struct ota_journal *journal;
	struct ota_inwork *inwork;
	struct ota_plight *plight; /* told when the store failed for OTA_WORKER_PLIGHT_MS; NULL = nobody asks */
	struct ota_heard *heard;
	const char *journal_dir;
	enum ota_log_level log_threshold;
	uint64_t applied;  /* as the store said at start */
	uint64_t replayed; /* the last record that an earlier run appended */
};

/* What it did, for the log at the stop, getServer and the tests; any thread. */
struct ota_worker_figures {
	uint64_t events, commits, failures, coalesced, set_aside;
	const struct ota_stopwatch *commit; /* of transactions; NULL once it has stopped */
};

struct ota_worker;

/* Starts the thread, with every signal blocked in it. */
int ota_worker_start(const struct ota_worker_options *options, struct ota_worker **ret_worker, struct ota_error *error);
/* Closes the queue, lets the worker apply what is in it for at most OTA_WORKER_STOP_MS (what stands in the journal is not lost
 * after that), and joins it. ret_figures may be NULL. Returns NULL. */
struct ota_worker *ota_worker_stop(struct ota_worker *worker, struct ota_worker_figures *ret_figures);

struct ota_worker_figures ota_worker_figures(const struct ota_worker *worker);

#endif
