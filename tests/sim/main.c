/*
 * ota-sim: runs worlds, a seed each, and says how many did not hold.
 *
 *     ota-sim DIRECTORY FIRST COUNT [STRIDE]   seeds FIRST, FIRST + STRIDE, ...
 *     ota-sim DIRECTORY --trace SEED           the same seed again, with everything that happened
 *     ota-sim DIRECTORY --twice SEED           twice: are both runs the same, byte for byte?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/sim/world.h"

struct totals {
	uint64_t seeds, steps, commits, tasks, batches, deaths, orders, violations;
};

static void directory_make(const char *parent, const char *name, char path[300])
{
	snprintf(path, 300, "%s/%s", parent, name);
	if (mkdir(path, 0700))
		world_give_up(path, "cannot be made: it must not be there yet");
}

static struct world *world_new(const char *directory, const char token[64])
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		world_give_up("memory", "none is left");
	world->directory = directory;
	memcpy(world->server.token, token, 64);
	return world;
}

static void totals_add(struct totals *totals, const struct world *world)
{
	totals->seeds++;
	totals->steps += (uint64_t)world->steps;
	totals->commits += (uint64_t)world->commits;
	totals->tasks += world->view.now.task_count;
	totals->batches += world->view.now.batch_count;
	totals->deaths += (uint64_t)world->server.died;
	totals->orders += (uint64_t)world->operator.orders;
	totals->violations += *world->violation != 0;
}

static uint64_t seed_run(const char *directory, const char token[64], uint64_t seed, bool prints, struct totals *totals)
{
	struct world *world = world_new(directory, token);

	world_run(world, seed, prints);
	uint64_t hash = world->trace.hash;
	totals_add(totals, world);
	if (*world->violation) {
		printf("seed %llu: %s; see make sim SEED=%llu\n", (unsigned long long)seed, world->violation,
		       (unsigned long long)seed);
		fflush(stdout);
	}
	free(world);
	return hash;
}

static void run_twice(const char *directory, const char token[64], uint64_t seed, struct totals *totals)
{
	uint64_t once = seed_run(directory, token, seed, false, totals);

	if (once == seed_run(directory, token, seed, false, totals))
		return;
	totals->violations++;
	printf("seed %llu: two runs of it differ\n", (unsigned long long)seed);
}

static void totals_print(const struct totals *totals)
{
	printf("seeds=%llu steps=%llu transactions=%llu batches=%llu tasks=%llu orders=%llu deaths=%llu violations=%llu\n",
	       (unsigned long long)totals->seeds, (unsigned long long)totals->steps, (unsigned long long)totals->commits,
	       (unsigned long long)totals->batches, (unsigned long long)totals->tasks, (unsigned long long)totals->orders,
	       (unsigned long long)totals->deaths, (unsigned long long)totals->violations);
}

int main(int count, char **arguments)
{
	struct totals totals = {0};
	char path[300], token[64];

	if (count < 4)
		world_give_up("usage", "ota-sim DIRECTORY FIRST COUNT [STRIDE] | DIRECTORY --trace|--twice SEED");
	directory_make(arguments[1], "run", path);
	directory_make(arguments[1], "template", path);
	server_make_template(path, token);
	if (!strcmp(arguments[2], "--trace")) {
		seed_run(arguments[1], token, strtoull(arguments[3], NULL, 10), true, &totals);
	} else if (!strcmp(arguments[2], "--twice")) {
		run_twice(arguments[1], token, strtoull(arguments[3], NULL, 10), &totals);
	} else {
		uint64_t seed = strtoull(arguments[2], NULL, 10), seeds = strtoull(arguments[3], NULL, 10);
		uint64_t stride = count > 4 ? strtoull(arguments[4], NULL, 10) : 1;

		for (uint64_t i = 0; i < seeds; i++)
			seed_run(arguments[1], token, seed + i * stride, false, &totals);
	}
	totals_print(&totals);
	return totals.violations ? 1 : 0;
}
