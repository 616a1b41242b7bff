#include "tests/unit/plugin/broker/fakes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/control/control.h"
#include "plugin/fleet/engine.h"
#include "plugin/store/keeper.h"
#include "plugin/store/restore.h"

struct ledger {
	size_t count;
	char events[FAKES_EVENTS_MAX][FAKES_EVENT_SIZE];
	uint64_t applied;
	int64_t heard_ms;
};

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct ledger committed, open, saved;
	bool in_transaction, in_savepoint;
	size_t commits, checkpoints, undone;
	char note[1024];
	struct {
		int code;
		unsigned times;
	} failures[FAKES_CALLS];
	char fail_words[64], hold_words[64];
	int fail_code;
	unsigned fail_times;
	bool held;
	int64_t due_at;
	unsigned chunks;
	struct ota_identity disabled;
	struct ota_outbox *outbox;
	const struct ota_log *log;
	int (*noted)(void *context, const struct ota_event *event);
	void *noted_context;
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .due_at = INT64_MAX};

static void lock(void)
{
	pthread_mutex_lock(&state.mutex);
}

static void unlock(void)
{
	pthread_cond_broadcast(&state.changed);
	pthread_mutex_unlock(&state.mutex);
}

void fakes_reset(void)
{
	lock();
	memset(&state.committed, 0, sizeof(state.committed));
	memset(state.failures, 0, sizeof(state.failures));
	state.commits = state.checkpoints = state.undone = 0;
	state.fail_words[0] = state.hold_words[0] = '\0';
	state.held = state.in_transaction = state.in_savepoint = false;
	state.due_at = INT64_MAX;
	state.disabled = (struct ota_identity){"", ""};
	unlock();
}

void fakes_disable(const char *product_key, const char *device_name)
{
	ota_identity_make(ota_span_from_text(product_key), ota_span_from_text(device_name), &state.disabled);
}

static bool wait_until(bool (*reached)(size_t), size_t count)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	lock();
	int code = 0;
	while (code == 0 && !reached(count))
		code = pthread_cond_timedwait(&state.changed, &state.mutex, &until);
	bool done = reached(count);
	unlock();
	return done;
}

static bool events_reached(size_t count)
{
	return state.committed.count >= count;
}

static bool commits_reached(size_t count)
{
	return state.commits >= count;
}

static bool undone_reached(size_t count)
{
	return state.undone >= count;
}

static bool held_reached(size_t count)
{
	(void)count;
	return state.held;
}

bool fakes_wait_events(size_t count)
{
	return wait_until(events_reached, count);
}

bool fakes_wait_commits(size_t count)
{
	return wait_until(commits_reached, count);
}

bool fakes_wait_undone(size_t count)
{
	return wait_until(undone_reached, count);
}

bool fakes_wait_held(void)
{
	return wait_until(held_reached, 0);
}

#define READ(type, name, expression) \
	type name(void)              \
	{                            \
		lock();              \
		type value = expression; \
		unlock();            \
		return value;        \
	}
READ(size_t, fakes_events, state.committed.count)
READ(uint64_t, fakes_applied, state.committed.applied)
READ(int64_t, fakes_heard_ms, state.committed.heard_ms)
READ(size_t, fakes_commits, state.commits)
READ(size_t, fakes_checkpoints, state.checkpoints)

const char *fakes_note(void)
{
	static char note[sizeof(state.note)];
	lock();
	memcpy(note, state.note, sizeof(note));
	unlock();
	return note;
}

const char *fakes_event(size_t index)
{
	return index < fakes_events() ? state.committed.events[index] : "";
}

void fakes_fail(enum fakes_call call, int code, unsigned times)
{
	lock();
	state.failures[call].code = code;
	state.failures[call].times = times;
	unlock();
}

void fakes_fail_on(const char *words, int code, unsigned times)
{
	lock();
	snprintf(state.fail_words, sizeof(state.fail_words), "%s", words);
	state.fail_code = code;
	state.fail_times = times == 0 ? UINT32_MAX : times;
	unlock();
}

