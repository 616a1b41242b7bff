#include "plugin/rules/stage.h"

#include "common/text.h"
#include "common/time.h"

size_t ota_stage_of(const struct ota_strategy *strategy, int64_t bucket, const int64_t *taken)
{
	for (size_t i = 0; i < strategy->stage_count; i++) {
		const struct ota_stage *stage = &strategy->stages[i];

		if (stage->percent ? bucket < stage->percent * (OTA_BUCKETS / 100) : taken[i] < stage->count)
			return i;
	}
	return strategy->stage_count;
}

size_t ota_stage_total(const struct ota_strategy *strategy)
{
	size_t count = strategy->stage_count;

	return count && strategy->stages[count - 1].percent == 100 ? count : count + 1;
}

static int64_t finished(const struct ota_stage_tally *tally)
{
	return tally->succeeded + tally->failed;
}

/* Those that finished or will. */
static int64_t judged(const struct ota_stage_tally *tally)
{
	return finished(tally) + tally->open;
}

static int64_t percent_of(int64_t part, int64_t whole)
{
	return whole ? part * 100 / whole : 0;
}

/* The least number that is such a share. */
static int64_t share(int64_t percent, int64_t whole)
{
	return (percent * whole + 99) / 100;
}

struct sight {
	const struct ota_stage *stage;
	const struct ota_stage_tally *tally;
	bool enough_finished, enough_succeeded;
	bool met, late;
	int64_t soak_left_ms;
};

static bool expects(const struct sight *sight)
{
	return !judged(sight->tally) && sight->tally->growing;
}

static bool is_empty(const struct sight *sight)
{
	return !judged(sight->tally) && !sight->stage->manual;
}

static bool is_exhausted(const struct sight *sight)
{
	return !sight->met && !sight->tally->open;
}

static bool is_late(const struct sight *sight)
{
	return !sight->met && sight->late;
}

static bool is_unfinished(const struct sight *sight)
{
	return !sight->enough_finished;
}

static bool is_unsuccessful(const struct sight *sight)
{
	return !sight->enough_succeeded;
}

/* With nothing to judge there is nothing that could show later. */
static bool soaks(const struct sight *sight)
{
	return sight->soak_left_ms > 0 && judged(sight->tally);
}

static bool asks(const struct sight *sight)
{
	return sight->stage->manual;
}

static bool is_passed(const struct sight *sight)
{
	return sight->met;
}

/* clang-format off */
/* The first that is true decides. */
static const struct {
	enum ota_stage_why why;
	enum ota_stage_step step;
	bool (*is)(const struct sight *sight);
} rows[] = {
	{ OTA_STAGE_EXPECTS,      OTA_STAGE_WAITS,  expects },
	{ OTA_STAGE_EMPTY,        OTA_STAGE_PASSES, is_empty },
	{ OTA_STAGE_EXHAUSTED,    OTA_STAGE_STALLS, is_exhausted },
	{ OTA_STAGE_LATE,         OTA_STAGE_STALLS, is_late },
	{ OTA_STAGE_UNFINISHED,   OTA_STAGE_WAITS,  is_unfinished },
	{ OTA_STAGE_UNSUCCESSFUL, OTA_STAGE_WAITS,  is_unsuccessful },
	{ OTA_STAGE_SOAKS,        OTA_STAGE_WAITS,  soaks },
	{ OTA_STAGE_ASKS,         OTA_STAGE_WAITS,  asks },
	{ OTA_STAGE_PASSED,       OTA_STAGE_PASSES, is_passed },
};
/* clang-format on */

static int64_t left_of(int64_t whole_ms, int64_t since_at, int64_t now_at)
{
	int64_t left = whole_ms - (now_at - since_at);

	return left > 0 ? left : 0;
}

int64_t ota_stage_left_ms(int64_t ms)
{
	int64_t unit = ms > 2 * OTA_HOUR_MS ? OTA_HOUR_MS : ms > 2 * OTA_MINUTE_MS ? OTA_MINUTE_MS : OTA_SECOND_MS;

	return (ms + unit - 1) / unit * unit;
}

