#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "common/file.h"
#include "plugin/broker/worker.h"
#include "tests/unit/plugin/broker/fakes.h"
#include "tests/unit/plugin/broker/reports.h"
#include "tests/unit/support/scratch.h"

/* Everything a worker needs, over the fakes. */
static struct bench {
	char directory[SCRATCH_SIZE];
	struct ota_heard heard;
	struct ota_outbox outbox;
	struct ota_lines lines;
	struct ota_queue *queue;
	struct ota_mailbox *mailbox;
	struct ota_journal *journal;
	struct ota_inwork inwork;
	struct ota_plight *plight;
	struct ota_engine *engine;
	struct ota_worker *worker;
	struct ota_outbox sent; /* taken by halt() */
	struct ota_lines told;
	struct ota_bytes log;
} bench;

static void lines_write(void *context, enum ota_log_level level, const char *line)
{
	ota_lines_add(context, level, line);
}

static const struct ota_log engine_log = {.write = lines_write, .context = &bench.lines};

/* A process that starts: the journal replays what the store did not apply. */
static void start(void)
{
	struct ota_error error = {0};
	uint64_t applied = fakes_applied();
	struct ota_engine_options engine = {.outbox = &bench.outbox, .log = &engine_log};
	bench.queue = ota_queue_new();
	bench.mailbox = ota_mailbox_new();
	bench.plight = ota_plight_new();
	cr_assert_eq(reports_open(bench.directory, applied, &bench.journal, &error), 0, "%s", error.text);
	cr_assert_eq(ota_inwork_open(&bench.inwork, bench.directory, applied, &error), 0);
	ota_heard_start(&bench.heard, fakes_heard_ms(), ota_journal_last_heard_ms(bench.journal), ota_boot_ms());
	cr_assert_eq(ota_engine_new(&engine, ota_heard_now(&bench.heard), &bench.engine, &error), 0);
	if (ota_journal_last(bench.journal) > applied)
		ota_queue_put(bench.queue, &(struct ota_item){.kind = OTA_ITEM_JOURNALED,
							      .first = applied + 1,
							      .last = ota_journal_last(bench.journal)});
	struct ota_worker_options options = {
		.engine = bench.engine,
		.outbox = &bench.outbox,
		.lines = &bench.lines,
		.queue = bench.queue,
		.mailbox = bench.mailbox,
		.journal = bench.journal,
		.inwork = &bench.inwork,
		.plight = bench.plight,
		.heard = &bench.heard,
		.journal_dir = bench.directory,
		.applied = applied,
		.replayed = ota_journal_last(bench.journal),
	};
	cr_assert_eq(ota_worker_start(&options, &bench.worker, &error), 0);
}

static void stop(void)
{
	bench.worker = ota_worker_stop(bench.worker, NULL);
	ota_inwork_close(&bench.inwork);
	bench.journal = ota_journal_free(bench.journal);
	bench.queue = ota_queue_free(bench.queue);
	bench.mailbox = ota_mailbox_free(bench.mailbox);
	bench.plight = ota_plight_free(bench.plight);
	ota_outbox_clear(&bench.outbox);
	ota_lines_clear(&bench.lines);
	ota_outbox_clear(&bench.sent);
	ota_lines_clear(&bench.told);
	ota_bytes_free(&bench.log);
}

static void setup(void)
{
	fakes_reset();
	scratch_make(bench.directory);
}

static void teardown(void)
{
	fakes_go_on();
	if (bench.queue)
		stop();
	scratch_remove(bench.directory);
}

TestSuite(worker, .init = setup, .fini = teardown);

/* --- what the broker's thread does --- */

static void report_at(int64_t heard_ms, const char *device, enum ota_topic_kind topic, int qos, const char *payload)
{
	struct ota_record record = {.topic = topic,
				    .qos = qos,
				    .connection = 9,
				    .at = {.wall_ms = ota_wall_ms(), .heard_ms = heard_ms},
				    .payload = ota_span_from_text(payload)};
	snprintf(record.identity.product_key, sizeof(record.identity.product_key), "pk");
	snprintf(record.identity.device_name, sizeof(record.identity.device_name), "%s", device);
	cr_assert_eq(ota_journal_append(bench.journal, &record, NULL), 0);
	ota_queue_put(bench.queue,
		      &(struct ota_item){.kind = OTA_ITEM_JOURNALED, .first = record.sequence, .last = record.sequence});
}

