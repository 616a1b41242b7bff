/* Prospects: a device read together with what decides whether a batch takes it. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "fixture.h"
#include "plugin/rules/target.h"
#include "plugin/store/prospect.h"
#include "plugin/store/target.h"

enum { DEVICES = 7 };

static struct {
	struct ota_batch batch;
	int64_t devices[DEVICES]; /* d0 .. d6 */
	int64_t unfinished;       /* of d2, in "default" */
} world;

static void module_put(int64_t device, const char *module, const char *version)
{
	struct ota_device_module row = sample_module(device, module);

	snprintf(row.version, sizeof(row.version), "%s", version);
	MUST(ota_device_module_save(fixture.store, "pk", &row, &fixture.error));
}

/* d1 runs 1.0, d2 has an unfinished task, d3 a finished one, d4 an unfinished one of another module, d5 runs 1.0 there. */
static void world_open(void)
{
	struct ota_task task;

	fixture_open();
	world.batch = insert_world();
	for (int i = 0; i < DEVICES; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d%d", i);
		world.devices[i] = insert_device("pk", name);
	}
	module_put(world.devices[1], "default", "1.0");
	module_put(world.devices[5], "modem", "1.0");
	world.unfinished = insert_task(&world.batch, world.devices[2]).id;
	task = sample_task(&world.batch, world.devices[3]);
	task.state = OTA_TASK_FAILED;
	MUST(ota_task_insert(fixture.store, &task, &fixture.error));
	task = sample_task(&world.batch, world.devices[4]);
	snprintf(task.module, sizeof(task.module), "modem");
	MUST(ota_task_insert(fixture.store, &task, &fixture.error));
}

TestSuite(prospect, .init = world_open, .fini = fixture_close);

static void expect_world(const struct ota_prospect *rows, int first, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int at = first + (int)i;

		cr_expect_eq(rows[i].device.id, world.devices[at]);
		cr_expect_eq(rows[i].device.identity.device_name[1], '0' + at);
		cr_expect_str_eq(rows[i].version, at == 1 ? "1.0" : "");
		cr_expect_eq(rows[i].unfinished, at == 2 ? world.unfinished : 0, "d%d", at);
	}
}

Test(prospect, is_read_with_what_its_module_runs_and_its_unfinished_task_in_the_order_of_names)
{
	struct ota_prospect_filter filter = {"pk", "default", ""};
	struct ota_prospect rows[4];
	size_t count = 0;

	MUST(ota_prospect_list(fixture.store, &filter, rows, 4, &count, &fixture.error));
	cr_assert_eq(count, 4);
	expect_world(rows, 0, count);
	filter.after = "d3";
	MUST(ota_prospect_list(fixture.store, &filter, rows, 4, &count, &fixture.error));
	cr_assert_eq(count, 3);
	expect_world(rows, 4, count);
}

Test(prospect, of_an_expression_is_the_same_row)
{
	static struct ota_target target;
	const struct ota_target_scope scope = {.target = &target, .product_key = "pk", .module = "default"};
	struct ota_target_walk walk = {.after = "d0"};
	struct ota_prospect rows[3];
	size_t count = 0;

	MUST(ota_target_parse(ota_span_from_text("name = d*"), &target, &fixture.error));
	MUST(ota_target_next(fixture.store, &scope, &walk, rows, 3, &count, &fixture.error));
	cr_assert_eq(count, 3);
	expect_world(rows, 1, count);
	MUST(ota_target_next(fixture.store, &scope, &walk, rows, 3, &count, &fixture.error));
	expect_world(rows, 4, count);
}

Test(prospect, of_a_list_may_be_nobody)
{
	static const char *const names[] = {"nobody", "d2", "d1", "d2"};
	const struct ota_prospect_filter filter = {"pk", "default", ""};
	struct ota_prospect rows[4];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		MUST(ota_batch_insert_target(fixture.store, world.batch.id, names[i], &fixture.error));
	MUST(ota_batch_insert_target(fixture.store, world.batch.id + 1, "d4", &fixture.error));
	MUST(ota_prospect_list_named(fixture.store, world.batch.id, &filter, rows, 4, &count, &fixture.error));
	cr_assert_eq(count, 3);
	expect_world(rows, 1, 2);
	cr_expect_eq(rows[2].device.id, 0);
	cr_expect_str_eq(rows[2].device.identity.device_name, "nobody");
	cr_expect_str_eq(rows[2].version, "");
	cr_expect_eq(rows[2].unfinished, 0);
}
