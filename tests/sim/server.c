#include "tests/sim/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "tests/sim/check.h"
#include "tests/sim/world.h"

enum {
	NODE = 1,
	TURN_ROWS = 50,
	TURNS_MAX = 400,     /* without rest: an engine that never rests is a bug */
	ROUND_EVENTS = 6,
	RETRY_MS = 250,      /* after a transaction that failed */
};

struct ota_instant server_now(const struct world *world)
{
	const struct server *server = &world->server;

	return (struct ota_instant){ world_wall_ms(world), server->heard_base_ms + world->true_ms - server->started_ms };
}

static void line_hear(void *context, enum ota_log_level level, const char *line)
{
	struct world *world = context;

	trace_line(&world->trace, "    server: %s", line);
	if (level == OTA_LOG_ERROR)
		world_blame(world, "the server complains: %s", line);
}

static void must(int code, const char *what, const struct ota_error *error)
{
	if (code)
		world_give_up(what, error->text);
}

static void parts_start(struct world *world, struct ota_instant now)
{
	struct server *server = &world->server;
	struct ota_error error = {0};

	server->log = (struct ota_log){ .write = line_hear, .context = world, .threshold = OTA_LOG_INFO };
	server->keys.count = 1;
	memset(server->keys.keys[0].id, '0', 8);
	must(ota_engine_new(&(struct ota_engine_options){ .store = server->store,
							  .outbox = &server->outbox,
							  .url_keys = &server->keys,
							  .gateway_url = "http://gw",
							  .log = &server->log,
							  .start_grace_ms = server->grace_ms,
							  .look_ms = server->look_ms },
			    now, &server->engine, &error),
	     "engine", &error);
	must(ota_control_new(&(struct ota_control_options){ .store = server->store,
							    .engine = server->engine,
							    .package_dir = server->directory,
							    .store_dir = server->directory,
							    .started_ms = now.wall_ms },
			     &server->control, &error),
	     "control", &error);
}

static void parts_end(struct server *server)
{
	server->control = ota_control_free(server->control);
	server->engine = ota_engine_free(server->engine);
	server->store = ota_store_free(server->store); /* rolls back what is open */
	ota_outbox_clear(&server->outbox);
}

static cJSON *command_handle(struct server *server, const char *command, struct ota_instant now, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes request = {0}, answer = {0};

	ota_bytes_format(&request, "{\"commands\":[{\"token\":\"%s\",%s}]}", server->token, command);
	if (ota_control_handle(server->control, (struct ota_span){ request.data, request.size }, "sim", now, &answer, error))
		return NULL;
	cJSON *tree = cJSON_Parse(answer.data);
	cJSON *response = cJSON_DetachItemFromArray(cJSON_GetObjectItem(tree, "responses"), 0);

	cJSON_Delete(tree);
	return response;
}

static void template_command(struct server *server, const char *command)
{
	struct ota_error error = {0};
	cJSON *response = command_handle(server, command, (struct ota_instant){ MODEL_WALL_MS, 1 }, &error);

	if (!cJSON_GetObjectItem(response, "data"))
		world_give_up(command, cJSON_PrintUnformatted(response));
	cJSON_Delete(response);
}

static void token_read(const char *directory, char token[64])
{
	struct ota_bytes bytes = {0};
	struct ota_error error = {0};
	char path[512];

	ota_file_join(path, sizeof(path), directory, "admin.token");
	must(ota_file_read(path, 64, &bytes, &error), "token", &error);
	snprintf(token, 64, "%.*s", (int)bytes.size - 1, bytes.data);
	ota_bytes_free(&bytes);
}

void server_make_template(const char *directory, char ret_token[64])
{
	struct world *world = calloc(1, sizeof(*world));
	struct server *server = &world->server;
	struct ota_error error = {0};
	const struct ota_instant now = { MODEL_WALL_MS, 1 };

	snprintf(server->directory, sizeof(server->directory), "%s", directory);
	must(ota_store_open(directory, &server->store, &error), "store", &error);
	parts_start(world, now);
	must(ota_store_begin(server->store, &error), "begin", &error);
	must(ota_control_bootstrap(server->control, directory, now, &error), "bootstrap", &error);
	token_read(directory, server->token);
	template_command(server, "\"command\":\"createProduct\",\"productKey\":\"PK\"");
	must(ota_store_commit(server->store, &error), "commit", &error);
	memcpy(ret_token, server->token, 64);
	parts_end(server);
	free(world);
}

