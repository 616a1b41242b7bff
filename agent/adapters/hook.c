#include "agent/adapters/hook.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/adapters/child.h"
#include "common/file.h"
#include "common/text.h"

enum {
	ENVIRONMENT_MAX = 9, /* PATH, eight of ours */
	VARIABLE_SIZE = 96,  /* any but OTA_FILE: a name, and a version or a digest */
};

struct environment {
	size_t count;
	const char *list[ENVIRONMENT_MAX + 1];
	char texts[ENVIRONMENT_MAX][VARIABLE_SIZE];
	char file[PATH_MAX + 16];
};

/* What it printed. */
struct talk {
	const struct agent_watch *watch;
	char *first;
	char error[OTA_DESC_MAX + 1];
	char last[OTA_DESC_MAX + 1];
};

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

static void hook_on_line(void *context, const char *line)
{
	static const char error[] = "error ";
	struct talk *talk = context;

	if (talk->first && !talk->first[0])
		ota_text_cut(talk->first, OTA_DESC_MAX + 1, line);
	if (!strncmp(line, error, sizeof(error) - 1))
		ota_text_cut(talk->error, sizeof(talk->error), line + sizeof(error) - 1);
	if (line[0])
		ota_text_cut(talk->last, sizeof(talk->last), line);
	agent_watch_line(talk->watch, line);
}

static int hook_judge(const struct agent_hook *hook, const struct talk *talk, int status, struct ota_error *error)
{
	int code = status == AGENT_HOOK_TRY_LATER ? OTA_EUNAVAILABLE : OTA_EIO;

	if (status == 0)
		return 0;
	if (talk->error[0] || talk->last[0])
		return ota_fail(error, code, "%s", talk->error[0] ? talk->error : talk->last);
	return ota_fail(error, code, "%s %s exited with %d", hook->program, hook->verb, status);
}

int agent_hook_run(const struct agent_hook *hook, const struct agent_watch *watch, char *ret_first_line, struct ota_error *error)
{
	const char *arguments[] = {hook->program, hook->verb, NULL};
	struct talk talk = {.watch = watch, .first = ret_first_line};
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
	int status = 0, rc;

	if (ret_first_line)
		ret_first_line[0] = '\0';
	environment_make(&environment, hook->image);
	if (hook->image->path) {
		image_fd = child.image_fd = open(hook->image->path, O_RDONLY | O_CLOEXEC);
		if (image_fd < 0)
			return ota_fail_errno(error, "cannot open %s", hook->image->path);
	}
	rc = agent_child_run(&child, watch, &status, error);
	return rc ? rc : hook_judge(hook, &talk, status, error);
}
