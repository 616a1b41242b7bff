/* Blocks between the broker's thread and the disk: turns, repeats, bounds, refusals and silence. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/block.h"
#include "common/file.h"
#include "plugin/broker/budget.h"
#include "plugin/broker/carrier.h"
#include "tests/unit/plugin/broker/fake_stream.h"
#include "tests/unit/support/scratch.h"

enum { TASK = 7, FILE_SIZE = 300000, WAIT_MS = 10000 };

static const struct ota_identity one = {.product_key = "pk", .device_name = "one"};
static const struct ota_identity two = {.product_key = "pk", .device_name = "two"};
static char directory[SCRATCH_SIZE], package[SCRATCH_SIZE + 80];
static struct ota_mailbox *mailbox;
static struct ota_carrier *carrier;
static size_t replaced; /* requests in whose place another one was put */

static char file_byte(size_t place)
{
	return (char)(place * 31 >> 3);
}

static void package_write(size_t size)
{
	struct ota_bytes content = {0};
	for (size_t i = 0; i < size; i++)
		ota_bytes_u8(&content, (uint8_t)file_byte(i));
	cr_assert_eq(ota_file_replace(package, (struct ota_span){content.data, content.size}, 0600, NULL), 0);
	ota_bytes_free(&content);
}

static void setup(void)
{
	struct ota_error error = {0};
	replaced = 0;
	scratch_make(directory);
	snprintf(package, sizeof(package), "%s/" FAKE_STREAM_SHA256, directory);
	package_write(FILE_SIZE);
	fake_stream_set(TASK, FILE_SIZE);
	mailbox = ota_mailbox_new();
	struct ota_carrier_options options = {.store_dir = directory, .package_dir = directory, .mailbox = mailbox};
	cr_assert_eq(ota_carrier_start(&options, &carrier, &error), 0, "%s", error.text);
}

static void teardown(void)
{
	carrier = ota_carrier_stop(carrier);
	mailbox = ota_mailbox_free(mailbox);
	scratch_remove(directory);
}

TestSuite(carrier, .init = setup, .fini = teardown);

static void ask_text(uint64_t connection, const struct ota_identity *identity, const char *text)
{
	struct ota_carrier_order order = {.connection = connection, .identity = identity, .payload = ota_span_from_text(text)};
	bool one_replaced = false;
	cr_assert_eq(ota_carrier_order(carrier, &order, &one_replaced), 0);
	replaced += one_replaced;
}

static void ask(uint64_t connection, int64_t stream, uint32_t size, uint32_t offset)
{
	char text[256];
	snprintf(text, sizeof(text),
		 "{\"id\":\"%llu\",\"params\":{\"fileInfo\":{\"streamId\":%lld,\"fileId\":1,},"
		 "\"fileBlock\":{\"size\":%lu,\"offset\":%lu}}}",
		 (unsigned long long)connection, (long long)stream, (unsigned long)size, (unsigned long)offset);
	ask_text(connection, &one, text);
}

static bool ready_wait(void)
{
	for (int tries = 0; tries < WAIT_MS && ota_carrier_next_size(carrier) == 0; tries++)
		usleep(1000);
	return ota_carrier_next_size(carrier) > 0;
}

/* The next answer; the caller frees its payload. */
static struct ota_parcel take(struct ota_fetched *ret_fetched)
{
	struct ota_parcel parcel = {0};
	struct ota_fetched fetched;
	cr_assert(ready_wait(), "an answer");
	cr_assert(ota_carrier_take(carrier, 1, &parcel, ret_fetched ? ret_fetched : &fetched));
	return parcel;
}

static void expect_header(struct ota_parcel *parcel, const char *words)
{
	cr_expect_not_null(memmem(parcel->payload, parcel->payload_size, words, strlen(words)), "%s in %.200s", words,
			   parcel->payload + 2);
	free(parcel->payload);
}

Test(carrier, a_block_holds_the_bytes_that_were_asked_for)
{
	ask(5, TASK, 1000, 20000);
	struct ota_parcel parcel = take(NULL);
	const char *block = parcel.payload + parcel.payload_size - 1002;
	cr_expect_eq(parcel.connection, 5);
	cr_expect(ota_identity_equals(&parcel.identity, &one));
	for (size_t i = 0; i < 1000; i++)
		cr_assert_eq(block[i], file_byte(20000 + i), "byte %zu", i);
	expect_header(&parcel, "\"bOffset\":20000,\"fileLength\":300000,\"bSize\":1000},\"id\":\"5\"");
}

Test(carrier, repeats_take_the_place_of_what_waits)
{
	ask(5, TASK, 256, 0);
	cr_assert(ready_wait()); /* and is not taken: its desk is busy */
	for (uint32_t i = 1; i <= 100; i++)
		ask(5, TASK, 256, i * 256);
	cr_expect_eq(replaced, 99, "the first of them waits in nobody's place");
	struct ota_parcel parcel = take(NULL);
	expect_header(&parcel, "\"bOffset\":0,");
	parcel = take(NULL);
	expect_header(&parcel, "\"bOffset\":25600,");
	usleep(20000);
	cr_expect_eq(ota_carrier_next_size(carrier), 0, "two answers to a hundred requests");
}