static void file_drop(const char *path, const char *tail)
{
	char name[600];

	snprintf(name, sizeof(name), "%s%s", path, tail);
	unlink(name);
}

void server_open(struct world *world)
{
	static const unsigned deaths[] = { 0, 0, 4, 15 }, failures[] = { 0, 0, 10, 40 };
	static const int64_t graces[] = { 1, 1000, 60000 }, looks[] = { 1000, 5000, 15000 };
	struct server *server = &world->server;
	char from[512], to[512];
	struct ota_bytes bytes = {0};
	struct ota_error error = {0};

	snprintf(server->directory, sizeof(server->directory), "%s/run", world->directory);
	snprintf(from, sizeof(from), "%s/template/" OTA_STORE_FILE, world->directory);
	snprintf(to, sizeof(to), "%s/" OTA_STORE_FILE, server->directory);
	file_drop(to, "-wal"); /* of the run before */
	file_drop(to, "-shm");
	must(ota_file_read(from, 64 << 20, &bytes, &error), "template", &error);
	must(ota_file_replace(to, (struct ota_span){ bytes.data, bytes.size }, 0600, &error), "store", &error);
	ota_bytes_free(&bytes);
	server->deaths = deaths[luck_below(&world->luck, 4)];
	server->failures = failures[luck_below(&world->luck, 4)];
	server->grace_ms = graces[luck_below(&world->luck, 3)];
	server->look_ms = looks[luck_below(&world->luck, 3)];
	server_start(world);
}

void server_start(struct world *world)
{
	struct server *server = &world->server;
	struct ota_error error = {0};
	uint64_t applied;
	int64_t heard_ms;

	must(ota_store_open(server->directory, &server->store, &error), "store", &error);
	must(ota_store_load_node(server->store, NODE, &applied, &heard_ms, &error), "node", &error);
	server->heard_base_ms = heard_ms > server->journal_heard_ms ? heard_ms : server->journal_heard_ms;
	server->started_ms = world->true_ms;
	server->up = true;
	server->more = true;
	server->undone = server->begun = false;
	server->next_due = 0;
	server->paused_until_ms = 0;
	parts_start(world, server_now(world));
	trace_line(&world->trace, "server starts, heard %lld, %zu reports to replay", (long long)server->heard_base_ms,
		   server->count);
	if (applied != server->applied)
		world_blame(world, "the store knows %llu reports as applied, %llu were committed", (unsigned long long)applied,
			    (unsigned long long)server->applied);
}

static void item_free(struct item *item)
{
	free(item->text);
	cJSON_Delete(item->answer);
}

void server_close(struct world *world)
{
	struct server *server = &world->server;

	parts_end(server);
	for (size_t i = 0; i < server->count; i++)
		item_free(&server->items[i]);
	free(server->items);
}

void server_die(struct world *world, const char *where)
{
	static const int64_t aways[] = { 200, 3000, 60000, 20 * 60000, 26 * 3600000 };
	struct server *server = &world->server;
	size_t kept = 0;
	int64_t away_ms = luck_between(&world->luck, 100, aways[luck_below(&world->luck, 5)]);

	if (!server->up)
		return;
	trace_line(&world->trace, "server dies %s, for %lld ms", where, (long long)away_ms);
	parts_end(server);
	server->up = false;
	server->started_ms = world->true_ms + away_ms;
	server->died++;
	for (size_t i = 0; i < server->count; i++) {
		struct item *item = &server->items[i];

		if (item->sequence <= server->applied) {
			item_free(item);
			continue;
		}
		item->replayed = true;
		server->items[kept++] = *item;
	}
	server->count = kept;
	for (int i = 0; i < world->device_count; i++)
		device_cut(world, &world->devices[i]);
	world->operator.away_until_ms = server->started_ms;
	model_server_died(&world->model);
	network_add(&world->network, (struct happening){ .kind = HAPPENS_START, .at_ms = server->started_ms });
}

