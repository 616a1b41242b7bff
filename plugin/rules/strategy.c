#include "plugin/rules/strategy.h"

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/text.h"
#include "common/time.h"

enum strategy_kind {
	KIND_NUMBER,
	KIND_DURATION, /* text such as "90s" */
	KIND_FLAG,
	KIND_CLOCK,    /* "22:30", minutes of the day */
	KIND_TEXT,     /* `high` bytes at most */
	KIND_CHOICE,   /* one of `words`, by its number */
	KIND_CAUSES,   /* an array of causes among the bits of `high` */
	KIND_GROUP,    /* an object of `members` */
	KIND_LIST,     /* an array of up to `high` objects of `members` */
};

struct strategy_row;

struct strategy_table {
	const struct strategy_row *rows;
	size_t count;
	size_t size; /* of the struct its offsets are in */
};

struct strategy_row {
	const char *key;
	enum strategy_kind kind;
	size_t offset;
	int64_t low, high, standard;
	const char *const *words;
	const struct strategy_table *members;
};

#define DAYS(n) ((int64_t)(n) * OTA_DAY_MS)
#define CAUSE(word) ((int64_t)1 << OTA_CAUSE_##word)

/* What the network, the power or a sleepy device may have caused; a bad image stays bad. */
#define CAUSES_PASSING (CAUSE(DOWNLOAD_FAILED) | CAUSE(PUSH_TIMEOUT) | CAUSE(UPGRADE_TIMEOUT) | CAUSE(LOST))
/* Attempts that may be followed by another one: the table of tasks asks for these alone. */
#define CAUSES_TRIED \
	(CAUSES_PASSING | CAUSE(UPGRADE_FAILED) | CAUSE(VERIFY_FAILED) | CAUSE(BURN_FAILED) | CAUSE(ROLLED_BACK))
/* What a task can fail of. */
#define CAUSES_FAILED (CAUSES_TRIED | CAUSE(WRONG_VERSION) | CAUSE(LOOP))

#define TABLE(name, type) { name, sizeof(name) / sizeof((name)[0]), sizeof(type) }
#define ROW(of, key, kind, field, ...) { key, KIND_##kind, offsetof(struct of, field), __VA_ARGS__ }

static const char *const abort_actions[OTA_ABORT_ACTIONS + 1] = { "pause", "cancel", NULL };

/* clang-format off */
/*                                                        low            high             standard */
static const struct strategy_row rate_rows[] = {
	ROW(ota_rate,   "perMinute",       NUMBER,   per_minute,       0,             1000000,         0),
	ROW(ota_rate,   "from",            NUMBER,   from,             0,             1000000,         0),
	ROW(ota_rate,   "factor",          NUMBER,   factor,           2,             10,              2),
	ROW(ota_rate,   "every",           DURATION, every_ms,         OTA_SECOND_MS, DAYS(7),         10 * OTA_MINUTE_MS),
};
static const struct strategy_row window_rows[] = {
	ROW(ota_window, "from",            CLOCK,    from_minute,      0,             24 * 60 - 1,     0),
	ROW(ota_window, "to",              CLOCK,    to_minute,        0,             24 * 60,         0),
	ROW(ota_window, "zone",            TEXT,     zone,             0,             OTA_ZONE_MAX,    0),
	ROW(ota_window, "zoneTag",         TEXT,     zone_tag,         0,             OTA_DEVICE_TAG_KEY_MAX, 0),
};
static const struct strategy_row stage_rows[] = {
	ROW(ota_stage,  "percent",         NUMBER,   percent,          1,             100,             0),
	ROW(ota_stage,  "count",           NUMBER,   count,            1,             1000000,         0),
	ROW(ota_stage,  "success",         NUMBER,   success_percent,  0,             100,             95),
	ROW(ota_stage,  "finished",        NUMBER,   finished_percent, 1,             100,             80),
	ROW(ota_stage,  "soak",            DURATION, soak_ms,          0,             DAYS(30),        0),
	ROW(ota_stage,  "deadline",        DURATION, deadline_ms,      0,             DAYS(365),       0),
	ROW(ota_stage,  "manual",          FLAG,     manual,           0,             1,               0),
};
static const struct strategy_table rate_table = TABLE(rate_rows, struct ota_rate);
static const struct strategy_table window_table = TABLE(window_rows, struct ota_window);
static const struct strategy_table stage_table = TABLE(stage_rows, struct ota_stage);

