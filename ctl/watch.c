/*
 * batch watch: bars that are drawn in place on a terminal, one line per change in a pipe, until the batch has ended.
 */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/file.h"
#include "common/text.h"
#include "common/time.h"
#include "ctl/exit.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"

struct watch {
	struct ota_invocation *invocation;
	cJSON *command;
	struct ota_terminal_block block;
	struct ota_bytes last; /* the line that was printed last, to print changes only */
	bool is_terminal;
	bool is_away; /* the server, at the last look */
	cJSON *seen;   /* the batch, at the last look */
	int resize_fd; /* tells that the terminal changed its size; -1 = no terminal */
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

static void draw(struct watch *watch, const cJSON *batch)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	struct ota_bars_style style = ota_terminal_style(watch->block.stream);

	(void)ota_bars_put_batch(&text, batch, style, ota_wall_ms());
	ota_terminal_draw(&watch->block, &text, style.width);
}

static void show(struct watch *watch, const cJSON *batch)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	struct ota_output *output = &watch->invocation->output;

	if (watch->is_terminal) {
		draw(watch, batch);
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

/* Between two looks. A terminal that changes its size is drawn anew at once. */
static void rest(struct watch *watch, int64_t interval_ms)
{
	int64_t due_ms = ota_boot_ms() + interval_ms;
	struct pollfd resized = { .fd = watch->resize_fd, .events = POLLIN };
	struct signalfd_siginfo signal;

	for (int64_t left_ms = interval_ms; left_ms > 0; left_ms = due_ms - ota_boot_ms()) {
		if (poll(&resized, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms) <= 0)
			continue;
		if (read(watch->resize_fd, &signal, sizeof(signal)) > 0 && watch->seen && !watch->is_away)
			draw(watch, watch->seen);
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
static int look(struct watch *watch, bool *ret_ended, struct ota_error *error)
{
	cJSON *batch = NULL;
	int code = ota_invocation_ask(watch->invocation, watch->command, &batch, error);

	*ret_ended = false;
	if (ota_client_may_recover(code) && watch->seen) {
		if (!watch->is_away)
			(void)fprintf(watch->invocation->messages, "otactl: %s; trying again\n", error->text);
		watch->is_away = true;
		watch->block.lines = 0;
		return 0;
	}
	if (code < 0)
		return code;
	if (watch->is_away)
		(void)fprintf(watch->invocation->messages, "otactl: the server answers again\n");
	watch->is_away = false;
	cJSON_Delete(watch->seen);
	watch->seen = batch;
	show(watch, batch);
	*ret_ended = has_ended(batch);
	if (*ret_ended)
		watch->invocation->status = judge(batch);
	return 0;
}

static int run(struct watch *watch, int64_t interval_ms, int64_t due_ms, struct ota_error *error)
{
	bool ended = false;
	int code = look(watch, &ended, error);

	while (code == 0 && !ended) {
		if (ota_boot_ms() >= due_ms)
			return ota_fail(error, OTA_ETIMEOUT, "the batch had not ended when the time was over");
		rest(watch, interval_ms);
		code = look(watch, &ended, error);
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

static int open_resize(void)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGWINCH);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
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
	watch.is_terminal = output->form == OTA_OUTPUT_TABLE && ota_terminal_can_draw(output->stream);
	watch.resize_fd = watch.is_terminal ? open_resize() : -1;
	code = run(&watch, interval_ms, timeout_ms > 0 ? ota_boot_ms() + timeout_ms : INT64_MAX, error);
	ota_bytes_free(&watch.last);
	cJSON_Delete(watch.seen);
	ota_fd_cleanup(&watch.resize_fd);
	return code;
}
