#include "plugin/rules/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/time.h"
#include "plugin/rules/pace.h"

enum { DAY_MINUTES = 24 * 60 };
/* No batch is forecast for longer: 400 days, more than the longest endAfter. */
enum { MINUTES_MAX = 400 * DAY_MINUTES };

static int64_t share_of(int64_t devices, int64_t percent)
{
	return (devices * percent + 99) / 100;
}

size_t ota_forecast_sizes(const struct ota_strategy *strategy, int64_t devices, int64_t sizes[OTA_FORECAST_STAGES])
{
	int64_t left = devices, percent = 0;
	size_t count = strategy->stage_count;

	for (size_t i = 0; i < strategy->stage_count; i++) {
		const struct ota_stage *stage = &strategy->stages[i];
		int64_t wanted = stage->count;

		if (stage->percent) {
			wanted = share_of(devices, stage->percent) - share_of(devices, percent);
			percent = stage->percent;
		}
		sizes[i] = wanted < left ? wanted : left;
		left -= sizes[i];
	}
	sizes[count] = left;
	return left || !count ? count + 1 : count;
}

/* A batch that is played. Minutes count from now. */
struct play {
	const struct ota_forecast_facts *facts;
	struct ota_forecast *forecast;
	int64_t *released_at; /* of the last `lasting` minutes, a ring */
	int64_t lasting;      /* minutes a device takes */
	int64_t minute;
	int64_t since; /* minutes since the first release could go: the ramp counts from here */
	int64_t open;  /* devices of all stages that are open */
	int64_t released, finished;
	int64_t before; /* devices of the stages before the last open one */
	size_t stage;   /* the last one that is open */
};

static int64_t wall_of(const struct play *play, int64_t minute)
{
	return play->facts->now_ms + minute * OTA_MINUTE_MS;
}

static void stage_open(struct play *play, size_t stage)
{
	play->before = stage ? play->open : 0;
	play->stage = stage;
	play->open += play->facts->sizes[stage];
	play->forecast->stages[stage].opens_ms = wall_of(play, play->minute);
}

/* A stage's devices go in order: what is finished beyond the stages before it is its own. */
static void stages_look(struct play *play)
{
	const struct ota_strategy *strategy = play->facts->strategy;

	while (play->stage + 1 < play->facts->stage_count) {
		const struct ota_stage *stage = &strategy->stages[play->stage];
		int64_t *passed_ms = &play->forecast->stages[play->stage].passed_ms;
		int64_t wanted = share_of(play->facts->sizes[play->stage], stage->finished_percent);

		if (play->finished - play->before < wanted)
			return;
		if (!*passed_ms)
			*passed_ms = wall_of(play, play->minute) + (wanted ? stage->soak_ms : 0);
		if (*passed_ms > wall_of(play, play->minute))
			return;
		play->forecast->asks |= stage->manual;
		stage_open(play, play->stage + 1);
	}
}

static bool may_release(const struct play *play)
{
	const struct ota_strategy *strategy = play->facts->strategy;
	int64_t wall_ms = wall_of(play, play->minute);

	if (wall_ms < strategy->start_at_ms)
		return false;
	return !ota_window_is_given(&strategy->window) || ota_window_is_open(&strategy->window, play->facts->local, wall_ms);
}

static int64_t release_count(struct play *play)
{
	const struct ota_strategy *strategy = play->facts->strategy;
	int64_t count = play->open - play->released;

	if (strategy->rate.per_minute) {
		int64_t rate = ota_rate_now(&strategy->rate, play->facts->since_ms + play->since * OTA_MINUTE_MS);

		count = count < rate ? count : rate;
	}
	if (strategy->max_in_flight) {
		int64_t places = strategy->max_in_flight - (play->released - play->finished);

		count = count < places ? count : places;
	}
	return count > 0 ? count : 0;
}

static void minute_play(struct play *play)
{
	int64_t *slot = &play->released_at[play->minute % play->lasting];

	play->finished += *slot;
	*slot = 0;
	stages_look(play);
	if (wall_of(play, play->minute) >= play->facts->strategy->start_at_ms)
		play->since++;
	if (!may_release(play))
		return;
	*slot = release_count(play);
	play->released += *slot;
	if (*slot && !play->forecast->begins_ms)
		play->forecast->begins_ms = wall_of(play, play->minute);
	if (*slot > play->forecast->fastest)
		play->forecast->fastest = *slot;
}

static void whole_play(struct play *play, int64_t devices)
{
	const struct ota_forecast_facts *facts = play->facts;

	stage_open(play, 0);
	for (; play->finished < devices && play->minute < MINUTES_MAX; play->minute++) {
		if (facts->ends_ms && wall_of(play, play->minute) >= facts->ends_ms)
			break;
		minute_play(play);
	}
	play->forecast->left = devices - play->finished;
	/* What was pushed in time may end after the batch's end. */
	if (play->released == devices && play->forecast->left) {
		play->forecast->left = 0;
		play->minute += play->lasting;
	}
	if (!play->forecast->left)
		play->forecast->ends_ms = wall_of(play, play->minute ? play->minute - 1 : 0);
}

int ota_forecast_make(const struct ota_forecast_facts *facts, struct ota_forecast *ret_forecast)
{
	struct ota_forecast forecast = { .asks = facts->strategy->confirm };
	struct play play = { .facts = facts, .forecast = &forecast, .since = -1 };
	int64_t devices = 0;

	forecast.device_ms = (facts->device_ms ? facts->device_ms : OTA_FORECAST_DEVICE_MS) + facts->strategy->soak_ms;
	play.lasting = (forecast.device_ms + OTA_MINUTE_MS - 1) / OTA_MINUTE_MS;
	play.released_at = calloc((size_t)play.lasting, sizeof(*play.released_at));
	if (!play.released_at)
		return OTA_ENOMEM;
	for (size_t i = 0; i < facts->stage_count; i++)
		devices += facts->sizes[i];
	whole_play(&play, devices);
	free(play.released_at);
	*ret_forecast = forecast;
	return 0;
}