static const struct strategy_row rows[] = {
	ROW(ota_strategy, "pushTimeout",    DURATION, push_timeout_ms,    OTA_SECOND_MS, DAYS(30),         OTA_HOUR_MS),
	ROW(ota_strategy, "upgradeTimeout", DURATION, upgrade_timeout_ms, OTA_SECOND_MS, DAYS(7),          60 * OTA_MINUTE_MS),
	ROW(ota_strategy, "rebootTimeout",  DURATION, reboot_timeout_ms,  OTA_SECOND_MS, DAYS(7),          10 * OTA_MINUTE_MS),
	ROW(ota_strategy, "soak",           DURATION, soak_ms,            0,             DAYS(30),         0),
	ROW(ota_strategy, "retries",        NUMBER,   retries,            0,             10,               2),
	ROW(ota_strategy, "retryPause",     DURATION, retry_pause_ms,     0,             DAYS(7),          10 * OTA_MINUTE_MS),
	ROW(ota_strategy, "retryCauses",    CAUSES,   retry_causes,       0,             CAUSES_TRIED,     CAUSES_PASSING),
	ROW(ota_strategy, "startAt",        NUMBER,   start_at_ms,        0,             OTA_INTEGER_MAX,  0),
	ROW(ota_strategy, "endAt",          NUMBER,   end_at_ms,          0,             OTA_INTEGER_MAX,  0),
	ROW(ota_strategy, "endAfter",       DURATION, end_after_ms,       OTA_SECOND_MS, DAYS(365),        DAYS(30)),
	ROW(ota_strategy, "abortPercent",   NUMBER,   abort_percent,      0,             100,              10),
	ROW(ota_strategy, "abortSample",    NUMBER,   abort_sample,       0,             1000000,          10),
	ROW(ota_strategy, "abortCount",     NUMBER,   abort_count,        0,             1000000,          0),
	ROW(ota_strategy, "abortCauses",    CAUSES,   abort_causes,       0,             CAUSES_FAILED,    CAUSES_FAILED),
	ROW(ota_strategy, "abortAction",    CHOICE,   abort_action,       0,             0,                OTA_ABORT_PAUSES, abort_actions),
	ROW(ota_strategy, "maxInFlight",    NUMBER,   max_in_flight,      0,             1000000,          0),
	ROW(ota_strategy, "confirm",        FLAG,     confirm,            0,             1,                0),
	ROW(ota_strategy, "pullOnly",       FLAG,     pull_only,          0,             1,                0),
	ROW(ota_strategy, "autoRollback",   FLAG,     auto_rollback,      0,             1,                0),
	ROW(ota_strategy, "rate",           GROUP,    rate,               0,             0,                0, NULL, &rate_table),
	ROW(ota_strategy, "window",         GROUP,    window,             0,             0,                0, NULL, &window_table),
	ROW(ota_strategy, "stages",         LIST,     stages,             0,             OTA_STAGES_MAX,   0, NULL, &stage_table),
};
static const struct strategy_table strategy_table = TABLE(rows, struct ota_strategy);
/* clang-format on */

enum { ROWS_MAX = sizeof(rows) / sizeof(rows[0]) };

static void *field_of(const struct strategy_row *row, void *base)
{
	return (char *)base + row->offset;
}

static const void *field_in(const struct strategy_row *row, const void *base)
{
	return (const char *)base + row->offset;
}

static void defaults_fill(const struct strategy_table *table, void *base)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct strategy_row *row = &table->rows[i];

		if (row->kind == KIND_GROUP)
			defaults_fill(row->members, field_of(row, base));
		else if (row->kind == KIND_FLAG)
			*(bool *)field_of(row, base) = row->standard;
		else if (row->kind != KIND_TEXT && row->kind != KIND_LIST)
			*(int64_t *)field_of(row, base) = row->standard;
	}
}

