#include "gateway/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/signature.h"
#include "gateway/listener.h"
#include "link/link.h"

int ota_gateway_password(const struct ota_settings *settings, char ret_text[OTA_GATEWAY_PASSWORD_MAX + 1],
			 struct ota_error *error)
{
	const char *path = settings->broker_password_file;
	int code;

	ret_text[0] = '\0';
	if (path[0] == '\0')
		return 0;
	code = ota_file_read_secret(path, ret_text, OTA_GATEWAY_PASSWORD_MAX + 1, error);
	if (code < 0)
		return ota_error_prefix(error, code, "broker_password_file");
	ret_text[strcspn(ret_text, "\r\n")] = '\0';
	return 0;
}

static int check_listen(const struct ota_settings *settings, struct ota_error *error)
{
	struct ota_listener_place place;

	return ota_listener_parse(settings->listen, &place, error);
}

/* systemd lends such a file to the service alone: whoever checks the settings before the service runs finds none. The start
 * reads it in any case. */
static bool is_lent(const char *path)
{
	static const char lent[] = "/run/credentials/";

	return strncmp(path, lent, sizeof(lent) - 1) == 0 && !getenv("CREDENTIALS_DIRECTORY");
}

static int check_password(const struct ota_settings *settings, struct ota_error *error)
{
	char password[OTA_GATEWAY_PASSWORD_MAX + 1];
	int code = ota_gateway_password(settings, password, error);

	explicit_bzero(password, sizeof(password));
	return code == OTA_ENOTFOUND && is_lent(settings->broker_password_file) ? 0 : code;
}

static int check_broker(const struct ota_settings *settings, struct ota_error *error)
{
	struct ota_link_options options = {
		.url = settings->broker,
		.ca_file = settings->broker_ca_file[0] ? settings->broker_ca_file : NULL,
	};
	int code = ota_link_check(&options, error);

	return code < 0 ? ota_error_prefix(error, code, "broker") : check_password(settings, error);
}

/* One that is not there yet is made at the start. */
static int check_url_key(const struct ota_settings *settings, struct ota_error *error)
{
	struct ota_url_keys keys;
	int code = ota_url_keys_read(settings->url_key_file, &keys, error);

	explicit_bzero(&keys, sizeof(keys));
	return code < 0 && code != OTA_ENOTFOUND ? ota_error_prefix(error, code, "url_key_file") : 0;
}

/* So is a directory. */
static int check_package_dir(const struct ota_settings *settings, struct ota_error *error)
{
	const char *path = settings->package_dir;
	struct stat status;

	if (stat(path, &status) < 0)
		return errno == ENOENT ? 0 : ota_fail_errno(error, "package_dir: %s", path);
	if (!S_ISDIR(status.st_mode))
		return ota_fail(error, OTA_EINVALID, "package_dir: %s is no directory", path);
	return access(path, W_OK | X_OK) < 0 ? ota_fail_errno(error, "package_dir: %s", path) : 0;
}

static int check_readable(const char *key, const char *path, struct ota_error *error)
{
	return path[0] && access(path, R_OK) < 0 ? ota_fail_errno(error, "%s: %s", key, path) : 0;
}

static int check_tls(const struct ota_settings *settings, struct ota_error *error)
{
	int code = check_readable("tls_cert", settings->tls_cert, error);

	return code < 0 ? code : check_readable("tls_key", settings->tls_key, error);
}

int ota_gateway_check(const struct ota_settings *settings, struct ota_error *error)
{
	static int (*const checks[])(const struct ota_settings *settings, struct ota_error *error) = {
		check_listen, check_tls, check_broker, check_package_dir, check_url_key,
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		code = checks[i](settings, error);
	return code;
}
