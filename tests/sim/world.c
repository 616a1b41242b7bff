#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/time.h"
#include "tests/sim/check.h"

enum {
	DRAIN_MS = 5 * OTA_HOUR_MS, /* longer than any timer of a plan, and than a clock is doubted */
	DRAIN_STEP_MS = OTA_MINUTE_MS, /* the server is slow then */
};

void world_give_up(const char *what, const char *why)
{
	fprintf(stderr, "sim: %s: %s\n", what, why);
	exit(2);
}

void *world_grow(void *old, size_t bytes)
{
	void *grown = realloc(old, bytes);

	if (!grown)
		world_give_up("memory", "none is left");
	return grown;
}

char *world_copy(const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		world_give_up("memory", "none is left");
	return copy;
}

int64_t world_wall_ms(const struct world *world)
{
	return world->true_ms + world->wall_ahead;
}

void world_blame(struct world *world, const char *format, ...)
{
	va_list arguments;

	if (*world->violation)
		return;
	va_start(arguments, format);
	vsnprintf(world->violation, sizeof(world->violation), format, arguments);
	va_end(arguments);
	trace_line(&world->trace, "VIOLATION: %s", world->violation);
}

/* QoS 1: a device that is offline says it again when it is back, mostly. */
static void report_arrive(struct world *world, struct happening *message)
{
	struct device *device = &world->devices[message->device];
	bool pulls = message->topic == OTA_TOPIC_REQUEST || message->topic == OTA_TOPIC_FIRMWARE_GET;

	if (!device->connection || !world->server.up) {
		message->at_ms = world->true_ms + luck_between(&world->luck, 1000, 60000);
		if (!pulls && !device->is_gone && luck_percent(&world->luck, 80) && !world->draining)
			network_add(&world->network, *message);
		else
			free(message->text);
		return;
	}
	trace_line(&world->trace, "d%d is heard: %s", device->number, message->text);
	server_hear(world, (struct item){ .kind = pulls ? ITEM_PULL : ITEM_REPORT,
					  .device = message->device,
					  .connection = device->connection,
					  .topic = (enum ota_topic_kind)message->topic,
					  .text = message->text });
}

static void clock_step(struct world *world)
{
	static const int64_t most[] = { 3 * OTA_SECOND_MS, OTA_MINUTE_MS, OTA_DAY_MS };
	int64_t bound = most[luck_below(&world->luck, 3)], by_ms = luck_between(&world->luck, -bound, bound);

	world->wall_ahead += by_ms;
	trace_line(&world->trace, "the wall clock steps by %lld ms", (long long)by_ms);
}

static void happen(struct world *world, struct happening *happening)
{
	struct device *device = &world->devices[happening->device];

	switch (happening->kind) {
	case HAPPENS_TO_SERVER:
		report_arrive(world, happening);
		return;
	case HAPPENS_TO_DEVICE:
		device_hear(world, device, happening);
		break;
	case HAPPENS_DEVICE:
		if (device->plan == happening->number)
			device_act(world, device);
		break;
	case HAPPENS_OPERATOR:
		operator_act(world);
		break;
	case HAPPENS_START:
		server_start(world);
		break;
	case HAPPENS_WORK:
	case HAPPENS_KINDS:
		break;
	}
	free(happening->text);
}

/* The worker takes what waits at once, or a while later. */
static void work_go_on(struct world *world)
{
	if (!world->server.up)
		return;
	if (world->server.count && !world->draining && luck_percent(&world->luck, 15)) {
		network_add(&world->network, (struct happening){ .kind = HAPPENS_WORK,
								 .at_ms = world->true_ms + luck_between(&world->luck, 1, 3000) });
		return;
	}
	server_work(world);
}

static void chance_strike(struct world *world)
{
	if (luck_permille(&world->luck, 3))
		clock_step(world);
	if (luck_permille(&world->luck, world->server.deaths / 2))
		server_die(world, "while it waits");
}

/* The next thing of the world, or the server's own next look, whatever comes first. */
static void step(struct world *world)
{
	int64_t next_ms = network_next_ms(&world->network), due_ms = server_next_ms(world);

	if (!world->draining)
		chance_strike(world);
	if (world->server.count && world->server.up && due_ms > world->true_ms + 1000)
		due_ms = world->true_ms + 1000;
	if (world->draining && !world->server.count && due_ms < world->worked_ms + DRAIN_STEP_MS)
		due_ms = world->worked_ms + DRAIN_STEP_MS;
	int64_t at_ms = next_ms < due_ms ? next_ms : due_ms;
	if (at_ms == INT64_MAX)
		return;
	world->true_ms = at_ms > world->true_ms ? at_ms : world->true_ms;
	world->trace.at_ms = world->true_ms;
	if (next_ms <= due_ms) {
		struct happening happening = network_take(&world->network);

		happen(world, &happening);
		work_go_on(world);
	} else {
		server_work(world);
	}
	world->worked_ms = world->true_ms;
	world->steps++;
}

/* Somebody sets it right, and no batch's end lies days ahead because it was made while the clock was wrong. */
static void clock_mend(struct world *world)
{
	int64_t ahead_ms = world->wall_ahead < MODEL_WALL_MS ? MODEL_WALL_MS : world->wall_ahead;

	for (size_t i = 0; i < world->view.now.batch_count; i++) {
		if (world->view.now.batches[i].ends_ms - world->true_ms > ahead_ms)
			ahead_ms = world->view.now.batches[i].ends_ms - world->true_ms;
	}
	world->wall_ahead = ahead_ms;
}

/* Nobody says anything new, and time passes. */
static void drain(struct world *world)
{
	int64_t end_ms;

	world->draining = world->is_calm = true;
	while (!world->server.up && !*world->violation)
		step(world);
	end_ms = world->true_ms + DRAIN_MS;
	clock_mend(world);
	trace_line(&world->trace, "everybody is quiet now");
	while (!*world->violation && (world->network.count || world->server.count)) {
		if (network_next_ms(&world->network) > end_ms)
			break;
		step(world);
	}
	while (!*world->violation && world->true_ms < end_ms) {
		world->true_ms += DRAIN_STEP_MS;
		world->trace.at_ms = world->true_ms;
		server_work(world);
	}
	if (!*world->violation)
		check_end(world);
}

void world_run(struct world *world, uint64_t seed, bool prints)
{
	world->seed = seed;
	world->luck.state = seed * 0x2545f4914f6cdd1du + 1;
	world->true_ms = 1000;
	world->wall_ahead = MODEL_WALL_MS;
	trace_begin(&world->trace, prints);
	network_open(&world->network, &world->luck);
	world->device_count = (int)luck_between(&world->luck, 4, WORLD_DEVICES_MAX);
	server_open(world);
	view_open(world);
	world->is_calm = true;
	operator_open(world);
	server_work(world);
	world->is_calm = false;
	for (int i = 0; i < world->device_count; i++)
		device_open(world, &world->devices[i], i);
	while (world->steps < WORLD_STEPS && !*world->violation)
		step(world);
	if (!*world->violation)
		drain(world);
	view_close(&world->view);
	server_close(world);
	network_close(&world->network);
}
