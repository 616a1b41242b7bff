/* Devices, their modules, and the kept counts of versions. */
#include "fixture.h"

static void world_open(void)
{
	fixture_open();
	insert_product("pk");
}

TestSuite(device, .init = world_open, .fini = fixture_close);

Test(device, comes_back_as_it_went_in)
{
	struct ota_device in = sample_device("pk", "dn"), out;

	MUST(ota_device_insert(fixture.store, &in, &fixture.error));
	MUST(ota_device_find(fixture.store, &in.identity, &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
	memset(&out, 0, sizeof(out));
	MUST(ota_device_load(fixture.store, in.id, &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
}

static int64_t devices_counted(void)
{
	struct ota_product product;

	MUST(ota_product_find(fixture.store, "pk", &product, &fixture.error));
	return product.devices;
}

Test(device, is_counted_once_in_its_product)
{
	struct ota_device again;

	insert_device("pk", "a");
	insert_device("pk", "b");
	again = sample_device("pk", "a");
	MUST_FAIL(OTA_ECONFLICT, ota_device_insert(fixture.store, &again, &fixture.error));
	cr_expect_eq(devices_counted(), 2);
}

Test(device, needs_its_product)
{
	struct ota_device row = sample_device("nowhere", "a");

	MUST_FAIL(OTA_ECONFLICT, ota_device_insert(fixture.store, &row, &fixture.error));
}

Test(device, is_saved_under_its_revision_only)
{
	struct ota_device mine = sample_device("pk", "a"), stale, out;

	MUST(ota_device_insert(fixture.store, &mine, &fixture.error));
	stale = mine;
	mine.last_seen_ms = 9001;
	mine.caps = 1;
	mine.barred = false;
	memset(mine.agent, 'x', sizeof(mine.agent) - 1);
	MUST(ota_device_save(fixture.store, &mine, &fixture.error));
	MUST_FAIL(OTA_ECONFLICT, ota_device_save(fixture.store, &stale, &fixture.error));
	MUST(ota_device_load(fixture.store, mine.id, &out, &fixture.error));
	cr_expect_arr_eq(&mine, &out, sizeof(out));
	cr_expect_eq(out.rev, stale.rev + 1);
}

/* Buffered last-seen times must not push a concurrent decision off its revision. */
Test(device, last_seen_leaves_the_revision)
{
	struct ota_device row = sample_device("pk", "a"), out;

	MUST(ota_device_insert(fixture.store, &row, &fixture.error));
	MUST(ota_device_save_last_seen(fixture.store, row.id, 9002, &fixture.error));
	MUST(ota_device_load(fixture.store, row.id, &out, &fixture.error));
	cr_expect_eq(out.last_seen_ms, 9002);
	cr_expect_eq(out.rev, row.rev);
}

static void save_version(int64_t device, const char *module, const char *version)
{
	struct ota_device_module row = sample_module(device, module);

	snprintf(row.version, sizeof(row.version), "%s", version);
	MUST(ota_device_module_save(fixture.store, "pk", &row, &fixture.error));
}

static size_t devices_list(const char *module, const char *version, char names[][OTA_DEVICE_NAME_MAX + 1])
{
	static struct ota_device rows[3];
	const char *after = "";
	size_t count = 0, seen = 0;

	do {
		MUST(ota_device_list(fixture.store, &(struct ota_device_filter){"pk", module, version, after}, rows, 3, &count,
				     &fixture.error));
		for (size_t i = 0; i < count; i++)
			memcpy(names[seen++], rows[i].identity.device_name, sizeof(names[0]));
		after = names[seen - 1];
	} while (count == 3);
	return seen;
}

Test(device, list_pages_by_name)
{
	char names[16][OTA_DEVICE_NAME_MAX + 1];

	insert_product("other");
	for (int i = 0; i < 7; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%c", "gCaFbeD"[i]);
		insert_device("pk", name);
		insert_device("other", name);
	}
	cr_assert_eq(devices_list("", "", names), 7);
	for (int i = 0; i < 7; i++)
		cr_expect_eq(names[i][0], "CDFabeg"[i]);
}

Test(device, list_narrows_to_who_runs_a_version)
{
	char names[16][OTA_DEVICE_NAME_MAX + 1];
	int64_t ids[8];

	for (int i = 0; i < 8; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d%d", i);
		ids[i] = insert_device("pk", name);
		save_version(ids[i], "default", i % 2 ? "odd" : "even");
		save_version(ids[i], "modem", "odd");
	}
	cr_assert_eq(devices_list("default", "odd", names), 4);
	for (int i = 0; i < 4; i++)
		cr_expect_eq(names[i][1], "1357"[i]);
	save_version(ids[3], "default", "even");
	cr_expect_eq(devices_list("default", "odd", names), 3);
	cr_expect_eq(devices_list("default", "even", names), 5);
	cr_expect_eq(devices_list("modem", "odd", names), 8);
}

Test(device, module_comes_back_as_it_went_in)
{
	struct ota_device_module in, out;
	int64_t id = insert_device("pk", "a");

	MUST_FAIL(OTA_ENOTFOUND, ota_device_module_find(fixture.store, id, "default", &out, &fixture.error));
	in = sample_module(id, "default");
	MUST(ota_device_module_save(fixture.store, "pk", &in, &fixture.error));
	MUST(ota_device_module_find(fixture.store, id, "default", &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
	in.version_ms = 1;
	in.candidate_wall_ms = 2;
	in.candidate_due = 0;
	memset(in.candidate, 0, sizeof(in.candidate));
	in.loop_count = 3;
	in.loop_since = 4;
	MUST(ota_device_module_save(fixture.store, "pk", &in, &fixture.error));
	MUST(ota_device_module_find(fixture.store, id, "default", &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
}

static void insert_disabled(const char *product_key, const char *name, bool disabled)
{
	struct ota_device row = sample_device(product_key, name);

	row.disabled = disabled;
	MUST(ota_device_insert(fixture.store, &row, &fixture.error));
}

Test(device, those_shut_out_are_listed_of_one_product_and_of_all)
{
	struct ota_device_filter filter = { .product_key = "pk", .version = "", .after = "", .disabled = true };
	struct ota_identity after = { "", "" };
	struct ota_device rows[2];
	struct ota_product other = sample_product("pk2");
	size_t count = 0;

	MUST(ota_product_insert(fixture.store, &other, &fixture.error));
	insert_disabled("pk", "b", true);
	insert_disabled("pk", "a", false);
	insert_disabled("pk2", "a", true);
	insert_disabled("pk", "c", true);
	MUST(ota_device_list(fixture.store, &filter, rows, 2, &count, &fixture.error));
	cr_assert_eq(count, 2);
	cr_expect_str_eq(rows[0].identity.device_name, "b");
	cr_expect_str_eq(rows[1].identity.device_name, "c");
	MUST(ota_device_list_disabled(fixture.store, &after, rows, 2, &count, &fixture.error));
	cr_assert_eq(count, 2);
	cr_expect_str_eq(rows[1].identity.device_name, "c");
	MUST(ota_device_list_disabled(fixture.store, &rows[1].identity, rows, 2, &count, &fixture.error));
	cr_assert_eq(count, 1);
	cr_expect_str_eq(rows[0].identity.product_key, "pk2");
}

Test(device, module_needs_its_device)
{
	struct ota_device_module row = sample_module(4711, "default");

	MUST_FAIL(OTA_ECONFLICT, ota_device_module_save(fixture.store, "pk", &row, &fixture.error));
}

Test(device, modules_are_listed_by_name)
{
	struct ota_device_module rows[2];
	size_t count = 0;
	int64_t id = insert_device("pk", "a");

	save_version(id, "modem", "1");
	save_version(id, "default", "1");
	save_version(id, "zed", "1");
	MUST(ota_device_module_list(fixture.store, id, rows, 2, &count, &fixture.error));
	cr_assert_eq(count, 2);
	cr_expect_str_eq(rows[0].module, "default");
	cr_expect_str_eq(rows[1].module, "modem");
}

Test(device, candidates_are_due_in_the_order_of_time)
{
	static const int64_t due[] = {30, 0, 10, 20, 40};
	struct ota_device_module rows[8];
	size_t count = 0;
	int64_t next = 0;

	MUST(ota_device_module_next_due(fixture.store, &next, &fixture.error));
	cr_expect_eq(next, INT64_MAX);
	for (int i = 0; i < 5; i++) {
		char name[8];
		struct ota_device_module row;

		snprintf(name, sizeof(name), "d%d", i);
		row = sample_module(insert_device("pk", name), "default");
		row.candidate_due = due[i];
		MUST(ota_device_module_save(fixture.store, "pk", &row, &fixture.error));
	}
	MUST(ota_device_module_next_due(fixture.store, &next, &fixture.error));
	cr_expect_eq(next, 10);
	MUST(ota_device_module_due(fixture.store, 30, rows, 8, &count, &fixture.error));
	cr_assert_eq(count, 3, "at the instant itself it is due");
	for (int i = 0; i < 3; i++)
		cr_expect_eq(rows[i].candidate_due, 10 * (i + 1));
	MUST(ota_device_module_due(fixture.store, 9, rows, 8, &count, &fixture.error));
	cr_expect_eq(count, 0, "a module without a candidate is never due");
}

Test(device, versions_are_counted_as_they_change)
{
	struct ota_version_count rows[4];
	int64_t ids[4];
	size_t count = 0;

	for (int i = 0; i < 4; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d%d", i);
		ids[i] = insert_device("pk", name);
		save_version(ids[i], "default", "");
		save_version(ids[i], "modem", "7");
	}
	MUST(ota_version_distribution(fixture.store, "pk", "default", rows, 4, &count, &fixture.error));
	cr_expect_eq(count, 0, "a version that has not settled is none");
	for (int i = 0; i < 4; i++)
		save_version(ids[i], "default", "1.0");
	save_version(ids[0], "default", "2.0");
	save_version(ids[1], "default", "2.0");
	save_version(ids[2], "default", "2.0");
	save_version(ids[2], "default", "2.0");
	MUST(ota_version_distribution(fixture.store, "pk", "default", rows, 4, &count, &fixture.error));
	cr_assert_eq(count, 2);
	cr_expect_str_eq(rows[0].version, "2.0");
	cr_expect_eq(rows[0].count, 3);
	cr_expect_str_eq(rows[1].version, "1.0");
	cr_expect_eq(rows[1].count, 1);
	save_version(ids[3], "default", "2.0");
	MUST(ota_version_distribution(fixture.store, "pk", "default", rows, 4, &count, &fixture.error));
	cr_expect_eq(count, 1, "nobody runs 1.0 any more");
}
