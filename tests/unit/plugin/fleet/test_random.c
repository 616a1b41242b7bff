/*
 * Random fleets: whatever devices, operators and crashes do, in any order, the invariants of DESIGN.md section 6 hold after every
 * step. OTA_SEED replays one seed, OTA_SEEDS sets how many are tried.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/time.h"
#include "plugin/store/batch.h"
#include "plugin/store/task.h"
#include "tests/unit/plugin/fleet/fixture.h"

enum { DEVICES = 6, STEPS = 200, BATCHES_MAX = 100, TASKS_MAX = 1000, SEEDS = 25 };

static struct fleet fleet;
static uint64_t state;
static int64_t batches[BATCHES_MAX];
static int batch_count;
static const char *last_said[DEVICES]; /* the version of the last inform that had time to settle */

/* What was final once. */
static struct {
	int64_t id;
	enum ota_task_state state;
	enum ota_cause cause;
} finals[TASKS_MAX];
static int final_count;

static unsigned pick(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static void final_check(const struct ota_task *task)
{
	for (int i = 0; i < final_count; i++) {
		if (finals[i].id != task->id)
			continue;
		cr_assert_eq(task->state, finals[i].state, "a final state changed");
		cr_assert_eq(task->cause, finals[i].cause, "a final cause changed");
		return;
	}
	if (ota_task_state_is_final(task->state) && final_count < TASKS_MAX) {
		cr_assert_neq(task->cause, OTA_CAUSE_NONE, "a final task without a cause");
		finals[final_count].id = task->id;
		finals[final_count].state = task->state;
		finals[final_count++].cause = task->cause;
	}
}

struct tally {
	int unfinished_of[64], active_of[64]; /* by the order in which device ids appear */
	int64_t ids[64];
	int devices;
};

static int device_index(struct tally *tally, int64_t id)
{
	for (int i = 0; i < tally->devices; i++) {
		if (tally->ids[i] == id)
			return i;
	}
	tally->ids[tally->devices] = id;
	return tally->devices++;
}

static void task_check(struct tally *tally, const struct ota_task *task)
{
	int device = device_index(tally, task->device_id);
	bool active = task->state == OTA_TASK_PUSHED || task->state == OTA_TASK_UPGRADING;

	tally->unfinished_of[device] += !ota_task_state_is_final(task->state);
	tally->active_of[device] += active;
	cr_assert(!active || task->attempt > 0, "active without an attempt");
	cr_assert(!ota_task_state_is_final(task->state) || (!task->due_at && !task->deadline_at), "a final task with a timer");
	cr_assert(!active || (task->deadline_at && task->due_at && task->due_at <= task->deadline_at),
		  "an active task that nothing will ever end");
	final_check(task);
}

static void batch_check(struct tally *tally, int64_t id)
{
	const struct ota_task_filter all = { .batch_id = id, .state = -1 };
	struct ota_task tasks[DEVICES * 2];
	struct ota_batch_counts kept, counted = {0};
	struct ota_batch batch;
	size_t count;

	cr_assert_eq(ota_batch_load(fleet.store, id, &batch, NULL), 0);
	cr_assert_eq(ota_batch_load_counts(fleet.store, id, &kept, NULL), 0);
	cr_assert_eq(ota_task_list(fleet.store, &all, tasks, DEVICES * 2, &count, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		counted.states[tasks[i].state]++;
		if (ota_task_state_is_final(tasks[i].state))
			counted.causes[tasks[i].cause]++;
		task_check(tally, &tasks[i]);
	}
	cr_assert(!memcmp(counted.states, kept.states, sizeof(kept.states)), "kept counts differ from the rows");
	cr_assert(!memcmp(counted.causes + 1, kept.causes + 1, sizeof(kept.causes) - sizeof(kept.causes[0])),
		  "kept causes differ from the rows");
	bool open = counted.states[OTA_TASK_PENDING] + counted.states[OTA_TASK_PUSHED] + counted.states[OTA_TASK_UPGRADING] > 0;
	cr_assert(batch.state != OTA_BATCH_COMPLETED || !open, "a completed batch with an open task");
	cr_assert(open || !batch.prepared || batch.state == OTA_BATCH_COMPLETED || batch.state == OTA_BATCH_CANCELED,
		  "a batch that should have ended");
}

static void invariants_check(void)
{
	struct tally tally = {0};

	ota_store_begin(fleet.store, NULL);
	for (int i = 0; i < batch_count; i++)
		batch_check(&tally, batches[i]);
	ota_store_rollback(fleet.store);
	for (int i = 0; i < tally.devices; i++) {
		cr_assert(tally.active_of[i] <= 1, "two active tasks on one device");
		cr_assert(tally.unfinished_of[i] <= 1, "two unfinished tasks of one module");
	}
}

static void batch_create(void)
{
	char members[512] = "";
	size_t used = (size_t)snprintf(
		members, sizeof(members),
		",\"onConflict\":\"skip\",\"strategy\":{\"retries\":%u,\"soak\":\"%s\",\"pushTimeout\":\"1m\","
		"\"upgradeTimeout\":\"2m\",\"rebootTimeout\":\"1m\",\"retryPause\":\"20s\",\"endAfter\":\"10m\"}",
		pick(3), pick(3) ? "0s" : "30s");

	if (pick(2)) {
		used += (size_t)snprintf(members + used, sizeof(members) - used, ",\"targets\":{\"names\":[\"d%u\"",
					 pick(DEVICES));
		snprintf(members + used, sizeof(members) - used, ",\"d9%u\"]}", pick(10));
	}
	if (batch_count < BATCHES_MAX)
		batches[batch_count++] = fleet_batch(&fleet, pick(3) ? "static" : "verify", members);
}

static void batch_command(void)
{
	static const char *const commands[] = {"\"pauseBatch\"", "\"resumeBatch\"", "\"cancelBatch\"",
					       "\"cancelBatch\",\"level\":\"revoke\""};

	if (batch_count)
		cJSON_Delete(fleet_ask(&fleet, "{\"command\":%s,\"batch\":%lld}", commands[pick(4)],
				       (long long)batches[pick((unsigned)batch_count)]));
}

static void device_say(int device)
{
	static const char *const versions[] = { "1.0.0", "1.0.0", "2.0.0", "2.0.0", "2.0.0", "3.0.0" };
	static const int steps[] = { 0, 5, 50, 99, 100, 100, 100, -1, -2, -3, -4 };

	if (!fleet.connection_of[device])
		return;
	if (pick(2)) {
		last_said[device] = versions[pick(6)];
		fleet_inform(&fleet, device, last_said[device]);
	} else {
		fleet_progress(&fleet, device, steps[pick(11)]);
	}
}

static void something_happens(void)
{
	static const int64_t pauses[] = { 100, 2100, 3000, 12 * OTA_SECOND_MS, OTA_MINUTE_MS, 3 * OTA_MINUTE_MS };
	int device = (int)pick(DEVICES);

	switch (pick(12)) {
	case 0:
	case 1:
		fleet_connect(&fleet, device);
		break;
	case 2:
		if (fleet.connection_of[device])
			fleet_disconnect(&fleet, device);
		break;
	case 3:
		batch_create();
		break;
	case 4:
		batch_command();
		break;
	case 5:
		if (!pick(3))
			fleet_restart(&fleet, (int64_t)pick(1000) * OTA_MINUTE_MS);
		break;
	case 6:
	case 7:
	case 8:
		fleet_advance(&fleet, pauses[pick(6)]);
		break;
	default:
		device_say(device);
	}
}

static void tasks_are_final(int64_t batch)
{
	const struct ota_task_filter all = { .batch_id = batch, .state = -1 };
	struct ota_task tasks[DEVICES * 2];
	size_t count;

	ota_store_begin(fleet.store, NULL);
	cr_assert_eq(ota_task_list(fleet.store, &all, tasks, DEVICES * 2, &count, NULL), 0);
	ota_store_rollback(fleet.store);
	for (size_t i = 0; i < count; i++)
		cr_assert(ota_task_state_is_final(tasks[i].state), "a task that never ends: %s",
			  ota_task_state_word(tasks[i].state));
}

/* Some return for good and some vanish for ever: once all timers ran, every task is final and every batch has ended. */
static void everything_ends(void)
{
	for (int i = 0; i < DEVICES; i++) {
		if (fleet.connection_of[i] && !pick(2))
			fleet_disconnect(&fleet, i);
		else if (!fleet.connection_of[i] && pick(2))
			fleet_connect(&fleet, i);
	}
	fleet_advance(&fleet, 40 * OTA_MINUTE_MS);
	invariants_check();
	for (int i = 0; i < batch_count; i++)
		tasks_are_final(batches[i]);
	for (int i = 0; i < batch_count; i++) {
		const char *said = fleet_batch_state(&fleet, batches[i]);

		cr_assert(!strcmp(said, "completed") || !strcmp(said, "canceled"), "batch %d never ended: %s", i, said);
	}
}

/* The inventory always equals what a device last said. */
static void inventory_check(void)
{
	for (int i = 0; i < DEVICES; i++) {
		cJSON *row = fleet_do(&fleet, "{\"command\":\"getDevice\",\"productKey\":\"PK\",\"deviceName\":\"d%d\"}", i);
		const cJSON *module = cJSON_GetArrayItem(cJSON_GetObjectItem(row, "modules"), 0);

		if (last_said[i])
			cr_assert_str_eq(cJSON_GetObjectItem(module, "version")->valuestring, last_said[i]);
		cJSON_Delete(row);
	}
}

static void run(uint64_t seed)
{
	state = seed * 2654435761u + 1;
	batch_count = final_count = 0;
	memset(last_said, 0, sizeof(last_said));
	fleet_open(&fleet, DEVICES);
	for (int step = 0; step < STEPS; step++) {
		something_happens();
		invariants_check();
	}
	everything_ends();
	inventory_check();
	fleet_close(&fleet);
}

Test(random, invariants_hold_after_every_step)
{
	const char *one = getenv("OTA_SEED"), *many = getenv("OTA_SEEDS");
	uint64_t first = one ? strtoull(one, NULL, 10) : 1;
	uint64_t count = one ? 1 : many ? strtoull(many, NULL, 10) : SEEDS;

	for (uint64_t seed = first; seed < first + count; seed++) {
		fprintf(stderr, "# seed %llu\n", (unsigned long long)seed);
		run(seed);
	}
}
