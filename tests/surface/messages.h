/*
 * What devices may send, good and bad: each field of an inform, a progress report and a pull at its limit, past it, of another
 * type, missing, doubled, in another encoding, and what must come of it (DESIGN.md section 10).
 *
 * One table for two tests: the engine alone (tests/unit/plugin/fleet/test_messages.c), and a true broker to which each row is
 * sent (tests/system/test_bad_messages.py, which has it from print-tables).
 */
#ifndef OTA_TESTS_SURFACE_MESSAGES_H
#define OTA_TESTS_SURFACE_MESSAGES_H

#include "common/topic.h"

struct message_row {
	enum ota_topic_kind topic;
	const char *field; /* "" for the whole message */
	const char *what;
	/* The payload: `fill` `times` times in place of a '@', `close` as often in place of a '~'. */
	const char *text;
	size_t size;
	const char *fill;
	unsigned times;
	const char *close;
	/* What the server holds then, NULL: as if nothing had come. inform: "module version". progress: "state step desc" of the
	 * task, which was pushed and has no retries. pull: the id of the answer; "" where there is none. */
	const char *effect;
	/* Words of the one line in the log: of the refusal, or of what was mended. NULL: no line. */
	const char *line;
};

size_t message_row_count(void);
const struct message_row *message_row_at(size_t index);
void message_row_print(const struct message_row *row, struct ota_bytes *out);
/* The payload with some bytes of it other, gone, twice, or cut off behind. The same state makes the same ones; it moves on. */
void message_row_mutate(const struct message_row *row, uint64_t *state, struct ota_bytes *out);

#endif
