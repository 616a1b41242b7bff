#include "agent/options.h"

#include <string.h>

#include "common/text.h"
#include "common/time.h"
#include "link/proxy.h"

enum {
	STARTS_MAX = 5, /* of one attempt: what brings the device down five times will do so a sixth time */
	RESTART_TRIES_MAX = 3,
	RESTART_PATIENCE_MS = 10 * OTA_MINUTE_MS,
};

const struct ota_agent_options agent_option_defaults = {
	.keepalive_ms = OTA_MINUTE_MS,
	.backoff_base_ms = OTA_SECOND_MS,
	.backoff_cap_ms = OTA_MINUTE_MS,
	.url_schemes = "https",
	.connect_timeout_ms = 30 * OTA_SECOND_MS,
	.min_speed = 64,
	.min_speed_time_ms = 30 * OTA_SECOND_MS,
	.download_tries = 8,
	.download_deadline_ms = OTA_HOUR_MS,
	.retry_base_ms = OTA_SECOND_MS,
	.retry_cap_ms = 5 * OTA_MINUTE_MS,
};

#define OR_DEFAULT(field) (options->field ? options->field : agent_option_defaults.field)

static const char *text_or(const char *value, const char *otherwise)
{
	return value && value[0] ? value : otherwise;
}

static int check_identity(const struct ota_agent_options *options, struct ota_error *error)
{
	if (!options->broker || !options->state_dir || !options->product_key || !options->device_name)
		return ota_fail(error, OTA_EINVALID, "broker, product_key, device_name and state_dir are required");
	if (!ota_text_is_product_key(ota_span_from_text(options->product_key)))
		return ota_fail_at(error, OTA_EINVALID, "product_key", "product_key must be 1 to %d letters and digits",
				   OTA_PRODUCT_KEY_MAX);
	if (!ota_text_is_device_name(ota_span_from_text(options->device_name)))
		return ota_fail_at(error, OTA_EINVALID, "device_name", "device_name must be 1 to %d letters, digits and _.:@-",
				   OTA_DEVICE_NAME_MAX);
	return 0;
}

static int check_network(const struct ota_agent_options *options, struct ota_error *error)
{
	const char *cert = text_or(options->cert_file, NULL), *key = text_or(options->key_file, NULL);
	uint64_t min_speed = OR_DEFAULT(min_speed);

	if (!cert != !key)
		return ota_fail_at(error, OTA_EINVALID, cert ? "key_file" : "cert_file",
				   "cert_file and key_file belong together; %s is missing", cert ? "key_file" : "cert_file");
	if (options->max_speed && options->max_speed <= min_speed)
		return ota_fail_at(error, OTA_EINVALID, "max_speed",
				   "max_speed must be more than min_speed, or every download counts as cut");
	if (text_or(options->pinned_key, NULL) && strncmp(options->pinned_key, "sha256//", 8))
		return ota_fail_at(error, OTA_EINVALID, "pinned_key",
				   "pinned_key must be sha256// and the Base64 SHA-256 of a public key");
	return text_or(options->proxy, NULL) ? ota_proxy_check(options->proxy, error) : 0;
}

int agent_options_check(const struct ota_agent_options *options, struct ota_error *error)
{
	int rc = check_identity(options, error);

	return rc ? rc : check_network(options, error);
}

struct agent_curl_options agent_options_curl(const struct ota_agent_options *options)
{
	return (struct agent_curl_options){
		.state_dir = options->state_dir,
		.url_schemes = text_or(options->url_schemes, agent_option_defaults.url_schemes),
		.url_hosts = text_or(options->url_hosts, ""),
		.ca_file = text_or(options->ca_file, ""),
		.cert_file = text_or(options->cert_file, ""),
		.key_file = text_or(options->key_file, ""),
		.pinned_key = text_or(options->pinned_key, ""),
		.proxy = text_or(options->proxy, ""),
		.no_proxy = text_or(options->no_proxy, ""),
		.connect_timeout_ms = OR_DEFAULT(connect_timeout_ms),
		.min_speed = OR_DEFAULT(min_speed),
		.min_speed_time_ms = OR_DEFAULT(min_speed_time_ms),
		.max_speed = options->max_speed,
	};
}

struct agent_mqtt_options agent_options_mqtt(const struct ota_agent_options *options)
{
	struct agent_mqtt_options mqtt = {
		.broker = options->broker,
		.version = options->mqtt_5 ? OTA_MQTT_5 : OTA_MQTT_3_1_1,
		.device_secret_file = text_or(options->device_secret_file, ""),
		.ca_file = options->ca_file,
		.cert_file = options->cert_file,
		.key_file = options->key_file,
		.proxy = options->proxy,
		.no_proxy = options->no_proxy,
		.keepalive_ms = OR_DEFAULT(keepalive_ms),
		.backoff_base_ms = OR_DEFAULT(backoff_base_ms),
		.backoff_cap_ms = OR_DEFAULT(backoff_cap_ms),
	};

	ota_identity_make(ota_span_from_text(options->product_key), ota_span_from_text(options->device_name), &mqtt.identity);
	return mqtt;
}

struct agent_limits agent_options_limits(const struct ota_agent_options *options)
{
	return (struct agent_limits){
		.starts_max = STARTS_MAX,
		.fetch_tries_max = OR_DEFAULT(download_tries),
		.fetch_deadline_ms = OR_DEFAULT(download_deadline_ms),
		.retry_base_ms = OR_DEFAULT(retry_base_ms),
		.retry_cap_ms = OR_DEFAULT(retry_cap_ms),
		.restart_tries_max = RESTART_TRIES_MAX,
		.restart_patience_ms = RESTART_PATIENCE_MS,
	};
}