struct ota_strategy ota_strategy_defaults(void)
{
	struct ota_strategy strategy = {0};

	defaults_fill(&strategy_table, &strategy);
	return strategy;
}

static void path_of(struct ota_json_place at, const char *key, char path[OTA_ERROR_PATH_MAX])
{
	snprintf(path, OTA_ERROR_PATH_MAX, "%s%s%s", at.prefix, *at.prefix ? "." : "", key);
}

#define REFUSE(at, row, error, ...)                                                                                              \
	do {                                                                                                                     \
		char path_[OTA_ERROR_PATH_MAX];                                                                                  \
		path_of(at, (row)->key, path_);                                                                                  \
		return ota_fail_at(error, OTA_EINVALID, path_, __VA_ARGS__);                                                     \
	} while (0)

static int duration_parse(const struct strategy_row *row, struct ota_json_place at, int64_t *ret_ms, struct ota_error *error)
{
	char text[32], low[32], high[32];
	int found = ota_json_text(at, row->key, text, sizeof(text), error);
	int64_t ms;

	if (found <= 0)
		return found;
	if (!ota_text_parse_duration(text, &ms) || ms < row->low || ms > row->high) {
		ota_text_print_duration(low, row->low);
		ota_text_print_duration(high, row->high);
		REFUSE(at, row, error, "%s must be a duration such as \"10m\" from %s to %s", row->key, low, high);
	}
	*ret_ms = ms;
	return found;
}

static int clock_parse(const struct strategy_row *row, struct ota_json_place at, int64_t *ret_minute, struct ota_error *error)
{
	char text[8] = {0};
	int found = ota_json_text(at, row->key, text, sizeof(text), error);

	if (found <= 0)
		return found;
	bool shaped = strlen(text) == 5 && strspn(text, "0123456789") == 2 && text[2] == ':' &&
		      strspn(text + 3, "0123456789") == 2;
	int64_t hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
	if (!shaped || minute > 59 || hour * 60 + minute > row->high)
		REFUSE(at, row, error, "%s must be a time of the day from \"00:00\" to \"%02d:%02d\"", row->key,
		       (int)(row->high / 60), (int)(row->high % 60));
	*ret_minute = hour * 60 + minute;
	return found;
}

static int choice_parse(const struct strategy_row *row, struct ota_json_place at, int64_t *ret_choice, struct ota_error *error)
{
	char text[32];
	int found = ota_json_text(at, row->key, text, sizeof(text), error);
	OTA_AUTO_BYTES struct ota_bytes words = {0};

	if (found <= 0)
		return found;
	for (int64_t i = 0; row->words[i]; i++) {
		if (!strcmp(row->words[i], text)) {
			*ret_choice = i;
			return found;
		}
		ota_bytes_format(&words, "%s%s", i ? ", " : "", row->words[i]);
	}
	REFUSE(at, row, error, "%s must be one of %s", row->key, words.data ? words.data : "");
}

static void causes_list(int64_t causes, const char *quote, const char *between, struct ota_bytes *out)
{
	const char *comma = "";

	for (int i = 0; i < OTA_CAUSES; i++) {
		if (!(causes >> i & 1))
			continue;
		ota_bytes_format(out, "%s%s%s%s", comma, quote, ota_cause_word((enum ota_cause)i), quote);
		comma = between;
	}
}

static int causes_parse(const struct strategy_row *row, struct ota_json_place at, int64_t *ret_causes, struct ota_error *error)
{
	const cJSON *array = NULL, *item;
	OTA_AUTO_BYTES struct ota_bytes words = {0};
	int found = ota_json_array(at, row->key, &array, error);
	int64_t causes = 0;

	if (found <= 0)
		return found;
	cJSON_ArrayForEach(item, array)
	{
		enum ota_cause cause;

		if (!cJSON_IsString(item) || !ota_cause_parse(item->valuestring, &cause) || !(row->high >> cause & 1)) {
			causes_list(row->high, "", ", ", &words);
			REFUSE(at, row, error, "%s may name %s", row->key, words.data ? words.data : "");
		}
		causes |= (int64_t)1 << cause;
	}
	*ret_causes = causes;
	return found;
}

