#include "ctl/plan.h"

#include <string.h>

#include "common/json.h"
#include "common/time.h"
#include "ctl/cell.h"
#include "ctl/human.h"
#include "ctl/sheet.h"
#include "ctl/view.h"

static int64_t number_at(const cJSON *object, const char *path)
{
	const cJSON *value = ota_view_member(object, path);

	return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
}

static const char *text_at(const cJSON *object, const char *path)
{
	const cJSON *value = ota_view_member(object, path);

	return cJSON_IsString(value) ? value->valuestring : "";
}

static bool is_true_at(const cJSON *object, const char *path)
{
	return cJSON_IsTrue(ota_view_member(object, path));
}

static void put_target(struct ota_bytes *out, const cJSON *plan)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	const char *module = text_at(plan, "module");
	bool named = *module && strcmp(module, "default") != 0;

	ota_bytes_format(&line, "%s%s%s %s, package ", text_at(plan, "productKey"), named ? " " : "", named ? module : "",
			 text_at(plan, "version"));
	ota_bytes_format(&line, "%lld, a %s batch", (long long)number_at(plan, "package"), text_at(plan, "kind"));
	ota_sheet_bytes(out, "plan of", &line);
}

static void put_devices(struct ota_bytes *out, const cJSON *plan)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 }, excluded = { 0 }, bytes = { 0 }, conflicts = { 0 };
	int64_t matches = number_at(plan, "matches");

	ota_sheet_put_count(&line, matches);
	ota_bytes_text(&line, is_true_at(plan, "estimated") ? " would get it, told from a sample" : " would get it");
	ota_sheet_bytes(out, "devices", &line);
	ota_human_put(&excluded, OTA_HUMAN_COUNTS, ota_json_member(plan, "excluded"), 0);
	if (excluded.size && strcmp(excluded.data, "-") != 0)
		ota_sheet_bytes(out, "excluded", &excluded);
	ota_human_put(&conflicts, OTA_HUMAN_LIST, ota_json_member(plan, "conflicts"), 0);
	ota_sheet_bytes(out, "conflicts", &conflicts);
	ota_human_put_bytes(&bytes, (uint64_t)number_at(plan, "bytes"));
	if (matches > 0) {
		ota_bytes_text(&bytes, ", ");
		ota_human_put_bytes(&bytes, (uint64_t)(number_at(plan, "bytes") / matches));
		ota_bytes_text(&bytes, " a device");
	}
	if (*text_at(plan, "delivery"))
		ota_bytes_format(&bytes, ", over %s", text_at(plan, "delivery"));
	ota_sheet_bytes(out, "to send", &bytes);
}

/* What must hold before the next stage opens. */
static void put_gate(struct ota_bytes *out, const cJSON *stage)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	int64_t soak_ms = number_at(stage, "soakMs"), deadline_ms = number_at(stage, "deadlineMs");

	if (!ota_json_member(stage, "finished"))
		return;
	ota_bytes_format(&line, "next when %lld\xc2\xa0%% finished, %lld\xc2\xa0%% of them well",
			 (long long)number_at(stage, "finished"), (long long)number_at(stage, "success"));
	if (soak_ms) {
		ota_bytes_text(&line, ", for ");
		ota_sheet_put_span(&line, soak_ms);
	}
	ota_bytes_text(&line, is_true_at(stage, "manual") ? ", and an operator opens it" : "");
	if (deadline_ms) {
		ota_bytes_text(&line, "; pauses if that takes longer than ");
		ota_sheet_put_span(&line, deadline_ms);
	}
	ota_sheet_bytes(out, "", &line);
}

static void put_stage(struct ota_bytes *out, const cJSON *stage, int64_t now_ms)
{
	OTA_AUTO_BYTES struct ota_bytes label = { 0 }, line = { 0 };
	int64_t opens_ms = number_at(stage, "opensAt");

	ota_bytes_format(&label, "stage %lld", (long long)number_at(stage, "stage"));
	ota_sheet_put_count(&line, number_at(stage, "devices"));
	ota_bytes_text(&line, opens_ms ? " devices, opens " : " devices, not before the batch ends");
	if (opens_ms)
		ota_sheet_put_until(&line, opens_ms, now_ms);
	ota_sheet_bytes(out, label.data ? label.data : "", &line);
	put_gate(out, stage);
}

static void put_rate(struct ota_bytes *out, const cJSON *rate)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };

	if (!rate)
		return;
	if (number_at(rate, "from")) {
		ota_sheet_put_count(&line, number_at(rate, "from"));
		ota_bytes_format(&line, " devices a minute, times %lld every %s, up to ", (long long)number_at(rate, "factor"),
				 text_at(rate, "every"));
	}
	ota_sheet_put_count(&line, number_at(rate, "perMinute"));
	ota_bytes_text(&line, number_at(rate, "from") ? "" : " devices a minute");
	ota_sheet_bytes(out, "rate", &line);
}