void fakes_hold_on(const char *words)
{
	lock();
	snprintf(state.hold_words, sizeof(state.hold_words), "%s", words);
	unlock();
}

void fakes_go_on(void)
{
	lock();
	state.hold_words[0] = '\0';
	unlock();
}

void fakes_work(unsigned chunks)
{
	lock();
	state.chunks = chunks;
	unlock();
}

void fakes_due_at(int64_t heard_ms)
{
	lock();
	state.due_at = heard_ms;
	unlock();
}

/* Under the lock. */
static int failure_take(enum fakes_call call, struct ota_error *error)
{
	if (state.failures[call].times == 0)
		return 0;
	state.failures[call].times--;
	return ota_fail(error, state.failures[call].code, "a failure that was asked for");
}

static void note(const char *event)
{
	if (state.open.count < FAKES_EVENTS_MAX)
		snprintf(state.open.events[state.open.count++], FAKES_EVENT_SIZE, "%s", event);
}

/* --- the store --- */

static int opened;

int ota_store_open(const char *directory, struct ota_store **ret_store, struct ota_error *error)
{
	(void)directory, (void)error;
	*ret_store = (struct ota_store *)&opened;
	return 0;
}

struct ota_store *ota_store_free(struct ota_store *store)
{
	(void)store;
	return NULL;
}

int ota_store_set_cache(struct ota_store *store, uint64_t bytes, struct ota_error *error)
{
	(void)store, (void)bytes, (void)error;
	return 0;
}

const char *ota_store_uuid(const struct ota_store *store)
{
	(void)store;
	return "01234567-89ab-cdef-0123-456789abcdef";
}

int ota_store_begin(struct ota_store *store, struct ota_error *error)
{
	(void)store;
	lock();
	int code = state.in_transaction ? ota_fail(error, OTA_ECONFLICT, "a transaction is open")
					: failure_take(FAKES_BEGIN, error);
	if (code == 0) {
		state.open = state.committed;
		state.in_transaction = true;
	}
	unlock();
	return code;
}

int ota_store_commit(struct ota_store *store, struct ota_error *error)
{
	(void)store;
	lock();
	int code = failure_take(FAKES_COMMIT, error);
	if (code == 0) {
		state.committed = state.open;
		state.commits++;
	}
	state.in_transaction = state.in_savepoint = false;
	unlock();
	return code;
}

void ota_store_rollback(struct ota_store *store)
{
	(void)store;
	lock();
	state.in_transaction = state.in_savepoint = false;
	unlock();
}

int ota_store_savepoint(struct ota_store *store, struct ota_error *error)
{
	(void)store;
	lock();
	int code = state.in_transaction && !state.in_savepoint ? 0 : ota_fail(error, OTA_ECONFLICT, "no place for a savepoint");
	state.saved = state.open;
	state.in_savepoint = true;
	unlock();
	return code;
}

int ota_store_release(struct ota_store *store, struct ota_error *error)
{
	(void)store;
	lock();
	int code = state.in_savepoint ? 0 : ota_fail(error, OTA_ECONFLICT, "no savepoint");
	state.in_savepoint = false;
	unlock();
	return code;
}

void ota_store_rollback_to(struct ota_store *store)
{
	(void)store;
	lock();
	state.open = state.saved;
	state.in_savepoint = false;
	unlock();
}

int ota_keeper_start(const struct ota_keeper_options *options, struct ota_keeper **ret_keeper, struct ota_error *error)
{
	(void)options, (void)error;
	*ret_keeper = NULL;
	return 0;
}

const char *ota_store_advice(int code)
{
	return code ? "do something" : "";
}

int ota_engine_note(struct ota_engine *engine, struct ota_event *event, struct ota_error *error)
{
	(void)engine, (void)error;
	lock();
	snprintf(state.note, sizeof(state.note), "%s: %s", event->event, event->detail);
	unlock();
	return 0;
}

int ota_restore_finish(struct ota_store *store, const struct ota_restore_options *options, bool *ret_restored,
		       struct ota_error *error)
{
	(void)store, (void)options, (void)error;
	*ret_restored = false;
	return 0;
}

