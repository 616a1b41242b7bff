/*
 * What the agent may be sent, good and bad: each field of a push at its limit, past it, of another type, missing, doubled, in
 * another encoding. The rows are those of messages.h: `effect` is what was read, "size version module method full|delta
 * batch:attempt"; NULL is a refusal, whose `line` is reported to the server when it begins with "push: ", and stands in the
 * agent's log alone when the message is no push at all ("push ignored: ").
 */
#ifndef OTA_TESTS_SURFACE_PUSHES_H
#define OTA_TESTS_SURFACE_PUSHES_H

#include "common/message.h"
#include "tests/surface/messages.h"

size_t push_row_count(void);
const struct message_row *push_row_at(size_t index);

#endif