static int table_parse(const struct strategy_table *table, struct ota_json_place at, void *base, struct ota_error *error);

static int group_parse(const struct strategy_row *row, struct ota_json_place at, void *base, struct ota_error *error)
{
	struct ota_json_place inner = { .prefix = "" };
	char path[OTA_ERROR_PATH_MAX];
	int found = ota_json_object(at, row->key, &inner.object, error);

	if (found <= 0)
		return found;
	path_of(at, row->key, path);
	inner.prefix = path;
	return table_parse(row->members, inner, base, error);
}

/* The stages are the only list. */
static int list_parse(const struct strategy_row *row, struct ota_json_place at, struct ota_strategy *strategy,
		      struct ota_error *error)
{
	const cJSON *array = NULL, *item;
	int found = ota_json_array(at, row->key, &array, error);
	size_t count = 0;

	if (found <= 0)
		return found;
	if (cJSON_GetArraySize(array) > row->high)
		REFUSE(at, row, error, "%s may be at most %d", row->key, (int)row->high);
	cJSON_ArrayForEach(item, array)
	{
		char path[OTA_ERROR_PATH_MAX];
		struct ota_stage *stage = &strategy->stages[count];

		snprintf(path, sizeof(path), "%s%s%s[%zu]", at.prefix, *at.prefix ? "." : "", row->key, count);
		if (!cJSON_IsObject(item))
			return ota_fail_at(error, OTA_EINVALID, path, "a stage must be an object");
		*stage = (struct ota_stage){0};
		defaults_fill(row->members, stage);
		int failed = table_parse(row->members, (struct ota_json_place){ item, path }, stage, error);
		if (failed < 0)
			return failed;
		count++;
	}
	strategy->stage_count = count;
	return found;
}

static int row_parse(const struct strategy_row *row, struct ota_json_place at, void *base, struct ota_error *error)
{
	void *field = field_of(row, base);

	switch (row->kind) {
	case KIND_NUMBER:
		return ota_json_integer(at, row->key, row->low, row->high, field, error);
	case KIND_DURATION:
		return duration_parse(row, at, field, error);
	case KIND_FLAG:
		return ota_json_bool(at, row->key, field, error);
	case KIND_CLOCK:
		return clock_parse(row, at, field, error);
	case KIND_TEXT:
		return ota_json_text(at, row->key, field, (size_t)row->high + 1, error);
	case KIND_CHOICE:
		return choice_parse(row, at, field, error);
	case KIND_CAUSES:
		return causes_parse(row, at, field, error);
	case KIND_GROUP:
		return group_parse(row, at, field, error);
	case KIND_LIST:
		break;
	}
	return list_parse(row, at, base, error);
}

static int table_parse(const struct strategy_table *table, struct ota_json_place at, void *base, struct ota_error *error)
{
	const char *known[ROWS_MAX + 1] = {0};

	for (size_t i = 0; i < table->count; i++)
		known[i] = table->rows[i].key;
	int failed = ota_json_known(at, known, error);
	for (size_t i = 0; i < table->count && failed >= 0; i++)
		failed = row_parse(&table->rows[i], at, base, error);
	return failed < 0 ? failed : 0;
}

static int stages_check(const struct ota_strategy *strategy, const char *prefix, struct ota_error *error)
{
	int64_t percent = 0;

	for (size_t i = 0; i < strategy->stage_count; i++) {
		const struct ota_stage *stage = &strategy->stages[i];
		char path[OTA_ERROR_PATH_MAX];

		snprintf(path, sizeof(path), "%s.stages[%zu]", prefix, i);
		if (!stage->percent == !stage->count)
			return ota_fail_at(error, OTA_EINVALID, path, "a stage has either percent or count");
		if (stage->percent && stage->percent <= percent)
			return ota_fail_at(error, OTA_EINVALID, path,
					   "percent is of all targets with the stages before it: it must be more than %lld",
					   (long long)percent);
		percent = stage->percent ? stage->percent : percent;
	}
	return 0;
}

