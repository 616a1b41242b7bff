#include <criterion/criterion.h>
#include <string.h>

#include "agent/adapters/answer.h"

static struct agent_answer read_answer(const char *const *lines)
{
	struct agent_answer answer = {0};

	for (; *lines; lines++)
		agent_answer_line(&answer, ota_span_from_text(*lines));
	return answer;
}

#define ANSWER(...) read_answer((const char *const[]){__VA_ARGS__, NULL})

struct judged {
	enum agent_answer_use use;
	struct agent_fetch_result result;
};

static struct judged judge(struct agent_answer answer, uint64_t have)
{
	struct judged judged = {0};

	judged.use = agent_answer_judge(&answer, have, 1000, &judged.result);
	return judged;
}

Test(answer, headers_are_read_whatever_their_case_and_white_space)
{
	struct agent_answer answer = ANSWER("HTTP/1.1 206 Partial Content\r\n", "content-length:900\r\n",
					    "CONTENT-RANGE: bytes 100-999/1000\r\n", "ETag: \"abc\"\r\n",
					    "\r\n");

	cr_expect_eq(answer.status, 206);
	cr_expect(answer.has_length && answer.length == 900);
	cr_expect(answer.has_range && !answer.range_is_broken);
	cr_expect(answer.range_first == 100 && answer.range_last == 999 && answer.range_size == 1000);
	cr_expect_str_eq(answer.etag, "\"abc\"");
}

Test(answer, a_status_line_begins_anew)
{
	struct agent_answer answer = ANSWER("HTTP/1.1 302 Found\r\n", "ETag: \"old\"\r\n", "Content-Length: 5\r\n",
					    "HTTP/2 200\r\n");

	cr_expect_eq(answer.status, 200);
	cr_expect_not(answer.has_length);
	cr_expect_str_empty(answer.etag);
}

Test(answer, weak_and_unquoted_etags_promise_nothing)
{
	cr_expect_str_empty(ANSWER("HTTP/1.1 200 OK", "ETag: W/\"abc\"").etag);
	cr_expect_str_empty(ANSWER("HTTP/1.1 200 OK", "ETag: abc").etag);
}

Test(answer, the_rest_is_appended_only_when_it_is_the_rest_we_asked_for)
{
	static const char *const wrong[] = {
		"Content-Range: bytes 99-999/1000", "Content-Range: bytes 101-999/1000", "Content-Range: bytes 100-1000/1001",
		"Content-Range: bytes 100-999/999", "Content-Range: bytes 100-99/1000",  "Content-Range: items 100-999/1000",
		"Content-Range: bytes 100/1000",    "Content-Range: bytes */1000",        "X-Nothing: 1",
	};

	cr_expect_eq(judge(ANSWER("HTTP/1.1 206 x", "Content-Range: bytes 100-999/1000"), 100).use, AGENT_ANSWER_APPEND);
	cr_expect_eq(judge(ANSWER("HTTP/1.1 206 x", "Content-Range: bytes 100-999/*"), 100).use, AGENT_ANSWER_APPEND);
	cr_expect_eq(judge(ANSWER("HTTP/1.1 206 x", "Content-Range: bytes 100-500/1000"), 100).use, AGENT_ANSWER_APPEND);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct judged judged = judge(ANSWER("HTTP/1.1 206 x", wrong[i]), 100);

		cr_expect_eq(judged.use, AGENT_ANSWER_REFUSE, "%s", wrong[i]);
		cr_expect_eq(judged.result.outcome, AGENT_FETCH_STALE, "%s", wrong[i]);
	}
}

Test(answer, a_range_nobody_asked_for_is_refused)
{
	cr_expect_eq(judge(ANSWER("HTTP/1.1 206 x", "Content-Range: bytes 0-999/1000"), 0).use, AGENT_ANSWER_REFUSE);
}

Test(answer, a_server_that_ignores_the_range_makes_us_begin_anew)
{
	cr_expect_eq(judge(ANSWER("HTTP/1.1 200 OK", "Content-Length: 1000"), 100).use, AGENT_ANSWER_RESTART);
	cr_expect_eq(judge(ANSWER("HTTP/1.1 200 OK"), 0).use, AGENT_ANSWER_RESTART, "chunked");
}

Test(answer, another_length_than_announced_is_a_mismatch_before_the_first_byte)
{
	struct judged judged = judge(ANSWER("HTTP/1.1 200 OK", "Content-Length: 1001"), 0);

	cr_expect_eq(judged.use, AGENT_ANSWER_REFUSE);
	cr_expect_eq(judged.result.outcome, AGENT_FETCH_MISMATCH);
	cr_expect_str_eq(judged.result.text, "the server has 1001 bytes, announced were 1000");
}

Test(answer, every_status_has_its_consequence)
{
	static const struct {
		const char *line;
		enum agent_fetch_outcome outcome;
	} all[] = {
		{"HTTP/1.1 204 x", AGENT_FETCH_PERMANENT},   {"HTTP/1.1 302 x", AGENT_FETCH_PERMANENT},
		{"HTTP/1.1 400 x", AGENT_FETCH_PERMANENT},   {"HTTP/1.1 403 x", AGENT_FETCH_PERMANENT},
		{"HTTP/1.1 404 x", AGENT_FETCH_PERMANENT},   {"HTTP/1.1 408 x", AGENT_FETCH_TRANSIENT},
		{"HTTP/1.1 410 x", AGENT_FETCH_PERMANENT},   {"HTTP/1.1 416 x", AGENT_FETCH_STALE},
		{"HTTP/1.1 425 x", AGENT_FETCH_TRANSIENT},   {"HTTP/1.1 429 x", AGENT_FETCH_TRANSIENT},
		{"HTTP/1.1 500 x", AGENT_FETCH_TRANSIENT},   {"HTTP/1.1 503 x", AGENT_FETCH_TRANSIENT},
		{"HTTP/1.1 garbage", AGENT_FETCH_PERMANENT},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct judged judged = judge(ANSWER(all[i].line), 100);

		cr_expect_eq(judged.use, AGENT_ANSWER_REFUSE);
		cr_expect_eq(judged.result.outcome, all[i].outcome, "%s", all[i].line);
	}
}
