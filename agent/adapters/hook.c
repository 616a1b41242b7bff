#include "agent/adapters/hook.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/adapters/child.h"
#include "agent/adapters/program.h"
#include "common/file.h"
#include "common/text.h"

enum {
	ENVIRONMENT_MAX = 9, /* PATH, eight of ours */
	VARIABLE_SIZE = 96,  /* any but OTA_FILE: a name, and a version or a digest */
	NAME_SIZE = AGENT_PROGRAM_NAME_SIZE + 16, /* "...PATH VERB" */
};

#define ERROR_WORD "error "
#define PROGRESS_WORD "progress "

struct environment {
	size_t count;
	const char *list[ENVIRONMENT_MAX + 1];
	char texts[ENVIRONMENT_MAX][VARIABLE_SIZE];
	char file[PATH_MAX + 16];
};

/* A line it printed, as it came. */
struct raw {
	size_t size;
	char data[AGENT_CHILD_LINE_MAX];
};

/* What it printed. */
struct talk {
	const struct agent_watch *watch;
	unsigned lines;
	struct raw first, error, last;
};

/* clang-format off */
static const struct agent_hook_exit exits[] = {
	{ 0,                    0,                    OTA_OK,           "done" },
	{ AGENT_HOOK_TRY_LATER, AGENT_HOOK_TRY_LATER, OTA_EUNAVAILABLE, "not now: reported as -1, and the package is not to blame" },
	{ 1,                    255,                  OTA_EIO,          "failed: reported as -4, and the same bytes are not tried again" },
	{ 0,                    0,                    OTA_OK,           NULL },
};
/* clang-format on */

const struct agent_hook_exit *agent_hook_exits(void)
{
	return exits;
}

static void environment_add(struct environment *environment, const char *name, const char *value)
{
	char *text = environment->texts[environment->count];

	if (!value || !value[0])
		return;
	snprintf(text, VARIABLE_SIZE, "%s=%s", name, value);
	environment->list[environment->count++] = text;
}

