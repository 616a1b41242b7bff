/* Searching, following and pruning the event log. */
#include "fixture.h"

TestSuite(event, .init = fixture_open, .fini = fixture_close);

/* The log's event number i, from 0: its time, and what it is about. */
static int64_t event_add(int64_t at_ms, const char *word, const char *actor, int64_t task_id)
{
	struct ota_event event = {.id = fixture_id(), .at_ms = at_ms, .batch_id = 1, .task_id = task_id, .product_key = "pk"};

	snprintf(event.event, sizeof(event.event), "%s", word);
	snprintf(event.actor, sizeof(event.actor), "%s", actor);
	MUST(ota_event_insert(fixture.store, &event, &fixture.error));
	return event.id;
}

enum { CAPACITY = 100 };
static struct ota_event rows[CAPACITY];

static struct ota_event_page page_of(struct ota_event_filter filter)
{
	struct ota_event_page page = {.rows = rows, .capacity = CAPACITY};

	MUST(ota_event_list(fixture.store, &filter, &page, &fixture.error));
	return page;
}

static size_t count_of(struct ota_event_filter filter)
{
	return page_of(filter).count;
}

Test(event, is_found_by_word_actor_and_task)
{
	for (int i = 0; i < 30; i++)
		event_add(1000 + i, i % 2 ? "pushed" : "failed", i % 3 ? "" : "ann", i % 5);
	cr_expect_eq(count_of((struct ota_event_filter){.event = "pushed"}), 15);
	cr_expect_eq(count_of((struct ota_event_filter){.event = "push"}), 0, "a word is a whole word");
	cr_expect_eq(count_of((struct ota_event_filter){.actor = "ann"}), 10);
	cr_expect_eq(count_of((struct ota_event_filter){.task_id = 4}), 6);
	cr_expect_eq(count_of((struct ota_event_filter){.task_id = 4, .event = "pushed", .actor = "ann", .batch_id = 1}), 1);
	cr_expect_eq(count_of((struct ota_event_filter){.task_id = 4, .batch_id = 2}), 0);
}

Test(event, is_found_by_time_with_both_ends)
{
	for (int i = 0; i < 50; i++)
		event_add(1000 + i * 10, "x", "", 0);
	cr_expect_eq(count_of((struct ota_event_filter){.since_ms = 1200}), 30);
	cr_expect_eq(count_of((struct ota_event_filter){.since_ms = 1201}), 29);
	cr_expect_eq(count_of((struct ota_event_filter){.until_ms = 1200}), 21);
	cr_expect_eq(count_of((struct ota_event_filter){.until_ms = 1199}), 20);
	cr_expect_eq(count_of((struct ota_event_filter){.since_ms = 1100, .until_ms = 1200}), 11);
	cr_expect_eq(count_of((struct ota_event_filter){.since_ms = 1491}), 0);
	cr_expect_eq(count_of((struct ota_event_filter){.until_ms = 999}), 0);
	cr_expect_eq(count_of((struct ota_event_filter){.since_ms = 1200, .rising = true}), 30);
	cr_expect_eq(count_of((struct ota_event_filter){.until_ms = 1200, .rising = true}), 21);
}

Test(event, is_found_by_its_own_time_after_the_clock_was_set_back)
{
	for (int i = 0; i < 20; i++)
		event_add(1000 + i, "before", "", 0);
	for (int i = 0; i < 20; i++)
		event_add(1010 + i, "after", "", 0);
	cr_expect_eq(count_of((struct ota_event_filter){.since_ms = 1015}), 5 + 15);
	cr_expect_eq(count_of((struct ota_event_filter){.until_ms = 1012}), 13 + 3);
}

Test(event, above_runs_forwards_from_behind_an_id)
{
	int64_t ids[5];

	for (int i = 0; i < 5; i++)
		ids[i] = event_add(1000, "x", "", 0);
	struct ota_event_page page = page_of((struct ota_event_filter){.rising = true, .above = ids[1]});
	cr_assert_eq(page.count, 3);
	cr_expect_eq(rows[0].id, ids[2]);
	cr_expect_eq(rows[2].id, ids[4]);
	cr_expect_eq(page.last, ids[4]);
	cr_expect_not(page.more);
	page = page_of((struct ota_event_filter){.rising = true, .above = ids[4]});
	cr_expect(page.count == 0 && page.last == 0 && !page.more);
}

/* A filter that nothing passes must not read a whole log in one go; whoever goes on from `last` misses nothing. */
Test(event, a_page_looks_at_so_many_rows_and_no_more)
{
	int64_t first = event_add(1000, "needle", "", 0), found = 0;
	struct ota_event_filter filter = {.event = "needle"};
	struct ota_event_page page;
	int pages = 0;

	for (int i = 0; i < 2 * OTA_EVENT_LOOK_MAX; i++)
		event_add(1001, "hay", "", 0);
	do {
		page = page_of(filter);
		found = page.count ? rows[0].id : found;
		filter.before = page.last;
		pages++;
	} while (page.more && pages < 10);
	cr_expect_eq(found, first);
	cr_expect_eq(pages, 3);
	filter = (struct ota_event_filter){.event = "hay", .rising = true, .above = first - 1};
	page = page_of(filter);
	cr_expect_eq(page.count, CAPACITY);
	cr_expect(page.more && page.last == rows[CAPACITY - 1].id);
	filter.event = "nothing";
	page = page_of(filter);
	cr_expect(page.more && page.count == 0 && page.last > first);
}

Test(event, pruning_takes_the_oldest_in_pieces)
{
	int64_t gone = 0;

	for (int i = 0; i < 50; i++)
		event_add(1000 + i, "x", "", 0);
	MUST(ota_event_prune(fixture.store, 1030, 20, &gone, &fixture.error));
	cr_expect_eq(gone, 20);
	cr_expect_eq(count_of((struct ota_event_filter){0}), 30);
	cr_expect_eq(rows[29].at_ms, 1020);
	MUST(ota_event_prune(fixture.store, 1030, 20, &gone, &fixture.error));
	cr_expect_eq(gone, 10);
	MUST(ota_event_prune(fixture.store, 1030, 20, &gone, &fixture.error));
	cr_expect_eq(gone, 0);
	cr_expect_eq(count_of((struct ota_event_filter){.until_ms = 1029}), 0);
}