static void report(const char *device, enum ota_topic_kind topic, int qos, const char *payload)
{
	report_at(ota_heard_now(&bench.heard).heard_ms, device, topic, qos, payload);
}

static void inform(const char *device, const char *payload)
{
	report(device, OTA_TOPIC_INFORM, 1, payload);
}

static void presence(enum ota_item_kind kind, const char *device, uint64_t connection)
{
	struct ota_item item = {.kind = kind, .connection = connection};
	snprintf(item.identity.product_key, sizeof(item.identity.product_key), "pk");
	snprintf(item.identity.device_name, sizeof(item.identity.device_name), "%s", device);
	ota_queue_put(bench.queue, &item);
}

static void command(const char *payload)
{
	ota_queue_put(bench.queue, &(struct ota_item){.kind = OTA_ITEM_COMMAND,
		.connection = 5, .payload = ota_span_from_text(payload), .caller = ota_span_from_text("console")});
}

static void expect_events(size_t count, const char *const *wanted)
{
	cr_assert(fakes_wait_events(count), "%zu of %zu events were applied", fakes_events(), count);
	cr_expect_eq(fakes_events(), count);
	for (size_t i = 0; i < count; i++)
		cr_expect_str_eq(fakes_event(i), wanted[i]);
}
#define EXPECT_EVENTS(...) \
	expect_events(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), (const char *const[]){__VA_ARGS__})

/* Ends the worker and takes what it handed over. */
static void halt(void)
{
	bench.worker = ota_worker_stop(bench.worker, NULL);
	cr_assert_eq(ota_mailbox_take(bench.mailbox, &bench.sent, &bench.told), 0);
}

static void text_write(void *context, enum ota_log_level level, const char *line)
{
	(void)level;
	ota_bytes_format(context, "%s\n", line);
}

/* How often the log has these words. After halt(). */
static size_t told(const char *words)
{
	struct ota_log log = {.write = text_write, .context = &bench.log};
	size_t count = 0;
	ota_lines_flush(&bench.told, &log, OTA_LINES_MAX);
	for (const char *place = bench.log.data; place && (place = strstr(place, words)); place++)
		count++;
	return count;
}

/* --- applying --- */

Test(worker, applies_in_order_and_saves_how_far)
{
	start();
	presence(OTA_ITEM_CONNECTED, "a", 9);
	inform("a", "1");
	report("a", OTA_TOPIC_PROGRESS, 1, "2");
	command("help");
	presence(OTA_ITEM_GONE, "a", 9);
	inform("b", "3");
	EXPECT_EVENTS("connected a 9", "inform a 1 r=0", "progress a 2 r=0", "command help by console", "gone a 9",
		      "inform b 3 r=0");
	cr_expect_eq(fakes_applied(), 3);
	stop();
	cr_expect_eq(fakes_applied(), 3);
}

Test(worker, a_stop_applies_what_is_queued)
{
	char payload[16];
	start();
	for (int i = 0; i < 2000; i++) {
		snprintf(payload, sizeof(payload), "%d", i);
		inform("a", payload);
	}
	stop();
	cr_expect_eq(fakes_events(), 2000);
	cr_expect_eq(fakes_applied(), 2000);
	cr_expect_str_eq(fakes_event(1999), "inform a 1999 r=0");
}

Test(worker, commits_in_groups)
{
	start();
	fakes_hold_on("first");
	inform("a", "first");
	cr_assert(fakes_wait_held());
	for (int i = 0; i < 1000; i++)
		inform("a", "x");
	size_t before = fakes_commits();
	fakes_go_on();
	cr_assert(fakes_wait_events(1001));
	cr_expect_leq(fakes_commits() - before, 5, "%zu commits", fakes_commits() - before);
	cr_expect_eq(fakes_applied(), 1001);
}

Test(worker, coalesces_progress_that_waited_together)
{
	start();
	fakes_hold_on("first");
	inform("b", "first");
	cr_assert(fakes_wait_held());
	report("a", OTA_TOPIC_PROGRESS, 0, "{\"params\":{\"step\":\"1\"}}");
	report("a", OTA_TOPIC_PROGRESS, 0, "{\"params\":{\"step\":\"2\"}}");
	report("a", OTA_TOPIC_PROGRESS, 0, "{\"params\":{\"step\":\"100\"}}");
	fakes_go_on();
	EXPECT_EVENTS("inform b first r=0", "progress a {\"params\":{\"step\":\"2\"}} r=0",
		      "progress a {\"params\":{\"step\":\"100\"}} r=0");
	cr_expect_eq(fakes_applied(), 4, "what was skipped is done");
	cr_expect_eq(ota_worker_figures(bench.worker).coalesced, 1);
}

