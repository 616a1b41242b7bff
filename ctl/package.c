/*
 * package add: files are uploaded, what lies at a URL is fetched once to measure it. package verify: what devices would get is
 * fetched and compared with what the server promises them.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/file.h"
#include "common/text.h"
#include "ctl/fetch.h"
#include "ctl/meter.h"
#include "ctl/pairs.h"
#include "ctl/verbs.h"

static FILE *watched(const struct ota_invocation *invocation)
{
	return ota_meter_stream(invocation->messages, ota_invocation_value(invocation, "quiet"));
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
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

/* Size and digests are measured later: without them the command is checked as a dry run. */
static int check(cJSON *command, struct ota_error *error)
{
	int code;

	if (!cJSON_AddTrueToObject(command, "dryRun"))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	code = ota_command_check(ota_command_find("addPackage"), command, "", error);
	cJSON_DeleteItemFromObjectCaseSensitive(command, "dryRun");
	return code;
}

static void on_sent(void *context, uint64_t sent)
{
	struct ota_meter *meter = context;

	ota_meter_show(meter, sent, meter->transfer.size);
}

/* The command that goes with a file: addPackage, or addFile for one of several. */
static int send_file(struct ota_invocation *invocation, const char *path, cJSON *command, cJSON **ret_data,
		     struct ota_error *error)
{
	OTA_AUTO_CLOSE int fd = -1;
	struct ota_meter meter;
	struct ota_client_upload upload = { .members = command, .fd = -1, .progress = on_sent, .context = &meter };
	int code = open_file(path, command, &upload, error);

	fd = upload.fd;
	if (code < 0)
		return code;
	ota_meter_begin(&meter, watched(invocation), last_part(path), upload.size);
	code = ota_client_upload(invocation->client, &upload, ret_data, error);
	ota_meter_end(&meter);
	return code;
}

/* Before the first of them is sent. The name is the one devices are told. */
static int check_files(const struct ota_invocation *invocation, struct ota_error *error)
{
	for (int i = 0; i < invocation->argument_count; i++) {
		if (access(invocation->arguments[i], R_OK) != 0)
			return ota_fail_errno(error, "%s", invocation->arguments[i]);
		const char *name = last_part(invocation->arguments[i]);

		if (!ota_text_is_file_name(ota_span_from_text(name)))
			return ota_fail(error, OTA_EINVALID,
					"%.128s: a file of several goes to the devices under its name; allowed: 1..%d letters, "
					"digits and _ . + -, no . or - first, and no word of the protocol",
					name, OTA_FILE_NAME_MAX);
	}
	return 0;
}

static int send_one(struct ota_invocation *invocation, const char *path, const cJSON *product, cJSON *files,
		    struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = cJSON_CreateObject();
	cJSON *data = NULL;
	bool made = cJSON_AddStringToObject(command, "command", "addFile") &&
		    cJSON_AddStringToObject(command, "productKey", product->valuestring);
	int code = made ? send_file(invocation, path, command, &data, error) : ota_fail(error, OTA_ENOMEM, "out of memory");

	if (code < 0)
		return code;
	if (!cJSON_AddStringToObject(data, "name", last_part(path)) || !cJSON_AddItemToArray(files, data)) {
		cJSON_Delete(data);
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	}
	return 0;
}

static void on_got(void *context, uint64_t got, uint64_t size)
{
	ota_meter_show(context, got, size);
}

static int fetch(const struct ota_invocation *invocation, const char *url, const char *ca_file,
		 struct ota_fetch_result *ret_result, struct ota_error *error)
{
	struct ota_meter meter;
	struct ota_fetch order = { .url = url, .ca_file = ca_file, .progress = on_got, .context = &meter };
	char name[64];
	int code;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(last_part(url), "?"), last_part(url));
	ota_meter_begin(&meter, watched(invocation), name, 0);
	code = ota_fetch_run(&order, ret_result, error);
	ota_meter_end(&meter);
	return code;
}