static void put_window(struct ota_bytes *out, const cJSON *window)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	const char *zone = text_at(window, "zone"), *tag = text_at(window, "zoneTag");

	if (!window)
		return;
	ota_bytes_format(&line, "%s-%s %s", text_at(window, "from"), text_at(window, "to"), *zone ? zone : "UTC");
	if (*tag)
		ota_bytes_format(&line, ", or the time zone in a device's tag %s", tag);
	ota_sheet_bytes(out, "window", &line);
}

static void put_abort(struct ota_bytes *out, const cJSON *strategy)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	int64_t sample = number_at(strategy, "abortSample"), count = number_at(strategy, "abortCount");

	if (!ota_json_member(strategy, "abortSample"))
		return;
	ota_bytes_text(&line, !sample && !count                                    ? "never"
			      : strcmp(text_at(strategy, "abortAction"), "cancel") ? "pauses"
										   : "cancels");
	if (sample)
		ota_bytes_format(&line, " when more than %lld %% of at least %lld finished devices failed",
				 (long long)number_at(strategy, "abortPercent"), (long long)sample);
	if (count)
		ota_bytes_format(&line, "%s when %lld failed", sample ? ", or" : "", (long long)count);
	if (is_true_at(strategy, "autoRollback"))
		ota_bytes_text(&line, ", and goes back to the version before");
	ota_sheet_bytes(out, "abort", &line);
}

void ota_plan_put_strategy(struct ota_bytes *out, const cJSON *strategy)
{
	OTA_AUTO_BYTES struct ota_bytes places = { 0 };
	int64_t most = number_at(strategy, "maxInFlight");

	put_rate(out, ota_json_member(strategy, "rate"));
	if (most) {
		ota_bytes_text(&places, "at most ");
		ota_sheet_put_count(&places, most);
		ota_bytes_text(&places, " devices at a time");
		ota_sheet_bytes(out, "in flight", &places);
	}
	put_window(out, ota_json_member(strategy, "window"));
	if (is_true_at(strategy, "confirm"))
		ota_sheet_line(out, "confirm", "each device waits for an operator's word");
	if (is_true_at(strategy, "pullOnly"))
		ota_sheet_line(out, "pull only", "nothing is pushed: devices that ask are answered");
	put_abort(out, strategy);
}

static void put_forecast(struct ota_bytes *out, const cJSON *plan, int64_t now_ms)
{
	OTA_AUTO_BYTES struct ota_bytes begin = { 0 }, end = { 0 }, if_so = { 0 };
	const cJSON *forecast = ota_json_member(plan, "forecast"), *each;
	int64_t begins_ms = number_at(forecast, "beginsAt"), ends_ms = number_at(forecast, "finishesAt");

	if (!forecast || number_at(plan, "matches") == 0)
		return;
	if (begins_ms >= now_ms + OTA_MINUTE_MS) {
		ota_sheet_put_until(&begin, begins_ms, now_ms);
		ota_sheet_bytes(out, "begins", &begin);
	}
	if (ends_ms) {
		ota_bytes_text(&end, "not before ");
		ota_sheet_put_until(&end, ends_ms, now_ms);
	} else {
		ota_bytes_text(&end, "not before the batch ends ");
		ota_sheet_put_until(&end, number_at(plan, "endsAt"), now_ms);
	}
	ota_bytes_text(&end, "; at most ");
	ota_sheet_put_count(&end, number_at(forecast, "fastest"));
	ota_bytes_text(&end, " devices begin in a minute");
	ota_sheet_bytes(out, "finishes", &end);
	cJSON_ArrayForEach(each, ota_json_member(forecast, "assumptions"))
		ota_bytes_format(&if_so, "%s%s", if_so.size ? "; " : "", cJSON_IsString(each) ? each->valuestring : "");
	ota_sheet_bytes(out, "if", &if_so);
}

void ota_plan_put(struct ota_bytes *out, const cJSON *plan, int64_t now_ms)
{
	const cJSON *stages = ota_json_member(plan, "stages"), *each;

	put_target(out, plan);
	put_devices(out, plan);
	if (stages)
		ota_bytes_text(out, "\n");
	cJSON_ArrayForEach(each, stages)
		put_stage(out, each, now_ms);
	ota_bytes_text(out, "\n");
	ota_plan_put_strategy(out, ota_json_member(plan, "strategy"));
	put_forecast(out, plan, now_ms);
	if (cJSON_GetArraySize(ota_json_member(plan, "warnings")) > 0)
		ota_bytes_text(out, "\n");
	cJSON_ArrayForEach(each, ota_json_member(plan, "warnings"))
		ota_sheet_line(out, "WARNING", cJSON_IsString(each) ? each->valuestring : "");
	ota_bytes_text(out, "\nNothing was changed.\n");
}
