#include <criterion/criterion.h>

#include "common/time.h"
#include "plugin/rules/forecast.h"

/* 2026-11-20 12:00 UTC. */
#define NOW 1795176000000
#define MINUTES(n) ((int64_t)(n) * OTA_MINUTE_MS)
#define HOURS(n) ((int64_t)(n) * OTA_HOUR_MS)

/* Zones whose clocks are never set: the hours they are ahead. */
static int64_t ahead_by_hours(const void *zone, int64_t wall_ms)
{
	(void)wall_ms;
	return *(const int64_t *)zone * OTA_HOUR_MS;
}

static const int64_t utc = 0, paris = 1;

static struct ota_forecast forecast_of(const struct ota_strategy *strategy, int64_t devices)
{
	struct ota_forecast_facts facts = { .strategy = strategy, .now_ms = NOW, .local = { ahead_by_hours, &utc } };
	struct ota_forecast forecast;

	facts.stage_count = ota_forecast_sizes(strategy, devices, facts.sizes);
	cr_assert_eq(ota_forecast_make(&facts, &forecast), 0);
	return forecast;
}

Test(forecast, without_limits_everything_takes_as_long_as_one_device)
{
	struct ota_strategy strategy = ota_strategy_defaults();
	struct ota_forecast forecast = forecast_of(&strategy, 1000000);

	cr_expect_eq(forecast.begins_ms, NOW);
	cr_expect_eq(forecast.ends_ms, NOW + OTA_FORECAST_DEVICE_MS);
	cr_expect_eq(forecast.fastest, 1000000);
	strategy.soak_ms = HOURS(1);
	cr_expect_eq(forecast_of(&strategy, 5).ends_ms, NOW + OTA_FORECAST_DEVICE_MS + HOURS(1));
}

Test(forecast, a_rate_and_its_ramp_set_the_pace)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	strategy.rate.per_minute = 100;
	cr_expect_eq(forecast_of(&strategy, 1000).ends_ms, NOW + MINUTES(9) + OTA_FORECAST_DEVICE_MS);
	strategy.rate = (struct ota_rate){ .per_minute = 100, .from = 25, .factor = 2, .every_ms = MINUTES(10) };
	/* 25 for 10 minutes, 50 for 10 minutes, then 100: 250 + 500 + 250 */
	struct ota_forecast forecast = forecast_of(&strategy, 1000);
	cr_expect_eq(forecast.ends_ms, NOW + MINUTES(22) + OTA_FORECAST_DEVICE_MS);
	cr_expect_eq(forecast.fastest, 100);
}

Test(forecast, places_are_taken_again_when_devices_are_done)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	strategy.max_in_flight = 10;
	cr_expect_eq(forecast_of(&strategy, 30).ends_ms, NOW + 3 * OTA_FORECAST_DEVICE_MS);
}

Test(forecast, a_window_stops_releases_and_not_what_is_under_way)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	strategy.window = (struct ota_window){ .from_minute = 22 * 60, .to_minute = 60 };
	strategy.rate.per_minute = 1;
	/* three hours each night: 180 devices, and one in the first minute of the second night */
	struct ota_forecast forecast = forecast_of(&strategy, 181);
	cr_expect_eq(forecast.begins_ms, NOW + HOURS(10));
	cr_expect_eq(forecast.ends_ms, NOW + HOURS(34) + OTA_FORECAST_DEVICE_MS);
}

Test(forecast, a_window_is_of_its_zone)
{
	struct ota_strategy strategy = ota_strategy_defaults();
	struct ota_forecast_facts facts = {
		.strategy = &strategy, .now_ms = NOW, .local = { ahead_by_hours, &paris }, .sizes = { 1 }, .stage_count = 1,
	};
	struct ota_forecast forecast;

	strategy.window = (struct ota_window){ .from_minute = 22 * 60, .to_minute = 60 };
	cr_assert_eq(ota_forecast_make(&facts, &forecast), 0);
	cr_expect_eq(forecast.begins_ms, NOW + HOURS(9));
}