static void environment_make(struct environment *environment, const struct ota_image *image)
{
	char size[24];

	*environment = (struct environment){0};
	environment_add(environment, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	environment_add(environment, "OTA_MODULE", image->module);
	environment_add(environment, "OTA_VERSION", image->version);
	environment_add(environment, "OTA_PREVIOUS_VERSION", image->previous_version);
	environment_add(environment, "OTA_SHA256", image->sha256);
	if (image->size) {
		snprintf(size, sizeof(size), "%" PRIu64, image->size);
		environment_add(environment, "OTA_SIZE", size);
	}
	if (!image->path)
		return;
	snprintf(size, sizeof(size), "%d", AGENT_CHILD_IMAGE_FD);
	environment_add(environment, "OTA_FD", size);
	snprintf(environment->file, sizeof(environment->file), "OTA_FILE=%s", image->path);
	environment->list[environment->count++] = environment->file;
}

/* --- what it says ----------------------------------------------------------------------------------------------------------- */

static bool raw_begins(const struct raw *raw, const char *word)
{
	return raw->size >= strlen(word) && !memcmp(raw->data, word, strlen(word));
}

static void raw_keep(struct raw *raw, struct ota_span line)
{
	memcpy(raw->data, line.data, line.size);
	raw->size = line.size;
}

/* Clean, and as long as a report has room for. */
static void raw_tell(char target[OTA_DESC_MAX + 1], const struct raw *raw, size_t from)
{
	OTA_AUTO_BYTES struct ota_bytes clean = {0};

	ota_text_clean(&clean, (struct ota_span){raw->data + from, raw->size - from});
	ota_text_cut(target, OTA_DESC_MAX + 1, clean.data ? clean.data : "");
}

/* Into the log. A hook that prints without end must neither fill it nor hide what the operator is to read. */
static void talk_log(const struct talk *talk, struct ota_span line)
{
	OTA_AUTO_BYTES struct ota_bytes clean = {0};
	char end[64];

	if (talk->lines < AGENT_HOOK_LINES_MAX) {
		ota_text_clean(&clean, line);
		agent_watch_line(talk->watch, clean.data ? clean.data : "");
	} else if (talk->lines == AGENT_HOOK_LINES_MAX) {
		snprintf(end, sizeof(end), "(more than %d lines: the rest is not logged)", AGENT_HOOK_LINES_MAX);
		agent_watch_line(talk->watch, end);
	}
}

static void hook_on_line(void *context, struct ota_span line)
{
	struct talk *talk = context;

	if (!talk->first.size)
		raw_keep(&talk->first, line);
	if (line.size)
		raw_keep(&talk->last, line);
	if (raw_begins(&talk->last, ERROR_WORD) && line.size)
		talk->error = talk->last;
	talk_log(talk, line);
	if (talk->lines <= AGENT_HOOK_LINES_MAX)
		talk->lines++;
}

/* --- what it means ---------------------------------------------------------------------------------------------------------- */

/* "PROGRAM VERB" */
static void hook_name(const struct agent_hook *hook, char target[NAME_SIZE])
{
	char program[AGENT_PROGRAM_NAME_SIZE];

	agent_program_name(hook->program, program);
	snprintf(target, NAME_SIZE, "%s %s", program, hook->verb);
}

/* How it ended, and what it said before, if it said anything. */
static int hook_fail(const struct talk *talk, int code, const char *how, struct ota_error *error)
{
	char said[OTA_DESC_MAX + 1];

	raw_tell(said, &talk->last, 0);
	return ota_fail(error, code, "%s%s%s", how, said[0] ? "; its last line: " : "", said);
}

static int hook_fail_signal(const struct agent_hook *hook, const struct talk *talk, int number, struct ota_error *error)
{
	const char *words = sigdescr_np(number); /* NULL for real-time signals */
	char name[NAME_SIZE], how[NAME_SIZE + 64];

	hook_name(hook, name);
	snprintf(how, sizeof(how), "%s was ended by signal %d%s%s%s", name, number, words ? " (" : "", words ? words : "",
		 words ? ")" : "");
	return hook_fail(talk, OTA_EIO, how, error);
}

/* Its own words, if they are about what went wrong. */
static int hook_fail_exit(const struct agent_hook *hook, const struct talk *talk, int exit_code, struct ota_error *error)
{
	char name[NAME_SIZE], how[NAME_SIZE + 64], said[OTA_DESC_MAX + 1];
	const struct agent_hook_exit *row = exits;
	bool has_error = talk->error.size > 0;

	while (exit_code < row->low || exit_code > row->high)
		row++;
	if (row->code == OTA_OK)
		return 0;
	raw_tell(said, has_error ? &talk->error : &talk->last, has_error ? strlen(ERROR_WORD) : 0);
	if (said[0] && (has_error || !raw_begins(&talk->last, PROGRESS_WORD)))
		return ota_fail(error, row->code, "%s", said);
	hook_name(hook, name);
	snprintf(how, sizeof(how), "%s exited with code %d", name, exit_code);
	return hook_fail(talk, row->code, how, error);
}

static int hook_judge(const struct agent_hook *hook, const struct talk *talk, const struct agent_child_end *end,
		      struct ota_error *error)
{
	return end->signal ? hook_fail_signal(hook, talk, end->signal, error) : hook_fail_exit(hook, talk, end->exit_code, error);
}

static int hook_judge_timeout(const struct agent_hook *hook, const struct talk *talk, struct ota_error *error)
{
	char name[NAME_SIZE], limit[32], how[NAME_SIZE + 96];

	hook_name(hook, name);
	ota_text_print_duration(limit, hook->timeout_ms);
	snprintf(how, sizeof(how), "%s took longer than %s and was ended", name, limit);
	return hook_fail(talk, OTA_ETIMEOUT, how, error);
}

int agent_hook_run(const struct agent_hook *hook, const struct agent_watch *watch, char *ret_first_line, struct ota_error *error)
{
	const char *arguments[] = {hook->program, hook->verb, NULL};
	struct talk talk = {.watch = watch};
	struct agent_child_end end = {0};
	struct environment environment;
	struct agent_child child = {
		.arguments = arguments,
		.environment = environment.list,
		.image_fd = -1,
		.timeout_ms = hook->timeout_ms,
		.line = hook_on_line,
		.context = &talk,
	};
	OTA_AUTO_CLOSE int image_fd = -1;
	int rc;

	environment_make(&environment, hook->image);
	if (hook->image->path) {
		image_fd = child.image_fd = open(hook->image->path, O_RDONLY | O_CLOEXEC);
		if (image_fd < 0)
			return ota_fail_errno(error, "cannot open %s", hook->image->path);
	}
	rc = agent_child_run(&child, watch, &end, error);
	if (ret_first_line)
		raw_tell(ret_first_line, &talk.first, 0);
	if (rc == OTA_ETIMEOUT)
		return hook_judge_timeout(hook, &talk, error);
	return rc ? rc : hook_judge(hook, &talk, &end, error);
}
