#include "plugin/broker/notice.h"

static const struct ota_pace_rate line_rate = {.count = 5, .period_ms = OTA_SECOND_MS, .burst = 50};

static void client_tell(struct ota_log_line *line, const struct mosquitto *client)
{
	ota_log_text(line, "client_id", mosquitto_client_id(client));
	ota_log_text(line, "username", mosquitto_client_username(client));
	ota_log_text(line, "address", mosquitto_client_address(client));
}

void ota_notice_login_refused(const struct ota_server *server, const struct mosquitto *client, const char *why)
{
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_WARNING, "login_refused");
	ota_log_text(&line, "why", why);
	client_tell(&line, client);
	ota_log_end(&server->log, &line);
}

void ota_notice_theft(const struct ota_server *server, const char *client_id, const struct ota_identity *thief,
		      const struct ota_identity *owner)
{
	struct ota_log_line line;
	char username[OTA_USERNAME_SIZE];
	ota_log_begin(&line, OTA_LOG_WARNING, "connection_refused");
	ota_log_text(&line, "why", "client_id_taken");
	ota_log_text(&line, "client_id", client_id);
	ota_identity_print(username, thief);
	ota_log_text(&line, "username", username);
	ota_identity_print(username, owner);
	ota_log_text(&line, "session_of", username);
	ota_log_end(&server->log, &line);
}

void ota_notice_paced(const struct ota_server *server, struct ota_pace *pace, struct ota_log_line *line)
{
	uint64_t held_back = pace->refused;
	if (!ota_pace_take(pace, line_rate, ota_boot_ms()))
		return;
	ota_pace_take_refused(pace);
	if (held_back > 0)
		ota_log_integer(line, "more_like_it", (int64_t)held_back);
	ota_log_end(&server->log, line);
}

void ota_notice_keyring(struct ota_server *server, const struct ota_identity *identity, const struct ota_error *error)
{
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_ERROR, "secret_unreadable");
	ota_log_text(&line, "productKey", identity->product_key);
	ota_log_text(&line, "deviceName", identity->device_name);
	ota_log_text(&line, "error", error->text);
	ota_notice_paced(server, &server->refusals, &line);
}

void ota_notice_refused(struct ota_server *server, const struct mosquitto *client, const char *event, const char *topic,
			const char *why)
{
	struct ota_log_line line;
	ota_log_begin(&line, OTA_LOG_WARNING, event);
	ota_log_text(&line, "why", why);
	ota_log_text(&line, "topic", topic);
	client_tell(&line, client);
	ota_notice_paced(server, &server->refusals, &line);
}
