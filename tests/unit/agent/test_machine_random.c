/*
 * The machine under any sequence of events, with power cuts at any moment. The worker is a model: it ends only jobs that were
 * begun. The seed is printed by a failure; OTA_SEED replays it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/core/record.h"
#include "tests/unit/agent/desk.h"

enum { SEQUENCES = 300, EVENTS_EACH = 400 };

enum job { JOB_NONE, JOB_FETCH, JOB_INSTALL, JOB_RESTART };

struct world {
	struct desk desk;
	uint64_t random;
	unsigned seed;
	unsigned event; /* of the sequence */
	enum job job;
	int64_t batch; /* the server's latest */
	bool installed;      /* the other slot holds the task's version */
	char installed_version[OTA_VERSION_MAX + 1];
	char running[OTA_VERSION_MAX + 1];
	struct ota_bytes disk; /* the record last saved */
	int64_t negative_batch, negative_attempt; /* the last attempt that ended with a negative */
	uint32_t negative_number;
};

#define HERE(world) "seed %u, event %u, state %s", (world)->seed, (world)->event, agent_state_name((world)->desk.core.state)

/* xorshift64*: the same everywhere. */
static unsigned draw(struct world *world, unsigned below)
{
	world->random ^= world->random >> 12;
	world->random ^= world->random << 25;
	world->random ^= world->random >> 27;
	return (unsigned)((world->random * 0x2545F4914F6CDD1DULL) >> 33) % below;
}

static void world_save(struct world *world)
{
	ota_bytes_clear(&world->disk);
	cr_assert_eq(agent_record_print(&world->desk.core, &world->disk), 0);
}

static bool disk_says(const struct world *world, const char *phase)
{
	char want[64];

	snprintf(want, sizeof(want), "\"phase\":\"%s\"", phase);
	return world->disk.data && strstr(world->disk.data, want);
}

static void world_begin_job(struct world *world, enum job job, const char *phase)
{
	cr_assert_eq(world->job, JOB_NONE, HERE(world));
	cr_assert(disk_says(world, phase), HERE(world));
	world->job = job;
}

static void world_hear_report(struct world *world)
{
	const struct agent_report *report = &world->desk.core.report;
	const struct ota_progress *progress = &report->progress;
	bool same_attempt = progress->batch > 0 && progress->batch == world->negative_batch &&
			    progress->attempt == world->negative_attempt;

	cr_assert(world->desk.core.link_up, HERE(world));
	cr_assert_leq(strlen(progress->desc), OTA_DESC_MAX);
	if (same_attempt && progress->cancel == OTA_CANCEL_NONE)
		cr_assert_lt(progress->step, 0, HERE(world));
	if (progress->step < 0) {
		world->negative_batch = progress->batch;
		world->negative_attempt = progress->attempt;
	}
}

static void world_carry_out(struct world *world)
{
	for (size_t i = 0; i < world->desk.effects.count; i++) {
		switch (world->desk.effects.list[i].kind) {
		case AGENT_EFFECT_SAVE:
			world_save(world);
			break;
		case AGENT_EFFECT_FETCH:
			world_begin_job(world, JOB_FETCH, "fetching");
			break;
		case AGENT_EFFECT_INSTALL:
			cr_assert(world->desk.core.task.delivered, HERE(world));
			world_begin_job(world, JOB_INSTALL, "installing");
			break;
		case AGENT_EFFECT_RESTART:
			cr_assert(world->installed, HERE(world));
			world_begin_job(world, JOB_RESTART, "restarting");
			break;
		case AGENT_EFFECT_REPORT:
			world_hear_report(world);
			break;
		case AGENT_EFFECT_STOP:
			cr_assert_eq(world->job, JOB_FETCH, HERE(world));
			break;
		case AGENT_EFFECT_INFORM:
			cr_assert(world->desk.core.link_up, HERE(world));
			break;
		case AGENT_EFFECT_CONNECT:
		case AGENT_EFFECT_DISCARD:
		case AGENT_EFFECT_TIMER:
		case AGENT_EFFECT_LOG:
		case AGENT_EFFECT_KINDS:
			break;
		}
	}
}

/* Power comes back: only the disk is left, and what is installed runs, if the boot loader likes it. */
static void world_power_cut(struct world *world)
{
	static const char *const names[] = {"default", "mcu"};
	struct agent_limits limits = world->desk.core.limits;
	struct ota_error error = {0};

	if (world->installed && draw(world, 4))
		snprintf(world->running, sizeof(world->running), "%s", world->installed_version);
	world->installed = false;
	world->job = JOB_NONE;
	world->desk.core = (struct agent_core){0};
	cr_assert_eq(agent_core_init(&world->desk.core, names, 2, &limits, NULL), 0);
	if (world->disk.data)
		cr_assert_eq(agent_record_read((struct ota_span){world->disk.data, world->disk.size}, &world->desk.core, &error),
			     0, "%s: seed %u", error.text, world->seed);
	desk_version(&world->desk, 1, "1.0.0");
	world_carry_out(world);
	desk_version(&world->desk, 0, draw(world, 20) ? world->running : NULL);
	world_carry_out(world);
}

