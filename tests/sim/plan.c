#include "tests/sim/plan.h"

#include <string.h>

#include "common/time.h"

static int64_t draw(struct luck *luck, const int64_t *choices, size_t count)
{
	return choices[luck_below(luck, count)];
}
#define DRAW(luck, ...) draw(luck, (const int64_t[]){ __VA_ARGS__ }, sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static void stages_draw(struct plan *plan, struct luck *luck)
{
	int64_t percent = 0;

	plan->stage_count = 1 + luck_below(luck, PLAN_STAGES_MAX);
	for (size_t i = 0; i < plan->stage_count; i++) {
		struct plan_stage *stage = &plan->stages[i];

		if (luck_percent(luck, 50))
			stage->count = luck_between(luck, 1, 3);
		else
			stage->percent = percent = luck_between(luck, percent + 1, percent + 30);
		stage->success = DRAW(luck, 0, 50, 95);
		stage->finished = DRAW(luck, 50, 80, 100);
		stage->soak_ms = DRAW(luck, 0, 0, 90 * OTA_SECOND_MS);
		stage->deadline_ms = DRAW(luck, 0, 0, 5 * OTA_MINUTE_MS);
		stage->manual = luck_percent(luck, 20);
	}
}

/* About the time of the day at which worlds begin, 22:13 UTC: it opens and closes while somebody looks. */
static void window_draw(struct plan *plan, struct luck *luck)
{
	plan->zone_hours = (int)luck_between(luck, -11, 12);
	plan->window_from = (int)((22 * 60 + plan->zone_hours * 60 + luck_between(luck, -10, 25) + 1440) % 1440);
	plan->window_to = (int)((plan->window_from + luck_between(luck, 4, 60)) % 1440);
}

/* Each in some plans only: a batch that is held by all would never be seen to run. */
static void gates_draw(struct plan *plan, struct luck *luck)
{
	if (luck_percent(luck, 30))
		stages_draw(plan, luck);
	if (luck_percent(luck, 20))
		plan->max_in_flight = luck_between(luck, 1, 3);
	if (luck_percent(luck, 20))
		plan->per_minute = DRAW(luck, 1, 2, 4, 8);
	if (plan->per_minute > 2 && luck_percent(luck, 50))
		plan->ramp_from = luck_between(luck, 1, 2);
	if (luck_percent(luck, 10))
		plan->start_after_ms = luck_between(luck, OTA_SECOND_MS, 2 * OTA_MINUTE_MS);
	if (luck_percent(luck, 15))
		plan->abort_count = luck_between(luck, 1, 3);
	if (luck_percent(luck, 15))
		window_draw(plan, luck);
	plan->pull_only = luck_percent(luck, 10);
	plan->aborts_on_burn_alone = luck_percent(luck, 10);
	plan->abort_cancels = luck_percent(luck, 15);
}

void plan_draw(struct plan *plan, struct luck *luck)
{
	*plan = (struct plan){
		.push_timeout_ms = DRAW(luck, 30 * OTA_SECOND_MS, 90 * OTA_SECOND_MS, 5 * OTA_MINUTE_MS),
		.upgrade_timeout_ms = DRAW(luck, 30 * OTA_SECOND_MS, 2 * OTA_MINUTE_MS, 6 * OTA_MINUTE_MS),
		.reboot_timeout_ms = DRAW(luck, 20 * OTA_SECOND_MS, OTA_MINUTE_MS, 3 * OTA_MINUTE_MS),
		.soak_ms = DRAW(luck, 0, 0, 0, 40 * OTA_SECOND_MS),
		.retry_pause_ms = DRAW(luck, 5 * OTA_SECOND_MS, 20 * OTA_SECOND_MS, OTA_MINUTE_MS),
		.end_after_ms = DRAW(luck, 3 * OTA_MINUTE_MS, 10 * OTA_MINUTE_MS, OTA_HOUR_MS),
		.retries = luck_between(luck, 0, 3),
		.abort_percent = DRAW(luck, 10, 10, 40, 100),
		.abort_sample = DRAW(luck, 0, 1, 3, 5),
		.retries_all = luck_percent(luck, 30),
	};
	gates_draw(plan, luck);
}

static const char retried_all[] = ",\"retryCauses\":[\"download_failed\",\"push_timeout\",\"upgrade_timeout\",\"lost\","
				  "\"upgrade_failed\",\"verify_failed\",\"burn_failed\",\"rolled_back\"]";