Test(forecast, stages_open_when_enough_is_finished_and_soaked)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	strategy.stage_count = 2;
	strategy.stages[0] = (struct ota_stage){ .percent = 1, .finished_percent = 80, .soak_ms = HOURS(1) };
	strategy.stages[1] = (struct ota_stage){ .percent = 10, .finished_percent = 100, .manual = true };
	struct ota_forecast forecast = forecast_of(&strategy, 1000);
	cr_expect_eq(forecast.stages[0].opens_ms, NOW);
	cr_expect_eq(forecast.stages[1].opens_ms, NOW + OTA_FORECAST_DEVICE_MS + HOURS(1));
	cr_expect_eq(forecast.stages[2].opens_ms, NOW + 2 * OTA_FORECAST_DEVICE_MS + HOURS(1));
	cr_expect_eq(forecast.ends_ms, NOW + 3 * OTA_FORECAST_DEVICE_MS + HOURS(1));
	cr_expect(forecast.asks, "a stage is opened by hand");
}

Test(forecast, an_empty_stage_holds_nobody)
{
	struct ota_strategy strategy = ota_strategy_defaults();

	strategy.stage_count = 2;
	strategy.stages[0] = (struct ota_stage){ .percent = 50, .finished_percent = 100 };
	strategy.stages[1] = (struct ota_stage){ .count = 10, .finished_percent = 100, .soak_ms = HOURS(5) };
	cr_expect_eq(forecast_of(&strategy, 1).ends_ms, NOW + OTA_FORECAST_DEVICE_MS);
}

Test(forecast, sizes_are_cumulative_shares_and_numbers)
{
	struct ota_strategy strategy = ota_strategy_defaults();
	int64_t sizes[OTA_FORECAST_STAGES];

	cr_expect_eq(ota_forecast_sizes(&strategy, 7, sizes), 1);
	cr_expect_eq(sizes[0], 7);
	strategy.stage_count = 3;
	strategy.stages[0].percent = 1;
	strategy.stages[1].count = 500;
	strategy.stages[2].percent = 10;
	cr_expect_eq(ota_forecast_sizes(&strategy, 10000, sizes), 4);
	cr_expect_eq(sizes[0], 100);
	cr_expect_eq(sizes[1], 500);
	cr_expect_eq(sizes[2], 900);
	cr_expect_eq(sizes[3], 8500);
	strategy.stages[2].percent = 100;
	cr_expect_eq(ota_forecast_sizes(&strategy, 10000, sizes), 3, "nothing is left behind 100 %%");
	cr_expect_eq(ota_forecast_sizes(&strategy, 50, sizes), 3);
	cr_expect_eq(sizes[0] + sizes[1] + sizes[2], 50);
}

Test(forecast, what_does_not_fit_before_the_end_is_left)
{
	struct ota_strategy strategy = ota_strategy_defaults();
	struct ota_forecast_facts facts = {
		.strategy = &strategy, .now_ms = NOW, .ends_ms = NOW + HOURS(1), .sizes = { 1000 }, .stage_count = 1,
	};
	struct ota_forecast forecast;

	strategy.rate.per_minute = 10;
	cr_assert_eq(ota_forecast_make(&facts, &forecast), 0);
	cr_expect_eq(forecast.ends_ms, 0);
	cr_expect_eq(forecast.left, 1000 - 10 * 50);
	strategy.start_at_ms = NOW + HOURS(2);
	cr_assert_eq(ota_forecast_make(&facts, &forecast), 0);
	cr_expect_eq(forecast.begins_ms, 0);
	cr_expect_eq(forecast.left, 1000);
}

Test(forecast, nobody_takes_no_time)
{
	struct ota_strategy strategy = ota_strategy_defaults();
	struct ota_forecast forecast = forecast_of(&strategy, 0);

	cr_expect_eq(forecast.ends_ms, NOW);
	cr_expect_eq(forecast.begins_ms, 0);
}

Test(forecast, a_window_is_as_long_as_it_is_open)
{
	cr_expect_eq(ota_window_minutes(&(struct ota_window){ .from_minute = 60, .to_minute = 120 }), 60);
	cr_expect_eq(ota_window_minutes(&(struct ota_window){ .from_minute = 22 * 60, .to_minute = 6 * 60 }), 8 * 60);
	cr_expect_eq(ota_window_minutes(&(struct ota_window){ 0 }), 24 * 60);
}