Test(worker, a_refused_message_is_done)
{
	start();
	inform("a", "refuse this");
	inform("a", "1");
	cr_assert(fakes_wait_events(2));
	cr_expect_eq(fakes_applied(), 2);
	cr_expect_eq(ota_worker_figures(bench.worker).set_aside, 0);
}

/* --- what is sent --- */

Test(worker, sends_what_was_decided_once_and_only_when_it_is_committed)
{
	start();
	fakes_fail(FAKES_COMMIT, OTA_EIO, 2);
	inform("a", "1");
	cr_assert(fakes_wait_events(1));
	halt();
	cr_expect_eq(bench.sent.count, 1, "%zu messages", bench.sent.count);
	cr_expect_eq(told("fake_applied"), 1, "lines of a round that was rolled back are not told");
}

Test(worker, an_answer_goes_to_the_connection_that_asked)
{
	start();
	command("help");
	cr_assert(fakes_wait_events(1));
	halt();
	cr_assert_eq(bench.sent.count, 1);
	const struct ota_outgoing *answer = &bench.sent.items[0];
	cr_expect_eq(answer->connection, 5);
	cr_expect_str_eq(answer->topic, "$CONTROL/ota/v1/response");
	cr_expect_gt(answer->expiry_s, 0);
	cr_expect(ota_span_equals((struct ota_span){answer->payload, answer->payload_size}, "answer to help"));
}

/* --- when the store fails --- */

Test(worker, nothing_is_lost_while_the_store_fails)
{
	start();
	fakes_fail(FAKES_BEGIN, OTA_ELIMIT, 3);
	inform("a", "1");
	command("help");
	inform("b", "2");
	EXPECT_EVENTS("inform a 1 r=0", "command help by console", "inform b 2 r=0");
	cr_expect(fakes_wait_undone(1), "the engine may remember what the store forgot");
	halt();
	cr_expect_eq(told("store_failed"), 1, "a row of failures is told once");
	cr_expect_eq(told("store_works_again"), 1);
	cr_expect_eq(bench.sent.count, 3);
}

Test(worker, a_command_is_tried_again_with_its_round)
{
	start();
	fakes_fail(FAKES_CONTROL, OTA_EIO, 2);
	command("help");
	EXPECT_EVENTS("command help by console");
}

Test(worker, an_event_that_fails_by_itself_is_set_aside_and_the_rest_goes_on)
{
	char path[SCRATCH_SIZE];
	start();
	fakes_fail_on("poison", OTA_ECONFLICT, 0);
	fakes_hold_on("first");
	inform("a", "first");
	cr_assert(fakes_wait_held());
	inform("a", "poison");
	inform("b", "2");
	fakes_go_on();
	EXPECT_EVENTS("inform a first r=0", "inform b 2 r=0");
	halt();
	cr_expect_eq(fakes_applied(), 3);
	cr_expect_eq(told("event_set_aside sequence=2"), 1);
	cr_expect_eq(bench.sent.count, 2);
	scratch_path(path, bench.directory, "quarantine-2");
	cr_expect_eq(access(path, R_OK), 0);
	cr_expect_not_null(strstr(fakes_note(), "report_set_aside: device a: "), "%s", fakes_note());
	cr_expect_not_null(strstr(fakes_note(), path), "%s", fakes_note());
}

Test(worker, an_event_on_which_the_store_seems_to_fail_for_ever_is_left_out_when_the_rest_works)
{
	char path[SCRATCH_SIZE];
	start();
	fakes_fail_on("poison", OTA_ELIMIT, 0);
	fakes_hold_on("first");
	inform("a", "first");
	cr_assert(fakes_wait_held());
	inform("a", "poison");
	inform("b", "2");
	fakes_go_on();
	EXPECT_EVENTS("inform a first r=0", "inform b 2 r=0");
	halt();
	scratch_path(path, bench.directory, "quarantine-2");
	cr_expect_eq(access(path, R_OK), 0);
}

