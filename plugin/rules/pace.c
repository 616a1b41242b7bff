#include "plugin/rules/pace.h"

enum { MINUTE_S = 60 };

/* Rounded up: the rate may be missed by a microsecond a release, never passed. */
static int64_t interval_us(int64_t per_minute)
{
	return (MINUTE_S * (int64_t)1000000 + per_minute - 1) / per_minute;
}

int64_t ota_rate_now(const struct ota_rate *rate, int64_t since_ms)
{
	int64_t now = rate->from;

	if (!rate->from)
		return rate->per_minute;
	for (int64_t step_ms = rate->every_ms; step_ms <= since_ms && now < rate->per_minute; step_ms += rate->every_ms)
		now *= rate->factor;
	return now < rate->per_minute ? now : rate->per_minute;
}

int64_t ota_rate_next_step_ms(const struct ota_rate *rate, int64_t since_ms)
{
	if (ota_rate_now(rate, since_ms) == rate->per_minute)
		return INT64_MAX;
	return since_ms < 0 ? rate->every_ms : (since_ms / rate->every_ms + 1) * rate->every_ms;
}

int64_t ota_rate_burst(int64_t per_minute)
{
	return per_minute < MINUTE_S ? 1 : per_minute / MINUTE_S;
}

int64_t ota_rate_due_us(int64_t per_minute, int64_t spent_at_us, int64_t now_us)
{
	if (!per_minute || !spent_at_us)
		return now_us;
	int64_t due_us = spent_at_us + interval_us(per_minute);

	return due_us > now_us ? due_us : now_us;
}

int64_t ota_rate_take_us(int64_t per_minute, int64_t spent_at_us, int64_t now_us)
{
	if (!per_minute)
		return spent_at_us;
	int64_t full_us = now_us - ota_rate_burst(per_minute) * interval_us(per_minute);
	int64_t from_us = spent_at_us && spent_at_us > full_us ? spent_at_us : full_us;
	int64_t spent_us = from_us + interval_us(per_minute);

	return spent_us ? spent_us : 1; /* 0 says something else */
}
