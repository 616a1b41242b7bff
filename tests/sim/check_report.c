/* An acknowledged report is never lost: judged where one report alone was a transaction, so that nothing else can explain what
 * it found and what it left. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/world.h"

struct said {
	long step;
	int64_t batch, attempt;
	char module[8]; /* "" = it names none */
	bool cancels;
};

static bool progress_read(const struct item *item, struct said *ret_said)
{
	cJSON *tree = cJSON_Parse(item->text);
	const cJSON *params = cJSON_GetObjectItem(tree, "params"), *batch = cJSON_GetObjectItem(params, "batch");
	const cJSON *step = cJSON_GetObjectItem(params, "step");

	*ret_said = (struct said){ .step = cJSON_IsString(step) ? strtol(step->valuestring, NULL, 10) : 0 };
	ret_said->cancels = cJSON_GetObjectItem(params, "cancel") != NULL;
	const cJSON *module = cJSON_GetObjectItem(params, "module");
	snprintf(ret_said->module, sizeof(ret_said->module), "%s", cJSON_IsString(module) ? module->valuestring : "");
	if (batch) {
		ret_said->batch = (int64_t)batch->valuedouble;
		ret_said->attempt = (int64_t)cJSON_GetObjectItem(params, "attempt")->valuedouble;
	}
	cJSON_Delete(tree);
	return !ret_said->cancels;
}

static const struct seen_task *active_of(const struct seen *seen, int device)
{
	for (size_t i = 0; i < seen->task_count; i++) {
		if (seen->tasks[i].device == device && view_is_active(seen->tasks[i].state))
			return &seen->tasks[i];
	}
	return NULL;
}

/* A report about the attempt in work moves it; one about anything else moves nothing. */
static void progress_check(struct world *world, const struct item *item)
{
	const struct seen_task *before = active_of(&world->view.before, item->device), *now;
	struct said said;

	if (!progress_read(item, &said) || !before)
		return;
	now = view_task(&world->view.now, before->id);
	bool stray = (said.batch && (said.batch != before->batch || said.attempt != before->attempt)) ||
		     (*said.module && strcmp(said.module, before->module) != 0);
	bool unmoved = now->state == before->state && now->phase == before->phase && now->attempt == before->attempt;
	if (stray && !unmoved)
		world_blame(world, "a report of another attempt moved task %lld of d%d", (long long)now->id, item->device);
	if (stray || before->phase != SEEN_PHASE_NONE)
		return;
	if (said.step >= 0 && said.step < 100 && (now->state != SEEN_UPGRADING || now->phase != SEEN_PHASE_NONE))
		world_blame(world, "step %ld of d%d was acknowledged and lost", said.step, item->device);
	if (said.step == 100 && now->state == SEEN_UPGRADING && now->phase == SEEN_PHASE_NONE)
		world_blame(world, "the delivery of d%d was acknowledged and lost", item->device);
	/* Without a name it may be the attempt's before, for a while. */
	if (said.step < 0 && said.batch && unmoved)
		world_blame(world, "step %ld of d%d was acknowledged and lost", said.step, item->device);
}

void check_reports(struct world *world, const struct work *work)
{
	if (work->count == 1 && work->items && work->items[0].kind == ITEM_REPORT && work->items[0].topic == OTA_TOPIC_PROGRESS)
		progress_check(world, &work->items[0]);
}
