#include "plugin/rules/window.h"

#include "common/time.h"

enum { DAY_MINUTES = 24 * 60 };

int64_t ota_window_minutes(const struct ota_window *window)
{
	int64_t length = (window->to_minute - window->from_minute) % DAY_MINUTES;

	return length > 0 ? length : length + DAY_MINUTES;
}

bool ota_window_is_given(const struct ota_window *window)
{
	return (window->to_minute - window->from_minute) % DAY_MINUTES != 0;
}

static int64_t day_ms(struct ota_local local, int64_t wall_ms)
{
	int64_t into_ms = (wall_ms + local.ahead_ms(local.zone, wall_ms)) % OTA_DAY_MS;

	return into_ms < 0 ? into_ms + OTA_DAY_MS : into_ms;
}

bool ota_window_is_open(const struct ota_window *window, struct ota_local local, int64_t wall_ms)
{
	int64_t minute = day_ms(local, wall_ms) / OTA_MINUTE_MS;
	bool begun = minute >= window->from_minute, over = minute >= window->to_minute;

	if (!ota_window_is_given(window))
		return true;
	return window->from_minute < window->to_minute ? begun && !over : begun || !over;
}

/* The first second behind `from` at which the zone's clocks were set, of those up to `to`; they were. */
static int64_t clocks_set_ms(struct ota_local local, int64_t from_ms, int64_t to_ms)
{
	int64_t ahead_ms = local.ahead_ms(local.zone, from_ms);
	int64_t before = from_ms / OTA_SECOND_MS, after = (to_ms + OTA_SECOND_MS - 1) / OTA_SECOND_MS;

	while (after - before > 1) {
		int64_t middle = before + (after - before) / 2;

		if (local.ahead_ms(local.zone, middle * OTA_SECOND_MS) == ahead_ms)
			before = middle;
		else
			after = middle;
	}
	return after * OTA_SECOND_MS;
}

int64_t ota_window_turns_ms(const struct ota_window *window, struct ota_local local, int64_t wall_ms)
{
	enum { LOOKS = 16 }; /* each ends at the window's edge or at a change of the clocks, of which no day has several */
	bool open = ota_window_is_open(window, local, wall_ms);
	int64_t edge_ms = (open ? window->to_minute : window->from_minute) * OTA_MINUTE_MS;

	if (!ota_window_is_given(window))
		return INT64_MAX;
	for (int i = 0; i < LOOKS; i++) {
		int64_t left_ms = (edge_ms - day_ms(local, wall_ms) + OTA_DAY_MS) % OTA_DAY_MS;
		int64_t next_ms = wall_ms + (left_ms ? left_ms : OTA_DAY_MS);

		if (local.ahead_ms(local.zone, next_ms) != local.ahead_ms(local.zone, wall_ms))
			next_ms = clocks_set_ms(local, wall_ms, next_ms);
		if (ota_window_is_open(window, local, next_ms) != open)
			return next_ms;
		wall_ms = next_ms;
	}
	return INT64_MAX;
}
