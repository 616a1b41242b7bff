/* Tasks and attempts. */
#include "fixture.h"

static struct ota_batch batch;

static void world_open(void)
{
	fixture_open();
	batch = insert_world();
}

TestSuite(task, .init = world_open, .fini = fixture_close);

Test(task, comes_back_as_it_went_in)
{
	struct ota_task in = insert_task(&batch, insert_device("pk", "a")), out;

	MUST(ota_task_load(fixture.store, in.id, &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
	MUST_FAIL(OTA_ENOTFOUND, ota_task_load(fixture.store, in.id + 1, &out, &fixture.error));
}

/* Every field that may change, changed; what may not, left. */
static struct ota_task changed_task(const struct ota_task *from)
{
	struct ota_task row = *from;

	row.state = OTA_TASK_UPGRADING;
	row.due_at = 1;
	memset(row.from_version, '2', OTA_VERSION_MAX);
	row.reason = OTA_REASON_NONE;
	row.cause = OTA_CAUSE_NONE;
	row.mark = OTA_MARK_NONE;
	row.phase = OTA_PHASE_DELIVERED;
	row.attempt = 2;
	row.step = 100;
	memset(row.desc, '3', OTA_DESC_MAX);
	memset(row.boot_id, '4', OTA_BOOT_ID_MAX);
	row.updated_ms = 5;
	row.pushes = 6;
	row.last_push_at = 7;
	row.answered = false;
	row.repush_at = 8;
	row.deadline_at = 9;
	row.deadline_left_ms = 10;
	return row;
}

Test(task, is_saved_under_its_revision_only)
{
	struct ota_task before = insert_task(&batch, insert_device("pk", "a")), mine = changed_task(&before), stale = mine, out;

	MUST(ota_task_save(fixture.store, &before, &mine, &fixture.error));
	MUST_FAIL(OTA_ECONFLICT, ota_task_save(fixture.store, &before, &stale, &fixture.error));
	cr_expect_eq(stale.rev, before.rev, "a refused save raises nothing");
	MUST(ota_task_load(fixture.store, mine.id, &out, &fixture.error));
	cr_expect_arr_eq(&mine, &out, sizeof(out));
	cr_expect_eq(out.rev, before.rev + 1);
}

/* The statement that spares the indexes writes all the rest. */
Test(task, is_saved_as_well_when_state_and_due_stay)
{
	struct ota_task before = insert_task(&batch, insert_device("pk", "a")), mine = changed_task(&before), stale, out;

	mine.state = before.state;
	mine.due_at = before.due_at;
	stale = mine;
	MUST(ota_task_save(fixture.store, &before, &mine, &fixture.error));
	MUST(ota_task_load(fixture.store, mine.id, &out, &fixture.error));
	cr_expect_arr_eq(&mine, &out, sizeof(out));
	MUST_FAIL(OTA_ECONFLICT, ota_task_save(fixture.store, &before, &stale, &fixture.error));
}

Test(task, is_saved_as_well_when_only_its_due_time_moves)
{
	struct ota_task before = insert_task(&batch, insert_device("pk", "a")), mine = before;
	int64_t next = 0;

	mine.due_at = 1;
	MUST(ota_task_save(fixture.store, &before, &mine, &fixture.error));
	MUST(ota_task_next_due(fixture.store, &next, &fixture.error));
	cr_expect_eq(next, 1);
}

Test(task, is_unfinished_once_per_device_and_module)
{
	int64_t device = insert_device("pk", "a");
	struct ota_task first = insert_task(&batch, device), second = sample_task(&batch, device), changed = first;

	MUST_FAIL(OTA_ECONFLICT, ota_task_insert(fixture.store, &second, &fixture.error));
	cr_expect_eq(second.rev, 601);
	snprintf(second.module, sizeof(second.module), "modem");
	MUST(ota_task_insert(fixture.store, &second, &fixture.error));
	changed.state = OTA_TASK_FAILED;
	changed.cause = OTA_CAUSE_LOST;
	MUST(ota_task_save(fixture.store, &first, &changed, &fixture.error));
	insert_task(&batch, device);
}

Test(task, that_is_final_changes_its_mark_only)
{
	struct ota_task before = insert_task(&batch, insert_device("pk", "a")), row = before, out;

	row.state = OTA_TASK_SUCCEEDED;
	row.cause = OTA_CAUSE_VERSION_REPORTED;
	row.mark = OTA_MARK_NONE;
	MUST(ota_task_save(fixture.store, &before, &row, &fixture.error));
	before = row;
	row.mark = OTA_MARK_REGRESSED;
	row.updated_ms = 4711;
	row.step = 50;
	MUST(ota_task_save(fixture.store, &before, &row, &fixture.error));
	MUST(ota_task_load(fixture.store, row.id, &out, &fixture.error));
	cr_expect_eq(out.mark, OTA_MARK_REGRESSED);
	cr_expect_eq(out.updated_ms, 4711);
	cr_expect_eq(out.step, before.step, "a final task keeps its step");
	before = row;
	row.state = OTA_TASK_FAILED;
	MUST_FAIL(OTA_ECONFLICT, ota_task_save(fixture.store, &before, &row, &fixture.error));
	row.state = OTA_TASK_SUCCEEDED;
	row.cause = OTA_CAUSE_ALREADY_AT_TARGET;
	MUST_FAIL(OTA_ECONFLICT, ota_task_save(fixture.store, &before, &row, &fixture.error));
}

Test(task, needs_its_batch_and_device)
{
	struct ota_task row = sample_task(&batch, 4711);

	MUST_FAIL(OTA_ECONFLICT, ota_task_insert(fixture.store, &row, &fixture.error));
	row.device_id = insert_device("pk", "a");
	row.batch_id = 4711;
	MUST_FAIL(OTA_ECONFLICT, ota_task_insert(fixture.store, &row, &fixture.error));
}

static struct ota_task insert_in_state(int64_t device, const char *module, enum ota_task_state state)
{
	struct ota_task row = sample_task(&batch, device);

	snprintf(row.module, sizeof(row.module), "%s", module);
	row.state = state;
	MUST(ota_task_insert(fixture.store, &row, &fixture.error));
	return row;
}

Test(task, finders_tell_unfinished_active_and_latest_apart)
{
	int64_t device = insert_device("pk", "a"), other = insert_device("pk", "b");
	struct ota_task out, pending, active, last;

	MUST_FAIL(OTA_ENOTFOUND, ota_task_find_latest(fixture.store, device, "default", &out, &fixture.error));
	pending = insert_in_state(device, "default", OTA_TASK_PENDING);
	active = insert_in_state(device, "modem", OTA_TASK_UPGRADING);
	insert_in_state(other, "default", OTA_TASK_PUSHED);
	last = insert_in_state(device, "default", OTA_TASK_CANCELED);

	MUST(ota_task_find_unfinished(fixture.store, device, "default", &out, &fixture.error));
	cr_expect_eq(out.id, pending.id);
	MUST(ota_task_find_active(fixture.store, device, &out, &fixture.error));
	cr_expect_eq(out.id, active.id);
	MUST(ota_task_find_latest(fixture.store, device, "default", &out, &fixture.error));
	cr_expect_eq(out.id, last.id);
	MUST_FAIL(OTA_ENOTFOUND, ota_task_find_unfinished(fixture.store, device, "none", &out, &fixture.error));
	MUST_FAIL(OTA_ENOTFOUND, ota_task_find_active(fixture.store, device + 100, &out, &fixture.error));
}

Test(task, lists_of_a_device_run_from_the_oldest_unfinished_and_from_the_newest)
{
	int64_t device = insert_device("pk", "a");
	struct ota_task rows[8], made[4];
	size_t count = 0;

	made[0] = insert_in_state(device, "z", OTA_TASK_PENDING);
	made[1] = insert_in_state(device, "m", OTA_TASK_FAILED);
	made[2] = insert_in_state(device, "a", OTA_TASK_PUSHED);
	made[3] = insert_in_state(device, "m", OTA_TASK_PENDING);
	MUST(ota_task_list_unfinished(fixture.store, device, rows, 8, &count, &fixture.error));
	cr_assert_eq(count, 3);
	cr_expect_eq(rows[0].id, made[0].id);
	cr_expect_eq(rows[1].id, made[2].id);
	cr_expect_eq(rows[2].id, made[3].id);
	MUST(ota_task_list_of_device(fixture.store, device, rows, 3, &count, &fixture.error));
	cr_assert_eq(count, 3);
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(rows[i].id, made[3 - i].id);
}

Test(task, due_ones_come_earliest_first)
{
	static const int64_t due[] = {30, 0, 10, 20, 40};
	struct ota_task rows[8];
	int64_t next = 0;
	size_t count = 0;

	MUST(ota_task_next_due(fixture.store, &next, &fixture.error));
	cr_expect_eq(next, INT64_MAX);
	for (int i = 0; i < 5; i++) {
		char name[8];
		struct ota_task row;

		snprintf(name, sizeof(name), "d%d", i);
		row = sample_task(&batch, insert_device("pk", name));
		row.due_at = due[i];
		MUST(ota_task_insert(fixture.store, &row, &fixture.error));
	}
	MUST(ota_task_next_due(fixture.store, &next, &fixture.error));
	cr_expect_eq(next, 10);
	MUST(ota_task_due(fixture.store, 30, rows, 8, &count, &fixture.error));
	cr_assert_eq(count, 3);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(rows[i].due_at, 10 * (i + 1));
	MUST(ota_task_due(fixture.store, 1000, rows, 2, &count, &fixture.error));
	cr_expect_eq(count, 2);
}

static size_t tasks_list(int state)
{
	static struct ota_task rows[3];
	int64_t after = 0;
	size_t count = 0, seen = 0;

	do {
		MUST(ota_task_list(fixture.store, &(struct ota_task_filter){batch.id, state, after}, rows, 3, &count,
				   &fixture.error));
		for (size_t i = 0; i < count; i++) {
			cr_expect_gt(rows[i].id, after);
			after = rows[i].id;
		}
		seen += count;
	} while (count == 3);
	return seen;
}

Test(task, list_of_a_batch_pages_upwards)
{
	for (int i = 0; i < 20; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d%d", i);
		insert_in_state(insert_device("pk", name), "default", i % 4 ? OTA_TASK_PENDING : OTA_TASK_SUCCEEDED);
	}
	cr_expect_eq(tasks_list(-1), 20);
	cr_expect_eq(tasks_list(OTA_TASK_PENDING), 15);
	cr_expect_eq(tasks_list(OTA_TASK_SUCCEEDED), 5);
	cr_expect_eq(tasks_list(OTA_TASK_PUSHED), 0);
}

/* A second batch for the same module: who would stand in its way. */
struct conflict_result {
	int64_t count;
	size_t named;
	char names[2][OTA_DEVICE_NAME_MAX + 1];
};

static struct conflict_result conflicts(const struct ota_batch *of, const char *module, bool all_devices, size_t capacity)
{
	struct conflict_result result = {0};

	MUST(ota_task_count_conflicts(fixture.store, &(struct ota_conflict_scope){of->id, of->product_key, module, all_devices},
				      &result.count, result.names, capacity, &result.named, &fixture.error));
	return result;
}

Test(task, conflicts_are_unfinished_tasks_of_other_batches)
{
	struct ota_package package = insert_package("pk", "3.0");
	struct ota_batch next = insert_batch(&package);
	struct conflict_result found;

	for (int i = 0; i < 6; i++) {
		char name[8];
		int64_t device;

		snprintf(name, sizeof(name), "d%d", i);
		device = insert_device("pk", name);
		insert_in_state(device, "default", i < 2 ? OTA_TASK_SUCCEEDED : OTA_TASK_PUSHED);
		insert_in_state(device, "modem", OTA_TASK_SUCCEEDED);
	}
	for (int i = 0; i < 4; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d%d", i);
		MUST(ota_batch_insert_target(fixture.store, next.id, name, &fixture.error));
	}
	MUST(ota_batch_insert_target(fixture.store, next.id, "unknown", &fixture.error));

	found = conflicts(&next, "default", true, 2);
	cr_expect_eq(found.count, 4);
	cr_expect_eq(found.named, 2);
	found = conflicts(&next, "default", false, 2);
	cr_expect_eq(found.count, 2);
	cr_assert_eq(found.named, 2);
	cr_expect_str_eq(found.names[0], "d2");
	cr_expect_str_eq(found.names[1], "d3");
	found = conflicts(&next, "default", false, 0);
	cr_expect_eq(found.count, 2);
	cr_expect_eq(found.named, 0);
	cr_expect_eq(conflicts(&next, "modem", true, 2).count, 0);
	cr_expect_eq(conflicts(&batch, "default", true, 2).count, 0, "its own tasks stand in nobody's way");
}

Test(task, attempts_are_kept_by_number)
{
	struct ota_task task = insert_task(&batch, insert_device("pk", "a"));
	struct ota_attempt in, out, rows[4];
	size_t count = 0;

	memset(&in, 0, sizeof(in));
	in.task_id = task.id;
	in.pushed_ms = 1;
	in.started_ms = 2;
	in.delivered_ms = 3;
	in.ended_ms = 4;
	in.cause = OTA_CAUSE_BURN_FAILED;
	snprintf(in.desc, sizeof(in.desc), "desc 5");
	for (in.attempt = 3; in.attempt > 0; in.attempt--)
		MUST(ota_attempt_save(fixture.store, &in, &fixture.error));
	in.attempt = 2;
	in.ended_ms = 44;
	MUST(ota_attempt_save(fixture.store, &in, &fixture.error));
	MUST(ota_attempt_find(fixture.store, task.id, 2, &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
	MUST(ota_attempt_list(fixture.store, task.id, rows, 4, &count, &fixture.error));
	cr_assert_eq(count, 3);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(rows[i].attempt, i + 1);
	MUST_FAIL(OTA_ENOTFOUND, ota_attempt_find(fixture.store, task.id, 4, &out, &fixture.error));
}