struct ota_stage_look ota_stage_decide(const struct ota_stage *stage, const struct ota_stage_tally *tally,
				       const struct ota_stage_times *times)
{
	int64_t done = finished(tally);
	struct ota_stage_look look = { 0 };
	struct sight sight = {
		.stage = stage,
		.tally = tally,
		.enough_finished = done * 100 >= stage->finished_percent * judged(tally),
		.enough_succeeded = tally->succeeded * 100 >= stage->success_percent * done,
	};

	sight.met = sight.enough_finished && sight.enough_succeeded && !expects(&sight);
	if (sight.met)
		sight.soak_left_ms = left_of(stage->soak_ms, times->met_at ? times->met_at : times->now_at, times->now_at);
	if (stage->deadline_ms)
		look.deadline_left_ms = left_of(stage->deadline_ms, times->since_at, times->now_at);
	sight.late = stage->deadline_ms && !look.deadline_left_ms;
	look.met = sight.met;
	look.soak_left_ms = sight.soak_left_ms;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].is(&sight))
			continue;
		look.step = rows[i].step;
		look.why = rows[i].why;
		return look;
	}
	return look; /* never: what is neither unfinished nor unsuccessful is met */
}

static void explain_unfinished(const struct ota_stage *stage, const struct ota_stage_tally *tally, struct ota_bytes *out)
{
	ota_bytes_format(out, "%lld of %lld devices finished, %lld must (%lld %%)", (long long)finished(tally),
			 (long long)judged(tally), (long long)share(stage->finished_percent, judged(tally)),
			 (long long)stage->finished_percent);
}

static void explain_success(const struct ota_stage *stage, const struct ota_stage_tally *tally, struct ota_bytes *out)
{
	int64_t most = tally->succeeded + tally->open;

	ota_bytes_format(out, "%lld of %lld finished devices succeeded (%lld %%), %lld %% must", (long long)tally->succeeded,
			 (long long)finished(tally), (long long)percent_of(tally->succeeded, finished(tally)),
			 (long long)stage->success_percent);
	if (tally->open && most * 100 < stage->success_percent * judged(tally))
		ota_bytes_text(out, ", which can no longer be reached");
}

/* Which of the two shares it lacks. */
static void explain_lack(const struct ota_stage *stage, const struct ota_stage_tally *tally, struct ota_bytes *out)
{
	if (finished(tally) * 100 < stage->finished_percent * judged(tally))
		explain_unfinished(stage, tally, out);
	else
		explain_success(stage, tally, out);
}

static void duration_put(struct ota_bytes *out, const char *before, int64_t ms, const char *after)
{
	char text[32];

	ota_text_print_duration(text, ms);
	ota_bytes_format(out, "%s%s%s", before, text, after);
}

void ota_stage_explain(const struct ota_stage *stage, const struct ota_stage_tally *tally, const struct ota_stage_look *look,
		       struct ota_bytes *out)
{
	const char *nobody = tally->unproven ? "none of its devices went through an attempt" : "no device is in it";

	switch (look->why) {
	case OTA_STAGE_EXPECTS:
		ota_bytes_format(out, "%s, and the next stage waits for one%s", nobody, tally->unproven ? " that does" : "");
		return;
	case OTA_STAGE_EMPTY:
		ota_bytes_text(out, nobody);
		return;
	case OTA_STAGE_EXHAUSTED:
		ota_bytes_text(out, "nothing of it is open any more, and ");
		break;
	case OTA_STAGE_LATE:
		duration_put(out, "its deadline of ", stage->deadline_ms, " is over, and ");
		break;
	case OTA_STAGE_SOAKS:
		duration_put(out, "its gate holds and must do so for ", stage->soak_ms, "");
		duration_put(out, ", ", ota_stage_left_ms(look->soak_left_ms), " more");
		return;
	case OTA_STAGE_ASKS:
		ota_bytes_format(out, "%s, and an operator is to open the next stage", judged(tally) ? "its gate holds" : nobody);
		return;
	case OTA_STAGE_PASSED:
		explain_success(stage, tally, out);
		return;
	case OTA_STAGE_UNFINISHED:
	case OTA_STAGE_UNSUCCESSFUL:
		break;
	}
	explain_lack(stage, tally, out);
}

void ota_stage_describe(const struct ota_stage *stage, struct ota_bytes *out)
{
	if (stage->percent)
		ota_bytes_format(out, "%lld %%", (long long)stage->percent);
	else
		ota_bytes_format(out, "%lld devices", (long long)stage->count);
	ota_bytes_format(out, "; %lld %% finished, %lld %% of them succeeded", (long long)stage->finished_percent,
			 (long long)stage->success_percent);
	if (stage->soak_ms)
		duration_put(out, ", for ", stage->soak_ms, "");
	if (stage->deadline_ms)
		duration_put(out, ", within ", stage->deadline_ms, "");
	if (stage->manual)
		ota_bytes_text(out, "; then an operator's word");
}
