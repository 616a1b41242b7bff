#include "ctl/access.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/config.h"
#include "common/credential.h"
#include "common/file.h"
#include "common/text.h"

#define SYSTEM_CONFIG "/etc/otactl.conf"
#define DEFAULT_URL "http://127.0.0.1:8080"

/* clang-format off */
#define FIELD(name) .section = "", .key = #name, .offset = offsetof(struct ota_access, name), \
	.size = sizeof(((struct ota_access *)0)->name)

static const struct ota_config_row rows[] = {
	{ FIELD(url),        .type = OTA_CONFIG_TEXT, .help = "http://host:port of the gateway" },
	{ FIELD(token),      .type = OTA_CONFIG_TEXT, .help = "the operator's token" },
	{ FIELD(token_file), .type = OTA_CONFIG_PATH, .help = "a file with the token" },
	{ FIELD(ca_file),    .type = OTA_CONFIG_PATH, .help = "CA bundle for https, the system's if absent" },
};
/* clang-format on */

const struct ota_config_row *ota_access_rows(size_t *ret_count)
{
	*ret_count = sizeof(rows) / sizeof(rows[0]);
	return rows;
}

static void *section(void *context, const char *kind, const char *name, struct ota_error *error)
{
	(void)name;
	if (kind[0] == '\0')
		return context;
	(void)ota_fail(error, OTA_EINVALID, "section [%s]: there are no sections here", kind);
	return NULL;
}

/* A token in a file that others may read is no secret any more. */
static int check_private(const char *path, struct ota_error *error)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return ota_fail_errno(error, "%s", path);
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return ota_fail(error, OTA_EDENIED, "%s holds a token and may be read by others (chmod 600)", path);
	return 0;
}

static int read_config(const char *path, struct ota_access *access, struct ota_error *error)
{
	struct ota_config_spec spec = { rows, sizeof(rows) / sizeof(rows[0]), section, access };
	struct ota_access before = *access;
	int code;

	/* Either of the two replaces what another file said of the other. */
	access->token[0] = access->token_file[0] = '\0';
	code = ota_config_read(path, &spec, error);
	if (code == 0 && access->token[0] != '\0')
		code = check_private(path, error);
	if (code == 0 && access->token[0] == '\0' && access->token_file[0] == '\0') {
		memcpy(access->token, before.token, sizeof(access->token));
		memcpy(access->token_file, before.token_file, sizeof(access->token_file));
	}
	return code;
}

static int read_config_if_there(const char *path, struct ota_access *access, struct ota_error *error)
{
	struct stat status;

	return stat(path, &status) == 0 ? read_config(path, access, error) : 0;
}

static int read_configs(const char *given, struct ota_access *access, struct ota_error *error)
{
	const char *base = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	int code;

	if (given)
		return read_config(given, access, error);
	code = read_config_if_there(SYSTEM_CONFIG, access, error);
	if (code < 0 || (!base && !home))
		return code;
	if (base && base[0])
		(void)snprintf(path, sizeof(path), "%s/otactl.conf", base);
	else
		(void)snprintf(path, sizeof(path), "%s/.config/otactl.conf", home ? home : "");
	return read_config_if_there(path, access, error);
}

static int take(char *target, size_t size, const char *name, const char *value, struct ota_error *error)
{
	if (value && !ota_text_copy(target, size, ota_span_from_text(value)))
		return ota_fail(error, OTA_EINVALID, "%s is too long", name);
	return 0;
}

static int take_token_file(const char *name, const char *value, struct ota_access *access, struct ota_error *error)
{
	if (value)
		access->token[0] = '\0';
	return take(access->token_file, sizeof(access->token_file), name, value, error);
}

static int read_environment(struct ota_access *access, struct ota_error *error)
{
	const char *token = getenv("OTA_TOKEN");
	int code = take(access->url, sizeof(access->url), "OTA_URL", getenv("OTA_URL"), error);

	if (code == 0)
		code = take_token_file("OTA_TOKEN_FILE", getenv("OTA_TOKEN_FILE"), access, error);
	if (code == 0 && token) {
		access->token_file[0] = '\0';
		code = take(access->token, sizeof(access->token), "OTA_TOKEN", token, error);
	}
	return code;
}

static int read_token_file(struct ota_access *access, struct ota_error *error)
{
	int code = ota_file_read_secret(access->token_file, access->token, sizeof(access->token), error);

	if (code < 0)
		return ota_error_prefix(error, code, "token file");
	access->token[strcspn(access->token, "\r\n")] = '\0';
	return 0;
}

static int check(struct ota_access *access, struct ota_error *error)
{
	size_t size = strlen(access->url);

	while (size > 0 && access->url[size - 1] == '/')
		access->url[--size] = '\0';
	if (strncmp(access->url, "http://", 7) != 0 && strncmp(access->url, "https://", 8) != 0)
		return ota_fail(error, OTA_EINVALID, "the URL of the gateway is \"%s\"; it must begin with http:// or https://",
				access->url);
	if (access->token[0] == '\0')
		return ota_fail(error, OTA_EINVALID,
				"no token: set OTA_TOKEN or OTA_TOKEN_FILE, or token = ota_... in ~/.config/otactl.conf");
	if (!ota_token_is_wellformed(ota_span_from_text(access->token)))
		return ota_fail(error, OTA_EINVALID, "the token is malformed; it is ota_ and 43 characters");
	return 0;
}

int ota_access_read(const struct ota_access_options *options, struct ota_access *ret_access, struct ota_error *error)
{
	struct ota_access access = { .url = DEFAULT_URL };
	int code = read_configs(options->config, &access, error);

	if (code == 0)
		code = read_environment(&access, error);
	if (code == 0)
		code = take(access.url, sizeof(access.url), "--gateway", options->url, error);
	if (code == 0)
		code = take_token_file("--token-file", options->token_file, &access, error);
	if (code == 0 && access.token_file[0] != '\0' && access.token[0] == '\0')
		code = read_token_file(&access, error);
	if (code == 0)
		code = check(&access, error);
	if (code == 0)
		*ret_access = access;
	return code;
}
