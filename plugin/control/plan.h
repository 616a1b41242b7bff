/*
 * Plan: a batch before it is ordered. Internal to plugin/control: batches.c knows who is meant, plans.c what would come of it.
 */
#ifndef OTA_PLUGIN_CONTROL_PLAN_H
#define OTA_PLUGIN_CONTROL_PLAN_H

#include "plugin/control/call.h"
#include "plugin/rules/forecast.h"

struct ota_plan {
	const struct ota_batch *batch;
	const struct ota_package *package;
	int64_t matches;   /* devices that would have a task */
	int64_t conflicts; /* devices that have unfinished work */
	/* Filled by ota_call_plan(). */
	struct ota_strategy strategy;
	bool verified;
	int64_t link_ms; /* how long a signed link lives */
	int64_t sizes[OTA_FORECAST_STAGES];
	size_t stage_count;
	struct ota_forecast forecast;
};

/* Appends to the open object of the answer what the batch is, its stages, its forecast with its assumptions, and warnings. */
int ota_call_plan(const struct ota_call *call, struct ota_plan *plan, struct ota_error *error);

#endif
