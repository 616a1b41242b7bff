/* Batches, their targets and their kept counts. */
#include "fixture.h"

TestSuite(batch, .init = fixture_open, .fini = fixture_close);

Test(batch, comes_back_as_it_went_in)
{
	struct ota_batch in = insert_world(), out;

	MUST(ota_batch_load(fixture.store, in.id, &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
	MUST_FAIL(OTA_ENOTFOUND, ota_batch_load(fixture.store, in.id + 1, &out, &fixture.error));
	MUST_FAIL(OTA_ECONFLICT, ota_batch_insert(fixture.store, &in, &fixture.error));
}

Test(batch, needs_its_package)
{
	struct ota_package nowhere = sample_package("pk", "1");
	struct ota_batch row = sample_batch(&nowhere);

	MUST_FAIL(OTA_ECONFLICT, ota_batch_insert(fixture.store, &row, &fixture.error));
}

Test(batch, is_saved_under_its_revision_only)
{
	struct ota_batch mine = insert_world(), stale = mine, out;

	mine.state = OTA_BATCH_CANCELED;
	memset(mine.reason, 'r', OTA_REASON_MAX);
	mine.total = 1;
	mine.prepared = false;
	memset(mine.prepare_after, 'd', OTA_DEVICE_NAME_MAX);
	mine.canceling = true;
	mine.cancel_level = OTA_CANCEL_ASKS;
	mine.cancel_after = 9;
	mine.started_ms = 2;
	mine.ended_ms = 3;
	mine.ends_ms = 4;
	MUST(ota_batch_save(fixture.store, &mine, &fixture.error));
	MUST_FAIL(OTA_ECONFLICT, ota_batch_save(fixture.store, &stale, &fixture.error));
	MUST(ota_batch_load(fixture.store, mine.id, &out, &fixture.error));
	cr_expect_arr_eq(&mine, &out, sizeof(out));
	cr_expect_eq(out.rev, stale.rev + 1);
}

static size_t batches_list(const char *product_key, int state)
{
	static struct ota_batch rows[2];
	int64_t before = 0;
	size_t count = 0, seen = 0;

	do {
		MUST(ota_batch_list(fixture.store, &(struct ota_batch_filter){product_key, state, before}, rows, 2, &count,
				    &fixture.error));
		for (size_t i = 0; i < count; i++) {
			cr_expect(before == 0 || rows[i].id < before, "newest first");
			before = rows[i].id;
		}
		seen += count;
	} while (count == 2);
	return seen;
}

Test(batch, list_pages_downwards_and_filters)
{
	struct ota_package packages[2];

	insert_product("p0");
	insert_product("p1");
	packages[0] = insert_package("p0", "1");
	packages[1] = insert_package("p1", "1");
	for (int i = 0; i < 10; i++) {
		struct ota_batch row = sample_batch(&packages[i % 2]);

		row.state = (enum ota_batch_state)(i % OTA_BATCH_STATES);
		MUST(ota_batch_insert(fixture.store, &row, &fixture.error));
	}
	cr_expect_eq(batches_list("", -1), 10);
	cr_expect_eq(batches_list("p1", -1), 5);
	cr_expect_eq(batches_list("", OTA_BATCH_PLANNED), 2);
	cr_expect_eq(batches_list("p0", OTA_BATCH_PLANNED), 1);
	cr_expect_eq(batches_list("none", -1), 0);
}

/* Which batches the campaign clock must look at. ends 0: no end. */
static const struct working_case {
	enum ota_batch_state state;
	bool prepared, canceling;
	int64_t ends_ms;
	bool expected; /* at wall 1000 */
} working_cases[] = {
	{OTA_BATCH_PLANNED, false, false, 0, true},
	{OTA_BATCH_RUNNING, true, false, 0, false},
	{OTA_BATCH_RUNNING, false, false, 0, true},
	{OTA_BATCH_RUNNING, true, false, 1000, true},
	{OTA_BATCH_RUNNING, true, false, 1001, false},
	{OTA_BATCH_PAUSED, true, false, 999, true},
	{OTA_BATCH_PAUSED, true, true, 0, true},
	{OTA_BATCH_COMPLETED, false, false, 999, false},
	{OTA_BATCH_CANCELED, true, false, 999, false},
	{OTA_BATCH_CANCELED, true, true, 0, true},
};
enum { WORKING_CASES = sizeof(working_cases) / sizeof(working_cases[0]) };

Test(batch, working_are_those_the_clock_has_to_do_with)
{
	struct ota_package package;
	int64_t ids[WORKING_CASES], found[WORKING_CASES + 1];
	size_t count = 0, next = 0;

	insert_product("pk");
	package = insert_package("pk", "1");
	for (size_t i = 0; i < WORKING_CASES; i++) {
		struct ota_batch row = sample_batch(&package);

		row.state = working_cases[i].state;
		row.prepared = working_cases[i].prepared;
		row.canceling = working_cases[i].canceling;
		row.ends_ms = working_cases[i].ends_ms;
		MUST(ota_batch_insert(fixture.store, &row, &fixture.error));
		ids[i] = row.id;
	}
	MUST(ota_batch_list_working(fixture.store, 1000, 0, found, WORKING_CASES + 1, &count, &fixture.error));
	for (size_t i = 0; i < WORKING_CASES; i++) {
		bool listed = next < count && found[next] == ids[i];

		cr_expect_eq(listed, working_cases[i].expected, "case %zu", i);
		next += listed;
	}
	cr_expect_eq(next, count);
	MUST(ota_batch_list_working(fixture.store, 1000, found[1], found, 1, &count, &fixture.error));
	cr_assert_eq(count, 1);
	cr_expect_eq(found[0], ids[3], "the next one after the second is the third");
}

Test(batch, exclusions_add_up)
{
	struct ota_batch_counts counts;
	struct ota_batch batch = insert_world();

	for (int why = OTA_EXCLUDED_AT_TARGET; why <= OTA_EXCLUDED_BARRED; why++)
		for (int i = 0; i < 2; i++)
			MUST(ota_batch_add_excluded(fixture.store, batch.id, (enum ota_exclusion)why, why + 1, &fixture.error));
	MUST(ota_batch_load_counts(fixture.store, batch.id, &counts, &fixture.error));
	cr_expect_eq(counts.excluded_at_target, 2);
	cr_expect_eq(counts.excluded_conflict, 4);
	cr_expect_eq(counts.excluded_unknown, 6);
	cr_expect_eq(counts.excluded_barred, 8);
	MUST(ota_batch_load_counts(fixture.store, batch.id + 1, &counts, &fixture.error));
	cr_expect_eq(counts.excluded_at_target, 0);
}
