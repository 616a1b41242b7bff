#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/time.h"
#include "gateway/exchange.h"

/* A wire that keeps what was sent, and callers that keep what they were told. */
static char sent[512];
static int send_code;

static int on_send(void *context, struct ota_span payload, struct ota_error *error)
{
	(void)context;
	if (send_code < 0)
		return ota_fail(error, send_code, "no wire");
	(void)snprintf(sent, sizeof(sent), "%.*s", (int)payload.size, payload.data);
	return 0;
}

struct caller {
	int calls;
	int code;
	int value;
	char text[OTA_ERROR_TEXT_MAX];
};

static void on_done(void *context, cJSON *data, const struct ota_error *error)
{
	struct caller *caller = context;

	caller->calls++;
	caller->code = error->code;
	(void)snprintf(caller->text, sizeof(caller->text), "%s", error->text);
	if (data)
		caller->value = (int)cJSON_GetObjectItem(data, "n")->valuedouble;
	cJSON_Delete(data);
}

static int ask(struct ota_exchange *exchange, struct caller *caller, struct ota_error *error)
{
	cJSON *command = cJSON_Parse("{\"command\":\"getServer\"}");
	int code = ota_exchange_ask(exchange, &(struct ota_exchange_request){ command, on_done, caller }, error);

	cJSON_Delete(command);
	return code;
}

static void correlation_of_sent(char target[40])
{
	const char *place = strstr(sent, "\"correlationData\":\"");

	cr_assert_not_null(place);
	cr_assert_eq(sscanf(place, "\"correlationData\":\"%39[0-9a-f]\"", target), 1);
}

static int take(struct ota_exchange *exchange, const char *text)
{
	return ota_exchange_take(exchange, ota_span_from_text(text), NULL);
}

static int take_number(struct ota_exchange *exchange, const char *correlation, int number)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "{\"responses\":[{\"correlationData\":\"%s\",\"data\":{\"n\":%d}}]}", correlation,
		       number);
	return take(exchange, text);
}

static struct ota_exchange *exchange;

static void begin(void)
{
	send_code = 0;
	exchange = ota_exchange_new(on_send, NULL);
}

static void end(void)
{
	exchange = ota_exchange_free(exchange);
}

TestSuite(exchange, .init = begin, .fini = end);

Test(exchange, an_answer_finds_its_caller)
{
	struct caller a = { 0 }, b = { 0 };
	char of_a[40], of_b[40];

	cr_assert_eq(ask(exchange, &a, NULL), 0);
	correlation_of_sent(of_a);
	cr_assert_eq(ask(exchange, &b, NULL), 0);
	correlation_of_sent(of_b);
	cr_expect_str_neq(of_a, of_b);
	cr_expect_eq(strlen(of_a), 32);
	cr_expect_eq(take_number(exchange, of_b, 2), 1);
	cr_expect_eq(take_number(exchange, of_a, 1), 1);
	cr_expect(a.calls == 1 && a.code == 0 && a.value == 1);
	cr_expect(b.calls == 1 && b.code == 0 && b.value == 2);
}

Test(exchange, what_matches_nobody_is_dropped)
{
	struct caller caller = { 0 };
	char correlation[40];

	cr_assert_eq(ask(exchange, &caller, NULL), 0);
	correlation_of_sent(correlation);
	cr_expect_eq(take_number(exchange, "00000000000000000000000000000000", 9), 0);
	cr_expect_eq(take(exchange, "{\"responses\":[{\"data\":{}},{\"correlationData\":7},{},3]}"), 0);
	cr_expect_eq(take(exchange, "{\"responses\":{}}"), OTA_EINVALID);
	cr_expect_eq(take(exchange, "{}"), OTA_EINVALID);
	cr_expect_eq(take(exchange, "no json"), OTA_EINVALID);
	cr_expect_eq(caller.calls, 0);
	cr_expect_eq(take_number(exchange, correlation, 1), 1);
	cr_expect_eq(take_number(exchange, correlation, 2), 0, "an answer is taken once");
	cr_expect(caller.calls == 1 && caller.value == 1);
}