static void stages_print(const struct plan *plan, struct ota_bytes *out)
{
	ota_bytes_format(out, ",\"stages\":[");
	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct plan_stage *stage = &plan->stages[i];

		ota_bytes_format(out, "%s{\"%s\":%lld,\"success\":%lld,\"finished\":%lld,\"soak\":\"%llds\",\"manual\":%s",
				 i ? "," : "", stage->percent ? "percent" : "count",
				 (long long)(stage->percent ? stage->percent : stage->count), (long long)stage->success,
				 (long long)stage->finished, (long long)(stage->soak_ms / OTA_SECOND_MS),
				 stage->manual ? "true" : "false");
		if (stage->deadline_ms)
			ota_bytes_format(out, ",\"deadline\":\"%llds\"", (long long)(stage->deadline_ms / OTA_SECOND_MS));
		ota_bytes_format(out, "}");
	}
	ota_bytes_format(out, "]");
}

void plan_print(const struct plan *plan, int64_t now_ms, struct ota_bytes *out)
{
	ota_bytes_format(out,
			 "{\"pushTimeout\":\"%llds\",\"upgradeTimeout\":\"%llds\",\"rebootTimeout\":\"%llds\",\"soak\":\"%llds\","
			 "\"retryPause\":\"%llds\",\"endAfter\":\"%llds\",\"retries\":%lld,\"abortPercent\":%lld,"
			 "\"abortSample\":%lld%s",
			 (long long)(plan->push_timeout_ms / 1000), (long long)(plan->upgrade_timeout_ms / 1000),
			 (long long)(plan->reboot_timeout_ms / 1000), (long long)(plan->soak_ms / 1000),
			 (long long)(plan->retry_pause_ms / 1000), (long long)(plan->end_after_ms / 1000),
			 (long long)plan->retries, (long long)plan->abort_percent, (long long)plan->abort_sample,
			 plan->retries_all ? retried_all : "");
	if (plan->abort_count)
		ota_bytes_format(out, ",\"abortCount\":%lld", (long long)plan->abort_count);
	if (plan->aborts_on_burn_alone)
		ota_bytes_format(out, ",\"abortCauses\":[\"burn_failed\"]");
	if (plan->abort_cancels)
		ota_bytes_format(out, ",\"abortAction\":\"cancel\"");
	if (plan->start_after_ms)
		ota_bytes_format(out, ",\"startAt\":%lld", (long long)(now_ms + plan->start_after_ms));
	if (plan->max_in_flight)
		ota_bytes_format(out, ",\"maxInFlight\":%lld", (long long)plan->max_in_flight);
	if (plan->per_minute)
		ota_bytes_format(out, ",\"rate\":{\"perMinute\":%lld,\"from\":%lld,\"factor\":2,\"every\":\"60s\"}",
				 (long long)plan->per_minute, (long long)plan->ramp_from);
	if (plan->window_from != plan->window_to)
		/* Etc/GMT-3 is three hours ahead of UTC: POSIX counts the other way. */
		ota_bytes_format(out, ",\"window\":{\"from\":\"%02d:%02d\",\"to\":\"%02d:%02d\",\"zone\":\"Etc/GMT%+d\"}",
				 plan->window_from / 60, plan->window_from % 60, plan->window_to / 60, plan->window_to % 60,
				 -plan->zone_hours);
	if (plan->confirm)
		ota_bytes_format(out, ",\"confirm\":true");
	if (plan->pull_only)
		ota_bytes_format(out, ",\"pullOnly\":true");
	if (plan->stage_count)
		stages_print(plan, out);
	ota_bytes_format(out, "}");
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++) {
		if (!strcmp(word, *words))
			return true;
	}
	return false;
}

bool plan_retries(const struct plan *plan, const char *cause)
{
	static const char *const passing[] = { "download_failed", "push_timeout", "upgrade_timeout", "lost", NULL };
	static const char *const other[] = { "upgrade_failed", "verify_failed", "burn_failed", "rolled_back", NULL };

	return is_one_of(cause, passing) || (plan->retries_all && is_one_of(cause, other));
}

bool plan_counts_for_abort(const struct plan *plan, const char *cause)
{
	return !plan->aborts_on_burn_alone || !strcmp(cause, "burn_failed");
}

bool plan_window_is_open(const struct plan *plan, int64_t wall_ms)
{
	int64_t minute = ((wall_ms / OTA_MINUTE_MS + plan->zone_hours * 60) % 1440 + 1440) % 1440;
	int64_t from = plan->window_from, to = plan->window_to;

	if (from == to)
		return true;
	return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}
