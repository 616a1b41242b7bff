#include "plugin/rules/strategy.h"

#include <stddef.h>
#include <stdio.h>

#include "common/limits.h"
#include "common/text.h"
#include "common/time.h"

struct strategy_row {
	const char *key;
	size_t offset;
	bool is_duration; /* text such as "90s"; else an integer */
	int64_t low, high, standard;
};

#define DURATION(key, field, low, high, standard) { key, offsetof(struct ota_strategy, field), true, low, high, standard }
#define NUMBER(key, field, low, high, standard) { key, offsetof(struct ota_strategy, field), false, low, high, standard }
#define DAYS(n) ((int64_t)(n) * OTA_DAY_MS)

/* clang-format off */
static const struct strategy_row rows[] = {
	DURATION("pushTimeout",    push_timeout_ms,    OTA_SECOND_MS, DAYS(30),  OTA_HOUR_MS),
	DURATION("upgradeTimeout", upgrade_timeout_ms, OTA_SECOND_MS, DAYS(7),   60 * OTA_MINUTE_MS),
	DURATION("rebootTimeout",  reboot_timeout_ms,  OTA_SECOND_MS, DAYS(7),   10 * OTA_MINUTE_MS),
	DURATION("soak",           soak_ms,            0,             DAYS(30),  0),
	NUMBER  ("retries",        retries,            0,             10,        2),
	DURATION("retryPause",     retry_pause_ms,     0,             DAYS(7),   10 * OTA_MINUTE_MS),
	DURATION("endAfter",       end_after_ms,       OTA_SECOND_MS, DAYS(365), DAYS(30)),
	NUMBER  ("abortPercent",   abort_percent,      0,             100,       10),
	NUMBER  ("abortSample",    abort_sample,       0,             1000000,   10),
};
/* clang-format on */

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int64_t *row_field(const struct strategy_row *row, struct ota_strategy *strategy)
{
	return (int64_t *)(void *)((char *)strategy + row->offset);
}

struct ota_strategy ota_strategy_defaults(void)
{
	struct ota_strategy strategy = {0};

	for (size_t i = 0; i < ROWS; i++)
		*row_field(&rows[i], &strategy) = rows[i].standard;
	return strategy;
}

static int duration_parse(const struct strategy_row *row, struct ota_json_place at, int64_t *ret_ms, struct ota_error *error)
{
	char text[32];
	int found = ota_json_text(at, row->key, text, sizeof(text), error);
	int64_t ms;

	if (found <= 0)
		return found;
	if (!ota_text_parse_duration(text, &ms) || ms < row->low || ms > row->high) {
		char low[32], high[32], path[OTA_ERROR_PATH_MAX];

		ota_text_print_duration(low, row->low);
		ota_text_print_duration(high, row->high);
		snprintf(path, sizeof(path), "%s%s%s", at.prefix, *at.prefix ? "." : "", row->key);
		return ota_fail_at(error, OTA_EINVALID, path, "%s must be a duration such as \"10m\" from %s to %s", row->key,
				   low, high);
	}
	*ret_ms = ms;
	return found;
}

int ota_strategy_parse(const cJSON *object, const char *prefix, struct ota_strategy *ret_strategy, struct ota_error *error)
{
	struct ota_strategy strategy = ota_strategy_defaults();
	struct ota_json_place at = { .object = object, .prefix = prefix };
	const char *known[ROWS + 1] = {0};

	for (size_t i = 0; i < ROWS; i++)
		known[i] = rows[i].key;
	int failed = ota_json_known(at, known, error);
	for (size_t i = 0; i < ROWS && failed >= 0; i++) {
		int64_t *field = row_field(&rows[i], &strategy);

		failed = rows[i].is_duration ? duration_parse(&rows[i], at, field, error)
					     : ota_json_integer(at, rows[i].key, rows[i].low, rows[i].high, field, error);
	}
	if (failed < 0)
		return failed;
	*ret_strategy = strategy;
	return 0;
}

int ota_strategy_parse_text(const char *text, struct ota_strategy *ret_strategy, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *tree = NULL;

	if (!*text) {
		*ret_strategy = ota_strategy_defaults();
		return 0;
	}
	int failed = ota_json_read(ota_span_from_text(text), OTA_JSON_STRICT, OTA_PAYLOAD_MAX, &tree, NULL, error);
	if (failed)
		return failed;
	return ota_strategy_parse(tree, "strategy", ret_strategy, error);
}

int ota_strategy_print(const struct ota_strategy *strategy, struct ota_bytes *out)
{
	ota_bytes_text(out, "{");
	for (size_t i = 0; i < ROWS; i++) {
		int64_t value = *(const int64_t *)(const void *)((const char *)strategy + rows[i].offset);
		char duration[32];

		ota_bytes_format(out, "%s\"%s\":", i ? "," : "", rows[i].key);
		if (rows[i].is_duration) {
			ota_text_print_duration(duration, value);
			ota_json_quote(out, duration);
		} else {
			ota_bytes_format(out, "%lld", (long long)value);
		}
	}
	ota_bytes_text(out, "}");
	return out->failed ? OTA_ENOMEM : 0;
}

/* A bad image stays bad, so only what the network, the power or a sleepy device may have caused is tried again. */
static bool cause_is_retried(enum ota_cause cause)
{
	return cause == OTA_CAUSE_DOWNLOAD_FAILED || cause == OTA_CAUSE_PUSH_TIMEOUT || cause == OTA_CAUSE_UPGRADE_TIMEOUT ||
	       cause == OTA_CAUSE_LOST;
}

bool ota_strategy_retries(const struct ota_strategy *strategy, enum ota_cause cause, int64_t attempt)
{
	return cause_is_retried(cause) && attempt <= strategy->retries;
}

int64_t ota_push_pause(int64_t pushes, int64_t base_ms, int64_t cap_ms)
{
	int64_t pause = base_ms;

	for (int64_t i = 1; i < pushes && pause < cap_ms; i++)
		pause *= 2;
	return pause < cap_ms ? pause : cap_ms;
}
