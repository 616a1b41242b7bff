#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/time.h"
#include "gateway/transfers.h"

/* A wire that keeps the commands that were sent; answers are given by hand. */
enum { WIRE_MAX = 8192 };
static cJSON *wire[WIRE_MAX];
static size_t sent;
static int send_code;
static int lines;

static int on_send(void *context, struct ota_span payload, struct ota_error *error)
{
	(void)context;
	if (send_code < 0)
		return ota_fail(error, send_code, "no wire");
	cJSON *request = cJSON_ParseWithLength(payload.data, payload.size);
	wire[sent++] = cJSON_DetachItemFromArray(cJSON_GetObjectItem(request, "commands"), 0);
	cJSON_Delete(request);
	return 0;
}

static void on_line(void *context, enum ota_log_level level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
	lines++;
}

static struct ota_exchange *exchange;
static struct ota_transfers *transfers;
static const struct ota_log log_kept = { on_line, NULL, OTA_LOG_INFO };
static int64_t now_ms;

static void open_all(void)
{
	exchange = ota_exchange_new(on_send, NULL);
	transfers = ota_transfers_new(exchange, &log_kept);
	lines = 0;
	send_code = 0;
	now_ms = ota_boot_ms() + OTA_TRANSFERS_GATHER_MS; /* what is added now is due */
}

static void close_all(void)
{
	ota_exchange_close(exchange, "over");
	transfers = ota_transfers_free(transfers);
	exchange = ota_exchange_free(exchange);
	while (sent > 0)
		cJSON_Delete(wire[--sent]);
}

TestSuite(transfers, .init = open_all, .fini = close_all);

static void add(int device, uint64_t bytes, bool whole)
{
	static const char path[] = "/dl/0000000000000000000000000000000000000000000000000000000000000000";
	char d[17];

	(void)snprintf(d, sizeof(d), "%016d", device);
	struct ota_url_query query = {
		.path = ota_span_from_text(path),
		.e = ota_span_from_text("1795260197"),
		.d = ota_span_from_text(d),
		.k = ota_span_from_text("89abcdef"),
		.s = ota_span_from_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	};
	ota_transfers_add(transfers, &query, bytes, whole);
}

static double number_of(size_t index, const char *key)
{
	return cJSON_GetObjectItem(wire[index], key)->valuedouble;
}

static const char *text_of(size_t index, const char *key)
{
	return cJSON_GetObjectItem(wire[index], key)->valuestring;
}

static void answer(size_t index, const char *rest)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "{\"responses\":[{\"command\":\"reportTransfer\",\"correlationData\":\"%s\",%s}]}",
		       text_of(index, "correlationData"), rest);
	cr_assert_eq(ota_exchange_take(exchange, ota_span_from_text(text), NULL), 1);
}

static size_t turn(void)
{
	size_t before = sent;

	(void)ota_transfers_turn(transfers, now_ms, 1000);
	return sent - before;
}

Test(transfers, what_ends_within_a_moment_for_one_url_is_one_report)
{
	for (int i = 0; i < 5000; i++)
		add(1, 1, false);
	add(1, 7, true);
	add(2, 3, false);
	cr_assert_lt(ota_transfers_turn(transfers, now_ms - OTA_TRANSFERS_GATHER_MS, 60000), 60000);
	cr_assert_eq(sent, 0, "it still gathers");
	now_ms += 1000;
	cr_assert_eq(turn(), 2);
	size_t one = strcmp(text_of(0, "d"), "0000000000000001") == 0 ? 0 : 1;
	cr_expect_eq(number_of(one, "bytes"), 5007);
	cr_expect(cJSON_IsTrue(cJSON_GetObjectItem(wire[one], "whole")));
	cr_expect_eq(number_of(1 - one, "bytes"), 3);
	cr_expect(cJSON_IsFalse(cJSON_GetObjectItem(wire[1 - one], "whole")));
	answer(0, "\"data\":{}");
	answer(1, "\"data\":{}");
	now_ms += OTA_HOUR_MS / 2;
	cr_expect_eq(turn(), 0, "what was answered is done");
}

Test(transfers, a_report_without_an_answer_goes_again_under_its_id_and_bytes)
{
	add(1, 5, false);
	now_ms += 1000;
	cr_assert_eq(turn(), 1);
	add(1, 8, false);
	ota_exchange_fail(exchange, "the broker went away");
	now_ms += OTA_TRANSFERS_RETRY_MS + 2000;
	cr_assert_eq(turn(), 2, "the old one, and what came since");
	size_t old = number_of(1, "bytes") == 5 ? 1 : 2;
	cr_expect_eq(number_of(old, "bytes"), 5);
	cr_expect_eq(number_of(3 - old, "bytes"), 8);
	cr_expect_str_eq(text_of(old, "requestId"), text_of(0, "requestId"));
	cr_expect_str_neq(text_of(3 - old, "requestId"), text_of(0, "requestId"));
}

Test(transfers, what_is_refused_is_not_asked_again)
{
	add(1, 5, false);
	now_ms += 1000;
	cr_assert_eq(turn(), 1);
	answer(0, "\"error\":{\"code\":\"denied\",\"message\":\"not signed\"}");
	cr_expect_eq(lines, 1);
	now_ms += OTA_HOUR_MS / 2;
	cr_expect_eq(turn(), 0);
}

Test(transfers, only_a_few_are_on_their_way_at_once)
{
	for (int i = 0; i < 100; i++)
		add(i, 1, true);
	now_ms += 1000;
	cr_assert_eq(turn(), OTA_TRANSFERS_ASKED_MAX);
	answer(0, "\"data\":{}");
	cr_expect_eq(turn(), 1);
}

Test(transfers, while_the_broker_is_away_so_many_are_kept_for_so_long)
{
	send_code = OTA_EUNAVAILABLE;
	for (int i = 0; i < OTA_TRANSFERS_MAX + 10; i++)
		add(i, 1, true);
	cr_expect_eq(ota_transfers_dropped(transfers), 10);
	now_ms += 1000;
	cr_assert_eq(turn(), 0);
	cr_expect_eq(lines, 1, "told in one line");
	now_ms = ota_boot_ms() + OTA_TRANSFERS_KEEP_MS + 1000;
	cr_assert_eq(turn(), 0);
	cr_expect_eq(ota_transfers_dropped(transfers), OTA_TRANSFERS_MAX + 10);
	send_code = 0;
	add(1, 1, true);
	now_ms = ota_boot_ms() + 2 * OTA_TRANSFERS_GATHER_MS;
	cr_expect_eq(turn(), 1, "there is room again");
}
