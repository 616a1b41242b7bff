#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/broker/round.h"
#include "tests/unit/plugin/broker/reports.h"
#include "tests/unit/support/scratch.h"

static struct ota_round *round_;

static void setup(void)
{
	round_ = calloc(1, sizeof(*round_));
}

static void teardown(void)
{
	free(round_);
}

TestSuite(round, .init = setup, .fini = teardown);

static void add(const char *device, enum ota_topic_kind topic, int qos, const char *payload)
{
	struct ota_round_event *event = &round_->events[round_->count++];
	*event = (struct ota_round_event){
		.kind = OTA_ITEM_JOURNALED,
		.qos = qos,
		.event = {.kind = OTA_FLEET_MESSAGE, .topic = topic, .payload = ota_span_from_text(payload)}};
	snprintf(event->event.identity.product_key, sizeof(event->event.identity.product_key), "pk");
	snprintf(event->event.identity.device_name, sizeof(event->event.identity.device_name), "%s", device);
}

static void step(const char *device, const char *step_, const char *module)
{
	static char room[OTA_ROUND_EVENTS][160];
	char *payload = room[round_->count];
	snprintf(payload, sizeof(room[0]), "{\"id\":1,\"params\":{\"step\":\"%s\",\"desc\":\"\"%s%s%s}}", step_,
		 module ? ",\"module\":\"" : "", module ? module : "", module ? "\"" : "");
	add(device, OTA_TOPIC_PROGRESS, 0, payload);
}

/* '.' stays, 'x' is skipped. */
static void expect_kept(const char *pattern)
{
	ota_round_cut(round_, INT64_MAX);
	size_t skipped = ota_round_coalesce(round_), wanted = 0;
	cr_assert_eq(strlen(pattern), round_->count);
	for (size_t i = 0; i < round_->count; i++) {
		cr_expect_eq(round_->events[i].skip, pattern[i] == 'x', "event %zu", i);
		wanted += pattern[i] == 'x';
	}
	cr_expect_eq(skipped, wanted);
}

Test(round, of_progress_reports_in_a_row_the_last_one_counts)
{
	step("a", "1", NULL);
	step("a", "2", NULL);
	step("b", "50", NULL);
	step("a", "3", NULL);
	step("b", "60", NULL);
	expect_kept("xxx..");
}

Test(round, a_100_and_a_negative_are_never_skipped)
{
	step("a", "99", NULL);
	step("a", "100", NULL);
	step("a", "100", NULL);
	step("a", "10", NULL);
	step("a", "-2", NULL);
	step("a", "-2", NULL);
	step("a", "20", NULL);
	expect_kept(".......");
}

Test(round, nothing_is_skipped_over_another_event_of_the_device)
{
	step("a", "1", NULL);
	add("a", OTA_TOPIC_INFORM, 0, "{\"id\":1,\"params\":{\"version\":\"1\"}}");
	step("a", "2", NULL);
	step("a", "3", NULL);
	expect_kept("..x.");
}

Test(round, modules_and_attempts_are_told_apart)
{
	step("a", "1", "mcu");
	step("a", "2", "radio");
	step("a", "3", "radio");
	add("a", OTA_TOPIC_PROGRESS, 0, "{\"params\":{\"step\":\"4\",\"module\":\"radio\",\"batch\":7,\"attempt\":1}}");
	add("a", OTA_TOPIC_PROGRESS, 0, "{\"params\":{\"step\":\"5\",\"module\":\"radio\",\"batch\":7,\"attempt\":2}}");
	expect_kept(".x...");
}

Test(round, a_report_at_qos_1_is_never_skipped)
{
	step("a", "1", NULL);
	step("a", "2", NULL);
	round_->events[0].qos = 1;
	step("a", "3", NULL);
	expect_kept(".x.");
}

Test(round, an_answer_to_a_cancel_and_a_broken_report_stay)
{
	add("a", OTA_TOPIC_PROGRESS, 0, "{\"params\":{\"step\":\"1\",\"cancel\":\"accepted\"}}");
	step("a", "2", NULL);
	add("a", OTA_TOPIC_PROGRESS, 0, "{\"params\":{");
	step("a", "3", NULL);
	expect_kept("....");
}

static void heard(int64_t heard_ms, uint64_t sequence)
{
	add("a", OTA_TOPIC_INFORM, 1, "x");
	round_->events[round_->count - 1].event.at.heard_ms = heard_ms;
	round_->events[round_->count - 1].sequence = sequence;
}

