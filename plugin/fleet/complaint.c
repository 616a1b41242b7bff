/* What the server's own log says of a device's message: that it was refused and why, or what in it was mended. */
#include "common/json.h"
#include "plugin/fleet/context.h"

/* One device that is wrong says so once a second; ten thousand that are not registered do, too. */
static const struct ota_pace_rate refusal_rate = {.count = 5, .period_ms = OTA_SECOND_MS, .burst = 50};
/* A whole kind of devices may spell each report so, for years: no reason to fill a disk. */
static const struct ota_pace_rate mend_rate = {.count = 6, .period_ms = OTA_MINUTE_MS, .burst = 50};

static void line_write(struct ota_engine *engine, struct ota_log_line *line, const struct ota_fleet_event *event, const char *why)
{
	bool refusal = line->level == OTA_LOG_WARNING;
	struct ota_pace *pace = refusal ? &engine->refusals : &engine->mends;
	uint64_t held_back = pace->refused;

	if (!ota_pace_take(pace, refusal ? refusal_rate : mend_rate, event->at.heard_ms))
		return;
	ota_pace_take_refused(pace);
	ota_log_identity(line, event->identity.product_key, event->identity.device_name);
	ota_log_text(line, "why", why);
	if (held_back)
		ota_log_integer(line, "more_like_it", (int64_t)held_back);
	ota_log_end(engine->options.log, line);
}

void ota_complaint_refused(struct ota_engine *engine, const struct ota_fleet_event *event, const struct ota_error *error)
{
	struct ota_log_line line;

	ota_log_begin(&line, OTA_LOG_WARNING, "refused");
	line_write(engine, &line, event, error->text);
}

static const struct {
	enum ota_json_mended what;
	const char *sentence;
} mends[] = {
	{OTA_JSON_MENDED_DUPLICATE, "a key stands twice, the first one counts"},
	{OTA_JSON_MENDED_UTF8, "bytes that are not UTF-8 are read as U+FFFD"},
	{OTA_JSON_MENDED_COMMA, "a comma before a closing bracket is passed over"},
	{OTA_JSON_MENDED_NUL, "a NUL is read as U+FFFD, or passed over at the end"},
	{OTA_JSON_MENDED_CONTROL, "a raw control byte in a string is read as if it were escaped"},
};

void ota_complaint_mended(struct ota_engine *engine, const struct ota_fleet_event *event, const char *message, unsigned mended)
{
	OTA_AUTO_BYTES struct ota_bytes why = {0};
	struct ota_log_line line;
	const char *before = ": ";

	if (!mended)
		return;
	ota_bytes_text(&why, message);
	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++)
		if (mended & mends[i].what) {
			ota_bytes_format(&why, "%s%s", before, mends[i].sentence);
			before = "; ";
		}
	ota_log_begin(&line, OTA_LOG_INFO, "mended");
	line_write(engine, &line, event, why.failed ? message : why.data);
}