int ota_restore_explains_gap(struct ota_store *store, bool *ret_explains, struct ota_error *error)
{
	(void)store, (void)error;
	*ret_explains = false;
	return 0;
}

int ota_restore_forget_gap(struct ota_store *store, struct ota_error *error)
{
	(void)store, (void)error;
	return 0;
}

struct ota_keeper *ota_keeper_stop(struct ota_keeper *keeper)
{
	return keeper;
}

int ota_keeper_tend(struct ota_keeper *keeper, struct ota_store *store, bool idle, struct ota_error *error)
{
	(void)keeper, (void)store, (void)error;
	lock();
	state.checkpoints += idle;
	unlock();
	return 0;
}

int ota_store_load_node(struct ota_store *store, int64_t node, uint64_t *ret_applied, int64_t *ret_heard_ms,
			struct ota_error *error)
{
	(void)store, (void)node, (void)error;
	*ret_applied = fakes_applied();
	*ret_heard_ms = fakes_heard_ms();
	return 0;
}

int ota_store_save_node(struct ota_store *store, int64_t node, uint64_t applied, int64_t heard_ms, struct ota_error *error)
{
	(void)store, (void)node, (void)error;
	lock();
	state.open.applied = applied;
	state.open.heard_ms = heard_ms;
	unlock();
	return 0;
}

void ota_answer_event(struct ota_bytes *out, const struct ota_event *event)
{
	ota_bytes_format(out, "{\"id\":%lld}", (long long)event->id);
}

/* --- the engine --- */

int ota_engine_new(const struct ota_engine_options *options, struct ota_instant now, struct ota_engine **ret_engine,
		   struct ota_error *error)
{
	(void)now, (void)error;
	state.outbox = options->outbox;
	state.log = options->log;
	state.noted = options->noted;
	state.noted_context = options->noted_context;
	*ret_engine = (struct ota_engine *)&opened;
	return 0;
}

struct ota_engine *ota_engine_free(struct ota_engine *engine)
{
	(void)engine;
	return NULL;
}

static bool payload_has(const struct ota_fleet_event *event, const char *words)
{
	return words[0] != '\0' && event->payload.size > 0 &&
	       memmem(event->payload.data, event->payload.size, words, strlen(words));
}

/* Under the lock. A refused message is one whose payload says "refuse". */
static int event_judge(const struct ota_fleet_event *event, struct ota_error *error)
{
	while (payload_has(event, state.hold_words)) {
		state.held = true;
		pthread_cond_broadcast(&state.changed);
		pthread_cond_wait(&state.changed, &state.mutex);
	}
	if (payload_has(event, state.fail_words) && state.fail_times > 0) {
		state.fail_times--;
		return ota_fail(error, state.fail_code, "this event fails");
	}
	return payload_has(event, "refuse") ? ota_fail(error, OTA_EINVALID, "refused") : 0;
}

static void event_note(const struct ota_fleet_event *event)
{
	static const char *const words[OTA_TOPIC_KINDS] = {[OTA_TOPIC_INFORM] = "inform",
							   [OTA_TOPIC_PROGRESS] = "progress",
							   [OTA_TOPIC_REQUEST] = "pull",
							   [OTA_TOPIC_FIRMWARE_GET] = "get"};
	char text[FAKES_EVENT_SIZE];
	if (event->kind == OTA_FLEET_MESSAGE)
		snprintf(text, sizeof(text), "%s %s %.*s r=%d", words[event->topic], event->identity.device_name,
			 (int)event->payload.size, event->payload.data ? event->payload.data : "", event->replayed);
	else
		snprintf(text, sizeof(text), "%s %s %llu", event->kind == OTA_FLEET_GONE ? "gone" : "connected",
			 event->identity.device_name, (unsigned long long)event->connection);
	note(text);
}

/* An inform is answered by a push to its connection, even one that fails then; every event logs a line; one that says "tell"
 * writes a row of the log. */
