#include "ctl/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/time.h"
#include "ctl/cell.h"

void ota_human_put_bytes(struct ota_bytes *out, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	ota_bytes_format(out, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void ota_human_put_span(struct ota_bytes *out, int64_t ms)
{
	if (ms < OTA_MINUTE_MS)
		ota_bytes_format(out, "%" PRId64 "s", ms > 0 ? ms / OTA_SECOND_MS : 0);
	else if (ms < OTA_HOUR_MS)
		ota_bytes_format(out, "%" PRId64 "m", ms / OTA_MINUTE_MS);
	else if (ms < 2 * (int64_t)OTA_DAY_MS)
		ota_bytes_format(out, "%" PRId64 "h", ms / OTA_HOUR_MS);
	else
		ota_bytes_format(out, "%" PRId64 "d", ms / OTA_DAY_MS);
}

static bool is_whole(double number)
{
	return number >= -(double)OTA_INTEGER_MAX && number <= (double)OTA_INTEGER_MAX && (double)(int64_t)number == number;
}

static void put_number(struct ota_bytes *out, double number)
{
	if (is_whole(number))
		ota_bytes_format(out, "%" PRId64, (int64_t)number);
	else
		ota_bytes_format(out, "%g", number);
}

static void put_scalar(struct ota_bytes *out, const cJSON *value)
{
	OTA_AUTO_BYTES struct ota_bytes json = { 0 };

	if (cJSON_IsString(value)) {
		ota_cell_clean(out, value->valuestring);
	} else if (cJSON_IsNumber(value)) {
		put_number(out, value->valuedouble);
	} else if (cJSON_IsBool(value)) {
		ota_bytes_text(out, cJSON_IsTrue(value) ? "yes" : "no");
	} else if (ota_json_write(value, &json) == 0) {
		ota_cell_clean(out, json.data);
	}
}

/* Clocks differ: what lies a little ahead is now. */
static void put_ago(struct ota_bytes *out, int64_t at_ms, int64_t now_ms)
{
	if (at_ms > now_ms + 10 * OTA_SECOND_MS) {
		ota_bytes_text(out, "in ");
		ota_human_put_span(out, at_ms - now_ms);
		return;
	}
	ota_human_put_span(out, now_ms - at_ms);
	ota_bytes_text(out, " ago");
}

static void put_time(struct ota_bytes *out, int64_t at_ms, int64_t now_ms)
{
	time_t seconds = (time_t)(at_ms / OTA_SECOND_MS);
	struct tm parts;

	if (!gmtime_r(&seconds, &parts))
		return;
	ota_bytes_format(out, "%04d-%02d-%02d %02d:%02d:%02d UTC (", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
			 parts.tm_hour, parts.tm_min, parts.tm_sec);
	put_ago(out, at_ms, now_ms);
	ota_bytes_text(out, ")");
}

static void put_list(struct ota_bytes *out, const cJSON *array)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array) {
		ota_bytes_text(out, item == array->child ? "" : ", ");
		put_scalar(out, item);
	}
}

static void put_pairs(struct ota_bytes *out, const cJSON *object, const char *between);

/* "rate (perMinute 100, from 5)", "abortCauses (lost, loop)". */
static void put_inside(struct ota_bytes *out, const cJSON *value)
{
	if (!cJSON_IsObject(value) && !cJSON_IsArray(value)) {
		put_scalar(out, value);
		return;
	}
	ota_bytes_text(out, "(");
	if (cJSON_IsObject(value))
		put_pairs(out, value, " ");
	else
		put_list(out, value);
	ota_bytes_text(out, ")");
}

/* A list of objects is a table somewhere else: of a batch's stages the ladder tells more. */
static bool is_table(const cJSON *value)
{
	return cJSON_IsArray(value) && cJSON_IsObject(value->child);
}

static void put_counts(struct ota_bytes *out, const cJSON *object)
{
	const cJSON *item;
	bool is_first = true;

	cJSON_ArrayForEach(item, object) {
		if ((cJSON_IsNumber(item) && item->valuedouble == 0) || is_table(item))
			continue;
		ota_bytes_text(out, is_first ? "" : ", ");
		ota_cell_clean(out, item->string ? item->string : "");
		ota_bytes_text(out, " ");
		put_inside(out, item);
		is_first = false;
	}
	if (is_first)
		ota_bytes_text(out, "-");
}

static void put_sent(struct ota_bytes *out, const cJSON *attempts)
{
	const cJSON *attempt;
	double sum = 0;

	cJSON_ArrayForEach(attempt, attempts) {
		const cJSON *bytes = ota_json_member(attempt, "bytes");

		sum += cJSON_IsNumber(bytes) && bytes->valuedouble > 0 ? bytes->valuedouble : 0;
	}
	if (sum > 0 && is_whole(sum))
		ota_human_put_bytes(out, (uint64_t)sum);
}