static int add_measures(cJSON *command, const struct ota_digest_result *digests, struct ota_error *error)
{
	bool added = cJSON_AddNumberToObject(command, "size", (double)digests->size) &&
		     cJSON_AddStringToObject(command, "sha256", digests->sha256) &&
		     cJSON_AddStringToObject(command, "md5", digests->md5);

	return added ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}

/* Asked first without its measures: whoever waits for gigabytes wants to hear of a wrong product before. */
static int try_dry(struct ota_invocation *invocation, cJSON *command, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *trial = cJSON_Duplicate(command, true);
	OTA_AUTO_JSON cJSON *data = NULL;

	cJSON_DeleteItemFromObjectCaseSensitive(trial, "requestId");
	if (!trial || !cJSON_AddTrueToObject(trial, "dryRun"))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	return ota_client_call(invocation->client, trial, &data, error);
}

static int add_url(struct ota_invocation *invocation, const char *url, cJSON *command, cJSON **ret_data, struct ota_error *error)
{
	struct ota_fetch_result result;
	int code = try_dry(invocation, command, error);

	if (code == 0)
		code = fetch(invocation, url, "", &result, error);
	if (code == 0 && result.redirects > 0)
		(void)fprintf(invocation->messages,
			      "otactl: note: this URL leads on to another one; most devices follow no redirect: name the last\n");
	if (code == 0)
		code = add_measures(command, &result.digests, error);
	return code == 0 ? ota_client_call(invocation->client, command, ret_data, error) : code;
}

/* Each file lies in the package directory before the package that names them is made. */
static int add_files(struct ota_invocation *invocation, cJSON *command, cJSON **ret_data, struct ota_error *error)
{
	int code = check_files(invocation, error);
	cJSON *files = NULL;

	if (code == 0)
		code = try_dry(invocation, command, error);
	if (code == 0 && !(files = cJSON_AddArrayToObject(command, "files")))
		code = ota_fail(error, OTA_ENOMEM, "out of memory");
	for (int i = 0; code == 0 && i < invocation->argument_count; i++)
		code = send_one(invocation, invocation->arguments[i], ota_json_member(command, "productKey"), files, error);
	return code == 0 ? ota_client_call(invocation->client, command, ret_data, error) : code;
}

static int add_note_file(const struct ota_invocation *invocation, cJSON *command, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	const char *path = ota_invocation_value(invocation, "notes-file");
	int code;

	if (!path)
		return 0;
	if (ota_invocation_value(invocation, "notes"))
		return ota_fail(error, OTA_EINVALID, "--notes-file excludes --notes");
	code = ota_file_read(path, OTA_CONFIG_FILE_MAX, &text, error);
	if (code < 0)
		return ota_error_prefix(error, code, "--notes-file");
	if (memchr(text.data ? text.data : "", '\0', text.size))
		return ota_fail(error, OTA_EINVALID, "--notes-file: %s holds a NUL byte; notes are text", path);
	while (text.size > 0 && strchr(" \t\r\n", text.data[text.size - 1]))
		text.data[--text.size] = '\0';
	if (text.size > 0 && !cJSON_AddStringToObject(command, "notes", text.data))
		return ota_fail(error, OTA_ENOMEM, "out of memory");
	return 0;
}

static int collect(const struct ota_invocation *invocation, cJSON **ret_command, struct ota_error *error)
{
	const char *url = ota_invocation_value(invocation, "url");
	int code;

	if (!url == !invocation->argument_count)
		return ota_fail(error, OTA_EINVALID, "%s",
				url ? "give a FILE to upload or a --url, not both"
				    : "which package? Give a FILE to upload, or --url for one hosted elsewhere");
	if (invocation->argument_count > OTA_FILES_MAX)
		return ota_fail(error, OTA_EINVALID, "%d files: a package has at most %d", invocation->argument_count,
				OTA_FILES_MAX);
	code = ota_invocation_command(invocation, ret_command, error);
	if (code == 0)
		code = add_note_file(invocation, *ret_command, error);
	if (code == 0)
		code = ota_pairs_add(invocation, "info", "extData", *ret_command, error);
	return code == 0 ? check(*ret_command, error) : code;
}

