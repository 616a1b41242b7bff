/*
 * Forecast: how long a batch takes under its stages, rate, places and window, if nothing goes wrong. Pure.
 *
 * It plays the batch minute by minute under assumptions that are part of its answer: every device is online and succeeds at its
 * first attempt, each takes as long as any other, an operator who is asked acts at once. So it is a lower bound, and told as one:
 * devices that are away are nobody's to foresee. Wall times in ms.
 */
#ifndef OTA_PLUGIN_RULES_FORECAST_H
#define OTA_PLUGIN_RULES_FORECAST_H

#include "plugin/rules/window.h"

enum {
	OTA_FORECAST_DEVICE_MS = 10 * 60 * 1000, /* what a device takes from its push to its report, if nobody knows better */
	OTA_FORECAST_STAGES = OTA_STAGES_MAX + 1, /* those of the strategy, and the one of what they leave */
};

struct ota_forecast_facts {
	const struct ota_strategy *strategy;
	int64_t now_ms;
	int64_t ends_ms;        /* what is pending then is given up; 0 = never */
	struct ota_local local; /* the clocks of the window's zone; needed where there is a window */
	int64_t since_ms;       /* how long its rate has been growing */
	int64_t device_ms;      /* 0 = OTA_FORECAST_DEVICE_MS */
	int64_t sizes[OTA_FORECAST_STAGES]; /* devices of each stage that are to go yet */
	size_t stage_count;
};

struct ota_forecast {
	int64_t device_ms; /* with the time a new version must run */
	int64_t begins_ms; /* the first release; 0 = none before the end */
	int64_t ends_ms;   /* the last one ended; 0 = not before the batch ends */
	int64_t left;      /* devices that are not done when the batch ends */
	int64_t fastest;   /* most releases in a minute */
	struct ota_forecast_stage {
		int64_t opens_ms; /* 0 = never */
		int64_t passed_ms;
	} stages[OTA_FORECAST_STAGES];
	bool asks; /* somebody must act on the way: a stage by hand, devices to be confirmed */
};

/* How many of `devices` each stage takes, by their shares; the last one is what the strategy's stages leave. Returns how many
 * stages that makes: no more than take anybody behind the strategy's own. */
size_t ota_forecast_sizes(const struct ota_strategy *strategy, int64_t devices, int64_t sizes[OTA_FORECAST_STAGES]);

/* OTA_ENOMEM alone. */
int ota_forecast_make(const struct ota_forecast_facts *facts, struct ota_forecast *ret_forecast);

#endif