/* True when it died here. */
static bool death_comes(struct world *world, const char *where)
{
	if (world->is_calm || !luck_permille(&world->luck, world->server.deaths))
		return false;
	server_die(world, where);
	return true;
}

void server_hear(struct world *world, struct item item)
{
	struct server *server = &world->server;

	item.at = server_now(world);
	if (item.kind == ITEM_REPORT) {
		item.sequence = ++server->sequence;
		server->journal_heard_ms = item.at.heard_ms;
		model_hear(world, &item);
	}
	if (server->count == server->capacity) {
		server->capacity = server->capacity ? 2 * server->capacity : 32;
		server->items = world_grow(server->items, server->capacity * sizeof(item));
	}
	server->items[server->count++] = item;
}

static int report_apply(struct world *world, const struct item *item, struct ota_error *error)
{
	static const enum ota_fleet_event_kind kinds[] = {
		[ITEM_REPORT] = OTA_FLEET_MESSAGE,
		[ITEM_PULL] = OTA_FLEET_MESSAGE,
		[ITEM_CONNECTED] = OTA_FLEET_CONNECTED,
		[ITEM_GONE] = OTA_FLEET_GONE,
	};
	struct ota_fleet_event event = {
		.kind = kinds[item->kind],
		.identity = { .product_key = "PK" },
		.connection = item->connection,
		.topic = item->topic,
		.payload = ota_span_from_text(item->text),
		.at = item->at,
		.replayed = item->replayed,
	};

	snprintf(event.identity.device_name, sizeof(event.identity.device_name), "d%d", item->device);
	int code = ota_engine_apply(world->server.engine, &event, error);
	return code == OTA_EINVALID ? 0 : code;
}

static int order_apply(struct world *world, struct item *item, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes command = {0};

	order_print(&item->order, item->at.wall_ms, &command);
	cJSON_Delete(item->answer);
	item->answer = command_handle(&world->server, command.data, item->at, error);
	if (!item->answer)
		return error->code ? error->code : OTA_EIO;
	const cJSON *said = cJSON_GetObjectItem(cJSON_GetObjectItem(item->answer, "error"), "message");
	trace_line(&world->trace, "    %s: %s", order_word(item->order.kind), said ? said->valuestring : "done");
	return 0;
}

static int item_apply(struct world *world, struct item *item, struct ota_error *error)
{
	struct ota_store *store = world->server.store;

	if (item->kind == ITEM_ORDER)
		return order_apply(world, item, error);
	int code = ota_store_savepoint(store, error);
	if (!code)
		code = report_apply(world, item, error);
	return code ? code : ota_store_release(store, error);
}

static void work_undo(struct world *world, const char *what)
{
	struct server *server = &world->server;

	trace_line(&world->trace, "    %s: rolled back", what);
	ota_store_rollback(server->store);
	ota_outbox_clear(&server->outbox);
	server->undone = server->more = true;
	server->paused_until_ms = world->true_ms + RETRY_MS;
}

static void outbox_post(struct world *world)
{
	struct server *server = &world->server;

	for (size_t i = 0; i < server->outbox.count; i++) {
		const struct ota_outgoing *item = &server->outbox.items[i];

		if (item->kind == OTA_OUTGOING_MESSAGE && item->connection != OTA_EVERYBODY)
			device_post(world, item);
		else if (item->kind == OTA_OUTGOING_SHUT_OUT)
			device_shut_out(world, item->payload);
	}
	ota_outbox_clear(&server->outbox);
}

/* Commits and looks at what came of it; the messages leave last. False: it was not committed, or the server died. */
static bool work_commit(struct world *world, struct work *work, uint64_t applied)
{
	struct server *server = &world->server;
	struct ota_error error = {0};

	if (death_comes(world, "before a commit"))
		return false;
	if (!world->is_calm && luck_permille(&world->luck, server->failures)) {
		work_undo(world, "the commit failed");
		return false;
	}
	must(ota_engine_next_due(server->engine, &server->next_due, &error), "next due", &error);
	must(ota_store_save_node(server->store, NODE, applied, server_now(world).heard_ms, &error), "node", &error);
	must(ota_store_commit(server->store, &error), "commit", &error);
	server->applied = applied;
	work->outbox = &server->outbox;
	check_commit(world, work);
	if (death_comes(world, "after a commit, before it sent"))
		return false;
	outbox_post(world);
	return true;
}

