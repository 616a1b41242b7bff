/*
 * Server: the real store, engine and control under one made-up worker. It does what plugin/broker/worker.c does with them: takes
 * what waits in slices up to what is due next, one transaction each, a savepoint an event; saves node and heard clock with it;
 * sends only after the commit. Acknowledged reports stand in a journal that survives the process; all else is memory.
 *
 * It dies between any two of these steps as often as the seed says, and now and then a transaction fails at its commit.
 */
#ifndef OTA_TESTS_SIM_SERVER_H
#define OTA_TESTS_SIM_SERVER_H

#include <cjson/cJSON.h>

#include "common/topic.h"
#include "plugin/control/control.h"
#include "plugin/fleet/engine.h"
#include "tests/sim/luck.h"
#include "tests/sim/order.h"

struct world;

enum item_kind { ITEM_REPORT, ITEM_PULL, ITEM_CONNECTED, ITEM_GONE, ITEM_ORDER };

/* One that waits for the worker. */
struct item {
	enum item_kind kind;
	int device;
	uint64_t connection;
	enum ota_topic_kind topic;
	char *text;
	struct order order;
	cJSON *answer;     /* of an order, once it was handled: the object under "responses" */
	uint64_t sequence; /* in the journal, 0 = not journaled */
	bool replayed;
	struct ota_instant at;
};

/* What one transaction was, for the checks. */
struct work {
	struct item *items; /* NULL: a turn */
	size_t count;
	bool more; /* of a turn: it did not come to its end */
	struct ota_instant first, last;
	const struct ota_outbox *outbox;
};

struct server {
	char directory[256];
	char token[64];
	struct ota_store *store;
	struct ota_engine *engine;
	struct ota_control *control;
	struct ota_outbox outbox;
	struct ota_url_keys keys;
	struct ota_log log;
	bool up;
	int64_t heard_base_ms, started_ms; /* the second in true time: when it came up, or will */
	int64_t saved_heard_ms;            /* of the last commit */
	int64_t journal_heard_ms;          /* of the last record */
	int64_t grace_ms, look_ms;
	struct item *items;
	size_t count, capacity;
	uint64_t sequence, applied, connections;
	bool more, undone, begun;
	int64_t next_due, paused_until_ms;
	unsigned deaths, failures; /* per mille, at each place where one may come */
	int died;
};

/* Makes a store with its product and packages, to be copied by every run. */
void server_make_template(const char *directory, char ret_token[64]);

void server_open(struct world *world);
void server_close(struct world *world);
void server_start(struct world *world);
struct ota_instant server_now(const struct world *world);
/* Takes over the text. Reports are acknowledged with it. */
void server_hear(struct world *world, struct item item);
/* Works on until nothing is due and nothing waits, or until it dies. */
void server_work(struct world *world);
/* When it works next by itself, in true time; INT64_MAX: never. */
int64_t server_next_ms(const struct world *world);
void server_die(struct world *world, const char *where);

#endif
