/*
 * Desk: the core on a table, with the time and the randomness in the test's hand. Each desk_* call is one event.
 */
#ifndef OTA_TESTS_AGENT_DESK_H
#define OTA_TESTS_AGENT_DESK_H

#include "agent/core/machine.h"

struct desk {
	struct agent_core core;
	struct agent_effects effects; /* of the last event */
	struct agent_now now;
};

#define DESK_SHA256 "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

/* Modules "default" and "mcu", both at 1.0.0, connected, idle. */
void desk_open(struct desk *desk);
/* As a new process would: from the record of the core as it is. Versions are still to be told. */
void desk_reboot(struct desk *desk);
struct ota_offer desk_offer(const char *version, int64_t batch, int64_t attempt);

void desk_event(struct desk *desk, struct agent_event event);
void desk_version(struct desk *desk, size_t module, const char *version);
void desk_push(struct desk *desk, const char *version, int64_t batch, int64_t attempt);
void desk_cancel(struct desk *desk, int64_t batch, int64_t attempt);
void desk_received(struct desk *desk, uint64_t bytes);
void desk_fetched(struct desk *desk, enum agent_fetch_outcome outcome, const char *text);
void desk_failed(struct desk *desk, enum agent_event_kind kind, int code, const char *text);
void desk_simple(struct desk *desk, enum agent_event_kind kind);
void desk_acknowledge(struct desk *desk); /* the report that is pending */

/* The effects of the last event as words in their order, logs left out: "save report fetch". */
const char *desk_effects(const struct desk *desk);
bool desk_has(const struct desk *desk, enum agent_effect_kind kind);

#endif
