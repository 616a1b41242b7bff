/* What the gateway tells of downloads. It has no token for that: the signed query it was asked with is the proof. */
#include <stdio.h>

#include "plugin/control/call.h"

/* Room for the longest of the members, and the path they are signed with. */
struct query_text {
	char path[OTA_SHA256_HEX + 8], sha256[OTA_SHA256_HEX + 1];
	char e[16], d[24], k[16], s[64];
};

static void query_read(const struct ota_call *call, struct query_text *text, struct ota_url_query *ret_query)
{
	ota_call_text(call, "sha256", "", text->sha256, sizeof(text->sha256));
	ota_call_text(call, "e", "", text->e, sizeof(text->e));
	ota_call_text(call, "d", "", text->d, sizeof(text->d));
	ota_call_text(call, "k", "", text->k, sizeof(text->k));
	ota_call_text(call, "s", "", text->s, sizeof(text->s));
	snprintf(text->path, sizeof(text->path), "/dl/%s", text->sha256);
	*ret_query = (struct ota_url_query){
		.path = ota_span_from_text(text->path),
		.e = ota_span_from_text(text->e),
		.d = ota_span_from_text(text->d),
		.k = ota_span_from_text(text->k),
		.s = ota_span_from_text(text->s),
	};
}

int ota_handle_report_transfer(struct ota_call *call, struct ota_error *error)
{
	struct ota_transfer transfer = { .bytes = ota_call_integer(call, "bytes", 0), .whole = ota_call_bool(call, "whole") };
	struct ota_transfer_place place;
	struct query_text text;

	query_read(call, &text, &transfer.query);
	int failed = ota_engine_transfer(call->control->options.engine, &transfer, call->now, &place, error);
	if (failed)
		return failed;
	ota_answer_open(call->out, NULL, '{');
	ota_answer_integer_if(call->out, "task", place.task_id);
	ota_answer_integer_if(call->out, "attempt", place.attempt);
	ota_answer_close(call->out, '}');
	return 0;
}