/* A part of what waits is applied. */
static bool round_is_begun(const struct server *server)
{
	return server->begun && server->count;
}

static struct ota_instant work_now(const struct world *world)
{
	return world->server.count ? world->server.items[0].at : server_now(world);
}

static void turn_run(struct world *world)
{
	struct server *server = &world->server;
	struct ota_instant now = work_now(world);
	struct work work = { .first = now, .last = now };
	struct ota_error error = {0};
	int code = ota_store_begin(server->store, &error);

	if (!code && server->undone)
		code = ota_engine_rolled_back(server->engine, &error);
	bool begun = round_is_begun(server);
	if (!code)
		code = begun ? ota_engine_catch_up(server->engine, now, TURN_ROWS, &work.more, &error)
			     : ota_engine_turn(server->engine, now, TURN_ROWS, &work.more, &error);
	if (code) {
		world_blame(world, "a turn failed: %s", error.text);
		return;
	}
	bool more = work.more || (server->more && begun);
	work.more |= begun; /* it was no whole turn */
	if (!work_commit(world, &work, server->applied))
		return;
	server->more = more;
	server->undone = false;
}

/* Reports up to what is due next; an order alone, so that the checks know what was before it and what after. */
static size_t round_cut(const struct world *world, size_t wanted)
{
	const struct server *server = &world->server;
	size_t end = 0;

	while (end < server->count && end < wanted) {
		const struct item *item = &server->items[end];

		if (end && (item->kind == ITEM_ORDER || item->at.heard_ms >= server->next_due))
			break;
		end++;
		if (item->kind == ITEM_ORDER)
			break;
	}
	return end;
}

static void round_done(struct server *server, size_t count)
{
	for (size_t i = 0; i < count; i++)
		item_free(&server->items[i]);
	server->count -= count;
	memmove(server->items, server->items + count, server->count * sizeof(*server->items));
}

/* Over those of a transaction that was rolled back before. False: died. */
static bool round_apply(struct world *world, size_t count, uint64_t *ret_applied)
{
	struct server *server = &world->server;
	struct ota_error error = {0};

	for (size_t i = 0; i < count; i++) {
		struct item *item = &server->items[i];

		if (item_apply(world, item, &error)) {
			world_blame(world, "an event failed: %s", error.text);
			return false;
		}
		if (item->sequence)
			*ret_applied = item->sequence;
		if (death_comes(world, "between two events"))
			return false;
	}
	return true;
}

static void round_run(struct world *world)
{
	struct server *server = &world->server;
	size_t wanted = luck_percent(&world->luck, 70) ? 1 : 1 + luck_below(&world->luck, ROUND_EVENTS);
	size_t count = round_cut(world, wanted);
	struct work work = { .items = server->items, .count = count };
	uint64_t applied = server->applied;
	struct ota_error error = {0};

	work.first = server->items[0].at;
	work.last = server->items[count - 1].at;
	must(ota_store_begin(server->store, &error), "begin", &error);
	if (round_apply(world, count, &applied) && work_commit(world, &work, applied))
		round_done(server, count);
	server->begun = server->count > 0;
}

static bool turn_is_due(const struct world *world)
{
	return (world->server.more && !round_is_begun(&world->server)) || work_now(world).heard_ms >= world->server.next_due;
}

void server_work(struct world *world)
{
	struct server *server = &world->server;

	for (int i = 0; server->up && !*world->violation; i++) {
		if (world->true_ms < server->paused_until_ms)
			return;
		if (i == TURNS_MAX) {
			world_blame(world, "the engine never rests");
			return;
		}
		if (turn_is_due(world)) {
			turn_run(world);
			if (!server->up || world->true_ms < server->paused_until_ms)
				return;
		}
		if (server->count)
			round_run(world);
		else if (!turn_is_due(world))
			return;
	}
}

int64_t server_next_ms(const struct world *world)
{
	const struct server *server = &world->server;
	int64_t due_ms = server->started_ms + server->next_due - server->heard_base_ms;

	if (!server->up)
		return INT64_MAX;
	due_ms = server->more ? world->true_ms : due_ms;
	return due_ms > server->paused_until_ms ? due_ms : server->paused_until_ms;
}
