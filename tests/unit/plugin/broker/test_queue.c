#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/error.h"
#include "plugin/broker/queue.h"

static struct ota_item journaled(uint64_t first, uint64_t last)
{
	return (struct ota_item){.kind = OTA_ITEM_JOURNALED, .first = first, .last = last};
}

static void put(struct ota_queue *queue, struct ota_item item)
{
	cr_assert_eq(ota_queue_put(queue, &item), 0);
}

static struct ota_item *drop_first(struct ota_item *items)
{
	struct ota_item *next = items->next;
	ota_item_free(items);
	return next;
}

static void drop_all(struct ota_item *items)
{
	while (items)
		items = drop_first(items);
}

Test(queue, keeps_the_order)
{
	struct ota_queue *queue = ota_queue_new();
	put(queue, (struct ota_item){.kind = OTA_ITEM_CONNECTED, .connection = 1});
	put(queue, journaled(5, 5));
	put(queue, (struct ota_item){.kind = OTA_ITEM_PULL, .connection = 1});
	put(queue, journaled(6, 6));
	put(queue, (struct ota_item){.kind = OTA_ITEM_GONE, .connection = 1});
	static const enum ota_item_kind wanted[] = {OTA_ITEM_CONNECTED, OTA_ITEM_JOURNALED, OTA_ITEM_PULL, OTA_ITEM_JOURNALED,
						    OTA_ITEM_GONE};
	struct ota_item *items = ota_queue_take(queue, 10, 0);
	for (size_t i = 0; i < 5; i++, items = drop_first(items))
		cr_expect_eq(items->kind, wanted[i]);
	cr_expect_null(items);
	cr_expect_eq(ota_queue_depth(queue), 0);
	ota_queue_free(queue);
}

Test(queue, copies_what_it_is_given)
{
	struct ota_queue *queue = ota_queue_new();
	char payload[] = "{\"id\":1}", caller[] = "console";
	put(queue, (struct ota_item){.kind = OTA_ITEM_COMMAND, .payload = {payload, 8}, .caller = {caller, 7}});
	memset(payload, 'x', 8);
	memset(caller, 'x', 7);
	struct ota_item *item = ota_queue_take(queue, 1, 0);
	cr_expect(ota_span_equals(item->payload, "{\"id\":1}"));
	cr_expect_str_eq(item->caller.data, "console", "NUL-terminated");
	drop_all(item);
	ota_queue_free(queue);
}

Test(queue, a_backlog_of_reports_is_one_item)
{
	struct ota_queue *queue = ota_queue_new();
	for (uint64_t sequence = 1; sequence <= 1000000; sequence++)
		put(queue, journaled(sequence, sequence));
	cr_expect_eq(ota_queue_depth(queue), 1000000);
	struct ota_item *items = ota_queue_take(queue, SIZE_MAX, 0);
	cr_expect_eq(items->first, 1);
	cr_expect_eq(items->last, 1000000);
	cr_expect_null(items->next);
	drop_all(items);
	ota_queue_free(queue);
}

Test(queue, only_sequences_in_a_row_become_one_item)
{
	struct ota_queue *queue = ota_queue_new();
	put(queue, journaled(1, 1));
	put(queue, journaled(3, 3));
	struct ota_item *items = ota_queue_take(queue, SIZE_MAX, 0);
	cr_expect_eq(items->last, 1);
	cr_assert_not_null(items->next);
	cr_expect_eq(items->next->first, 3);
	drop_all(items);
	ota_queue_free(queue);
}

