/* Products, packages, operators, events: rows go in and come out, doubles and old revisions are refused, pages follow one
 * another. */
#include "fixture.h"

TestSuite(registry, .init = fixture_open, .fini = fixture_close);

Test(registry, a_product_comes_back_as_it_went_in)
{
	struct ota_product in = sample_product("pk"), out;

	MUST(ota_product_insert(fixture.store, &in, &fixture.error));
	MUST(ota_product_find(fixture.store, "pk", &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
	MUST_FAIL(OTA_ECONFLICT, ota_product_insert(fixture.store, &in, &fixture.error));
	cr_expect_str_eq(fixture.error.text, "product pk exists");
}

Test(registry, a_product_is_saved_under_its_revision_only)
{
	struct ota_product mine, stale, out;

	insert_product("pk");
	MUST(ota_product_find(fixture.store, "pk", &mine, &fixture.error));
	stale = mine;
	memset(mine.name, 0, sizeof(mine.name));
	snprintf(mine.name, sizeof(mine.name), "another");
	mine.open_registration = false;
	mine.sign = OTA_PRODUCT_SIGN_MD5;
	mine.delivery = OTA_DELIVERY_HTTP;
	MUST(ota_product_save(fixture.store, &mine, &fixture.error));
	MUST_FAIL(OTA_ECONFLICT, ota_product_save(fixture.store, &stale, &fixture.error));
	cr_expect_eq(mine.rev, stale.rev + 1);
	MUST(ota_product_find(fixture.store, "pk", &out, &fixture.error));
	cr_expect_arr_eq(&mine, &out, sizeof(out));
}

Test(registry, what_is_not_found_leaves_output_and_error_alone)
{
	struct ota_product out = {.name = "untouched"};

	MUST_FAIL(OTA_ENOTFOUND, ota_product_find(fixture.store, "none", &out, &fixture.error));
	cr_expect_str_eq(out.name, "untouched");
	cr_expect_str_empty(fixture.error.text);
}

Test(registry, products_page_by_key_in_the_order_of_bytes)
{
	static const char *const keys[] = {"a", "B", "Z", "b", "10", "9"};
	static const char *const ordered[] = {"10", "9", "B", "Z", "a", "b"};
	struct ota_product rows[2];
	const char *after = "";
	int64_t total = 0;
	size_t count = 0, seen = 0;

	for (size_t i = 0; i < 6; i++)
		insert_product(keys[i]);
	do {
		MUST(ota_product_list(fixture.store, after, rows, 2, &count, &fixture.error));
		for (size_t i = 0; i < count; i++)
			cr_expect_str_eq(rows[i].product_key, ordered[seen++]);
		after = rows[1].product_key;
	} while (count == 2);
	cr_expect_eq(seen, 6);
	MUST(ota_product_count(fixture.store, &total, &fixture.error));
	cr_expect_eq(total, 6);
}

Test(registry, a_package_comes_back_with_its_full_image)
{
	struct ota_package in, out;

	insert_product("pk");
	in = insert_package("pk", "2.0");
	MUST(ota_package_load(fixture.store, in.id, &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
	memset(&out, 0, sizeof(out));
	MUST(ota_package_find(fixture.store, "pk", "default", "2.0", &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
	MUST_FAIL(OTA_ENOTFOUND, ota_package_find(fixture.store, "pk", "default", "2.1", &out, &fixture.error));
	MUST_FAIL(OTA_ENOTFOUND, ota_package_load(fixture.store, in.id + 1, &out, &fixture.error));
}

Test(registry, one_version_of_a_module_exists_once)
{
	struct ota_package again;

	insert_product("pk");
	insert_product("other");
	insert_package("pk", "2.0");
	insert_package("other", "2.0");
	again = sample_package("pk", "2.0");
	MUST_FAIL(OTA_ECONFLICT, package_put(&again));
	cr_expect_str_eq(fixture.error.text, "version 2.0 of module default of product pk exists");
	snprintf(again.module, sizeof(again.module), "modem");
	MUST(package_put(&again));
}

Test(registry, a_package_has_one_file_or_several_in_their_order)
{
	struct ota_package_files files = {.count = OTA_FILES_MAX}, out;
	struct ota_package row, found;

	insert_product("pk");
	row = insert_package("pk", "1.0");
	MUST(ota_package_files(fixture.store, &row, &out, &fixture.error));
	cr_expect(out.count == 1 && ota_package_size(&out) == row.full.size);

	row = sample_package("pk", "2.0");
	for (size_t i = 0; i < files.count; i++) {
		files.items[i] = row.full;
		files.items[i].id = fixture_id();
		files.items[i].size = i + 1;
		files.items[i].position = (int64_t)i;
		snprintf(files.items[i].file_name, sizeof(files.items[i].file_name), "file-%02zu", 99 - i);
	}
	MUST(ota_package_insert(fixture.store, &row, &files, &fixture.error));
	MUST(ota_package_find(fixture.store, "pk", row.module, "2.0", &found, &fixture.error));
	cr_expect_str_eq(found.full.file_name, "file-99", "the first of them stands for the package");
	MUST(ota_package_files(fixture.store, &found, &out, &fixture.error));
	cr_assert_eq(out.count, OTA_FILES_MAX);
	cr_expect_str_eq(out.items[OTA_FILES_MAX - 1].file_name, "file-80");
	cr_expect_eq(ota_package_size(&out), 210);
}

Test(registry, a_package_needs_its_product)
{
	struct ota_package row = sample_package("nowhere", "1");

	MUST_FAIL(OTA_ECONFLICT, package_put(&row));
}

Test(registry, a_package_is_saved_under_its_revision_only)
{
	struct ota_package mine, stale, out;

	insert_product("pk");
	mine = insert_package("pk", "2.0");
	stale = mine;
	mine.yanked = false;
	mine.verification = OTA_VERIFIED;
	memset(mine.verified_sha256, 'a', OTA_SHA256_HEX);
	MUST(ota_package_save(fixture.store, &mine, &fixture.error));
	cr_expect_eq(mine.rev, stale.rev + 1);
	MUST_FAIL(OTA_ECONFLICT, ota_package_save(fixture.store, &stale, &fixture.error));
	cr_expect_eq(stale.rev, mine.rev - 1);
	MUST(ota_package_load(fixture.store, mine.id, &out, &fixture.error));
	cr_expect_arr_eq(&mine, &out, sizeof(out));
}

/* One table of filters: the packages inserted below, counted by what each list must hold. */
Test(registry, packages_page_downwards_and_filter)
{
	static const struct {
		const char *product, *module;
		size_t expected;
	} lists[] = {{"", "", 12}, {"pk", "", 8}, {"pk", "default", 4}, {"", "modem", 6}, {"none", "", 0}};
	static struct ota_package rows[3];

	insert_product("pk");
	insert_product("other");
	for (int i = 0; i < 12; i++) {
		char version[8];
		struct ota_package row;

		snprintf(version, sizeof(version), "%d", i);
		row = sample_package(i % 3 ? "pk" : "other", version);
		snprintf(row.module, sizeof(row.module), i % 2 ? "modem" : "default");
		MUST(package_put(&row));
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		int64_t before = 0;
		size_t count = 0, seen = 0;

		do {
			MUST(ota_package_list(fixture.store,
					      &(struct ota_package_filter){lists[i].product, lists[i].module, before}, rows, 3,
					      &count, &fixture.error));
			for (size_t row = 0; row < count; row++) {
				cr_expect(before == 0 || rows[row].id < before);
				before = rows[row].id;
			}
			seen += count;
		} while (count == 3);
		cr_expect_eq(seen, lists[i].expected, "list %zu holds %zu", i, seen);
	}
}

Test(registry, an_operator_is_found_by_the_hash_of_its_token)
{
	struct ota_operator in = {.created_ms = 1, .expires_ms = 2, .name = "ann", .role = "admin"}, out;
	int64_t count = 0;

	memset(in.token_hash, 'a', OTA_SHA256_HEX);
	MUST(ota_operator_insert(fixture.store, &in, &fixture.error));
	MUST_FAIL(OTA_ECONFLICT, ota_operator_insert(fixture.store, &in, &fixture.error));
	MUST(ota_operator_find(fixture.store, in.token_hash, &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
	in.token_hash[0] = 'b';
	MUST_FAIL(OTA_ENOTFOUND, ota_operator_find(fixture.store, in.token_hash, &out, &fixture.error));
	MUST(ota_operator_count(fixture.store, &count, &fixture.error));
	cr_expect_eq(count, 1);
}

static int64_t insert_event(const char *product_key, int64_t device_id, int64_t batch_id)
{
	struct ota_event row;

	memset(&row, 0, sizeof(row));
	row.id = fixture_id();
	row.at_ms = 1;
	snprintf(row.product_key, sizeof(row.product_key), "%s", product_key);
	row.device_id = device_id;
	row.batch_id = batch_id;
	row.task_id = 4;
	snprintf(row.event, sizeof(row.event), "event 5");
	snprintf(row.detail, sizeof(row.detail), "detail=6");
	snprintf(row.actor, sizeof(row.actor), "actor 7");
	MUST(ota_event_insert(fixture.store, &row, &fixture.error));
	return row.id;
}

Test(registry, an_event_comes_back_with_its_devices_name)
{
	struct ota_event out[3];
	struct ota_event_page page = {.rows = out, .capacity = 3};
	int64_t device;

	insert_product("pk");
	device = insert_device("pk", "sensor-1");
	insert_event("pk", device, 3);
	insert_event("pk", 0, 0);
	MUST(ota_event_list(fixture.store, &(struct ota_event_filter){0}, &page, &fixture.error));
	cr_assert_eq(page.count, 2);
	cr_expect_str_eq(out[0].device_name, "");
	cr_expect_str_eq(out[1].device_name, "sensor-1");
	cr_expect_eq(out[1].device_id, device);
	cr_expect_eq(out[1].at_ms, 1);
	cr_expect_eq(out[1].batch_id, 3);
	cr_expect_eq(out[1].task_id, 4);
	cr_expect_str_eq(out[1].event, "event 5");
	cr_expect_str_eq(out[1].detail, "detail=6");
	cr_expect_str_eq(out[1].actor, "actor 7");
	cr_expect_str_eq(out[1].product_key, "pk");
}

static size_t events_count(const struct ota_event_filter *filter)
{
	static struct ota_event rows[2];
	struct ota_event_filter next = *filter;
	struct ota_event_page page = {.rows = rows, .capacity = 2};
	size_t seen = 0;

	do {
		MUST(ota_event_list(fixture.store, &next, &page, &fixture.error));
		for (size_t i = 0; i < page.count; i++) {
			cr_expect(next.rising ? rows[i].id > next.above : next.before == 0 || rows[i].id < next.before);
			next.before = next.above = rows[i].id;
		}
		next.before = next.above = page.last;
		seen += page.count;
	} while (page.more);
	return seen;
}

Test(registry, events_page_downwards_by_every_filter)
{
	/* The events below: i = 0..29 of product p0|p1, device 0..2 (0 = none), batch 0..4 (0 = none). */
	for (int i = 0; i < 30; i++)
		insert_event(i % 2 ? "p1" : "p0", i % 3, i % 5);
	cr_expect_eq(events_count(&(struct ota_event_filter){.product_key = ""}), 30);
	cr_expect_eq(events_count(&(struct ota_event_filter){.product_key = "p0"}), 15);
	cr_expect_eq(events_count(&(struct ota_event_filter){.product_key = "", .device_id = 1}), 10);
	cr_expect_eq(events_count(&(struct ota_event_filter){.product_key = "p1", .device_id = 1}), 5);
	cr_expect_eq(events_count(&(struct ota_event_filter){.product_key = "", .batch_id = 4}), 6);
	cr_expect_eq(events_count(&(struct ota_event_filter){.product_key = "p0", .batch_id = 4}), 3);
	cr_expect_eq(events_count(&(struct ota_event_filter){.product_key = "", .device_id = 2, .batch_id = 4}), 2);
	cr_expect_eq(events_count(&(struct ota_event_filter){.product_key = "p1", .device_id = 2, .batch_id = 4}), 1);
	cr_expect_eq(events_count(&(struct ota_event_filter){.product_key = "none"}), 0);
}

/* Longest values, and text that only looks like SQL: what was bound comes back byte for byte. */
Test(registry, text_is_data_up_to_its_limit)
{
	struct ota_product in = sample_product("pk"), out;

	memset(in.name, 'x', OTA_LABEL_MAX);
	memcpy(in.name, "'; DROP TABLE product; -- \xc3\xa4$1", 29);
	MUST(ota_product_insert(fixture.store, &in, &fixture.error));
	fixture_reopen();
	MUST(ota_product_find(fixture.store, "pk", &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
}