int ota_engine_apply(struct ota_engine *engine, const struct ota_fleet_event *event, struct ota_error *error)
{
	(void)engine;
	lock();
	event_note(event);
	int code = event_judge(event, error);
	unlock();
	if (code != OTA_EINVALID && event->kind == OTA_FLEET_MESSAGE && event->topic != OTA_TOPIC_PROGRESS)
		ota_outbox_add(state.outbox, event->connection, "/ota/device/upgrade/pk/dn", ota_span_from_text("push"), 60);
	if (state.noted && payload_has(event, "tell"))
		state.noted(state.noted_context, &(struct ota_event){.id = 7});
	if (state.log) {
		struct ota_log_line line;
		ota_log_begin(&line, OTA_LOG_INFO, "fake_applied");
		ota_log_end(state.log, &line);
	}
	return code;
}

/* Locked. */
static int due_do(struct ota_instant now, struct ota_error *error)
{
	int code = failure_take(FAKES_TURN, error);
	if (code == 0 && now.heard_ms >= state.due_at) {
		note("turn");
		state.due_at = INT64_MAX;
	}
	return code;
}

int ota_engine_turn(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error)
{
	(void)engine, (void)budget;
	lock();
	int code = due_do(now, error);
	if (code == 0 && state.chunks > 0) {
		note("chunk");
		state.chunks--;
	}
	*ret_more = state.chunks > 0;
	unlock();
	return code;
}

int ota_engine_catch_up(struct ota_engine *engine, struct ota_instant now, size_t budget, bool *ret_more, struct ota_error *error)
{
	(void)engine, (void)budget;
	lock();
	int code = due_do(now, error);
	*ret_more = state.chunks > 0;
	unlock();
	return code;
}

int ota_engine_next_due(struct ota_engine *engine, int64_t *ret_heard_ms, struct ota_error *error)
{
	(void)engine, (void)error;
	lock();
	*ret_heard_ms = state.due_at;
	unlock();
	return 0;
}

int ota_engine_rolled_back(struct ota_engine *engine, struct ota_error *error)
{
	(void)engine, (void)error;
	lock();
	state.undone++;
	unlock();
	return 0;
}

int64_t ota_engine_online(const struct ota_engine *engine)
{
	(void)engine;
	return 0;
}

int ota_device_list_disabled(struct ota_store *store, const struct ota_identity *after, struct ota_device *rows, size_t capacity,
			     size_t *ret_count, struct ota_error *error)
{
	(void)store, (void)after, (void)capacity, (void)error;
	*ret_count = state.disabled.device_name[0] != '\0';
	rows[0] = (struct ota_device){.identity = state.disabled};
	return 0;
}

/* --- the control --- */

int ota_control_new(const struct ota_control_options *options, struct ota_control **ret_control, struct ota_error *error)
{
	(void)options, (void)error;
	*ret_control = (struct ota_control *)&opened;
	return 0;
}

struct ota_control *ota_control_free(struct ota_control *control)
{
	(void)control;
	return NULL;
}

int ota_control_bootstrap(struct ota_control *control, const char *directory, struct ota_instant now, struct ota_error *error)
{
	(void)control, (void)directory, (void)now, (void)error;
	return 0;
}

/* "disable one&pk", "enable one&pk" */
static void order_take(struct ota_span payload)
{
	struct ota_identity identity;
	bool enables = payload.size > 0 && payload.data[0] == 'e';
	size_t skip = enables ? strlen("enable ") : strlen("disable ");
	if (payload.size > skip && ota_identity_parse((struct ota_span){payload.data + skip, payload.size - skip}, &identity))
		ota_outbox_add_order(state.outbox, enables ? OTA_OUTGOING_LET_IN : OTA_OUTGOING_SHUT_OUT, &identity);
}

int ota_control_handle(struct ota_control *control, struct ota_span payload, const char *caller, struct ota_instant now,
		       struct ota_bytes *out, struct ota_error *error)
{
	(void)control, (void)now;
	char text[FAKES_EVENT_SIZE];
	snprintf(text, sizeof(text), "command %.*s by %s", (int)payload.size, payload.data, caller);
	lock();
	note(text);
	int code = failure_take(FAKES_CONTROL, error);
	unlock();
	order_take(payload);
	if (code == 0)
		ota_bytes_format(out, "answer to %.*s", (int)payload.size, payload.data);
	return code;
}