static bool plight_becomes(bool wanted)
{
	char text[OTA_ERROR_TEXT_MAX] = "";
	for (int tries = 0; tries < 1500; tries++) {
		if (ota_plight_read(bench.plight, text) == wanted)
			return !wanted || strstr(text, "do something; devices' reports are kept meanwhile");
		usleep(10000);
	}
	return false;
}

Test(worker, a_store_that_fails_for_a_second_is_told_to_who_asks_until_it_works_again)
{
	start();
	cr_assert(fakes_wait_commits(1), "the first turn");
	fakes_fail(FAKES_COMMIT, OTA_ELIMIT, 5);
	inform("a", "1");
	cr_expect(plight_becomes(true));
	cr_expect(plight_becomes(false));
	EXPECT_EVENTS("inform a 1 r=0");
}

Test(worker, a_damaged_row_holds_nobody_up)
{
	char path[SCRATCH_SIZE];
	start();
	fakes_fail_on("poison", OTA_ECORRUPT, 1);
	fakes_hold_on("first");
	inform("a", "first");
	cr_assert(fakes_wait_held());
	inform("a", "poison");
	inform("b", "2");
	fakes_go_on();
	EXPECT_EVENTS("inform a first r=0", "inform b 2 r=0");
	cr_expect_eq(ota_worker_figures(bench.worker).failures, 0, "no round was tried again");
	halt();
	scratch_path(path, bench.directory, "quarantine-2");
	cr_expect_eq(access(path, R_OK), 0);
}

Test(worker, an_event_is_not_blamed_for_a_store_that_fails_everywhere)
{
	char path[SCRATCH_SIZE];
	start();
	cr_assert(fakes_wait_commits(1), "the first turn");
	fakes_fail_on("true", OTA_EIO, OTA_WORKER_EVENT_TRIES);
	fakes_fail(FAKES_COMMIT, OTA_EIO, 1); /* meets the round that tries without it */
	inform("a", "true");
	EXPECT_EVENTS("inform a true r=0");
	scratch_path(path, bench.directory, "quarantine-1");
	cr_expect_neq(access(path, R_OK), 0);
}

Test(worker, a_stop_does_not_wait_for_ever_and_the_journal_keeps_the_rest)
{
	start();
	fakes_fail(FAKES_BEGIN, OTA_EIO, 1000000);
	inform("a", "1");
	int64_t begun = ota_boot_ms();
	stop();
	cr_expect_lt(ota_boot_ms() - begun, OTA_WORKER_STOP_MS + 8000);
	fakes_fail(FAKES_BEGIN, 0, 0);
	start();
	EXPECT_EVENTS("inform a 1 r=1");
}

/* --- after a crash --- */

/* What a kill -9 leaves: the journal and the marker as they are, nothing committed since. */
static void leave_in_work(uint64_t first, uint64_t last)
{
	struct ota_inwork inwork;
	cr_assert_eq(ota_inwork_open(&inwork, bench.directory, fakes_applied(), NULL), 0);
	ota_inwork_begin(&inwork, first, last);
	ota_inwork_close(&inwork);
}

static void leave_journal(uint64_t count)
{
	struct ota_journal *journal = NULL;
	cr_assert_eq(reports_open(bench.directory, 0, &journal, NULL), 0);
	reports_append(journal, 1, count);
	ota_journal_free(journal);
}

Test(worker, what_the_store_did_not_see_is_replayed_before_all_else)
{
	leave_journal(10);
	start();
	inform("new", "1");
	cr_assert(fakes_wait_events(11));
	for (size_t i = 0; i < 10; i++)
		cr_expect(strstr(fakes_event(i), "r=1"), "%s", fakes_event(i));
	cr_expect_str_eq(fakes_event(10), "inform new 1 r=0");
}

Test(worker, suspects_are_applied_one_by_one)
{
	leave_journal(10);
	leave_in_work(1, 5);
	start();
	cr_assert(fakes_wait_events(10));
	stop();
	cr_expect_geq(fakes_commits(), 6, "%zu commits", fakes_commits());
}

