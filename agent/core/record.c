#include "agent/core/record.h"

#include <inttypes.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"

/* --- writing ---------------------------------------------------------------------------------------------------------------- */

static void member_text(struct ota_bytes *out, const char *key, const char *value)
{
	ota_bytes_format(out, ",\"%s\":", key);
	ota_json_quote(out, value);
}

static void member_integer(struct ota_bytes *out, const char *key, int64_t value)
{
	ota_bytes_format(out, ",\"%s\":%" PRId64, key, value);
}

static void member_bool(struct ota_bytes *out, const char *key, bool value)
{
	ota_bytes_format(out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void attempt_print(struct ota_bytes *out, const char *key, int64_t batch, int64_t attempt)
{
	ota_bytes_format(out, ",\n\"%s\":{\"batch\":%" PRId64 ",\"attempt\":%" PRId64 "}", key, batch, attempt);
}

static void task_print(struct ota_bytes *out, const struct agent_task *task)
{
	const struct ota_offer *offer = &task->offer;

	ota_bytes_format(out, ",\n\"task\":{\"phase\":\"%s\"", agent_phase_name(task->phase));
	member_text(out, "module", offer->module);
	member_text(out, "from", task->from);
	member_text(out, "version", offer->version);
	member_text(out, "url", offer->url);
	member_integer(out, "size", (int64_t)offer->size);
	member_text(out, "md5", offer->md5);
	member_text(out, "sha256", offer->sha256);
	member_bool(out, "signIsSha256", offer->sign_method == OTA_SIGN_SHA256);
	member_integer(out, "batch", offer->batch);
	member_integer(out, "attempt", offer->attempt);
	member_integer(out, "starts", task->starts);
	member_bool(out, "delivered", task->delivered);
	ota_bytes_text(out, "}");
}

static void report_print(struct ota_bytes *out, const struct agent_report *report)
{
	const struct ota_progress *progress = &report->progress;

	ota_bytes_format(out, ",\n\"report\":{\"step\":%d", progress->step);
	member_bool(out, "pending", report->pending);
	member_text(out, "desc", progress->desc);
	member_text(out, "module", progress->module);
	member_integer(out, "batch", progress->batch);
	member_integer(out, "attempt", progress->attempt);
	member_integer(out, "cancel", progress->cancel);
	ota_bytes_text(out, "}");
}

static void refusal_print(struct ota_bytes *out, const struct agent_refusal *refusal)
{
	ota_bytes_format(out, "{\"step\":%d", refusal->step);
	member_text(out, "module", refusal->module);
	member_text(out, "version", refusal->version);
	member_text(out, "digest", refusal->digest);
	member_text(out, "desc", refusal->desc);
	member_integer(out, "batch", refusal->batch);
	member_integer(out, "attempt", refusal->attempt);
	ota_bytes_text(out, "}");
}

static void refusals_print(struct ota_bytes *out, const struct agent_refusals *refusals)
{
	for (size_t i = 0; i < refusals->count; i++) {
		ota_bytes_text(out, i ? ",\n " : ",\n\"refusals\":[");
		refusal_print(out, &refusals->list[i]);
	}
	if (refusals->count)
		ota_bytes_text(out, "]");
}

int agent_record_print(const struct agent_core *core, struct ota_bytes *out)
{
	ota_bytes_format(out, "{\"format\":%d", AGENT_RECORD_FORMAT);
	if (core->task.phase != AGENT_PHASE_NONE)
		task_print(out, &core->task);
	if (core->report.number)
		report_print(out, &core->report);
	refusals_print(out, &core->refusals);
	attempt_print(out, "last", core->last_batch, core->last_attempt);
	attempt_print(out, "ended", core->ended_batch, core->ended_attempt);
	ota_bytes_text(out, "}\n");
	return out->failed ? OTA_ENOMEM : 0;
}

/* --- reading ---------------------------------------------------------------------------------------------------------------- */

/* Members of one part, read one after the other; the first that is missing or wrong spoils the rest. */
struct part {
	struct ota_json_place at;
	bool failed;
	struct ota_error *error;
};

static void part_note(struct part *part, const char *key, int found)
{
	if (found == 1)
		return;
	part->failed = true;
	if (found == 0)
		ota_fail(part->error, OTA_ECORRUPT, "%s.%s is missing", part->at.prefix, key);
}

static void part_text(struct part *part, const char *key, char *target, size_t size)
{
	if (!part->failed)
		part_note(part, key, ota_json_text(part->at, key, target, size, part->error));
}

static int64_t part_integer(struct part *part, const char *key, int64_t low, int64_t high)
{
	int64_t value = 0;

	if (!part->failed)
		part_note(part, key, ota_json_integer(part->at, key, low, high, &value, part->error));
	return value;
}

static bool part_bool(struct part *part, const char *key)
{
	bool value = false;

	if (!part->failed)
		part_note(part, key, ota_json_bool(part->at, key, &value, part->error));
	return value;
}

/* False when the record has no such part. */
static bool part_open(const cJSON *tree, const char *name, struct ota_error *error, struct part *ret_part)
{
	const cJSON *object = NULL;
	int found = ota_json_object((struct ota_json_place){tree, ""}, name, &object, error);

	*ret_part = (struct part){.at = {object, name}, .failed = found < 0, .error = error};
	return found != 0;
}

static bool task_read(const cJSON *tree, struct agent_task *task, struct ota_error *error)
{
	struct ota_offer *offer = &task->offer;
	char phase[16] = "";
	struct part part;

	if (!part_open(tree, "task", error, &part))
		return true;
	part_text(&part, "phase", phase, sizeof(phase));
	part_text(&part, "module", offer->module, sizeof(offer->module));
	part_text(&part, "from", task->from, sizeof(task->from));
	part_text(&part, "version", offer->version, sizeof(offer->version));
	part_text(&part, "url", offer->url, sizeof(offer->url));
	offer->size = (uint64_t)part_integer(&part, "size", 1, OTA_INTEGER_MAX);
	part_text(&part, "md5", offer->md5, sizeof(offer->md5));
	part_text(&part, "sha256", offer->sha256, sizeof(offer->sha256));
	offer->sign_method = part_bool(&part, "signIsSha256") ? OTA_SIGN_SHA256 : OTA_SIGN_MD5;
	offer->batch = part_integer(&part, "batch", 0, OTA_INTEGER_MAX);
	offer->attempt = part_integer(&part, "attempt", 0, OTA_INTEGER_MAX);
	task->starts = part_integer(&part, "starts", 0, OTA_INTEGER_MAX);
	task->delivered = part_bool(&part, "delivered");
	if (!part.failed && !agent_phase_parse(phase, &task->phase)) {
		ota_fail(error, OTA_ECORRUPT, "task.phase is none of ours");
		return false;
	}
	return !part.failed;
}

static bool report_read(const cJSON *tree, struct agent_report *report, struct ota_error *error)
{
	struct ota_progress *progress = &report->progress;
	struct part part;

	if (!part_open(tree, "report", error, &part))
		return true;
	progress->step = (int)part_integer(&part, "step", -4, 100);
	report->pending = part_bool(&part, "pending");
	part_text(&part, "desc", progress->desc, sizeof(progress->desc));
	part_text(&part, "module", progress->module, sizeof(progress->module));
	progress->batch = part_integer(&part, "batch", 0, OTA_INTEGER_MAX);
	progress->attempt = part_integer(&part, "attempt", 0, OTA_INTEGER_MAX);
	progress->cancel = (enum ota_cancel_answer)part_integer(&part, "cancel", OTA_CANCEL_NONE, OTA_CANCEL_REFUSED);
	report->number = 1; /* the first of this process */
	return !part.failed;
}

static bool refusal_read(const cJSON *object, struct agent_refusal *refusal, struct ota_error *error)
{
	struct part part = {.at = {object, "refusals[]"}, .error = error};

	if (!cJSON_IsObject(object)) {
		ota_fail(error, OTA_ECORRUPT, "refusals holds something else");
		return false;
	}
	refusal->step = (int)part_integer(&part, "step", -4, -1);
	part_text(&part, "module", refusal->module, sizeof(refusal->module));
	part_text(&part, "version", refusal->version, sizeof(refusal->version));
	part_text(&part, "digest", refusal->digest, sizeof(refusal->digest));
	part_text(&part, "desc", refusal->desc, sizeof(refusal->desc));
	refusal->batch = part_integer(&part, "batch", 0, OTA_INTEGER_MAX);
	refusal->attempt = part_integer(&part, "attempt", 0, OTA_INTEGER_MAX);
	return !part.failed;
}

static bool refusals_read(const cJSON *tree, struct agent_refusals *refusals, struct ota_error *error)
{
	const cJSON *array = NULL, *object;

	if (ota_json_array((struct ota_json_place){tree, ""}, "refusals", &array, error) < 0)
		return false;
	cJSON_ArrayForEach(object, array)
		if (refusals->count < AGENT_REFUSALS_MAX && !refusal_read(object, &refusals->list[refusals->count++], error))
			return false;
	return true;
}

static bool attempt_read(const cJSON *tree, const char *name, int64_t *ret_batch, int64_t *ret_attempt, struct ota_error *error)
{
	struct part part;

	if (!part_open(tree, name, error, &part))
		return true;
	*ret_batch = part_integer(&part, "batch", 0, OTA_INTEGER_MAX);
	*ret_attempt = part_integer(&part, "attempt", 0, OTA_INTEGER_MAX);
	return !part.failed;
}

/* The agent may have been configured anew since. */
static void core_adopt_task(struct agent_core *core, const struct agent_task *task)
{
	for (size_t i = 0; i < core->module_count; i++) {
		if (strcmp(core->modules[i].name, task->offer.module))
			continue;
		core->task = *task;
		core->task.module = i;
	}
}

static int format_check(const cJSON *tree, struct ota_error *error)
{
	int64_t format = 0;

	if (ota_json_integer((struct ota_json_place){tree, ""}, "format", 1, OTA_INTEGER_MAX, &format, error) != 1)
		return ota_fail(error, OTA_ECORRUPT, "not a record of an agent");
	if (format > AGENT_RECORD_FORMAT)
		return ota_fail(error, OTA_EVERSION, "record format %" PRId64 " is newer than this agent's %d", format,
				AGENT_RECORD_FORMAT);
	return 0;
}

int agent_record_read(struct ota_span text, struct agent_core *core, struct ota_error *error)
{
	struct agent_core read = {0};
	OTA_AUTO_JSON cJSON *tree = NULL;
	int rc;

	if (ota_json_read(text, OTA_JSON_STRICT, AGENT_RECORD_MAX, &tree, NULL, error) || !cJSON_IsObject(tree))
		return ota_fail(error, OTA_ECORRUPT, "not a record of an agent");
	rc = format_check(tree, error);
	if (rc)
		return rc;
	if (!task_read(tree, &read.task, error) || !report_read(tree, &read.report, error) ||
	    !refusals_read(tree, &read.refusals, error) ||
	    !attempt_read(tree, "last", &read.last_batch, &read.last_attempt, error) ||
	    !attempt_read(tree, "ended", &read.ended_batch, &read.ended_attempt, error))
		return error ? error->code = OTA_ECORRUPT : OTA_ECORRUPT;
	core_adopt_task(core, &read.task);
	core->report = read.report;
	core->last_number = read.report.number;
	core->refusals = read.refusals;
	core->last_batch = read.last_batch;
	core->last_attempt = read.last_attempt;
	core->ended_batch = read.ended_batch;
	core->ended_attempt = read.ended_attempt;
	return 0;
}
