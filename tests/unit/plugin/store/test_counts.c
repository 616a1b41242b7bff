/*
 * Kept counts equal a recount, whatever happened: random operations, among them refused ones and undone savepoints, against SQL
 * that counts the rows. OTA_SEED=n replays a run.
 */
#include <stdlib.h>
#include <time.h>

#include "fixture.h"

enum { DEVICES = 24, MODULES = 2, BATCHES = 4, OPERATIONS = 3000, HISTORY = 4096 };

static struct {
	unsigned long long random;
	int64_t devices[DEVICES];
	struct ota_batch batches[BATCHES];
	int64_t tasks[HISTORY];
	int task_count;
	int refused;
} world;

static const char *const modules[MODULES] = {"default", "modem"};

static unsigned rand_below(unsigned bound)
{
	/* xorshift64: the same numbers on every machine. */
	world.random ^= world.random << 13;
	world.random ^= world.random >> 7;
	world.random ^= world.random << 17;
	return (unsigned)((world.random >> 11) % bound);
}

static void seed_choose(void)
{
	const char *given = getenv("OTA_SEED");

	world.random = given ? strtoull(given, NULL, 10) : (unsigned long long)time(NULL);
	fprintf(stderr, "# OTA_SEED=%llu\n", world.random);
	world.random = world.random * 2654435761u + 1;
}

static void world_open(void)
{
	struct ota_package package;

	memset(&world, 0, sizeof(world));
	seed_choose();
	fixture_open();
	insert_product("pk");
	package = insert_package("pk", "2.0");
	for (int i = 0; i < BATCHES; i++)
		world.batches[i] = insert_batch(&package);
	for (int i = 0; i < DEVICES; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d%d", i);
		world.devices[i] = insert_device("pk", name);
	}
}

TestSuite(counts, .init = world_open, .fini = fixture_close);

static void outcome_check(int status)
{
	cr_assert(status == 0 || status == OTA_ECONFLICT, "%d: %s", status, fixture.error.text);
	world.refused += status != 0;
}

static void random_outcome(struct ota_task *task)
{
	task->state = (enum ota_task_state)rand_below(OTA_TASK_STATES);
	task->cause = (enum ota_cause)rand_below(OTA_CAUSES);
	task->due_at = rand_below(3);
}

static void task_insert(void)
{
	struct ota_task task = sample_task(&world.batches[rand_below(BATCHES)], world.devices[rand_below(DEVICES)]);
	int status = 0;

	snprintf(task.module, sizeof(task.module), "%s", modules[rand_below(MODULES)]);
	if (rand_below(4) == 0)
		random_outcome(&task);
	status = ota_task_insert(fixture.store, &task, &fixture.error);
	outcome_check(status);
	if (status == 0 && world.task_count < HISTORY)
		world.tasks[world.task_count++] = task.id;
}

/* As a batch that is prepared does it: many, then their count. */
static void tasks_add(void)
{
	const struct ota_batch *batch = &world.batches[rand_below(BATCHES)];
	int64_t stage = rand_below(3), added = 0;

	for (unsigned i = rand_below(6); i > 0; i--) {
		struct ota_task task = sample_task(batch, world.devices[rand_below(DEVICES)]);
		int status = 0;

		task.stage = stage;
		status = ota_task_add(fixture.store, &task, &fixture.error);
		outcome_check(status);
		added += status == 0;
	}
	MUST(ota_batch_add_pending(fixture.store, batch->id, stage, added, &fixture.error));
}

static void task_save(void)
{
	struct ota_task before, after;
	int status = 0;

	if (world.task_count == 0)
		return;
	status = ota_task_load(fixture.store, world.tasks[rand_below((unsigned)world.task_count)], &before, &fixture.error);
	if (status == OTA_ENOTFOUND)
		return; /* its savepoint was undone */
	MUST(status);
	after = before;
	random_outcome(&after);
	after.mark = (enum ota_mark)rand_below(OTA_MARKS);
	if (rand_below(8) == 0)
		after.rev--;
	outcome_check(ota_task_save(fixture.store, &before, &after, &fixture.error));
}

static void module_save(void)
{
	struct ota_device_module row = sample_module(world.devices[rand_below(DEVICES)], modules[rand_below(MODULES)]);
	unsigned version = rand_below(5);

	memset(row.version, 0, sizeof(row.version));
	if (version > 0)
		snprintf(row.version, sizeof(row.version), "%u.0", version);
	MUST(ota_device_module_save(fixture.store, "pk", &row, &fixture.error));
}

static void device_insert(void)
{
	char name[16];
	struct ota_device row;

	snprintf(name, sizeof(name), "late%u", rand_below(200));
	row = sample_device("pk", name);
	outcome_check(ota_device_insert(fixture.store, &row, &fixture.error));
}

static void random_operation(void)
{
	static void (*const operations[])(void) = {task_insert, tasks_add,   task_save,    task_save,
						   task_save,   module_save, device_insert};

	operations[rand_below(sizeof(operations) / sizeof(operations[0]))]();
}

