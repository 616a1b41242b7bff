/*
 * Device: one unit of the fleet. What it does with an offer is a script drawn for it: most update well, others fail, vanish, roll
 * back, lie, or say things nobody asked for.
 */
#ifndef OTA_TESTS_SIM_DEVICE_H
#define OTA_TESTS_SIM_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/fleet/outbox.h"

struct world;
struct happening;

enum { DEVICE_MODULES = 2 };

struct device {
	int number;
	bool ours;          /* announces caps, names batch and attempt */
	bool cancels;       /* and agrees to be asked */
	bool informs_twice; /* as SDK 3.x: first with a foreign version */
	bool has_two;       /* modules */
	bool is_gone;       /* for good */
	uint64_t connection; /* 0 = offline */
	uint64_t plan;      /* of its next act; older ones are void */
	int boot;
	char runs[DEVICE_MODULES][16]; /* "" = it never said and never will */
	const char *habit;  /* a script it always follows, NULL = drawn anew for each offer */
	struct {
		const char *script; /* what is left of it; "" = no job */
		int module;
		char version[16], old[16];
		int64_t batch, attempt;
	} job;
};

extern const char *const device_modules[DEVICE_MODULES];

void device_open(struct world *world, struct device *device, int number);
/* Its next act. */
void device_act(struct world *world, struct device *device);
/* A message of the server came to it. */
void device_hear(struct world *world, struct device *device, const struct happening *message);
/* Its connection ended without its doing. */
void device_cut(struct world *world, struct device *device);
/* The broker sends: to a connection, which may be gone. */
void device_post(struct world *world, const struct ota_outgoing *message);
void device_shut_out(struct world *world, const char *username);

#endif