static int members_check(const struct ota_strategy *strategy, const char *prefix, struct ota_error *error)
{
	const struct ota_rate *rate = &strategy->rate;
	char path[OTA_ERROR_PATH_MAX];

	snprintf(path, sizeof(path), "%s.rate.from", prefix);
	if (rate->from && !rate->per_minute)
		return ota_fail_at(error, OTA_EINVALID, path, "from is where a rate begins: say perMinute as well");
	if (rate->from > rate->per_minute)
		return ota_fail_at(error, OTA_EINVALID, path, "from must be at most perMinute, %lld",
				   (long long)rate->per_minute);
	snprintf(path, sizeof(path), "%s.endAt", prefix);
	if (strategy->end_at_ms && strategy->end_at_ms <= strategy->start_at_ms)
		return ota_fail_at(error, OTA_EINVALID, path, "endAt must be after startAt");
	snprintf(path, sizeof(path), "%s.window", prefix);
	const struct ota_window *window = &strategy->window;
	if ((*window->zone || *window->zone_tag) && window->from_minute == window->to_minute)
		return ota_fail_at(error, OTA_EINVALID, path, "a window needs from and to, which differ");
	return stages_check(strategy, prefix, error);
}

/* No rate has no ramp, and a window that is always open has no zone: what was said of them before is over. */
static void groups_clear(const cJSON *object, struct ota_strategy *strategy)
{
	const cJSON *rate = ota_json_member(object, "rate"), *window = ota_json_member(object, "window");

	if (cJSON_IsObject(rate) && !strategy->rate.per_minute && !ota_json_member(rate, "from"))
		strategy->rate = ota_strategy_defaults().rate;
	if (cJSON_IsObject(window) && strategy->window.from_minute == strategy->window.to_minute &&
	    !ota_json_member(window, "zone") && !ota_json_member(window, "zoneTag"))
		strategy->window = (struct ota_window){0};
}

int ota_strategy_change(const cJSON *object, const char *prefix, struct ota_strategy *strategy, struct ota_error *error)
{
	struct ota_strategy changed = *strategy;
	int failed = table_parse(&strategy_table, (struct ota_json_place){ object, prefix }, &changed, error);

	if (!failed && object)
		groups_clear(object, &changed);
	if (!failed)
		failed = members_check(&changed, prefix, error);
	if (!failed)
		*strategy = changed;
	return failed;
}

int ota_strategy_parse(const cJSON *object, const char *prefix, struct ota_strategy *ret_strategy, struct ota_error *error)
{
	struct ota_strategy strategy = ota_strategy_defaults();
	int failed = ota_strategy_change(object, prefix, &strategy, error);

	if (!failed)
		*ret_strategy = strategy;
	return failed;
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

/* What of a table is printed. */
enum strategy_extent {
	EXTENT_ALL,
	EXTENT_SAID, /* what differs from its default; a group as a whole */
};

static void table_print(const struct strategy_table *table, const void *base, enum strategy_extent extent, struct ota_bytes *out);

/* 0 of what is no number: such a field has no number's place in memory. */
static int64_t number_of(const struct strategy_row *row, const void *field)
{
	switch (row->kind) {
	case KIND_FLAG:
		return *(const bool *)field;
	case KIND_TEXT:
	case KIND_GROUP:
	case KIND_LIST:
		return 0;
	case KIND_NUMBER:
	case KIND_DURATION:
	case KIND_CLOCK:
	case KIND_CHOICE:
	case KIND_CAUSES:
		break;
	}
	return *(const int64_t *)field;
}

static void value_print(const struct strategy_row *row, const void *base, struct ota_bytes *out)
{
	const void *field = field_in(row, base);
	int64_t number = number_of(row, field);
	char duration[32];

	switch (row->kind) {
	case KIND_DURATION:
		ota_text_print_duration(duration, number);
		ota_json_quote(out, duration);
		return;
	case KIND_FLAG:
		ota_bytes_text(out, number ? "true" : "false");
		return;
	case KIND_CLOCK:
		ota_bytes_format(out, "\"%02d:%02d\"", (int)(number / 60), (int)(number % 60));
		return;
	case KIND_TEXT:
		ota_json_quote(out, field);
		return;
	case KIND_CHOICE:
		ota_json_quote(out, row->words[number]);
		return;
	case KIND_CAUSES:
		ota_bytes_text(out, "[");
		causes_list(number, "\"", ",", out);
		ota_bytes_text(out, "]");
		return;
	case KIND_GROUP:
		table_print(row->members, field, EXTENT_ALL, out);
		return;
	case KIND_NUMBER:
	case KIND_LIST:
		break;
	}
	ota_bytes_format(out, "%lld", (long long)number);
}

static void list_print(const struct strategy_row *row, const struct ota_strategy *strategy, enum strategy_extent extent,
		       struct ota_bytes *out)
{
	ota_bytes_text(out, "[");
	for (size_t i = 0; i < strategy->stage_count; i++) {
		ota_bytes_text(out, i ? "," : "");
		table_print(row->members, &strategy->stages[i], extent, out);
	}
	ota_bytes_text(out, "]");
}

static bool group_says_something(const struct strategy_table *table, const void *base)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct strategy_row *row = &table->rows[i];
		const void *field = field_in(row, base);

		if (row->kind == KIND_TEXT ? *(const char *)field != 0 : *(const int64_t *)field != row->standard)
			return true;
	}
	return false;
}

