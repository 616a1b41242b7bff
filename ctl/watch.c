/*
 * batch watch: bars that are drawn in place on a terminal, one line per change in a pipe, until the batch has ended.
 */
#include <string.h>

#include "common/text.h"
#include "common/time.h"
#include "ctl/exit.h"
#include "ctl/pause.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"

struct watch {
	struct ota_invocation *invocation;
	cJSON *command;
	struct ota_terminal_block block;
	struct ota_bytes last; /* the line that was printed last, to print changes only */
	bool is_terminal;
	bool is_away; /* the server, at the last look */
};

/* A line, unless it says what the last one said. */
static void tell(struct watch *watch, const char *line)
{
	char at[OTA_TIME_SIZE];

	if (watch->last.data && strcmp(watch->last.data, line) == 0)
		return;
	ota_bytes_clear(&watch->last);
	ota_bytes_text(&watch->last, line);
	ota_time_print(at, ota_wall_ms());
	(void)fprintf(watch->invocation->output.stream, "%s %s\n", at, line);
	(void)fflush(watch->invocation->output.stream);
}

static void show(struct watch *watch, const cJSON *batch)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	struct ota_output *output = &watch->invocation->output;

	if (watch->is_terminal) {
		size_t lines = ota_bars_put_batch(&text, batch, ota_terminal_style(output->stream), ota_wall_ms());

		ota_terminal_draw(&watch->block, &text, lines);
		return;
	}
	ota_bars_put_line(&text, batch);
	if (output->form == OTA_OUTPUT_TABLE) {
		tell(watch, text.data ? text.data : "");
	} else if (!watch->last.data || strcmp(watch->last.data, text.data) != 0) {
		ota_bytes_clear(&watch->last);
		ota_bytes_text(&watch->last, text.data);
		ota_output_one(output, watch->invocation->verb->view, batch);
		(void)fflush(output->stream);
	}
}

static bool has_ended(const cJSON *batch)
{
	const cJSON *state = ota_json_member(batch, "state");

	return cJSON_IsString(state) &&
	       (strcmp(state->valuestring, "completed") == 0 || strcmp(state->valuestring, "canceled") == 0);
}

static int judge(const cJSON *batch)
{
	const cJSON *state = ota_json_member(batch, "state");
	bool is_canceled = strcmp(state->valuestring, "canceled") == 0;

	return is_canceled || ota_bars_count(batch, "failed") > 0 ? OTA_EXIT_BATCH : OTA_EXIT_OK;
}

/* Once it was seen, a batch goes on while the gateway or the broker is away, and so does the watch. */
static int look(struct watch *watch, bool seen, bool *ret_ended, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *batch = NULL;
	int code = ota_invocation_ask(watch->invocation, watch->command, &batch, error);

	*ret_ended = false;
	if (code == OTA_EUNAVAILABLE && seen) {
		if (!watch->is_away)
			(void)fprintf(watch->invocation->messages, "otactl: %s; trying again\n", error->text);
		watch->is_away = true;
		watch->block.lines = 0;
		return 0;
	}
	if (code < 0)
		return code;
	watch->is_away = false;
	show(watch, batch);
	*ret_ended = has_ended(batch);
	if (*ret_ended)
		watch->invocation->status = judge(batch);
	return 0;
}

static int run(struct watch *watch, int64_t interval_ms, int64_t due_ms, struct ota_error *error)
{
	bool ended = false;
	int code = look(watch, false, &ended, error);

	while (code == 0 && !ended) {
		if (ota_boot_ms() >= due_ms)
			return ota_fail(error, OTA_ETIMEOUT, "the batch had not ended when the time was over");
		ota_pause(interval_ms);
		code = look(watch, true, &ended, error);
	}
	return code;
}

static int duration(const struct ota_invocation *invocation, const char *option, int64_t *target, struct ota_error *error)
{
	const char *text = ota_invocation_value(invocation, option);

	if (text && (!ota_text_parse_duration(text, target) || *target <= 0))
		return ota_fail(error, OTA_EINVALID, "--%s is \"%s\"; allowed: a duration such as 500ms, 10s, 5m", option, text);
	return 0;
}

int ota_batch_watch(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	struct ota_output *output = &invocation->output;
	int64_t interval_ms = OTA_SECOND_MS, timeout_ms = 0;
	struct watch watch = { .invocation = invocation, .block = { .stream = output->stream } };
	int code = duration(invocation, "interval", &interval_ms, error);

	if (code == 0)
		code = duration(invocation, "timeout", &timeout_ms, error);
	if (code == 0)
		code = ota_invocation_command(invocation, &command, error);
	if (code < 0)
		return code;
	watch.command = command;
	watch.is_terminal = output->form == OTA_OUTPUT_TABLE && ota_terminal_is(output->stream);
	code = run(&watch, interval_ms, timeout_ms > 0 ? ota_boot_ms() + timeout_ms : INT64_MAX, error);
	ota_bytes_free(&watch.last);
	return code;
}
