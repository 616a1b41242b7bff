/*
 * World: one run of one seed. The server's real code between devices, a network, operators and clocks that are all made up here.
 * Nothing of it reads a clock or draws chance but from the seed, so that a run repeats itself to the byte.
 *
 * A step is one thing that happens. After every transaction the server commits, the checks look at the whole store.
 */
#ifndef OTA_TESTS_SIM_WORLD_H
#define OTA_TESTS_SIM_WORLD_H

#include "tests/sim/device.h"
#include "tests/sim/luck.h"
#include "tests/sim/model.h"
#include "tests/sim/network.h"
#include "tests/sim/operator.h"
#include "tests/sim/server.h"
#include "tests/sim/trace.h"
#include "tests/sim/view.h"

enum { WORLD_DEVICES_MAX = 12, WORLD_STEPS = 500 };

struct world {
	uint64_t seed;
	const char *directory; /* where stores are made, with the template of main.c */
	struct luck luck;
	struct trace trace;
	int64_t worked_ms;  /* true time of the last step */
	int64_t true_ms;    /* since the world began, whatever clocks say */
	int64_t wall_ahead; /* wall time minus true time; steps of the clock change it */
	struct network network;
	struct server server;
	struct device devices[WORLD_DEVICES_MAX];
	int device_count;
	struct operator operator;
	struct view view;
	struct model model;
	int steps, commits;
	bool is_calm;  /* nothing dies and nothing fails: while it is set up, and at the end */
	bool draining; /* nobody does anything new */
	char violation[512]; /* the first one, "" = none */
};

/* Runs the seed to its end or to its first violation. */
void world_run(struct world *world, uint64_t seed, bool prints);
int64_t world_wall_ms(const struct world *world);
/* A rule does not hold. The first one counts. */
void world_blame(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For all of tests/sim: no memory or no file is the end of the program. */
void world_give_up(const char *what, const char *why) __attribute__((noreturn));
void *world_grow(void *old, size_t bytes);
char *world_copy(const char *text); /* NULL stays NULL */

#endif