static void random_event(void)
{
	MUST(ota_store_savepoint(fixture.store, &fixture.error));
	for (unsigned i = rand_below(4); i > 0; i--)
		random_operation();
	if (rand_below(10) == 0)
		ota_store_rollback_to(fixture.store);
	else
		MUST(ota_store_release(fixture.store, &fixture.error));
}

#define UNFINISHED "('pending', 'pushed', 'upgrading')"

/* Each query counts how many kept numbers differ from their recount. */
static const char *const recounts[] = {
	"SELECT COUNT(*) FROM (SELECT batch_id, stage, state, CASE WHEN state IN " UNFINISHED
	" THEN '' ELSE cause END AS c, COUNT(*) AS n FROM task"
	" GROUP BY 1, 2, 3, 4) t LEFT JOIN batch_count k ON k.batch_id = t.batch_id AND k.stage = t.stage AND k.state = t.state"
	" AND k.cause = t.c WHERE k.n IS NULL OR k.n <> t.n",
	"SELECT (SELECT SUM(n) FROM batch_count) - (SELECT COUNT(*) FROM task)",
	"SELECT COUNT(*) FROM batch_count WHERE n < 0",
	"SELECT COUNT(*) FROM (SELECT product_key, module, version, COUNT(*) AS n FROM device_module WHERE version <> '' GROUP "
	"BY 1, 2, 3) t"
	" LEFT JOIN version_count k ON k.product_key = t.product_key AND k.module = t.module AND k.version = t.version"
	" WHERE k.n IS NULL OR k.n <> t.n",
	"SELECT (SELECT SUM(n) FROM version_count) - (SELECT COUNT(*) FROM device_module WHERE version <> '')",
	"SELECT COUNT(*) FROM version_count WHERE n <= 0 OR version = ''",
	"SELECT (SELECT devices FROM product) - (SELECT COUNT(*) FROM device)",
	"SELECT COUNT(*) FROM (SELECT 1 FROM task WHERE state IN " UNFINISHED " GROUP BY device_id, module HAVING COUNT(*) > 1)",
};

static void recount(void)
{
	for (size_t i = 0; i < sizeof(recounts) / sizeof(recounts[0]); i++)
		cr_expect_eq(sql_integer(recounts[i]), 0, "%s", recounts[i]);
}

/* What the interface tells must be the sum of the same rows. */
static void interface_check(void)
{
	int64_t open[OTA_TASK_STATES], sums[OTA_TASK_STATES] = {0}, finals = 0, causes = 0;

	for (int i = 0; i < BATCHES; i++) {
		struct ota_batch_counts counts;

		MUST(ota_batch_load_counts(fixture.store, world.batches[i].id, &counts, &fixture.error));
		for (int state = 0; state < OTA_TASK_STATES; state++)
			sums[state] += counts.states[state];
		for (int state = OTA_TASK_SUCCEEDED; state < OTA_TASK_STATES; state++)
			finals += counts.states[state];
		for (int cause = 0; cause < OTA_CAUSES; cause++)
			causes += counts.causes[cause];
	}
	MUST(ota_task_count_states(fixture.store, open, &fixture.error));
	cr_expect_arr_eq(open, sums, sizeof(open));
	cr_expect_eq(causes, finals, "a cause is counted for final tasks only");
}

Test(counts, equal_a_recount_after_random_operations)
{
	for (int i = 0; i < OPERATIONS; i++) {
		random_event();
		if (i % 500 != 499)
			continue;
		MUST(ota_store_commit(fixture.store, &fixture.error));
		recount();
		MUST(ota_store_begin(fixture.store, &fixture.error));
		interface_check();
	}
	cr_expect_gt(world.task_count, 100, "the walk made tasks");
	cr_expect_gt(world.refused, 100, "the walk met refusals");
}

/* Tasks of ended batches count on; an ended batch counts only while it still walks its tasks to cancel them. */
Test(counts, are_of_all_tasks_and_of_the_batches_that_have_not_ended)
{
	int64_t tasks[OTA_TASK_STATES], batches[OTA_BATCH_STATES];

	for (int i = 0; i < BATCHES; i++) {
		struct ota_task task = sample_task(&world.batches[i], world.devices[i]);

		MUST(ota_task_insert(fixture.store, &task, &fixture.error));
	}
	world.batches[0].state = OTA_BATCH_COMPLETED;
	world.batches[1].state = OTA_BATCH_CANCELED;
	world.batches[1].canceling = true;
	world.batches[2].state = OTA_BATCH_PAUSED;
	for (int i = 0; i < 3; i++)
		MUST(ota_batch_save(fixture.store, &world.batches[i], &fixture.error));
	MUST(ota_task_count_states(fixture.store, tasks, &fixture.error));
	cr_expect_eq(tasks[OTA_TASK_PENDING], BATCHES);
	MUST(ota_batch_count_open(fixture.store, batches, &fixture.error));
	cr_expect_eq(batches[OTA_BATCH_COMPLETED], 0);
	cr_expect_eq(batches[OTA_BATCH_CANCELED], 1);
	cr_expect_eq(batches[OTA_BATCH_PAUSED], 1);
}
