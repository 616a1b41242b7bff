/* Where a batch stands between its gates. */
#include "fixture.h"
#include "plugin/store/flow.h"

TestSuite(flow, .init = fixture_open, .fini = fixture_close);

Test(flow, is_zeros_until_it_was_saved)
{
	struct ota_batch batch = insert_world();
	struct ota_flow out = { .stage = 7 }, none = { .batch_id = batch.id };

	MUST(ota_flow_load(fixture.store, batch.id, &out, &fixture.error));
	cr_expect_arr_eq(&out, &none, sizeof(out));
}

Test(flow, comes_back_as_it_was_saved_last)
{
	struct ota_batch batch = insert_world();
	struct ota_flow in = {
		.batch_id = batch.id, .stage = 1, .stage_at = 2, .met_at = 3, .ramp_at = 4, .spent_at_us = 5, .parked = 6,
		.paused_at = 7, .watched = true,
	};
	struct ota_flow out;

	MUST(ota_flow_save(fixture.store, &(struct ota_flow){ .batch_id = batch.id, .stage = 9 }, &fixture.error));
	MUST(ota_flow_save(fixture.store, &in, &fixture.error));
	MUST(ota_flow_load(fixture.store, batch.id, &out, &fixture.error));
	cr_expect_arr_eq(&in, &out, sizeof(in));
}

Test(flow, a_stage_opens_once_and_is_listed_with_its_moment)
{
	struct ota_batch batch = insert_world();
	struct ota_stage_opening rows[3];
	size_t count = 9;

	MUST(ota_flow_insert_opening(fixture.store, batch.id, &(struct ota_stage_opening){ 1, 200 }, &fixture.error));
	MUST(ota_flow_insert_opening(fixture.store, batch.id, &(struct ota_stage_opening){ 0, 100 }, &fixture.error));
	MUST(ota_flow_list_openings(fixture.store, batch.id, rows, 3, &count, &fixture.error));
	cr_expect_eq(count, 2);
	cr_expect_eq(rows[0].opened_ms, 100);
	cr_expect_eq(rows[1].opened_ms, 200);
	cr_expect(ota_flow_insert_opening(fixture.store, batch.id, &(struct ota_stage_opening){ 1, 300 }, &fixture.error));
}

Test(flow, only_those_that_time_may_move_are_watched)
{
	struct ota_batch batch = insert_world();
	struct ota_flow flow = { .batch_id = batch.id, .watched = true };
	int64_t ids[2];
	size_t count = 9;

	MUST(ota_flow_list_watched(fixture.store, 0, ids, 2, &count, &fixture.error));
	cr_expect_eq(count, 0);
	MUST(ota_flow_save(fixture.store, &flow, &fixture.error));
	MUST(ota_flow_list_watched(fixture.store, 0, ids, 2, &count, &fixture.error));
	cr_expect_eq(count, 1);
	cr_expect_eq(ids[0], batch.id);
	MUST(ota_flow_list_watched(fixture.store, batch.id, ids, 2, &count, &fixture.error));
	cr_expect_eq(count, 0);
}