static void expect_slice(size_t begin, size_t end, uint64_t first, uint64_t last)
{
	cr_expect_eq(round_->begin, begin);
	cr_expect_eq(round_->end, end);
	cr_expect_eq(round_->first, first);
	cr_expect_eq(round_->last, last);
}

Test(round, is_cut_where_a_time_comes_and_what_is_left_keeps_its_sequences)
{
	heard(10, 1);
	heard(20, 2);
	heard(30, 3);
	ota_round_cut(round_, 25);
	expect_slice(0, 2, 1, 2);
	ota_round_done(round_);
	cr_expect_eq(ota_round_left(round_), 1);
	cr_expect_eq(ota_round_instant(round_).heard_ms, 30);
	ota_round_cut(round_, 25);
	expect_slice(2, 3, 3, 3);
	ota_round_done(round_);
	cr_expect_eq(ota_round_left(round_), 0);
	cr_expect_eq(round_->count, 0, "there is room again");
}

Test(round, a_report_is_not_skipped_for_one_of_a_later_slice)
{
	step("a", "1", NULL);
	step("a", "2", NULL);
	round_->events[1].event.at.heard_ms = 1000;
	ota_round_cut(round_, 500);
	cr_expect_eq(ota_round_coalesce(round_), 0);
	cr_expect_not(round_->events[0].skip, "a timer may come between the two");
}

Test(round, a_presence_event_of_the_device_separates)
{
	step("a", "1", NULL);
	round_->events[round_->count] = round_->events[0];
	round_->events[round_->count].kind = OTA_ITEM_GONE;
	round_->count++;
	step("a", "2", NULL);
	expect_kept("...");
}

/* --- loading --- */

static struct ota_item *item_new(enum ota_item_kind kind, uint64_t first, uint64_t last)
{
	struct ota_item *item = calloc(1, sizeof(*item));
	item->kind = kind;
	item->first = first;
	item->last = last;
	item->connection = 77;
	return item;
}

Test(round, loads_records_and_items_in_order)
{
	char directory[SCRATCH_SIZE];
	struct ota_journal *journal = NULL;
	scratch_make(directory);
	cr_assert_eq(reports_open(directory, 0, &journal, NULL), 0);
	reports_append(journal, 1, 5);
	struct ota_item *items = item_new(OTA_ITEM_JOURNALED, 1, 3);
	items->next = item_new(OTA_ITEM_CONNECTED, 0, 0);
	items->next->next = item_new(OTA_ITEM_JOURNALED, 4, 5);
	cr_assert_eq(ota_round_load(round_, items, journal, 2, NULL), 0);
	cr_assert_eq(round_->count, 6);
	cr_expect_null(round_->items);
	ota_round_cut(round_, INT64_MAX);
	cr_expect_eq(round_->first, 1);
	cr_expect_eq(round_->last, 5);
	cr_expect_eq(round_->events[2].sequence, 3);
	cr_expect_eq(round_->events[3].event.kind, OTA_FLEET_CONNECTED);
	cr_expect_eq(round_->events[3].event.connection, 77);
	cr_expect_eq(round_->events[4].sequence, 4);
	cr_expect(round_->events[1].event.replayed, "of an earlier run");
	cr_expect_not(round_->events[2].event.replayed);
	ota_round_done(round_);
	cr_expect_eq(round_->count, 0);
	ota_round_free(round_);
	ota_journal_free(journal);
	scratch_remove(directory);
}

Test(round, goes_on_where_the_journal_failed)
{
	char directory[SCRATCH_SIZE];
	struct ota_journal *journal = NULL;
	scratch_make(directory);
	cr_assert_eq(reports_open(directory, 0, &journal, NULL), 0);
	reports_append(journal, 1, 2);
	struct ota_item *items = item_new(OTA_ITEM_JOURNALED, 1, 3);
	items->next = item_new(OTA_ITEM_GONE, 0, 0);
	cr_assert_neq(ota_round_load(round_, items, journal, 0, NULL), 0, "the third is not there");
	cr_expect_eq(round_->count, 2);
	reports_append(journal, 3, 3);
	cr_assert_eq(ota_round_load(round_, NULL, journal, 0, NULL), 0);
	cr_assert_eq(round_->count, 4);
	cr_expect_eq(round_->events[2].sequence, 3);
	cr_expect_eq(round_->events[3].kind, OTA_ITEM_GONE);
	ota_round_free(round_);
	ota_journal_free(journal);
	scratch_remove(directory);
}
