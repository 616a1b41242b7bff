#include "link/settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/time.h"
#include "link/proxy.h"

static int check_readable(const char *path, const char *what, struct ota_error *error)
{
	if (!path || !access(path, R_OK))
		return 0;
	return ota_fail(error, OTA_EINVALID, "%s %s cannot be read", what, path);
}

static bool copy_text(char **target, const char *from)
{
	*target = from ? strdup(from) : NULL;
	return !from || *target;
}

static bool settings_copy_subscriptions(struct link_settings *settings, const char *const *topics)
{
	size_t count = 0;

	while (topics && topics[count])
		count++;
	settings->subscriptions = calloc(count + 1, sizeof(*settings->subscriptions));
	settings->subscription_qos = calloc(count + 1, sizeof(*settings->subscription_qos));
	if (!settings->subscriptions || !settings->subscription_qos)
		return false;
	for (; settings->subscription_count < count; settings->subscription_count++) {
		if (!copy_text(&settings->subscriptions[settings->subscription_count], topics[settings->subscription_count]))
			return false;
		settings->subscription_qos[settings->subscription_count] = 1;
	}
	return true;
}

static bool settings_copy_options(struct link_settings *settings, const struct ota_link_options *options)
{
	int64_t timeout_ms = options->connect_timeout_ms ? options->connect_timeout_ms : 10 * OTA_SECOND_MS;

	settings->is_5 = options->version == OTA_MQTT_5;
	settings->keepalive_s = options->keepalive_s ? options->keepalive_s : 60;
	settings->connect_timeout_s = (int)((timeout_ms + OTA_SECOND_MS - 1) / OTA_SECOND_MS);
	return copy_text(&settings->ca_file, options->ca_file) && copy_text(&settings->cert_file, options->cert_file) &&
	       copy_text(&settings->key_file, options->key_file) && copy_text(&settings->username, options->username) &&
	       copy_text(&settings->password, options->password) && settings_copy_subscriptions(settings, options->subscriptions);
}

/* Paho reads the proxy from the environment where it is given none, and cannot be told not to. */
static int check_environment(const struct link_settings *settings, struct ota_error *error)
{
	const char *name = settings->server.tls ? "https_proxy" : "http_proxy";

	if (settings->proxy || !getenv(name))
		return 0;
	return ota_fail(error, OTA_ECONFLICT, "%s in the environment would be followed; unset it, and name a proxy here", name);
}

static int settings_take_proxy(struct link_settings *settings, const struct ota_link_options *options, struct ota_error *error)
{
	static const char scheme[] = "http://";
	int rc = options->proxy ? ota_proxy_check(options->proxy, error) : 0;

	if (rc || !options->proxy || ota_proxy_spares(options->no_proxy, settings->server.host))
		return rc;
	settings->proxy = strdup(options->proxy + sizeof(scheme) - 1);
	return settings->proxy ? 0 : ota_fail(error, OTA_ENOMEM, "no memory for a connection");
}

static int check_files(const struct ota_link_options *options, struct ota_error *error)
{
	int rc = check_readable(options->ca_file, "CA file", error);

	rc = rc ? rc : check_readable(options->cert_file, "client certificate", error);
	return rc ? rc : check_readable(options->key_file, "client key", error);
}

int link_settings_copy(struct link_settings *settings, const struct ota_link_options *options, struct ota_error *error)
{
	int rc = link_server_parse(options->url, &settings->server, error);

	rc = rc ? rc : check_files(options, error);
	if (!rc && !settings_copy_options(settings, options))
		rc = ota_fail(error, OTA_ENOMEM, "no memory for a connection");
	rc = rc ? rc : settings_take_proxy(settings, options, error);
	return rc ? rc : check_environment(settings, error);
}

void link_settings_clear(struct link_settings *settings)
{
	for (size_t i = 0; i < settings->subscription_count; i++)
		free(settings->subscriptions[i]);
	free(settings->subscriptions);
	free(settings->subscription_qos);
	free(settings->proxy);
	free(settings->ca_file);
	free(settings->cert_file);
	free(settings->key_file);
	free(settings->username);
	free(settings->password);
	*settings = (struct link_settings){0};
}

int ota_link_check(const struct ota_link_options *options, struct ota_error *error)
{
	struct link_settings settings = {0};
	int rc = link_settings_copy(&settings, options, error);

	link_settings_clear(&settings);
	return rc;
}
