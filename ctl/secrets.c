#include "ctl/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/file.h"

static const char header[] = "product_key,device_name,device_secret\n";

static int no_memory(struct ota_error *error)
{
	return ota_fail(error, OTA_ENOMEM, "out of memory");
}

static int file_make(struct ota_secrets *secrets, struct ota_error *error)
{
	int code;

	secrets->fd = open(secrets->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (secrets->fd < 0 && errno == EEXIST)
		return ota_fail(error, OTA_ECONFLICT,
				"--out: %s is there already, and may hold secrets that are shown nowhere else; name another file",
				secrets->path);
	if (secrets->fd < 0)
		return ota_fail_errno(error, "--out: %s", secrets->path);
	code = ota_file_write_all(secrets->fd, header, sizeof(header) - 1, error);
	return code < 0 ? ota_error_prefix(error, code, "--out: %s", secrets->path) : 0;
}

int ota_secrets_open(const struct ota_invocation *invocation, struct ota_secrets *ret_secrets, struct ota_error *error)
{
	struct ota_secrets secrets = { .path = ota_invocation_value(invocation, "out"), .fd = -1 };
	int code = 0;

	secrets.shown = cJSON_CreateArray();
	if (!secrets.shown)
		return no_memory(error);
	if (secrets.path)
		code = file_make(&secrets, error);
	if (code < 0) {
		ota_secrets_close(&secrets);
		return code;
	}
	*ret_secrets = secrets;
	return 0;
}

/* In the file for good: the server has forgotten them already. Names and secrets need no quotes. */
static int file_append(struct ota_secrets *secrets, const char *product_key, const cJSON *devices, struct ota_error *error)
{
	OTA_AUTO_BYTES struct ota_bytes text = { 0 };
	const cJSON *device;
	int code;

	cJSON_ArrayForEach(device, devices)
		ota_bytes_format(&text, "%s,%s,%s\n", product_key, ota_json_member(device, "deviceName")->valuestring,
				 ota_json_member(device, "deviceSecret")->valuestring);
	if (text.failed)
		return no_memory(error);
	code = ota_file_write_all(secrets->fd, text.data, text.size, error);
	if (code == 0 && fsync(secrets->fd) < 0 && errno != EINVAL) /* a pipe cannot */
		code = ota_fail_errno(error, "cannot write");
	if (text.data)
		explicit_bzero(text.data, text.size);
	return code < 0 ? ota_error_prefix(error, code, "%s", secrets->path) : 0;
}

static int check(const cJSON *devices, struct ota_error *error)
{
	const cJSON *device;

	cJSON_ArrayForEach(device, devices) {
		if (!cJSON_IsString(ota_json_member(device, "deviceName")) ||
		    !cJSON_IsString(ota_json_member(device, "deviceSecret")))
			return ota_fail(error, OTA_EIO, "the answer holds a device without its secret");
	}
	return 0;
}

static int gather(struct ota_secrets *secrets, const cJSON *devices, struct ota_error *error)
{
	const cJSON *device;

	cJSON_ArrayForEach(device, devices) {
		if (!cJSON_AddItemToArray(secrets->shown, cJSON_Duplicate(device, true)))
			return no_memory(error);
	}
	return 0;
}

int ota_secrets_add(struct ota_secrets *secrets, const char *product_key, const cJSON *devices, struct ota_error *error)
{
	int code = check(devices, error);

	if (code < 0 || cJSON_GetArraySize(devices) == 0)
		return code;
	code = secrets->path ? file_append(secrets, product_key, devices, error) : 0;
	if (secrets->path && code == 0)
		secrets->kept += cJSON_GetArraySize(devices);
	else if (gather(secrets, devices, error) < 0)
		return error->code;
	return code;
}

int ota_secrets_tell(struct ota_secrets *secrets, cJSON *answer, struct ota_error *error)
{
	cJSON *shown = secrets->shown;

	if (secrets->kept > 0 && !cJSON_AddStringToObject(answer, "file", secrets->path))
		return no_memory(error);
	if (secrets->path && cJSON_GetArraySize(shown) == 0)
		return 0;
	if (!cJSON_AddItemToObject(answer, "devices", shown))
		return no_memory(error);
	secrets->shown = NULL;
	return 0;
}

void ota_secrets_close(struct ota_secrets *secrets)
{
	if (secrets->fd >= 0) {
		(void)close(secrets->fd);
		if (secrets->kept == 0)
			(void)unlink(secrets->path);
	}
	cJSON_Delete(secrets->shown);
	*secrets = (struct ota_secrets){ .fd = -1 };
}
