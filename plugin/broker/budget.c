#include "plugin/broker/budget.h"

#include <stdlib.h>

#include <uthash.h>

#include "common/pace.h"

static const struct ota_pace_rate trickle_rate = {.count = 1, .period_ms = OTA_BUDGET_TRICKLE_MS, .burst = 1};

/* A task is of one device, so its number says whose download it is. */
struct budget {
	int64_t task_id, attempt;
	uint64_t spent_bytes;
	struct ota_pace trickle;
	UT_hash_handle hh; /* in the order of their use, the oldest first */
};

struct ota_budgets {
	struct budget *budgets;
	size_t capacity;
};

struct ota_budgets *ota_budgets_new(size_t capacity)
{
	struct ota_budgets *budgets = calloc(1, sizeof(*budgets));
	if (budgets)
		budgets->capacity = capacity;
	return budgets;
}

static void budget_delete(struct ota_budgets *budgets, struct budget *budget)
{
	HASH_DEL(budgets->budgets, budget);
	free(budget);
}

struct ota_budgets *ota_budgets_free(struct ota_budgets *budgets)
{
	struct budget *budget, *next;
	if (!budgets)
		return NULL;
	HASH_ITER(hh, budgets->budgets, budget, next)
		budget_delete(budgets, budget);
	free(budgets);
	return NULL;
}

/* Goes to the end of the order. */
static struct budget *budget_take(struct ota_budgets *budgets, int64_t task_id)
{
	struct budget *budget = NULL;
	HASH_FIND(hh, budgets->budgets, &task_id, sizeof(task_id), budget);
	if (budget)
		HASH_DEL(budgets->budgets, budget);
	else if ((budget = calloc(1, sizeof(*budget))))
		budget->task_id = task_id;
	else
		return NULL;
	if (HASH_COUNT(budgets->budgets) >= budgets->capacity)
		budget_delete(budgets, budgets->budgets);
	HASH_ADD(hh, budgets->budgets, task_id, sizeof(budget->task_id), budget);
	return budget;
}

bool ota_budgets_spend(struct ota_budgets *budgets, const struct ota_stream *stream, uint32_t size, int64_t boot_ms)
{
	uint64_t whole = stream->size * OTA_BUDGET_TIMES + OTA_BUDGET_MORE_BYTES;
	struct budget *budget = budget_take(budgets, stream->task_id);
	if (!budget)
		return false;
	if (budget->attempt != stream->attempt) { /* a retry fetches all of it again */
		budget->attempt = stream->attempt;
		budget->spent_bytes = 0;
	}
	if (budget->spent_bytes + size > whole)
		return ota_pace_take(&budget->trickle, trickle_rate, boot_ms);
	budget->spent_bytes += size;
	return true;
}
