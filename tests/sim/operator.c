#include "tests/sim/operator.h"

#include <stdio.h>
#include <string.h>

#include "common/time.h"
#include "tests/sim/world.h"

enum { PACKAGES_FIRST = 3, PACKAGES_MAX = 12 };

static void order_give(struct world *world, const struct order *wanted)
{
	OTA_AUTO_BYTES struct ota_bytes command = {0};
	struct order tried = *wanted, *order = &tried;

	order->is_dry = world->steps && luck_percent(&world->luck, 5);
	order_print(order, world_wall_ms(world), &command);
	trace_line(&world->trace, "operator: %s", command.data);
	world->operator.orders++;
	server_hear(world, (struct item){ .kind = ITEM_ORDER, .order = *order });
}

/* Versions 2.0.0, 2.1.0, ... of the first module, every fourth of the second. */
static void package_name(int number, struct order *order)
{
	bool second = number % 4 == 3;

	snprintf(order->module, sizeof(order->module), "%s", device_modules[second]);
	snprintf(order->version, sizeof(order->version), "2.%d.0", number);
}

static void package_make(struct world *world)
{
	struct order order = { .kind = ORDER_PACKAGE };

	if (world->operator.packages == PACKAGES_MAX)
		return;
	package_name(world->operator.packages++, &order);
	order_give(world, &order);
}

void operator_open(struct world *world)
{
	struct order order = { .kind = ORDER_REGISTER };
	size_t used = 0;

	for (int i = 0; i < world->device_count; i++)
		used += (size_t)snprintf(order.targets + used, sizeof(order.targets) - used, "%s\"d%d\"", i ? "," : "[", i);
	snprintf(order.targets + used, sizeof(order.targets) - used, "]");
	order_give(world, &order);
	for (int i = 0; i < PACKAGES_FIRST + 1; i++)
		package_make(world);
	network_add(&world->network,
		    (struct happening){ .kind = HAPPENS_OPERATOR, .at_ms = luck_between(&world->luck, 0, 30000) });
}

static void targets_draw(struct world *world, struct order *order)
{
	static const char *const expressions[] = { "version < 2", "percent < 60", "not name = d1", "name = d1 or name = d2",
						   "version != 2.1.0", "seen < 1h" };
	struct luck *luck = &world->luck;
	size_t kind = luck_below(luck, 5), used = 0;

	if (kind < 2) {
		snprintf(order->targets, sizeof(order->targets), "{\"all\":true}");
	} else if (kind == 2) {
		snprintf(order->targets, sizeof(order->targets), "{\"where\":\"%s\"}",
			 expressions[luck_below(luck, sizeof(expressions) / sizeof(expressions[0]))]);
	} else {
		for (int i = 0; i < world->device_count; i++) {
			if (luck_percent(luck, 60))
				used += (size_t)snprintf(order->targets + used, sizeof(order->targets) - used, "%s\"d%d\"",
							 used ? "," : "{\"names\":[", i);
		}
		if (!used)
			snprintf(order->targets, sizeof(order->targets), "{\"names\":[\"d0\",\"nobody\"]}");
		else
			snprintf(order->targets + used, sizeof(order->targets) - used, "]}");
	}
}

static void batch_create(struct world *world)
{
	static const char *const conflicts[] = { "skip", "skip", "reject", "supersede" };
	struct luck *luck = &world->luck;
	struct order order = { .kind = ORDER_CREATE, .batch_kind = luck_percent(luck, 25) ? "verify" : "static" };

	if (world->view.now.batch_count >= SEEN_BATCHES_MAX / 2 ||
	    world->view.now.task_count + (size_t)world->device_count * 2 > SEEN_TASKS_MAX)
		return;
	package_name((int)luck_below(luck, (size_t)world->operator.packages), &order);
	order.conflict = conflicts[luck_below(luck, 4)];
	targets_draw(world, &order);
	plan_draw(&order.plan, luck);
	order_give(world, &order);
}

static void batch_order(struct world *world, enum order_kind kind)
{
	static const char *const levels[] = { "withdraw", "revoke" };
	const struct seen *seen = &world->view.now;
	struct order order = { .kind = kind };

	if (!seen->batch_count)
		return;
	/* The last ones, mostly: the others have ended. */
	size_t back = luck_below(&world->luck, seen->batch_count < 4 ? seen->batch_count : 4);
	order.batch = seen->batches[seen->batch_count - 1 - back].id;
	order.level = levels[luck_below(&world->luck, 2)];
	order_give(world, &order);
}

static void device_order(struct world *world, enum order_kind kind)
{
	struct order order = { .kind = kind, .device = (int)luck_below(&world->luck, (size_t)world->device_count) };

	order_give(world, &order);
}

static void yank(struct world *world)
{
	struct order order = { .kind = ORDER_YANK };

	package_name((int)luck_below(&world->luck, (size_t)world->operator.packages), &order);
	order_give(world, &order);
	package_make(world);
}

void operator_act(struct world *world)
{
	static const enum order_kind kinds[] = {
		ORDER_CREATE, ORDER_CREATE, ORDER_CREATE, ORDER_CREATE, ORDER_PAUSE,  ORDER_PAUSE,  ORDER_RESUME, ORDER_RESUME,
		ORDER_RESUME, ORDER_CANCEL, ORDER_CANCEL, ORDER_YANK,   ORDER_DISABLE, ORDER_ENABLE, ORDER_ENABLE, ORDER_UNBAR,
		ORDER_ADVANCE, ORDER_ADVANCE,
	};
	int64_t from_ms = world->true_ms > world->operator.away_until_ms ? world->true_ms : world->operator.away_until_ms;
	enum order_kind kind = kinds[luck_below(&world->luck, sizeof(kinds) / sizeof(kinds[0]))];

	if (world->draining)
		return;
	network_add(&world->network, (struct happening){ .kind = HAPPENS_OPERATOR,
							 .at_ms = from_ms + luck_between(&world->luck, 500, 45000) });
	if (!world->server.up)
		return;
	if (kind == ORDER_CREATE || !world->view.now.batch_count)
		batch_create(world);
	else if (kind == ORDER_YANK)
		yank(world);
	else if (kind == ORDER_DISABLE || kind == ORDER_ENABLE || kind == ORDER_UNBAR)
		device_order(world, kind);
	else
		batch_order(world, kind);
}