static void world_end_job(struct world *world)
{
	enum job job = world->job;

	world->job = JOB_NONE;
	world->desk.effects.count = 0;
	switch (job) {
	case JOB_NONE:
		break;
	case JOB_FETCH:
		desk_fetched(&world->desk, (enum agent_fetch_outcome)draw(world, AGENT_FETCH_STOPPED), "as it went");
		break;
	case JOB_INSTALL:
		world->installed = draw(world, 3) > 0;
		snprintf(world->installed_version, sizeof(world->installed_version), "%s", world->desk.core.task.offer.version);
		if (world->installed)
			desk_simple(&world->desk, AGENT_EVENT_INSTALLED);
		else
			desk_failed(&world->desk, AGENT_EVENT_NOT_INSTALLED, draw(world, 2) ? OTA_EIO : OTA_EUNAVAILABLE, "no");
		break;
	case JOB_RESTART:
		if (draw(world, 2))
			desk_failed(&world->desk, AGENT_EVENT_NOT_RESTARTED, OTA_EIO, "no");
		break;
	}
	world_carry_out(world);
}

static void world_push(struct world *world)
{
	static const char *const versions[] = {"1.0.0", "2.0.0", "3.0.0"};
	struct ota_offer offer = desk_offer(versions[draw(world, 3)], 0, 0);

	/* A server does not go back to an earlier batch; attempts of one may come late and twice. One that numbers nothing is
	 * there, too. */
	world->batch += draw(world, 8) == 0;
	if (draw(world, 3)) {
		offer.batch = world->batch;
		offer.attempt = draw(world, 3) + 1;
	}
	if (draw(world, 10) == 0)
		snprintf(offer.module, sizeof(offer.module), "%s", draw(world, 2) ? "mcu" : "radio");
	offer.is_diff = draw(world, 20) == 0;
	desk_event(&world->desk, (struct agent_event){.kind = AGENT_EVENT_OFFER, .offer = &offer});
	world_carry_out(world);
}

/* A hook's own deadline is far shorter than the core's patience with a restart. */
static void world_pass_time(struct world *world)
{
	if (world->job == JOB_RESTART)
		world_end_job(world);
	world->desk.now.ms += draw(world, 700000);
	desk_simple(&world->desk, AGENT_EVENT_TIMER);
}

static void world_talk(struct world *world)
{
	struct desk *desk = &world->desk;

	switch (draw(world, 4)) {
	case 0:
		desk_simple(desk, desk->core.link_up ? AGENT_EVENT_DOWN : AGENT_EVENT_UP);
		break;
	case 1:
		desk_acknowledge(desk);
		break;
	case 2:
		desk_cancel(desk, world->batch, draw(world, 3) + 1);
		break;
	default:
		world_pass_time(world);
		break;
	}
	world_carry_out(world);
}

static void world_step(struct world *world)
{
	world->desk.now.random = draw(world, 0x7fffffff);
	switch (draw(world, 12)) {
	case 0:
		world_power_cut(world);
		break;
	case 1:
	case 2:
	case 3:
		world_push(world);
		break;
	case 4:
		desk_received(&world->desk, draw(world, 1001));
		world_carry_out(world);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		world_end_job(world);
		break;
	default:
		world_talk(world);
		break;
	}
}

/* A state that waits for work has work; one that does not, has none. */
static void world_check(const struct world *world)
{
	const struct agent_core *core = &world->desk.core;
	bool has_task = core->task.phase != AGENT_PHASE_NONE;

	cr_assert_eq(has_task, core->state != AGENT_IDLE, HERE(world));
	if (core->state == AGENT_FETCHING || core->state == AGENT_STOPPING)
		cr_assert_eq(world->job, JOB_FETCH, HERE(world));
	if (core->state == AGENT_INSTALLING)
		cr_assert_eq(world->job, JOB_INSTALL, HERE(world));
	if (core->state == AGENT_IDLE || core->state == AGENT_PAUSED)
		cr_assert_eq(world->job, JOB_NONE, HERE(world));
	cr_assert_leq(core->task.starts, core->limits.starts_max, HERE(world));
}

/* From wherever a sequence stopped, good luck alone must lead to rest: no state is a trap. */
static void world_come_to_rest(struct world *world)
{
	for (int i = 0; i < 50 && world->desk.core.state != AGENT_IDLE; i++) {
		enum job job = world->job;

		world->job = JOB_NONE;
		if (job == JOB_FETCH)
			desk_fetched(&world->desk, AGENT_FETCH_DONE, "");
		else if (job == JOB_INSTALL)
			world->installed = true, desk_simple(&world->desk, AGENT_EVENT_INSTALLED);
		else
			world->desk.now.ms += 700000, desk_simple(&world->desk, AGENT_EVENT_TIMER);
		world_carry_out(world);
	}
	cr_assert_eq(world->desk.core.state, AGENT_IDLE, HERE(world));
}

static void run_sequence(unsigned seed)
{
	struct world world = {.random = seed * 0x9E3779B97F4A7C15ULL + 1, .seed = seed, .batch = 1, .running = "1.0.0"};

	desk_open(&world.desk);
	for (world.event = 0; world.event < EVENTS_EACH; world.event++) {
		world_step(&world);
		world_check(&world);
	}
	world_come_to_rest(&world);
	ota_bytes_free(&world.disk);
}

Test(machine_random, any_sequence_keeps_the_rules)
{
	const char *seed = getenv("OTA_SEED");

	if (seed) {
		run_sequence((unsigned)strtoul(seed, NULL, 10));
		return;
	}
	for (unsigned i = 1; i <= SEQUENCES; i++)
		run_sequence(i);
}