/* 63 blocks of 64 KiB and their headers are less than 4 MiB, one more is too much: the rest waits until something is taken. */
Test(carrier, what_is_read_and_not_sent_is_bounded)
{
	enum { CONNECTIONS = 200, BLOCK = 65536, LARGE = CONNECTIONS * BLOCK / OTA_BUDGET_TIMES };
	size_t sum = 0, count = 0;
	cr_assert_eq(truncate(package, LARGE), 0);
	fake_stream_set(TASK, LARGE);
	for (uint64_t i = 1; i <= CONNECTIONS; i++)
		ask(i, TASK, BLOCK, 0);
	cr_assert(ready_wait());
	usleep(100000);
	cr_expect_leq(fake_stream_reads(), OTA_CARRIER_READY_BYTES / BLOCK + 1, "not all were worked on");
	for (; count < CONNECTIONS; count++) {
		struct ota_parcel parcel = take(NULL);
		sum += parcel.payload_size;
		cr_expect_eq(parcel.connection, count + 1, "in the order of asking");
		free(parcel.payload);
	}
	cr_expect_gt(sum, (size_t)CONNECTIONS * BLOCK);
}

Test(carrier, connections_take_turns)
{
	ask(1, TASK, 256, 0);
	cr_assert(ready_wait());
	ask(1, TASK, 256, 256); /* waits for the answer above to be taken */
	ask(2, TASK, 256, 0);
	struct ota_parcel parcel = take(NULL);
	expect_header(&parcel, "\"id\":\"1\"");
	parcel = take(NULL);
	expect_header(&parcel, "\"id\":\"2\"");
	parcel = take(NULL);
	expect_header(&parcel, "\"id\":\"1\"");
}

Test(carrier, a_stream_is_looked_up_once_a_second)
{
	for (uint32_t i = 0; i < 20; i++) {
		ask(5, TASK, 256, i * 256);
		struct ota_parcel parcel = take(NULL);
		expect_header(&parcel, "success");
	}
	cr_expect_leq(fake_stream_reads(), 2);
}

Test(carrier, what_a_device_is_not_offered_does_not_exist)
{
	static const char foreign[] = "{\"id\":1,\"params\":{\"fileInfo\":{\"streamId\":7,\"fileId\":%d},"
				      "\"fileBlock\":{\"size\":256,\"offset\":0}}}";
	char text[256];
	ask(5, TASK + 1, 256, 0);
	struct ota_parcel parcel = take(NULL);
	expect_header(&parcel, "{\"code\":404,\"id\":\"5\",\"msg\":\"nothing is offered to this device under that streamId and "
			       "fileId\"}");
	snprintf(text, sizeof(text), foreign, 1);
	ask_text(6, &two, text);
	parcel = take(NULL);
	expect_header(&parcel, "{\"code\":404,\"id\":1,");
	snprintf(text, sizeof(text), foreign, 2);
	ask_text(5, &one, text);
	parcel = take(NULL);
	expect_header(&parcel, "{\"code\":404,\"id\":1,");
}

/* Four at once, as a C 4.x needs to give up; then silence. */
Test(carrier, refusals_have_a_pace)
{
	for (int i = 0; i < 4; i++) {
		ask(5, TASK, 256, FILE_SIZE);
		struct ota_parcel parcel = take(NULL);
		expect_header(&parcel,
			      "{\"code\":400,\"id\":\"5\",\"msg\":\"params.fileBlock.offset: the file has 300000 bytes\"}");
	}
	ask(5, TASK, 256, FILE_SIZE);
	ask_text(6, &one, "{");
	struct ota_parcel parcel = take(NULL);
	cr_expect_eq(parcel.connection, 6, "nothing came to the one before");
	expect_header(&parcel, "\"code\":400");
}

Test(carrier, a_store_that_fails_is_met_with_silence)
{
	fake_stream_fail(OTA_EIO);
	ask(5, TASK, 256, 0);
	for (int tries = 0; tries < WAIT_MS && ota_mailbox_is_empty(mailbox); tries++)
		usleep(1000);
	cr_expect_not(ota_mailbox_is_empty(mailbox), "the log hears of it");
	cr_expect_eq(ota_carrier_next_size(carrier), 0);
	fake_stream_fail(0);
	ask(5, TASK, 256, 0);
	struct ota_parcel parcel = take(NULL);
	expect_header(&parcel, "success");
}