/* What says nothing is left out: an empty text or list, a group that was not given, a number that could not be given. */
static bool row_says_something(const struct strategy_row *row, const void *base)
{
	const void *field = field_in(row, base);

	if (row->kind == KIND_TEXT)
		return *(const char *)field;
	if (row->kind == KIND_LIST)
		return ((const struct ota_strategy *)base)->stage_count > 0;
	if (row->kind == KIND_GROUP)
		return group_says_something(row->members, field);
	return row->kind != KIND_NUMBER || *(const int64_t *)field >= row->low;
}

static bool row_is_standard(const struct strategy_row *row, const void *base)
{
	const void *field = field_in(row, base);

	if (row->kind == KIND_GROUP || row->kind == KIND_LIST || row->kind == KIND_TEXT)
		return false;
	return (row->kind == KIND_FLAG ? *(const bool *)field : *(const int64_t *)field) == row->standard;
}

static void table_print(const struct strategy_table *table, const void *base, enum strategy_extent extent, struct ota_bytes *out)
{
	const char *comma = "";

	ota_bytes_text(out, "{");
	for (size_t i = 0; i < table->count; i++) {
		const struct strategy_row *row = &table->rows[i];

		if (!row_says_something(row, base) || (extent == EXTENT_SAID && row_is_standard(row, base)))
			continue;
		ota_bytes_format(out, "%s\"%s\":", comma, row->key);
		if (row->kind == KIND_LIST)
			list_print(row, base, extent, out);
		else
			value_print(row, base, out);
		comma = ",";
	}
	ota_bytes_text(out, "}");
}

int ota_strategy_print(const struct ota_strategy *strategy, struct ota_bytes *out)
{
	table_print(&strategy_table, strategy, EXTENT_ALL, out);
	return out->failed ? OTA_ENOMEM : 0;
}

int ota_strategy_print_said(const struct ota_strategy *strategy, struct ota_bytes *out)
{
	table_print(&strategy_table, strategy, EXTENT_SAID, out);
	return out->failed ? OTA_ENOMEM : 0;
}

bool ota_strategy_retries(const struct ota_strategy *strategy, enum ota_cause cause, int64_t attempt)
{
	return strategy->retry_causes >> cause & 1 && attempt <= strategy->retries;
}

bool ota_cause_is_failure(enum ota_cause cause)
{
	return CAUSES_FAILED >> cause & 1;
}

void ota_strategy_tell_blame(const struct ota_strategy *strategy, struct ota_bytes *out)
{
	if (strategy->abort_causes == CAUSES_FAILED)
		return;
	ota_bytes_text(out, " by ");
	causes_list(strategy->abort_causes, "", " or ", out);
}

int64_t ota_push_pause(int64_t pushes, int64_t base_ms, int64_t cap_ms)
{
	int64_t pause = base_ms;

	for (int64_t i = 1; i < pushes && pause < cap_ms; i++)
		pause *= 2;
	return pause < cap_ms ? pause : cap_ms;
}