Test(exchange, a_refusal_keeps_code_sentence_and_path)
{
	struct caller caller = { 0 };
	char correlation[40], text[256];

	cr_assert_eq(ask(exchange, &caller, NULL), 0);
	correlation_of_sent(correlation);
	(void)snprintf(
		text, sizeof(text),
		"{\"responses\":[{\"correlationData\":\"%s\",\"error\":{\"code\":\"conflict\",\"message\":\"it runs\","
		"\"path\":\"batch\"}}]}",
		correlation);
	cr_expect_eq(take(exchange, text), 1);
	cr_expect_eq(caller.code, OTA_ECONFLICT);
	cr_expect_str_eq(caller.text, "it runs");
}

Test(exchange, silence_fails_after_the_timeout_and_not_before)
{
	struct caller caller = { 0 };
	int64_t now_ms = ota_boot_ms();
	int64_t pause_ms;

	cr_assert_eq(ask(exchange, &caller, NULL), 0);
	pause_ms = ota_exchange_expire(exchange, now_ms + OTA_EXCHANGE_TIMEOUT_MS - 100, 1000);
	cr_expect(pause_ms >= 100 && pause_ms < 1000 && caller.calls == 0, "%d", (int)pause_ms);
	cr_expect_eq(ota_exchange_expire(exchange, now_ms + OTA_EXCHANGE_TIMEOUT_MS + 1000, 1000), 1000);
	cr_expect(caller.calls == 1 && caller.code == OTA_EUNAVAILABLE);
	cr_expect_not_null(strstr(caller.text, "may have been carried out"));
}

Test(exchange, what_cannot_be_sent_is_told_at_once)
{
	struct ota_error error = { 0 };
	struct caller caller = { 0 };

	send_code = OTA_EUNAVAILABLE;
	cr_expect_eq(ask(exchange, &caller, &error), OTA_EUNAVAILABLE);
	cr_expect_str_eq(error.text, "no wire");
	ota_exchange_fail(exchange, "gone");
	cr_expect_eq(caller.calls, 0, "an error of ask excludes a call");
}

Test(exchange, a_lost_connection_fails_all_that_wait)
{
	struct caller a = { 0 }, b = { 0 };

	cr_assert_eq(ask(exchange, &a, NULL), 0);
	cr_assert_eq(ask(exchange, &b, NULL), 0);
	ota_exchange_fail(exchange, "gone");
	cr_expect(a.calls == 1 && b.calls == 1 && a.code == OTA_EUNAVAILABLE);
	cr_expect_str_eq(b.text, "gone");
	cr_expect_eq(ask(exchange, &a, NULL), 0, "the next may be asked");
	ota_exchange_close(exchange, "end");
	cr_expect_eq(a.calls, 2);
	cr_expect_eq(ask(exchange, &a, NULL), OTA_EUNAVAILABLE, "after close nothing is asked");
}

Test(exchange, waiting_callers_are_bounded)
{
	static struct caller callers[OTA_EXCHANGE_PENDING_MAX + 1];

	for (int i = 0; i < OTA_EXCHANGE_PENDING_MAX; i++)
		cr_assert_eq(ask(exchange, &callers[i], NULL), 0);
	cr_expect_eq(ask(exchange, &callers[OTA_EXCHANGE_PENDING_MAX], NULL), OTA_EUNAVAILABLE);
	ota_exchange_fail(exchange, "gone");
}

Test(exchange, a_command_over_the_payload_limit_is_not_sent)
{
	cJSON *command = cJSON_Parse("{\"command\":\"x\"}");
	struct caller caller = { 0 };
	char *text = malloc(70000);

	memset(text, 'a', 69999);
	text[69999] = '\0';
	cJSON_AddStringToObject(command, "name", text);
	cr_expect_eq(ota_exchange_ask(exchange, &(struct ota_exchange_request){ command, on_done, &caller }, NULL), OTA_ELIMIT);
	cJSON_Delete(command);
	free(text);
}