Test(worker, the_culprit_of_three_crashes_is_set_aside)
{
	char path[SCRATCH_SIZE];
	leave_journal(5);
	leave_in_work(1, 5);
	for (int i = 0; i < OTA_INWORK_CRASHES; i++)
		leave_in_work(3, 3);
	start();
	cr_assert(fakes_wait_events(4));
	halt();
	cr_expect_eq(fakes_applied(), 5);
	cr_expect_eq(told("three crashes"), 1);
	for (size_t i = 0; i < fakes_events(); i++)
		cr_expect_not(strstr(fakes_event(i), "dn3 "), "%s", fakes_event(i));
	scratch_path(path, bench.directory, "quarantine-3");
	cr_expect_eq(access(path, R_OK), 0);
}

Test(worker, the_marker_is_empty_after_a_stop)
{
	start();
	inform("a", "1");
	stop();
	struct ota_inwork inwork;
	cr_assert_eq(ota_inwork_open(&inwork, bench.directory, 0, NULL), 0);
	cr_expect_eq(inwork.suspect_last, 0);
	ota_inwork_close(&inwork);
}

Test(worker, the_journal_forgets_what_is_committed)
{
	start();
	for (int i = 0; i < 300; i++)
		inform("a", "a report of some length, so that several segments are filled by three hundred of them");
	cr_assert(fakes_wait_events(300));
	halt();
	cr_expect_leq(ota_journal_bytes(bench.journal), 4096, "%llu bytes", (unsigned long long)ota_journal_bytes(bench.journal));
}

/* --- time --- */

Test(worker, the_heard_clock_goes_on_from_what_was_saved)
{
	leave_journal(3); /* heard at 1030 */
	start();
	cr_assert(fakes_wait_events(3));
	stop();
	int64_t heard_ms = fakes_heard_ms();
	cr_expect_geq(heard_ms, 1030);
	cr_expect_lt(heard_ms, 1030 + 60000);
	start();
	inform("a", "1");
	cr_assert(fakes_wait_events(4));
	cr_expect_geq(fakes_heard_ms(), heard_ms, "it never goes back");
}

Test(worker, lets_the_engine_do_what_is_due_when_it_is)
{
	start();
	fakes_due_at(150);
	inform("a", "1");
	EXPECT_EVENTS("inform a 1 r=0", "turn");
	cr_expect_geq(fakes_heard_ms(), 150);
}

Test(worker, what_became_due_between_two_reports_that_waited_comes_between_them)
{
	int64_t due_at = OTA_HOUR_MS; /* long gone when the store works again */
	start();
	fakes_hold_on("first");
	inform("a", "first");
	cr_assert(fakes_wait_held());
	fakes_due_at(due_at);
	report_at(due_at - 1, "a", OTA_TOPIC_INFORM, 1, "before");
	report_at(due_at + 1, "a", OTA_TOPIC_INFORM, 1, "after");
	fakes_go_on();
	EXPECT_EVENTS("inform a first r=0", "inform a before r=0", "turn", "inform a after r=0");
}

Test(worker, the_work_on_batches_does_not_come_between_the_reports_of_a_round)
{
	int64_t due_at = OTA_HOUR_MS;
	start();
	fakes_hold_on("first");
	inform("a", "first");
	cr_assert(fakes_wait_held());
	fakes_due_at(due_at);
	fakes_work(2);
	report_at(due_at - 1, "a", OTA_TOPIC_INFORM, 1, "before");
	report_at(due_at + 1, "a", OTA_TOPIC_INFORM, 1, "after");
	report_at(due_at + 2 * OTA_WORKER_SPAN_MS, "a", OTA_TOPIC_INFORM, 1, "late");
	fakes_go_on();
	EXPECT_EVENTS("inform a first r=0", "inform a before r=0", "turn", "inform a after r=0", "inform a late r=0", "chunk",
		      "chunk");
}

Test(worker, a_turn_that_fails_is_tried_again_and_holds_no_report_back)
{
	start();
	fakes_fail(FAKES_TURN, OTA_EIO, 3);
	fakes_due_at(1);
	inform("a", "1");
	EXPECT_EVENTS("inform a 1 r=0", "turn");
}

Test(worker, copies_the_log_back_when_it_is_quiet)
{
	start();
	inform("a", "1");
	cr_assert(fakes_wait_events(1));
	cr_expect_eq(fakes_checkpoints(), 0);
	for (int tries = 0; fakes_checkpoints() == 0 && tries < 500; tries++)
		usleep(10000);
	cr_expect_eq(fakes_checkpoints(), 1);
}
