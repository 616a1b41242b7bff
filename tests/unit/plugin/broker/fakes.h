/*
 * Fakes of the store, the engine and the control, linked in place of the true ones: they remember what was committed, and fail
 * where a test says.
 *
 * One process-wide state, as the true store is one file; guarded, because the worker's thread changes it while a test looks.
 */
#ifndef OTA_TESTS_FAKES_H
#define OTA_TESTS_FAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKES_EVENTS_MAX = 4096, FAKES_EVENT_SIZE = 96 };

/* Everything forgotten, nothing fails. */
void fakes_reset(void);

/* What is committed: one text for each applied event, in order: "inform dn1 v=1 r=0", "connected dn1 5", "gone dn1 5", "pull
 * dn1", "command <payload>", "turn". Waits up to 10 s for the count and returns whether it was reached. */
bool fakes_wait_events(size_t count);
size_t fakes_events(void);
const char *fakes_event(size_t index); /* valid until the next reset */

uint64_t fakes_applied(void); /* as saved and committed */
int64_t fakes_heard_ms(void);
size_t fakes_commits(void);
bool fakes_wait_commits(size_t count);
size_t fakes_checkpoints(void);
/* What the store knows at the next start: this device is shut out. */
void fakes_disable(const char *product_key, const char *device_name);
const char *fakes_note(void); /* the last one for the operators' log, "event: detail" */
bool fakes_wait_undone(size_t count); /* how often the engine was told that a transaction was rolled back */

/* The next `times` calls of what is named fail with `code`. */
enum fakes_call { FAKES_BEGIN, FAKES_COMMIT, FAKES_TURN, FAKES_CONTROL, FAKES_CALLS };
void fakes_fail(enum fakes_call call, int code, unsigned times);
/* The engine fails with `code` on every report whose payload contains `words`; times = how often, 0 = for ever. */
void fakes_fail_on(const char *words, int code, unsigned times);
/* The engine waits inside the event whose payload contains `words` until fakes_go_on(). */
void fakes_hold_on(const char *words);
void fakes_go_on(void);
bool fakes_wait_held(void);
/* The engine has something to do at that heard time, once. */
void fakes_due_at(int64_t heard_ms);
void fakes_work(unsigned chunks); /* so many turns of the engine have work on batches to do, each notes "chunk" */

#endif