Test(carrier, a_missing_package_is_told_to_both_sides_until_it_is_there)
{
	char trouble[OTA_ERROR_TEXT_MAX];
	cr_assert_eq(unlink(package), 0);
	cr_expect_not(ota_carrier_trouble(carrier, trouble));
	ask(5, TASK, 256, 0);
	struct ota_parcel parcel = take(NULL);
	expect_header(&parcel, "{\"code\":500,\"id\":\"5\",\"msg\":\"the server cannot read this package at the moment\"}");
	cr_assert(ota_carrier_trouble(carrier, trouble));
	cr_expect_not_null(strstr(trouble, FAKE_STREAM_SHA256 ": No such file or directory: put the package's file there"), "%s",
			   trouble);
	package_write(100);
	ask(5, TASK, 256, 0);
	parcel = take(NULL);
	expect_header(&parcel, "\"code\":500");
	cr_assert(ota_carrier_trouble(carrier, trouble));
	cr_expect_not_null(strstr(trouble, "has 100 bytes, the package has 300000: put the right file in its place"), "%s",
			   trouble);
	package_write(FILE_SIZE);
	ask(5, TASK, 256, 0);
	parcel = take(NULL);
	expect_header(&parcel, "success");
	cr_expect_not(ota_carrier_trouble(carrier, trouble));
}

Test(carrier, what_was_fetched_is_told_at_the_last_byte_and_at_the_end)
{
	struct ota_fetched fetched;
	ask(5, TASK, 100000, 0);
	free(take(&fetched).payload);
	cr_expect_eq(fetched.task_id, 0, "not yet");
	ask(5, TASK, 131072, 200000);
	free(take(&fetched).payload);
	cr_expect_eq(fetched.task_id, TASK);
	cr_expect_eq(fetched.attempt, 1);
	cr_expect_eq(fetched.bytes, 200000);
	cr_expect(fetched.whole);
	ask(5, TASK, 1000, 0);
	free(take(&fetched).payload);
	ota_carrier_forget(carrier, 5, &fetched);
	cr_expect_eq(fetched.bytes, 1000);
	cr_expect_not(fetched.whole);
	ota_carrier_forget(carrier, 5, &fetched);
	cr_expect_eq(fetched.task_id, 0);
}

/* Takes what an attempt may have at once, and the first of the trickle behind it. */
static void use_budget_up(uint64_t connection)
{
	const uint64_t budget = OTA_BUDGET_TIMES * FILE_SIZE + OTA_BUDGET_MORE_BYTES;
	uint64_t got = 0;
	for (; got + OTA_BLOCK_SIZE_MAX <= budget; got += OTA_BLOCK_SIZE_MAX) {
		ask(connection, TASK, OTA_BLOCK_SIZE_MAX, 0);
		free(take(NULL).payload);
	}
	ask(connection, TASK, OTA_BLOCK_SIZE_MAX, 0);
	free(take(NULL).payload);
}

/* A refusal for another one, which asked later, shows the silence. */
static void expect_silence(uint64_t connection)
{
	ask(connection, TASK, OTA_BLOCK_SIZE_MAX, 0);
	ask(99, TASK + 1, 256, 0);
	struct ota_parcel parcel = take(NULL);
	cr_expect_eq(parcel.connection, 99, "nothing more for %llu", (unsigned long long)connection);
	free(parcel.payload);
}

/* The broker keeps for a client what it does not read. */
Test(carrier, an_attempt_gets_its_package_twice_over_and_then_a_trickle)
{
	use_budget_up(5);
	expect_silence(5);
}

Test(carrier, asking_for_what_is_not_there_in_between_brings_no_more)
{
	use_budget_up(5);
	ask(5, TASK + 1, 256, 0);
	struct ota_parcel parcel = take(NULL);
	expect_header(&parcel, "\"code\":404");
	expect_silence(5);
}

/* What the broker dropped for a client that did not read stays with the broker when that client goes. */
Test(carrier, a_new_connection_brings_no_more)
{
	struct ota_fetched fetched;
	use_budget_up(5);
	ota_carrier_forget(carrier, 5, &fetched);
	expect_silence(6);
}

/* A retry fetches the whole package again, often on the connection it had. */
Test(carrier, each_attempt_gets_its_package)
{
	use_budget_up(5);
	expect_silence(5);
	fake_stream_attempt(2);
	ask(6, TASK, OTA_BLOCK_SIZE_MAX, 0); /* another connection, for which the stream is looked up at once */
	struct ota_parcel parcel = take(NULL);
	expect_header(&parcel, "success");
}

Test(carrier, a_connection_that_ended_in_between_harms_nobody)
{
	struct ota_fetched fetched;
	for (uint64_t i = 1; i <= 50; i++) {
		ask(i, TASK, 4096, 0);
		ota_carrier_forget(carrier, i, &fetched);
	}
	ask(99, TASK, 256, 0);
	struct ota_parcel parcel;
	do {
		parcel = take(NULL);
		free(parcel.payload);
	} while (parcel.connection != 99);
}

/* A sparse file of 4294967295 bytes: its last block ends where offsets of 32 bits do. */
Test(carrier, there_is_no_wall_at_16_mib)
{
	cr_assert_eq(truncate(package, 4294967295), 0);
	fake_stream_set(TASK, 4294967295);
	ask(5, TASK, 131072, 4294967295u - 1000);
	struct ota_fetched fetched;
	struct ota_parcel parcel = take(&fetched);
	cr_expect(fetched.whole);
	expect_header(&parcel, "\"bOffset\":4294966295,\"fileLength\":4294967295,\"bSize\":1000}");
	ask(5, TASK, 4096, 16777216);
	parcel = take(NULL);
	expect_header(&parcel, "\"bOffset\":16777216,");
}
