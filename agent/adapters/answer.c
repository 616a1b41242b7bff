#include "agent/adapters/answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"

enum {
	HTTP_OK = 200,
	HTTP_PARTIAL = 206,
	HTTP_CLIENT_ERROR = 400,
	HTTP_REQUEST_TIMEOUT = 408,
	HTTP_RANGE_NOT_SATISFIABLE = 416,
	HTTP_TOO_EARLY = 425,
	HTTP_TOO_MANY = 429,
	HTTP_SERVER_ERROR = 500,
};

static struct ota_span span_trim(struct ota_span span)
{
	while (span.size && strchr(" \t\r\n", span.data[span.size - 1]))
		span.size--;
	while (span.size && strchr(" \t", span.data[0]))
		span.data++, span.size--;
	return span;
}

static struct ota_span span_cut(struct ota_span *rest, char at)
{
	const char *end = rest->size ? memchr(rest->data, at, rest->size) : NULL;
	struct ota_span head = {rest->data, end ? (size_t)(end - rest->data) : rest->size};

	rest->data += head.size + (end ? 1 : 0);
	rest->size -= head.size + (end ? 1 : 0);
	return head;
}

/* "HTTP/1.1 206 Partial Content" */
static void answer_begin(struct agent_answer *answer, struct ota_span line)
{
	uint64_t status = 0;

	*answer = (struct agent_answer){0};
	span_cut(&line, ' ');
	ota_text_parse_u64(span_trim(span_cut(&line, ' ')), &status);
	answer->status = status < 1000 ? (int)status : 0;
}

/* "bytes 100-199/200", the size may be "*" */
static void answer_range(struct agent_answer *answer, struct ota_span value)
{
	static const char unit[] = "bytes ";
	struct ota_span first, last;

	answer->has_range = true;
	answer->range_is_broken = true;
	if (value.size < sizeof(unit) - 1 || strncasecmp(value.data, unit, sizeof(unit) - 1))
		return;
	value.data += sizeof(unit) - 1;
	value.size -= sizeof(unit) - 1;
	first = span_cut(&value, '-');
	last = span_cut(&value, '/');
	if (!ota_text_parse_u64(first, &answer->range_first) || !ota_text_parse_u64(last, &answer->range_last))
		return;
	if (!ota_span_equals(value, "*") && !ota_text_parse_u64(value, &answer->range_size))
		return;
	answer->range_is_broken = answer->range_last < answer->range_first;
}

/* A weak one (W/"...") does not promise equal bytes; If-Range wants that promise. */
static void answer_etag(struct agent_answer *answer, struct ota_span value)
{
	if (value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"')
		ota_text_copy(answer->etag, sizeof(answer->etag), value);
}

static bool name_is(struct ota_span name, const char *text)
{
	return name.size == strlen(text) && !strncasecmp(name.data, text, name.size);
}

void agent_answer_line(struct agent_answer *answer, struct ota_span line)
{
	struct ota_span name;

	line = span_trim(line);
	if (line.size > 5 && !strncmp(line.data, "HTTP/", 5)) {
		answer_begin(answer, line);
		return;
	}
	name = span_cut(&line, ':');
	line = span_trim(line);
	if (name_is(name, "content-length"))
		answer->has_length = ota_text_parse_u64(line, &answer->length);
	else if (name_is(name, "content-range"))
		answer_range(answer, line);
	else if (name_is(name, "etag"))
		answer_etag(answer, line);
}

__attribute__((format(printf, 3, 4))) static enum agent_answer_use refuse(struct agent_fetch_result *result,
									  enum agent_fetch_outcome outcome, const char *format,
									  ...)
{
	va_list arguments;

	*result = (struct agent_fetch_result){.outcome = outcome};
	va_start(arguments, format);
	vsnprintf(result->text, sizeof(result->text), format, arguments);
	va_end(arguments);
	return AGENT_ANSWER_REFUSE;
}

static enum agent_answer_use judge_whole(const struct agent_answer *answer, uint64_t size, struct agent_fetch_result *result)
{
	if (answer->has_length && answer->length != size)
		return refuse(result, AGENT_FETCH_MISMATCH, "the server has %" PRIu64 " bytes, announced were %" PRIu64,
			      answer->length, size);
	return AGENT_ANSWER_RESTART;
}

/* A server that answers with another range than the one we asked for would have us build a file out of shifted pieces. */
static enum agent_answer_use judge_partial(const struct agent_answer *answer, uint64_t have, uint64_t size,
					   struct agent_fetch_result *result)
{
	if (have == 0 || !answer->has_range || answer->range_is_broken || answer->range_first != have ||
	    answer->range_last >= size)
		return refuse(result, AGENT_FETCH_STALE, "server answered 206 with a range that was not asked for");
	if (answer->range_size && answer->range_size != size)
		return refuse(result, AGENT_FETCH_STALE, "the server has %" PRIu64 " bytes, announced were %" PRIu64,
			      answer->range_size, size);
	return AGENT_ANSWER_APPEND;
}

static bool status_is_for_now(int status)
{
	return status >= HTTP_SERVER_ERROR || status == HTTP_REQUEST_TIMEOUT || status == HTTP_TOO_EARLY ||
	       status == HTTP_TOO_MANY;
}

enum agent_answer_use agent_answer_judge(const struct agent_answer *answer, uint64_t have, uint64_t size,
					 struct agent_fetch_result *ret_result)
{
	if (answer->status == HTTP_OK)
		return judge_whole(answer, size, ret_result);
	if (answer->status == HTTP_PARTIAL)
		return judge_partial(answer, have, size, ret_result);
	if (answer->status == HTTP_RANGE_NOT_SATISFIABLE)
		return refuse(ret_result, AGENT_FETCH_STALE, "server answered 416");
	refuse(ret_result, status_is_for_now(answer->status) ? AGENT_FETCH_TRANSIENT : AGENT_FETCH_PERMANENT,
	       "server answered %d", answer->status);
	return AGENT_ANSWER_REFUSE;
}
