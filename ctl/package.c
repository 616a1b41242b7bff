#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/time.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"

enum { REDRAW_MS = 100 };

struct view_of_upload {
	FILE *stream;
	struct ota_bars_transfer transfer;
	int64_t begun_ms, drawn_ms;
};

static void draw(void *context, uint64_t sent)
{
	OTA_AUTO_BYTES struct ota_bytes line = { 0 };
	struct view_of_upload *view = context;
	int64_t now_ms = ota_boot_ms();

	if (now_ms - view->drawn_ms < REDRAW_MS && sent < view->transfer.size)
		return;
	view->drawn_ms = now_ms;
	view->transfer.sent = sent;
	view->transfer.elapsed_ms = now_ms - view->begun_ms;
	ota_bytes_text(&line, "\r");
	ota_bars_put_transfer(&line, &view->transfer, ota_terminal_style(view->stream));
	ota_bytes_text(&line, "\x1b[K");
	(void)fwrite(line.data, 1, line.size, view->stream);
	(void)fflush(view->stream);
}

/* The digest goes along, so that what arrives is what was read here. */
static int open_file(const char *path, cJSON *command, struct ota_client_upload *upload, struct ota_error *error)
{
	struct ota_digest_result digests;
	struct stat status;
	int code;

	upload->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (upload->fd < 0 || fstat(upload->fd, &status) != 0)
		return ota_fail_errno(error, "%s", path);
	if (!S_ISREG(status.st_mode) || status.st_size == 0)
		return ota_fail(error, OTA_EINVALID, "%s is %s", path, S_ISREG(status.st_mode) ? "empty" : "no regular file");
	code = ota_digest_of_fd(upload->fd, &digests, error);
	if (code < 0)
		return ota_error_prefix(error, code, "%s", path);
	upload->size = digests.size;
	return cJSON_AddStringToObject(command, "sha256", digests.sha256) ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}

/* Size and MD5 are the gateway's to measure: without them the command is checked as a dry run. */
static int check(cJSON *command, struct ota_error *error)
{
	int code;

	if (!cJSON_AddTrueToObject(command, "dryRun"))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = ota_command_check(ota_command_find("addPackage"), command, "", error);
	cJSON_DeleteItemFromObjectCaseSensitive(command, "dryRun");
	return code;
}

static int send_file(struct ota_invocation *invocation, cJSON *command, cJSON **ret_data, struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = -1;
	const char *path = invocation->arguments[0];
	const char *slash = strrchr(path, '/');
	struct ota_client_upload upload = { .members = command, .fd = -1 };
	struct view_of_upload view = { .stream = invocation->messages, .begun_ms = ota_boot_ms() };
	int code = open_file(path, command, &upload, error);

	fd = upload.fd;
	if (code < 0)
		return code;
	view.transfer = (struct ota_bars_transfer){ .name = slash ? slash + 1 : path, .size = upload.size };
	if (ota_terminal_is(invocation->messages) && !ota_invocation_value(invocation, "quiet")) {
		upload.progress = draw;
		upload.context = &view;
	}
	code = ota_client_upload(invocation->client, &upload, ret_data, error);
	if (view.drawn_ms)
		(void)fputs("\n", invocation->messages);
	return code;
}

int ota_package_add(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0)
		code = check(command, error);
	if (code == 0)
		code = send_file(invocation, command, &data, error);
	if (code < 0)
		return ota_invocation_blame(invocation, code, error);
	ota_output_one(&invocation->output, invocation->verb->view, data);
	return 0;
}
