/*
 * Check: what must hold after every transaction, whatever devices, operators, the network and crashes did. Each rule is stated
 * here from DESIGN.md section 6 and judged by the rows and by the model, never by the rules' own code.
 */
#ifndef OTA_TESTS_SIM_CHECK_H
#define OTA_TESTS_SIM_CHECK_H

#include "tests/sim/server.h"
#include "tests/sim/view.h"

void check_commit(struct world *world, const struct work *work);
/* Everybody is quiet and time has passed: every task is final, every batch has ended, the inventory is what devices said. */
void check_end(struct world *world);

/* check_task.c: what became of each task, and why it may. */
void check_tasks(struct world *world, const struct work *work);
/* check_report.c: what was acknowledged took effect. */
void check_reports(struct world *world, const struct work *work);
/* check_batch.c: batches, the abort rule. */
void check_batches(struct world *world, const struct work *work);
/* check_stage.c: stages open when they may, and then they do. */
void check_stage(struct world *world, const struct work *work, const struct seen_batch *row);
/* The open stage had to stop the batch. */
bool check_stall(struct world *world, const struct work *work, const struct seen_batch *row);
/* check_send.c: every message that leaves may leave. */
void check_messages(struct world *world, const struct work *work);
/* check_wait.c: a task that nothing holds is released soon. */
void check_waiting(struct world *world, const struct work *work);

#endif