Test(queue, a_take_gets_what_fits_and_the_rest_stays)
{
	struct ota_queue *queue = ota_queue_new();
	put(queue, (struct ota_item){.kind = OTA_ITEM_CONNECTED});
	put(queue, journaled(1, 100));
	put(queue, (struct ota_item){.kind = OTA_ITEM_GONE});
	struct ota_item *items = ota_queue_take(queue, 11, 0);
	cr_expect_eq(items->kind, OTA_ITEM_CONNECTED);
	cr_expect_eq(items->next->first, 1);
	cr_expect_eq(items->next->last, 10);
	cr_expect_null(items->next->next);
	drop_all(items);
	cr_expect_eq(ota_queue_depth(queue), 91);
	put(queue, journaled(101, 101));
	items = ota_queue_take(queue, 90, 0);
	cr_expect_eq(items->first, 11);
	cr_expect_eq(items->last, 100);
	cr_expect_null(items->next);
	drop_all(items);
	items = ota_queue_take(queue, 90, 0);
	cr_expect_eq(items->kind, OTA_ITEM_GONE);
	cr_expect_eq(items->next->first, 101);
	drop_all(items);
	cr_expect_null(ota_queue_take(queue, 90, 0));
	ota_queue_free(queue);
}

static void expect_limit(enum ota_item_kind kind, size_t limit)
{
	struct ota_queue *queue = ota_queue_new();
	struct ota_item item = {.kind = kind};
	for (size_t i = 0; i < limit; i++)
		cr_assert_eq(ota_queue_put(queue, &item), 0);
	cr_expect_eq(ota_queue_put(queue, &item), OTA_ELIMIT);
	drop_all(ota_queue_take(queue, 1, 0));
	cr_expect_eq(ota_queue_put(queue, &item), 0, "a place is free again");
	ota_queue_free(queue);
}

Test(queue, pulls_and_commands_are_bounded)
{
	expect_limit(OTA_ITEM_PULL, OTA_QUEUE_PULLS_MAX);
	expect_limit(OTA_ITEM_COMMAND, OTA_QUEUE_COMMANDS_MAX);
}

Test(queue, is_crowded_by_logins_that_wait)
{
	struct ota_queue *queue = ota_queue_new();
	for (size_t i = 0; i < OTA_QUEUE_CONNECTS_MAX; i++) {
		cr_assert_not(ota_queue_is_crowded(queue));
		put(queue, (struct ota_item){.kind = OTA_ITEM_CONNECTED});
	}
	cr_expect(ota_queue_is_crowded(queue));
	put(queue, (struct ota_item){.kind = OTA_ITEM_GONE});
	ota_queue_free(queue);
}

/* --- two threads --- */

static void *take_all(void *context)
{
	struct ota_queue *queue = context;
	uint64_t *last = calloc(1, sizeof(*last));
	for (;;) {
		struct ota_item *items = ota_queue_take(queue, 7, 10000);
		if (!items)
			return last; /* closed */
		for (; items; items = drop_first(items)) {
			if (items->first != *last + 1)
				*last = UINT64_MAX / 2;
			*last = items->last;
		}
	}
}

Test(queue, hands_everything_to_another_thread_and_lets_it_go_when_closed)
{
	struct ota_queue *queue = ota_queue_new();
	pthread_t thread;
	void *last;
	cr_assert_eq(pthread_create(&thread, NULL, take_all, queue), 0);
	for (uint64_t sequence = 1; sequence <= 200000; sequence++)
		put(queue, journaled(sequence, sequence));
	ota_queue_close(queue);
	cr_assert_eq(pthread_join(thread, &last), 0);
	cr_expect_eq(*(uint64_t *)last, 200000);
	free(last);
	ota_queue_free(queue);
}

static int64_t clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

Test(queue, waits_no_longer_than_asked_and_pauses_over_what_comes)
{
	struct ota_queue *queue = ota_queue_new();
	int64_t begun = clock_ms();
	cr_expect_null(ota_queue_take(queue, 1, 30));
	cr_expect_geq(clock_ms() - begun, 29);
	put(queue, (struct ota_item){.kind = OTA_ITEM_GONE});
	begun = clock_ms();
	ota_queue_pause(queue, 30);
	cr_expect_geq(clock_ms() - begun, 29);
	ota_queue_free(queue);
}

Test(queue, a_pause_after_the_close_is_a_pause)
{
	struct ota_queue *queue = ota_queue_new();
	ota_queue_close(queue);
	int64_t begun = clock_ms();
	ota_queue_pause(queue, 30);
	cr_expect_geq(clock_ms() - begun, 29, "whoever tries again must not spin");
	ota_queue_free(queue);
}
