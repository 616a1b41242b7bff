#include "tests/sim/network.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

void network_open(struct network *network, struct luck *luck)
{
	static const unsigned losses[] = { 0, 0, 20, 100 }, twices[] = { 0, 20, 100 }, lates[] = { 0, 20, 100 };

	*network = (struct network){ .loss = losses[luck_below(luck, 4)],
				     .twice = twices[luck_below(luck, 3)],
				     .late = lates[luck_below(luck, 3)] };
}

void network_close(struct network *network)
{
	for (size_t i = 0; i < network->count; i++)
		free(network->items[i].text);
	free(network->items);
	*network = (struct network){0};
}

void network_add(struct network *network, struct happening happening)
{
	if (network->count == network->capacity) {
		network->capacity = network->capacity ? 2 * network->capacity : 64;
		network->items = world_grow(network->items, network->capacity * sizeof(*network->items));
	}
	happening.order = ++network->order;
	network->items[network->count++] = happening;
}

void network_send(struct network *network, struct luck *luck, struct happening happening)
{
	int64_t sent_ms = happening.at_ms;

	happening.at_ms += luck_between(luck, 1, 60);
	if (luck_permille(luck, network->late))
		happening.at_ms += luck_between(luck, 200, 90000);
	if (luck_permille(luck, network->twice)) {
		struct happening twin = happening;

		twin.text = world_copy(happening.text);
		twin.at_ms = sent_ms + luck_between(luck, 1, 30000);
		network_add(network, twin);
	}
	if (luck_permille(luck, network->loss))
		free(happening.text);
	else
		network_add(network, happening);
}

static bool comes_before(const struct happening *a, const struct happening *b)
{
	return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static size_t next_of(const struct network *network)
{
	size_t next = 0;

	for (size_t i = 1; i < network->count; i++) {
		if (comes_before(&network->items[i], &network->items[next]))
			next = i;
	}
	return next;
}

int64_t network_next_ms(const struct network *network)
{
	return network->count ? network->items[next_of(network)].at_ms : INT64_MAX;
}

struct happening network_take(struct network *network)
{
	size_t next = next_of(network);
	struct happening happening = network->items[next];

	network->items[next] = network->items[--network->count];
	return happening;
}