/* Whether it could be added, and from files that can be read: nothing is sent. */
static int rehearse(struct ota_invocation *invocation, cJSON *command, cJSON **ret_data, struct ota_error *error)
{
	for (int i = 0; i < invocation->argument_count; i++) {
		if (access(invocation->arguments[i], R_OK) != 0)
			return ota_fail_errno(error, "%s", invocation->arguments[i]);
	}
	return ota_client_call(invocation->client, command, ret_data, error);
}

int ota_package_add(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *data = NULL;
	const char *url = ota_invocation_value(invocation, "url");
	int code = collect(invocation, &command, error);

	if (code == 0 && ota_invocation_value(invocation, "dry-run"))
		code = rehearse(invocation, command, &data, error);
	else if (code == 0 && url)
		code = add_url(invocation, url, command, &data, error);
	else if (code == 0 && invocation->argument_count > 1)
		code = add_files(invocation, command, &data, error);
	else if (code == 0)
		code = send_file(invocation, invocation->arguments[0], command, &data, error);
	if (code < 0)
		return ota_invocation_blame(invocation, code, error);
	ota_output_one(&invocation->output, invocation->verb->view, data);
	return 0;
}

/* Appends "sha256 is ..., should be ..." where they are not the same. */
static void compare(struct ota_bytes *out, const cJSON *link, const char *name, const char *found)
{
	const char *promised = ota_json_member(link, name)->valuestring;

	if (strcmp(promised, found) != 0)
		ota_bytes_format(out, "%s%s is %s, should be %s", out->size ? "; " : "", name, found, promised);
}

static int judge(cJSON *link, const struct ota_digest_result *found, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes differences = { 0 };
	uint64_t promised = (uint64_t)ota_json_member(link, "size")->valuedouble;

	if (found->size != promised)
		ota_bytes_format(&differences, "size is %" PRIu64 ", should be %" PRIu64, found->size, promised);
	compare(&differences, link, "sha256", found->sha256);
	compare(&differences, link, "md5", found->md5);
	if (differences.size > 0)
		return ota_fail(error, OTA_EVERIFY, "%s", differences.data);
	return cJSON_AddTrueToObject(link, "intact") ? 0 : ota_fail(error, OTA_ENOMEM, "out of memory");
}

/* What is not ours may be anything. */
static bool is_link(const cJSON *link)
{
	return cJSON_IsString(ota_json_member(link, "url")) && cJSON_IsNumber(ota_json_member(link, "size")) &&
	       cJSON_IsString(ota_json_member(link, "sha256")) && cJSON_IsString(ota_json_member(link, "md5"));
}

static int verify_one(struct ota_invocation *invocation, cJSON *link, struct ota_error *error)
{
	struct ota_fetch_result result;
	const cJSON *name = ota_json_member(link, "name");

	if (!is_link(link))
		return ota_fail(error, OTA_EIO, "the server gave no link by which to fetch the package");
	bool is_ours = ota_json_member(link, "expiresAt") != NULL;
	int code = fetch(invocation, ota_json_member(link, "url")->valuestring,
			 is_ours ? ota_client_ca_file(invocation->client) : "", &result, error);

	if (code == 0)
		code = judge(link, &result.digests, error);
	return code < 0 && cJSON_IsString(name) ? ota_error_prefix(error, code, "%.64s", name->valuestring) : code;
}

int ota_package_verify(struct ota_invocation *invocation, struct ota_error *error)
{
	OTA_AUTO_JSON cJSON *command = NULL;
	OTA_AUTO_JSON cJSON *link = NULL;
	int code = ota_invocation_command(invocation, &command, error);

	if (code == 0)
		code = ota_invocation_ask(invocation, command, &link, error);
	if (code < 0)
		return code;
	const cJSON *files = ota_json_member(link, "files");
	cJSON *file = files ? files->child : link;
	for (; code == 0 && file; file = file->next)
		code = verify_one(invocation, file, error);
	if (code == 0)
		ota_output_one(&invocation->output, invocation->verb->view, link);
	return code;
}