static void put_pairs(struct ota_bytes *out, const cJSON *object, const char *between)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, object) {
		ota_bytes_text(out, item == object->child ? "" : ", ");
		ota_cell_clean(out, item->string ? item->string : "");
		ota_bytes_text(out, between);
		put_scalar(out, item);
	}
}

static void put_modules(struct ota_bytes *out, const cJSON *modules)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, modules) {
		ota_bytes_text(out, item == modules->child ? "" : ", ");
		put_scalar(out, ota_json_member(item, "module"));
		ota_bytes_text(out, " ");
		put_scalar(out, ota_json_member(item, "version"));
	}
}

static void put_us(struct ota_bytes *out, double us)
{
	if (us < 1000)
		ota_bytes_format(out, "%.0f us", us);
	else if (us < 1000000)
		ota_bytes_format(out, "%.1f ms", us / 1000);
	else
		ota_bytes_format(out, "%.1f s", us / 1000000);
}

static double count_of(const cJSON *counts, const char *key)
{
	const cJSON *count = ota_json_member(counts, key);

	return cJSON_IsNumber(count) ? count->valuedouble : 0;
}

static void put_watch(struct ota_bytes *out, const cJSON *watch)
{
	double count = count_of(watch, "count");

	put_number(out, count);
	if (count <= 0)
		return;
	ota_bytes_text(out, ", average ");
	put_us(out, count_of(watch, "totalUs") / count);
	ota_bytes_text(out, ", 99 % within ");
	put_us(out, count_of(watch, "p99Us"));
	ota_bytes_text(out, ", longest ");
	put_us(out, count_of(watch, "maxUs"));
}

static void put_share(struct ota_bytes *out, const cJSON *counts)
{
	double ended = count_of(counts, "succeeded") + count_of(counts, "failed") + count_of(counts, "canceled");
	double all = ended + count_of(counts, "pending") + count_of(counts, "pushed") + count_of(counts, "upgrading");

	put_number(out, ended);
	ota_bytes_text(out, "/");
	put_number(out, all);
}

static void put_limit(struct ota_bytes *out, const cJSON *limit)
{
	put_number(out, count_of(limit, "now"));
	if (count_of(limit, "most") > 0) {
		ota_bytes_text(out, " of at most ");
		put_number(out, count_of(limit, "most"));
	}
}

static void put_next(struct ota_bytes *out, const cJSON *next, int64_t now_ms)
{
	double at_ms = count_of(next, "at");

	put_scalar(out, ota_json_member(next, "text"));
	if (at_ms > 0 && is_whole(at_ms)) {
		ota_bytes_text(out, ", ");
		put_time(out, (int64_t)at_ms, now_ms);
	}
}

void ota_human_put(struct ota_bytes *out, enum ota_human_kind kind, const cJSON *value, int64_t now_ms)
{
	bool is_number = cJSON_IsNumber(value) && is_whole(value->valuedouble);

	if (!value || cJSON_IsNull(value))
		return;
	if (kind == OTA_HUMAN_BYTES && is_number && value->valuedouble >= 0)
		ota_human_put_bytes(out, (uint64_t)value->valuedouble);
	else if (kind == OTA_HUMAN_AGO && is_number)
		put_ago(out, (int64_t)value->valuedouble, now_ms);
	else if (kind == OTA_HUMAN_TIME && is_number)
		put_time(out, (int64_t)value->valuedouble, now_ms);
	else if (kind == OTA_HUMAN_LIST && cJSON_IsArray(value))
		put_list(out, value);
	else if (kind == OTA_HUMAN_COUNTS && cJSON_IsObject(value))
		put_counts(out, value);
	else if (kind == OTA_HUMAN_SENT && cJSON_IsArray(value))
		put_sent(out, value);
	else if (kind == OTA_HUMAN_TAGS && cJSON_IsObject(value))
		put_pairs(out, value, "=");
	else if (kind == OTA_HUMAN_MODULES && cJSON_IsArray(value))
		put_modules(out, value);
	else if (kind == OTA_HUMAN_WATCH && cJSON_IsObject(value))
		put_watch(out, value);
	else if (kind == OTA_HUMAN_SHARE && cJSON_IsObject(value))
		put_share(out, value);
	else if (kind == OTA_HUMAN_LIMIT && cJSON_IsObject(value))
		put_limit(out, value);
	else if (kind == OTA_HUMAN_NEXT && cJSON_IsObject(value))
		put_next(out, value, now_ms);
	else
		put_scalar(out, value);
}
