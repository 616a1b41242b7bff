/*
 * Answer: what an HTTP server said, and what it means for a download. Pure; knows nothing of the library that carried it.
 */
#ifndef OTA_AGENT_ADAPTERS_ANSWER_H
#define OTA_AGENT_ADAPTERS_ANSWER_H

#include "agent/adapters/part.h"
#include "agent/ports/fetch.h"
#include "common/bytes.h"

struct agent_answer {
	int status;
	bool has_length, has_range;
	uint64_t length;                       /* Content-Length */
	uint64_t range_first, range_last, range_size; /* Content-Range; range_size 0 = "*" */
	bool range_is_broken;
	char etag[AGENT_ETAG_MAX + 1]; /* strong ones only */
};

/* One header line as it came, its end included. A status line begins a new answer (after a redirect, after a 100). */
void agent_answer_line(struct agent_answer *answer, struct ota_span line);

enum agent_answer_use {
	AGENT_ANSWER_APPEND,  /* the body goes on where we asked for */
	AGENT_ANSWER_RESTART, /* the body is the whole file: forget what we have */
	AGENT_ANSWER_REFUSE,  /* no use; ret_result says why and what next */
};

/* We have `have` bytes of `size` and asked for the rest (have > 0: with a Range). */
enum agent_answer_use agent_answer_judge(const struct agent_answer *answer, uint64_t have, uint64_t size,
					 struct agent_fetch_result *ret_result);

#endif
